"""The people: champions, sponsors, who is in touch."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
STAKEHOLDERS: tuple[Indicator, ...] = (
    Indicator(
        "stakeholders.champion_present", "Champion", D.STAKEHOLDERS, "people", "count", True, 0,
        "Contacts with the role champion who have not left. Needs contacts for the account.",
        "contacts", (0, 1, 2), (0, 80, 100), 4,
        "{v:.0f} champion{s} in place", "No champion in place",
    ),
    Indicator(
        "stakeholders.active_contacts", "People in touch", D.STAKEHOLDERS, "people", "count", True, 90,
        "Different people who took part in an activity in the last 90 days and have not left.",
        "activities", (0, 1, 2, 4, 6), (0, 25, 50, 80, 100), 5,
        "{v:.0f} contact{s} in touch in 90 days", "Nobody in touch in 90 days",
    ),
    Indicator(
        "stakeholders.sponsor_contact_days", "Contact with a sponsor", D.STAKEHOLDERS, "people", "days", False, 365,
        "Days since the newest two-way contact with a sponsor, buyer, vice president or chief who has not left. Where "
        "none is recorded: days since the account's records begin, 365 at most.",
        "activities", (14, 45, 90, 180), (100, 75, 40, 0), 3,
        "Last contact with a sponsor {v:.0f} day{s} ago",
    ),
)  # fmt: skip
