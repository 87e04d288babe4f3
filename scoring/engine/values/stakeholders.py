"""Values of the stakeholder indicators."""

from scoring.engine.values.base import Floats, Formula, Raw, needs, quiet_days, zero_if_silent


def champion_present(raw: Raw) -> Floats:
    return needs(raw["contacts.rows"] > 0, raw["contacts.champions"])


def sponsor_contact(raw: Raw) -> Floats:
    return needs(raw["contacts.sponsors"] > 0, quiet_days(raw, raw["people.sponsor_ago"]))


FORMULAS: dict[str, Formula] = {
    "stakeholders.champion_present": champion_present,
    "stakeholders.active_contacts": lambda raw: zero_if_silent(raw["people.active_90"]),
    "stakeholders.sponsor_contact_days": sponsor_contact,
}
NEWEST: dict[str, str] = {
    "stakeholders.champion_present": "contacts.champion_left_ago",
    "stakeholders.sponsor_contact_days": "people.sponsor_ago",
}
