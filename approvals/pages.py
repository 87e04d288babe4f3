"""What the inbox shows of a request: lines for the list, and one case with its rules and history. No queries here."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import NoReverseMatch, reverse

from approvals import people
from approvals.answerers import (
    STATE_MARKS,
    Answerer,
    State,
    answerers,
    candidates,
    goes_to,
    plain_names,
    short_name,
    without_role,
)
from approvals.changes import changes_of
from approvals.models import ApprovalDecision, ApprovalRequest
from approvals.registry import Change, kinds
from approvals.times import Clock, Reader
from config.templatetags import words
from tenants.access import Right, can
from tenants.fields import Field, sees, shown
from tenants.models import Membership


@dataclass(frozen=True)
class Line:
    """One request in the list."""

    ref: str
    account: str
    title: str
    asked_by: str
    mark: Clock
    icon: str
    current: bool
    url: str
    panel_url: str


@dataclass(frozen=True)
class Option:
    """One line of "What it costs"."""

    name: str
    price: Decimal | None
    cost: Decimal
    requested: bool = False


@dataclass(frozen=True)
class Happened:
    day: str
    hour: str
    css: str
    icon: str
    text: str
    said: str = ""


@dataclass(frozen=True)
class Case:
    """One request as its reader sees it."""

    request: ApprovalRequest
    mark: Clock
    icon: str
    asked_at: str
    asker: str
    first_name: str
    money: bool
    renews: date | None
    as_of: date
    options: list[Option]
    formula: str
    changes: list[Change]
    raw: str
    answerers: list[Answerer]
    history: list[Happened]
    may_answer: bool
    may_withdraw: bool
    why_not: str
    approve_hint: str
    link: tuple[str, str] = ("", "")
    waits_for: list[str] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.request.facts)

    @property
    def currency(self) -> str:
        return str(self.request.facts.get("currency") or "")

    @property
    def heading(self) -> str:
        account = self.request.facts.get("account_name")
        return f"{_short(self.request)}, {account}" if account else self.request.title

    @property
    def needed(self) -> int:
        return len(self.request.approver_roles)

    @property
    def short_digest(self) -> str:
        return self.request.digest[:12]


def line(
    request: ApprovalRequest,
    *,
    viewer: Membership,
    reader: Reader,
    approvers: Sequence[Membership],
    current: bool,
    url: str,
    panel_url: str,
) -> Line:
    """A line of the list. `request.answerable` says whether it waits for the reader."""
    mark, icon = _mark(request, reader)
    title = _short(request)
    if request.requested_by_id == viewer.user_id:
        title = f"{title} (yours)"
        if request.state == State.PENDING:
            mark, icon = Clock(goes_to(candidates(request, approvers)), "t-info"), "lock"
    return Line(
        ref=request.ref,
        account=request.facts.get("account_name") or "",
        title=title,
        asked_by=short_name(without_role(request.requested_by_label)),
        mark=mark,
        icon=icon,
        current=current,
        url=url,
        panel_url=panel_url,
    )


def case(
    request: ApprovalRequest,
    *,
    viewer: Membership,
    reader: Reader,
    given: Sequence[ApprovalDecision],
    approvers: Sequence[Membership],
    link: tuple[str, str],
) -> Case:
    """Everything about one request; `approvers` are those who see its account."""
    mark, icon = _mark(request, reader, with_day=True)
    money = sees(viewer, Field.ARR)
    covered = _covered(request, viewer)
    asker = without_role(request.requested_by_label)
    able = bool(getattr(request, "answerable", False)) and can(viewer, Right.DECIDE)
    return Case(
        request=request,
        mark=mark,
        icon=icon,
        asked_at=reader.moment(request.created_at),
        asker=asker,
        first_name=asker.split(" ")[0] if asker else "the requester",
        money=money,
        renews=_day(request.facts.get("renewal_date")),
        as_of=reader.now.astimezone(reader.zone).date(),
        options=_options(request) if money else [],
        formula=_formula(request) if money else "",
        changes=changes_of(covered),
        raw=json.dumps(covered.payload, indent=2, sort_keys=True, ensure_ascii=False),
        answerers=answerers(request, viewer=viewer, reader=reader, given=given, approvers=approvers),
        history=_history(request, reader=reader, given=given),
        may_answer=able,
        may_withdraw=request.state == State.PENDING and request.requested_by_id == viewer.user_id,
        why_not="" if able else _why_not(request, viewer, given),
        approve_hint=_after_approval(request),
        link=link,
        waits_for=plain_names(candidates(request, approvers)),
    )


def _covered(request: ApprovalRequest, viewer: Membership) -> ApprovalRequest:
    """The request with what its reader may not see covered in content and facts."""
    seen = copy.copy(request)
    seen.payload, seen.facts = shown(viewer, request.payload), shown(viewer, request.facts)
    return seen


def _short(request: ApprovalRequest) -> str:
    """The title without the account's name, which stands beside it."""
    account = request.facts.get("account_name") or ""
    return request.title.removesuffix(f", {account}") if account else request.title


