"""Support tickets: how many, in which mood, how fast they are answered, and how content people are afterwards."""

from __future__ import annotations

import numpy as np

from . import phrases
from .catalogue import ADD_ONS, PRODUCT_IDS
from .clock import NEVER, Floats, Ints, Times, add_seconds
from .scene import Scene
from .tables import BundleWriter, blanked, ids, words

PRIORITIES = words(("low", "normal", "high", "urgent"))
_FIRST_REPLY_HOURS = np.array([14.0, 7.0, 3.0, 0.9])
_CLOSE_HOURS = np.array([120.0, 80.0, 48.0, 22.0])
_CATEGORY_SHARES = np.array([0.24, 0.30, 0.10, 0.16, 0.08, 0.12])
_TROUBLE_SHARES = np.array([0.42, 0.08, 0.20, 0.16, 0.06, 0.08])


def write_tickets(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write the tickets of the window."""
    account, opened = scene.weekly_happenings(_rate(scene), rng)
    order = np.argsort(opened, kind="stable")
    account, opened = account[order], opened[order]
    week = scene.window.week_of(opened)
    mood = scene.causes.at("mood", account, week) + rng.normal(0.0, 0.45, len(account))
    feeling = np.where(mood < -0.55, phrases.BAD, np.where(mood > 0.45, phrases.GOOD, phrases.FLAT))
    category = _categories(scene, account, week, rng)
    priority = np.clip(rng.choice(4, size=len(account), p=[0.22, 0.48, 0.23, 0.07]) + (mood < -0.9), 0, 3)
    subject, body = phrases.ticket_texts(category, feeling, rng)
    times = _times(scene, account, week, opened, priority, mood, rng)
    closed = scene.window.known(times["closed_at"])
    answered = ~np.isnat(closed) & (rng.random(len(account)) < 0.42)
    csat = np.clip(
        np.rint(4.1 + 0.9 * mood - _lateness(opened, closed) + rng.normal(0, 0.8, len(account))), 1, 5
    )
    product = np.where(rng.random(len(account)) < 0.72, 0, rng.integers(1, ADD_ONS + 1, len(account)))
    writer.write(
        "tickets",
        {
            "external_id": ids("TIC", len(account)),
            "account_external_id": scene.accounts.ids[account],
            "opened_at": opened,
            "first_response_at": scene.window.known(times["first_response_at"]),
            "closed_at": closed,
            "priority": PRIORITIES[priority],
            "category": phrases.CATEGORIES[category],
            "product": blanked(PRODUCT_IDS[product], rng.random(len(account)) < 0.06),
            "escalated_at": scene.window.known(times["escalated_at"]),
            "csat": blanked(csat.astype(np.int64).astype(str).astype(object), ~answered),
            "subject": subject,
            "body": body,
            "resolution": blanked(phrases.resolution_texts(category, rng), np.isnat(closed)),
        },
    )


def _rate(scene: Scene) -> Floats:
    """Tickets a week: larger companies and new ones ask more, and waves come on top."""
    base = np.array(scene.setting.world.tickets_per_week)[scene.accounts.segment]
    week = scene.window.grid_start + 7 * np.arange(scene.window.weeks).astype("m8[D]")
    age = (week[None, :] - scene.accounts.since[:, None]).astype(np.int64) / 30.0
    newness = np.where(np.isnat(scene.accounts.since)[:, None], 0.0, 1.0 + 1.4 * np.exp(-np.clip(age, 0, 30)))
    return np.asarray(base[:, None] * newness * np.exp(np.clip(scene.causes.signals["tickets"], -1.0, 2.6)))


def _categories(scene: Scene, account: Ints, week: Ints, rng: np.random.Generator) -> Ints:
    """In a wave it is defects that people write about; after a price rise, money."""
    draw = rng.random(len(account))
    calm = np.searchsorted(np.cumsum(_CATEGORY_SHARES), draw)
    trouble = np.searchsorted(np.cumsum(_TROUBLE_SHARES), draw)
    wave = scene.causes.levels["ticket_wave"][account, week] > 0.25
    category = np.minimum(np.where(wave, trouble, calm), len(_CATEGORY_SHARES) - 1)
    money = scene.causes.levels["price_rise"][account, week] > 0.3
    return np.where(money & (rng.random(len(account)) < 0.25), phrases.BILLING, category)


def _times(
    scene: Scene,
    account: Ints,
    week: Ints,
    opened: Times,
    priority: Ints,
    mood: Floats,
    rng: np.random.Generator,
) -> dict[str, Times]:
    """Answers come later where an account is neglected or swamped; a few are never closed in time."""
    count = len(account)
    slow = np.exp(
        -0.7 * scene.causes.at("attention", account, week) + 0.2 * scene.causes.at("tickets", account, week)
    )
    reply = 3600 * _FIRST_REPLY_HOURS[priority] * slow * rng.lognormal(0.0, 0.7, count)
    solve = reply + 3600 * _CLOSE_HOURS[priority] * slow * rng.lognormal(0.0, 0.8, count)
    escalates = rng.random(count) < np.where(mood < -0.8, 0.28, 0.025) * np.where(priority >= 2, 1.5, 1.0)
    first = add_seconds(opened, np.clip(reply, 120, 40 * 86_400))
    closed = add_seconds(opened, np.clip(solve, 600, 120 * 86_400))
    part = opened + ((closed - opened).astype(np.int64) * rng.uniform(0.2, 0.9, count)).astype("m8[s]")
    return {
        "first_response_at": first,
        "closed_at": np.where(rng.random(count) < 0.015, NEVER, np.maximum(closed, first)),
        "escalated_at": np.where(escalates, part, NEVER),
    }


def _lateness(opened: Times, closed: Times) -> Floats:
    """Stars lost to waiting: up to one and a half."""
    days = np.where(np.isnat(closed), 0, (closed - opened).astype(np.int64) / 86_400)
    return np.clip(days / 14.0, 0.0, 1.5)
