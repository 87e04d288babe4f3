"""Why a request or an answer was refused; each text is fit to be shown."""

from django.core.exceptions import PermissionDenied

from approvals.models import ApprovalRequest

WHAT_HAPPENED = {
    "approved": "It was approved already.",
    "rejected": "It was rejected already.",
    "changes_requested": "Changes were asked for already.",
    "expired": "It expired without an answer.",
    "withdrawn": "It was withdrawn.",
    "voided": "It is void, because what it asks for changed.",
}


class ApprovalError(Exception):
    """A refusal whose text tells what to do next."""


class UnknownKind(ApprovalError):
    def __init__(self, kind: str) -> None:
        super().__init__(f"No part of this installation asks for approval of {kind!r}.")


class NoPolicyLine(ApprovalError):
    def __init__(self, label: str) -> None:
        super().__init__(
            f"No line of the approval policy covers this ({label}), so nobody may approve it. "
            "Ask an operations admin to add a line."
        )


class OpenRequestExists(ApprovalError):
    def __init__(self, request: ApprovalRequest) -> None:
        self.request = request
        super().__init__(
            f"{request.ref} asks for the same with another content and still waits. Withdraw it first."
        )


class NoSuchRequest(ApprovalError):
    def __init__(self, ref: str) -> None:
        super().__init__(f"There is no request {ref} here.")


class CommentNeeded(ApprovalError):
    def __init__(self) -> None:
        super().__init__("Say what should change, or why not.")


class UnknownVerdict(ApprovalError):
    def __init__(self) -> None:
        super().__init__("Choose an answer.")


class RequestClosed(ApprovalError):
    """The request no longer takes this answer; `request` holds its present state."""

    def __init__(self, request: ApprovalRequest, text: str) -> None:
        self.request = request
        super().__init__(text)


class AlreadyDecided(RequestClosed):
    def __init__(self, request: ApprovalRequest, text: str = "") -> None:
        super().__init__(request, text or WHAT_HAPPENED[request.state])


class RequestExpired(RequestClosed):
    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__(request, "It expired without an answer. The requester can ask again.")


class RequestVoided(RequestClosed):
    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__(request, request.closed_reason)


class StaleRequest(RequestClosed):
    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__(request, "This is not what your page showed. Read it again, then answer.")


class MayNotDecide(PermissionDenied):
    """This person cannot answer this request; Django turns it into a 403 with the text."""
