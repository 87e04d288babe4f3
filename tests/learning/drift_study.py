"""When drift trips on a made-up world: for nothing in the months after training, and after a switch of mechanism.

    HOLDFAST_VAR=/a/folder/of/its/own python -m tests.learning.drift_study WORLD --seed N [--seed M ...]

No test of the suite: it takes three minutes a seed. Simulates and imports the world with the product's commands, reads
past days 30 apart for training, learns as `train` does (the additive default and the ensemble, the one that the rolling
back-test prefers; no trees, for time), and looks at drift as the weekly job does (`watching.lasting` included), from
the day of the switch or `--learn` on. Outcomes of a look are those of the 60 days before it; the version speaks from
the day on which it was learnt, so nothing is known of what was said before.
"""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.learning.study import manage

END = date(2026, 9, 30)
DAYS = 900
LEARN = date(2025, 10, 6)  # where nothing switches: the day of the switch in the other worlds
OUTCOMES = ("observed_expected", "by_fifths", "slope")
NAMES = ("additive", "ensemble")
LOOK_BACK = 60
LOOKS = 47  # weekly: 329 days
LOOKS_AFTER_SWITCH = 8  # weekly: 56 days, the last look within 60


def imported(world: str, seed: int, accounts: int, var: Path) -> tuple[str, date | None]:
    """(slug, day of the switch) of a bundle in a tenant of its own; done once."""
    bundle = var / "worlds" / f"{world}-{seed}-{accounts}-{DAYS}"
    slug = bundle.name.replace("_", "-")
    if not bundle.exists():
        manage(
            "simulate_bundle", str(bundle), "--world", world, "--accounts", str(accounts),
            "--days", str(DAYS), "--seed", str(seed), "--end", str(END),
        )  # fmt: skip
    done = var / f"{slug}.imported"  # a study that broke off goes on
    if not done.exists():
        manage("create_tenant", "--organization", slug, "--slug", slug)
        manage("import_bundle", "--tenant", slug, str(bundle))
        done.touch()
    from tests.learning import judge

    given = judge.read_truth(bundle.with_name(f"{bundle.name}.truth")).about.get("switch_day")
    return slug, date.fromisoformat(given) if given else None


def read(slug: str, learn: date, every: int, looks: int) -> Any:
    """Past days 30 apart up to `learn`, and the days of the looks, with what became of everybody."""
    from scoring.learning import landmarks
    from scoring.sentiment.reading import read_new
    from tenants.queries import tenant_by_slug
    from tenants.scoping import tenant_transaction

    tenant = tenant_by_slug(slug)
    assert tenant is not None
    read_new(tenant)
    with tenant_transaction(tenant.pk):
        chosen = landmarks.plan(tenant, as_of=END + timedelta(days=1), most=40)
    first = chosen.days[0]
    past = [learn - timedelta(days=30 * at) for at in range(1, 40)]
    near = [learn + timedelta(days=every * at) for at in range(looks + 1)]
    shelf, parts = landmarks.Shelf(tenant, "drift"), []
    for day in sorted({day for day in (*past, *near) if first <= day < chosen.until}):
        if day not in shelf:
            part = landmarks.read(tenant, day=day)
            assert part is not None
            shelf.put(day, part)
        parts.append(shelf.take(day))
    return landmarks.stacked(chosen, parts)


def learnt(stack: Any, learn: int) -> tuple[Any, Any, float]:
    """(model, its unsaved sample of training, slope of its features that the back-test promised)."""
    from scoring.automation.models import TrainingSample
    from scoring.engine.churn.data import take
    from scoring.engine.churn.fit import Options
    from scoring.engine.validation import known_at
    from scoring.learning import backtest, rolling, samples, watching
    from scoring.learning.training import fit_final

    rows = known_at(take(stack, (stack.day < learn) & ((learn - stack.day) % 30 == 0)), learn)
    found = rolling.forecast(rows, until=learn, names=NAMES, options=Options(seed=1), said=lambda *_: None)
    tested = take(rows, found.rows)
    candidates, name, _ = backtest.compare(tested, found, seed=1)
    report = {
        "features_slope": backtest.slope_of_features(tested, found.p[name], found.timing[name]),
        "horizons": {"90": {"all": candidates[name]}},
    }
    promised = watching.promised(report)
    for each, told in candidates.items():
        print(f"  {each}: AUC {told['auc']}, skill {told['brier_skill']}, slope {told['slope']}")
    fitted = fit_final(rows, until=learn, name=name)
    promised *= watching.left_by_then(fitted)
    method, slope = fitted.calibration.method, report["features_slope"]
    print(f"  {name} ({method}); slope of the features {slope}, promised {promised:.2f}", flush=True)
    return fitted, TrainingSample(**samples.described(fitted, rows)), promised


