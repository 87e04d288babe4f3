"""Rejected rows: seen by what is wrong with them, mended in place, brought in again, discarded with a reason."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
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
from tenants.access import Right, TenantRequest, check_sees_everything, tenant_view

IMPORT = Right.IMPORT
SETTLED = "This row was settled meanwhile, so nothing was saved. This is how it stands now."
STALE = "Somebody changed this row meanwhile, so nothing was saved. Your text is kept, beside what stands there now."
WHOLE = "Mended. It comes in with the whole file."


# --- the list -----------------------------------------------------------------------------------


@require_GET
@tenant_view(right=IMPORT)
def quarantine(request: TenantRequest, bundle_id: int) -> HttpResponse:
    bundle = bundle_of(request, bundle_id)
    if bundle.retry_of_id is not None:
        return see_other(url_of(request, bundle.retry_of_id))
    return page(request, bundle)


@require_GET
@tenant_view(right=IMPORT)
def quarantine_rows(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """The rows alone, for the filters and the pager."""
    bundle = bundle_of(request, bundle_id)
    context = _rows_context(request, bundle, queries.overview(request.tenant, bundle_id=bundle.pk))
    response = render(request, "integrations/quarantine/_list.html", context)
    response.headers["HX-Push-Url"] = context["here"]
    return response


@require_GET
@tenant_view(right=IMPORT)
def quarantine_counts(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """How many rows of each kind; asks for itself again while rows are on their way, and leaves open forms alone."""
    bundle = bundle_of(request, bundle_id)
    context = _counts(request, bundle)
    if context["retry"] is not None:  # only an import changes what is said about stopped files
        context |= {**_stopped(request, bundle, context), "stopped_oob": True}
    return render(request, "integrations/quarantine/_counts.html", context)


def page(
    request: TenantRequest,
    bundle: BundleImport,
    *,
    reason: ReasonForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {**_context(request, bundle), "reason": reason or ReasonForm(), "problem": problem}
    return render(request, "integrations/quarantine/page.html", context, status=status)


def _counts(request: TenantRequest, bundle: BundleImport) -> dict[str, Any]:
    retry = queries.newest_retry(request.tenant, bundle_id=bundle.pk)
    return {
        "bundle": bundle,
        "found": queries.overview(request.tenant, bundle_id=bundle.pk),
        "retry": retry,
        "under_way": queries.is_under_way(retry),
    }


def _stopped(request: TenantRequest, bundle: BundleImport, counts: dict[str, Any]) -> dict[str, Any]:
    """The files of which nothing landed, unless they are being read again just now."""
    reads_again = counts["under_way"] and bool(counts["retry"].path)
    stopped = [] if reads_again else queries.stopped_files(request.tenant, bundle_id=bundle.pk)
    return {"stopped": stopped, "kept": bool(stopped and bundle.path and Path(bundle.path).exists())}


def _bulk(
    request: TenantRequest, bundle: BundleImport, found: queries.Overview, chosen: queries.Chosen
) -> dict[str, Any]:
    """What can be done with all the rows that the filters show."""
    ready = queries.ready(request.tenant, bundle_id=bundle.pk, chosen=chosen, found=found)
    return {
        "chosen": chosen.as_dict,
        "ready_mended": ready.get("mended", 0),
        "ready_open": ready.get("open", 0),
        "puttable": 0 if bundle.dry_run else found.states["discarded"],
        "downloads": [file.removesuffix(".csv") for file in found.files],
    }


def _context(request: TenantRequest, bundle: BundleImport) -> dict[str, Any]:
    counts = _counts(request, bundle)
    rows = _rows_context(request, bundle, counts["found"])
    return {**rows, **counts, **_stopped(request, bundle, counts)}


def _rows_context(request: TenantRequest, bundle: BundleImport, found: queries.Overview) -> dict[str, Any]:
    """One page of rows and what can be done with all that the filters show."""
    form = Filters(request.GET, found)
    chosen = form.chosen
    before, after = (request.GET.get(name, "") for name in ("before", "after"))
    rows = queries.rows(request.tenant, bundle_id=bundle.pk, chosen=chosen).select_related("retry__job")
    try:
        page = queries.page(rows, before=before, after=after, total=found.total_of(chosen))
    except BadPlace as error:
        raise Http404("No such page.") from error
    for row in page.rows:
        _dress(request, row)
    base, query = url_of(request, bundle.pk), request.GET.urlencode()
    return {
        "bundle": bundle,
        "found": found,
        **_bulk(request, bundle, found, chosen),
        "form": form,
        "page": page,
        "total": page.total,
        "places": _places(request, page, bundle.pk),
        "here": f"{base}?{query}" if query else base,
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
    seen = _version(request)
    form = RowForm(row, covered, request.POST.dict(), seen=seen)
    if form.file is None or form.too_large:
        raise Http404("This row cannot be mended here.")
    if form.is_stale:  # before any fault: a form sent a second time must not carry a version that nobody saw
        return _form(request, form, status=409, problem=STALE)
    fault = fault_of(request.tenant, form.file, form.values)
    if fault is not None:
        form.mark(*fault)
        return _form(request, form, status=422)
    return _mend(request, form)


def _mend(request: TenantRequest, form: RowForm) -> HttpResponse:
    """Keep a row that fits, and bring it in where that was asked for too."""
    ids = {"bundle_id": form.row.bundle_id, "row_id": form.row.pk}
    try:
        services.mend(request.tenant, **ids, version=form.version, cells=form.values, by=request.actor)
    except StaleVersion:  # in the very moment between reading and saving
        row = _row(request, **ids)
        if row.state not in queries.UNSETTLED:
            return _form(request, RowForm(row, form.covered), status=409, problem=SETTLED)
        form = RowForm(row, form.covered, request.POST.dict(), seen=form.version)
        return _form(request, form, status=409, problem=STALE)
    except NotPossible as refusal:
        return _form(request, form, status=409, problem=str(refusal))
    said = "Mended. It fits now, and lands when it is brought in."
    if not form.row.lands_alone:  # type: ignore[attr-defined]  # annotated
        said = WHOLE
    elif request.POST.get("then") == "retry":
        said = _brought_in(request, **ids)
    return _done(request, **ids, said=said)


def _brought_in(request: TenantRequest, *, bundle_id: int, row_id: int) -> str:
    """The row is kept already, so a refusal is told and undoes nothing."""
    try:
        services.retry_row(request.tenant, bundle_id=bundle_id, row_id=row_id, by=request.actor)
    except NotPossible as refusal:
        return f"Mended. {refusal}"
    return "Mended. It is being brought in."


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
        if form.row.state not in queries.UNSETTLED:  # there is nothing left to mend
            return _line(request, form.row, said=problem, status=status)
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
    context = {
        "row": _dress(request, row),
        "said": said,
        "bundle": row.bundle,
        "tone": "high" if status == 409 else "good",
    }
    if said:  # something happened to the row: what the page counts is another now
        context |= _around(request, row.bundle)
    return render(request, "integrations/quarantine/_line.html", context, status=status)


def _around(request: TenantRequest, bundle: BundleImport) -> dict[str, Any]:
    """The counts and the bulk block of the open page, whose filters its address has."""
    counts = _counts(request, bundle)
    here = urlsplit(request.htmx.current_url or "")  # type: ignore[attr-defined]
    query = here.query if here.path == url_of(request, bundle.pk) else ""
    chosen = Filters(QueryDict(query), counts["found"]).chosen
    found = queries.rows(request.tenant, bundle_id=bundle.pk, chosen=chosen)
    return {
        **counts, **_bulk(request, bundle, counts["found"], chosen),
        "total": queries.counted(found), "reason": ReasonForm(), "oob": True,
    }  # fmt: skip


def _done(request: TenantRequest, bundle_id: int, row_id: int, said: str) -> HttpResponse:
    """The row's new line (htmx), or the list with the row in sight."""
    if request.htmx:  # type: ignore[attr-defined]
        return _line(request, _row(request, bundle_id, row_id), said=said)
    messages.success(request, said)
    return see_other(f"{url_of(request, bundle_id)}#row-{row_id}")


