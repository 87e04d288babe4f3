"""Words of the delivery log."""

import json

from django import template

register = template.Library()

KINDS = {"concession": "Approved concession", "test": "Test event"}
OUTCOMES = {
    "done": ("good", "good", "Taken"),
    "retry": ("watch", "watch", "Not taken, may pass"),
    "unknown": ("watch", "half", "Outcome unknown"),
    "lease_lost": ("watch", "half", "Cut off, outcome unknown"),
    "refused": ("crit", "crit", "Refused"),
    "forbidden": ("crit", "lock", "Not allowed"),
    "gone": ("crit", "stop", "Endpoint gone"),
}
STATES = {
    "done": ("good", "good"),
    "ready": ("info", "clock"),
    "leased": ("info", "out"),
    "retry_wait": ("watch", "clock"),
    "unknown": ("watch", "half"),
    "blocked": ("high", "high"),
    "conflict": ("high", "high"),
    "dead": ("crit", "crit"),
}


@register.filter
def write_kind(kind: str) -> str:
    return KINDS.get(kind, kind.replace("_", " ").replace(".", " ").capitalize())


@register.filter
def outcome_mark(outcome: str) -> dict[str, str]:
    """Tone, icon and words of one attempt."""
    tone, icon, words = OUTCOMES.get(outcome, ("", "info", outcome.replace("_", " ").capitalize()))
    return {"tone": tone, "icon": icon, "words": words}


@register.filter
def state_mark(state: str) -> dict[str, str]:
    """Tone and icon of a write's state; ended ones without an effect have none."""
    tone, icon = STATES.get(state, ("", "none"))
    return {"tone": tone, "icon": icon}


@register.filter
def pretty(text: str) -> str:
    """The JSON that was sent, one value a line; what is not JSON as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


@register.filter
def plain_value(value: object) -> str:
    """A value of a payload in one line; of a nested one its values."""
    if isinstance(value, dict):
        return ", ".join(plain_value(part) for part in value.values())
    if isinstance(value, list):
        return ", ".join(plain_value(part) for part in value)
    if value is None or value == "":
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
