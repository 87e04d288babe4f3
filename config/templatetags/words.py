"""How values read on the screen (UX 11): pure functions, no HTML, no settings. `ui` registers them as filters."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

from django.utils import timezone

DASH = "\u2014"  # em dash: not known
MINUS = "\u2212"
RANGE = "\u2013"  # en dash, between two bounds
NBSP = "\u00a0"
SIGNS = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COUNT_CAP = 10_000


class Tone(NamedTuple):
    """What one meaning looks like: never colour alone (UX 1.6)."""

    name: str  # crit, high, watch, good, or empty
    icon: str
    label: str

    @property
    def css(self) -> str:
        return f"t-{self.name}" if self.name else ""

    @property
    def fill(self) -> str:
        return f"c-{self.name}" if self.name else "c-ink"

    @property
    def stroke(self) -> str:
        return f"s-{self.name}" if self.name else "s-ink"


NO_DATA = Tone("", "none", "No data")
BANDS = {
    "critical": Tone("crit", "crit", "Critical"),
    "at_risk": Tone("high", "high", "At risk"),
    "watch": Tone("watch", "watch", "Watch"),
    "healthy": Tone("good", "good", "Healthy"),
}


RISKS = {
    "low": Tone("good", "good", "Risk low"),
    "medium": Tone("watch", "watch", "Risk medium"),
    "high": Tone("high", "high", "Risk high"),
    "critical": Tone("crit", "crit", "Risk critical"),
}


def band_tone(band: object) -> Tone:
    """The tone of a stored band; anything unknown has no colour and no mark."""
    return BANDS.get(str(band), NO_DATA)


def number(value: object) -> Decimal | None:
    """`value` as a finite decimal, or None when it is empty or not a number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        parsed = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() else None


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def plain(value: Decimal, places: int = 0) -> str:
    """Rounded, with thousands commas and the real minus sign; never "-0"."""
    result = rounded(value, places)
    return f"{MINUS if result < 0 else ''}{abs(result):,f}"


def number_or_dash(value: object, places: int = 0) -> str:
    parsed = number(value)
    return DASH if parsed is None else plain(parsed, places)


def short(amount: Decimal) -> str:
    """Three figures that matter: 950, 4.2k, 412k, 2.67M. Rounding up moves on to the next unit."""
    size, text = Decimal(1), ""
    for unit in ("", "k", "M", "B"):
        scaled = amount / size
        places = {"": 0, "k": 1 if scaled < 10 else 0}.get(unit, max(0, 3 - len(str(int(scaled)))))
        result = rounded(scaled, places)
        text = f"{result:,f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        text += unit
        if result < 1000:
            break
        size *= 1000
    return text


def money(amount: object, currency: str | None = "") -> str:
    """`$412k`, `€2.67M`, `£950`, `CHF 12k`; a dash when not known."""
    parsed = number(amount)
    if parsed is None:
        return DASH
    return sign_of(parsed) + symbol(currency) + short(abs(parsed))


def money_full(amount: object, currency: str | None = "") -> str:
    """`$412,300`: where the exact figure is written or approved. Cents only when there are any."""
    parsed = number(amount)
    if parsed is None:
        return DASH
    places = 0 if parsed == parsed.to_integral_value() else 2
    return sign_of(parsed) + symbol(currency) + plain(abs(parsed), places)


def sign_of(value: Decimal) -> str:
    return MINUS if value < 0 else ""


def symbol(currency: str | None) -> str:
    code = (currency or "").upper()
    return SIGNS.get(code, f"{code}{NBSP}" if code else "")


def pct(value: object, places: int = 0) -> str:
    """A share (0.47) as `47%`. Never says 0% or 100% of something that is only close to it."""
    share = number(value)
    if share is None:
        return DASH
    shown = plain(share * 100, places)
    edge = plain(Decimal(1).scaleb(-places), places)
    if 0 < share < 1 and shown == plain(Decimal(0), places):
        return f"<{edge}%"
    if 0 < share < 1 and shown == plain(Decimal(100), places):
        return f">{plain(100 - Decimal(1).scaleb(-places), places)}%"
    return f"{shown}%"


def points(value: object, places: int | None = None) -> str:
    """Signed: `−17`, `+9`, `0`, `−7.8`. Without `places`: one decimal only where there is one."""
    parsed = number(value)
    if parsed is None:
        return DASH
    if places is None:
        places = 0 if parsed == parsed.to_integral_value() else 1
    text = plain(parsed, places)
    return f"+{text}" if rounded(parsed, places) > 0 else text


def interval(low: object, high: object, kind: str = "number") -> str:
    """`36–58`, without unit: it stands beside its value. `kind`: number, pct (shares) or money."""
    below, above = number(low), number(high)
    if below is None or above is None:
        return ""
    if kind == "money":
        return f"{money(below)}{RANGE}{money(above)}"
    factor = 100 if kind == "pct" else 1
    joint = " to " if below < 0 or above < 0 else RANGE  # a minus beside a dash cannot be read
    return f"{plain(below * factor)}{joint}{plain(above * factor)}"


def as_date(value: object) -> date | None:
    """The reader's calendar day of a date, or of a moment in their time zone."""
    if isinstance(value, datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value if isinstance(value, date) else None


def day(value: object, as_of: object = None) -> str:
    """`14 Feb`, and `14 Feb 2027` when that is not the as-of day's year."""
    shown = as_date(value)
    if shown is None:
        return DASH
    reference = as_date(as_of) or timezone.localdate()
    text = f"{shown.day} {MONTHS[shown.month - 1]}"
    return text if shown.year == reference.year else f"{text} {shown.year}"


def in_days(value: object, as_of: object = None) -> str:
    """`in 89 days`, `today`, `3 days ago`: from a number of days, or from a date and the as-of day."""
    shown = as_date(value)
    if shown is not None:
        count = (shown - (as_date(as_of) or timezone.localdate())).days
    else:
        parsed = number(value)
        if parsed is None:
            return DASH
        count = int(parsed)
    if count == 0:
        return "today"
    unit = "day" if abs(count) == 1 else "days"
    return f"in {count} {unit}" if count > 0 else f"{-count} {unit} ago"


def rows_of(first: int, last: int, total: int | None = None, noun: str = "rows") -> str:
    """`rows 26–50 of 131`; counts stop at 10,000+ (DECISIONS 27)."""
    if total == 0 or last < first:
        return f"no {noun}"
    text = f"{noun} {first:,}{RANGE}{last:,}"
    if total is None:
        return text
    return f"{text} of {COUNT_CAP:,}+" if total > COUNT_CAP else f"{text} of {total:,}"


def stored_word(value: object) -> str:
    """A stored value as words: `best_case` is `Best case`."""
    text = str(value or "").replace("_", " ").strip()
    return text[:1].upper() + text[1:] if text else DASH


def go_key(label: object) -> str:
    """The letter after G that opens a destination (UX 5), another one where the first is taken: R for requests."""
    first = str(label or "").strip().lower()[:9]
    return {"approvals": "r", "renewals": "n", "growth": "w"}.get(first, first[:1])
