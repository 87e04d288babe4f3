"""How good the chances are on made-up worlds: simulate, import, train, score and export with the product's own
commands, and judge what came out against the true chances, against who left, and against plain boosting.

    HOLDFAST_VAR=/a/folder/of/its/own python -m tests.learning.study usage_driven no_signal [--json FILE]

No test of the suite: it takes minutes a world. `sample=FOLDER` in a world's place judges a bundle without a truth.
Training sees what was known `--later` days before the end; judged are the days from then on, 30 apart.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.learning import judge, reference

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[2]
JUDGING_SEED = 9001  # no constant of the product was chosen on it
DAYS = {"switch": 900}  # its switch comes after 60 %, and training needs a year and a half before
HORIZON = 90
DRAWS = 400
OUTCOMES = ("observed_expected", "by_fifths", "slope")  # checks that look at who left
LOOKS = 10  # weekly looks at drift after a switch
FILLED = ("p_churn_30", "p_churn_60", "p_churn_90")


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


# --- the product's commands ------------------------------------------------------------------------


def manage(*arguments: str, may_fail: bool = False) -> float:
    """Run one command of the product; seconds. RuntimeError where it fails and may not."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode and not may_fail:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return time.monotonic() - started


def prepared(world: str, chosen: argparse.Namespace, var: Path) -> Case:
    """A bundle in a tenant of its own."""
    if world.startswith("sample="):
        return _sample(Path(world.removeprefix("sample=")), chosen)
    days = DAYS.get(world, chosen.days)
    bundle = var / "worlds" / f"{world}-{chosen.seed}-{chosen.accounts}-{days}"
    if not bundle.exists():
        manage(
            "simulate_bundle", str(bundle), "--world", world, "--accounts", str(chosen.accounts),
            "--days", str(days), "--seed", str(chosen.seed), "--end", str(chosen.end),
        )  # fmt: skip
    truth = judge.read_truth(bundle.with_name(f"{bundle.name}.truth"))
    end = chosen.end + timedelta(days=1)
    as_of = end - timedelta(days=chosen.later)
    given = truth.about.get("switch_day")
    switch = date.fromisoformat(given) if given else None
    known = [date.fromisoformat(day) for day in truth.about["as_of"]]
    if switch is not None:
        as_of = max(day for day in known if day <= switch)
    case = Case(
        world, bundle, f"{world.replace('_', '-')}-{chosen.seed}{chosen.tag}", end, as_of, chosen.seed,
        tuple(day for day in known if as_of <= day < end), switch, truth,
    )  # fmt: skip
    return _imported(case)


def _sample(bundle: Path, chosen: argparse.Namespace) -> Case:
    frame = pl.read_csv(next(bundle.glob("usage_daily.csv*")), columns=["date"])
    end = date.fromisoformat(str(frame["date"].max())) + timedelta(days=1)
    days = tuple(end - timedelta(days=back) for back in range(chosen.later, 0, -30))
    return _imported(Case("sample", bundle, f"sample{chosen.tag}", end, days[0], days=days))


def _imported(case: Case) -> Case:
    if (
        Path(os.environ["HOLDFAST_VAR"]) / f"{case.slug}.train.json"
    ).exists():  # a study that broke off goes on
        return case
    manage(
        "create_tenant", "--organization", case.slug, "--slug", case.slug
    )  # both change nothing the second time
    manage("import_bundle", "--tenant", case.slug, str(case.bundle))
    return case


def trained(case: Case, var: Path) -> dict[str, Any]:
    """The report of `train`, also where it refused."""
    path, seconds = var / f"{case.slug}.train.json", 0.0
    if not path.exists():  # a study that broke off goes on
        seconds = manage(
            "train", "--tenant", case.slug, "--as-of", str(case.as_of), "--json", str(path), may_fail=True
        )
    report: dict[str, Any] = json.loads(path.read_text())
    return report | {"command_seconds": round(seconds, 1)}