def _refused(request: TenantRequest, bundle_id: int, row_id: int, words: str) -> HttpResponse:
    row = _row(request, bundle_id, row_id)
    return _form(request, RowForm(row, covered_in(request.membership, row)), status=409, problem=words)


# --- parts --------------------------------------------------------------------------------------


def url_of(request: TenantRequest, bundle_id: int) -> str:
    return reverse("integrations:quarantine", args=[request.tenant.slug, bundle_id])


def bundle_of(request: TenantRequest, bundle_id: int) -> BundleImport:
    """For whoever sees everything: a row that did not land is of no account that could be asked for."""
    check_sees_everything(request.membership)
    bundle = imports_queries.bundle(request.tenant, bundle_id=bundle_id)
    if bundle is None:
        raise Http404("No such import.")
    return bundle


def _row(request: TenantRequest, bundle_id: int, row_id: int) -> QuarantinedRow:
    check_sees_everything(request.membership)
    row = queries.row(request.tenant, bundle_id=bundle_id, row_id=row_id)
    if row is None:
        raise Http404("No such row.")
    return row


def _version(request: TenantRequest) -> int:
    """The version that the person saw, or saw the changes of and wants theirs to stand over ("over").

    Something else is as good as a stale one.
    """
    text = request.POST.get("over") or request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
