"""Curves for plotly as plain data, like scoring.charts: colours are token names, read when drawing."""

from typing import Any

from scoring.cohorts.figures import DRAWN

Figure = dict[str, Any]
# two inks and three strokes: no group is told by colour alone
STROKES = [
    (ink, dash)
    for dash in ("solid", "dash", "dot")
    for ink in ("--accent", "--ink-3")
]  # fmt: skip
LEGEND = {"orientation": "h", "traceorder": "normal", "x": 0, "y": 1.02, "yanchor": "bottom"}


def curves_figure(groups: list[dict[str, Any]], marked: str) -> Figure:
    """Share still there by day, in steps; crosses where somebody was still there when the look ended.

    Bands of 95 % for all of up to two groups, else for the marked one.
    """
    drawn = groups[:DRAWN]
    traces: list[Figure] = []
    for group, (ink, _) in zip(drawn, STROKES, strict=False):
        if len(drawn) <= 2 or group["name"] == marked:
            traces += _band(group, ink)
    for group, (ink, dash) in zip(drawn, STROKES, strict=False):
        traces += [_line(group, ink, dash), *_censored(group, ink)]
    return {
        "data": traces,
        "layout": {
            "yaxis": {"ticksuffix": "%", "range": [_floor(drawn), 100.5]},
            "xaxis": {
                "rangemode": "tozero",
                "title": {"text": "days followed"},
            },
            "showlegend": True,
            "legend": LEGEND,
        },
    }


def _floor(groups: list[dict[str, Any]]) -> float:
    """The lowest round ten below everything that is drawn."""
    ends = [low if low is not None else still for each in groups for _, still, low, _ in each["steps"]]
    return max(0.0, 10 * int(10 * min(ends, default=0.9)))


def _path(group: dict[str, Any], at: int) -> tuple[list[float], list[float | None]]:
    """Days and per cents of the curve (at 1) or an end of its interval (2, 3), from day 0 to the curve's end."""
    steps = group["steps"]
    days = [0.0, *(each[0] for each in steps), group["ends"]]
    values = [1.0, *(each[at] for each in steps)]
    values.append(values[-1])
    return days, [None if value is None else round(100 * value, 3) for value in values]


def _line(group: dict[str, Any], ink: str, dash: str) -> Figure:
    days, shares = _path(group, 1)
    name = _plain(group["label"])
    return {
        "type": "scatter", "mode": "lines", "name": f"{name} (n = {group['n']:,})", "x": days, "y": shares,
        "line": {"color": ink, "width": 2, "shape": "hv", "dash": dash},
        "hovertemplate": f"{name}, day %{{x}}: %{{y:.1f}}% still there<extra></extra>",
    }  # fmt: skip


def _plain(label: str) -> str:
    """As text, where plotly would read tags, entities and templates."""
    return label.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "% {")


def _band(group: dict[str, Any], ink: str) -> list[Figure]:
    """Upper end without a stroke, lower end filled up to it; from the first leaving on."""
    edge = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    made = []
    for at, fill in ((3, {}), (2, {"fill": "tonexty", "fillcolor": f"{ink}/16"})):
        days, ends = _path(group, at)
        kept = [(day, end) for day, end in zip(days, ends, strict=True) if end is not None]
        line = {"width": 0, "shape": "hv", "color": ink}
        made.append(
            {**edge, "x": [day for day, _ in kept], "y": [end for _, end in kept], "line": line, **fill}
        )
    return made


def _censored(group: dict[str, Any], ink: str) -> list[Figure]:
    """Small upright strokes, by weeks."""
    if not group["censored"]:
        return []
    days, shares = _path(group, 1)
    heights = [
        next(
            share for day, share in zip(reversed(days[:-1]), reversed(shares[:-1]), strict=True) if day <= at
        )
        for at in group["censored"]
    ]
    return [
        {
            "type": "scatter", "mode": "markers", "x": group["censored"], "y": heights, "showlegend": False,
            "marker": {"symbol": "line-ns-open", "size": 7, "color": ink}, "hoverinfo": "skip",
        }
    ]  # fmt: skip
