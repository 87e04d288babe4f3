"""Rejected rows: seen by what is wrong with them, mended in place, brought in again, discarded with a reason."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.coverage import covered_in, covered_value
from integrations.exceptions import NotPossible, StaleVersion
from integrations.forms_quarantine import Filters, ReasonForm, RowForm
from integrations.importing.checking import fault_of
from integrations.models import BundleImport, QuarantinedRow
from integrations.queries import imports as imports_queries
from integrations.queries import quarantine as queries
from integrations.services import quarantine as services
from jobs.paging import BadPlace, neighbours
from tenants.access import Right, TenantRequest, tenant_view

IMPORT = Right.IMPORT
SETTLED = "This row was settled meanwhile, so nothing was saved. This is how it stands now."
STALE = "Somebody changed this row meanwhile. This is how it stands now; what you wrote is kept below it."


# --- the list -----------------------------------------------------------------------------------


@require_GET
@tenant_view(right=IMPORT)
def quarantine(request: TenantRequest, bundle_id: int) -> HttpResponse:
    bundle = _bundle(request, bundle_id)
    if bundle.retry_of_id is not None:
        return _see_other(_url(request, bundle.retry_of_id))
    return _page(request, bundle)


@require_GET
@tenant_view(right=IMPORT)
def quarantine_rows(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """The counts and the rows alone, for the filters and the pager."""
    context = _context(request, _bundle(request, bundle_id))
    response = render(request, "integrations/quarantine/_list.html", context)
    response.headers["HX-Push-Url"] = context["here"]
    return response


@require_GET
@tenant_view(right=IMPORT)
def quarantine_counts(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """How many rows of each kind; asks for itself again while rows are on their way, and leaves open forms alone."""
    bundle = _bundle(request, bundle_id)
    return render(request, "integrations/quarantine/_counts.html", _counts(request, bundle))


def _page(
    request: TenantRequest, bundle: BundleImport, *, reason: ReasonForm | None = None, status: int = 200
) -> HttpResponse:
    context = {**_context(request, bundle), "reason": reason or ReasonForm()}
    return render(request, "integrations/quarantine/page.html", context, status=status)


def _counts(request: TenantRequest, bundle: BundleImport) -> dict[str, Any]:
    retry = queries.newest_retry(request.tenant, bundle_id=bundle.pk)
    return {
        "bundle": bundle,
        "found": queries.overview(request.tenant, bundle_id=bundle.pk),
        "retry": retry,
        "under_way": queries.is_under_way(retry),
    }


def _context(request: TenantRequest, bundle: BundleImport) -> dict[str, Any]:
    counts = _counts(request, bundle)
    form = Filters(request.GET, counts["found"])
    chosen = form.chosen
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    rows = queries.rows(request.tenant, bundle_id=bundle.pk, chosen=chosen).select_related("retry__job")
    try:
        page = queries.page(rows, before=before, after=after)
    except BadPlace as error:
        raise Http404("No such page.") from error
    for row in page.rows:
        _dress(request, row)
    ready = queries.ready(request.tenant, bundle_id=bundle.pk, chosen=chosen)
    base, query = _url(request, bundle.pk), request.GET.urlencode()
    stopped = queries.stopped_files(request.tenant, bundle_id=bundle.pk)
    return {
        **counts,
        "form": form,
        "chosen": chosen.as_dict,
        "page": page,
        "places": _places(request, page, bundle.pk),
        "here": f"{base}?{query}" if query else base,
        "ready_mended": ready.get("mended", 0),
        "ready_open": ready.get("open", 0),
        "puttable": 0 if bundle.dry_run else counts["found"].states["discarded"],
        "stopped": stopped,
        "kept": bool(stopped and bundle.path and Path(bundle.path).exists()),
        "downloads": [file.removesuffix(".csv") for file in counts["found"].files],
    }


def _places(request: TenantRequest, page: Any, bundle_id: int) -> dict[str, str]:
    names = ("integrations:quarantine", "integrations:quarantine_rows")
    return neighbours(request, page, names=names, ids=[bundle_id])


def _dress(request: TenantRequest, row: Any) -> Any:
    """What the row's line shows beside its columns."""
    row.on_its_way = queries.is_under_way(row.retry)
    row.unsettled = row.state in queries.UNSETTLED
    row.value = covered_value(request.membership, row)
    return row