def _mark(request: ApprovalRequest, reader: Reader, *, with_day: bool = False) -> tuple[Clock, str]:
    if request.state == State.PENDING:
        return reader.clock(request), "clock"
    css, icon = STATE_MARKS[State(request.state)]
    when = f" {reader.day(request.closed_at)}" if with_day and request.closed_at else ""
    return Clock(f"{request.get_state_display()}{when}", css), icon


def _options(request: ApprovalRequest) -> list[Option]:
    """Doing nothing, which costs nothing, and what is asked. No chances: nothing here estimates them yet."""
    cost = words.number(request.facts.get("cost"))
    if cost is None:
        return []
    arr, pct = words.number(request.facts.get("arr")), words.number(request.facts.get("discount_pct"))
    price = arr * (100 - pct) / 100 if arr is not None and pct is not None else None
    return [
        Option("Do nothing", arr, Decimal(0)),
        Option(_short_title(request), price, cost, requested=True),
    ]


def _formula(request: ApprovalRequest) -> str:
    """How the cost was reached, where the facts allow it and agree."""
    facts, currency = request.facts, request.facts.get("currency")
    arr, pct, months, cost = (
        words.number(facts.get(name)) for name in ("arr", "discount_pct", "months", "cost")
    )
    if arr is None or pct is None or months is None or cost is None:
        return ""
    if words.rounded(arr * pct / 100 * months / 12, 2) != words.rounded(cost, 2):
        return ""
    parts = [words.money_full(arr, currency), f"{pct.normalize():f}%", f"{months.normalize():f} of 12 months"]
    return f"{' × '.join(parts)} = {words.money_full(cost, currency)}"


def _short_title(request: ApprovalRequest) -> str:
    pct = words.number(request.facts.get("discount_pct"))
    return f"{pct.normalize():f}% discount" if pct is not None else request.title


def _history(
    request: ApprovalRequest, *, reader: Reader, given: Sequence[ApprovalDecision]
) -> list[Happened]:
    """Newest last: asked, each answer with its words, and how it closed without one."""
    asked = f"{request.requested_by_label} asked"
    happened = [Happened(reader.day(request.created_at), reader.hour(request.created_at), "", "talk", asked)]
    for each in given:
        css, icon = STATE_MARKS[State(each.verdict)]
        text = f"{each.person_label} {people.DID[each.verdict]}"
        happened.append(
            Happened(reader.day(each.decided_at), reader.hour(each.decided_at), css, icon, text, each.comment)
        )
    if request.closed_at and request.state in (State.EXPIRED, State.WITHDRAWN, State.VOIDED):
        css, icon = STATE_MARKS[State(request.state)]
        happened.append(
            Happened(
                reader.day(request.closed_at), reader.hour(request.closed_at), css, icon,
                request.get_state_display(), request.closed_reason,
            )
        )  # fmt: skip
    return happened


def _why_not(request: ApprovalRequest, viewer: Membership, given: Sequence[ApprovalDecision]) -> str:
    """Why there is no form for this reader."""
    if request.state != State.PENDING:
        return ""
    mine = next((each for each in given if each.person_id == viewer.user_id), None)
    if mine is not None:
        return f"You {people.DID[mine.verdict]}. It now waits for {people.waits_for(request.next_role)}."
    if reason := people.never_answers(request, viewer):
        return reason
    return f"This waits for {people.waits_for(request.next_role)}."


def _after_approval(request: ApprovalRequest) -> str:
    roles = request.approver_roles
    later = roles[roles.index(request.next_role) + 1 :] if request.next_role in roles else []
    return f"Then {later[0]} answers" if later else "Then it is written as shown"


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def link_of(request: ApprovalRequest, *, viewer: Membership) -> tuple[str, str]:
    """Where the request came from, in words and as an address, as far as its kind or its facts tell."""
    kind = kinds.get(request.kind)
    if kind is not None and kind.link is not None:
        return kind.link(viewer.tenant, request) or ("", "")
    play, step = request.facts.get("playbook"), request.facts.get("step")
    if not play:
        return "", ""
    words = f"play “{play}”" + (f", step {step}" if step else "")
    return words, _play_url(viewer, request.facts.get("play_id"))


def _play_url(viewer: Membership, play_id: Any) -> str:
    try:
        return reverse("playbooks:play", args=[viewer.tenant.slug, play_id]) if play_id else ""
    except NoReverseMatch:
        return ""
