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
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.learning import judge, pairs
from tests.learning.study_rows import (
    Case,
    Chances,
    compared,
    computed,
    fitted,
    gap,
    kept,
    landmarks,
    learnt,
    true_chances,
)

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[2]
JUDGING_SEED = 9001  # no constant of the product was chosen on it
DAYS = {"switch": 900}  # its switch comes after 60 %, and training needs a year and a half before
HORIZON = 90
OUTCOMES = ("observed_expected", "by_fifths", "slope")  # checks that look at who left
LOOKS = 10  # weekly looks at drift after a switch
FILLED = ("p_churn_30", "p_churn_60", "p_churn_90")


# --- the product's commands ------------------------------------------------------------------------


def manage(*arguments: str, may_fail: bool = False) -> float:
    """Run one command of the product; seconds. CommandError where it fails and may not."""
    from django.core.management import CommandError, call_command

    started, words = time.monotonic(), StringIO()
    try:
        if arguments[0] == "migrate":
            _as_owner(*arguments)
        else:
            call_command(*arguments, stdout=words, stderr=words)
    except CommandError:
        if not may_fail:
            raise
    seconds = time.monotonic() - started
    print(f"{seconds:7.1f} s  {' '.join(arguments[:4])}", file=sys.stderr, flush=True)
    return seconds


def _as_owner(*arguments: str) -> None:
    """In a process of its own, which may also be the first to start the database: this one is the worker."""
    ours = {name: value for name, value in os.environ.items() if name != "HOLDFAST_DB_ROLE"}
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=ours, check=True)


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


def _missing(world: str) -> Path | None:
    """The folder of a `sample=` that is not beside this repository."""
    folder = Path(world.removeprefix("sample="))
    return folder if world.startswith("sample=") and not folder.is_dir() else None


def _sample(bundle: Path, chosen: argparse.Namespace) -> Case:
    frame = pl.read_csv(next(bundle.glob("usage_daily.csv*")), columns=["date"])
    end = date.fromisoformat(str(frame["date"].max())) + timedelta(days=1)
    days = tuple(end - timedelta(days=back) for back in range(chosen.later, 0, -30))
    return _imported(Case("sample", bundle, f"sample{chosen.tag}", end, days[0], days=days))


def _imported(case: Case) -> Case:
    done = Path(os.environ["HOLDFAST_VAR"]) / f"{case.slug}.imported"  # a study that broke off goes on
    if not done.exists():
        # both change nothing the second time
        manage("create_tenant", "--organization", case.slug, "--slug", case.slug)
        manage("import_bundle", "--tenant", case.slug, str(case.bundle))
        done.touch()
    return case


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


def trained(case: Case, var: Path) -> dict[str, Any]:
    """The report of training, also where it refused."""
    path = var / f"{case.slug}.train.json"
    if not path.exists():  # a study that broke off goes on
        seconds = manage(
            "train", "--tenant", case.slug, "--as-of", str(case.as_of), "--json", str(path), may_fail=True
        )
        path.write_text(json.dumps(json.loads(path.read_text()) | {"command_seconds": round(seconds, 1)}))
    report: dict[str, Any] = json.loads(path.read_text())
    return report


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
    if case.switch is None:
        marks = landmarks(case)
        report = learnt(case, marks, var)
    else:
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
    rows = [row for day in (case.days[0], case.days[-1]) for row in exported(case, day, var)]
    shown = said(rows)
    found |= {"exported": len(rows), "with_chance": len(shown)}
    if not refused:
        found |= _figures(case, computed(case, marks), shown, var)
    return found | {"seconds": round(time.monotonic() - started)}


def only_fitted(world: str, chosen: argparse.Namespace, var: Path) -> list[dict[str, Any]]:
    """Candidates judged without a back-test: what each of those that `train` chooses among is worth."""
    case, out = prepared(world, chosen, var), []
    marks = landmarks(case)
    for name in chosen.only:
        started = time.process_time()
        given = fitted(case, marks, name)
        found = {
            "world": f"{world} ({name})",
            "seed": case.seed,
            "as_of": str(case.as_of),
            "end": str(case.end),
        }
        found |= {"train_seconds": round(time.process_time() - started, 1)}
        out.append(found | _figures(case, given, None, var, f"{case.slug}.{name}"))
    return out


