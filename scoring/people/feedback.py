"""Feedback on reasons and suggestions: one click, can be taken back; "wrong fact" opens a data report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Count, OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils import timezone

from accounts.models import Account
from audit import services as audit
from scoring.people.exceptions import Refused
from scoring.people.models import DataReport, ReasonFeedback
from scoring.people.notices import tell
from scoring.people.suggestions import name_in, suggestion
from scoring.people.words import About, ReportState, Said
from scoring.queries import account_health
from scoring.why.names import is_known
from tenants.access import Actor
from tenants.models import Membership, Tenant

LONGEST_KEY = 80


def counts(tenant: Tenant, since: datetime) -> dict[str, dict[str, int]]:
    """What people said of reasons and suggestions since then: {"usage.trend_30d": {"helpful": 3, …}, …}.

    By key of the reason, and by playbook: "Suggested play: New champion". The same fact in health and in the chance
    is one reason. What was taken back does not count. One statement.
    """
    rows = ReasonFeedback.objects.for_tenant(tenant).filter(withdrawn_at=None, created_at__gte=since)
    tallies = {said.value: Count("pk", filter=Q(said=said)) for said in Said}
    newest = ArrayAgg("words", order_by="-pk")  # a playbook goes by its newest name
    found: Any = rows.values("about", "key").annotate(newest=newest, **tallies).order_by("about", "key")
    told: dict[str, dict[str, int]] = {}
    for row in found:
        key = row["key"] if row["about"] == About.REASON else name_in(row["newest"][0])
        before = told.get(key, {})
        told[key] = {said.value: before.get(said.value, 0) + row[said.value] for said in Said}
    return told


@dataclass(frozen=True)
class Answer:
    """What the viewer said, as the buttons show it."""

    said: str
    note: str

    @property
    def get_said_display(self) -> str:
        return Said(self.said).label


def answers_beside(tenant: Tenant, viewer: Membership) -> ArraySubquery:
    """For rows with an `account_id`: the viewer's answers as JSON, for a list that shall cost no statement more."""
    rows = ReasonFeedback.objects.for_tenant(tenant).filter(
        account=OuterRef("account_id"), author=viewer.user_id, withdrawn_at=None
    )
    return ArraySubquery(rows.values(found=JSONObject(about="about", key="key", said="said", note="note")))


def read_answers(found: list[dict[str, str]]) -> dict[tuple[str, str], Answer]:
    return {(each["about"], each["key"]): Answer(each["said"], each["note"]) for each in found}


def mine(tenant: Tenant, viewer: Membership, *, account_id: int) -> dict[tuple[str, str], ReasonFeedback]:
    """What the viewer said of this account's reasons and suggestions, by (about, key). One statement."""
    rows = ReasonFeedback.objects.for_tenant(tenant).filter(
        account_id=account_id, author=viewer.user_id, withdrawn_at=None
    )
    return {(row.about, row.key): row for row in rows}


@transaction.atomic
def give(
    tenant: Tenant, *, account: Account, about: str, key: str, said: str, note: str = "", by: Actor
) -> ReasonFeedback:
    """One answer a person, account and reason or suggestion; another one replaces it. Raises Refused."""
    _check(about, key, said)
    words = _words_of(tenant, account, about, key)
    _one_at_a_time(by)
    earlier = _standing(tenant, account, about, key, by)
    if earlier is not None and earlier.said == said:
        return _noted(tenant, earlier, note, by)
    if earlier is not None:
        _withdraw(tenant, earlier, by)
    standing = account_health(tenant, account_id=account.pk)
    row = ReasonFeedback.objects.create(
        tenant=tenant,
        account=account,
        about=about,
        key=key,
        words=words,
        as_of=standing.as_of if standing else None,
        said=said,
        note=note.strip(),
        author=by.user,
        author_label=by.label[:300],
    )
    if said == Said.WRONG_FACT:
        DataReport.objects.create(tenant=tenant, account=account, feedback=row)
    _record(tenant, row, "scoring.feedback_given", by)
    return row


