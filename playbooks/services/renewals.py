"""Plays before a renewal: the main term ends within so many days, told once a term and playbook.

Looked at after each scoring, from where the accounts stand, so nothing is lost where the place was taken: an account
has one open suggestion, and trouble comes first. Of several playbooks the one with the fewest days that fits is taken,
and one with more days is not suggested behind it for the same term. Where a playbook asks for a low chance to renew and
a chance is known, it decides, and the suggestion is a flag that waits for its turn (services.cues); without a chance
the band decides, and the words say so.

What the date alone speaks for waits for a turn of its own: a CSM is given so many a week, as of flags, so that nobody
finds all terms of four months in one morning. The month that is nearest comes first, and in it the largest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from playbooks.models import Cue, Playbook
from playbooks.queries import cues as queries
from playbooks.queries.cues import Term, Waits
from playbooks.queries.locks import lock_flags
from playbooks.rises import Cause, renewal_cause
from playbooks.services import suggestions
from playbooks.services.suggestions import Signal, Standing
from scoring.automation import holds
from scoring.bands import UNKNOWN
from scoring.model_queries import chance_settings
from scoring.models import AccountHealth, ChurnModel, ScoreRun
from scoring.pooling.words import is_late
from tenants.models import Tenant

RENEWAL = Playbook.TriggerOn.RENEWAL
BLOCK = 2_000
TERMS = "subscriptions"  # the source without which no date is sure
MONTH = 30  # days: terms that end in the same one are given by size


@dataclass(frozen=True)
class Found:
    """A playbook that fits an account's term, with what speaks for it."""

    standing: AccountHealth
    term: Term
    playbook: Playbook
    cause: Cause
    is_flag: bool


def playbooks_of(tenant: Tenant) -> list[Playbook]:
    """Those before a renewal, the nearest to it first."""
    rows = [each for each in queries.active_on(tenant, RENEWAL) if each.trigger_days]
    return sorted(rows, key=lambda each: each.trigger_days or 0)


@transaction.atomic
def look_at(
    tenant: Tenant, *, run: ScoreRun, after: int = 0, now: datetime | None = None
) -> tuple[int, int | None]:
    """Look at the next accounts behind one: (for how many terms a play began to wait, the last account or None).

    The caller goes on until None. With the last of them, those dates are given whose turn it is.
    """
    lock_flags(tenant)
    now = now or timezone.now()
    playbooks = playbooks_of(tenant)
    most = max((each.trigger_days or 0 for each in playbooks), default=0)
    rows = queries.ending(tenant, run, days=most, after=after, limit=BLOCK) if most else []
    begun = _Look(tenant, run, playbooks, rows, now).tell() if rows else 0
    if len(rows) == BLOCK:
        return begun, rows[-1].account_id
    give_dates(tenant, run=run, now=now)
    return begun, None


@transaction.atomic
def give_dates(tenant: Tenant, *, run: ScoreRun, now: datetime) -> int:
    """Suggest what dates alone speak for, to each CSM what there is room for this week; how many. A source that is
    away holds them only where it brings the dates."""
    lock_flags(tenant)
    week, playbooks = _week_of(tenant, now), playbooks_of(tenant)
    waits, count = _in_turn(tenant, run), 0
    while waits := [each for each in waits if week.has_room(each)]:
        block, waits = waits[:BLOCK], waits[BLOCK:]
        rows = list(queries.standings(tenant, [each.account_id for each in block]).values())
        count += _Look(tenant, run, playbooks, rows, now).give(block, week)
    return count


def _in_turn(tenant: Tenant, run: ScoreRun) -> list[Waits]:
    """The nearest month first, in it the largest; an account once, however many playbooks wait for its term."""

    def order(each: Waits) -> tuple[Any, ...]:
        return (each.ends - run.as_of).days // MONTH, -(each.arr or Decimal(0)), each.ends, each.pk

    found: dict[int, Waits] = {}
    for each in sorted(queries.dates_waiting(tenant), key=order):
        found.setdefault(each.account_id, each)
    return list(found.values())


@dataclass
class _Week:
    """How many places each CSM has left this week; accounts without a CSM share one week."""

    most: int
    given: dict[int | None, int]

    def has_room(self, each: Waits) -> bool:
        return self.given.get(each.owner_id, 0) < self.most

    def take(self, each: Waits) -> None:
        self.given[each.owner_id] = self.given.get(each.owner_id, 0) + 1


def _week_of(tenant: Tenant, now: datetime) -> _Week:
    given = queries.given_since(tenant, queries.week_began(tenant, now), flags=False)
    return _Week(chance_settings(tenant).flags_per_csm_week, given)


