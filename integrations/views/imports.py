"""Imports: the list with the upload, the report of one import, its rejected rows as a file, and the format."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from integrations.coverage import covered_value, covers_file
from integrations.forms_imports import UploadForm
from integrations.importing import uploads
from integrations.importing.columns import LONGEST_ID, LONGEST_SHORT, LONGEST_TEXT
from integrations.importing.format import FILES
from integrations.importing.rejects import rejected_as_csv
from integrations.meters import check_upload
from integrations.models import BundleImport
from integrations.queries import imports as queries
from integrations.services import imports as services
from jobs.models import Job
from jobs.paging import BadPlace, neighbours, newest_first
from jobs.panels import panel_of
from tenants import fields
from tenants.access import (
    Right,
    TenantRequest,
    ask_again,
    check_sees_everything,
    own_transactions,
    sees_everything,
    tenant_view,
)
from tenants.scoping import tenant_transaction

ROWS_SHOWN = 50
MB = 1024**2


@require_GET
@tenant_view(right=Right.IMPORT)
def import_list(request: TenantRequest) -> HttpResponse:
    return render(request, "integrations/imports/list.html", _list_context(request, UploadForm()))


def _list_context(request: TenantRequest, form: UploadForm) -> dict[str, Any]:
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    try:
        page = newest_first(
            queries.bundles(request.tenant), by=["created_at", "id"], before=before, after=after
        )
    except BadPlace as error:
        raise Http404("No such page.") from error
    return {
        "form": form,
        "page": page,
        "places": neighbours(request, page, names=("integrations:imports", "integrations:imports")),
        "files": FILES.values(),
        "limit_mb": settings.UPLOAD_MAX_BYTES // MB,
    }


# --- the upload ---------------------------------------------------------------------------------


@require_POST
@csrf_exempt  # checked by _receive, once it is said where the bytes go: reading the token reads the whole upload
@own_transactions("streams the upload to disk, for as long as the sender needs")
@tenant_view(right=Right.IMPORT)
def upload(request: TenantRequest) -> HttpResponse:
    limit = settings.UPLOAD_MAX_BYTES
    if _announced(request) > limit + MB:
        return _too_large(request)
    receiver = uploads.StreamToDisk(request.tenant, limit=limit)
    request.upload_handlers = [receiver]
    try:
        answer: HttpResponse = _receive(request, receiver)
        return answer
    finally:
        receiver.discard()


def _announced(request: TenantRequest) -> int:
    """The length that the sender announced; nonsense counts as none, and the stream is bounded all the same."""
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text[:19]) if text.isascii() and text.isdigit() else 0


@csrf_protect
def _receive(request: TenantRequest, receiver: uploads.StreamToDisk) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if receiver.too_large:
        return _too_large(request)
    with tenant_transaction(request.tenant.pk):
        if not form.is_valid():
            context = _list_context(request, form)
            return render(request, "integrations/imports/list.html", context, status=422)
        sent = form.cleaned_data["bundle"]
        check_upload(request.tenant, size=sent.size)
        bundle = services.start_import(
            request.tenant,
            file_name=sent.name,
            path=str(receiver.keep(sent.name)),
            size_bytes=sent.size,
            dry_run=form.cleaned_data["dry_run"],
            by=request.actor,
        )
    return _see_other(reverse("integrations:import", args=[request.tenant.slug, bundle.pk]))


def _too_large(request: TenantRequest) -> HttpResponse:
    """413 with the page, so that the person reads what the limit is and what to do."""
    form = UploadForm({})
    words = (
        f"The file is larger than {settings.UPLOAD_MAX_BYTES // MB:,} MB. Split it into several bundles, "
        "or ask whoever runs the server to use the command import_bundle."
    )
    form.errors["bundle"] = form.error_class([words])
    with tenant_transaction(request.tenant.pk):
        return render(request, "integrations/imports/list.html", _list_context(request, form), status=413)


def _see_other(url: str) -> HttpResponse:
    answer = HttpResponseRedirect(url)
    answer.status_code = 303
    return answer


# --- one import ---------------------------------------------------------------------------------


@require_GET
@tenant_view(right=Right.IMPORT)
def import_page(request: TenantRequest, bundle_id: int) -> HttpResponse:
    return render(request, "integrations/imports/page.html", _report_context(request, bundle_id))


@require_GET
@tenant_view(right=Right.IMPORT)
def import_report(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """The report alone, which asks for itself again while the import runs."""
    return render(request, "integrations/imports/_report.html", _report_context(request, bundle_id))


def _report_context(request: TenantRequest, bundle_id: int) -> dict[str, Any]:
    bundle = _bundle(request, bundle_id)
    files = list(queries.files_of(request.tenant, bundle_id=bundle_id))
    rejected = sum(file.rejected for file in files)
    may_see_rows = sees_everything(
        request.membership
    )  # a row that did not land is of no account that one may see
    rejects = queries.rejected_rows(request.tenant, bundle_id=bundle_id)[:ROWS_SHOWN]
    rows = list(rejects) if rejected and may_see_rows else []
    for row in rows:
        row.value = covered_value(request.membership, row)
    job: Job | None = bundle.job
    panel = panel_of(job, slug=request.tenant.slug) if job and bundle.finished_at is None else None
    return {
        "bundle": bundle,
        "files": files,
        "totals": {name: sum(getattr(file, name) for file in files) for name in COUNTS},
        "rows": rows,
        "rejected": rejected,
        "may_see_rows": may_see_rows,
        "downloads": [file for file in files if file.rejected and file.file.removesuffix(".csv") in FILES],
        "progress": panel,
        "running": bundle.finished_at is None and (panel is None or panel["state"] in ("queued", "running")),
    }


COUNTS = ("read", "created", "updated", "unchanged", "rejected")


def _bundle(request: TenantRequest, bundle_id: int) -> BundleImport:
    bundle = queries.bundle(request.tenant, bundle_id=bundle_id)
    if bundle is None:
        raise Http404("No such import.")
    return bundle


@require_POST
@tenant_view(right=Right.IMPORT)
def import_stop(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """Stop it at its next step; what landed stays."""
    bundle = _bundle(request, bundle_id)
    if services.stop_import(request.tenant, bundle_id=bundle.pk, by=request.actor):
        messages.success(request, "The import stops at its next step. What landed before stays.")
    else:
        messages.warning(request, "The import has already ended.")
    return _see_other(reverse("integrations:import", args=[request.tenant.slug, bundle_id]))


@ask_again("what is exported leaves the product", also_to_read=True)
@require_GET
@own_transactions("writes rows of any number to a file before it answers")
@tenant_view(right=Right.IMPORT)
def import_rejects(request: TenantRequest, bundle_id: int, file: str) -> HttpResponse:
    """The rows of one file that have not landed, as they stand, with line, column and reason behind them."""
    check_sees_everything(request.membership)
    if file not in FILES:
        raise Http404("No such file.")
    with tenant_transaction(request.tenant.pk):
        bundle = _bundle(request, bundle_id)
        rows = queries.rows_to_mend(request.tenant, bundle_id=bundle_id).filter(file=FILES[file].file_name)
        covered = fields.covered_names(request.membership)
        if covers_file(request.membership, FILES[file]):
            rows = rows.exclude(column="")  # cells may stand under other columns than their own
        table = rejected_as_csv(FILES[file], rows, covered=covered)
        services.record_download(
            request.tenant, bundle_id=bundle.pk, file=FILES[file].file_name, by=request.actor
        )
    return FileResponse(  # type: ignore[return-value]  # it is one in all that the middleware asks of it
        table,
        as_attachment=True,
        filename=f"{file}-rejected-{bundle.created_at.date()}-{bundle.pk}.csv",
        content_type="text/csv; charset=utf-8",
    )


# --- the format ---------------------------------------------------------------------------------


@require_GET
@tenant_view(right=Right.IMPORT)
def import_format(request: TenantRequest) -> HttpResponse:
    """Every file and column, from the same data that the import checks with."""
    limit = request.tenant.rejected_rows_limit_pct
    context = {
        "files": FILES.values(),
        "limit": limit,
        "longest_id": LONGEST_ID,
        "longest_short": LONGEST_SHORT,
        "longest_text": LONGEST_TEXT,
    }
    return render(request, "integrations/imports/format.html", context)
