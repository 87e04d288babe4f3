"""Asking for a replay of chances, and putting in force what was replayed: versions by the rules of `versioned`."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from jobs import services as jobs
from jobs.models import Job
from scoring import versioned
from scoring.exceptions import PolicyRefused
from scoring.learning import registry
from scoring.models import ChanceSettings, ChanceVersion
from scoring.tasks import score_newest_again
from scoring.whatif.cuts import Numbers, check, numbers_of, stored
from scoring.whatif.naming import LISTS
from tenants.access import Actor
from tenants.models import Tenant

WHAT_IF = "scoring.whatif"
State = ChanceVersion.State
ROLLED_BACK = "scoring.chance_settings_rolled_back"
FOUND = "As they stood before versions were kept."


def ask(tenant: Tenant, *, cuts: Numbers, by: Actor) -> Job:
    """Replay these numbers in a job; the same person's same numbers join an unfinished one. Raises PolicyRefused."""
    check(cuts)
    viewer_id = by.membership.pk if by.membership else 0
    told = stored(cuts)
    # another's job is not for everybody to read
    key = ":".join(["whatif", *(str(each) for each in told.values()), str(viewer_id)])
    return jobs.enqueue(
        tenant, kind=WHAT_IF, args={"cuts": told, "viewer_id": viewer_id}, by=by, dedupe_key=key
    )


@transaction.atomic
def publish(
    tenant: Tenant,
    *,
    cuts: Numbers,
    beside: Numbers,
    why: str,
    replay: dict[str, Any],
    model_id: int,
    job_id: int,
    by: Actor,
) -> ChanceVersion:
    """Put replayed numbers in force as a new version; `beside` is what they were replayed beside, `model_id` the
    version of the model whose threshold was taken (0: none was in force).

    Raises PolicyRefused without a reason, and where other numbers or another model are in force than the replay's.
    """
    row, current = _in_force(tenant)
    if numbers_of(row) == cuts:
        return current  # a second click
    if numbers_of(row) != beside:
        raise PolicyRefused("The settings were changed since this replay. Replay once more, then publish.")
    live = registry.live(tenant)
    if (live.pk if live else 0) != model_id:
        raise PolicyRefused(
            "Another version of the chance of leaving is in force than in this replay. Replay once more, then publish."
        )
    check(cuts)
    words = _reason(why)
    version = ChanceVersion.objects.create(
        tenant=tenant,
        version=_next(tenant),
        based_on=current,
        note=words,
        created_by_label=by.label[:300],
        preview={key: value for key, value in replay.items() if key not in LISTS},
        preview_job_id=job_id,
        **cuts,
    )
    _put_in_force(tenant, row, version, current, verb="scoring.chance_settings_published", by=by, why=words)
    return version


@transaction.atomic
def roll_back(tenant: Tenant, *, version_id: int, instead_of: int, why: str, by: Actor) -> ChanceVersion:
    """Reinstate a retired version under its own number. `instead_of`: the number of the version seen in force.

    Raises PolicyRefused without a reason, and where another version is in force than the one that was seen.
    """
    row, current = _in_force(tenant)
    version = ChanceVersion.objects.for_tenant(tenant).select_for_update().filter(pk=version_id).first()
    if version is None:
        raise PolicyRefused("There is no such version.")
    if version.pk == current.pk:
        return version  # a second click
    versioned.check_retired(version)
    if current.version != instead_of:
        raise PolicyRefused(f"{current} is in force by now. Look at it, then roll back if you still want to.")
    _put_in_force(tenant, row, version, current, verb=ROLLED_BACK, by=by, why=_reason(why))
    return version


def _reason(why: str) -> str:
    if not why.strip():
        raise PolicyRefused("Say why: the reason stands with the version and in the audit trail.")
    return why.strip()[:500]


def _in_force(tenant: Tenant) -> tuple[ChanceSettings, ChanceVersion]:
    """The settings, locked, and the version of their numbers: nothing in force goes without one."""
    ChanceSettings.objects.get_or_create(tenant=tenant)
    row = ChanceSettings.objects.for_tenant(tenant).select_for_update().get()
    rows = ChanceVersion.objects.for_tenant(tenant).select_for_update()
    current = rows.filter(state=State.PUBLISHED).first()
    if current is not None and numbers_of(current) == numbers_of(row):
        return row, current
    if current is not None:
        current.state = State.RETIRED
        current.save(update_fields=["state"])
    found = ChanceVersion.objects.create(
        tenant=tenant, version=_next(tenant), state=State.PUBLISHED, note=FOUND, **numbers_of(row)
    )
    return row, found


def _next(tenant: Tenant) -> int:
    newest = ChanceVersion.objects.for_tenant(tenant).aggregate(newest=Max("version"))["newest"]
    return (newest or 0) + 1


def _put_in_force(
    tenant: Tenant,
    row: ChanceSettings,
    version: ChanceVersion,
    current: ChanceVersion,
    *,
    verb: str,
    by: Actor,
    why: str,
) -> None:
    """Settings follow the version in the same transaction; with chances to level, the newest day is scored again."""
    before, after = numbers_of(row), numbers_of(version)
    for name, value in after.items():
        setattr(row, name, value)
    row.row_version += 1
    row.save()
    was, now = ({k: v for k, v in stored(one).items() if before[k] != after[k]} for one in (before, after))
    versioned.put_in_force(
        tenant,
        version,
        current,
        verb=verb,
        by=by,
        before=was,
        after=now | {"why": why},
        again=verb == ROLLED_BACK,
    )
    if registry.live(tenant) is not None:
        score_newest_again(tenant, by=by)
