"""Versions of the chance of leaving: which one is in force, promoted, retired, taken back or rolled back to.

At most one version of a tenant is live (advisory or automatic). Versions that were shown stay usable for the days from
their own `as_of` on, until a newer one takes over; one that was rolled back is not used any more, and one that was
taken back shows nothing until a person promotes it or another. Loads no maths unless a document is opened.
"""

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils import timezone

from audit import services as audit
from scoring import strength, windows
from scoring.automation.telling import tell_admins
from scoring.exceptions import ScoringError
from scoring.models import ChurnModel
from tenants.access import Actor
from tenants.models import Tenant

if TYPE_CHECKING:
    from scoring.engine.churn.model import Fitted

State = ChurnModel.State
BESIDE = 3  # versions learnt a month apart, of which the oldest has shown a window of 90 days
_LOCK_CLASS = 7_407  # any fixed number: versions of one tenant are given out one after the other


class ModelRefused(ScoringError):
    """A version that cannot be promoted, retired or rolled back to; the text says why."""


class CorruptModel(ScoringError):
    """A document that is not a model, or not the one that was registered."""


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of the document as canonical JSON, so that it can be checked after a restore."""
    text = json.dumps(_plain(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(part: Any) -> Any:
    """Numbers as the database gives them back: jsonb knows no minus zero, and writes 1e16 as a whole number."""
    if isinstance(part, dict):
        return {str(name): _plain(each) for name, each in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(each) for each in part]
    return float(part) + 0.0 if isinstance(part, int | float) and not isinstance(part, bool) else part


def load_model(row: ChurnModel) -> "Fitted":
    """The model of a row. Raises CorruptModel when its document was changed, or cannot be read."""
    from scoring.engine.churn.document import CorruptModel as BadDocument
    from scoring.engine.churn.document import from_document

    try:
        found = digest_of(row.document)
    except (TypeError, ValueError) as error:
        raise CorruptModel(f"{row} is not a model: {error}.") from error
    if found != row.digest:
        raise CorruptModel(f"{row} is not what was registered: its document has another digest.")
    try:
        return from_document(row.document)
    except BadDocument as error:
        raise CorruptModel(f"{row} cannot be read: {error}.") from error


def live(tenant: Tenant) -> ChurnModel | None:
    """The version in force."""
    return ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE).first()


def versions(tenant: Tenant) -> list[ChurnModel]:
    """All versions without their documents, newest first."""
    return list(ChurnModel.objects.for_tenant(tenant).defer("document").order_by("-version"))


@transaction.atomic
def register(
    tenant: Tenant,
    *,
    document: dict[str, Any],
    kind: str,
    as_of: date,
    report: dict[str, Any],
    by: Actor,
    job_id: int | None = None,
    over: dict[str, int] | None = None,
) -> ChurnModel:
    """A new version as a draft. It keeps the windows `over` which its features were read; None: those in force."""
    _lock(tenant)
    own = windows.in_force(tenant) if over is None else over
    newest = ChurnModel.objects.for_tenant(tenant).aggregate(newest=Max("version"))["newest"]
    row = ChurnModel.objects.create(
        tenant=tenant,
        version=(newest or 0) + 1,
        kind=kind,
        as_of=as_of,
        document=document,
        digest=digest_of(document),
        report=report | {windows.KEPT: windows.kept_for(_features(document), own)},
        created_by_label=by.label[:300],
        job_id=job_id,
    )
    _record(row, "model_trained", by=by, after={"kind": kind, "as_of": str(as_of), "digest": row.digest})
    return row


def _features(document: dict[str, Any]) -> list[str]:
    curves = document.get("curves")
    return [str(each.get("name")) for each in curves] if isinstance(curves, list) else []


@transaction.atomic
def promote(tenant: Tenant, *, model_id: int, by: Actor, why: str, to: str = State.ADVISORY) -> ChurnModel:
    """Put a version in force. One learnt from an older day than the one in force is used for its own days alone.

    What was shown before and is newer goes out of use, for days are scored by the newest version: one that was taken
    back would else leave them without any chance. A readable document is demanded.
    """
    if to not in ChurnModel.LIVE:
        raise ModelRefused(f"A model is promoted to advisory or automatic, not to {to}.")
    _lock(tenant)
    row = _get(tenant, model_id)
    if to == State.AUTOMATIC and row.state != State.ADVISORY:
        raise ModelRefused(f"{row} is {row.state}: only the version that is advisory can become automatic.")
    if to == State.AUTOMATIC and (weak := strength.weakness(row.report)):
        raise ModelRefused(f"{row} stays advisory. {weak.words} {strength.figure_words(row.report)}")
    load_model(row)
    standing = live(tenant)
    before = {"state": row.state}
    if standing is not None and standing.as_of > row.as_of:
        row.retired_why = f"Learnt for the days from {row.as_of} on; {standing} stays in force."
        row.state, row.retired_at = State.RETIRED, timezone.now()
    else:
        shown = Q(is_usable=True) | Q(state=State.SHADOW, promoted_at__isnull=False)
        _make_way(tenant, row, standing, of=shown, why=f"Replaced by {row}.")
        row.state, row.retired_at, row.retired_why = to, None, ""
    row.is_usable, row.promoted_at, row.promoted_by_label = True, timezone.now(), by.label[:300]
    _save(row)
    _record(row, "model_promoted", by=by, before=before, after={"state": row.state, "why": why})
    return row


@transaction.atomic
def shadow(tenant: Tenant, *, model_id: int, by: Actor, why: str) -> ChurnModel:
    """Watch a draft without showing it: its chances are kept aside and compared later."""
    _lock(tenant)
    row = _get(tenant, model_id)
    if row.state != State.DRAFT:
        raise ModelRefused(f"{row} is {row.state}: only a draft can be put in the shadow.")
    row.state = State.SHADOW
    _save(row)
    _record(row, "model_shadowed", by=by, before={"state": "draft"}, after={"state": "shadow", "why": why})
    return row


@transaction.atomic
def promote_learnt(tenant: Tenant, *, model_id: int, by: Actor, why: str) -> ChurnModel:
    """What follows from a training that nothing speaks against: in force, but for where a version acts by itself.

    That one stays, or automation would end each month without anybody asking for it. The new one is watched beside it,
    as the newest BESIDE are, and admins are told what it has found.
    """
    _lock(tenant)
    row, standing = _get(tenant, model_id), live(tenant)
    if standing is None or standing.state != State.AUTOMATIC or standing.as_of > row.as_of:
        return promote(tenant, model_id=model_id, by=by, why=why)
    row.report = {**row.report, "beside": str(standing)}
    _save(row)
    row = shadow(tenant, model_id=model_id, by=by, why=f"{standing} acts by itself and stays in force.")
    watched = ChurnModel.objects.for_tenant(tenant).filter(
        state=State.SHADOW, promoted_at=None, report__has_key="beside"
    )
    for each in watched.order_by("-version")[BESIDE:]:
        _retire(each, f"{BESIDE} newer ones are watched beside {standing}.")
    compared = (row.report.get("against_champion") or {}).get("words", "")
    text = (
        f"{row} was learnt and is watched in the shadow: {standing} acts by itself and stays in force. "
        f"{strength.figure_words(row.report)} {compared} If you want it instead, promote it on "
        "its page; what starts by itself ends with that, until it is automatic."
    )
    tell_admins(tenant, kind="learnt_beside", text=text)
    return row


@transaction.atomic
def retire(tenant: Tenant, *, model_id: int, by: Actor, why: str) -> ChurnModel:
    """Take a version out of use. Of the live one only by taking it back, rolling back or promoting another."""
    _lock(tenant)
    row = _get(tenant, model_id)
    if row.state in ChurnModel.LIVE:
        raise ModelRefused(f"{row} is in force. Roll back to an older version, or take it back.")
    before = {"state": row.state, "is_usable": row.is_usable}
    row.state, row.is_usable, row.retired_at, row.retired_why = (
        State.RETIRED, False, timezone.now(), why[:500]
    )  # fmt: skip
    _save(row)
    _record(row, "model_retired", by=by, before=before, after={"state": "retired", "why": why})
    return row


@transaction.atomic
def take_back(tenant: Tenant, *, by: Actor, why: str) -> ChurnModel | None:
    """One step down for the version in force: automatic to advisory, advisory to shadow. None when there is none."""
    _lock(tenant)
    row = live(tenant)
    if row is None:
        return None
    before = {"state": row.state}
    if row.state == State.AUTOMATIC:
        row.state = State.ADVISORY
    else:
        row.state, row.is_usable = State.SHADOW, False
    row.report = {**row.report, "taken_back": {"why": why, "at": timezone.now().isoformat()}}
    _save(row)
    _record(row, "model_taken_back", by=by, before=before, after={"state": row.state, "why": why})
    return row


@transaction.atomic
def roll_back(tenant: Tenant, *, by: Actor, why: str, to_version: int | None = None) -> ChurnModel:
    """An older version that was shown before becomes the live one again (the newest such, or the one named). Older is
    what was learnt for earlier days, whenever it was learnt.

    Newer versions are not used any more, for no day. Raises ModelRefused when there is none to go back to, and
    CorruptModel when it cannot be read: the one in force stays then.
    """
    _lock(tenant)
    standing = live(tenant)
    shown = ChurnModel.objects.for_tenant(tenant).filter(is_usable=True)
    if standing is not None:
        shown = shown.exclude(_newer_than(standing)).exclude(pk=standing.pk)
    if to_version is not None:
        shown = shown.filter(version=to_version)
    row = shown.order_by("-as_of", "-version").first()
    if row is None:
        raise ModelRefused("There is no older version that was in use before.")
    load_model(row)
    watched = Q(is_usable=True) | Q(state=State.SHADOW)
    _make_way(tenant, row, standing, of=watched, why=f"Rolled back to {row}: {why}"[:500])
    row.state, row.retired_at, row.retired_why = State.ADVISORY, None, ""
    row.promoted_at, row.promoted_by_label = timezone.now(), by.label[:300]
    _save(row)
    before = {"version": standing.version if standing else None}
    _record(row, "model_rolled_back", by=by, before=before, after={"version": row.version, "why": why})
    return row


def _newer_than(row: ChurnModel) -> Q:
    """In the order in which versions are chosen for a day (`model_queries.model_for`)."""
    return Q(as_of__gt=row.as_of) | Q(as_of=row.as_of, version__gt=row.version)


def _make_way(tenant: Tenant, row: ChurnModel, standing: ChurnModel | None, *, of: Q, why: str) -> None:
    """Newer ones are used for no day any more; an older one that was in force stays usable for its own days."""
    newer = list(ChurnModel.objects.for_tenant(tenant).filter(_newer_than(row)).filter(of))
    for each in newer:
        each.is_usable = False
        _retire(each, why)
    if standing is not None and standing.pk not in (row.pk, *(each.pk for each in newer)):
        _retire(standing, why)


def _retire(row: ChurnModel, why: str) -> None:
    row.state, row.retired_at, row.retired_why = State.RETIRED, timezone.now(), why
    _save(row)


def _save(row: ChurnModel) -> None:
    row.row_version += 1
    row.save(
        update_fields=[
            "state", "is_usable", "promoted_at", "promoted_by_label", "retired_at", "retired_why", "report",
            "row_version",
        ]
    )  # fmt: skip


def _get(tenant: Tenant, model_id: int) -> ChurnModel:
    row = ChurnModel.objects.for_tenant(tenant).select_for_update().filter(pk=model_id).first()
    if row is None:
        raise ModelRefused("There is no such version.")
    return row


def _lock(tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, tenant.pk % 2_147_483_647])


def _record(row: ChurnModel, verb: str, *, by: Actor, **diff: Any) -> None:
    audit.record(row.tenant, verb=f"scoring.{verb}", by=by, subject=row, **diff)
