"""Job kinds and schedules, registered by the apps at start-up (AppConfig.ready), so that jobs imports none of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from tenants.roles import Right

Mode = Literal["transactional", "stepwise"]


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    transactional: the handler runs in one tenant transaction that also marks the job done.
    stepwise: the handler opens its own short tenant transactions (imports, network between transactions), and must be
    harmless when run again from the start.
    """

    name: str
    handler: Callable[..., Any]  # handler(tenant, progress, **args) -> result (JSON) or None
    mode: Mode
    label: str
    max_attempts: int = 5
    # time limit of one attempt; None is the worker's own (Q_CLUSTER). Longer ones beat for the worker meanwhile.
    seconds: int | None = None
    # who may look at such a job, whoever asked for it; None: its requester and who may configure, as all jobs.
    # For work that many may ask for: asked for twice it is one job, and the second one wants to see it too.
    watch: Right | None = None


@dataclass(frozen=True)
class Schedule:
    """One tick a slot and tenant: `every` a fixed interval, or daily at `at_hour` in the tenant's time zone."""

    name: str
    kind: str
    every: timedelta | None = None
    at_hour: int | None = None
    when: Callable[..., bool] | None = None  # when(tenant): asked in the tenant's transaction before it fires
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chore:
    """Upkeep of the whole installation, such as making next month's partitions; run by the sweeper itself."""

    name: str
    every: timedelta
    run: Callable[[], None]


kinds: dict[str, Kind] = {}
schedules: dict[str, Schedule] = {}
chores: dict[str, Chore] = {}


def register(
    name: str,
    handler: Callable[..., Any],
    *,
    mode: Mode,
    label: str,
    max_attempts: int = 5,
    seconds: int | None = None,
    watch: Right | None = None,
) -> None:
    kinds[name] = Kind(name, handler, mode, label, max_attempts, seconds, watch)


def schedule(
    name: str,
    *,
    kind: str,
    every: timedelta | None = None,
    at_hour: int | None = None,
    when: Callable[..., bool] | None = None,
    **args: Any,
) -> None:
    """Fire `kind` for every tenant; exactly one of `every` and `at_hour`.

    With `when(tenant)`, the slot stays open until it says yes or the next slot begins.
    """
    if (every is None) == (at_hour is None):
        raise ValueError(f"schedule {name}: give either every or at_hour")
    schedules[name] = Schedule(name, kind, every, at_hour, when, args)


def chore(name: str, *, every: timedelta, run: Callable[[], None]) -> None:
    """Have the sweeper call `run` when it starts and then at this interval."""
    chores[name] = Chore(name, every, run)
