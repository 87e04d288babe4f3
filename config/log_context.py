"""What a log line is about: which request, tenant, person (a number) and job. No names, no addresses."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_request: ContextVar[Any] = ContextVar("log_request", default=None)
_job: ContextVar[dict[str, Any] | None] = ContextVar("log_job", default=None)


@contextmanager
def during_request(request: Any) -> Iterator[None]:
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


@contextmanager
def during_job(*, job_id: int, kind: str, tenant: str) -> Iterator[None]:
    token = _job.set({"job_id": job_id, "job_kind": kind, "tenant": tenant})
    try:
        yield
    finally:
        _job.reset(token)


def current() -> dict[str, Any]:
    """The fields that are known; asking costs no query."""
    fields = dict(_job.get() or {})
    request = _request.get()
    if request is None:
        return fields
    fields["request_id"] = getattr(request, "request_id", "")
    tenant = getattr(request, "tenant", None)
    if tenant is not None:
        fields["tenant"] = tenant.slug
    user = vars(request).get("_cached_user")  # set once somebody asked who it is; never asked for here
    if user is not None and user.pk is not None:
        fields["user_id"] = user.pk
    return fields


def route_of(request: Any) -> str:
    """The name of the address, never the address itself, which may hold a token or an id."""
    match = getattr(request, "resolver_match", None)
    if match is None:
        return "unmatched"
    return match.view_name or "unnamed"
