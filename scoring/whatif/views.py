"""What-if pages: two versions of a policy side by side, and thresholds of the chance before they are saved."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs import queries as jobs
from jobs.models import Job
from scoring import policy_queries
from scoring.exceptions import PolicyRefused
from scoring.model_queries import chance_settings
from scoring.models import HealthPolicy
from scoring.whatif import services
from scoring.whatif.diffs import diff
from scoring.whatif.naming import money, seen_of
from tenants.access import Right, TenantRequest, can, check_right, tenant_view

LARGEST_ID = 2**63 - 1


class CutForm(forms.Form):
    """Where High begins, and how many new flags a CSM gets a week."""

    high_from = forms.DecimalField(
        label="High from",
        min_value=Decimal("0.001"),
        max_value=Decimal("0.999"),
        max_digits=4,
        decimal_places=3,
    )
    flags_per_csm_week = forms.IntegerField(label="New flags per CSM and week", min_value=1, max_value=1000)


@require_GET
@tenant_view(right=Right.CONFIGURE)
def policy_diff(request: TenantRequest, policy_id: int) -> HttpResponse:
    """This version beside the one given by `with`, else beside the one it was made from, else beside the first."""
    versions = list(policy_queries.all_policies(request.tenant))
    by_id = {each.pk: each for each in versions}
    policy = by_id.get(policy_id)
    if policy is None:
        raise Http404("No such policy version.")
    other = _other(policy, by_id, request.GET.get("with", ""))
    sides = [list(policy_queries.rows_of(request.tenant, each)) for each in (other, policy)]
    context: dict[str, Any] = {
        "policy": policy,
        "other": other,
        "versions": [each for each in versions if each.pk != policy.pk] or [policy],
        "changes": diff(other, policy, *sides),
    }
    return render(request, "scoring/whatif/diff.html", context)


def _other(policy: HealthPolicy, by_id: dict[int, HealthPolicy], asked: str) -> HealthPolicy:
    if asked:
        found = by_id.get(int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
        if found is None:
            raise Http404("No such policy version.")
        return found
    return by_id.get(policy.based_on_id or 0, policy)


@require_GET
@tenant_view(right=Right.SCORE)
def chances(request: TenantRequest) -> HttpResponse:
    """Numbers to try and what they would have done: for managers too, who cannot put them in force."""
    check_right(request.membership, Right.VIEW_QUALITY)  # the figures are of the whole workspace
    return _page(request, job=_job(request, request.GET.get("job", "")))


@require_POST
@tenant_view(right=Right.SCORE)
def try_chances(request: TenantRequest) -> HttpResponse:
    """Start the replay; a number that cannot be is told beside its field."""
    check_right(request.membership, Right.VIEW_QUALITY)
    form = CutForm(request.POST)
    if form.is_valid():
        try:
            job = services.ask(request.tenant, **form.cleaned_data, by=request.actor)
        except PolicyRefused as error:
            form.add_error("high_from", str(error))
        else:
            address = reverse("scoring:whatif_chances", args=[request.tenant.slug])
            return HttpResponseRedirect(f"{address}?job={job.pk}", status=303)
    return _page(request, form=form, status=422)


@require_POST
@tenant_view(right=Right.CONFIGURE)
def save_chances(request: TenantRequest, job_id: int) -> HttpResponse:
    """Put the numbers of a finished replay in force."""
    job = _job(request, str(job_id))
    if job is None or not job.result:
        raise Http404("No such replay.")
    asked = job.result["asked"]
    try:
        services.save(
            request.tenant,
            high_from=Decimal(asked["high_from"]),
            flags_per_csm_week=asked["flags_per_csm_week"],
            row_version=asked["row_version"],
            by=request.actor,
        )
    except PolicyRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Saved. Levels follow with the next scores.")
    return HttpResponseRedirect(reverse("scoring:whatif_chances", args=[request.tenant.slug]), status=303)


def _job(request: TenantRequest, given: str) -> Job | None:
    if not given:
        return None
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else LARGEST_ID
    job = jobs.visible_job(request.tenant, request.membership, job_id=number)
    if job is None or job.kind != services.WHAT_IF:
        raise Http404("No such replay.")
    return job


def _page(
    request: TenantRequest, *, job: Job | None = None, form: CutForm | None = None, status: int = 200
) -> HttpResponse:
    settings = chance_settings(request.tenant)
    found = job.result if job is not None and job.state == Job.State.DONE else None
    asked = found["asked"] if found else {}
    if found:
        replay = seen_of(request.tenant, request.membership, found["replay"])[0]
        found = found | {"replay": replay, "alerts_words": _words(found["replay"].get("alerts_lost", 0))}
    context: dict[str, Any] = {
        "settings": settings,
        "job": job,
        "found": found,
        "form": form
        or CutForm(
            initial={
                "high_from": asked.get("high_from", settings.high_from),
                "flags_per_csm_week": asked.get("flags_per_csm_week", settings.flags_per_csm_week),
            }
        ),
        "may_save": can(request.membership, Right.CONFIGURE),
        **money(request.membership),
    }
    return render(request, "scoring/whatif/chances.html", context, status=status)


def _words(lost: int) -> str:
    if lost == 0:
        return "As many alerts as now"
    return f"{abs(lost)} alert{'s' if abs(lost) != 1 else ''} {'fewer' if lost > 0 else 'more'} than now"
