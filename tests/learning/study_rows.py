"""A study's rows: past days of a tenant read once, a version learnt from them, its chances beside the reference's."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.learning import judge, pairs, reference

Floats = npt.NDArray[np.float64]

MOST = 60  # landmarks: all that the judged worlds have
PAIR = ("mine", "theirs", "left", "who", "true")


@dataclass(frozen=True)
class Case:
    """One world and where it lies."""

    world: str
    bundle: Path
    slug: str
    end: date  # the first day that nothing is known of
    as_of: date  # training sees what was known before it
    seed: int | None = None
    days: tuple[date, ...] = ()  # judged
    switch: date | None = None
    truth: judge.Truth | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Landmarks:
    """The product's own matrix of every past day, each read once, as training and scoring read it."""

    tenant: Any
    parts: dict[date, Any]  # by day, nobody's outcome known
    plan: Any  # of all that is known at the end

    def stack(self, plan: Any) -> Any:
        """The days of a plan, with what was known then."""
        from scoring.learning import landmarks

        parts = [self.parts[day] for day in plan.days if day in self.parts]
        return landmarks.stacked(plan, parts) if parts else None


def landmarks(case: Case) -> Landmarks:
    """Every day up to the end, as files beside the study, so that one that broke off goes on."""
    from scoring.learning import landmarks as reading
    from scoring.sentiment.reading import read_new
    from tenants.queries import tenant_by_slug
    from tenants.scoping import tenant_transaction

    tenant = tenant_by_slug(case.slug)
    assert tenant is not None
    read_new(tenant)
    with tenant_transaction(tenant.pk):
        plan = reading.plan(tenant, as_of=case.end, most=MOST)
    shelf, parts = reading.Shelf(tenant, f"study-{case.slug}"), {}
    for day in plan.days:
        if day not in shelf and (part := reading.read(tenant, day=day)) is not None:
            shelf.put(day, part)
        if day in shelf:
            parts[day] = shelf.take(day)
    return Landmarks(tenant, parts, plan)


def learnt(case: Case, marks: Landmarks, var: Path) -> dict[str, Any]:
    """The report of training, as the command `train` makes it once it has read the past days, also of a refusal."""
    from scoring.learning import commands, training
    from scoring.learning import landmarks as reading
    from tenants.access import Actor
    from tenants.scoping import tenant_transaction

    path = var / f"{case.slug}.train.json"
    if path.exists():
        read: dict[str, Any] = json.loads(path.read_text())
        return read
    started = time.process_time()
    with tenant_transaction(marks.tenant.pk):
        plan = reading.plan(marks.tenant, as_of=case.as_of)
    try:
        row = training.train(
            marks.tenant,
            chosen=plan,
            stack=marks.stack(plan),
            by=Actor.command("study"),
            said=lambda *_: None,
        )
        report = commands.trained(marks.tenant, row)
    except training.TooLittle as refusal:
        report = {"refused": str(refusal), **refusal.figures}
    report |= {"command_seconds": round(time.process_time() - started, 1)}
    path.write_text(json.dumps(report))
    return report


@dataclass(frozen=True)
class Chances:
    """The newest version's chances of all rows of a stack, whether that version is shown or not."""

    stack: Any
    p: Floats  # n x 3

    def frame(self, rows: Any, names: list[str]) -> pl.DataFrame:
        """Some rows as the judge takes them; `names` are the external ids that may be among them."""
        from scoring.learning.labels import account_numbers, day_of

        known = dict(zip(account_numbers(names).tolist(), names, strict=True))
        who = [known[number] for number in self.stack.account[rows].tolist()]
        when = [str(day_of(day)) for day in self.stack.day[rows].tolist()]
        columns = {f"p{each}": self.p[rows, at] for at, each in enumerate(judge.HORIZONS)}
        return pl.DataFrame({"account_external_id": who, "as_of": when, **columns})


def fitted(case: Case, marks: Landmarks, name: str) -> Chances:
    """A candidate fitted and calibrated as `train` does at its end, without the back-test that chooses among them."""
    from scoring.engine.churn.chances import chances
    from scoring.engine.churn.threads import one_thread
    from scoring.engine.validation import known_at
    from scoring.learning import training
    from scoring.learning.labels import day_number

    stack, until = marks.stack(marks.plan), day_number(case.as_of)
    rows = np.flatnonzero(stack.day < until)
    with one_thread():
        made = training.fit_final(known_at(training.take(stack, rows), until), until=until, name=name)
    return Chances(stack, chances(made, stack).p)


def computed(case: Case, marks: Landmarks) -> Chances:
    """With the engine of the product, as its scoring does."""
    from scoring.engine.churn.chances import chances
    from scoring.learning import registry
    from tenants.scoping import tenant_transaction

    with tenant_transaction(marks.tenant.pk):
        fitted = registry.load_model(max(registry.versions(marks.tenant), key=lambda row: row.version))
    stack = marks.stack(marks.plan)
    return Chances(stack, chances(fitted, stack).p)


def compared(case: Case, found: Chances, true: Floats | None) -> dict[int, pairs.Pair]:
    """Product and reference on the same rows of the judged days, horizon by horizon; `true` n x 3, as `found.p`."""
    from scoring.engine.churn.data import take
    from scoring.engine.validation import known_at, outcome
    from scoring.learning.labels import day_number

    stack, out = found.stack, {}
    past = known_at(take(stack, stack.day < day_number(case.as_of)), day_number(case.as_of))
    rows = reference.Rows(stack.x, stack.account, stack.day, stack.leaves_in, stack.seen_for)
    for at, horizon in enumerate(judge.HORIZONS):
        answer = reference.forward(rows, day_number(case.as_of), horizon)
        if len(answer.row):
            row = answer.row
            given = None if true is None else true[row, at]
            known, left = outcome(past, horizon)
            base = float(left[known].mean())
            out[horizon] = pairs.Pair(
                found.p[row, at], answer.p, answer.left, stack.account[row], given, base
            )
    return out


def kept(given: dict[int, pairs.Pair], path: Path) -> None:
    """The pairs of a world as a file, from which `study_pool` pools seeds."""
    columns = {f"{name}_{horizon}": getattr(pair, name) for horizon, pair in given.items() for name in PAIR}
    columns = {name: values for name, values in columns.items() if values is not None}
    np.savez(path, allow_pickle=False, **columns)


def gap(found: pl.DataFrame, shown: pl.DataFrame) -> float:
    """The largest distance of an exported chance from the one that is judged; rows of both."""
    both = shown.join(found, on=["account_external_id", "as_of"], how="inner", suffix="_judged")
    if both.height != shown.height or not both.height:
        return float("nan")
    return max(
        float((both[name] - both[f"{name}_judged"]).abs().max() or 0.0) for name in ("p30", "p60", "p90")
    )


def true_chances(case: Case, given: Chances, later: Any, frame: pl.DataFrame) -> Floats | None:
    """The true chances of the rows `later`, which `frame` has in the same order; NaN elsewhere."""
    if case.truth is None:
        return None
    joined = frame.join(
        case.truth.rows,
        on=["account_external_id", "as_of"],
        how="left",
        suffix="_true",
        maintain_order="left",
    )
    out = np.full(given.p.shape, np.nan)
    out[later] = joined.select(f"p{each}_true" for each in judge.HORIZONS).to_numpy()
    return out
