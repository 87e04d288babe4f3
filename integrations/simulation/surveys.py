"""Answers to surveys: who was asked and kept silent is not written, as in most real exports."""

from __future__ import annotations

import numpy as np

from .clock import Floats, Ints, Times, Words, add_days, add_seconds
from .phrases import BAD, FLAT, GOOD
from .scene import Scene
from .tables import BundleWriter, blanked, ids, words

KINDS = words(("nps", "csat", "ces", "review"))
_LOWEST = np.array([0, 1, 1, 1])
_HIGHEST = np.array([10, 5, 7, 5])
_ASKED_PER_WEEK = np.array([0.050, 0.026, 0.016, 0.004])

_SUBJECTS = words(
    (
        "the product",
        "the last release",
        "support",
        "reporting",
        "the onboarding",
        "our success manager",
        "the sync",
    )
)
_REMARKS: dict[int, Words] = {
    BAD: words(
        (
            "I had higher hopes for {s}.",
            "It has become slower and {s} does not keep up.",
            "Too many open issues with {s}, and no date for any of them.",
            "Hard to justify the price given {s}.",
            "We are looking around. The reason is {s}.",
            "Nobody has called us in months, and {s} got worse.",
        )
    ),
    FLAT: words(
        (
            "Mostly fine. I would spend more effort on {s}.",
            "Does what it should; {s} could be simpler.",
            "No strong opinion about {s}.",
            "Useful, although {s} takes some learning.",
            "Good in parts; with {s} we still struggle a little.",
        )
    ),
    GOOD: words(
        (
            "Very happy with {s}, keep going.",
            "We would not want to miss it, and {s} is a big part of that.",
            "{s} made our work a good deal easier.",
            "I have recommended you to a neighbouring company because of {s}.",
            "Quick people, and {s} just works.",
        )
    ),
}


def write_surveys(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write the answers of the window."""
    account, sent, kind = _asked(scene, rng)
    answered_at = add_days(sent, rng.exponential(2.2, len(account)))
    person = scene.people.someone(account, sent, rng)
    week = scene.window.week_of(sent)
    mood = scene.causes.at("mood", account, week) + 0.35 * scene.causes.at("usage", account, week)
    mood = mood + rng.normal(0.0, 0.8, len(account))
    willing = 0.62 * np.exp(np.clip(0.5 * scene.causes.at("replies", account, week), -2.0, 0.4))
    keep = (rng.random(len(account)) < willing) & scene.is_customer(account, answered_at)
    order = np.argsort(answered_at[keep], kind="stable")
    rows = np.flatnonzero(keep)[order]
    score = _scores(kind[rows], mood[rows], rng)
    writer.write(
        "surveys",
        {
            "external_id": ids("SUR", len(rows)),
            "account_external_id": scene.accounts.ids[account[rows]],
            "contact_external_id": blanked(scene.people.ids[person[rows]], rng.random(len(rows)) < 0.06),
            "kind": KINDS[kind[rows]],
            "score": score,
            "sent_at": sent[rows],
            "responded_at": answered_at[rows],
            "comment": _comments(kind[rows], score, rng),
        },
    )


def _asked(scene: Scene, rng: np.random.Generator) -> tuple[Ints, Times, Ints]:
    """Who was asked what and when; larger companies have more people to ask."""
    people = np.array([1.0, 1.5, 2.2])[scene.accounts.segment]
    rate = np.repeat((_ASKED_PER_WEEK.sum() * people)[:, None], scene.window.weeks, axis=1)
    account, sent = scene.weekly_happenings(rate, rng)
    share = _ASKED_PER_WEEK / _ASKED_PER_WEEK.sum()
    return (
        account,
        add_seconds(sent, rng.integers(0, 60, len(sent))),
        rng.choice(4, size=len(account), p=share),
    )


def _scores(kind: Ints, mood: Floats, rng: np.random.Generator) -> Ints:
    """Where a mood falls on each scale; contented people sit at about eight of ten."""
    low, high = _LOWEST[kind], _HIGHEST[kind]
    place = 0.79 + 0.21 * mood + rng.normal(0.0, 0.06, len(kind))
    return np.asarray(np.clip(np.rint(low + place * (high - low)), low, high).astype(np.int64))


def _comments(kind: Ints, score: Ints, rng: np.random.Generator) -> Words:
    place = (score - _LOWEST[kind]) / (_HIGHEST[kind] - _LOWEST[kind])
    feeling = np.where(place < 0.58, BAD, np.where(place > 0.84, GOOD, FLAT))
    bank = {
        level: words(r.replace("{s}", s) for r in remarks for s in _SUBJECTS)
        for level, remarks in _REMARKS.items()
    }
    out = np.empty(len(kind), dtype=object)
    for level, texts in bank.items():
        mine = np.flatnonzero(feeling == level)
        out[mine] = words(
            text[0].upper() + text[1:] for text in texts[rng.integers(0, len(texts), len(mine))]
        )
    silent = rng.random(len(kind)) < np.where(feeling == FLAT, 0.6, 0.35)
    return blanked(out, silent)
