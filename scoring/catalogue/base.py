"""What a declared indicator is: its dimension, its source of evidence, its default curve and its words."""

from dataclasses import dataclass
from enum import StrEnum

MOST_NAMES = 3  # in a sentence


class Dimension(StrEnum):
    USAGE = "usage"
    ENGAGEMENT = "engagement"
    SATISFACTION = "satisfaction"
    BUSINESS = "business"
    STAKEHOLDERS = "stakeholders"
    OUTCOMES = "outcomes"


class Missing(StrEnum):
    """Why an indicator has no value. Each is different from zero, and from each other."""

    NOT_TRACKED = "not_tracked"  # this tenant (for usage: this account) sends no such data
    NOT_YET = "not_yet"  # the source is there, but has too little about this account
    LATE = "late"  # the source has fallen silent for every account


MISSING_WORDS = {
    Missing.NOT_TRACKED: "Not tracked",
    Missing.NOT_YET: "Not enough data yet",
    Missing.LATE: "The source is late",
}


@dataclass(frozen=True)
class Source:
    """One kind of evidence. `fresh_days`: silent for longer, for all accounts, and it counts as late; 0: no limit."""

    key: str
    label: str
    fresh_days: int


SOURCES = {
    source.key: source
    for source in (
        Source("usage", "Product usage", 14),
        Source("usage_detail", "Use by feature", 14),
        Source("activities", "Mails, calls and meetings", 30),
        Source("tickets", "Support tickets", 60),
        Source("surveys", "Surveys", 400),
        Source("invoices", "Invoices", 120),
        Source("subscriptions", "Subscriptions", 0),
        Source("outcomes", "Renewals and downgrades", 0),
        Source("contacts", "Contacts", 0),
        Source("objectives", "Objectives", 0),
        Source("milestones", "Milestones", 0),
        Source("company_events", "Company news", 0),
        Source("texts", "What customers write", 60),
        Source("competitors", "Names of competitors", 0),
    )
}


@dataclass(frozen=True)
class Indicator:
    """One declared indicator. `xs` and `ys` are its default curve: value xs[i] gives ys[i] points of 100."""

    key: str
    label: str
    dimension: Dimension
    group: str
    unit: str  # share, ratio, days, hours, months, count, score, change, yes_no, points, tone
    higher_is_better: bool
    window_days: int
    formula: str
    source: str  # a key of SOURCES
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    weight: float
    text: str  # what a value reads like; see say()
    text_zero: str = ""  # when the value is zero
    text_negative: str = ""  # when it is below zero; the value is given without its sign
    also: str = ""  # a second source that can give the value alone
    names: str = ""  # the text figure with the names that the sentence needs, parted by |
    # why there is no stretch of time that a policy may set, the end of "Has no window: ..."; empty: there is one, and
    # {days}, {span}, {before}, {prior} in the texts are of the one in force
    no_window: str = ""
    shortest: int = 7  # days that a window of one's own has at least, at most, and in steps of
    longest: int = 730
    step: int = 1
    optional: bool = False  # having no value is no gap: it costs neither points nor coverage

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source, self.also) if self.also else (self.source,)

    @property
    def freshness_days(self) -> int:
        """How long its source may be silent for everybody before the value counts as missing; 0: for ever."""
        return SOURCES[self.source].fresh_days

    def say(self, value: float, *, names: str = "", days: int | None = None) -> str:
        """The value as a short plain sentence; the same on every page, in the export and in the audit trail.

        `names`: what it is about, parted by |. `days`: the window in force, where it is not the declared one.
        """
        form = self.text
        if value < 0 and self.text_negative:
            form, value = self.text_negative, -value
        elif value == 0 and self.text_zero:
            form = self.text_zero
        return form.format(
            v=value,
            pct=value * 100,
            s="" if round(value) == 1 else "s",
            names=listed(names) or "some features",
            **stretches(days or self.window_days),
        )

    @property
    def has_window(self) -> bool:
        """Whether a policy may set its own window."""
        return not self.no_window

    @property
    def window_words(self) -> str:
        """Which windows can be set, or why none can; one line for an admin."""
        return f"Has no window: {self.no_window}." if self.no_window else f"Window {self.limits}."

    @property
    def limits(self) -> str:
        """Of a window of one's own, in words."""
        steps = {1: "", 7: ", in whole weeks"}.get(self.step, f", in steps of {self.step}")
        return f"between {self.shortest} and {self.longest} days{steps}"


HALF_YEAR = 180
SPANS = {HALF_YEAR: "half a year", 365: "a year"}


def recent_days(window: int) -> int:
    """Where an indicator compares now with before: the last third of its window is now."""
    return window // 3


def stretches(window: int) -> dict[str, str]:
    """What sentences call a window of so many days, and of one that compares: the part that is before."""
    before = window - recent_days(window)
    return {
        "days": str(window),
        "span": SPANS.get(window, f"{window} days"),
        "before": str(before),
        "prior": "half year" if before == HALF_YEAR else f"{before} days",
    }


def listed(names: str) -> str:
    """Names parted by | as words: at most three of them, the others counted."""
    each = [name for name in names.split("|") if name]
    if len(each) > MOST_NAMES:
        each = [*each[:MOST_NAMES], f"{len(each) - MOST_NAMES} more"]
    return " and ".join([", ".join(each[:-1]), each[-1]] if len(each) > 1 else each)
