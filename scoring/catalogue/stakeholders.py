"""The people: champions, sponsors, who is in touch."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
STAKEHOLDERS: tuple[Indicator, ...] = (
    Indicator(
        "stakeholders.champion_present", "Champion", D.STAKEHOLDERS, "people", "count", True, 0,
        "Contacts with the role champion who have not left. Needs contacts for the account.",
        "contacts", (0, 1, 2), (0, 80, 100), 3,
        "{v:.0f} champion{s} in place", "No champion in place", no_window="it counts who is there on the day",
    ),
    Indicator(
        "stakeholders.active_contacts", "People in touch", D.STAKEHOLDERS, "people", "count", True, 90,
        "Different people who took part in an activity in the last 90 days and have not left.",
        "activities", (0, 1, 2, 4, 6), (0, 25, 50, 80, 100), 4,
        "{v:.0f} contact{s} in touch in {days} days", "Nobody in touch in {days} days",
    ),
    Indicator(
        "stakeholders.sponsor_contact_days", "Contact with a sponsor", D.STAKEHOLDERS, "people", "days", False, 365,
        "Days since the newest two-way contact with a sponsor, buyer, vice president or chief who has not left. Where "
        "none is recorded: days since the account's records begin, 365 at most.",
        "activities", (14, 45, 90, 180), (100, 75, 40, 0), 2,
        "Last contact with a sponsor {v:.0f} day{s} ago", shortest=30,
    ),
    Indicator(
        "stakeholders.multi_threading", "Share of the people in touch", D.STAKEHOLDERS, "people", "share", True, 90,
        "Known contacts who have not left and took part in an activity in the last 90 days, divided by all known "
        "contacts who have not left.",
        "activities", (0, 0.1, 0.25, 0.5, 0.8), (0, 30, 60, 85, 100), 0,
        "{pct:.0f}% of the known people are in touch", "None of the known people is in touch",
    ),
    Indicator(
        "stakeholders.champion_strength", "Strength of the champion", D.STAKEHOLDERS, "champion", "points", True, 90,
        "Up to 60 points for the champions' share of all contact in the last 90 days (half of it gives all), up to 40 "
        "for the highest rank among them: chief 40, vice president 36, director 30, manager 22, individual 12, "
        "unknown 16. Zero without a champion.",
        "activities", (0, 25, 50, 75, 100), (0, 40, 65, 85, 100), 0,
        "The champion's strength is {v:.0f} of 100", "No champion in place",
    ),
    Indicator(
        "stakeholders.champion_vulnerability", "Vulnerability of the champion", D.STAKEHOLDERS, "champion", "points",
        False, 180,
        "40 points when a champion left or got another role in the last 180 days, 20 when one who is there got another "
        "title, and up to 60 for silence: none up to 30 days without two-way contact with a champion, all from 90 "
        "(counted from the day one came). 100 when the last champion has left or got another role; no value where "
        "there never was one. A role or title changes on the day on which an import brings it, or somebody puts the "
        "role right. 100 at most. What was noticed of persons is not in it: it is restricted.",
        "activities", (0, 25, 50, 100), (100, 70, 35, 0), 1,
        "The champion's vulnerability is {v:.0f} of 100", "A champion is there and in touch",
        shortest=30,
    ),
    Indicator(
        "stakeholders.executive_depth", "Chiefs at reviews", D.STAKEHOLDERS, "executives", "count", True, 365,
        "Times that chiefs who have not left took part in a review, a planning session or an advisory council in the "
        "last 365 days. No value where no chief is known.",
        "activities", (0, 1, 2, 4), (30, 65, 85, 100), 1,
        "Chiefs took part in reviews {v:.0f} time{s} in {span}", "No chief took part in a review in {span}",
        shortest=30,
    ),
    Indicator(
        "stakeholders.single_threaded", "Hangs on one person", D.STAKEHOLDERS, "people", "yes_no", False, 90,
        "Whether at most one person took part in an activity in the last 90 days and has not left.",
        "activities", (0, 1), (100, 30), 0,
        "At most one person is in touch", "More than one person is in touch",
    ),
    Indicator(
        "stakeholders.department_spread", "Departments in touch", D.STAKEHOLDERS, "people", "ratio", True, 180,
        "Departments with somebody in touch in the last 180 days, divided by what the seats let expect: the root of "
        "seats / 25, between 1 and 5. Needs a known department and seats.",
        "activities", (0, 0.5, 1, 1.5), (15, 45, 75, 100), 1,
        "{v:.1f} times the departments that the seats let expect", "No department in touch",
    ),
)  # fmt: skip
