"""`{% load audit %}`: how events read."""

from django import template

from audit.diffs import changes

register = template.Library()
register.filter("changes", changes)


@register.filter
def verb_words(verb: str) -> str:
    """`scoring.health_changed` as "Health changed"."""
    words = verb.partition(".")[2].replace("_", " ")
    return words[:1].upper() + words[1:]


@register.filter
def verb_app(verb: str) -> str:
    return verb.partition(".")[0]
