"""From sums to figures: value, count, interval, target, and which rows and columns stand behind each."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import sqrt
from typing import Any

from scoring.outcomes.queries import shown_name
from scoring.outcomes.stake import Stake, stake_of
from scoring.outcomes.words import BY_KEY, FIGURES, HIGHER, LEAST, MONEY, POINTS, RATE, STEPS, Figure

Row = dict[str, Any]
Z95 = 1.959964  # both tails of 5 %


@dataclass(frozen=True)
class Behind:
    """The rows behind a figure: a condition on `facts`, its order, and columns as (name, heading, kind).

    `plain` is the order for who may not see amounts, where the usual one would tell them.
    """

    where: str
    order: str
    columns: tuple[tuple[str, str, str], ...]
    plain: str = ""

    def order_for(self, *, sees_arr: bool) -> str:
        return self.order if sees_arr else self.plain or self.order

    @property
    def summed(self) -> list[str]:
        return [name for name, _, kind in self.columns if kind in ("money", "count")]


def _money(name: str, heading: str, where: str = "") -> Behind:
    return Behind(where or f"{name} <> 0", f"abs({name}) DESC", ((name, heading, "money"),))


_WORST_FIRST = "array_position(ARRAY['critical', 'at_risk', 'watch', 'healthy', 'unknown'], band_now::text)"
BEHIND: dict[str, Behind] = {
    "churn": Behind(
        "at_start", "has_left DESC, left_at", (("has_left", "Left", "count"), ("left_at", "On", "day"))
    ),
    "renewal": Behind(
        "decided > 0", "not_renewed DESC, decided DESC",
        (("decided", "Decided", "count"), ("renewed", "Renewed", "count"), ("not_renewed", "Not renewed", "count")),
    ),
    "grr": Behind(
        "has_paid", "start_arr - kept_arr DESC, start_arr DESC",
        (("start_arr", "At the start", "money"), ("kept_arr", "Kept", "money")),
    ),
    "nrr": Behind(
        "has_paid", "abs(stayed_arr - start_arr) DESC, start_arr DESC",
        (("start_arr", "At the start", "money"), ("stayed_arr", "At the end, same rates", "money")),
    ),
    "start": _money("start_arr", "ARR at the start"),
    "new": _money("new_arr", "New ARR"),
    "expansion": _money("expansion", "Expansion"),
    "contraction": _money("contraction", "Contraction"),
    "churned": _money("churned", "ARR that left"),
    "rates": _money("rates", "Change by rates"),
    "end": _money("end_arr", "ARR at the end"),
    "risk": Behind(
        "band_now IN ('critical', 'at_risk')", "risk_arr DESC",
        (("band_now", "Band now", "band"), ("risk_arr", "ARR", "money")),
    ),
    "stake": Behind(
        "stake IS NOT NULL", "stake DESC",
        (("now_arr", "ARR", "money"), ("p90", "Chance, 90 days", "share"), ("stake", "At stake", "money"),
         ("stake_low", "Low", "bound"), ("stake_high", "High", "bound")),
    ),
    "nps": Behind(
        "answers > 0", "net, answers DESC",
        (("answers", "Answers", "count"), ("promoters", "Promoters", "count"), ("detractors", "Detractors", "count"),
         ("net", "Net", "count")),
    ),
    "health": Behind(
        "band_now IS NOT NULL OR band_then IS NOT NULL", "risk_arr DESC",
        (("band_then", "At the start", "band"), ("band_now", "Now", "band")), _WORST_FIRST,
    ),
    "open": Behind(
        "open_terms > 0", "open_arr DESC", (("open_terms", "Open terms", "count"), ("open_arr", "Their ARR", "money"))
    ),
}  # fmt: skip
OTHERS = {
    "health": ("Health", "Customers with a band at the start or now"),
    "open": ("Open terms", "Accounts with terms that came due within the period and are not decided"),
    **{key: (label, f"Accounts behind the step “{label}”") for key, label in STEPS.items()},
}
COLUMN_OF_STEP = {
    "start": "start_arr", "new": "new_arr", "expansion": "expansion", "contraction": "contraction",
    "churned": "churned", "rates": "rates", "end": "end_arr",
}  # fmt: skip


def title_of(key: str) -> str:
    return BY_KEY[key].label if key in BY_KEY else OTHERS[key][0]


def rows_words(key: str) -> str:
    return BY_KEY[key].rows if key in BY_KEY else OTHERS[key][1]


def needs_arr(key: str) -> bool:
    """Whether the figure, or its rows, tell what customers pay."""
    return BY_KEY[key].is_money if key in BY_KEY else key in STEPS or key == "open"


@dataclass(frozen=True)
class Tile:
    """One figure as it is shown. `state`: shown, few (not enough data), covered (no right to see ARR), none."""

    figure: Figure
    state: str
    value: Decimal | float | None = None
    part: Decimal | int = 0  # the numerator
    n: int = 0
    base: Decimal | int = 0  # the denominator
    low: float | None = None
    high: float | None = None
    target: Decimal | None = None
    met: bool | None = None
    remark: str = ""
    stake: Stake | None = None  # what of it is expected to leave
    before: "Tile | None" = None  # the same figure a year ago, where there is one
    unrated_before: int = 0  # accounts that no rate of then leaves in it
    unrated: int = 0  # of now, and asked for where there is a year before it

    @property
    def moved(self) -> float | None:
        """Against a year ago: rates in percentage points, NPS in points, amounts in per cent of what they were.

        None where a rate is missing on either side: two amounts of different accounts are no change.
        """
        if self.before is None or self.value is None or self.before.value is None:
            return None
        if self.unrated or self.unrated_before:
            return None
        now, then = float(self.value), float(self.before.value)
        if self.figure.unit == MONEY:
            return 100 * (now / then - 1) if then else None
        return (now - then) * (100 if self.figure.unit == RATE else 1)

    @property
    def goal(self) -> Decimal | float | None:
        """The target in the unit of the value: targets of rates are typed in per cent."""
        if self.target is None:
            return None
        return float(self.target) / 100 if self.figure.unit == RATE else self.target


def wilson(part: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927); (0, 1) without a count."""
    if n == 0:
        return 0.0, 1.0
    share, square = part / n, Z95 * Z95
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z95 / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def tiles(sums: Row, targets: dict[str, Decimal], *, sees_arr: bool) -> list[Tile]:
    """Every figure of the page, in its order."""
    return [tile(figure, sums, targets.get(figure.key), sees_arr=sees_arr) for figure in FIGURES]


