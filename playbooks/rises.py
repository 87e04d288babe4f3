"""A level of risk that rose and a term that ends, as causes of a suggestion: their order, keys and words. Pure."""

from datetime import date
from decimal import Decimal
from typing import Any

LEVELS = ("low", "medium", "high", "critical")
RISK, RENEWAL = "risk.", "renewal."  # how the keys of such causes begin
Cause = list[dict[str, Any]]


def rank(level: str) -> int:
    """The place of a level; -1 where there is none."""
    return LEVELS.index(level) if level in LEVELS else -1


def has_crossed(was: str, now: str, wanted: str) -> bool:
    """Whether the level was below the one that a playbook asks for and has reached it; no level counts as below."""
    return bool(wanted) and rank(was) < rank(wanted) <= rank(now)


def lowest(levels: list[str]) -> str:
    return min(levels, key=rank)


def rose_words(was: str, level: str) -> str:
    return f"Risk rose from {was} to {level}" if was else f"Risk is {level}"


def risk_cause(was: str, level: str, p90: Decimal, as_of: date, *, weakness: str = "") -> Cause:
    """Another level is another cause: after a dismissal at high, critical is new."""
    text = f"{rose_words(was, level)}: {p90:.0%} chance of leaving within 90 days"
    told = f"{text}. {weakness}" if weakness else text
    return [_line(f"{RISK}{level}", "risk", told, as_of)]


def renewal_cause(
    term: str,
    ends: date,
    days: int,
    as_of: date,
    *,
    p_renew: Decimal | None,
    below: Decimal | None,
    late: bool,
) -> Cause:
    """The term, and what is known of its chance; the words say so where there is none."""
    first = _line(
        f"{RENEWAL}term", "business", f"Main term ends on {day_words(ends)}, within {days} days", as_of
    )
    return [
        first | {"term": term, "ends": str(ends)},
        _line(f"{RENEWAL}chance", "risk", _chance_words(p_renew, below, late), as_of),
    ]


def day_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _chance_words(p_renew: Decimal | None, below: Decimal | None, late: bool) -> str:
    if p_renew is None:
        decided = "health decided" if below is not None else "the date alone decided"
        return f"Chance to renew: not yet calibrated, {decided}"
    words = f"Chance to renew {p_renew:.0%}"
    if below is not None:
        words += f", below the {below:.0%} that the play asks for"
    return f"{words}, from late data" if late else words


def _line(key: str, dimension: str, text: str, as_of: date) -> dict[str, Any]:
    return {"key": key, "dimension": dimension, "score": None, "text": text, "day": str(as_of)}


def is_spoken(key: str) -> bool:
    """Whether a cause stands beside its suggestion in words: the reasons of health do not tell it."""
    return key.startswith((RISK, RENEWAL))


FLAGS_A_WEEK = "A CSM is given so many new flags a week, the largest at stake first."
DATES_A_WEEK = (
    "A CSM is given so many plays before a renewal a week, the nearest month first, in it the largest."
)


def flag_words(flag: dict[str, Any] | None) -> str:
    """What stands beside an account on which something waits for its turn, and in what order turns come; empty where
    nothing does. Days as in JSON."""
    if flag is None:
        return ""
    if flag["kind"] == "risk":
        return f"{rose_words(flag['was'], flag['level'])} as of {_written(flag['as_of'])}. {FLAGS_A_WEEK}"
    ends = f"Main term ends on {_written(flag['ends'])}"
    return (
        f"{ends}, the chance to renew is low. {FLAGS_A_WEEK}"
        if flag["is_flag"]
        else f"{ends}. {DATES_A_WEEK}"
    )


def _written(day: str) -> str:
    return day_words(date.fromisoformat(day))
