"""Training and scoring of 10,000 accounts against a bare fit of the same rows, and the memory of 100,000 in blocks."""

import json
import sys
from datetime import date, timedelta
from typing import Any

from scripts.bench.installation import Installation
from scripts.bench.table import Line, times

LANDMARKS = 24
DAYS = 30 * LANDMARKS + 110  # landmarks 30 days apart, 90 days before the first, and some to spare
TRAINING_SECONDS, SCORING_SECONDS = 60, 5
MODEL_ACCOUNTS, MODEL_DAYS = 600, 420  # what the model of the memory test is learnt from
LIMIT_MB = 1536


def measure(made: Installation, *, accounts: int, end: date) -> list[Line]:
    """`train` after the landmarks are read, all of it, and `score` after the evidence is read."""
    _import(made, "learn", accounts=accounts, days=DAYS, end=end)
    found = json.loads(made.manage("bench_learn", "--tenant", "learn"))
    stages = {name: found[name] for name in ("reading", "training", "scoring", "scoring_again")}
    print(f"bench: seconds [wall, CPU] by stage: {json.dumps(stages)}", file=sys.stderr, flush=True)
    return [*_training(found), *_scoring(found)]


def _import(made: Installation, slug: str, *, accounts: int, days: int, end: date) -> None:
    bundle = made.var / slug
    size = ["--accounts", str(accounts), "--days", str(days), "--seed", "4", "--end", str(end)]
    made.manage("simulate_bundle", str(bundle), *size)
    made.manage("create_tenant", "--organization", slug, "--slug", slug)
    made.manage("import_bundle", str(bundle), "--tenant", slug)


def _training(found: dict[str, Any]) -> list[Line]:
    spent, bare = found["training"], found["baseline"]
    (wall, cpu), (_, last) = spent["all"], spent.get("Fitting", [0.0, 0.0])
    what = (
        f"train, {found['accounts']:,} accounts on {found['landmarks']} past days ({found['rows']:,} rows, "
        f"{found['leavers']:,} leavers)"
    )
    whole = (
        f"{what}: {len(found['candidates'])} candidates on {found['origins']} past days in {found['folds']} folds, "
        "calibration, intervals, leak checks, final fit, registering; beyond reading"
    )
    trees = f"scikit-learn's boosted trees, one fit of the {bare['rows']:,} rows with a known outcome"
    target = f"under {TRAINING_SECONDS} s on 2 cores"
    return [
        times(f"{whole}, wall", wall, trees, bare["boosted"][0], target),
        times(f"{whole}, CPU", cpu, trees, bare["boosted"][1], target),
        times(f"{what}: the final fit alone, CPU", last, trees, bare["boosted"][1], target),
        times(
            f"{what}: the final fit alone, CPU", last, "scikit-learn's logistic regression, one fit of the same rows",
            bare["logistic"][1], target,
        ),
    ]  # fmt: skip


def _scoring(found: dict[str, Any]) -> list[Line]:
    lines = []
    model = "with chances and explanations" if found["chances"]["model"] else "without a model"
    for name, which in (("scoring", "a first day with its events"), ("scoring_again", "the next day")):
        spent = found[name]
        reading = [sum(spent[stage][at] for stage in ("Reading texts", "Reading evidence")) for at in (0, 1)]
        computing = spent["Computing chances"]
        baseline = ("reading the evidence of the same day", reading[0])
        what = f"score, {found['scored']:,} customers {model}, {which}"
        target = f"under {SCORING_SECONDS} s"
        lines += [
            times(f"{what}: chances and explanations", computing[0], *baseline, target),
            times(f"{what}: all beyond reading, rows written", spent["all"][0] - reading[0], *baseline, target),
            times(f"{what}: the same, CPU of the client", spent["all"][1] - reading[1], *baseline, target),
        ]  # fmt: skip
    return lines


def measure_memory(made: Installation, *, accounts: int, days: int, end: date) -> list[Line]:
    """The peak of the process that scores so many customers in blocks, with a model in force that explains each."""
    _import(made, "small", accounts=MODEL_ACCOUNTS, days=MODEL_DAYS, end=end)
    made.manage("train", "--tenant", "small")
    _import(made, "large", accounts=accounts, days=days, end=end)
    made.manage("bench_adopt", "--from", "small", "--to", "large")
    peak, text = made.peak_of(
        "score", "--tenant", "large", "--as-of", str(end + timedelta(days=1)), "--json", "-"
    )
    found = json.loads(text)
    return [
        Line(
            f"peak memory of score, {found['accounts']:,} customers x {days} days, with chances and explanations",
            f"{peak / 2**20:,.0f} MB, {found['seconds']:.0f} s",
            "the limit",
            f"{LIMIT_MB:,} MB",
            f"{100 * peak / (LIMIT_MB * 2**20):.0f} %",
            "under 100 %",
        )
    ]  # fmt: skip
