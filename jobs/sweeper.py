"""What makes jobs certain although doorbells get lost and workers die (PLATFORM 5.3, ADR 0004).

One leader, by advisory lock, looks every two seconds: running jobs that nobody holds go back in line, due jobs whose
bell is lost are rung again, schedules are fired once a slot, and the workers are asked for a sign of life. Losing
every row of django-q's queue therefore loses nothing. A step that fails is logged, and the others go on.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Event

from django.conf import settings
from django.db import Error, connection
from django_q.models import OrmQ

from jobs import clock, doorbells, heartbeat, queries, services
from jobs.lease import SWEEPER_CLASS, lease
from jobs.registry import Schedule, chores, schedules
from jobs.slots import current_slot
from tenants.models import Tenant
from tenants.queries import all_tenants
from tenants.scoping import tenant_transaction

logger = logging.getLogger("holdfast.sweeper")

# Bells in the queue at most: a waiting line of many thousand jobs must not be rung over and over
BELLS_AT_MOST = 500
SAY_AGAIN = 600.0  # seconds before the same trouble is logged once more


class Sweeper:
    """Remembers between looks what it has fired and said; the database keeps what must not be lost."""

    def __init__(self, *, clock: Callable[[], datetime] = clock.now) -> None:
        self._clock = clock
        self._fired: dict[tuple[int, str], datetime] = {}
        self._last_run: dict[str, datetime] = {}
        self._said: dict[str, float] = {}
        self._readable: set[int] = set()

    def run_until(self, stop: Event) -> None:
        """Sweep until told to stop; wait while another sweeper leads or the database is away."""
        while not stop.is_set():
            try:
                with lease(0, of_class=SWEEPER_CLASS) as leading:
                    while leading and not stop.is_set():
                        self.sweep()
                        stop.wait(settings.SWEEP_EVERY)
            except Error as error:
                self._say("the database", error)
                connection.close()
            stop.wait(settings.SWEEP_EVERY)

    def sweep(self) -> None:
        """One look at everything. Raises only when the connection, and with it the lead, is lost."""
        now = self._clock()
        self._try("recovering jobs of dead workers", self._recover)
        self._try("setting unreadable bells aside", self._set_aside)
        self._try("ringing lost bells", lambda: self._ring(now))
        if self._is_time("canary", timedelta(seconds=settings.CANARY_EVERY), now):
            self._try("asking the workers for a sign of life", heartbeat.ask)
        for chore in list(chores.values()):
            if self._is_time(f"chore {chore.name}", chore.every, now):
                self._try(chore.name, chore.run)
        for tenant in self._tenants():
            for schedule in list(schedules.values()):
                self._try(f"{schedule.name} of {tenant.slug}", partial(self._fire, tenant, schedule, now))

    def _recover(self) -> None:
        for job_id in queries.running_ids():
            with lease(job_id) as nobody_works_on_it:
                if nobody_works_on_it:
                    services.recover(job_id)

    def _set_aside(self) -> None:
        self._readable = doorbells.set_aside_unreadable(self._readable)

    def _ring(self, now: datetime) -> None:
        room = BELLS_AT_MOST - OrmQ.objects.count()
        if room > 0:
            for job in queries.due_without_bell(
                now=now, rung_before=now - timedelta(seconds=settings.BELL_LOST_AFTER), limit=room
            ):
                services.ring(job, now=now)

    def _fire(self, tenant: Tenant, schedule: Schedule, now: datetime) -> None:
        slot = current_slot(schedule, now=now, time_zone=tenant.time_zone)
        known = (tenant.pk, schedule.name)
        if slot < tenant.created_at or self._fired.get(known) == slot:
            return
        with tenant_transaction(tenant.pk):
            if schedule.when is not None and not schedule.when(tenant):
                return
            services.fire(tenant, schedule=schedule, slot=slot)
        self._fired[known] = slot

    def _tenants(self) -> list[Tenant]:
        found: list[Tenant] = []
        self._try("listing tenants", lambda: found.extend(all_tenants()))
        return found

    def _is_time(self, name: str, every: timedelta, now: datetime) -> bool:
        last = self._last_run.get(name)
        if last is not None and last <= now < last + every:  # a clock that was set back counts as time, too
            return False
        self._last_run[name] = now
        return True

    def _try(self, name: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:
            if not connection.in_atomic_block and not _usable():
                raise
            self._say(name, error)

    def _say(self, name: str, error: Exception) -> None:
        """Log trouble when it is new, not every two seconds."""
        now = time.monotonic()
        if now - self._said.get(name, -SAY_AGAIN) >= SAY_AGAIN:
            self._said[name] = now
            logger.error("sweeper: %s: %s", name, error, exc_info=error)


def _usable() -> bool:
    return connection.connection is not None and connection.is_usable()
