"""What-if pages: two versions side by side, and thresholds of the chance before they are put in force."""

from collections.abc import Callable
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
from scoring.chance_models import Cuts
from scoring.exceptions import PolicyRefused
from scoring.model_queries import chance_settings
from scoring.models import ChanceVersion, HealthPolicy
from scoring.whatif import queries, services
from scoring.whatif.cuts import LABELS, Numbers, numbers, numbers_of, shown
from scoring.whatif.diffs import diff, diff_cuts
from scoring.whatif.naming import money, seen_of
from tenants.access import Right, TenantRequest, can, check_right, tenant_view

LARGEST_ID = 2**63 - 1


def _share(label: str, *, least: str = "0.001") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=Decimal(least),
        max_value=Decimal("0.999"),
        max_digits=4,
        decimal_places=3,
        required=False,
    )


class CutForm(forms.Form):
    """The numbers that decide who is flagged; one that is left empty stays as it is in force."""

    medium_from = _share(LABELS["medium_from"])
    high_from = _share(LABELS["high_from"])
    critical_from = _share(LABELS["critical_from"])
    margin = _share(LABELS["margin"], least="0")
    precision_wanted = _share(LABELS["precision_wanted"])
    flags_per_csm_week = forms.IntegerField(
        label=LABELS["flags_per_csm_week"], min_value=1, max_value=1000, required=False
    )

    def cuts(self, settings: Cuts) -> Numbers:
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return numbers({**numbers_of(settings), **given})


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
            cuts = form.cuts(chance_settings(request.tenant))
            job = services.ask(request.tenant, cuts=cuts, by=request.actor)
        except PolicyRefused as error:
            form.add_error(None, str(error))
        else:
            address = reverse("scoring:whatif_chances", args=[request.tenant.slug])
            return HttpResponseRedirect(f"{address}?job={job.pk}", status=303)
    return _page(request, form=form, status=422)


@require_POST
@tenant_view(right=Right.CONFIGURE)
def publish_chances(request: TenantRequest, job_id: int) -> HttpResponse:
    """Put the numbers of a finished replay in force, as a new version."""
    job = _job(request, str(job_id))
    answer = _answer(job)
    if job is None or answer is None:
        raise Http404("No such replay.")
    asked, replay = answer["asked"], answer.get("replay", {})
    return _done(
        request,
        lambda: services.publish(
            request.tenant,
            cuts=numbers(asked["cuts"]),
            beside=numbers(asked["now"]),
            why=request.POST.get("why", ""),
            replay=replay,
            model_id=asked.get("model", 0),
            job_id=job.pk,
            by=request.actor,
        ),
        "Published. Levels follow with the next scores.",
        job=job,
    )


@require_POST
@tenant_view(right=Right.CONFIGURE)
def roll_back_chances(request: TenantRequest, version_id: int) -> HttpResponse:
    if _version(request, str(version_id)) is None:
        raise Http404("No such version.")
    seen = request.POST.get("in_force", "")
    return _done(
        request,
        lambda: services.roll_back(
            request.tenant,
            version_id=version_id,
            instead_of=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0,
            why=request.POST.get("why", ""),
            by=request.actor,
        ),
        "This version is in force again. Levels follow with the next scores.",
        version_id=version_id,
    )


def _done(
    request: TenantRequest, act: Callable[[], Any], done: str, *, job: Job | None = None, version_id: int = 0
) -> HttpResponse:
    """Run one service; a refusal is told on the page where the button is, with the reason as it was typed."""
    try:
        act()
    except PolicyRefused as error:
        messages.error(request, str(error))
        check_right(request.membership, Right.VIEW_QUALITY)
        typed = {"why": request.POST.get("why", "")[:500], "version_id": version_id}
        return _page(request, job=job, typed=typed, status=409)
    messages.success(request, done)
    address = reverse("scoring:whatif_chances", args=[request.tenant.slug])
    return HttpResponseRedirect(address, status=303)


