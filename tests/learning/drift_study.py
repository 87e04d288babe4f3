"""When drift trips on a made-up world: for nothing in the months after training, and after a switch of mechanism.

    HOLDFAST_VAR=/a/folder/of/its/own python -m tests.learning.drift_study WORLD --seed N [--accounts N] [--learn DAY]

No test of the suite: it takes minutes. Simulates and imports the world with the product's commands, reads past days 30
apart for training, learns the additive default as `train` does for it alone (fit, calibration, slope of the rolling
back-test), and looks at drift as the weekly job does (`watching.lasting` included), from the day of the switch or
`--learn` on. Outcomes of a look are those of the 60 days before it, none from before the model was learnt.
"""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.learning.study import manage

END = date(2026, 9, 30)
DAYS = {"switch": 900}
OUTCOMES = ("observed_expected", "by_fifths", "slope")
NAME = "additive"
LOOK_BACK = 60


def imported(world: str, chosen: argparse.Namespace, var: Path) -> tuple[str, date | None]:
    """(slug, day of the switch) of a bundle in a tenant of its own."""
    days = DAYS.get(world, 720)
    bundle = var / "worlds" / f"{world}-{chosen.seed}-{chosen.accounts}-{days}"
    slug = bundle.name.replace("_", "-")
    if not bundle.exists():
        manage(
            "simulate_bundle", str(bundle), "--world", world, "--accounts", str(chosen.accounts),
            "--days", str(days), "--seed", str(chosen.seed), "--end", str(END),
        )  # fmt: skip
    manage("create_tenant", "--organization", slug, "--slug", slug)
    manage("import_bundle", "--tenant", slug, str(bundle))
    from tests.learning import judge

    given = judge.read_truth(bundle.with_name(f"{bundle.name}.truth")).about.get("switch_day")
    return slug, date.fromisoformat(given) if given else None


def read(slug: str, learn: date, every: int, looks: int) -> Any:
    """Past days 30 apart up to `learn`, and the days of the looks, with what became of everybody."""
    from scoring.learning import landmarks
    from tenants.queries import tenant_by_slug
    from tenants.scoping import tenant_transaction

    tenant = tenant_by_slug(slug)
    assert tenant is not None
    with tenant_transaction(tenant.pk):
        chosen = landmarks.plan(tenant, as_of=END + timedelta(days=1), most=40)
    first = chosen.days[0]
    past = [learn - timedelta(days=30 * at) for at in range(1, 40)]
    near = [learn + timedelta(days=every * at) for at in range(looks + 1)]
    wanted = sorted({day for day in (*past, *near) if first <= day < chosen.until})
    parts = [landmarks.read(tenant, day=day) for day in wanted]
    return landmarks.stacked(chosen, [part for part in parts if part is not None])


def learnt(stack: Any, learn: int) -> tuple[Any, Any, float]:
    """(model, its unsaved sample of training, slope of its back-test or 1)."""
    from scoring.automation.models import TrainingSample
    from scoring.engine.churn.data import take
    from scoring.engine.churn.fit import Options
    from scoring.engine.validation import known_at, measure
    from scoring.learning import rolling, samples
    from scoring.learning.training import fit_final

    rows = known_at(take(stack, (stack.day < learn) & ((learn - stack.day) % 30 == 0)), learn)
    fitted = fit_final(rows, until=learn, name=NAME)
    found = rolling.forecast(rows, until=learn, names=(NAME,), options=Options(seed=1), said=lambda *_: None)
    slope = 1.0
    if len(found.origins) >= rolling.LEAST_ORIGINS:
        whole = measure(
            take(rows, found.rows), found.p[NAME], threshold=0.5, capacity=1, draws=50, seed=1,
            least_events=10**9,
        )["horizons"]["90"]["all"]  # fmt: skip
        slope = (whole.get("slope") or {}).get("value") or 1.0
        print(f"back-test: AUC {whole['auc']}, skill {whole['brier_skill']}, slope {whole['slope']}")
    return fitted, TrainingSample(**samples.described(fitted, rows)), slope


def looked(stack: Any, learn: int) -> None:
    """One line a look."""
    import numpy as np

    from scoring.engine.churn.chances import chances
    from scoring.engine.churn.data import take
    from scoring.engine.validation import drift, exposures, known_at
    from scoring.learning import samples, watching
    from scoring.learning.labels import day_of

    fitted, kept, slope = learnt(stack, learn)
    names, training = list(kept.names), samples.sample_of(kept)
    p30, before = chances(fitted, stack).p[:, 0], []
    for day in np.unique(stack.day[stack.day >= learn]).tolist():
        rows = take(stack, stack.day == day)
        since = max(day - LOOK_BACK, learn)  # it spoke on no day before
        window = (stack.day >= since) & (stack.day < day)
        seen = None
        if window.any():
            seen = exposures(known_at(take(stack, window), day), p30[window], since=since, until=day)
        now = samples.now_of(names, fitted, rows)
        plain = drift(tuple(names), training, now, seen, expected_slope=slope)
        found = drift(
            tuple(names), training, now, seen, expected_slope=slope,
            ordinary=samples.ordinary(kept, list(range(len(names))), as_of=day_of(day)),
            reach=samples.reach(fitted, names, training, now),
        )  # fmt: skip
        found = [watching.lasting(row, before, as_of=day_of(day)) for row in found]
        before.insert(0, (day_of(day), found))
        _tell(day - learn, plain, found)


def _tell(after: int, plain: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    inputs = [row["key"] for row in found if row["beyond"] and row["key"] not in OUTCOMES]
    old = sum(row["tripped"] and row["key"] not in OUTCOMES for row in plain)
    print(
        f"{after:+5d} days: tripped {[row['key'] for row in found if row['tripped']]}, beyond {inputs} "
        f"({old} without the allowances), {[row['words'] for row in found if row['key'] in OUTCOMES]}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("world")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--learn", type=date.fromisoformat, help="needed for a world without a switch")
    parser.add_argument("--every", type=int, default=7, help="days from look to look")
    parser.add_argument("--looks", type=int, default=9)
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import bootstrap

    manage("migrate", "-v0")
    os.environ.setdefault("HOLDFAST_DB_ROLE", "app")
    with bootstrap.database_for("study", needed=True):
        import django

        django.setup()
        slug, switch = imported(chosen.world, chosen, Path(os.environ["HOLDFAST_VAR"]))
        learn = chosen.learn or switch
        if learn is None:
            parser.error("--learn: the day to learn on; this world has no switch")
        from scoring.learning.labels import day_number

        looked(read(slug, learn, chosen.every, chosen.looks), day_number(learn))


if __name__ == "__main__":
    main()
