"""Recomputing every seal from the events themselves (PLATFORM 6)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone

from audit import log, merkle, queries, retiring, sealing, services, words
from audit.events import ORIGIN, Key
from audit.models import AuditSeal
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.queries import member
from tenants.scoping import tenant_transaction

CHUNK = 5000
FAULTS_KEPT = 20  # in the event that tells of a verification
Row = tuple[Any, ...]
Say = Callable[[int, int], None]


@dataclass(frozen=True)
class Fault:
    """What is wrong, and between which two places of the log."""

    seq: int
    after: Key
    upto: Key
    what: str

    def __str__(self) -> str:
        return f"seal {self.seq}, events after {self.after} up to {self.upto}: {self.what}"


@dataclass
class Report:
    """The outcome for one tenant. `waiting` events are settled and not sealed yet, which is no fault."""

    tenant: str
    seals: int = 0
    events: int = 0
    waiting: int = 0
    checked_at: str = ""
    faults: list[Fault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


def run(tenant: Tenant, progress: Any, *, membership_id: int | None = None) -> dict[str, Any]:
    """The nightly job, and the page's button with whoever pressed it."""
    asked = member(tenant, membership_id=membership_id) if membership_id else None
    by = Actor.person(asked) if asked else SYSTEM
    report = verify(tenant, by=by, say=lambda done, total: progress(done, total))
    return {"ok": report.ok, "seals": report.seals, "events": report.events, "faults": len(report.faults)}


def verify(tenant: Tenant, *, by: Actor, say: Say = lambda done, total: None) -> Report:
    """Check the chain, then the events against it, and leave an event that says what was found."""
    report = Report(tenant.slug, checked_at=timezone.now().isoformat(timespec="seconds"))
    with tenant_transaction(tenant.pk):
        newest = queries.newest_seal(tenant)
    if newest is not None:
        _walk(tenant, newest, report, say)
    _compare_anchors(tenant, report)
    with tenant_transaction(tenant.pk):
        report.waiting = queries.count_settled_after(tenant, after=sealing.last_key(newest))
        _record(tenant, report, by=by)
    return report


def _walk(tenant: Tenant, newest: AuditSeal, report: Report, say: Say) -> None:
    """Seals and events side by side, each read once: an event belongs to the first seal that ends at or after it."""
    events = _events(tenant, upto=sealing.last_key(newest))
    waiting = next(events, None)
    previous_hash, previous_key, wanted = merkle.NOTHING_BEFORE, ORIGIN, 1
    gone, trouble = retiring.gone(tenant)
    if trouble:
        report.faults.append(Fault(0, ORIGIN, ORIGIN, trouble))
    for seal in _seals(tenant, upto=newest.seq):
        upto = sealing.last_key(seal)
        leaves: list[tuple[Key, bytes]] = []
        texts: dict[int, str] = {}
        while waiting is not None and log.key_of(waiting) <= upto:
            leaves.append((log.key_of(waiting), sealing.leaf_of(tenant, waiting)))
            texts.update(_texts_of(waiting))
            waiting = next(events, None)
        report.faults += [
            Fault(seal.seq, previous_key, upto, what)
            for what in _wrong(
                seal,
                _with_dropped(seal, leaves, gone.get(seal.seq)),
                wanted=wanted,
                previous_hash=previous_hash,
                previous_key=previous_key,
            )
        ]
        report.seals += 1
        report.events += len(leaves)
        report.faults += [Fault(seal.seq, previous_key, upto, what) for what in _altered_words(tenant, texts)]
        previous_hash, previous_key, wanted = seal.seal_hash, upto, seal.seq + 1
        say(seal.seq, newest.seq)


def _with_dropped(
    seal: AuditSeal, leaves: list[tuple[Key, bytes]], gone: retiring.Gone | None
) -> list[bytes] | None:
    """The seal's leaves, with those of events that were dropped with their month; None: all of them were."""
    if gone is not None and not leaves and gone.events == seal.event_count:
        return None
    return [leaf for _, leaf in sorted([*leaves, *(gone.leaves if gone else [])])]