@require_GET
@tenant_view(right=Right.SCORE)
def chances_diff(request: TenantRequest, version_id: int) -> HttpResponse:
    """This version beside the one given by `with`, else beside the one it was made from, else beside itself."""
    check_right(request.membership, Right.VIEW_QUALITY)
    version = _version(request, str(version_id))
    if version is None:
        raise Http404("No such version.")
    rows = {each.pk: each for each in queries.kept(request.tenant)}
    asked = request.GET.get("with", "")
    other = _version(request, asked) if asked else rows.get(version.based_on_id or 0, version)
    if other is None:
        raise Http404("No such version.")
    context: dict[str, Any] = {
        "policy": version,
        "other": other,
        "versions": [each for each in rows.values() if each.pk != version.pk] or [version],
        "changes": diff_cuts(other, version),
        "same_words": "Both versions flag the same accounts.",
    }
    return render(request, "scoring/whatif/chances_diff.html", context)


def _version(request: TenantRequest, given: str) -> ChanceVersion | None:
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        return None
    return queries.version(request.tenant, version_id=int(given))


def _job(request: TenantRequest, given: str) -> Job | None:
    if not given:
        return None
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else LARGEST_ID
    job = jobs.visible_job(request.tenant, request.membership, job_id=number)
    if job is None or job.kind != services.WHAT_IF:
        raise Http404("No such replay.")
    return job


def _page(
    request: TenantRequest,
    *,
    job: Job | None = None,
    form: CutForm | None = None,
    typed: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """`typed`: the reason that came with a refused step, and the version it was for (0: the replayed numbers)."""
    settings = chance_settings(request.tenant)
    found = _answer(job)
    asked = found["asked"]["cuts"] if found else {}
    if found:
        replay = found.get("replay") or {}
        seen = seen_of(request.tenant, request.membership, replay)[0]
        found = found | {"replay": seen, "alerts_words": _words(replay.get("alerts_lost", 0))}
    context: dict[str, Any] = {
        "settings": settings,
        "job": job,
        "found": found,
        "changes": _beside(found["asked"]) if found else [],
        "form": form or CutForm(initial={**numbers_of(settings), **asked, **_prefilled(request)}),
        **_versions(request, settings),
        "typed": typed or {},
        "may_save": can(request.membership, Right.CONFIGURE),
        **money(request.membership),
    }
    return render(request, "scoring/whatif/chances.html", context, status=status)


def _versions(request: TenantRequest, settings: Cuts) -> dict[str, Any]:
    """The versions, each with when it was last rolled back to (`again`), and the number of the one in force."""
    rows = queries.versions(request.tenant, in_force=settings)
    again = queries.reinstated(request.tenant, request.membership, verb=services.ROLLED_BACK)
    for each in rows:
        each.again = again.get(each.pk)  # type: ignore[attr-defined]
    return {
        "versions": rows,
        "in_force": next((each.version for each in rows if each.state == ChanceVersion.State.PUBLISHED), 0),
    }


def _answer(job: Job | None) -> dict[str, Any] | None:
    """What a finished replay said; not of one from before all numbers were replayed."""
    result = job.result if job is not None and job.state == Job.State.DONE else None
    return result if isinstance(result, dict) and "cuts" in result.get("asked", {}) else None


def _prefilled(request: TenantRequest) -> dict[str, str]:
    """A precision that another page asks for; the form says what is wrong with it."""
    given = request.GET.get("precision_wanted", "")[:6]
    return {"precision_wanted": given} if given else {}


def _beside(asked: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(what, in force, proposed) of the numbers that differ."""
    now, then = asked["now"], asked["cuts"]
    pairs = [(name, now[name], then[name]) for name in LABELS]
    return [(LABELS[name], shown(name, old), shown(name, new)) for name, old, new in pairs if old != new]


def _words(lost: int) -> str:
    if lost == 0:
        return "As many alerts as now"
    return f"{abs(lost)} alert{'s' if abs(lost) != 1 else ''} {'fewer' if lost > 0 else 'more'} than now"
