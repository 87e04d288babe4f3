"""The figures of the outcomes page and the causes of a miss: names, units and definitions. Nothing of Django here."""

from dataclasses import dataclass

LEAST = 30  # accounts (or terms, or answers) under a rate; with fewer the page says so instead of a number
MONEY, RATE, POINTS, COUNT = "money", "rate", "points", "count"
HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class Figure:
    """One figure: `unit` says how it is shown, `goal` which way is better (empty: it takes no target).

    `counted` names what it is a share of, `value` the column of its rows whose sum it is made of.
    """

    key: str
    label: str
    unit: str
    goal: str
    counted: str
    definition: str
    rows: str  # what the rows behind it are

    @property
    def is_money(self) -> bool:
        """Whether it is covered for those who do not see ARR: amounts, and ratios of amounts."""
        return self.unit == MONEY or self.key in ("grr", "nrr")

    @property
    def is_of_now(self) -> bool:
        """Whether it tells of the last scoring and of no period: what it was at another one is not kept."""
        return self.key in ("risk", "stake")


FIGURES = (
    Figure(
        "churn", "Logo churn", RATE, LOWER, "customers at the start",
        "Customers of the period's first day that left within the period, divided by the customers of that day. "
        "Who joined and left within the period is not in it; who comes back counts as new.",
        "Customers of the first day; 1 in the column Left for each that left",
    ),
    Figure(
        "renewal", "Renewal rate", RATE, HIGHER, "terms decided",
        "Of the terms that ended within the period and are decided, those that were renewed: a following term of the "
        "same product exists, or the outcome says so. Not renewed: the customer left, or the outcome says the product "
        "was given up. Open terms and monthly ones that roll on are left out.",
        "Accounts with terms that came due",
    ),
    Figure(
        "grr", "Gross retention (GRR)", RATE, HIGHER, "paying customers at the start",
        "ARR at the end of those who paid at the start, each account counted at most with what it paid then, divided "
        "by their ARR at the start, both at the rates of the first day. Growth does not make up for a loss.",
        "Paying customers of the first day, with the ARR that was kept",
    ),
    Figure(
        "nrr", "Net retention (NRR)", RATE, HIGHER, "paying customers at the start",
        "ARR at the end of those who paid at the start, growth included, divided by their ARR at the start, both at "
        "the rates of the first day. New customers, and those that came back, are not in it.",
        "Paying customers of the first day, with their ARR at both ends",
    ),
    Figure(
        "start", "ARR at the start", MONEY, "", "paying customers",
        "Sum of the terms that ran on the first day (started before it, not past their renewal date), at that day's "
        "rates.",
        "Customers with a running term on the first day",
    ),
    Figure(
        "end", "ARR at the end", MONEY, HIGHER, "paying customers",
        "Sum of the terms that ran on the day after the period, at that day's rates.",
        "Customers with a running term on the day after the period",
    ),
    Figure(
        "risk", "At-risk ARR now", MONEY, LOWER, "customers in these bands",
        "ARR of the customers whose health band is Critical or At risk at the last scoring; where somebody has set the "
        "health, the band of that number counts.",
        "Customers in the bands Critical and At risk",
    ),
    Figure(
        "stake", "At stake now", MONEY, LOWER, "customers with a chance",
        "ARR times the chance of leaving within 90 days, added up over the customers that have a calibrated chance. "
        "The last scoring simulated what leaves of all customers together, with what the model's figures leave open, a "
        "shock that all share and each one's luck; for other customers than those the interval approximates it.",
        "Customers with a chance of leaving",
    ),
    Figure(
        "nps", "NPS", POINTS, HIGHER, "answers",
        "Share of answers of 9 and 10 minus share of 0 to 6, times 100: the last answer within the period of each "
        "person; answers without a name count one each.",
        "Accounts that answered; promoters minus detractors",
    ),
)  # fmt: skip
BY_KEY = {figure.key: figure for figure in FIGURES}

STEPS = {
    "start": "At the start",
    "new": "New",
    "expansion": "Expansion",
    "contraction": "Contraction",
    "churned": "Left",
    "rates": "Exchange rates",
    "end": "At the end",
}

NO_DATA, HIDDEN, DISMISSED, LATE, NO_PLAY, NOTHING, WORKED, CHANCE = (
    "data_missing", "override_hid", "play_dismissed", "too_late", "no_play", "nothing_visible", "not_missed",
    "chance_alone",
)  # fmt: skip
CAUSES = [
    (NO_DATA, "Never flagged, data was missing"),
    (LATE, "Flagged too late"),
    (NO_PLAY, "Flagged, but no play was run"),
    (DISMISSED, "The suggested play was dismissed"),
    (HIDDEN, "An override hid it"),
    (NOTHING, "Nothing was visible"),
    (CHANCE, "Flagged by the chance alone"),
    (WORKED, "Seen in time and worked on"),
]
CAUSE_LABELS = dict(CAUSES)
