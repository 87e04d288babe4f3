"""The chance of leaving beside health: which model scores a day, what it says of each customer, and how levels move.

Called by `pipeline.score_day` alone. A model that cannot be read takes nothing away: lists keep the last good chances
with a flag, and the day's snapshots say nothing.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring import model_queries
from scoring.automation.holds import LATE as SILENT
from scoring.automation.holds import SCORE, Reason, of_scoring
from scoring.automation.levels import Sources, marked
from scoring.breakdown import MISSING
from scoring.catalogue import BY_KEY, INDICATORS, SOURCES, Missing
from scoring.engine.churn import chances as engine
from scoring.engine.churn.data import Stack, blank
from scoring.engine.churn.explain import explain
from scoring.engine.churn.model import Fitted, without
from scoring.engine.validation import risk_level
from scoring.learning.observations import observe
from scoring.learning.registry import CorruptModel, load_model
from scoring.learning.stake import simulated
from scoring.models import ChanceSettings, ChurnModel
from scoring.pooling.words import POOLED, flag_of
from scoring.scored import Scored
from scoring.windows import of_version, switched_off
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Over = Callable[[dict[str, int]], Scored]
logger = logging.getLogger("holdfast.scoring")

LEVELS = ("low", "medium", "high", "critical")
NO_LEVEL = -1
LATE = MISSING.index(Missing.LATE.value)
SOURCE_LATE = "source_late:"
MODEL_UNREADABLE, MODEL_MISSING = "model_unreadable", "model_missing"


@dataclass(frozen=True)
class Chances:
    """What one model says of n customers. Shares to six decimals, so that the order of horizons holds as stored."""

    model_id: int
    version: str
    p: Floats  # n x 3: within 30, 60, 90 days
    low: Floats  # n; 80 % interval of the last
    high: Floats
    renew: Floats  # n; NaN without a term
    leaves: Floats  # n x periods
    names: tuple[str, ...]  # of the parts
    x: Floats  # n x names: the values behind the parts, NaN where there is none
    usual: dict[str, tuple[float, float]]  # the middle half of the day's customers
    base: Floats  # n; base + parts = log-odds of p90
    parts: Floats  # n x names
    cuts: tuple[float, float, float]
    margin: float
    windows: dict[str, int] = field(default_factory=dict)  # of one's own, that x was read over
    seen: str = ""  # a hash of what was said, where x was read over other windows than those of health

    def now(self) -> Ints:
        """The place in LEVELS of each p90, by half-open cuts."""
        return np.searchsorted(np.array(self.cuts), self.p[:, 2], side="right").astype(np.int64)


@dataclass(frozen=True)
class Shadow:
    """What a model that nobody sees says of the same customers."""

    model_id: int
    p: Floats


@dataclass(frozen=True)
class DayChances:
    """Everything of one scored day: the live model's chances if any, what is wrong, and the shadows beside it."""

    live: Chances | None = None
    flags: tuple[str, ...] = ()
    keeps_last: bool = False  # the last good chances stay where they are shown
    shadows: tuple[Shadow, ...] = field(default=())
    held: tuple[Reason, ...] = ()  # sources that are late, empty or shifted: nothing may act by itself
    sources: Sources = field(default_factory=dict)  # what the day found of each, with those that are away
    stake: dict[str, Any] | None = None  # what is at stake over all customers, with its simulated interval

    @property
    def digest(self) -> str:
        """What of this decides the day's figures: model, cuts, flags, and who else is watched."""
        live = self.live
        told = (live.version, live.model_id, live.cuts, live.margin) if live else ()
        if live and live.seen:
            told = (*told, live.seen)  # health's own fingerprint does not know of these figures
        watched = tuple(each.model_id for each in self.shadows)
        return repr((told, self.flags, watched) if watched else (told, self.flags))


