"""What versions said on past days, and what became of it: the rows that gates and drift are counted on.

Runs tell which version scored a day, so days are found without reading a score. The days of a version that nobody saw
count as those of one that was shown: both were said before anybody knew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Any, cast

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scoring import queries
from scoring.engine.churn.chances import LEAST, MOST
from scoring.flagging import IN_TIME_DAYS
from scoring.learning import labels, landmarks
from scoring.learning.observations import SEGMENTS
from scoring.models import ChurnModel
from tenants.models import Tenant

AHEAD = timedelta(days=IN_TIME_DAYS)
MOST_BETWEEN = timedelta(days=10)  # from one scoring to the next: beyond, nobody was watching

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SAID = """
SELECT a.external_id, s.as_of, a.segment, s.p30, s.p60, s.p90,
       s.logit_base + s.logit_parts[array_upper(s.logit_parts, 1)]
FROM scoring_health_snapshot s JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
WHERE s.tenant_id = %(tenant)s AND s.as_of = ANY(%(days)s) AND s.run_id = ANY(%(runs)s)
  AND s.model_id = ANY(%(shown)s) AND s.p90 IS NOT NULL
UNION ALL
SELECT a.external_id, w.as_of, a.segment, w.p30, w.p60, w.p90, NULL
FROM scoring_shadow_score w JOIN accounts_account a ON a.tenant_id = w.tenant_id AND a.id = w.account_id
WHERE w.tenant_id = %(tenant)s AND w.as_of = ANY(%(days)s) AND w.run_id = ANY(%(runs)s) AND w.model_id = %(model)s
"""


@dataclass(frozen=True)
class Said:
    """n chances as they were said, with what became of the accounts; the shapes of `engine.validation.Rows`."""

    account: Ints
    day: Ints
    segment: Ints
    segments: tuple[str, ...]
    arr: Floats
    p: Floats  # n x 3: within 30, 60, 90 days
    timing: Floats  # n: what the contract's dates alone make of logit(p90); NaN of a version that nobody saw
    leaves_in: Floats
    seen_for: Floats

    def __len__(self) -> int:
        return len(self.account)

    @property
    def features(self) -> Floats:
        """n: the rest of logit(p90), which the features make."""
        p90 = np.clip(self.p[:, -1], LEAST, MOST)
        return np.asarray(np.log(p90) - np.log1p(-p90) - self.timing)

    def closed(self, horizon: int) -> "Said":
        """The rows whose window has ended."""
        rows = self.seen_for >= horizon
        parts: dict[str, Any] = {
            name: getattr(self, name)[rows]
            for name in ("account", "day", "segment", "arr", "p", "timing", "leaves_in", "seen_for")
        }
        return replace(self, **parts)


def line_of(tenant: Tenant, model: ChurnModel) -> list[ChurnModel]:
    """The version and, of one that is in force, those of the same kind that it replaced and that may still be used.

    Versions are trained monthly; what the way to learn has shown would else be forgotten each month.
    """
    if model.state not in ChurnModel.LIVE:
        return [model]
    older = ChurnModel.objects.for_tenant(tenant).filter(
        kind=model.kind, is_usable=True, version__lt=model.version
    )
    return [model, *older.defer("document", "report").order_by("-version")]


@dataclass(frozen=True)
class Scoring:
    """The first time that something was said of a day."""

    run: int
    on: date  # by the clock of the run


def scored_days(tenant: Tenant, model: ChurnModel, line: list[ChurnModel]) -> dict[date, Scoring]:
    """Each day on which the line was shown, or this version was in the shadow, as it was scored first, by day.

    A day that was scored long after it (AHEAD) is not among them: it was known what came of it. Nor does a later run
    replace what a day was first told, for evidence comes late.
    """
    first: dict[date, Scoring] = {}
    for day, run, on in _told(tenant, model, line):
        first.setdefault(day, Scoring(run, on))
    return {day: each for day, each in first.items() if each.on - day <= AHEAD}


def _told(tenant: Tenant, model: ChurnModel, line: list[ChurnModel]) -> Iterator[tuple[date, int, date]]:
    """(scored day, run, the day on which it ran), by day and run."""
    shown = {str(each) for each in line}
    runs = queries.finished_runs(tenant).filter(is_unchanged=False).order_by("as_of", "pk")
    for as_of, pk, ran, told in runs.values_list("as_of", "pk", "created_at", "summary__chances"):
        told = told or {}
        if told.get("model") in shown or model.pk in (told.get("shadows") or []):
            yield as_of, pk, ran.astimezone(UTC).date()


def stretches(days: list[date]) -> list[tuple[date, date]]:
    """(first, last) of each time that was watched without a gap; `days` ascend."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] <= MOST_BETWEEN:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def spaced(days: list[date], *, apart: int) -> list[date]:
    """Days at least so many days apart, from the first one on."""
    kept: list[date] = []
    for day in sorted(days):
        if not kept or day - kept[-1] >= timedelta(days=apart):
            kept.append(day)
    return kept


def read(
    tenant: Tenant, model: ChurnModel, line: list[ChurnModel], runs: dict[date, int], chosen: landmarks.Plan
) -> Said:
    """What was said on these days, labelled by what is known at the plan's end."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SAID,
            {
                "tenant": tenant.pk, "days": list(runs), "runs": list(runs.values()), "model": model.pk,
                "shown": [each.pk for each in line],
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    blank = np.zeros(len(rows))
    said = Said(
        account=labels.account_numbers([row[0] for row in rows]),
        day=np.array([labels.day_number(row[1]) for row in rows], dtype=np.int64),
        segment=np.array(
            [SEGMENTS.index(row[2]) if row[2] in SEGMENTS else -1 for row in rows], dtype=np.int64
        ),
        segments=SEGMENTS,
        arr=blank,
        p=np.array([[float(each) for each in row[3:6]] for row in rows], dtype=np.float64).reshape(-1, 3),
        timing=np.array([np.nan if row[6] is None else float(row[6]) for row in rows], dtype=np.float64),
        leaves_in=blank,
        seen_for=blank,
    )
    return cast("Said", labels.label(cast("Any", said), known=chosen.known, until=chosen.until))
