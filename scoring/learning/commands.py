"""What `train` and `backtest` share: progress on standard error, the report in words, refusals as exit 1."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scoring import commands
from scoring.exceptions import ScoringError
from scoring.learning import landmarks, training
from scoring.learning.rolling import HORIZON
from scoring.models import ChurnModel
from tenants.access import Actor
from tenants.models import Tenant

SAY_EVERY = 2.0  # seconds


def train(command: BaseCommand, tenant: Tenant, day: date, *, by: Actor, path: str | None) -> dict[str, Any]:
    """Learn and register; the JSON is written also when there is too little to learn from."""
    said = _said(command)

    def learn() -> dict[str, Any]:
        chosen, stack = landmarks.gather(tenant, as_of=day, said=said)
        return trained(tenant, training.train(tenant, chosen=chosen, stack=stack, by=by, said=said))

    return _written(command, tenant, learn, path)


def backtest(command: BaseCommand, tenant: Tenant, day: date, *, path: str | None) -> dict[str, Any]:
    """The report; one that lacks past days to judge is written too, and ends with exit 1."""
    said = _said(command)

    def judge() -> dict[str, Any]:
        chosen, stack = landmarks.gather(tenant, as_of=day, said=said)
        return training.backtest(tenant, chosen=chosen, stack=stack, said=said)

    report = _written(command, tenant, judge, path)
    if report["origins_missing"]:
        raise CommandError(f"Not yet to be judged: {report['origins_missing']}")
    return report


def _written(
    command: BaseCommand, tenant: Tenant, work: Callable[[], dict[str, Any]], path: str | None
) -> dict[str, Any]:
    try:
        found = work()
    except ScoringError as refusal:  # too little to learn from, or consent to the pool went meanwhile
        if path is not None:
            figures = refusal.figures if isinstance(refusal, training.TooLittle) else {}
            refused = {"tenant": tenant.slug, "refused": str(refusal), **figures}
            commands.write_json(command, refused, path)
        raise CommandError(str(refusal)) from refusal
    if path is not None:
        commands.write_json(command, found, path)
    return found


def trained(tenant: Tenant, row: ChurnModel) -> dict[str, Any]:
    return {
        **row.report,
        "tenant": tenant.slug,
        "refused": None,
        "model": row.pk,
        "version": row.version,
        "model_version": str(row),
        "kind": row.kind,
        "state": row.state,
        "usable": row.is_usable,
        "digest": row.digest,
        "not_promoted_because": training.refusals(row.report),
    }


def trained_in_words(found: dict[str, Any]) -> str:
    marks, left = found["landmarks"], found["leavers"]
    lines = [
        f"{found['model_version']} ({found['kind']}) learnt from {left['seen']} leavings of {marks['accounts']:,} "
        f"accounts on {marks['count']} past days before {found['as_of']}; state: {found['state']}."
    ]
    if found["horizons"]:
        lines += _figures(found)
    lines += [f"Not promoted: {words}" for words in found["not_promoted_because"]]
    return "\n".join(lines)


def backtest_in_words(report: dict[str, Any]) -> str:
    marks, left = report["landmarks"], report["leavers"]
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in left["by_kind"].items() if count)
    lines = [
        f"{report['known_until']}: {len(report['origins'])} past days judged, {left['seen']} accounts seen to leave "
        f"({kinds}) among {marks['accounts']:,}.",
        *_figures(report),
        f"Candidates: {report['chosen_why']}",
    ]
    lines += [leak["words"] for leak in report["leaks"] if leak["refuses"]]
    return "\n".join(lines)


def _figures(report: dict[str, Any]) -> list[str]:
    lines = []
    for horizon, found in report["horizons"].items():
        whole = found["all"]
        lines.append(
            f"Within {horizon} days: {whole['events']} of {whole['n']:,} rows left.  "
            + "  ".join(
                _figure(name, whole[key])
                for name, key in (
                    ("AUC", "auc"), ("Brier skill", "brier_skill"), ("ECE", "ece"), ("slope", "slope"),
                    ("precision", "precision"), ("recall", "recall"), ("lift", "top_decile_lift"),
                )
            )
        )  # fmt: skip
    lead, chosen = report["lead_time"], report["thresholds"][str(HORIZON)]
    lines.append(f"Threshold {chosen['used']:.1%} ({chosen['used_is']}). {chosen['words']}")
    share = lead["share"]
    lines.append(
        f"Seen {lead['ahead']} days ahead: {share['events']} of {lead['denominator']} leavers that could be"
        f"{_interval(share, percent=True)}."
    )
    return lines


def _figure(name: str, figure: dict[str, Any] | None) -> str:
    if not figure or figure["value"] is None:
        return f"{name} -"
    return f"{name} {figure['value']:.3f}{_interval(figure)}"


def _interval(figure: dict[str, Any], *, percent: bool = False) -> str:
    """The 95 % interval in brackets, or nothing where there is none."""
    if figure["low"] is None:
        return ""
    form = "{:.0%}" if percent else "{:.3f}"
    return f" ({form.format(figure['low'])} to {form.format(figure['high'])})"


def _said(command: BaseCommand) -> landmarks.Said:
    """Progress on standard error: each new stage, and every now and then how far it is."""
    last: dict[str, Any] = {"at": 0.0, "stage": ""}

    def said(done: int, total: int | None = None, message: str = "") -> None:
        now = time.monotonic()
        if message == last["stage"] and now - last["at"] < SAY_EVERY:
            return
        last.update(at=now, stage=message)
        share = f"{done:,} of {total:,}  " if total and done else ""
        command.stderr.write(f"{share}{message}", str)

    return said