class Reading:
    """A scored day as each version must see it: over the windows that it was learnt over.

    `over` reads the day again; it is asked once for each set of windows, and only where one differs from what is in
    force. Without it every version sees the day as health does.
    """

    def __init__(self, scored: Scored, over: Over | None) -> None:
        self.scored, self._over = scored, over
        self._read: dict[str, Scored] = {}

    def of(self, row: ChurnModel) -> Scored:
        own = self.scored.features.windows
        wanted = of_version(row.report, own)
        if self._over is None or wanted == own:
            return self.scored
        key = repr(sorted(wanted.items()))
        if key not in self._read:
            self._read[key] = self._over(wanted)
        return self._read[key]


def of_day(tenant: Tenant, scored: Scored, *, over: Over | None = None) -> DayChances:
    """Chances of every customer of that day. Opens its own short transactions.

    `over` gives the same day read over other windows: for versions that were learnt before a policy changed them.
    """
    reading = Reading(scored, over)
    with tenant_transaction(tenant.pk):
        row = model_queries.model_for(tenant, as_of=scored.day)
        shadows = model_queries.shadows(tenant, as_of=scored.day)
        settings = model_queries.chance_settings(tenant)
        lost = row is None and model_queries.has_lost_its_model(tenant)
        sources = marked(tenant, day=scored.day, customers=len(scored), found=scored.sources())
        held = tuple(of_scoring(tenant, day=scored.day, sources=sources))
    found = _shadows(shadows, reading)
    if row is None:
        missing = (MODEL_MISSING,) if lost else ()
        return DayChances(flags=missing, keeps_last=lost, shadows=found, held=held, sources=sources)
    try:
        live = _compute(row, reading, settings)
    except CorruptModel as broken:
        logger.error(
            "the model cannot be read", extra={"tenant": tenant.slug, "model": row.pk, "why": str(broken)}
        )
        return DayChances(
            flags=(MODEL_UNREADABLE,), keeps_last=True, shadows=found, held=held, sources=sources
        )
    read = tuple(name for name in live.names if name not in switched_off(scored.policies))
    flags = (*_pooled(row), *_late(scored, read), *_doubtful(held, read))
    return DayChances(live, flags, shadows=found, held=held, sources=sources, stake=_stake(scored, live))


def _stake(scored: Scored, live: Chances) -> dict[str, Any]:
    money = [np.nan if each is None else float(each) for each in scored.features.money.arr_reporting]
    return simulated(live.p[:, 2], live.low, live.high, np.array(money, dtype=np.float64))


def _pooled(row: ChurnModel) -> tuple[str, ...]:
    """Goes with every chance that other workspaces' experience gave."""
    return (flag_of(row.report["pool"]["workspaces"]),) if row.kind == POOLED else ()


def with_digest(scored: Scored, day: DayChances) -> Scored:
    """The computation with chances in its fingerprint: another model is another figure."""
    if replace(day, held=(), sources={}) == DayChances():
        return scored
    whole = hashlib.sha256(f"{scored.fingerprint} {day.digest}".encode()).hexdigest()
    return replace(scored, fingerprint=whole)


def _compute(row: ChurnModel, reading: Reading, settings: ChanceSettings) -> Chances:
    scored = reading.of(row)
    fitted, stack = _as_wanted(load_model(row), scored)
    said = engine.chances(fitted, stack)
    parts = explain(fitted, stack)
    x = _values(parts.names, stack.names, stack.x)
    return Chances(
        model_id=row.pk,
        version=str(row),
        p=said.p,
        low=said.low90,
        high=said.high90,
        renew=said.renew,
        leaves=said.leaves,
        names=parts.names,
        x=x,
        usual=_usual(parts.names, x),
        base=parts.base,
        parts=parts.parts,
        cuts=(float(settings.medium_from), float(settings.high_from), float(settings.critical_from)),
        margin=float(settings.margin),
        windows=scored.features.windows,
        seen="" if scored is reading.scored else hashlib.sha256(said.p.tobytes()).hexdigest(),
    )


def _as_wanted(fitted: Fitted, scored: Scored) -> tuple[Fitted, Stack]:
    """The version and the day without the indicators that are switched off, which move no chance."""
    off = switched_off(scored.policies)
    stack = observe(scored.features, scored.values)
    return (without(fitted, off), blank(stack, off)) if off else (fitted, stack)


