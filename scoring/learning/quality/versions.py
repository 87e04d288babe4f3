"""What each version's back-test said, cut down to what the quality page shows."""

import math
from collections.abc import Sequence
from typing import Any

from scoring.engine.validation import HORIZONS
from scoring.learning.quality.observed import Rules
from scoring.models import ChanceSettings, ChurnModel

MOST = 12  # versions whose reports are told, newest first
FIGURES = (
    "n", "events", "accounts", "auc", "brier", "brier_skill", "log_loss", "ece", "slope", "observed_expected",
    "precision", "recall", "top_decile_lift",
)  # fmt: skip
OF_A_SEGMENT = ("hidden", *FIGURES)
KEPT = (
    "chosen",
    "chosen_why",
    "origins_missing",
    "lead_time",
    "kinds",
    "by_origin",
    "gates",
    "capacity",
    "as_of",
    "known_until",
)


def rules(rows: Sequence[ChurnModel], settings: ChanceSettings) -> Rules:
    """Thresholds and base rates by version.

    A version whose back-test chose no threshold flags at the risk level "high" of 90 days, and at none of the others.
    """
    fallback = (math.nan, math.nan, float(settings.high_from))
    cuts, bases = {}, {}
    for row in rows:
        chosen = [(row.report.get("thresholds") or {}).get(str(each), {}).get("used") for each in HORIZONS]
        numbers = tuple(math.nan if each is None else float(each) for each in chosen)
        cuts[row.pk] = fallback if math.isnan(numbers[2]) else (numbers[0], numbers[1], numbers[2])
        rates = [_value(_whole(row.report, each).get("rate")) for each in HORIZONS]
        bases[row.pk] = (rates[0], rates[1], rates[2])
    return Rules(cuts, bases, {row.pk: row.version for row in rows})


def _whole(report: dict[str, Any], horizon: int) -> dict[str, Any]:
    found: dict[str, Any] = (report.get("horizons") or {}).get(str(horizon), {}).get("all") or {}
    return found


def _value(figure: Any) -> float:
    value = figure.get("value") if isinstance(figure, dict) else None
    return math.nan if value is None else float(value)


def told(rows: Sequence[ChurnModel]) -> list[dict[str, Any]]:
    """The newest versions with what was tried, what was chosen and why, and what the back-test found."""
    return [_one(row) for row in sorted(rows, key=lambda each: -each.version)[:MOST]]


def _one(row: ChurnModel) -> dict[str, Any]:
    report = row.report
    made = {name: report[name] for name in KEPT if name in report}
    return made | {
        "version": row.version,
        "kind": row.kind,
        "learnt_to": str(row.as_of),
        "made_at": row.created_at.isoformat(),
        "ladder": report.get("ladder"),
        "leavers": (report.get("leavers") or {}).get("seen"),
        "origins": [each["day"] for each in report.get("origins") or []],
        "candidates": _candidates(report.get("candidates") or {}),
        "leaks": [leak["words"] for leak in report.get("leaks") or []],
        "against_champion": (report.get("against_champion") or {}).get("words", ""),
        "horizons": {name: _horizon(each) for name, each in (report.get("horizons") or {}).items()},
        "thresholds": report.get("thresholds") or {},
        "cells": _cells(row),
    }


def _candidates(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each that was tried with its figures on the same rows, best log loss first; why one was not judged."""
    made = []
    for name, each in found.items():
        against = each.get("against_default") or {}
        line = {
            "name": name,
            "judged": each.get("judged", True),
            "why": each.get("why") or against.get("words", ""),
        }
        made.append(
            line | {key: each.get(key) for key in ("auc", "log_loss", "brier_skill", "ece", "n", "events")}
        )
    return sorted(made, key=lambda each: ((each["log_loss"] or {}).get("value") or math.inf, each["name"]))


def _horizon(found: dict[str, Any]) -> dict[str, Any]:
    segments = found.get("segments") or {}
    return {
        "threshold": found.get("threshold"),
        "all": {name: found["all"][name] for name in FIGURES if name in found.get("all", {})},
        "segments": {
            segment: {name: each[name] for name in OF_A_SEGMENT if name in each}
            for segment, each in segments.items()
        },
    }


def _cells(row: ChurnModel) -> list[dict[str, Any]]:
    """The reliability diagrams of the back-test: all rows, and by segment where the report has them."""
    whole = [{"segment": None, **each} for each in (row.report.get("reliability") or {}).values()]
    by_segment = row.report.get("reliability_segments") or {}
    parts = [
        {"segment": segment, **each}
        for of_horizon in by_segment.values()
        for segment, each in of_horizon.items()
    ]
    return [{"version": row.version, **each} for each in whole + parts]
