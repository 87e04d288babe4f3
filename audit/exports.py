"""The filtered log as a file: made by a job, fetched by the one who asked, kept for a week."""

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from audit import queries, services
from audit.models import AuditEvent
from jobs.exceptions import NeedsPerson
from jobs.models import Job
from tenants import reach
from tenants.access import Actor, Right, can
from tenants.models import Membership, Tenant
from tenants.queries import member

KIND = "audit.export"
MOST_EVENTS = 500_000
READ_AT_ONCE = 2000
FORMATS = {"csv": "CSV", "jsonl": "JSON Lines"}
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
COLUMNS = (
    "at", "verb", "actor_kind", "actor_id", "actor_label", "object_type", "object_id", "object_label", "account_id",
    "decision_ref", "before", "after", "request_id",
)  # fmt: skip


def run(
    tenant: Tenant,
    progress: Any,
    *,
    membership_id: int,
    filters: dict[str, Any],
    form: str,
    request_id: str = "",
) -> dict[str, Any]:
    """The job. Rights are those of the moments it begins and ends: whoever was shut out meanwhile gets no file."""
    viewer = _who_asked(tenant, membership_id)
    reach = reach_of(viewer)
    rows = queries.events(tenant, viewer, filters_from(filters)).order_by("at", "id")
    total = rows.order_by()[: MOST_EVENTS + 1].count()
    if total > MOST_EVENTS:
        raise NeedsPerson(f"More than {MOST_EVENTS:,} events match. Narrow the dates and export again.")
    path = path_of(tenant, progress.job_id, form)
    seen = queries.covered(viewer, rows.iterator(chunk_size=READ_AT_ONCE))
    count = _write_file(path, seen, form, lambda done: progress(done, total))
    _check_still_may(tenant, membership_id, reach, path)
    services.record(
        tenant,
        verb="audit.exported",
        by=Actor.person(viewer),
        object_type="audit.export",
        object_id=str(progress.job_id),
        object_label=f"{count:,} events as {FORMATS[form]}",
        after={"events": count, "format": FORMATS[form], "filters": {k: v for k, v in filters.items() if v}},
        request_id=request_id,
    )
    url = reverse("audit:export_file", args=[tenant.slug, progress.job_id])
    return {
        "events": count,
        "form": form,
        "reach": reach,
        "url": url,
        "label": f"Download {count:,} events as {FORMATS[form]}",
    }


def _check_still_may(tenant: Tenant, membership_id: int, reach: list[Any], path: Path) -> None:
    """The file goes where the rights changed while it was written, which may have taken minutes."""
    try:
        if reach_of(_who_asked(tenant, membership_id)) != reach:
            raise NeedsPerson("The rights of the person who asked changed meanwhile. Export again.")
    except NeedsPerson:
        path.unlink()
        raise


def _who_asked(tenant: Tenant, membership_id: int) -> Membership:
    """As the database knows that person now; raises NeedsPerson once they may not export any more."""
    viewer = member(tenant, membership_id=membership_id)
    if (
        viewer is None
        or not viewer.user.is_active
        or not all(can(viewer, right) for right in (Right.VIEW_AUDIT, Right.EXPORT))
    ):
        raise NeedsPerson("The person who asked may no longer export the event log.")
    return viewer


def reach_of(viewer: Membership) -> list[Any]:
    """What says how far this person sees: a file is handed out only to whom it was made for, as they were then."""
    return reach.mark_of(viewer)


def is_within_reach(viewer: Membership, job: Job) -> bool:
    """Whether the file of this finished job was made with the rights that the person has today."""
    return bool((job.result or {}).get("reach") == reach_of(viewer))


def filters_as_json(filters: queries.Filters) -> dict[str, Any]:
    """For a job's args."""
    return {name: str(value) if isinstance(value, date) else value for name, value in asdict(filters).items()}


def filters_from(values: dict[str, Any]) -> queries.Filters:
    days = {name: date.fromisoformat(values[name]) for name in ("since", "until") if values.get(name)}
    return queries.Filters(**{**values, "since": None, "until": None, **days})


def path_of(tenant: Tenant, job_id: int, form: str) -> Path:
    """Made of numbers and a known ending only."""
    return (
        Path(settings.EXPORT_DIR)
        / str(tenant.pk)
        / f"audit-{int(job_id)}.{'csv' if form == 'csv' else 'jsonl'}"
    )


def as_record(event: AuditEvent) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in COLUMNS if name not in ("at", "before", "after")}
    values["at"] = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    values["before"], values["after"] = event.diff.get("before"), event.diff.get("after")
    return {name: values[name] for name in COLUMNS}


def as_cells(record: dict[str, Any]) -> list[str]:
    return [safe_cell(_cell(value)) for value in record.values()]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


# the wide ones too: spreadsheets of East Asian systems take them for the narrow
_FORMULA = set("=+-@＝＋－＠")


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet does not run: what reads as a formula, blanks before it or not, gets an apostrophe."""
    return f"'{text}" if text.lstrip()[:1] in _FORMULA or text[:1] in {"\t", "\r", "\n"} else text


def _write_file(path: Path, rows: Any, form: str, say: Callable[[int], None]) -> int:
    count = 0
    with _replacing(path) as out:
        table = csv.writer(out)
        if form == "csv":
            table.writerow(COLUMNS)
        for event in rows:
            record = as_record(event)
            if form == "csv":
                table.writerow(as_cells(record))
            else:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
            if count % READ_AT_ONCE == 0:
                say(count)
    say(count)
    return count


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A file that is there whole or not at all, readable by us alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(path.suffix + ".part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            yield out
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def forget_old() -> None:
    """Delete files that had their days; the sweeper calls it each hour."""
    oldest = (timezone.now() - timedelta(days=settings.KEEP_EXPORT_DAYS)).timestamp()
    for path in Path(settings.EXPORT_DIR).glob("*/audit-*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
