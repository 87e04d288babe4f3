"""How a job reads on a page."""

from typing import Any

from django.urls import reverse

from jobs.models import Job
from jobs.registry import kinds

STATES = {
    Job.State.QUEUED: "queued",
    Job.State.RUNNING: "running",
    Job.State.DONE: "finished",
    Job.State.DEAD: "failed",
    Job.State.CANCELLED: "failed",
}


def label_of(kind: str) -> str:
    return kinds[kind].label if kind in kinds else kind


def panel_of(job: Job, *, slug: str) -> dict[str, Any]:
    """The arguments of the progress panel: it polls itself until the job has ended."""
    label = label_of(job.kind)
    result = job.result if isinstance(job.result, dict) else {}
    url = str(result.get("url", ""))
    return {
        "key": f"job-{job.pk}",
        "label": label,
        "url": reverse("jobs:progress", args=[slug, job.pk]),
        "done": job.done,
        "total": job.total,
        "text": words_of(job, label),
        "state": STATES[Job.State(job.state)],
        "error": job.last_error if job.state == Job.State.DEAD else "",
        "result_url": url if url.startswith("/") and not url.startswith("//") else "",
        "result_label": str(result.get("label", "")),
    }


def words_of(job: Job, label: str) -> str:
    """One sentence on where the job stands, beside the numbers."""
    if job.state == Job.State.CANCELLED:
        return "Cancelled."
    if job.state == Job.State.DEAD:
        return "Nothing more happens until somebody starts it again."
    if job.cancel_requested_at is not None and not job.is_finished:
        return "Stopping."
    if job.state == Job.State.QUEUED and job.attempts:
        return f"Attempt {job.attempts} of {job.max_attempts} failed; it is tried again."
    return "" if job.message == label else job.message