class _Look:
    """One block of accounts: everything it reads, read once."""

    def __init__(
        self,
        tenant: Tenant,
        run: ScoreRun,
        playbooks: list[Playbook],
        rows: list[AccountHealth],
        now: datetime,
    ) -> None:
        self.tenant, self.run, self.playbooks, self.rows, self.now = tenant, run, playbooks, rows, now
        ids = [row.account_id for row in rows]
        self.terms = queries.main_terms(tenant, rows, run.as_of)
        self.told = queries.told_of(tenant, ids)
        self.on: Standing = suggestions.standing_of(tenant, ids, now)
        self.model = queries.live_model(tenant)
        self.away = holds.reasons(tenant)

    def tell(self) -> int:
        if any(each.source == TERMS for each in self.away):
            return 0
        return self._wait([each for row in self.rows if (each := self._found(row)) is not None])

    def give(self, turns: list[Waits], week: _Week) -> int:
        """Suggest these in their order while there is room, where the date still speaks for them; how many. What it no
        longer speaks for takes nobody's place and is forgotten, unless what is away may be why."""
        if any(each.source == TERMS for each in self.away):
            return 0
        standings = {row.account_id: row for row in self.rows}
        found, owners, over = [], {}, []
        for each in turns:
            if not week.has_room(each):
                continue
            standing = standings.get(each.account_id)
            fits = self._found(standing) if standing is not None else None
            if fits is None or fits.is_flag:
                over.append(each.account_id)
                continue
            week.take(each)
            found.append(fits)
            owners[each.account_id] = each.owner_id
        if not self.away:
            self._forget_waiting(over, is_flag=False)
        return self._suggest(found, owners)

    def _found(self, standing: AccountHealth) -> Found | None:
        term = self.terms.get(standing.account_id)
        if term is None or standing.account_id in self.on.open:
            return None
        before = [
            row for row in self.told.get((standing.account_id, term.key), []) if row.state == Cue.State.GIVEN
        ]
        nearest = min((_days(row.playbook) for row in before if row.playbook), default=None)
        left = (term.ends - self.run.as_of).days
        for playbook in self.playbooks:
            if left <= _days(playbook) and (nearest is None or _days(playbook) < nearest):
                found = self._fits(standing, term, playbook)
                if found is not None:
                    return found
        return None

    def _fits(self, standing: AccountHealth, term: Term, playbook: Playbook) -> Found | None:
        p, below = self._chance(standing), playbook.trigger_chance_below
        decides = below is not None and p is not None
        late = is_late(standing.chance_flags) or bool(self.away)
        if decides:
            fits = p < below and not late  # type: ignore[operator]  # both are there
        else:
            fits = standing.band == UNKNOWN or standing.band in playbook.trigger_bands
        cause = renewal_cause(
            term.key, term.ends, _days(playbook), self.run.as_of, p_renew=p, below=below, late=late
        )
        if not fits or not self.on.is_free(standing.account_id, playbook, cause):
            return None
        return Found(standing, term, playbook, cause, decides)

    def _chance(self, standing: AccountHealth) -> Decimal | None:
        """To be there after the renewal, of the version in force; None where it says nothing."""
        model: ChurnModel | None = self.model
        return standing.p_renew if model is not None and standing.model_id == model.pk else None

    def _suggest(self, found: list[Found], owners: dict[int, int | None]) -> int:
        by_account = {each.standing.account_id: each for each in found}
        fresh: list[Any] = [
            (Signal(account, each.standing.health, each.standing.band, low=[]), each.playbook, each.cause)
            for account, each in by_account.items()
        ]
        opened = suggestions.open_all(self.tenant, fresh, self.now)
        self._forget_waiting(by_account)
        Cue.objects.bulk_create(
            (
                self._cue(
                    by_account[row.account_id],
                    state=Cue.State.GIVEN,
                    ended_at=self.now,
                    recommendation=row,
                    given_to_id=owners[row.account_id],
                )
                for row in opened
            ),
            batch_size=1000,
        )
        return len(opened)

    def _forget_waiting(self, account_ids: Iterable[int], **which: Any) -> None:
        waiting = queries.waiting(self.tenant).filter(kind=Cue.Kind.RENEWAL, account_id__in=list(account_ids))
        waiting.filter(**which).delete()

    def _wait(self, found: list[Found]) -> int:
        """Keep it until its turn; what waited and is no longer so is forgotten, and so is a date that a chance now
        speaks for, or a chance that only the date is left of."""
        wanted = {(each.standing.account_id, each.playbook.pk, each.term.key): each for each in found}
        rows = queries.waiting(self.tenant).filter(
            kind=Cue.Kind.RENEWAL, account_id__in=[row.account_id for row in self.rows]
        )
        known = {(row.account_id, row.playbook_id, row.term): row for row in rows}
        other = [key for key, row in known.items() if key in wanted and row.is_flag != wanted[key].is_flag]
        gone = [] if self.away else [key for key in known if key not in wanted]
        over = [known.pop(key).pk for key in (*other, *gone)]
        rows.filter(pk__in=over).delete()
        fresh = [self._cue(each, state=Cue.State.WAITING) for key, each in wanted.items() if key not in known]
        return len(Cue.objects.bulk_create(fresh, batch_size=1000))

    def _cue(self, each: Found, **values: Any) -> Cue:
        return Cue(
            tenant=self.tenant, account_id=each.standing.account_id, kind=Cue.Kind.RENEWAL, playbook=each.playbook,
            is_flag=each.is_flag, term=each.term.key, ends=each.term.ends, as_of=self.run.as_of, raised_at=self.now,
            **values,
        )  # fmt: skip


def _days(playbook: Playbook) -> int:
    return playbook.trigger_days or 0


@transaction.atomic
def end_passed(tenant: Tenant, *, run: ScoreRun) -> int:
    """End open suggestions whose term is over, was renewed or is no longer the main one; how many. What waits for
    such a term is forgotten."""
    lock_flags(tenant)
    queries.terms_gone(tenant, run).delete()
    rows = queries.open_on(tenant, RENEWAL)
    standings = queries.standings(tenant, [row.account_id for row in rows])
    terms = queries.main_terms(tenant, standings.values(), run.as_of)
    count = 0
    for row in rows:
        standing = standings.get(row.account_id)
        is_over = standing is None or standing.renewal_date is None or standing.renewal_date < run.as_of
        term = None if is_over else terms.get(row.account_id)
        if term is None or term.key != row.cause[0].get("term"):
            suggestions.expire(tenant, row, why="its term is over or renewed")
            count += 1
    return count