def looked(stack: Any, learn: int) -> list[tuple[int, list[dict[str, Any]]]]:
    """(days after learning, rows) a look."""
    import numpy as np

    from scoring.engine.churn.chances import chances
    from scoring.engine.churn.data import take
    from scoring.engine.churn.explain import explain
    from scoring.engine.validation import drift, exposures, known_at, risk_sets
    from scoring.learning import samples, watching
    from scoring.learning.labels import day_of

    fitted, kept, promised = learnt(stack, learn)
    names, training = list(kept.names), samples.sample_of(kept)
    said = take(stack, stack.day >= learn)
    p30, parts = chances(fitted, said).p[:, 0], explain(fitted, said)
    features, timing = parts.parts[:, :-1].sum(axis=1), parts.base + parts.parts[:, -1]
    before: list[Any] = []
    looks = []
    for day in np.unique(said.day).tolist():
        window = (said.day >= day - LOOK_BACK - watching.EARLIER) & (said.day < day)
        known, since = known_at(take(said, window), day), day - LOOK_BACK
        seen = exposures(known, p30[window], since=since, until=day)
        sets = risk_sets(known, features[window], timing[window], since=since, until=day)
        now = samples.now_of(names, fitted, take(said, said.day == day))
        found = drift(
            tuple(names), training, now, seen, sets, promised=promised,
            ordinary=samples.ordinary(kept, list(range(len(names))), as_of=day_of(day)),
            reach=samples.reach(fitted, names, training, now),
        )  # fmt: skip
        found = [watching.lasting(row, before, as_of=day_of(day)) for row in found]
        before.insert(0, (day_of(day), found))
        looks.append((day - learn, found))
    return looks


def tell(looks: list[tuple[int, list[dict[str, Any]]]]) -> None:
    """A line a look, then when which check tripped."""
    first: dict[str, int] = {}
    for after, found in looks:
        for row in found:
            if row["tripped"]:
                first.setdefault(row["key"], after)
        said = {row["key"]: row for row in found if row["key"] in OUTCOMES and row["value"] is not None}
        figures = ", ".join(f"{key} {row['value']:.2f} ({row['limit']:.2f})" for key, row in said.items())
        inputs = [row["key"] for row in found if row["beyond"] and row["key"] not in OUTCOMES]
        print(
            f"  {after:+4d}: tripped {[row['key'] for row in found if row['tripped']]}, {figures}, inputs {inputs}"
        )
    count = sum(any(row["tripped"] for row in found) for _, found in looks)
    print(f"  TRIPPED at {count} of {len(looks)} looks; first, days after learning: {first}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("world")
    parser.add_argument("--seed", type=int, required=True, action="append")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--learn", type=date.fromisoformat)
    parser.add_argument("--every", type=int, default=7, help="days from look to look")
    parser.add_argument("--looks", type=int)
    parser.add_argument("--read", action="store_true", help="import and read, and judge nothing")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("HOLDFAST_DB_ROLE", "worker")  # as jobs and commands have it
    from config import bootstrap

    with bootstrap.database_for("study", needed=True):
        import django

        django.setup()
        from scoring.learning.labels import day_number

        manage("migrate", "-v0")
        for seed in chosen.seed:
            slug, switch = imported(chosen.world, seed, chosen.accounts, Path(os.environ["HOLDFAST_VAR"]))
            learn = chosen.learn or switch or LEARN
            looks = chosen.looks or (LOOKS_AFTER_SWITCH if switch else LOOKS)
            print(f"{chosen.world} {seed}, learnt on {learn}, switch {switch}")
            stack = read(slug, learn, chosen.every, looks)
            if not chosen.read:
                tell(looked(stack, day_number(learn)))


if __name__ == "__main__":
    main()
