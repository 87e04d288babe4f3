"""Who asks, in which tenant, with which rights: the kernel that every view and service uses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse

from tenants.idempotency import once
from tenants.models import Membership, Tenant, User
from tenants.reach import SCOPE, can, is_scoped, sees_everything
from tenants.roles import Right, Role

__all__ = [
    "SCOPE",
    "SYSTEM",
    "Actor",
    "Right",
    "Role",
    "TenantRequest",
    "ask_again",
    "can",
    "check_right",
    "check_sees_everything",
    "is_scoped",
    "sees_everything",
    "tenant_exempt",
    "tenant_view",
]


@dataclass(frozen=True)
class Actor:
    """Who did it, as the audit trail keeps it: an id and the label of that day, no foreign key."""

    kind: str  # person, service, system
    id: str
    label: str
    membership: Membership | None = None

    @classmethod
    def person(cls, membership: Membership) -> "Actor":
        user = membership.user
        return cls("person", str(user.pk), f"{user} ({Role(membership.role).label})", membership)

    @classmethod
    def command(cls, name: str) -> "Actor":
        return cls("system", f"command:{name}", f"Command {name}")

    @property
    def user(self) -> User | None:
        return self.membership.user if self.membership else None


SYSTEM = Actor("system", "system", "Holdfast")


class TenantRequest(HttpRequest):
    """A request inside a tenant, as `tenant_view` hands it on."""

    tenant: Tenant
    membership: Membership
    actor: Actor
    request_id: str


def check_right(membership: Membership, right: Right) -> None:
    """Raises PermissionDenied, with words for the 403 page, when the right is missing."""
    if not can(membership, right):
        label = Role(membership.role).label
        raise PermissionDenied(f"Your role here, {label}, does not include this. Ask an operations admin.")


def check_sees_everything(membership: Membership) -> None:
    """Raises PermissionDenied, with words for the 403 page, where a scope or the role hides some accounts."""
    if not sees_everything(membership):
        raise PermissionDenied(
            "This tells of the whole workspace, and you see a part of it. Ask an operations admin who sees all of it."
        )


View = Callable[..., HttpResponse]


def tenant_view(*, right: Right = Right.VIEW_ACCOUNTS, whole: bool = False) -> Callable[[View], View]:
    """Sign-in, membership (else 404) and right (else 403); the middleware has opened the tenant's transaction.

    `whole`: only for whoever sees everything (else 403), because a scope could be gone around with it.

    A change that names itself with an idempotency key is made once (ADR 0012).
    The view is called without the slug: `view(request, **rest)`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: TenantRequest, slug: str, **rest: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            if getattr(request, "membership", None) is None:
                raise Http404("No such workspace.")
            check_right(request.membership, right)
            if whole:
                check_sees_everything(request.membership)
            if hasattr(guarded, "own_transactions"):  # marked from outside
                return view(request, **rest)
            return once(request, lambda: view(request, **rest))

        guarded.is_tenant_view = True  # type: ignore[attr-defined]
        guarded.right = right  # type: ignore[attr-defined]
        return guarded

    return decorate


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back; htmx gets 401 with the same address, or the fragment would hold a form."""
    htmx = getattr(request, "htmx", None)
    if htmx:
        answer = HttpResponse(status=401)
        answer.headers["HX-Redirect"] = redirect_to_login(htmx.current_url_abs_path or "/").url
        return answer
    # what a form was sent to cannot be opened after sign-in
    return redirect_to_login(request.get_full_path() if request.method in {"GET", "HEAD"} else "/")


def tenant_exempt(reason: str) -> Callable[[View], View]:
    """Marks a view that runs without a tenant and its transaction; the guard test prints the reasons."""

    def mark(view: View) -> View:
        view.tenant_exempt = reason  # type: ignore[attr-defined]
        return view

    return mark


def ask_again(reason: str, *, also_to_read: bool = False) -> Callable[[View], View]:
    """Marks a view whose POST needs a proof of who it is, not older than a quarter of an hour (signin.fresh).

    `also_to_read`: its GET as well, which hands out a file.
    """

    def mark(view: View) -> View:
        view.ask_again = reason  # type: ignore[attr-defined]
        view.ask_again_to_read = also_to_read  # type: ignore[attr-defined]
        return view

    return mark


def own_transactions(reason: str) -> Callable[[View], View]:
    """Marks a tenant view that opens its own short transactions, such as the upload that streams to disk."""

    def mark(view: View) -> View:
        view.own_transactions = reason  # type: ignore[attr-defined]
        marked: View = transaction.non_atomic_requests(view)
        return marked

    return mark
