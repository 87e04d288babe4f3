"""Expected renewal revenue by quarter, with intervals by simulation; what past forecasts were worth.

Source: SCORING.md h. One forecast a day and quarter is kept; of a past quarter the one that stood when it began is
scored, so that nobody chooses it afterwards.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Max, Q
from numpy.typing import NDArray

from scoring.engine.churn.data import PERIODS
from scoring.engine.validation import renewal_revenue, score_forecasts
from scoring.growth import quarters, statements
from scoring.growth.models import RenewalForecast, RenewalTerm
from scoring.learning.stake import common_shock, logit_sd_of
from scoring.learning.training import plain
from scoring.models import AccountHealth, ScoreRun
from tenants.models import Tenant

Floats = NDArray[np.float64]
LEVELS = ("50", "80", "95")
SETTLES = timedelta(days=90)  # how long what came in late may still change a closed quarter


def forecast(tenant: Tenant, run: ScoreRun, *, widen: float) -> list[RenewalForecast]:
    """The forecasts of the run's day; those of the same day are written over. Runs in the caller's transaction."""
    RenewalForecast.objects.for_tenant(tenant).filter(as_of=run.as_of).delete()
    scored = AccountHealth.objects.for_tenant(tenant).filter(p90__isnull=False)
    version = scored.aggregate(version=Max("model_version"))["version"] or ""
    made = [_of_quarter(tenant, run, quarter, version, widen) for quarter in quarters.ahead(run.as_of)]
    _forget_terms(tenant, run.as_of)
    return made


def _of_quarter(tenant: Tenant, run: ScoreRun, quarter: date, version: str, widen: float) -> RenewalForecast:
    row = RenewalForecast.objects.create(
        tenant=tenant, as_of=run.as_of, quarter=quarter, run_id=run.pk, model_version=version, figures={}
    )
    with connection.cursor() as cursor:
        cursor.execute(statements.ADD_TERMS, _parameters(tenant, row))
        cursor.execute(statements.BY_ACCOUNT, {"tenant": tenant.pk, "forecast": row.pk})
        lines = cursor.fetchall()
    row.figures = plain(_simulated(lines, widen))
    row.save(update_fields=["figures"])
    return row


def _parameters(tenant: Tenant, row: RenewalForecast) -> dict[str, Any]:
    return {
        "tenant": tenant.pk, "currency": tenant.currency, "forecast": row.pk, "day": row.as_of,
        "day_at": midnight(row.as_of), "first": max(row.quarter, row.as_of),
        "end": quarters.following(row.quarter), "periods": list(PERIODS),
    }  # fmt: skip


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _simulated(lines: list[Any], widen: float) -> dict[str, Any]:
    """{"all": …, "segment": {name: …}, "region": {name: …}} of lines (segment, region, ARR, p, p90's low and high)."""
    arr, p, low, high = (np.array([line[at] for line in lines], dtype=np.float64) for at in (2, 3, 4, 5))
    sd = logit_sd_of(low, high)

    def of(rows: Any) -> dict[str, Any]:
        found = renewal_revenue(p[rows], arr[rows], logit_sd=sd[rows], widen=widen)
        return found | {"common": common_shock(p[rows], arr[rows], found)}

    groups = {
        column: {name: of(names == name) for name in sorted(set(names.tolist()))}
        for column, names in (
            ("segment", np.array([line[0] for line in lines], dtype=object)),
            ("region", np.array([line[1] for line in lines], dtype=object)),
        )
    }
    return {"all": of(np.ones(len(lines), dtype=bool)), **groups}


def _forget_terms(tenant: Tenant, as_of: date) -> None:
    """Terms are kept of the newest day, and of the forecast that stood when its quarter began."""
    older = RenewalForecast.objects.for_tenant(tenant).filter(as_of__lt=as_of)
    opening = [row.pk for row in openings(tenant, as_of)]
    RenewalTerm.objects.for_tenant(tenant).filter(
        forecast_id__in=older.exclude(pk__in=opening).values("pk")
    ).delete()


def openings(tenant: Tenant, as_of: date) -> list[RenewalForecast]:
    """Of each quarter that had begun by that day, the last forecast made on or before its first day."""
    rows = RenewalForecast.objects.for_tenant(tenant).filter(
        Q(quarter__lte=as_of), ~Q(model_version=""), as_of__lte=as_of
    )
    found: dict[date, RenewalForecast] = {}
    for row in rows.order_by("quarter", "as_of"):
        if row.as_of <= row.quarter:
            found[row.quarter] = row
    return list(found.values())


def settle(tenant: Tenant, as_of: date) -> None:
    """What became of the terms of each closed quarter, as known on that day."""
    for row in openings(tenant, as_of):
        end = quarters.following(row.quarter)
        if end > as_of or (row.actual is not None and as_of > end + SETTLES):
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                statements.ACTUAL, {"tenant": tenant.pk, "forecast": row.pk, "day_at": midnight(as_of)}
            )
            kept, renewed, terms, undecided = cursor.fetchone()
        row.actual, row.actual_as_of = Decimal(kept), as_of
        row.figures = row.figures | {"renewed": renewed, "terms": terms, "undecided": undecided}
        row.save(update_fields=["actual", "actual_as_of", "figures"])


def scored(tenant: Tenant, as_of: date) -> dict[str, Any]:
    """How the forecasts of closed quarters did: coverage of each interval, bias; `widen` once twelve have closed."""
    closed = [row for row in openings(tenant, as_of) if row.actual is not None]
    expected = np.array([row.figures["all"]["expected"] for row in closed])
    ends = [[row.figures["all"]["intervals"][level] for level in LEVELS] for row in closed]
    actual = np.array([float(row.actual or 0) for row in closed])
    return score_forecasts(expected, np.array(ends).reshape(-1, 3, 2), actual) | {
        "quarters": [
            {
                "quarter": str(row.quarter), "as_of": str(row.as_of), "expected": row.figures["all"]["expected"],
                "low": row.figures["all"]["intervals"]["80"][0], "high": row.figures["all"]["intervals"]["80"][1],
                "actual": float(row.actual or 0), "undecided": row.figures.get("undecided", 0),
            }
            for row in closed
        ]
    }  # fmt: skip
