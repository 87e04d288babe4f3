"""All rejected rows that the filters show: brought in again, discarded with a reason, put back."""

from pathlib import Path

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_POST

from integrations.exceptions import NotPossible
from integrations.forms_quarantine import Filters, ReasonForm
from integrations.models import BundleImport
from integrations.queries import quarantine as queries
from integrations.services import quarantine as services
from integrations.views.quarantine import IMPORT, bundle_of, page, see_other, url_of
from tenants.access import TenantRequest, tenant_view

UNCLEAR = "Nothing was changed: no rows are known by that filter. Choose the rows again."


@require_POST
@tenant_view(right=IMPORT)
def quarantine_retry_all(request: TenantRequest, bundle_id: int) -> HttpResponse:
    """What the filters show and may land; each row by itself, so that a bad one stops no other."""
    bundle = bundle_of(request, bundle_id)
    chosen = _posted_filters(request, bundle)
    if chosen is None:
        return page(request, bundle, problem=UNCLEAR, status=422)
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
    bundle = bundle_of(request, bundle_id)
    if not (bundle.path and Path(bundle.path).exists()):
        messages.warning(request, "The upload is no longer there. Mend the file and upload it again.")
    else:
        try:
            services.retry_file(request.tenant, bundle_id=bundle_id, by=request.actor)
            messages.success(request, "The stopped files are read again, with the mended rows in them.")
        except NotPossible as refusal:
            messages.warning(request, str(refusal))
    return see_other(url_of(request, bundle_id))


@require_POST
@tenant_view(right=IMPORT)
def quarantine_discard_all(request: TenantRequest, bundle_id: int) -> HttpResponse:
    bundle = bundle_of(request, bundle_id)
    chosen = _posted_filters(request, bundle)
    if chosen is None:
        return page(request, bundle, problem=UNCLEAR, status=422)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        request.GET = _query_of(chosen)  # type: ignore[assignment]  # the page as it was
        return page(request, bundle, reason=form, status=422)
    count = services.discard_all(
        request.tenant, bundle_id=bundle_id, chosen=chosen, reason=form.cleaned_data["why"], by=request.actor
    )
    rows = "1 row" if count == 1 else f"{count:,} rows"
    messages.success(request, f"{rows} discarded. Show the discarded ones to put them back.")
    return _back(request, bundle_id, chosen)


@require_POST
@tenant_view(right=IMPORT)
def quarantine_put_all_back(request: TenantRequest, bundle_id: int) -> HttpResponse:
    bundle = bundle_of(request, bundle_id)
    chosen = _posted_filters(request, bundle)
    if chosen is None:
        return page(request, bundle, problem=UNCLEAR, status=422)
    count = services.put_all_back(request.tenant, bundle_id=bundle_id, chosen=chosen, by=request.actor)
    rows = "1 row" if count == 1 else f"{count:,} rows"
    messages.success(request, f"{rows} put back.")
    return _back(request, bundle_id, queries.Chosen())


# --- parts --------------------------------------------------------------------------------------


def _posted_filters(request: TenantRequest, bundle: BundleImport) -> queries.Chosen | None:
    """None where the state is none that there is: left out, it would widen the choice to rows that nobody meant."""
    form = Filters(request.POST, queries.overview(request.tenant, bundle_id=bundle.pk))
    return form.chosen if form.is_valid() else None


def _query_of(chosen: queries.Chosen) -> QueryDict:
    found = QueryDict(mutable=True)
    found.update(chosen.as_dict)
    return found


def _back(request: TenantRequest, bundle_id: int, chosen: queries.Chosen) -> HttpResponse:
    query = _query_of(chosen).urlencode()
    return see_other(url_of(request, bundle_id) + (f"?{query}" if query else ""))