def _noted(tenant: Tenant, row: ReasonFeedback, note: str, by: Actor) -> ReasonFeedback:
    """The same answer again; what is new is its note."""
    if note.strip() and note.strip() != row.note:
        row.note = note.strip()
        row.save(update_fields=["note"])
        _record(tenant, row, "scoring.feedback_given", by)
    return row


@transaction.atomic
def take_back(tenant: Tenant, *, account: Account, about: str, key: str, by: Actor) -> bool:
    """Undo one's own answer, and its open report; harmless to repeat."""
    row = _standing(tenant, account, about, key, by)
    if row is None:
        return False
    _withdraw(tenant, row, by)
    return True


@transaction.atomic
def answer_report(tenant: Tenant, *, report: DataReport, state: str, answer: str, by: Actor) -> None:
    """The report is done, once; whoever said that the fact is wrong is told. Raises Refused."""
    newest = DataReport.objects.for_tenant(tenant).select_for_update().get(pk=report.pk)
    if newest.state != ReportState.OPEN:
        raise Refused("answer", f"This report is no longer open: {newest.get_state_display().lower()}.")
    report.state, report.answer = state, answer.strip()
    report.answered_at, report.answered_by_label = timezone.now(), by.label[:300]
    report.save(update_fields=["state", "answer", "answered_at", "answered_by_label"])
    audit.record(
        tenant,
        verb="scoring.report_answered",
        by=by,
        subject=report,
        account_id=report.account_id,
        after={"state": state, "answer": report.answer},
    )
    feedback = report.feedback
    word = "was corrected" if state == ReportState.CORRECTED else "was looked at and stays"
    tell(
        tenant,
        user=feedback.author,
        kind="report_answered",
        text=f"The fact that you called wrong at {report.account} {word}: {report.answer}",
        account_id=report.account_id,
    )


def _check(about: str, key: str, said: str) -> None:
    if said not in Said.values or about not in About.values:
        raise Refused("said", "Choose one of the answers.")
    known = is_known(key) if about == About.REASON else key.isascii() and key.isdigit() and len(key) < 19
    if not known:
        raise Refused("key", "There is no such reason.")


def _one_at_a_time(by: Actor) -> None:
    """A second click of the same person waits here, and then finds what the first one wrote."""
    if by.membership is not None:
        Membership.objects.select_for_update(no_key=True).get(pk=by.membership.pk)


def _standing(tenant: Tenant, account: Account, about: str, key: str, by: Actor) -> ReasonFeedback | None:
    rows = ReasonFeedback.objects.for_tenant(tenant).select_for_update()
    return rows.filter(account=account, about=about, key=key, author=by.user, withdrawn_at=None).first()


def _withdraw(tenant: Tenant, row: ReasonFeedback, by: Actor) -> None:
    row.withdrawn_at = timezone.now()
    row.save(update_fields=["withdrawn_at"])
    open_ones = DataReport.objects.for_tenant(tenant).filter(feedback=row, state=ReportState.OPEN)
    open_ones.update(state=ReportState.WITHDRAWN)
    _record(tenant, row, "scoring.feedback_withdrawn", by)


def _words_of(tenant: Tenant, account: Account, about: str, key: str) -> str:
    """The reason as it stands, or the suggestion's name and what spoke for it. Raises Refused for one never made."""
    if about == About.REASON:
        standing = account_health(tenant, account_id=account.pk)
        reasons = [*standing.reasons, *standing.chance_reasons] if standing else []
        return next((str(each.get("text", "")) for each in reasons if each.get("key") == key), "")[:500]
    found = suggestion(tenant, account_id=account.pk, playbook_id=int(key))
    if found is None:
        raise Refused("key", "There is no such suggestion.")
    return found.words[:500]


def _record(tenant: Tenant, row: ReasonFeedback, verb: str, by: Actor) -> None:
    audit.record(
        tenant,
        verb=verb,
        by=by,
        subject=row,
        account_id=row.account_id,
        after={"about": row.about, "key": row.key, "said": row.said, "note": row.note},
    )