def _values(names: tuple[str, ...], of: tuple[str, ...], x: Floats) -> Floats:
    places = {name: at for at, name in enumerate(of)}
    nothing = np.full(len(x), np.nan)
    return np.column_stack([x[:, places[name]] if name in places else nothing for name in names])


def _usual(names: tuple[str, ...], x: Floats) -> dict[str, tuple[float, float]]:
    """From the first to the third quartile of the customers that have a value: what a sentence calls usual."""
    found = {}
    for at, name in enumerate(names):
        known = np.sort(x[~np.isnan(x[:, at]), at])
        if known.size:
            # values that occur, so that no interpolation can differ between machines
            found[name] = (float(known[(known.size - 1) // 4]), float(known[(3 * (known.size - 1)) // 4]))
    return found


def _shadows(rows: list[ChurnModel], reading: Reading) -> tuple[Shadow, ...]:
    """A shadow that cannot be read is left out: nobody sees it, and its own page says so."""
    found = []
    for row in rows:
        try:
            fitted = load_model(row)
        except CorruptModel:
            logger.warning("a shadow model cannot be read", extra={"model": row.pk})
            continue
        fitted, stack = _as_wanted(fitted, reading.of(row))
        found.append(Shadow(row.pk, engine.chances(fitted, stack).p))
    return tuple(found)


def _late(scored: Scored, names: tuple[str, ...]) -> tuple[str, ...]:
    """`source_late:usage`: a source that the model reads and that has fallen silent for everybody."""
    used = set(names)
    late = {
        each.source
        for at, each in enumerate(INDICATORS)
        if each.key in used and (scored.states[:, at] == LATE).any()
    }
    return tuple(f"{SOURCE_LATE}{key}" for key in SOURCES if key in late)


def _doubtful(held: tuple[Reason, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """`source_empty:usage`, `source_shifted:usage` of a source that the model reads, `source_shifted:score`.

    Nobody can tell from this day alone whom an empty source spoke of, so these are flags of every account.
    """
    read = {source for name in names if name in BY_KEY for source in BY_KEY[name].sources} | {SCORE}
    return tuple(each.key for each in held if each.kind != SILENT and each.source in read)


def flag_places(flags: tuple[str, ...]) -> list[int]:
    """Where in a snapshot's `why` it stands whether the account has the late source of a flag at all; 0: it has."""
    places = []
    for flag in flags:
        key = flag.removeprefix(SOURCE_LATE) if flag.startswith(SOURCE_LATE) else ""
        alone = (at for at, each in enumerate(INDICATORS, start=1) if each.sources == (key,))
        places.append(next(alone, 0))
    return places


@dataclass(frozen=True)
class Stood:
    """Where each account's level stood before this scoring; NO_LEVEL where it had none."""

    level: Ints
    pending: Ints
    is_earlier: NDArray[np.bool_]  # stood on an earlier day: the same day again is no second scoring


def moved(chances: Chances, rows: slice, stood: Stood) -> tuple[Ints, Ints]:
    """Level and pending level of each account after this scoring, by the engine's rule.

    A level moves over each cut that p90 lies `margin` beyond, and over others when two scorings running agree.
    """
    waited = np.where(stood.is_earlier, stood.pending, NO_LEVEL)
    return risk_level(chances.p[rows, 2], chances.cuts, stood.level, waited, margin=chances.margin)


def at_stake(arr_reporting: Decimal | None, p90: float) -> Decimal | None:
    """ARR in the tenant's currency times the chance of leaving within 90 days."""
    if arr_reporting is None:
        return None
    return (arr_reporting * Decimal(f"{p90:.6f}")).quantize(Decimal("0.0001"))


def summary(day: DayChances) -> dict[str, Any]:
    """For the run's summary: which model, how many accounts a level, what is wrong."""
    live = day.live
    counts = np.bincount(live.now(), minlength=len(LEVELS)).tolist() if live else []
    return {
        "model": live.version if live else "",
        "levels": dict(zip(LEVELS, counts, strict=False)),
        "flags": list(day.flags),
        "shadows": [each.model_id for each in day.shadows],
        "stake": day.stake,
    }
