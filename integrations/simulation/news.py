"""What the press writes about the accounts: some of it behind their troubles, most of it not."""

from __future__ import annotations

import numpy as np

from .clock import Ints, Times, Words, add_days, at_midnight, in_office_hours
from .scene import Scene
from .tables import BundleWriter, blanked, ids, words

KINDS = words(
    (
        "layoffs",
        "funding",
        "acquisition",
        "leadership_change",
        "restructuring",
        "expansion",
        "competitor_mention",
    )
)
LAYOFFS, FUNDING, ACQUISITION, LEADERSHIP, RESTRUCTURING, EXPANSION, RIVAL = range(7)
_NOISE = np.array([0.07, 0.20, 0.06, 0.20, 0.09, 0.23, 0.15])
_HEADLINES: dict[int, tuple[str, ...]] = {
    LAYOFFS: ("{c} to cut one job in ten", "{c} closes an office and lets staff go", "Fewer posts at {c}"),
    FUNDING: ("{c} raises fresh money", "Investors back {c}", "{c} secures a credit line for growth"),
    ACQUISITION: (
        "{c} to be bought by a larger rival",
        "{c} takes over a smaller firm",
        "Merger talks at {c}",
    ),
    LEADERSHIP: (
        "{c} names a new chief operating officer",
        "Change at the top of {c}",
        "{c}: head of IT leaves",
    ),
    RESTRUCTURING: ("{c} redraws its divisions", "{c} bundles its back office", "New structure for {c}"),
    EXPANSION: ("{c} opens a second site", "{c} hires in three countries", "{c} enters a new market"),
    RIVAL: (
        "{c} speaks at another vendor's user day",
        "{c} named in a competitor's case study",
        "{c} tests a rival tool",
    ),
}


def write_news(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write the news of the window."""
    account, published, kind = _stories(scene, rng)
    keep = np.flatnonzero(scene.is_customer(account, published))
    order = keep[np.argsort(published[keep], kind="stable")]
    account, published, kind = account[order], published[order], kind[order]
    numbers = np.arange(1, len(order) + 1)
    urls = words(f"https://news.example/story/{number}" for number in numbers)
    writer.write(
        "company_events",
        {
            "external_id": ids("NEWS", len(order)),
            "account_external_id": scene.accounts.ids[account],
            "kind": KINDS[kind],
            "published_at": published,
            "headline": _headlines(kind, scene.accounts.names[account], rng),
            "url": blanked(urls, rng.random(len(order)) < 0.3),
        },
    )


def _stories(scene: Scene, rng: np.random.Generator) -> tuple[Ints, Times, Ints]:
    rate = np.full((scene.accounts.count, scene.window.weeks), scene.setting.world.news_per_year / 52)
    account, published = scene.weekly_happenings(rate, rng)
    kind = rng.choice(7, size=len(account), p=_NOISE)
    parts = [(account, published, kind)]
    if scene.setting.fates is not None:  # then no story is about what makes customers leave
        return account, published, kind
    for shock, story, share in (
        ("layoffs", LAYOFFS, 0.75),
        ("champion_left", LEADERSHIP, 0.25),
        ("new_project", EXPANSION, 0.35),
        ("cash_squeeze", RESTRUCTURING, 0.30),
    ):
        events = scene.causes.events[shock]
        told = rng.random(len(events.account)) < share
        day = add_days(at_midnight(events.day[told]), rng.uniform(0, 20, int(told.sum())))
        parts.append((events.account[told], in_office_hours(day, rng), np.full(int(told.sum()), story)))
    accounts, times, kinds = zip(*parts, strict=True)
    return np.concatenate(accounts), np.concatenate(times), np.concatenate(kinds)


def _headlines(kind: Ints, company: Words, rng: np.random.Generator) -> Words:
    pick = rng.integers(0, 3, len(kind))
    return words(
        _HEADLINES[topic][choice].replace("{c}", name)
        for topic, choice, name in zip(kind.tolist(), pick.tolist(), company, strict=True)
    )