def tile(figure: Figure, sums: Row, target: Decimal | None, *, sees_arr: bool) -> Tile:
    if figure.is_money and not sees_arr:
        return Tile(figure, "covered")
    found = _MAKERS[figure.key](figure, sums)
    if target is None or found.value is None:
        return found if target is None else Tile(**{**vars(found), "target": target})
    aimed = Tile(**{**vars(found), "target": target})
    goal, value = float(aimed.goal or 0), float(found.value)
    return Tile(**{**vars(aimed), "met": value >= goal if figure.goal == HIGHER else value <= goal})


def beside_last_year(found: list[Tile], sums: Row, before: Row, *, sees_arr: bool) -> list[Tile]:
    """Each tile with what it was a year ago; nothing where there was nothing to count, or too little."""
    return [_with_before(each, sums, before, sees_arr=sees_arr) for each in found]


def _with_before(found: Tile, sums: Row, before: Row, *, sees_arr: bool) -> Tile:
    if found.figure.is_of_now or found.state in ("covered", "none"):
        return found
    then = tile(found.figure, before, None, sees_arr=sees_arr)
    then_there = then if then.state == "shown" and then.n else None
    now, past = (int(each["unrated"] or 0) if found.figure.is_money else 0 for each in (sums, before))
    return replace(found, before=then_there, unrated=now, unrated_before=past)


def _share(figure: Figure, part: Any, base: Any) -> Tile:
    """A share of things counted, with its interval."""
    part, base = int(part), int(base)
    if base < LEAST:
        return Tile(figure, "few", n=base, part=part, base=base)
    low, high = wilson(part, base)
    return Tile(figure, "shown", part / base, part, base, base, low, high)


def _ratio(figure: Figure, part: Decimal, base: Decimal, n: int) -> Tile:
    """A ratio of amounts: no sample of anything, so it has a count and no interval."""
    if n < LEAST or not base:
        return Tile(figure, "few", n=n, part=part, base=base)
    return Tile(figure, "shown", float(part / base), part, n, base)


