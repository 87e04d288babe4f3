"""Figures for plotly as plain data, like scoring.charts: colours are token names, read when drawing."""

from typing import Any

from scoring.outcomes.figures import Step
from scoring.outcomes.queries import Month

Figure = dict[str, Any]


def trend_figure(months: list[Month]) -> Figure:
    """The share of customers that left in each month, with the counts behind it in the hover text."""
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [f"{month.first:%b %Y}" for month in months],
                "y": [None if month.churn is None else round(100 * month.churn, 3) for month in months],
                "customdata": [[month.left, month.customers] for month in months],
                "line": {"color": "--accent", "width": 2},
                "marker": {"size": 6},
                "hovertemplate": "%{x}: %{y:.1f}%, %{customdata[0]} of %{customdata[1]}<extra></extra>",
            }
        ],
        "layout": {"yaxis": {"rangemode": "tozero", "ticksuffix": "%"}, "xaxis": {"type": "category"}},
    }


def arr_figure(months: list[Month]) -> Figure:
    """ARR on the day after each month."""
    return {
        "data": [
            {
                "type": "bar",
                "x": [f"{month.first:%b %Y}" for month in months],
                "y": [float(month.arr) for month in months],
                "marker": {"color": "--accent/45"},
                "hovertemplate": "%{x}: %{y:,.0f}<extra></extra>",
            }
        ],
        "layout": {"yaxis": {"rangemode": "tozero"}, "xaxis": {"type": "category"}},
    }


def waterfall_figure(steps: list[Step]) -> Figure:
    """Stacked bars: an unseen part up to where the step begins, and the step itself."""
    hidden, seen, colours, level = [], [], [], 0.0
    for step in steps:
        amount = float(step.amount)
        if step.is_end:
            hidden.append(0.0)
            level = amount
        else:
            hidden.append(min(level, level + amount))
            level += amount
        seen.append(abs(amount))
        colours.append("--ink-3" if step.is_end else "--good-fill" if amount >= 0 else "--crit-fill")
    names = [step.label for step in steps]
    clear = {
        "type": "bar",
        "x": names,
        "y": hidden,
        "marker": {"color": "rgba(0,0,0,0)"},
        "hoverinfo": "skip",
    }
    bars = {
        "type": "bar", "x": names, "y": seen, "marker": {"color": colours},
        "customdata": [float(step.amount) for step in steps],
        "hovertemplate": "%{x}: %{customdata:,.2f}<extra></extra>",
    }  # fmt: skip
    return {
        "data": [clear, bars],
        "layout": {"barmode": "stack", "yaxis": {"rangemode": "tozero"}, "xaxis": {"type": "category"}},
    }