def _wrong(
    seal: AuditSeal, leaves: list[bytes] | None, *, wanted: int, previous_hash: str, previous_key: Key
) -> Iterator[str]:
    """Everything that does not hold of one seal."""
    last_key = sealing.last_key(seal)
    if seal.seq != wanted:
        yield f"the seals {wanted} to {seal.seq - 1} are missing"
    elif seal.previous_hash != previous_hash:
        yield "it does not follow from the seal before it"
    if last_key <= previous_key:
        yield "it does not end after the seal before it"
    if leaves is not None and len(leaves) != seal.event_count:
        yield _in_words(len(leaves), seal.event_count)
    elif leaves is not None and merkle.root(leaves) != seal.merkle_root:
        yield "an event was changed, or one was put in the place of another"
    if merkle.seal_hash(seal.previous_hash, seal.merkle_root, seal.event_count, last_key) != seal.seal_hash:
        yield "the seal itself was changed"


def _texts_of(row: Row) -> Iterator[tuple[int, str]]:
    """The typed texts that an event refers to, with their fingerprints."""
    stored = row[-2]
    if words.REFERENCE in stored:
        yield from words.references(json.loads(stored))


def _altered_words(tenant: Tenant, texts: dict[int, str]) -> Iterator[str]:
    if texts:
        with tenant_transaction(tenant.pk):
            for key in words.altered(texts):
                yield f"the words {key} that an event refers to were changed or are gone"


def _in_words(found: int, sealed: int) -> str:
    count = abs(found - sealed)
    if found > sealed:
        return f"{count:,} {'event was' if count == 1 else 'events were'} added"
    return f"{count:,} of {sealed:,} events {'is' if count == 1 else 'are'} missing"


def _events(tenant: Tenant, *, upto: Key) -> Iterator[Row]:
    """The tenant's events in the log's order, a chunk and a short transaction at a time."""
    after = ORIGIN
    while True:
        with tenant_transaction(tenant.pk):
            rows = log.between(tenant, after=after, upto=upto, limit=CHUNK)
        yield from rows
        if len(rows) < CHUNK:
            return
        after = log.key_of(rows[-1])


def _seals(tenant: Tenant, *, upto: int) -> Iterator[AuditSeal]:
    after = 0
    while True:
        with tenant_transaction(tenant.pk):
            found = queries.seals_after(tenant, after=after, upto=upto, limit=CHUNK)
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1].seq


def _compare_anchors(tenant: Tenant, report: Report) -> None:
    """The lines written outside the database: they differ when history was rewritten and sealed again."""
    for anchor in _anchors_of(tenant):
        with tenant_transaction(tenant.pk):
            seal = queries.seal_number(tenant, seq=anchor["seq"])
        if seal is None or seal.seal_hash != anchor["seal_hash"]:
            key: Key = (anchor["last_key"][0], anchor["last_key"][1], anchor["last_key"][2])
            what = f"differs from the anchor of {anchor['written_at']}" if seal else "anchored once, gone now"
            report.faults.append(Fault(anchor["seq"], ORIGIN, key, what))


def _anchors_of(tenant: Tenant) -> Iterator[dict[str, Any]]:
    path = sealing.anchors_file()
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            anchor = _parsed(line)
            if anchor.get("tenant") == tenant.slug:
                yield anchor


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:  # a line cut off by a full disk
        return {}
    return (
        found
        if isinstance(found, dict) and {"seq", "seal_hash", "last_key", "written_at"} <= set(found)
        else {}
    )


def _record(tenant: Tenant, report: Report, *, by: Actor) -> None:
    services.record(
        tenant,
        verb="audit.verified",
        by=by,
        object_type=queries.CHAIN,
        object_id=tenant.slug,
        object_label="The event log",
        after={
            "ok": report.ok,
            "seals": report.seals,
            "events": report.events,
            "faults": [str(fault) for fault in report.faults[:FAULTS_KEPT]],
            "fault_count": len(report.faults),
        },
    )
