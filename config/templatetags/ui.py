"""`{% load ui %}`: the tags and filters of every page. `docs/ui.md` is the sheet to write templates from.

The work is in `words` (how values read) and `marks` (small drawings); here they get their names, and the
repeated parts of a page get theirs, each with its template in `templates/parts/`.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.http import HttpRequest
from django.utils.safestring import SafeString

from config.templatetags import marks, words
from tenants import fields

register = template.Library()

register.filter("money", words.money)
register.filter("money_full", words.money_full)
register.filter("pct", words.pct)
register.filter("points", words.points)
register.filter("day", words.day)
register.filter("in_days", words.in_days)
register.filter("number_or_dash", words.number_or_dash)
register.filter("stored_word", words.stored_word)
register.filter("go_key", words.go_key)
register.filter("sees", fields.sees)

register.simple_tag(marks.icon, name="icon")
register.simple_tag(marks.spark, name="spark")
register.simple_tag(marks.bar, name="bar")
register.simple_tag(marks.delta, name="delta")
register.simple_tag(marks.strip, name="strip")
register.simple_tag(marks.p3, name="p3")
register.simple_tag(marks.band, name="band")
register.simple_tag(marks.change, name="change")
register.simple_tag(marks.risk, name="risk")
register.simple_tag(words.band_tone, name="band_tone")
register.simple_tag(words.interval, name="interval")
register.simple_tag(words.rows_of, name="rows_of")

Context = dict[str, Any]


@register.inclusion_tag("parts/score.html")
def score(
    value: object,
    band: object,
    history: Any = None,
    change: object = None,
    days: int = 30,
    late: str = "",
    override: object = None,
    since: str = "",
    history_label: str = "",
) -> Context:
    """Health with its doubt: `late` says which source is late, `override` is a person's number, `since` when
    data ended. A missing value never shows as 0."""
    known = words.number(value)
    return {
        "value": words.number_or_dash(known),
        "known": known is not None,
        "band": band,
        "history": history,
        "change": words.number(change),
        "days": days,
        "late": late,
        "override": override,
        "since": since,
        "history_label": history_label,
    }


@register.inclusion_tag("parts/empty.html")
def empty_state(
    title: str, text: str = "", *, icon: str = "good", url: str = "", label: str = "", tone: str = ""
) -> Context:
    """What a region shows instead of rows: what happened, and one useful next view."""
    return {
        "title": title,
        "text": text,
        "icon": icon,
        "url": url,
        "label": label,
        "tone": marks.tone_named(tone),
    }


@register.inclusion_tag("parts/note.html")
def note(
    text: str,
    *,
    title: str = "",
    tone: str = "",
    icon: str = "",
    url: str = "",
    label: str = "",
    role: str = "",
) -> Context:
    """An inline remark; at most one above a list. `tone`: crit, high, watch, good, info or a band."""
    found = marks.tone_named(tone)
    css = "t-info" if tone == "info" else found.css
    mark = icon or (found.icon if found.name else "info")
    return {"text": text, "title": title, "css": css, "icon": mark, "url": url, "label": label, "role": role}


@register.inclusion_tag("parts/pager.html")
def pager(
    text: str,
    *,
    newer: str = "",
    older: str = "",
    newer_rows: str = "",
    older_rows: str = "",
    target: str = "",
    newer_label: str = "Newer",
    older_label: str = "Older",
    label: str = "Pages",
) -> Context:
    """Keyset pager. `newer`/`older` are page URLs, `*_rows` the partials' URLs that htmx puts into `target`."""
    links = [
        {"url": newer, "rows": newer_rows, "label": newer_label, "icon": "prev"},
        {"url": older, "rows": older_rows, "label": older_label, "icon": "next"},
    ]
    return {"text": text, "links": [link for link in links if link["url"]], "target": target, "label": label}


@register.inclusion_tag("parts/progress.html")
def progress_panel(
    key: str,
    *,
    label: str,
    url: str,
    done: int | None = None,
    total: int | None = None,
    text: str = "",
    state: str = "running",
    error: str = "",
    result_url: str = "",
    result_label: str = "",
    every: str = "1s",
) -> Context:
    """A job's row, asked again at `url` until `state` is `finished` or `failed`. `key` makes the element id."""
    return {
        "key": key,
        "label": label,
        "url": url,
        "done": done,
        "total": total,
        "text": text,
        "state": state,
        "error": error,
        "result_url": result_url,
        "result_label": result_label,
        "every": every,
    }


@register.inclusion_tag("parts/toast.html", takes_context=True)
def toast(
    context: Context,
    message: str,
    *,
    tone: str = "",
    url: str = "",
    label: str = "",
    undo: str = "",
    target: str = "",
    stay: bool = False,
    oob: bool = False,
) -> Context:
    """What just happened: gone after 8 seconds unless `stay`. `oob` puts it into #toasts of the open page."""
    return {
        "message": message,
        "tone": marks.tone_named(tone),
        "url": url,
        "label": label,
        "undo": undo,
        "target": target,
        "stay": stay or tone == "crit",
        "oob": oob,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("parts/field.html")
def field(bound: BoundField, *, hint: str = "", label: str = "", optional: bool = True) -> Context:
    """One form field with label, hint and error, tied together by Django's own ids."""
    if hint:
        bound.help_text = hint
    return {
        "field": bound,
        "label": label or bound.label,
        "optional": optional and not bound.field.required,
        "kind": field_kind(bound),
    }


def field_kind(bound: BoundField) -> str:
    if bound.is_hidden:
        return "hidden"
    if bound.use_fieldset:
        return "group"
    return "check" if getattr(bound.field.widget, "input_type", "") == "checkbox" else "line"


@register.inclusion_tag("parts/form_errors.html")
def form_errors(form: BaseForm) -> Context:
    """The line on top of a refused form: each fault links to its field and takes the focus."""
    faults = [("", "", str(text)) for text in form.non_field_errors()]
    for bound in form:
        faults += [
            (bound.id_for_label or bound.auto_id, str(bound.label), str(text)) for text in bound.errors
        ]
    return {"faults": faults}


@register.inclusion_tag("parts/chart.html")
def chart(key: str, figure: Context, label: str, *, size: str = "") -> Context:
    """A plotly figure as data for app.js. Colours are token names: "--accent", or "--accent/16" for 16 %."""
    return {"key": key, "figure": figure, "label": label, "size": size}


@register.simple_tag(takes_context=True)
def page_theme(context: Context) -> SafeString:
    """The attributes of <html> that follow the reader's choices: `theme` (or its cookie) and the keys' cookie."""
    request = context.get("request")
    cookies = request.COOKIES if isinstance(request, HttpRequest) else {}
    theme = str(context.get("theme") or cookies.get("theme", ""))
    chosen = f' data-theme="{theme}"' if theme in ("light", "dark") else ""
    return SafeString(chosen + (" data-keys-off" if cookies.get("hotkeys") == "off" else ""))  # nosec B703  constants
