"""Values of the engagement indicators."""

from scoring.engine.values.base import Floats, Formula, Raw, needs, quiet_days, ratio, zero_if_silent


def last_two_way(raw: Raw) -> Floats:
    return quiet_days(raw, raw["activities.two_way_ago"], "engagement.last_two_way_contact")


def inbound_share(raw: Raw) -> Floats:
    both = raw["activities.mails_in_90"] + raw["activities.mails_out_90"]
    return needs(both >= 3, ratio(raw["activities.mails_in_90"], both))


def reply_hours(raw: Raw) -> Floats:
    return needs(raw["mails.replies"] >= 2, raw["mails.reply_seconds"] / 3600.0)


FORMULAS: dict[str, Formula] = {
    "engagement.last_two_way_contact": last_two_way,
    "engagement.meetings_90d": lambda raw: zero_if_silent(raw["activities.meetings_90"]),
    "engagement.inbound_share": inbound_share,
    "engagement.reply_hours": reply_hours,
    "engagement.unanswered": lambda raw: zero_if_silent(raw["mails.unanswered"]),
    "engagement.trainings_365d": lambda raw: zero_if_silent(raw["activities.trainings"]),
}
NEWEST: dict[str, str] = {
    "engagement.last_two_way_contact": "activities.two_way_ago",
    "engagement.trainings_365d": "activities.training_ago",
}
