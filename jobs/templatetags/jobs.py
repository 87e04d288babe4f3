"""`{% load jobs %}`: a job's progress on any page that started one."""

from typing import Any

from django import template

from jobs.models import Job
from jobs.panels import label_of, panel_of

register = template.Library()
register.filter("job_label", label_of)


@register.inclusion_tag("parts/progress.html", takes_context=True)
def job_progress(context: dict[str, Any], job: Job) -> dict[str, Any]:
    """The panel of one job; the person who looks must be its requester or hold the right to configure."""
    return {"every": "1s", **panel_of(job, slug=context["request"].tenant.slug)}