def exported(case: Case, day: date, var: Path) -> list[dict[str, str]]:
    """One day's rows as they leave the product; `export_scores` scores the day first."""
    path = var / f"{case.slug}.{day}.csv"
    manage("export_scores", "--tenant", case.slug, "--as-of", str(day), "--output", str(path))
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def said(rows: list[dict[str, str]]) -> pl.DataFrame:
    """The exported chances; rows without one are left out."""
    kept = [row for row in rows if row["p_churn_90"]]
    return pl.DataFrame(
        {
            "account_external_id": [row["account_external_id"] for row in kept],
            "as_of": [row["as_of"] for row in kept],
            **{name.replace("_churn_", ""): [float(row[name]) for row in kept] for name in FILLED},
        },
        schema_overrides={"account_external_id": pl.String, "as_of": pl.String},
    )


@dataclass(frozen=True)
class Landmarks:
    """The product's own matrix of every past day, read once the world is over, and the newest version's chances."""

    stack: Any
    drafted: Floats | None  # n x 3, whether that version is shown or not


def landmarks(case: Case) -> Landmarks:
    """The same rows as training and scoring saw."""
    from scoring.engine.churn.chances import chances
    from scoring.learning import landmarks as reading
    from scoring.learning import registry
    from tenants.queries import tenant_by_slug
    from tenants.scoping import tenant_transaction

    tenant = tenant_by_slug(case.slug)
    assert tenant is not None
    _, stack = reading.gather(tenant, as_of=case.end, said=lambda *_: None)
    with tenant_transaction(tenant.pk):
        versions = registry.versions(tenant)
        fitted = registry.load_model(max(versions, key=lambda row: row.version)) if versions else None
    return Landmarks(stack, None if fitted is None else chances(fitted, stack).p)


def compared(case: Case, marks: Landmarks, judged: pl.DataFrame) -> dict[str, Any]:
    """Product and reference on the same rows of the judged days, horizon by horizon."""
    from scoring.learning.labels import account_numbers, day_number

    stack = marks.stack
    rows = reference.Rows(stack.x, stack.account, stack.day, stack.leaves_in, stack.seen_for)
    place = {key: at for at, key in enumerate(zip(stack.account.tolist(), stack.day.tolist(), strict=True))}
    given = _by_place(judged, place, account_numbers, day_number)
    origin, out = day_number(case.as_of), {}
    for at, horizon in enumerate(judge.HORIZONS):
        found = reference.forward(rows, origin, horizon)
        mine = given[found.row, at]
        both = ~np.isnan(mine)
        if not both.any():
            continue
        left, who = found.left[both], stack.account[found.row][both]
        out[str(horizon)] = _pair(mine[both], found.p[both], left, who)
    return out


def _by_place(shown: pl.DataFrame, place: dict[Any, int], number: Any, day_number: Any) -> Floats:
    found = np.full((len(place), 3), np.nan)
    accounts = number(shown["account_external_id"].to_list()) if len(shown) else []
    for account, row in zip(accounts, shown.iter_rows(named=True), strict=True):
        at = place.get((int(account), day_number(date.fromisoformat(row["as_of"]))))
        if at is not None:
            found[at] = row["p30"], row["p60"], row["p90"]
    return found


def drafted(case: Case, marks: Landmarks, rows: list[dict[str, str]]) -> pl.DataFrame:
    """What a version that no page shows would have said of the exported rows."""
    from scoring.learning.labels import account_numbers, day_number

    stack, p = marks.stack, marks.drafted
    at = {key: here for here, key in enumerate(zip(stack.account.tolist(), stack.day.tolist(), strict=True))}
    numbers = account_numbers([row["account_external_id"] for row in rows]).tolist()
    days = [day_number(date.fromisoformat(row["as_of"])) for row in rows]
    found = [(row, at.get(key)) for row, key in zip(rows, zip(numbers, days, strict=True), strict=True)]
    kept = [(row, here) for row, here in found if here is not None and p is not None]
    columns = {
        f"p{each}": [float(p[here, at_]) for _, here in kept] for at_, each in enumerate(judge.HORIZONS)
    }
    keys = {name: [row[name] for row, _ in kept] for name in ("account_external_id", "as_of")}
    return pl.DataFrame(keys | columns)


