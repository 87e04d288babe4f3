"""Facts go up without imports: apps above fill these at start-up (AppConfig.ready)."""

from collections.abc import Callable, Iterable
from typing import Any

# audit.services.record; the kernel and jobs write their events through it (DECISIONS 11)
_record: Callable[..., Any] | None = None
# called with the membership after it was created or changed, inside the same transaction
_membership_changed: list[Callable[..., Any]] = []
# called with the membership whose role changed or that ended, inside the same transaction
_rights_changed: list[Callable[..., None]] = []
# called with each membership of somebody who was forgotten, inside the same transaction
_person_forgotten: list[Callable[..., None]] = []
# called with a tenant just created, inside its context: default policies, playbooks, partitions
_tenant_created: list[Callable[..., None]] = []
# called with (tenant, name of the file) after its rows were merged, inside the same transaction
_file_imported: list[Callable[..., Any]] = []
# called with (request, response) inside the tenant's outer transaction, e.g. to record a denied access
_on_response: list[Callable[..., None]] = []
# by the name of an address's argument: called with (tenant, viewer, its value), whether the viewer sees what it names
sees: dict[str, Callable[..., bool]] = {}


def set_recorder(record: Callable[..., Any]) -> None:
    global _record
    _record = record


def record(*args: Any, **kwargs: Any) -> Any:
    """Write an audit event; raises where `audit` was not started, because a write without its event is a bug."""
    if _record is None:
        raise RuntimeError("audit has not registered its recorder")
    return _record(*args, **kwargs)


def when_membership_changed(hook: Callable[..., Any]) -> None:
    _membership_changed.append(hook)


def membership_changed(membership: Any) -> None:
    for hook in _membership_changed:
        hook(membership)


def when_rights_changed(hook: Callable[..., None]) -> None:
    _rights_changed.append(hook)


def rights_changed(membership: Any) -> None:
    for hook in _rights_changed:
        hook(membership)


def when_person_forgotten(hook: Callable[..., None]) -> None:
    _person_forgotten.append(hook)


def person_forgotten(memberships: Iterable[Any]) -> None:
    for membership in memberships:
        for hook in _person_forgotten:
            hook(membership)


def when_tenant_created(hook: Callable[..., None]) -> None:
    _tenant_created.append(hook)


def tenant_created(tenant: Any) -> None:
    for hook in _tenant_created:
        hook(tenant)


def when_file_imported(hook: Callable[..., Any]) -> None:
    _file_imported.append(hook)


def file_imported(tenant: Any, file: str) -> None:
    for hook in _file_imported:
        hook(tenant, file)


def when_asked_who_sees(argument: str, look: Callable[..., bool]) -> None:
    sees[argument] = look


def when_responded(hook: Callable[..., None]) -> None:
    _on_response.append(hook)


def on_response(request: Any, response: Any) -> None:
    for hook in _on_response:
        hook(request, response)