# --- one row ------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@tenant_view(right=IMPORT)
def quarantine_row(request: TenantRequest, bundle_id: int, row_id: int) -> HttpResponse:
    """The row as a form; posted, it is checked like an import would, and kept when it fits."""
    row = _row(request, bundle_id, row_id)
    covered = covered_in(request.membership, row)
    if request.method == "GET":
        return _form(request, RowForm(row, covered))
    if row.state not in queries.UNSETTLED:  # whatever was written: the row as it stands, and why
        return _form(request, RowForm(row, covered), status=409, problem=SETTLED)
    form = RowForm(row, covered, request.POST.dict())
    if form.file is None or form.too_large:
        raise Http404("This row cannot be mended here.")
    fault = fault_of(request.tenant, form.file, form.values)
    if fault is not None:
        form.mark(*fault)
        return _form(request, form, status=422)
    try:
        services.mend(
            request.tenant, bundle_id=bundle_id, row_id=row_id, version=_version(request), cells=form.values,
            by=request.actor,
        )  # fmt: skip
        if request.POST.get("then") == "retry":
            services.retry_row(request.tenant, bundle_id=bundle_id, row_id=row_id, by=request.actor)
    except StaleVersion:
        return _form(request, form, status=409, problem=STALE)
    except NotPossible as refusal:
        return _form(request, form, status=409, problem=str(refusal))
    return _done(request, bundle_id, row_id, _said(request))


def _said(request: TenantRequest) -> str:
    if request.POST.get("then") == "retry":
        return "Mended. It is being brought in."
    return "Mended. It fits now, and lands when it is brought in."


@require_GET
@tenant_view(right=IMPORT)
def quarantine_form(request: TenantRequest, bundle_id: int, row_id: int) -> HttpResponse:
    """The row's line in the list: with its form, or closed again."""
    row = _row(request, bundle_id, row_id)
    if request.GET.get("closed"):
        return _line(request, row)
    return _inline(request, RowForm(row, covered_in(request.membership, row)))


@require_POST
@tenant_view(right=IMPORT)
def quarantine_retry(request: TenantRequest, bundle_id: int, row_id: int) -> HttpResponse:
    _row(request, bundle_id, row_id)
    try:
        services.retry_row(request.tenant, bundle_id=bundle_id, row_id=row_id, by=request.actor)
    except NotPossible as refusal:
        return _refused(request, bundle_id, row_id, str(refusal))
    return _done(request, bundle_id, row_id, "It is being brought in.")


