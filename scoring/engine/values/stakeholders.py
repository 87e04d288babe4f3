"""Values of the stakeholder indicators."""

import numpy as np

from scoring.engine.values.base import Floats, Formula, Raw, needs, quiet_days, ratio, zero_if_silent

# of 100 points of vulnerability (judgement)
LEFT_POINTS, TITLE_POINTS, SILENT_POINTS = 40.0, 20.0, 60.0
QUIET_FROM, QUIET_TO = 30.0, 90.0  # days of silence that cost nothing, and everything
STRONG_SHARE = 0.5  # of all contact, at which a champion could not be more active
SHARE_POINTS, RANK_POINTS = 60.0, 40.0
SEATS_A_DEPARTMENT = 25.0  # how many seats one department usually has; more departments come with the root
MOST_DEPARTMENTS = 5.0


def champion_present(raw: Raw) -> Floats:
    return needs(raw["contacts.rows"] > 0, raw["contacts.champions"])


def sponsor_contact(raw: Raw) -> Floats:
    quiet = quiet_days(raw, raw["people.sponsor_ago"], "stakeholders.sponsor_contact_days")
    return needs(raw["contacts.sponsors"] > 0, quiet)


def multi_threading(raw: Raw) -> Floats:
    """Of the people who are known and there: the share in touch."""
    known = ratio(zero_if_silent(raw["people.known_active"]), raw["contacts.here"])
    return needs(raw["contacts.here"] > 0, known)


def champion_strength(raw: Raw) -> Floats:
    """0 to 100 from the champions' share of all contact and the highest rank among them; 0 without a champion."""
    share = zero_if_silent(ratio(zero_if_silent(raw["people.champion_times"]), raw["people.times"]))
    points = (
        SHARE_POINTS * np.minimum(share / STRONG_SHARE, 1.0)
        + RANK_POINTS * raw["contacts.champion_rank"] / 100.0
    )
    return needs(raw["contacts.rows"] > 0, np.where(raw["contacts.champions"] > 0, points, 0.0))


def champion_vulnerability(raw: Raw) -> Floats:
    """0 to 100: one who left or is champion no more lately, another title and the silence of those who are there.

    All gone: 100; never had one: no value. The window is how long a leaving and a change count; silence has its own
    scale.
    """
    left_days = raw["window.stakeholders.champion_vulnerability"]
    silent = np.fmin(quiet_days(raw, raw["people.champion_ago"]), raw["contacts.champion_joined_ago"])
    silence = np.clip((silent - QUIET_FROM) / (QUIET_TO - QUIET_FROM), 0.0, 1.0)
    lost_ago = np.fmin(raw["contacts.champion_left_ago"], raw["contacts.champion_ceased_ago"])
    left = np.where(lost_ago <= left_days, LEFT_POINTS, 0.0)
    moved = np.where(raw["contacts.champion_titled_ago"] <= left_days, TITLE_POINTS, 0.0)
    gone = np.where(np.isnan(lost_ago), np.nan, 100.0)
    there = np.minimum(left + moved + SILENT_POINTS * silence, 100.0)
    return np.where(raw["contacts.champions"] > 0, there, gone)


def executive_depth(raw: Raw) -> Floats:
    return needs(raw["contacts.chiefs"] > 0, zero_if_silent(raw["people.chief_reviews"]))


def single_threaded(raw: Raw) -> Floats:
    return (zero_if_silent(raw["people.threads"]) <= 1).astype(float)


def department_spread(raw: Raw) -> Floats:
    """Departments in touch against what seats let expect: 1 for 25 seats, 2 for 100, 3 for 225, 5 at most."""
    expected = np.clip(np.sqrt(raw["subscriptions.seats"] / SEATS_A_DEPARTMENT), 1.0, MOST_DEPARTMENTS)
    found = ratio(zero_if_silent(raw["people.departments"]), expected)
    return needs(raw["contacts.with_department"] > 0, found)


FORMULAS: dict[str, Formula] = {
    "stakeholders.champion_present": champion_present,
    "stakeholders.active_contacts": lambda raw: zero_if_silent(raw["people.active"]),
    "stakeholders.sponsor_contact_days": sponsor_contact,
    "stakeholders.multi_threading": multi_threading,
    "stakeholders.champion_strength": champion_strength,
    "stakeholders.champion_vulnerability": champion_vulnerability,
    "stakeholders.executive_depth": executive_depth,
    "stakeholders.single_threaded": single_threaded,
    "stakeholders.department_spread": department_spread,
}
NEWEST: dict[str, str] = {
    "stakeholders.champion_present": "contacts.champion_left_ago",
    "stakeholders.sponsor_contact_days": "people.sponsor_ago",
    "stakeholders.champion_vulnerability": "people.champion_ago",
    "stakeholders.executive_depth": "people.chief_review_ago",
}
