"""The job behind an upload: it brings in as many files as its time allows, and the next job goes on."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import Error, connection
from django.urls import reverse
from django.utils import timezone

from integrations.importing import uploads
from integrations.importing.problems import AnotherImportRuns
from integrations.importing.run import import_bundle
from integrations.models import BundleImport
from integrations.queries import quarantine
from integrations.services import imports as services
from jobs import heartbeat
from jobs.progress import Progress
from tenants.access import Actor
from tenants.models import Tenant
from tenants.queries import people
from tenants.scoping import tenant_transaction

logger = logging.getLogger("holdfast.imports")
SECONDS_A_JOB = 60.0  # no new file is begun after this
BEAT_EVERY = 20.0  # seconds
WAIT = timedelta(seconds=15)


def run(tenant: Tenant, progress: Progress, *, bundle_id: int) -> dict[str, Any]:
    """Harmless to run again: files that have a report are passed over, and landed rows land as unchanged."""
    with tenant_transaction(tenant.pk):
        bundle = services.mark_running(tenant, bundle_id=bundle_id)
        by = sender_of(bundle)
    if bundle.finished_at is None:
        try:
            _go_on(tenant, bundle, by, progress)
        except AnotherImportRuns:
            with tenant_transaction(tenant.pk):
                services.go_on(tenant, bundle_id=bundle_id, by=by, not_before=timezone.now() + WAIT)
    url = reverse("integrations:import", args=[tenant.slug, bundle_id])
    return {"url": url, "label": "Open the report"}


def _go_on(tenant: Tenant, bundle: BundleImport, by: Actor, progress: Progress) -> None:
    path = Path(bundle.path)
    if bundle.path and not path.exists():
        with tenant_transaction(tenant.pk):
            why = "The uploaded file is no longer there. Upload it again."
            services.break_off(tenant, bundle_id=bundle.pk, why=why, by=by)
        return
    with _beating():
        report = import_bundle(
            tenant,
            path,
            by=by,
            say=lambda done, total, words: progress(done, total, words),
            record=bundle,
            dry_run=bundle.dry_run,
            until=time.monotonic() + SECONDS_A_JOB,
        )
    if report.unfinished:
        with tenant_transaction(tenant.pk):
            services.go_on(tenant, bundle_id=bundle.pk, by=by)
    elif not _may_come_again(tenant, bundle):
        uploads.forget(bundle.path)


def _may_come_again(tenant: Tenant, bundle: BundleImport) -> bool:
    """A stopped file is read a second time when its rows are mended, as long as the sweep leaves the upload."""
    with tenant_transaction(tenant.pk):
        return not bundle.dry_run and bool(quarantine.stopped_files(tenant, bundle_id=bundle.pk))


@contextmanager
def _beating() -> Iterator[None]:
    """Signs of life while a merge of millions of rows says nothing, or two of them would look like a stuck group."""
    ended = threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(BEAT_EVERY):
                heartbeat.beat()
        except Error:
            logger.exception("a sign of life could not be written")
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name="import-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def sender_of(bundle: BundleImport) -> Actor:
    """Who uploaded it, as the event log names people."""
    user_id = bundle.job.requested_by_id if bundle.job else None
    membership = people(bundle.tenant).filter(user_id=user_id).first() if user_id else None
    return Actor("person", str(user_id or ""), bundle.started_by_label, membership)
