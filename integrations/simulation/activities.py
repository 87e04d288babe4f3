"""Mails and their answers, calls, meetings, reviews, and what enthusiasts do besides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import talk
from .clock import Bools, Floats, Ints, Times, Words, add_days, at_midnight, in_office_hours
from .phrases import BAD, FLAT, GOOD
from .scene import Scene
from .tables import BundleWriter, blanked, ids, words

OUT, IN, NEITHER = "outbound", "inbound", None


@dataclass(frozen=True)
class _Rate:
    """How often a kind happens in a week by segment, and which signals speed it up or slow it down."""

    per_week: tuple[float, float, float]
    follows: dict[str, float]


_RATES: dict[str, _Rate] = {
    "call": _Rate((0.04, 0.07, 0.12), {"attention": 0.6, "replies": 0.5}),
    "meeting": _Rate((0.03, 0.09, 0.17), {"attention": 0.7, "replies": 0.9}),
    "qbr": _Rate((0.002, 0.022, 0.055), {"attention": 1.0, "replies": 0.8}),
    "training": _Rate((0.012, 0.020, 0.035), {"usage": 0.5, "attention": 0.4}),
    "planning_session": _Rate((0.001, 0.008, 0.015), {"attention": 0.8, "mood": 0.5}),
    "advisory_council": _Rate((0.0005, 0.002, 0.006), {"mood": 1.2, "usage": 0.6}),
    "community_post": _Rate((0.012, 0.014, 0.020), {"usage": 1.0, "mood": 0.4}),
    "docs_contribution": _Rate((0.002, 0.003, 0.004), {"usage": 1.0, "mood": 0.6}),
    "conference_talk": _Rate((0.0004, 0.001, 0.0025), {"mood": 1.4, "usage": 0.6}),
    "beta_program": _Rate((0.002, 0.004, 0.007), {"usage": 1.2, "breadth": 0.8}),
    "note": _Rate((0.015, 0.035, 0.060), {"attention": 0.6}),
}
_MAIL_PER_WEEK = np.array([0.10, 0.20, 0.32])
_FROM_US = frozenset({"call", "meeting", "qbr", "training", "planning_session"})


@dataclass(frozen=True)
class _Batch:
    """Some activities as columns."""

    account: Ints
    at: Times
    kind: Words
    direction: Words
    contacts: Words
    subject: Words
    body: Words


def write_activities(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write the activities of the window."""
    batches = [_batch(scene, kind, rate, rng) for kind, rate in _RATES.items()]
    mails, topic = _mails(scene, rng)
    batches += [mails, _answers(scene, mails, topic, rng), _price_letters(scene, rng)]
    rows = {name: np.concatenate([getattr(b, name) for b in batches]) for name in _Batch.__dataclass_fields__}
    order = np.argsort(rows["at"], kind="stable")
    writer.write(
        "activities",
        {
            "external_id": ids("ACT", len(order), width=7),
            "account_external_id": scene.accounts.ids[rows["account"]][order],
            "contact_external_ids": rows["contacts"][order],
            "kind": rows["kind"][order],
            "direction": rows["direction"][order],
            "occurred_at": rows["at"][order],
            "subject": rows["subject"][order],
            "body": rows["body"][order],
        },
    )


def _pace(scene: Scene, rate: _Rate) -> Floats:
    signal = sum(weight * scene.causes.shown(name) for name, weight in rate.follows.items())
    base = np.array(rate.per_week)[scene.accounts.segment][:, None]
    return np.asarray(scene.setting.world.activity * base * np.exp(np.clip(signal, -2.5, 0.8)))


def _feelings(scene: Scene, account: Ints, at: Times, rng: np.random.Generator) -> Ints:
    mood = scene.causes.at("mood", account, scene.window.week_of(at)) + rng.normal(0.0, 0.4, len(account))
    return np.where(mood < -0.6, BAD, np.where(mood > 0.35, GOOD, FLAT))


