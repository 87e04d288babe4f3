"""Jobs that misbehave on purpose. Each writes "start" and, if it gets there, "end" into the ledger outside.

`effect` is the work proper: one audit event, which is kept only if the job's transaction is. House.effects counts them.

| kind | does |
| --- | --- |
| faults.quick | its effect at once (`pause`: after so many seconds) |
| faults.patient | its effect, then waits for House.go(mark); transactional, so killing it takes the effect back |
| faults.steps | the same, stepwise: effect in a transaction of its own after the wait |
| faults.poison | its effect, then kills its own process with -9; two attempts |
| faults.stubborn | swallows every exception, also the time limit, and works on; two attempts |
| faults.failing | its effect, then raises; three attempts; succeeds once House.go("mend") was said |
| faults.memory | takes memory until it gets no more, 16 MB at a time; two attempts |
"""

import os
import signal
import time
from datetime import timedelta
from typing import Any

from tests.faults.kinds import signals
from tests.faults.ledger import note


def effect(tenant: Any, word: str, **details: Any) -> None:
    from audit import services
    from tenants.access import SYSTEM

    services.record(
        tenant, verb="faults.effect", by=SYSTEM, after={"word": word, "pid": os.getpid(), **details}
    )


def quick(tenant: Any, progress: Any, *, word: str = "quick", pause: float = 0.0) -> None:
    note("start", job=progress.job_id, name=word, tenant=tenant.slug)
    time.sleep(pause)
    effect(tenant, word)
    note("end", job=progress.job_id, name=word, tenant=tenant.slug)


def patient(tenant: Any, progress: Any, *, mark: str = "patient") -> None:
    effect(tenant, mark)
    note("start", job=progress.job_id, name=mark)
    signals.wait_for(mark)
    note("end", job=progress.job_id, name=mark)


def steps(tenant: Any, progress: Any, *, mark: str = "steps") -> None:
    from tenants.scoping import tenant_transaction

    note("start", job=progress.job_id, name=mark)
    signals.wait_for(mark)
    with tenant_transaction(tenant.pk):
        effect(tenant, mark)
    note("end", job=progress.job_id, name=mark)


def poison(tenant: Any, progress: Any) -> None:
    effect(tenant, "poison")
    note("start", job=progress.job_id, name="poison")
    os.kill(os.getpid(), signal.SIGKILL)


def stubborn(tenant: Any, progress: Any, *, mark: str = "never") -> None:
    note("start", job=progress.job_id, name="stubborn")
    while not signals.path_of(mark).exists():
        try:
            while not signals.path_of(mark).exists():
                time.sleep(0.05)
        except BaseException as error:
            note("swallowed", job=progress.job_id, error=type(error).__name__)


def failing(tenant: Any, progress: Any) -> None:
    effect(tenant, "failing")
    note("start", job=progress.job_id, name="failing")
    if not signals.path_of("mend").exists():
        raise ValueError("the far end says no")
    note("end", job=progress.job_id, name="failing")


def memory(tenant: Any, progress: Any) -> None:
    note("start", job=progress.job_id, name="memory")
    held = []
    for _ in range(1024):  # 16 GB: nobody grants that
        held.append(bytearray(os.urandom(1)) * (16 * 1024 * 1024))
    note("end", job=progress.job_id, name="memory")


def register() -> None:
    from jobs import registry

    def kind(name: str, handler: Any, *, mode: Any = "transactional", attempts: int = 5) -> None:
        registry.register(f"faults.{name}", handler, mode=mode, label=f"A {name} job", max_attempts=attempts)

    kind("quick", quick)
    kind("patient", patient)
    kind("steps", steps, mode="stepwise")
    kind("poison", poison, attempts=2)
    kind("stubborn", stubborn, mode="stepwise", attempts=2)
    kind("failing", failing, attempts=3)
    kind("memory", memory, attempts=2)
    for spec in os.environ.get("FAULTS_SCHEDULES", "").split():
        _schedule(spec)


def _schedule(spec: str) -> None:
    """`name:minutes`, `name@hour` (daily), `name!` (its question raises) or `name?` (of a kind that nobody knows)."""
    from jobs import registry

    if spec.endswith("!"):
        registry.schedule(spec[:-1], kind="faults.quick", every=timedelta(minutes=10), when=_broken)
    elif spec.endswith("?"):
        registry.schedule(spec[:-1], kind="nobody.registered.this", every=timedelta(minutes=10))
    elif "@" in spec:
        name, hour = spec.split("@")
        registry.schedule(name, kind="faults.quick", at_hour=int(hour), word=name)
    else:
        name, minutes = spec.split(":")
        registry.schedule(name, kind="faults.quick", every=timedelta(minutes=int(minutes)), word=name)


def _broken(tenant: Any) -> bool:
    raise LookupError("a schedule's question that cannot be answered")