def _churn(figure: Figure, sums: Row) -> Tile:
    return _share(figure, sums["has_left"], sums["customers"])


def _renewal(figure: Figure, sums: Row) -> Tile:
    return _share(figure, sums["renewed"], sums["decided"])


def _grr(figure: Figure, sums: Row) -> Tile:
    return _ratio(figure, sums["kept_arr"], sums["start_arr"], sums["paying"])


def _nrr(figure: Figure, sums: Row) -> Tile:
    return _ratio(figure, sums["stayed_arr"], sums["start_arr"], sums["paying"])


def _start(figure: Figure, sums: Row) -> Tile:
    return Tile(figure, "shown", sums["start_arr"], sums["start_arr"], sums["paying"])


def _end(figure: Figure, sums: Row) -> Tile:
    return Tile(figure, "shown", sums["end_arr"], sums["end_arr"], sums["paying_end"])


def _risk(figure: Figure, sums: Row) -> Tile:
    """A sum of what is known; how much of it is expected to leave has an interval."""
    found = stake_of(sums, sums.get("told"), at_risk=True)
    return Tile(
        figure, "shown", sums["risk_arr"], sums["risk_arr"], sums["at_risk"], stake=found if found.n else None
    )


def _stake(figure: Figure, sums: Row) -> Tile:
    found = stake_of(sums, sums.get("told"))
    if not found.n:
        return Tile(figure, "none", remark="Not yet calibrated")
    return Tile(figure, "shown", found.value, found.value, found.n, 0, found.low, found.high, stake=found)


def _nps(figure: Figure, sums: Row) -> Tile:
    answers = int(sums["answers"])
    if answers < LEAST:
        return Tile(figure, "few", n=answers, part=int(sums["net"]), base=answers)
    return Tile(figure, "shown", 100 * int(sums["net"]) / answers, int(sums["net"]), answers, answers)


_MAKERS = {
    "churn": _churn, "renewal": _renewal, "grr": _grr, "nrr": _nrr, "start": _start, "end": _end, "risk": _risk,
    "stake": _stake, "nps": _nps,
}  # fmt: skip
assert set(_MAKERS) == set(BY_KEY)  # a figure without a maker is a fault of this file


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall."""

    key: str
    label: str
    amount: Decimal
    is_end: bool = False


def waterfall(sums: Row) -> list[Step]:
    """From ARR at the start to ARR at the end; the steps between add up to the difference, to the cent."""
    kept = [key for key in STEPS if key != "rates" or sums["rates"]]
    return [Step(key, STEPS[key], sums[COLUMN_OF_STEP[key]], key in ("start", "end")) for key in kept]


@dataclass(frozen=True)
class Band:
    """How many customers stand in one band now, and stood at the start."""

    band: str
    now: int
    then: int


def bands(sums: Row) -> list[Band]:
    names = ("critical", "at_risk", "watch", "healthy", "unknown")
    return [Band(name, sums[f"now_{name}"], sums[f"then_{name}"]) for name in names]


@dataclass(frozen=True)
class Group:
    """One line of the table by segment, plan, region or industry."""

    name: str
    label: str
    tiles: list[Tile] = field(default_factory=list)


SHOWN_BY_GROUP = ("churn", "renewal", "grr", "nrr", "nps", "start", "end", "risk", "stake")


def groups(rows: list[Row], by: str, *, sees_arr: bool, most: int = 50) -> list[Group]:
    """Those with the most customers first; accounts without a value come as "" and last."""
    ordered = sorted(rows, key=lambda row: (not row["name"], -row["customers"], row["name"] or ""))
    keys = [key for key in SHOWN_BY_GROUP if sees_arr or not BY_KEY[key].is_money]
    return [
        Group(
            row["name"] or "",
            shown_name(by, row["name"] or ""),
            [tile(BY_KEY[key], row, None, sees_arr=sees_arr) for key in keys],
        )
        for row in ordered[:most]
    ]


def unit_of(figure: Figure) -> str:
    return {MONEY: "money", RATE: "share", POINTS: "points"}.get(figure.unit, "count")