def _figures(
    case: Case, given: Chances, shown: pl.DataFrame | None, var: Path, name: str = ""
) -> dict[str, Any]:
    from scoring.learning.labels import day_number

    later = np.flatnonzero(given.stack.day >= day_number(case.as_of))
    names = pl.read_csv(next(case.bundle.glob("accounts.csv*")), columns=["external_id"], infer_schema=False)
    frame = given.frame(later, names["external_id"].to_list())
    both = compared(case, given, true_chances(case, given, later, frame))
    kept(both, var / f"{name or case.slug}.pairs.npz")
    return {
        "judged": _judged(case, frame),
        "exported_differs": gap(frame, shown) if shown is not None and len(shown) else None,
        "compared": {str(horizon): pairs.pooled([pair]) for horizon, pair in both.items()},
    }


def _judged(case: Case, frame: pl.DataFrame) -> dict[str, Any]:
    if case.truth is not None:
        return judge.judge(frame, case.truth)
    columns = (frame[name].to_numpy() for name in ("p30", "p60", "p90"))
    return {"rows": len(frame), "order_violations": judge.order_violations(*columns)}


def _true_words(judged: dict[str, Any]) -> list[str]:
    return [
        f"  {horizon} against the truth: AUC of the truth {each['auc_of_the_truth']:.3f}, correlation "
        f"{each['correlation_with_truth']:.3f}, skill of the truth {each['skill_of_the_truth']:.3f}, "
        f"largest {each['largest']:.3f}, ECE against true chances {each['ece_of_the_truth']:.4f}"
        for horizon, each in judged.items()
        if horizon.isdigit() and each["n"]
    ]


def _version_words(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['world']} (seed {found['seed']}): {found['seen']} seen to leave before {found['as_of']}; "
        f"state {found['state']}, {found['chosen']}, calibration {found['calibration']}; "
        f"{found.get('with_chance', '-')} of {found.get('exported', '-')} exported rows have a chance; "
        f"{found['seconds']} s.",
    ]
    lines += [f"  refused: {found['refused']}"] if found["refused"] else []
    return lines + [f"  not promoted: {each}" for each in found["not_promoted_because"] or []]


def in_words(found: dict[str, Any]) -> str:
    """One world in a few lines."""
    lines = (
        _version_words(found)
        if "seen" in found
        else [f"{found['world']} (seed {found['seed']}), fitted only"]
    )
    for horizon, each in found.get("compared", {}).items():
        low, high = each["difference_95"]
        lines.append(
            f"  {horizon}: n {each['n']}, left {each['leavers']}, AUC {each['auc']:.3f}, reference "
            f"{each['auc_reference']:.3f} (difference {low:+.3f} to {high:+.3f}), ECE {each['ece']:.4f}, "
            f"skill {each['skill']:.3f} ({each['skill_95'][0]:.3f} to {each['skill_95'][1]:.3f})"
        )
        if "expected" in each:
            low, high = each["expected_95"]
            lines.append(f"      expected difference {each['expected']:+.3f} ({low:+.3f} to {high:+.3f})")
    lines += _true_words(found.get("judged", {}))
    if "judged" in found:
        lines.append(
            f"  order broken in {found['judged']['order_violations']} of {found['judged']['rows']} rows; exported "
            f"chances differ from the judged ones by at most: {found['exported_differs']}"
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
    parser.add_argument("--only", nargs="+", metavar="CANDIDATE", help="fit these, without a back-test")
    parser.add_argument("--read", action="store_true", help="import and read past days, nothing more")
    parser.add_argument("--migrated", action="store_true", help="the database is up to date")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    var = Path(os.environ["HOLDFAST_VAR"])  # a database of its own, or nothing
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("HOLDFAST_DB_ROLE", "worker")  # as jobs and commands have it
    from config import bootstrap

    with bootstrap.database_for("study", needed=True):
        import django

        django.setup()
        if not chosen.migrated:
            manage("migrate", "-v0")
        everything = json.loads(chosen.json.read_text()) if chosen.json and chosen.json.exists() else []
        for world in chosen.worlds:
            if (folder := _missing(world)) is not None:
                print(f"{world}: skipped, for {folder} is not there.", flush=True)
                continue
            if chosen.read:
                landmarks(prepared(world, chosen, var))
                continue
            found = only_fitted(world, chosen, var) if chosen.only else [studied(world, chosen, var)]
            everything += found
            print("\n".join(in_words(each) for each in found), flush=True)
            if chosen.json:
                chosen.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
