"""Where the account stands and stood, in the brief: health with an override in force, and the chance of leaving."""

from datetime import date
from typing import Any

from django.urls import reverse

from config.templatetags.words import number_or_dash, pct
from scoring.models import AccountHealth, HealthSnapshot, Override
from scoring.why.brief_parts import Section, Statement, Subject, day_words
from scoring.why.brief_records import Record

BANDS = {"critical": "critical", "at_risk": "at risk", "watch": "watch", "healthy": "healthy"}


def trajectory(about: Subject, now: AccountHealth | None, then: HealthSnapshot | None) -> Section:
    """`now` is annotated with `overridden`, what the override in force says beside its number (brief._standing)."""
    section = Section("trajectory", "Trajectory", "The account was not scored yet.")
    if now is None:
        return section
    cites = [_scored(about, now.as_of, then.as_of if then else None)]
    override = _override(about, now)
    section.statements.append(Statement(_health(now, then, is_computed=override is not None), cites))
    if override is not None:
        section.statements.append(override)
    section.statements.append(Statement(_chance(now, then), cites))
    return section


def _health(now: AccountHealth, then: HealthSnapshot | None, *, is_computed: bool) -> str:
    if now.health is None:
        return "Too little is known for a health score."
    before = ""
    if then and then.health is not None:
        before = f", {number_or_dash(then.health)} on {day_words(then.as_of)}"
    verb = "Computed health is" if is_computed else "Health is"
    return f"{verb} {number_or_dash(now.health)} ({BANDS.get(now.band, now.band)}){before}."


def _override(about: Subject, now: AccountHealth) -> Statement | None:
    """What a person says in its place, while that holds."""
    if now.override_health is None or now.override_until is None or now.override_until < about.day:
        return None
    told: dict[str, Any] = now.overridden or {}  # type: ignore[attr-defined]
    band = BANDS.get(now.override_band, now.override_band)
    said = band if told.get("band") else f"{number_or_dash(now.override_health)} ({band})"
    reason = dict(Override.Reason.choices).get(told.get("reason", ""), "")
    text = f"An override stands beside it: {said}, by {told.get('author') or 'somebody'}, until"
    text += f" {day_words(now.override_until)}{f' ({reason})' if reason else ''}."
    return Statement(text, [Record("override", f"{about.page}?panels=all#panel-override")])


def _chance(now: AccountHealth, then: HealthSnapshot | None) -> str:
    if now.p90 is None:
        return "The chance of leaving is not yet calibrated."
    before = f", {pct(then.p90)} on {day_words(then.as_of)}" if then and then.p90 is not None else ""
    sure = f"80% interval {pct(now.p90_low)} to {pct(now.p90_high)}"
    return f"Chance of leaving within 90 days: {pct(now.p90)}, {sure}{before}."


def _scored(about: Subject, now: date, then: date | None) -> Record:
    page = reverse("scoring:changes", args=[about.tenant.slug, about.account.pk])
    query = f"?from={then}&to={now}" if then else f"?to={now}"
    return Record("what changed", page + query)