@require_POST
@tenant_view(right=IMPORT)
def quarantine_discard(request: TenantRequest, bundle_id: int, row_id: int) -> HttpResponse:
    row = _row(request, bundle_id, row_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        words = str(form.errors["why"][0])
        return _form(request, RowForm(row, covered_in(request.membership, row)), status=422, discard=words)
    try:
        services.discard(
            request.tenant, bundle_id=bundle_id, row_id=row_id, version=_version(request),
            reason=form.cleaned_data["why"], by=request.actor,
        )  # fmt: skip
    except StaleVersion:
        return _refused(request, bundle_id, row_id, "Somebody changed this row meanwhile. Look at it again.")
    except NotPossible as refusal:
        return _refused(request, bundle_id, row_id, str(refusal))
    return _done(request, bundle_id, row_id, "Discarded. It can be put back.")


@require_POST
@tenant_view(right=IMPORT)
def quarantine_put_back(request: TenantRequest, bundle_id: int, row_id: int) -> HttpResponse:
    _row(request, bundle_id, row_id)
    try:
        services.put_back(
            request.tenant, bundle_id=bundle_id, row_id=row_id, version=_version(request), by=request.actor
        )
    except StaleVersion:
        return _refused(request, bundle_id, row_id, "Somebody changed this row meanwhile. Look at it again.")
    except NotPossible as refusal:
        return _refused(request, bundle_id, row_id, str(refusal))
    return _done(request, bundle_id, row_id, "Put back.")


def _form(
    request: TenantRequest, form: RowForm, *, status: int = 200, problem: str = "", discard: str = ""
) -> HttpResponse:
    if request.method == "POST" and request.htmx and not discard:  # type: ignore[attr-defined]
        return _inline(request, form, status=status, problem=problem)
    context = {
        "bundle": form.row.bundle, "row": _dress(request, form.row), "form": form, "problem": problem,
        "discard_fault": discard,
    }  # fmt: skip
    return render(request, "integrations/quarantine/row.html", context, status=status)


def _inline(request: TenantRequest, form: RowForm, *, status: int = 200, problem: str = "") -> HttpResponse:
    context = {"row": _dress(request, form.row), "form": form, "problem": problem, "bundle": form.row.bundle}
    return render(request, "integrations/quarantine/_form_row.html", context, status=status)


def _line(request: TenantRequest, row: QuarantinedRow, *, said: str = "", status: int = 200) -> HttpResponse:
    context = {"row": _dress(request, row), "said": said, "bundle": row.bundle}
    return render(request, "integrations/quarantine/_line.html", context, status=status)


def _done(request: TenantRequest, bundle_id: int, row_id: int, said: str) -> HttpResponse:
    """The row's new line (htmx), or the list with the row in sight."""
    if request.htmx:  # type: ignore[attr-defined]
        return _line(request, _row(request, bundle_id, row_id), said=said)
    messages.success(request, said)
    return _see_other(f"{_url(request, bundle_id)}#row-{row_id}")


def _refused(request: TenantRequest, bundle_id: int, row_id: int, words: str) -> HttpResponse:
    row = _row(request, bundle_id, row_id)
    return _form(request, RowForm(row, covered_in(request.membership, row)), status=409, problem=words)


# --- many rows ----------------------------------------------------------------------------------


@require_POST
@tenant_view(right=IMPORT)
def quarantine_retry_all(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """What the filters show and may land; each row by itself, so that a bad one stops no other."""
    bundle = _bundle(request, bundle_id)
    chosen = _posted_filters(request, bundle)
    retry = services.retry_all(request.tenant, bundle_id=bundle_id, chosen=chosen, by=request.actor)
    if retry is None:
        messages.warning(request, "No row here can be brought in now.")
    else:
        messages.success(request, "The rows are being brought in. Those that still do not fit stay here.")
    return _back(request, bundle_id, chosen)


@require_POST
@tenant_view(right=IMPORT)
def quarantine_again(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """Stopped files come in whole, with the mended rows in their place and without the discarded ones."""
    bundle = _bundle(request, bundle_id)
    if not (bundle.path and Path(bundle.path).exists()):
        messages.warning(request, "The upload is no longer there. Mend the file and upload it again.")
    else:
        try:
            services.retry_file(request.tenant, bundle_id=bundle_id, by=request.actor)
            messages.success(request, "The stopped files are read again, with the mended rows in them.")
        except NotPossible as refusal:
            messages.warning(request, str(refusal))
    return _see_other(_url(request, bundle_id))


@require_POST
@tenant_view(right=IMPORT)
def quarantine_discard_all(request: TenantRequest, bundle_id: int) -> HttpResponse:
    bundle = _bundle(request, bundle_id)
    chosen = _posted_filters(request, bundle)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        request.GET = _query_of(chosen)  # type: ignore[assignment]  # the page as it was
        return _page(request, bundle, reason=form, status=422)
    count = services.discard_all(
        request.tenant, bundle_id=bundle_id, chosen=chosen, reason=form.cleaned_data["why"], by=request.actor
    )
    rows = "1 row" if count == 1 else f"{count:,} rows"
    messages.success(request, f"{rows} discarded. Show the discarded ones to put them back.")
    return _back(request, bundle_id, chosen)


@require_POST
@tenant_view(right=IMPORT)
def quarantine_put_all_back(request: TenantRequest, bundle_id: int) -> HttpResponse:
    bundle = _bundle(request, bundle_id)
    chosen = _posted_filters(request, bundle)
    count = services.put_all_back(request.tenant, bundle_id=bundle_id, chosen=chosen, by=request.actor)
    rows = "1 row" if count == 1 else f"{count:,} rows"
    messages.success(request, f"{rows} put back.")
    return _back(request, bundle_id, queries.Chosen())


# --- parts --------------------------------------------------------------------------------------


def _posted_filters(request: TenantRequest, bundle: BundleImport) -> queries.Chosen:
    return Filters(request.POST, queries.overview(request.tenant, bundle_id=bundle.pk)).chosen


def _query_of(chosen: queries.Chosen) -> Any:
    from django.http import QueryDict

    found = QueryDict(mutable=True)
    found.update(chosen.as_dict)
    return found


def _back(request: TenantRequest, bundle_id: int, chosen: queries.Chosen) -> HttpResponse:
    query = _query_of(chosen).urlencode()
    return _see_other(_url(request, bundle_id) + (f"?{query}" if query else ""))


def _url(request: TenantRequest, bundle_id: int) -> str:
    return reverse("integrations:quarantine", args=[request.tenant.slug, bundle_id])


def _bundle(request: TenantRequest, bundle_id: int) -> BundleImport:
    bundle = imports_queries.bundle(request.tenant, bundle_id=bundle_id)
    if bundle is None:
        raise Http404("No such import.")
    return bundle


def _row(request: TenantRequest, bundle_id: int, row_id: int) -> QuarantinedRow:
    row = queries.row(request.tenant, bundle_id=bundle_id, row_id=row_id)
    if row is None:
        raise Http404("No such row.")
    return row


def _version(request: TenantRequest) -> int:
    """The version that the person saw; something else is as good as a stale one."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
