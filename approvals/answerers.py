"""Who answered a request, who may, and who never can, in words for the page. No queries here."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals import people
from approvals.models import ApprovalDecision, ApprovalRequest
from approvals.times import Reader
from tenants.models import Membership

State = ApprovalRequest.State
# whoever asked or owns the account never answers, so a team's only manager waits for ever without this
NOBODY = {
    "manager": "can answer as manager: who asked or owns the account never can. An operations admin can invite "
    "another manager of this team (or of one above it), or name finance in the approval policy.",
    "finance": "can answer as finance. An operations admin can invite somebody with that role.",
}
NAMED = 4  # people listed by name; more become a number

STATE_MARKS = {
    State.APPROVED: ("t-good", "check"),
    State.REJECTED: ("t-crit", "stop"),
    State.CHANGES_REQUESTED: ("t-watch", "pen"),
    State.EXPIRED: ("", "clock"),
    State.WITHDRAWN: ("", "out"),
    State.VOIDED: ("t-high", "high"),
}


@dataclass(frozen=True)
class Answerer:
    css: str
    icon: str
    name: str
    text: str
    muted: bool = False


def candidates(request: ApprovalRequest, approvers: Sequence[Membership], role: str = "") -> list[Membership]:
    """Who could give the answer in this role (the next one, if none is named)."""
    role = role or request.next_role
    return [
        each
        for each in approvers
        if role in people.roles_of(each)
        and not people.never_answers(request, each)
        and (role != "manager" or _leads(each, request.account_team_id))
    ]


def _leads(person: Membership, team_id: int | None) -> bool:
    """`leads` comes with `queries.approvers`."""
    return team_id is None or team_id in getattr(person, "leads", [])


def answerers(
    request: ApprovalRequest,
    *,
    viewer: Membership,
    reader: Reader,
    given: Sequence[ApprovalDecision],
    approvers: Sequence[Membership],
) -> list[Answerer]:
    """Role by role: who answered, who may, who comes later; then those who never may."""
    answered = {each.as_role: each for each in given}
    found: list[Answerer] = []
    for number, role in enumerate(request.approver_roles):
        if role in answered:
            found.append(_gave(answered[role], reader))
        elif request.state == State.PENDING:
            before = request.approver_roles[number - 1] if number else ""
            found += _may(request, role, before=before, viewer=viewer, approvers=approvers)
    asker = without_role(request.requested_by_label)
    found.append(Answerer("", "stop", asker, "asked for it and cannot answer.", muted=True))
    owner = next((each for each in approvers if each.user_id == request.account_owner_id), None)
    if owner is not None and owner.user_id != request.requested_by_id:
        found.append(Answerer("", "stop", str(owner.user), "owns the account and cannot answer.", muted=True))
    return found


def _may(
    request: ApprovalRequest, role: str, *, before: str, viewer: Membership, approvers: Sequence[Membership]
) -> list[Answerer]:
    able = candidates(request, approvers, role)
    later = role != request.next_role
    what = "Manager of the account's team." if role == "manager" else "Finance."
    if later:
        what = f"{what} Asked after the {before} approves."
    if not able:
        return [Answerer("t-crit", "crit", "Nobody here", NOBODY[role])]
    css, icon = ("t-watch", "half") if later else ("t-good", "check")
    shown = [
        Answerer(css, icon, str(each.user), f"{'You. ' if each.user_id == viewer.user_id else ''}{what}")
        for each in able[:NAMED]
    ]
    if len(able) > NAMED:
        shown.append(Answerer(css, icon, f"{len(able) - NAMED} more", what))
    return shown


def _gave(decision: ApprovalDecision, reader: Reader) -> Answerer:
    css, icon = STATE_MARKS[State(decision.verdict)]
    text = f"{people.DID[decision.verdict]} as {decision.as_role}, {reader.moment(decision.decided_at)}."
    return Answerer(css, icon, without_role(decision.person_label), text)


def goes_to(able: Sequence[Membership]) -> str:
    """Whom a request waits for, short enough for the list."""
    if not able:
        return "Nobody can answer"
    name = short_name(str(able[0].user)) if len(able) == 1 else f"{len(able)} people"
    return f"Goes to {name}"


def plain_names(able: Sequence[Membership]) -> list[str]:
    return [str(each.user) for each in able[:NAMED]]


def short_name(name: str) -> str:
    """`S. Ortega`, as names stand in narrow columns."""
    first, _, last = name.partition(" ")
    return f"{first[0]}. {last}" if last else name


def without_role(label: str) -> str:
    """An actor's label is "Name (Role)"."""
    return label.rsplit(" (", 1)[0]
