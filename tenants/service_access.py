"""The door for programs: a bearer token, its tenant and its scope, then the tenant's transaction (ADR 0014).

A session never opens it, so a browser cannot be tricked into using it, and no token ever opens a page.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from tenants import hooks, identity_queries, quotas, tokens
from tenants.access import Actor
from tenants.idempotency import once
from tenants.identity_models import ServiceToken
from tenants.models import Tenant
from tenants.problems import problem
from tenants.scopes import Scope
from tenants.scoping import tenant_transaction

LOG = logging.getLogger(__name__)
USE_NOTED_EVERY = timedelta(minutes=1)
REALM = 'Bearer realm="Holdfast"'
NO_TOKEN = "Send a service token as `Authorization: Bearer hf_…`. It is made under Services in the workspace."  # noqa: S105
BAD_TOKEN = "The token is not known here, or it has expired or was revoked."  # noqa: S105

View = Callable[..., HttpResponse]
Refuse = Callable[..., HttpResponse]


class ServiceRequest(HttpRequest):
    """A program's request inside its tenant, as `service_view` hands it on."""

    tenant: Tenant
    service: ServiceToken
    actor: Actor
    request_id: str


def service_view(
    *, scope: Scope, refuse: Refuse = problem, own_transactions: str = "", metered: bool = True
) -> Callable[[View], View]:
    """A token that works (else 401), of this tenant (else 404), with the scope (else 403), and its transaction.

    The view is called without the slug. `refuse(request, status, title, detail)` makes the answer in the caller's
    format. `own_transactions` is the reason why the view opens its own. Without `metered` the call is counted, but a
    quota never stops it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, slug: str, **rest: Any) -> HttpResponse:
            call = _Call(request, view, rest, scope, refuse, bool(own_transactions), metered)
            return _private(call.answer(slug))

        door: Any = transaction.non_atomic_requests(csrf_exempt(guarded))
        door.is_service_view = True
        door.scope, door.refuse = scope, refuse
        if own_transactions:
            door.own_transactions = own_transactions
        return door  # type: ignore[no-any-return]

    return decorate


def bearer_token(request: Any) -> ServiceToken | None:
    """The working token that the request carries, read once a request and never cached longer."""
    if not hasattr(request, "bearer"):
        request.bearer = _look_up(request.headers.get("Authorization", ""))
    found: ServiceToken | None = request.bearer
    return found


def _look_up(header: str) -> ServiceToken | None:
    kind, _, rest = header.partition(" ")
    text = tokens.read_token(rest.strip()) if kind.lower() == "bearer" else None
    if text is None:
        return None
    token = identity_queries.token_by_key(text.key)
    if token is None or not tokens.is_same(token.digest, text.digest):
        return None
    # a tenant that became a sandbox by a copy of the database must not be opened by production's tokens
    same = token.environment == text.environment == token.tenant.environment
    return token if same and token.works_at(timezone.now()) else None


class _Call:
    """One call, from the token to the answer."""

    def __init__(
        self, request: Any, view: View, rest: Any, scope: Scope, refuse: Refuse, bare: bool, metered: bool
    ) -> None:
        self.request, self.view, self.rest = request, view, rest
        self.scope, self._refuse, self.bare, self.metered = scope, refuse, bare, metered

    def answer(self, slug: str) -> HttpResponse:
        try:
            token = bearer_token(self.request)
            if token is None:
                return self._unknown()
            if token.tenant.slug != slug:
                return self.refuse(404, "Not found", "There is nothing here for this token.")
            return self._as(token)
        except OperationalError:
            LOG.exception("a service call could not reach the database")
            answer = self.refuse(503, "Unavailable", "The database cannot be reached. Nothing was changed.")
            answer.headers["Retry-After"] = "10"
            return answer

    def _unknown(self) -> HttpResponse:
        sent = "Authorization" in self.request.headers
        answer = self.refuse(401, "Unauthorized", BAD_TOKEN if sent else NO_TOKEN)
        answer.headers["WWW-Authenticate"] = f'{REALM}, error="invalid_token"' if sent else REALM
        return answer

    def _as(self, token: ServiceToken) -> HttpResponse:
        self.request.tenant, self.request.service = token.tenant, token
        self.request.actor = Actor("service", str(token.identity_id), f"{token.name} (service)")
        if self.scope.value not in token.scopes:
            return self._wrong_scope(token)
        note_use(token)
        with tenant_transaction(token.tenant_id):  # short, and kept whatever becomes of the call
            over = quotas.refusal(token.tenant, "api_calls", 1) if self.metered else None
            if over is None:
                quotas.count(token.tenant, "api_calls", source=token.name)
        if over is not None:
            return self.refuse(429, "Quota used up", str(over))
        return self._guarded()

    def _wrong_scope(self, token: ServiceToken) -> HttpResponse:
        with tenant_transaction(token.tenant_id):
            hooks.record(
                token.tenant, verb="tenants.access_denied", by=self.request.actor, object_type="page",
                object_id=self.request.path[:80], object_label=self.request.path,
                after={"needs_scope": self.scope.value}, request_id=self.request.request_id,
            )  # fmt: skip
        said = f"The token lacks the scope {self.scope.value}. Make a service with it."
        answer = self.refuse(403, "Forbidden", said)
        answer.headers["WWW-Authenticate"] = (
            f'{REALM}, error="insufficient_scope", scope="{self.scope.value}"'
        )
        return answer

    def _guarded(self) -> HttpResponse:
        """The view's answer; whatever it raises becomes a refusal, and nothing of it is kept."""
        try:
            return self._run()
        except Http404 as error:
            return self.refuse(404, "Not found", str(error) if error.args else "There is nothing here.")
        except PermissionDenied as error:
            return self.refuse(403, "Forbidden", str(error))
        except RequestDataTooBig:
            return self.refuse(413, "Too large", "The body is larger than this address takes.")
        except (SuspiciousOperation, UnicodeError):
            return self.refuse(400, "Bad request", "The request could not be read.")
        except quotas.QuotaExceeded as error:
            return self.refuse(429, "Quota used up", str(error))
        except OperationalError:
            raise
        except Exception:
            LOG.exception("a service call failed (request %s)", getattr(self.request, "request_id", ""))
            return self.refuse(500, "Error", "Something broke on our side. Nothing was changed.")

    def _run(self) -> HttpResponse:
        if self.bare:
            return self.view(self.request, **self.rest)
        with tenant_transaction(self.request.tenant.pk):
            answer = once(
                self.request,
                lambda: self.view(self.request, **self.rest),
                refuse=lambda request, status, words: self._refuse(request, status, "Not done", words),
            )
            if answer.status_code >= 400:
                transaction.set_rollback(True)
        return answer

    def refuse(self, status: int, title: str, detail: str) -> HttpResponse:
        return self._refuse(self.request, status, title, detail)


def note_use(token: ServiceToken) -> None:
    """When it was last used, at most once a minute; in a transaction of its own, so that a failed call counts too."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ServiceToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _private(answer: HttpResponse) -> HttpResponse:
    answer.headers.setdefault("Cache-Control", "no-store, private")
    return answer
