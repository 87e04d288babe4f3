"""Figures for plotly as plain data, like scoring.charts: colours are token names, read when drawing."""

from typing import Any

Figure = dict[str, Any]
# above the drawing: beside it, a telephone would have no room left for the points
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def reliability_figure(observed: dict[str, Any] | None, tested: dict[str, Any] | None) -> Figure:
    """What was said (x) against what happened (y), in per cent; on the line both are the same."""
    traces, top = [], 10.0
    for name, cell, colour, symbol in (
        ("Back-test", tested, "--ink-3", "square"),
        ("As observed", observed, "--accent", "circle"),
    ):
        bins = cell["bins"] if cell else []
        if bins:
            traces.append(_points(name, bins, colour, symbol))
            top = max(top, *(100 * each["high"] for each in bins), *(100 * each["p"] for each in bins))
    top = min(100.0, top * 1.05)
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines", "x": [0, top], "y": [0, top], "name": "Said and happened alike",
                "line": {"color": "--line-2", "width": 1, "dash": "dot"}, "hoverinfo": "skip",
            },
            *traces,
        ],
        "layout": {
            "xaxis": {"range": [0, top], "ticksuffix": "%", "title": {"text": "Said"}},
            "yaxis": {"range": [0, top], "ticksuffix": "%", "title": {"text": "Happened"}},
            "showlegend": True,
            "legend": LEGEND,
        },
    }  # fmt: skip


def _points(name: str, bins: list[dict[str, Any]], colour: str, symbol: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [round(100 * each["p"], 3) for each in bins],
        "y": [round(100 * each["rate"], 3) for each in bins],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [round(100 * (each["high"] - each["rate"]), 3) for each in bins],
            "arrayminus": [round(100 * (each["rate"] - each["low"]), 3) for each in bins],
            "color": colour,
            "thickness": 1,
        },
        "customdata": [[each["events"], each["n"]] for each in bins],
        "line": {"color": colour, "width": 1.5},
        "marker": {"size": 7, "symbol": symbol},
        "hovertemplate": "Said %{x:.1f}%, happened %{y:.1f}% (%{customdata[0]} of %{customdata[1]})<extra></extra>",
    }


def months_figure(months: list[dict[str, Any]], target: float) -> Figure:
    """Precision and recall of each closed month with the target as a dotted line."""
    closed = [month for month in months if month["closed"]]
    x = [month["label"] for month in closed]
    lines = [
        _line(name, x, [month[key]["value"] for month in closed], [month[key] for month in closed], colour)
        for name, key, colour in (("Precision", "precision", "--accent"), ("Recall", "recall", "--ink-3"))
    ]
    mark = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 100 * target, "y1": 100 * target,
        "line": {"color": "--ink-3", "width": 1, "dash": "dot"},
    }  # fmt: skip
    words = {
        "xref": "paper", "x": 0, "xanchor": "left", "y": 100 * target, "yanchor": "bottom",
        "text": f"Target for precision {100 * target:.0f}%", "showarrow": False,
        "font": {"color": "--ink-3", "size": 11},
    }  # fmt: skip
    return {
        "data": lines,
        "layout": {
            "yaxis": {"range": [0, 105], "ticksuffix": "%"},
            "xaxis": {"type": "category"},
            "shapes": [mark],
            "annotations": [words],
            "showlegend": True,
            "legend": LEGEND,
        },
    }


def _line(name: str, x: list[str], y: list[Any], counts: list[dict[str, Any]], colour: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": x,
        "y": [None if each is None else round(100 * each, 2) for each in y],
        "customdata": [[each["events"], each["n"]] for each in counts],
        "line": {"color": colour, "width": 2},
        "marker": {"size": 6},
        "connectgaps": False,
        "hovertemplate": "%{x}: %{y:.0f}% (%{customdata[0]} of %{customdata[1]})<extra></extra>",
    }


def expected_figure(months: list[dict[str, Any]]) -> Figure:
    """How many were expected to leave of each closed month, and how many left."""
    closed = [month for month in months if month["closed"]]
    x = [month["label"] for month in closed]
    return {
        "data": [
            {
                "type": "bar", "name": "Expected", "x": x, "y": [round(month["expected"], 1) for month in closed],
                "marker": {"color": "--ink-3/45"}, "hovertemplate": "%{x}: %{y} expected<extra></extra>",
            },
            {
                "type": "bar", "name": "Left", "x": x, "y": [month["left"] for month in closed],
                "marker": {"color": "--accent"}, "hovertemplate": "%{x}: %{y} left<extra></extra>",
            },
        ],
        "layout": {
            "barmode": "group", "yaxis": {"rangemode": "tozero"}, "xaxis": {"type": "category"}, "showlegend": True,
            "legend": LEGEND,
        },
    }  # fmt: skip
