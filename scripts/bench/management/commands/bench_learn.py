"""`bench_learn --tenant T`: training and scoring as the product does them, with the seconds of each stage as JSON.

Part of the bench alone. Timed are the functions of the product; stages are told apart by the progress they report.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from scoring import commands, pipeline
from scoring.engine.churn.data import Stack
from scoring.engine.churn.threads import one_thread
from scoring.learning import landmarks, registry, training
from scoring.models import ChurnModel
from tenants.access import SYSTEM
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

TREES = 100  # of the baseline: scikit-learn's own default


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = commands.the_tenant(options["tenant"])
        day = commands.the_day(tenant, None)
        found: dict[str, Any] = {}
        reading = Stages()
        chosen, stack = landmarks.gather(tenant, as_of=day, said=reading)
        found["reading"] = reading.ended()
        assert stack is not None, "a bench's bundle has past days"
        found |= {"rows": len(stack), "landmarks": len(chosen.days), "features": len(stack.names)}
        found["accounts"] = len(np.unique(stack.account))
        found["baseline"] = baseline(stack)
        learning = Stages()
        row = training.train(tenant, chosen=chosen, stack=stack, by=SYSTEM, said=learning)
        found["training"] = learning.ended()
        found |= {
            "chosen": row.report["chosen"], "leavers": row.report["leavers"]["seen"], "state": row.state,
            "origins": len(row.report["origins"]), "folds": row.report["folds"],
            "candidates": list(row.report.get("candidates", {})), "refused": training.refusals(row.report),
        }  # fmt: skip
        put_in_force(tenant, row)
        scored = Stages()
        run = pipeline.score_day(tenant, as_of=day, by=SYSTEM, progress=scored)
        found |= {"scoring": scored.ended(), "scored": run.accounts, "chances": run.summary["chances"]}
        again = Stages()
        pipeline.score_day(tenant, as_of=day + timedelta(days=1), by=SYSTEM, progress=again)
        found["scoring_again"] = again.ended()
        self.stdout.write(json.dumps(found))


class Stages:
    """Wall and CPU seconds by what was said to be going on; children that have ended count as CPU."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}
        self._stage, self._since = "", _now()

    def __call__(self, done: int, total: int | None = None, message: str = "") -> None:
        self._end()
        self._stage = message.split(" on ")[0]

    def ended(self) -> dict[str, list[float]]:
        """[wall, CPU] by stage, and of all together under `all`."""
        self._end()
        whole = [sum(each[at] for each in self.found.values()) for at in (0, 1)]
        return {
            name: [round(each, 3) for each in pair] for name, pair in (self.found | {"all": whole}).items()
        }

    def _end(self) -> None:
        now = _now()
        spent = self.found.setdefault(self._stage or "before", [0.0, 0.0])
        for at in (0, 1):
            spent[at] += now[at] - self._since[at]
        self._since = now


def _now() -> tuple[float, float]:
    used = os.times()
    return time.perf_counter(), used.user + used.system + used.children_user + used.children_system


def baseline(stack: Stack) -> dict[str, Any]:
    """One fit of scikit-learn's boosted trees, and one of its logistic regression, on the same stacked rows: who leaves
    within 90 days. No choice of anything, no calibration, no judging."""
    known = (stack.seen_for >= 90) | (stack.leaves_in < 90)
    x, y = stack.x[known], (stack.leaves_in[known] < 90).astype(np.int64)
    # scikit-learn's bins refuse a column without a value
    x = x[:, np.nanmin(x, axis=0) < np.nanmax(x, axis=0)]
    with one_thread():
        return {
            "rows": len(y),
            "left": int(y.sum()),
            "boosted": _timed(lambda: _boosted(x, y)),
            "logistic": _timed(lambda: _logistic(x, y)),
        }


def _boosted(x: Any, y: Any) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

    HistGradientBoostingClassifier(max_iter=TREES, early_stopping=False, random_state=1).fit(x, y)


def _logistic(x: Any, y: Any) -> None:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    middle = np.nan_to_num(np.nanmean(x, axis=0))
    filled = np.where(np.isnan(x), middle, x)
    size = filled.std(axis=0)
    LogisticRegression(max_iter=200).fit((filled - middle) / np.where(size > 0, size, 1.0), y)


def _timed(work: Callable[[], object]) -> list[float]:
    begun = _now()
    work()
    return [round(now - then, 3) for now, then in zip(_now(), begun, strict=True)]


def put_in_force(tenant: Tenant, row: ChurnModel) -> None:
    """As a person would who promotes a draft: what is measured is the scoring, not whether the gates pass."""
    if not row.is_usable:
        with tenant_transaction(tenant.pk):
            registry.promote(tenant, model_id=row.pk, by=SYSTEM, why="The bench scores with it.")
