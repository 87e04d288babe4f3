"""Plays before a renewal: the main term ends within so many days, told once a term and playbook.

Looked at after each scoring, from where the accounts stand, so nothing is lost where the place was taken: an account
has one open suggestion, and trouble comes first. Of several playbooks the one with the fewest days that fits is taken,
and one with more days is not suggested behind it for the same term. Where a playbook asks for a low chance to renew and
a chance is known, it decides, and the suggestion is a flag that waits for its turn (services.cues); without a chance
the band decides, and the words say so.
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
from playbooks.queries.cues import Term
from playbooks.queries.locks import lock_flags
from playbooks.rises import Cause, renewal_cause
from playbooks.services import suggestions
from playbooks.services.suggestions import Signal, Standing
from scoring.automation import holds
from scoring.bands import UNKNOWN
from scoring.models import AccountHealth, ChurnModel, ScoreRun
from scoring.pooling.words import is_late
from tenants.models import Tenant

RENEWAL = Playbook.TriggerOn.RENEWAL
BLOCK = 2_000
TERMS = "subscriptions"  # the source without which no date is sure


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
    """Look at the next accounts behind one: (how many suggestions and waiting flags began, the last account or None).

    The caller goes on until None.
    """
    lock_flags(tenant)
    now = now or timezone.now()
    playbooks = playbooks_of(tenant)
    most = max((each.trigger_days or 0 for each in playbooks), default=0)
    rows = queries.ending(tenant, run, days=most, after=after, limit=BLOCK) if most else []
    if not rows:
        return 0, None
    look = _Look(tenant, run, playbooks, rows, now)
    return look.tell(), rows[-1].account_id


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
        found = [each for row in self.rows if (each := self._found(row)) is not None]
        return self._suggest([each for each in found if not each.is_flag]) + self._wait(found)

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

    def _suggest(self, found: list[Found]) -> int:
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
                    by_account[row.account_id], state=Cue.State.GIVEN, ended_at=self.now, recommendation=row
                )
                for row in opened
            ),
            batch_size=1000,
        )
        return len(opened)

    def _forget_waiting(self, account_ids: Iterable[int]) -> None:
        waiting = queries.waiting(self.tenant).filter(kind=Cue.Kind.RENEWAL, account_id__in=list(account_ids))
        waiting.delete()

    def _wait(self, found: list[Found]) -> int:
        """Keep what is a flag until its turn; what waited and is no longer so is forgotten."""
        flags = {
            (each.standing.account_id, each.playbook.pk, each.term.key): each
            for each in found
            if each.is_flag
        }
        rows = queries.waiting(self.tenant).filter(
            kind=Cue.Kind.RENEWAL, account_id__in=[row.account_id for row in self.rows]
        )
        known = {(row.account_id, row.playbook_id, row.term): row for row in rows}
        over = [] if self.away else [row.pk for key, row in known.items() if key not in flags]
        rows.filter(pk__in=over).delete()
        fresh = [self._cue(each, state=Cue.State.WAITING) for key, each in flags.items() if key not in known]
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
    """End open suggestions whose term is over, was renewed or is no longer the main one; how many."""
    lock_flags(tenant)
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
