"""Figures for plotly as plain data. Colours are token names that charts.js reads from the page's theme (docs/ui.md);
plotly.py would refuse them and cost the web process its import, so a test checks the figures with it instead."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from scoring.models import HealthPolicy, HealthSnapshot

Figure = dict[str, Any]


def health_figure(points: Sequence[HealthSnapshot], policy: HealthPolicy | None) -> Figure:
    """Health over time with the bands' cuts; a dotted line where another policy version began to count."""
    changes = policy_changes(points)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [str(point.as_of) for point in points],
                "y": [_number(point.health) for point in points],
                "line": {"color": "--accent", "width": 2},
                "marker": {"size": 5},
                "connectgaps": False,
                "hovertemplate": "%{x|%-d %b %Y}: %{y:.0f}<extra></extra>",
            }
        ],
        "layout": {
            "yaxis": {"range": [0, 100], "dtick": 25},
            "xaxis": {"type": "date"},
            "shapes": [*_cuts(policy), *(_change_line(day) for day, _ in changes)],
            "annotations": [_change_label(day, label) for day, label in changes],
        },
    }


def policy_changes(points: Sequence[HealthSnapshot]) -> list[tuple[date, str]]:
    """The days on which a version counted for the first time, after another one."""
    return [
        (after.as_of, after.policy_version)
        for before, after in pairwise(points)
        if before.policy_version != after.policy_version
    ]


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _cuts(policy: HealthPolicy | None) -> list[Figure]:
    if policy is None:
        return []
    cuts = ((policy.at_risk_from, "--crit"), (policy.watch_from, "--high"), (policy.healthy_from, "--good"))
    return [
        {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": float(cut), "y1": float(cut),
            "line": {"color": f"{colour}/45", "width": 1}, "layer": "below",
        }
        for cut, colour in cuts
    ]  # fmt: skip


def _change_line(day: date) -> Figure:
    return {
        "type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": str(day), "x1": str(day),
        "line": {"color": "--ink-3", "width": 1, "dash": "dot"},
    }  # fmt: skip


def _change_label(day: date, label: str) -> Figure:
    return {
        "x": str(day), "y": 1, "yref": "paper", "yanchor": "top", "xanchor": "left", "text": f"Policy {label}",
        "showarrow": False, "font": {"color": "--ink-3", "size": 11},
    }  # fmt: skip
