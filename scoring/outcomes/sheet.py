"""What the outcomes pages show as lines of a file: every figure with its count, interval, level and currency."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from scoring.outcomes.figures import Tile
from scoring.outcomes.queries import GROUPS, Month
from scoring.outcomes.words import RATE

HEADS = [
    "by", "group", "figure", "value", "numerator", "denominator", "count", "low", "high", "level", "target",
    "a_year_ago", "count_a_year_ago", "state", "from", "to", "currency",
]  # fmt: skip
OF_RATES, OF_AMOUNTS = "95%", "80%"  # the level of an interval: of shares of counts, and of what is at stake
Line = list[Any]


def figures_of(context: dict[str, Any]) -> Iterator[Line]:
    """Everything that views.panels_context shows, up to the column `state`."""
    for tile in context["tiles"]:
        yield ["", "All", *_tile(tile)]
        if tile.figure.key == "risk" and tile.state == "shown" and tile.stake:
            yield ["", "All", *_expected(tile)]
    for group, _ in context["groups"]:
        yield from ([context["asked"].by, group.name, *_tile(tile)] for tile in group.tiles)
    for step in context["steps"]:
        yield ["waterfall", step.label, step.key, step.amount, *[None] * 9, "shown"]
    for each in context["bands"]:
        if context["sums"]["then_day"]:
            yield ["health", each.band, "customers_at_the_start", each.then, *[None] * 9, "shown"]
        yield ["health", each.band, "customers_now", each.now, *[None] * 9, "shown"]


def _tile(tile: Tile) -> Line:
    covered = tile.state in ("covered", "none")
    amounts = [None, None, None] if covered else [tile.part, tile.base or None, tile.n]
    level = OF_RATES if tile.figure.unit == RATE else OF_AMOUNTS
    ends = _ends(tile.low, tile.high, level)
    return [tile.figure.key, _short(tile.value), *amounts, *ends, tile.target, *_before(tile), tile.state]


def _expected(tile: Tile) -> Line:
    """Of ARR at risk, what is expected to leave."""
    found = tile.stake
    assert found is not None
    ends = _ends(found.low, found.high, OF_AMOUNTS)
    return [
        "risk_expected_to_leave",
        found.value,
        found.value,
        None,
        found.n,
        *ends,
        None,
        None,
        None,
        "shown",
    ]


def _ends(low: float | None, high: float | None, level: str) -> Line:
    return [None, None, None] if low is None else [_short(low), _short(high), level]


def _before(tile: Tile) -> Line:
    """What it was a year ago, and of how many."""
    return [None, None] if tile.before is None else [_short(tile.before.value), tile.before.n]


def _short(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def months_of(months: Sequence[Month], *, sees_arr: bool) -> Iterator[Line]:
    """The trend, each month with its own first and last day."""
    for month in months:
        named, days = ["month", f"{month.first:%Y-%m}"], [month.first, month.next - timedelta(days=1)]
        counts = [month.left, month.customers, month.customers]
        yield [*named, "churn", _short(month.churn), *counts, *[None] * 6, "shown", *days]
        if sees_arr:
            yield [*named, "end", month.arr, *[None] * 9, "shown", *days]


def rows_of(
    rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str, str]], *, currency: str
) -> tuple[list[str], list[Line]]:
    """Heads and lines of the accounts behind a figure; amounts name their currency, bounds their level."""
    kinds, names = {kind for _, _, kind in columns}, [name for name, _, _ in columns]
    added = ([("level", OF_AMOUNTS)] if "bound" in kinds else []) + (
        [("currency", currency)] if kinds & {"money", "bound"} else []
    )
    heads = ["account_id", "account", *GROUPS, *names, *(name for name, _ in added)]
    read = ("external_id", "name", *GROUPS, *names)
    return heads, [[*(row[name] for name in read), *(value for _, value in added)] for row in rows]
