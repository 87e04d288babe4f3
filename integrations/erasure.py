"""Traces of a person in what came in and what goes out."""

from pathlib import Path

from django.conf import settings

from accounts.erasure import Eraser, Place, Subject, register
from integrations.models import BundleImport, WriteIntent
from integrations.services import outbound
from tenants.access import SYSTEM

ANYWHERE = "true"
_OF_WRITE = (
    "t.intent_id IN (SELECT id FROM integrations_writeintent i WHERE i.tenant_id = %(tenant)s "
    "AND i.account_id = ANY(%(accounts)s))"
)
WRITES = Place("Writes", "integrations_writeintent", ("last_error",), ("target", "fields"))
PLACES = (
    WRITES,
    Place(
        "Writes", "integrations_writeattempt", ("request_body", "response_excerpt", "error"), where=_OF_WRITE,
        frozen=True,
    ),
    Place("Import reports", "integrations_bundlefile", ("message",), where=ANYWHERE, at_home=False),
    Place("Import reports", "integrations_bundleimport", ("refused",), where=ANYWHERE, at_home=False),
    Place(
        "Rejected rows", "integrations_quarantinedrow", ("value", "resolution"), ("row", "mended"), where=ANYWHERE,
        at_home=False, delete=True,
    ),
)  # fmt: skip


def _unsent(subject: Subject) -> list[WriteIntent]:
    """Writes that name the person and have not left."""
    ids = [row_id for row_id, wanted in WRITES.changes(subject) if wanted.keys() & {"target", "fields"}]
    rows = WriteIntent.objects.for_tenant(subject.tenant)
    return list(rows.filter(pk__in=ids, state__in=outbound.CANCELLABLE))


def _cancel(subject: Subject) -> int:
    """Its content is no longer what was approved, so it must not leave; whoever wants it asks again."""
    found = _unsent(subject)
    for intent in found:
        outbound.cancel(subject.tenant, intent_id=intent.pk, by=SYSTEM)
    return len(found)


def _uploads(subject: Subject) -> list[Path]:
    """Stored uploads that no import is at work on; the others meet the list of erased people and go after it."""
    folder = Path(settings.UPLOAD_DIR) / str(subject.tenant.pk)
    busy = (
        BundleImport.objects.for_tenant(subject.tenant)
        .filter(finished_at=None)
        .values_list("path", flat=True)
    )
    wanted = set(busy)
    found = folder.rglob("*") if folder.is_dir() else []
    return [path for path in found if path.is_file() and str(path) not in wanted and path.suffix != ".part"]


def _delete_uploads(subject: Subject) -> int:
    found = _uploads(subject)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def register_places() -> None:
    """Called once at start-up."""
    register(Eraser("Unsent writes", lambda subject: len(_unsent(subject)), _cancel), first=True)
    register(Eraser("Stored uploads", lambda subject: len(_uploads(subject)), _delete_uploads), first=True)
    register(*PLACES)