def _judged(case: Case, frame: pl.DataFrame) -> dict[str, Any]:
    if case.truth is not None:
        return judge.judge(frame, case.truth)
    columns = (frame[name].to_numpy() for name in ("p30", "p60", "p90"))
    return {"rows": len(frame), "order_violations": judge.order_violations(*columns)}


def _pair(mine: Floats, theirs: Floats, left: Floats, who: Any) -> dict[str, Any]:
    """AUC of both, and their difference with its interval by accounts."""
    rng, differences = np.random.default_rng(0), []
    _, place = np.unique(who, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(place.max() + 2))
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(starts) - 1, len(starts) - 1)
        rows = np.concatenate([order[starts[each] : starts[each + 1]] for each in drawn])
        differences.append(judge.auc(mine[rows], left[rows]) - judge.auc(theirs[rows], left[rows]))
    known = np.array(differences)[~np.isnan(differences)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return {
        "n": len(mine), "leavers": int(left.sum()), "accounts_left": len(np.unique(who[left == 1])),
        "auc": judge.auc(mine, left), "auc_reference": judge.auc(theirs, left),
        "difference": judge.auc(mine, left) - judge.auc(theirs, left), "difference_95": [float(low), float(high)],
        "ece": judge.calibration_error(mine, left)[0], "ece_reference": judge.calibration_error(theirs, left)[0],
        "skill": judge.brier_skill(mine, left), "skill_reference": judge.brier_skill(theirs, left),
        "skill_95": judge.skill_interval(mine, left, who), "largest": float(mine.max()),
    }  # fmt: skip


def drifted(case: Case) -> list[dict[str, Any]]:
    """Weekly looks at drift from the switch on, up to the first whose checks of outcomes trip.

    Inputs may shift for other reasons, so what they say on the day of the switch is told apart.
    """
    from scoring.learning import registry, watching
    from tenants.queries import tenant_by_slug
    from tenants.scoping import tenant_transaction

    assert case.switch is not None
    tenant = tenant_by_slug(case.slug)
    assert tenant is not None
    with tenant_transaction(tenant.pk):
        newest = max(registry.versions(tenant), key=lambda row: row.version)
        model = type(newest).objects.for_tenant(tenant).get(pk=newest.pk)  # with its document
    looks: list[dict[str, Any]] = []
    for number in range(-8, LOOKS + 1):
        day = case.switch + timedelta(days=7 * number)
        if day >= case.as_of:
            manage("score", "--tenant", case.slug, "--as-of", str(day))
        if number < 0:
            continue
        rows, _ = watching.drift_rows(tenant, model, as_of=day)
        tripped = [row["words"] for row in rows if row["tripped"]]
        outcomes = [row["key"] for row in rows if row["tripped"] and row["key"] in OUTCOMES]
        said_of = [row["words"] for row in rows if row["key"] in OUTCOMES]
        looks.append(
            {
                "day": str(day),
                "days_after": 7 * number,
                "tripped": tripped,
                "outcomes": outcomes,
                "said": said_of,
            }
        )
        if outcomes and number > 0:
            break
    return looks


def studied(world: str, chosen: argparse.Namespace, var: Path) -> dict[str, Any]:
    """All figures of one world."""
    started = time.monotonic()
    case = prepared(world, chosen, var)
    report = trained(case, var)
    refused = report.get("refused")
    found: dict[str, Any] = {
        "world": world, "seed": case.seed, "as_of": str(case.as_of), "end": str(case.end), "refused": refused,
        "state": report.get("state"), "chosen": report.get("chosen"), "ladder": report["ladder"],
        "seen": report["leavers"]["seen"], "landmarks": report["landmarks"]["count"],
        "calibration": (report.get("calibration") or {}).get("method"),
        "not_promoted_because": report.get("not_promoted_because"), "train_seconds": report["command_seconds"],
        "backtest": {
            horizon: {name: each["all"].get(name) for name in ("n", "events", "auc", "ece", "brier_skill", "slope")}
            for horizon, each in report.get("horizons", {}).items()
        },
        "candidates": {
            name: (each.get("auc") or {}).get("value") for name, each in report.get("candidates", {}).items()
        },
    }  # fmt: skip
    if case.switch is not None:  # what matters there is when drift is noticed
        looks = [] if refused else drifted(case)
        return found | {
            "switch": str(case.switch),
            "looks": looks,
            "seconds": round(time.monotonic() - started),
        }
    files = [exported(case, day, var) for day in case.days]
    rows = [row for file in files for row in file]
    shown = said(rows)
    found |= {"exported": len(rows), "with_chance": len(shown)}
    if not refused:
        marks = landmarks(case)
        judged = shown if len(shown) else drafted(case, marks, rows)
        found |= {"judged": _judged(case, judged), "compared": compared(case, marks, judged)}
    return found | {"seconds": round(time.monotonic() - started)}


def _true_words(judged: dict[str, Any]) -> list[str]:
    return [
        f"  {horizon} against the truth: AUC of the truth {each['auc_of_the_truth']:.3f}, correlation "
        f"{each['correlation_with_truth']:.3f}, skill of the truth {each['skill_of_the_truth']:.3f}, "
        f"largest {each['largest']:.3f}, ECE against true chances {each['ece_of_the_truth']:.4f}"
        for horizon, each in judged.items()
        if horizon.isdigit() and each["n"]
    ]


def in_words(found: dict[str, Any]) -> str:
    """One world in a few lines."""
    lines = [
        f"{found['world']} (seed {found['seed']}): {found['seen']} seen to leave before {found['as_of']}; "
        f"state {found['state']}, {found['chosen']}, calibration {found['calibration']}; "
        f"{found.get('with_chance', '-')} of {found.get('exported', '-')} exported rows have a chance; "
        f"{found['seconds']} s.",
    ]
    lines += [f"  refused: {found['refused']}"] if found["refused"] else []
    lines += [f"  not promoted: {each}" for each in found["not_promoted_because"] or []]
    for horizon, each in found.get("compared", {}).items():
        low, high = each["difference_95"]
        lines.append(
            f"  {horizon}: n {each['n']}, left {each['leavers']}, AUC {each['auc']:.3f}, reference "
            f"{each['auc_reference']:.3f} (difference {low:+.3f} to {high:+.3f}), ECE {each['ece']:.4f}, "
            f"skill {each['skill']:.3f} ({each['skill_95'][0]:.3f} to {each['skill_95'][1]:.3f})"
        )
    lines += _true_words(found.get("judged", {}))
    if "judged" in found:
        lines.append(
            f"  order broken in {found['judged']['order_violations']} of {found['judged']['rows']} rows"
        )
    for look in found.get("looks", []):
        lines.append(
            f"  {look['days_after']} days after: {len(look['tripped'])} tripped, of outcomes {look['outcomes']}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("worlds", nargs="+", metavar="WORLD")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--days", type=int, default=720)
    parser.add_argument("--later", type=int, default=120, help="days before the end at which training stops")
    parser.add_argument("--seed", type=int, default=JUDGING_SEED)
    parser.add_argument("--end", type=date.fromisoformat, default=date(2026, 9, 30))
    parser.add_argument("--tag", default="", help="behind the names of tenants, to run a world again")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    var = Path(os.environ["HOLDFAST_VAR"])  # a database of its own, or nothing
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("HOLDFAST_DB_ROLE", "app")
    from config import bootstrap

    with bootstrap.database_for("study", needed=True):
        import django

        django.setup()
        manage("migrate", "-v0")
        everything = json.loads(chosen.json.read_text()) if chosen.json and chosen.json.exists() else []
        for world in chosen.worlds:
            found = studied(world, chosen, var)
            everything.append(found)
            print(in_words(found), flush=True)
            if chosen.json:
                chosen.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