def _batch(scene: Scene, kind: str, rate: _Rate, rng: np.random.Generator) -> _Batch:
    """Everything of one kind other than mail."""
    account, at = scene.weekly_happenings(_pace(scene, rate), rng)
    topic, count = talk.topics(len(account), rng), len(account)
    if kind in ("call", "meeting"):
        subject = talk.about(talk.CALL_SUBJECTS if kind == "call" else talk.MEETING_SUBJECTS, topic, rng)
    elif kind == "note":
        subject = np.full(count, None, dtype=object)
    else:
        bank = talk.OTHER_SUBJECTS[kind]
        subject = bank[rng.integers(0, len(bank), count)]
    written = {"note": 1.0, "meeting": 0.5, "qbr": 0.7, "call": 0.4}.get(kind, 0.0)
    notes = talk.notes(_feelings(scene, account, at, rng), rng)
    away = OUT if kind in _FROM_US else IN
    direction = NEITHER if kind == "note" else away
    return _Batch(
        account=account,
        at=at,
        kind=np.full(count, kind, dtype=object),
        direction=np.full(count, direction, dtype=object),
        contacts=_company(scene, account, at, several=kind in _FROM_US and kind != "call", rng=rng),
        subject=subject,
        body=blanked(notes, rng.random(count) >= written),
    )


def _company(scene: Scene, account: Ints, at: Times, *, several: bool, rng: np.random.Generator) -> Words:
    """Who took part: one person, or for gatherings the champion and perhaps one more."""
    people = scene.people
    someone = people.someone(account, at, rng)
    if not several:
        return people.ids[someone]
    champion = people.champion(account, at)
    pair = people.ids[champion] + ";" + people.ids[someone]
    return np.where(champion == someone, people.ids[champion], pair)


def _mails(scene: Scene, rng: np.random.Generator) -> tuple[_Batch, Ints]:
    """Mails of the CSM, to the champion or somebody else."""
    attention = np.clip(0.8 * scene.causes.signals["attention"], -2.5, 0.5)
    rate = scene.setting.world.activity * _MAIL_PER_WEEK[scene.accounts.segment][:, None] * np.exp(attention)
    account, at = scene.weekly_happenings(rate, rng)
    topic, people = talk.topics(len(account), rng), scene.people
    to_champion = rng.random(len(account)) < 0.6
    contact = np.where(to_champion, people.champion(account, at), people.someone(account, at, rng))
    mails = _Batch(
        account=account,
        at=at,
        kind=np.full(len(account), "email", dtype=object),
        direction=np.full(len(account), OUT, dtype=object),
        contacts=people.ids[contact],
        subject=talk.about(talk.OUTBOUND_SUBJECTS, topic, rng),
        body=talk.about(talk.OUTBOUND_BODIES, topic, rng),
    )
    return mails, topic


def _answers(scene: Scene, mails: _Batch, topic: Ints, rng: np.random.Generator) -> _Batch:
    """Answers, rarer and later where the relationship has cooled."""
    warmth = scene.causes.shown_at("replies", mails.account, scene.window.week_of(mails.at))
    answered = rng.random(len(mails.at)) < 0.66 * np.exp(np.clip(warmth, -2.5, 0.35))
    at = add_days(
        mails.at, rng.exponential(1.1, len(mails.at)) * np.exp(np.clip(-0.5 * warmth, -0.5, 1.5)) + 0.01
    )
    keep = answered & scene.is_customer(mails.account, at) & _still_there(scene, mails.contacts, at)
    account, at = mails.account[keep], at[keep]
    feeling = _feelings(scene, account, at, rng)
    return _Batch(
        account=account,
        at=at,
        kind=mails.kind[keep],
        direction=np.full(len(account), IN, dtype=object),
        contacts=mails.contacts[keep],
        subject=words("Re: " + subject for subject in mails.subject[keep]),
        body=talk.replies(feeling, topic[keep], rng),
    )


def _still_there(scene: Scene, contacts: Words, at: Times) -> Bools:
    number = np.array([int(external_id[4:]) for external_id in contacts], dtype=np.int64) - 1
    departed = scene.people.departed[number]
    return np.asarray(np.isnat(departed) | (departed > at))


def _price_letters(scene: Scene, rng: np.random.Generator) -> _Batch:
    """The mail that announces a price rise."""
    events = scene.causes.events["price_rise"]
    at = in_office_hours(add_days(at_midnight(events.day), rng.uniform(0, 4, len(events.day))), rng)
    keep = scene.is_customer(events.account, at)
    account, at = events.account[keep], at[keep]
    bodies = talk.PRICE_BODIES
    return _Batch(
        account=account,
        at=at,
        kind=np.full(len(account), "email", dtype=object),
        direction=np.full(len(account), OUT, dtype=object),
        contacts=scene.people.ids[scene.people.buyer(account)],
        subject=np.full(len(account), talk.PRICE_SUBJECT, dtype=object),
        body=bodies[rng.integers(0, len(bodies), len(account))],
    )
