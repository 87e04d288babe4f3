"""Imports for programs: hand in a bundle, ask what became of it (docs/api.md)."""

import hashlib
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from integrations.importing.received import CutOff, Received, TooMuch, received
from integrations.importing.uploads import ENDINGS, ending_of
from integrations.meters import check_upload
from integrations.models import BundleImport
from integrations.queries import imports as queries
from integrations.services import imports as services
from tenants.idempotency import once
from tenants.problems import problem
from tenants.scopes import Scope
from tenants.scoping import tenant_transaction
from tenants.service_access import ServiceRequest, service_view

TYPES = {"application/zip", "application/gzip", "application/x-gzip", "application/octet-stream"}
COUNTS = ("read", "created", "updated", "unchanged", "rejected")


@service_view(
    scope=Scope.IMPORT, own_transactions="streams the bundle to disk, for as long as the sender needs"
)
@require_POST
def send_bundle(request: ServiceRequest) -> HttpResponse:
    """The body is the bundle; `?name=` says how it is packed and what people see. 202 with where to ask."""
    name = request.GET.get("name", "bundle.zip")
    length, limit = int(request.META.get("CONTENT_LENGTH") or 0), settings.UPLOAD_MAX_BYTES
    if not length:
        return problem(request, 411, "Empty", "Send the bundle as the body, with its Content-Length.")
    if not ending_of(name) or len(name) > 300 or not name.isprintable():
        return problem(
            request, 400, "Bad name", f"`name` ends in {', '.join(ENDINGS)} and has 300 characters at most."
        )
    if request.content_type not in TYPES:
        return problem(
            request, 415, "Unsupported type", f"Send the bundle itself, as {', '.join(sorted(TYPES))}."
        )
    if length > limit:
        return _too_large(request)
    try:
        with received(request.tenant, request, length=length, limit=limit) as bundle:
            return _start(request, bundle, name)
    except TooMuch:
        return _too_large(request)
    except (CutOff, UnreadablePostError):
        return problem(
            request, 400, "Cut off", "Fewer bytes came than were announced. Nothing was kept: send it again."
        )


def _start(request: ServiceRequest, bundle: Received, name: str) -> HttpResponse:
    """Kept and queued in one transaction: sent twice under one key, it is one import."""
    with tenant_transaction(request.tenant.pk):
        answer = once(
            request,
            lambda: _queued(request, bundle, name),
            refuse=lambda request, status, words: problem(request, status, "Not done", words),
            fingerprint=hashlib.sha256(
                f"{bundle.fingerprint} {request.get_full_path()}".encode()
            ).hexdigest(),
        )
        if answer.status_code >= 400:
            transaction.set_rollback(True)
    return answer


def _queued(request: ServiceRequest, bundle: Received, name: str) -> HttpResponse:
    check_upload(request.tenant, size=bundle.size)
    made = services.start_import(
        request.tenant,
        file_name=name,
        path=str(bundle.keep(name)),
        size_bytes=bundle.size,
        dry_run=request.GET.get("dry_run", "") in ("1", "true"),
        by=request.actor,
    )
    answer = JsonResponse(_as_json(made, []), status=202)
    answer.headers["Location"] = reverse("integrations:api_import", args=[request.tenant.slug, made.pk])
    return answer


def _too_large(request: ServiceRequest) -> HttpResponse:
    limit = settings.UPLOAD_MAX_BYTES // 1024**2
    return problem(request, 413, "Too large", f"A bundle has at most {limit:,} MB. Split it into several.")


@service_view(scope=Scope.IMPORT)
@require_GET
def import_state(request: ServiceRequest, bundle_id: int) -> HttpResponse:
    bundle = queries.bundle(request.tenant, bundle_id=bundle_id)
    if bundle is None:
        raise Http404("There is no such import.")
    files = queries.files_of(request.tenant, bundle_id=bundle_id)
    rows = [
        {"file": each.file, "status": each.status, "message": each.message}
        | {name: getattr(each, name) for name in COUNTS}
        for each in files
    ]
    return JsonResponse(_as_json(bundle, rows))


def _as_json(bundle: BundleImport, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": bundle.pk,
        "name": bundle.file_name,
        "state": bundle.state,
        "dry_run": bundle.dry_run,
        "refused": bundle.refused,
        "created_at": bundle.created_at.isoformat(),
        "finished_at": bundle.finished_at.isoformat() if bundle.finished_at else None,
        "files": files,
    }
