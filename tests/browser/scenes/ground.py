"""What the scenes share: a tenant, days counted back from today, a policy of a few indicators, jobs asked for now."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from jobs import services as jobs
from scoring import queries
from scoring.models import HealthPolicy, PolicyIndicator
from tenants.queries import default_team, tenant_by_slug
from tests import worlds
from tests.worlds import World


def today() -> date:
    return datetime.now(UTC).date()


def ago(days: int, hour: int = 9) -> datetime:
    """A moment of the day so many days before today."""
    return datetime.combine(today() - timedelta(days=days), time(hour), UTC)


def a_world(slug: str) -> World:
    """A tenant with one person a role, `role@slug.example`."""
    with transaction.atomic():
        return worlds.make_world(slug)


def tenant_of(slug: str) -> Any:
    tenant = tenant_by_slug(slug)
    assert tenant is not None, slug
    return tenant


def again(slug: str) -> World:
    """The tenant of an earlier call; its people are not looked up."""
    return World(tenant_of(slug))


def weigh(
    world: World,
    curves: dict[str, tuple[float, list[float], list[float]]],
    *,
    unweighed: tuple[str, ...] = (),
    **values: Any,
) -> None:
    """The policy in force looks at these indicators alone: (weight, values, points). Others are switched off, but for
    the `unweighed` ones, which a model may read."""
    with world.here():
        policy = HealthPolicy.objects.get(state="published", segment="")
        rows = PolicyIndicator.objects.filter(policy=policy)
        rows.update(weight=0, enabled=False)
        for key, (weight, xs, ys) in curves.items():
            assert rows.filter(indicator=key).update(weight=weight, enabled=True, xs=xs, ys=ys) == 1, key
        assert rows.filter(indicator__in=unweighed).update(enabled=True) == len(unweighed)
        HealthPolicy.objects.filter(pk=policy.pk).update(**values)


def score(world: World, day: date) -> None:
    from scoring import pipeline

    pipeline.score_day(world.tenant, as_of=day, by=worlds.MAKER)


def tick(slug: str, kind: str) -> int:
    """What the schedule would ask for at its next slot, now; the job's id."""
    tenant = tenant_of(slug)
    from tenants.scoping import tenant_transaction

    with tenant_transaction(tenant.pk):
        return jobs.enqueue(tenant, kind=kind).pk


def job_state(slug: str, job_id: int) -> str:
    world = again(slug)
    from jobs.models import Job

    with world.here():
        return Job.objects.get(pk=job_id).state


def partition(table: str, day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition(%s, %s)", [table, day.replace(day=1)])


def rows(slug: str, statement: str) -> list[dict[str, Any]]:
    """The tenant's rows as they are stored: a plain statement of the test's, with %(tenant)s."""
    world = again(slug)
    with world.here(), connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": world.tenant.pk})
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def newest_day(slug: str) -> str:
    world = again(slug)
    with world.here():
        return str(queries.latest_as_of(world.tenant))


__all__ = [
    "World",
    "a_world",
    "again",
    "ago",
    "default_team",
    "partition",
    "rows",
    "score",
    "tick",
    "today",
    "weigh",
]
