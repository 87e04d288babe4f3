"""Small drawings: SVG by attributes only, so that a strict style policy holds (UX 3). Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from config.templatetags.words import BANDS, NO_DATA, RISKS, Tone, band_tone, number, pct, points

_SHEET = (
    "box cal caret check clock crit cross down file find flag gear good half high info key list load lock "
    "mail mark money next none out pen plus prev save stop talk tool up use user watch"
)
ICONS = frozenset(_SHEET.split())
SPARK_MIN_SPAN = 8  # points: a quiet quarter must not look like a fall
Spot = tuple[Decimal, Decimal]
CRITICAL_CHANCE, RAISED_CHANCE = Decimal("0.40"), Decimal("0.10")


def icon(name: object, size: object = 12) -> SafeString:
    """A drawing from the sheet in `_icons.html`, silent for readers: a word always stands beside it."""
    known = name if name in ICONS else "info"
    shown = number(size) or 12
    return format_html(
        '<svg width="{0}" height="{0}" aria-hidden="true"><use href="#i-{1}"/></svg>', shown, known
    )


def tone_named(name: object) -> Tone:
    """A tone from a band (`at_risk`), a tone name (`high`) or nothing."""
    by_name = {tone.name: tone for tone in BANDS.values()}
    return BANDS.get(str(name)) or by_name.get(str(name)) or NO_DATA


def band(value: object) -> SafeString:
    """The band as colour, shape and word; `unknown` is a dash and "No data", without a mark."""
    tone = band_tone(value)
    if not tone.name:
        return format_html('<span class="muted">\u2014 {}</span>', tone.label)
    return format_html('<span class="tone {}">{}{}</span>', tone.css, icon(tone.icon), tone.label)


def risk(level: object) -> SafeString:
    """The level of risk beside the band, which it may differ from: it comes from the chance, not from health."""
    tone = RISKS.get(str(level))
    if tone is None:
        return mark_safe("")  # nosec B308 B703  a constant
    return format_html('<span class="tone {} x">{}{}</span>', tone.css, icon(tone.icon), tone.label)


def spark(values: Iterable[object] | None, band: object = "", label: str = "") -> SafeString:
    """A trend line. Missing weeks are gaps; the last known value carries the dot."""
    series = [number(value) for value in values or ()]
    known = [value for value in series if value is not None]
    if not known:
        return mark_safe('<span class="muted">\u2014<span class="vh"> no history</span></span>')  # nosec B308 B703  a constant
    low, span = min(known), max(max(known) - min(known), Decimal(SPARK_MIN_SPAN))
    step = Decimal(59) / max(len(series) - 1, 1)
    spots = [
        None if value is None else (2 + step * at, 17 - (value - low) / span * 14)
        for at, value in enumerate(series)
    ]
    tone = tone_named(band)
    lines = format_html_join(
        "",
        '<polyline class="spark {}" points="{}"/>',
        ((tone.stroke, " ".join(f"{x:.1f},{y:.1f}" for x, y in run)) for run in runs(spots) if len(run) > 1),
    )
    x, y = next(spot for spot in reversed(spots) if spot is not None)
    said = label or f"{len(series)} values: from {known[0]} to {known[-1]}"
    return format_html(
        '<svg width="64" height="20" role="img" aria-label="{}">{}<circle class="{}" cx="{}" cy="{}" r="2"/></svg>',
        said,
        lines,
        tone.fill,
        f"{x:.1f}",
        f"{y:.1f}",
    )


def runs(spots: Sequence[Spot | None]) -> list[list[Spot]]:
    """Unbroken stretches of a line."""
    stretches: list[list[Spot]] = [[]]
    for spot in spots:
        if spot is None:
            stretches.append([])
        else:
            stretches[-1].append(spot)
    return stretches


def bar(value: object, limit: object = 100, tone: object = "", width: object = 100) -> SafeString:
    """A filled track; the number stands beside it, so readers skip the drawing."""
    total, wide = number(limit) or Decimal(100), number(width) or Decimal(100)
    filled = clamp((number(value) or Decimal(0)) / total, 0, 1) * wide
    return format_html(
        '<svg width="{0}" height="8" viewBox="0 0 {0} 8" aria-hidden="true">'
        '<rect class="c-track" y="1" width="{0}" height="6" rx="3"/>'
        '<rect class="{1}" y="1" width="{2}" height="6" rx="3"/></svg>',
        wide,
        tone_named(tone).fill,
        f"{filled:.1f}",
    )


def clamp(value: Decimal, low: int, high: int) -> Decimal:
    return max(Decimal(low), min(Decimal(high), value))


def delta(value: object, limit: object = 10) -> SafeString:
    """A bar from the middle: left and red for a loss, right and green for a gain."""
    change, most = number(value) or Decimal(0), number(limit) or Decimal(10)
    wide = clamp(abs(change) / most, 0, 1) * 32
    return format_html(
        '<svg width="66" height="10" viewBox="0 0 66 10" aria-hidden="true">'
        '<line class="c-axis" x1="33" y1="0" x2="33" y2="10"/>'
        '<rect class="{}" x="{}" y="2" width="{}" height="6" rx="1"/></svg>',
        "c-crit" if change < 0 else "c-good",
        f"{33 - wide if change < 0 else Decimal(33):.1f}",
        f"{wide:.1f}",
    )


def strip(
    at: object, low: object = 25, high: object = 75, middle: object = 50, label: str = ""
) -> SafeString:
    """Where an account stands in its cohort, 0 worst to 100 best: quartile box, median line, own dot."""
    place = number(at)
    if place is None:
        return mark_safe('<span class="muted">\u2014<span class="vh"> no cohort value</span></span>')  # nosec B308 B703  a constant
    left, right, mid = (
        clamp(number(mark) or Decimal(0), 0, 100) * Decimal("1.2") for mark in (low, high, middle)
    )
    spot = clamp(place, 0, 100)
    return format_html(
        '<svg width="96" height="12" viewBox="0 0 120 14" role="img" aria-label="{}">'
        '<rect class="c-track" y="6" width="120" height="2" rx="1"/>'
        '<rect class="c-mut" x="{}" y="4" width="{}" height="6" rx="2"/>'
        '<line class="s-ink" x1="{}" y1="2" x2="{}" y2="12"/><circle class="c-dot" cx="{}" cy="7" r="5"/></svg>',
        label or f"percentile {spot:.0f} of the cohort",
        f"{left:.1f}",
        f"{max(right - left, Decimal(0)):.1f}",
        f"{mid:.1f}",
        f"{mid:.1f}",
        f"{6 + spot * Decimal('1.08'):.1f}",
    )


def chance_tone(chance: Decimal | None) -> str:
    """The mark of a 90-day chance. It routes nothing: risk levels have cuts of their own."""
    if chance is None or chance < RAISED_CHANCE:
        return ""
    return "crit" if chance >= CRITICAL_CHANCE else "high"


def p3(p30: object, p60: object, p90: object, tone: object = None) -> SafeString:
    """Chance of leaving in 30, 60 and 90 days (shares), each with a small bar; the last one counts."""
    last = chance_tone(number(p90)) if tone is None else tone
    cells = ((30, p30, ""), (60, p60, ""), (90, p90, last))
    return format_html(
        '<span class="p3">{}</span>',
        format_html_join("", "{}", ((chance_cell(days, chance, mark),) for days, chance, mark in cells)),
    )


def chance_cell(days: int, chance: object, tone: object) -> SafeString:
    share = number(chance) or Decimal(0)
    wide = clamp(share, 0, 1) * 36
    return format_html(
        '<span><span><span class="vh">{} days: </span>{}</span>'
        '<svg width="36" height="3" viewBox="0 0 36 3" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="c-track" width="36" height="3" rx="1.5"/>'
        '<rect class="{}" width="{}" height="3" rx="1.5"/></svg></span>',
        days,
        pct(chance),
        tone_named(tone).fill,
        f"{max(wide, Decimal(1)) if share else wide:.1f}",
    )


def change(value: object, days: int = 30) -> SafeString:
    """The signed change, and for readers "points in 30 days"."""
    text = format_html('<span class="nowrap">{}</span>', points(value))
    if number(value) is None:
        return text
    return format_html('{}<span class="vh"> points in {} days</span>', text, days)
