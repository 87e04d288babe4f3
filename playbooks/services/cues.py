"""Flags: what a chance of leaving asks for, kept until it is its CSM's turn.

A flag is a level of risk that crossed up to what a playbook asks for, or a term that ends with a low chance to renew. A
CSM is given so many a week (chance settings), the largest amounts at stake first; the others wait here, are looked at
anew each time, and are forgotten once they are no longer so. Whether a source is away is asked before anything is
given; a version that is only watched says nothing that this could read.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts.queries import visible_account
from playbooks.models import Cue, Playbook, Recommendation
from playbooks.queries import cues as queries
from playbooks.queries.locks import lock_flags
from playbooks.queries.recommendations import forget_cues, known_accounts
from playbooks.queries.unattended import workers
from playbooks.rises import Cause, has_crossed, lowest, rank, renewal_cause, risk_cause, rose_words
from playbooks.services import suggestions
from playbooks.services.suggestions import IMPROVED, Signal, Standing
from scoring.automation import holds
from scoring.model_queries import chance_settings
from scoring.models import AccountHealth, ChurnModel, ScoreRun
from scoring.people.notices import tell
from scoring.pooling.words import is_late
from tenants.models import Membership, Tenant

RISK, RENEWAL = Playbook.TriggerOn.RISK, Playbook.TriggerOn.RENEWAL
GIVEN, DROPPED = Cue.State.GIVEN, Cue.State.DROPPED
FALLEN, ANSWERED, GONE = "the risk has fallen again", "answered lately", "no chance is known any more"


# --- what rose and what fell -------------------------------------------------------------------------


@transaction.atomic
def follow_risk(tenant: Tenant, *, signals: list[Signal], now: datetime | None = None) -> int:
    """Keep what rose until its turn and forget what fell; how many began to wait. Where each stands now decides."""
    lock_flags(tenant)
    now = now or timezone.now()
    rises = joined(signals)
    accounts = known_accounts(tenant, rises)
    standings = queries.standings(tenant, accounts)
    _end_fallen(tenant, queries.open_on(tenant, RISK, accounts), standings)
    playbooks = queries.active_on(tenant, RISK)
    kept = queries.rises_for_update(tenant, accounts)
    begun = []
    is_spoken_for = queries.live_model(tenant) is not None
    for account_id, signal in rises.items():
        standing, row = standings.get(account_id), kept.get(account_id)
        if standing is None:
            continue
        was = lowest([signal.risk["was"], *([row.was] if row else [])])
        if not is_spoken_for or not _asking(playbooks, was, standing.risk_level):
            _end(row, FALLEN, now)
        elif row is not None:
            row.was, row.level, row.as_of, row.event_key = (
                was,
                standing.risk_level,
                standing.as_of,
                signal.key,
            )
            row.save()
        else:
            begun.append(_rise(tenant, standing, was, signal, now))
    Cue.objects.bulk_create(begun, batch_size=1000)
    return len(begun)


def joined(signals: list[Signal]) -> dict[int, Signal]:
    """One an account: the newest, from the lowest level that any of them came from."""
    found: dict[int, Signal] = {}
    for signal in signals:
        before = found.get(signal.account_id)
        if before is not None:
            signal.risk["was"] = lowest([before.risk["was"], signal.risk["was"]])
        found[signal.account_id] = signal
    return found


def _asking(playbooks: list[Playbook], was: str, level: str) -> list[Playbook]:
    return [each for each in playbooks if has_crossed(was, level, each.trigger_level)]


def _rise(tenant: Tenant, standing: AccountHealth, was: str, signal: Signal, now: datetime) -> Cue:
    return Cue(
        tenant=tenant, account_id=standing.account_id, kind=Cue.Kind.RISK, state=Cue.State.WAITING, is_flag=True,
        was=was, level=standing.risk_level, as_of=standing.as_of, event_key=signal.key, raised_at=now,
    )  # fmt: skip


def _end(row: Cue | None, why: str, now: datetime) -> None:
    if row is not None:
        row.state, row.ended_why, row.ended_at = DROPPED, why, now
        row.save()


@transaction.atomic
def end_unspoken(tenant: Tenant) -> int:
    """End open suggestions that no level speaks for any more; how many. A version that is taken back tells no level
    that fell: its chances are gone with the next scoring."""
    lock_flags(tenant)
    rows = queries.open_on(tenant, RISK)
    return _end_fallen(tenant, rows, queries.standings(tenant, [row.account_id for row in rows]))


def _end_fallen(tenant: Tenant, rows: list[Recommendation], standings: dict[int, AccountHealth]) -> int:
    """A suggestion that a level began ends when the level is below what its playbook asks for."""
    count = 0
    for row in rows:
        standing = standings.get(row.account_id)
        level = standing.risk_level if standing is not None else ""
        if rank(level) < rank(row.playbook.trigger_level):
            suggestions.expire(tenant, row, why=f"{FALLEN}, to {level}" if level else GONE)
            count += 1
    return count


# --- whose turn it is ----------------------------------------------------------------------------


def may_give(tenant: Tenant, *, now: datetime | None = None) -> bool:
    """Whether a flag waits that a turn would do something about: its owner has room this week, and nothing holds it.
    Asked often: the cheap looks first."""
    run = queries.settled_run(tenant) if queries.flags_waiting(tenant).exists() else None
    owners = queries.owners_of_movable(tenant, run, queries.live_model(tenant)) if run is not None else set()
    if not owners:
        return False
    now = now or timezone.now()
    full = _full(tenant, queries.given_since(tenant, queries.week_began(tenant, now)))
    return bool(owners - full) and not holds.reasons(tenant)


def _full(tenant: Tenant, given: dict[int | None, int]) -> set[int | None]:
    most = chance_settings(tenant).flags_per_csm_week
    return {owner for owner, count in given.items() if count >= most}


@transaction.atomic
def give_turns(tenant: Tenant, *, now: datetime | None = None) -> int:
    """Give each owner what there is room for this week, the largest at stake first; how many. None while held."""
    lock_flags(tenant)
    now = now or timezone.now()
    run = queries.settled_run(tenant)
    if run is None or holds.reasons(tenant):
        return 0
    given = queries.given_since(tenant, queries.week_began(tenant, now))
    rows = queries.waiting_for_update(tenant, full=_full(tenant, given))
    ids = [row.account_id for row in rows]
    turn = _Turn(
        tenant=tenant,
        now=now,
        run=run,
        model=queries.live_model(tenant),
        given=given,
        most=chance_settings(tenant).flags_per_csm_week,
        standings=queries.standings(tenant, ids),
        on=suggestions.standing_of(tenant, ids, now),
        playbooks=queries.active_on(tenant, RISK),
        people=workers(tenant, (row.account.owner_id or 0 for row in rows)),
    )
    return turn.give(rows)


@dataclass
class _Turn:
    """One round of giving: everything it reads, read once."""

    tenant: Tenant
    now: datetime
    run: ScoreRun
    model: ChurnModel | None
    given: dict[int | None, int]
    most: int
    standings: dict[int, AccountHealth]
    on: Standing
    playbooks: list[Playbook]
    people: dict[int, Membership]

    def give(self, rows: list[Cue]) -> int:
        count = 0
        for row in sorted(rows, key=self._order):
            owner = row.account.owner_id
            if self.given.get(owner, 0) < self.most and self._give(row):
                self.given[owner] = self.given.get(owner, 0) + 1
                count += 1
        return count

    def _order(self, row: Cue) -> tuple[Decimal, Decimal, int]:
        """The largest at stake first, then the likeliest to leave."""
        standing = self.standings.get(row.account_id)
        if standing is None:
            return Decimal(0), Decimal(0), row.pk
        return -(standing.at_stake or Decimal(0)), -(standing.p90 or Decimal(0)), row.pk

    def _give(self, row: Cue) -> bool:
        """Whether it took a turn."""
        standing = self.standings.get(row.account_id)
        if standing is None or standing.p90 is None:
            self._drop(row, GONE)
            return False
        if self._must_wait(standing):
            return False
        return (self._give_rise if row.kind == Cue.Kind.RISK else self._give_term)(row, standing)

    def _must_wait(self, standing: AccountHealth) -> bool:
        """A chance of another version or another day, or one that something is missing for, gives nothing yet."""
        is_of_now = self.model is not None and standing.model_id == self.model.pk
        return not is_of_now or standing.as_of != self.run.as_of or is_late(standing.chance_flags)

    def _give_rise(self, row: Cue, standing: AccountHealth) -> bool:
        level = standing.risk_level
        asking = _asking(self.playbooks, row.was, level)
        if not asking:
            self._drop(row, FALLEN)
            return False
        cause = self._risk_cause(row, standing)
        there = self.on.open.get(row.account_id)
        if there is not None:
            self._join(there, asking[0], cause, row)
            return self._done(row, standing, there)
        free = [each for each in asking if self.on.is_free(row.account_id, each, cause)]
        if free:
            made = self._open(row, standing, free[0], cause)
            return made is not None and self._done(row, standing, made)
        if any((row.account_id, each.pk) in self.on.running for each in asking):
            return self._done(row, standing, None)
        self._drop(row, ANSWERED)
        return False

    def _risk_cause(self, row: Cue, standing: AccountHealth) -> Cause:
        assert standing.p90 is not None
        weak = self.model.weakness if self.model else None
        words = weak.words if weak else ""
        return risk_cause(row.was, standing.risk_level, standing.p90, standing.as_of, weakness=words)

    def _join(self, there: Recommendation, playbook: Playbook, cause: Cause, row: Cue) -> None:
        """An open suggestion stays and wakes; one on good news or on a term that ends gives way to trouble."""
        if there.playbook.trigger_on in (IMPROVED, RENEWAL):
            forget_cues(self.tenant, recommendation_id=there.pk)
            suggestions.switch(self.tenant, there, playbook, cause, key=row.event_key)
        elif there.playbook.trigger_on == RISK:
            there.cause, there.event_key = cause, row.event_key
            there.save()
        if there.state == Recommendation.State.SNOOZED:
            suggestions.wake(self.tenant, there, why=rose_words(row.was, row.level).lower())

    def _give_term(self, row: Cue, standing: AccountHealth) -> bool:
        playbook, p = row.playbook, standing.p_renew
        assert playbook is not None
        assert row.ends is not None
        below = playbook.trigger_chance_below
        is_so = playbook.state == Playbook.State.ACTIVE and standing.renewal_date == row.ends
        if not is_so or playbook.trigger_days is None or below is None or p is None or p >= below:
            row.delete()  # may come again: once a term counts what was told
            return False
        cause = renewal_cause(
            row.term, row.ends, playbook.trigger_days, standing.as_of, p_renew=p, below=below, late=False
        )
        is_free = row.account_id not in self.on.open and self.on.is_free(row.account_id, playbook, cause)
        made = self._open(row, standing, playbook, cause) if is_free else None
        return made is not None and self._done(row, standing, made)

    def _open(
        self, row: Cue, standing: AccountHealth, playbook: Playbook, cause: Cause
    ) -> Recommendation | None:
        """None where somebody opened another one in the meantime."""
        signal = Signal(row.account_id, standing.health, standing.band, low=[], key=row.event_key)
        made = suggestions.open_all(self.tenant, [(signal, playbook, cause)], self.now)
        self.on.open.update({each.account_id: each for each in made})  # an account may have another flag
        return made[0] if made else None

    def _done(self, row: Cue, standing: AccountHealth, made: Recommendation | None) -> bool:
        row.state, row.ended_at, row.recommendation = GIVEN, self.now, made
        row.given_to, row.level = row.account.owner, standing.risk_level if row.kind == Cue.Kind.RISK else ""
        row.save()
        if row.kind == Cue.Kind.RISK:
            self._tell(row, standing, made)
        return True

    def _tell(self, row: Cue, standing: AccountHealth, made: Recommendation | None) -> None:
        """The owner, if they work the queue and see the account: a scope may hide it."""
        owner = self.people.get(row.account.owner_id or 0)
        if owner is None or visible_account(self.tenant, owner, account_id=row.account_id) is None:
            return
        rose = f"{rose_words(row.was, row.level)} at {row.account}"
        words = f"{rose}: {standing.p90:.0%} chance of leaving within 90 days."
        weak = self.model.weakness if self.model else None
        what = f"{made.playbook} is suggested in the queue." if made else "A play for it is running already."
        text = " ".join(each for each in (words, weak.words if weak else "", what) if each)
        tell(self.tenant, user=row.account.owner, kind="risk_rose", text=text, account_id=row.account_id)

    def _drop(self, row: Cue, why: str) -> None:
        _end(row, why, self.now)
