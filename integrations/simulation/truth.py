"""The true chance of leaving of every customer on a set of days, written beside the bundle and never into it.

As-of days are every 30 days, counted back from the day after the window. On each, for every customer of that day:
the chance to leave in `[D, D + h)` for h of 30, 60 and 90 days, given the latent state of the world on D, and whether
the account left. Worlds with a mechanism: exactly, see `chances`. The others: see `foresight`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .clock import Bools, Floats, Ints, Times
from .fates import BLOCK, YEAR, Fates, Odds, by_stage, exposure, transitions
from .foresight import Foresight
from .mechanisms import STAGES, TROUBLES, Trouble
from .scene import Scene
from .tables import BundleWriter, Columns

HORIZONS = (30, 60, 90)
EVERY = 30
FIRST = 60  # days into the window


def write_truth(folder: Path, scene: Scene, seed: int, rng: np.random.Generator) -> None:
    """Write `truth.csv.gz` and `truth.json`."""
    days = as_of_days(scene)
    writer = BundleWriter(folder, decimals=8)
    writer.write_blocks("truth", _blocks(scene, days, rng))
    (folder / "truth.json").write_text(
        json.dumps(_about(scene, seed, days), indent=2) + "\n", encoding="utf-8"
    )


def as_of_days(scene: Scene) -> Times:
    """Every 30 days back from the day after the window, oldest first; at least that one day."""
    window = scene.window
    back = np.arange(0, max(window.days - FIRST, 0) + 1, EVERY)[::-1]
    return np.asarray(window.end + np.timedelta64(1, "D") - back.astype("m8[D]"))


def _about(scene: Scene, seed: int, days: Times) -> dict[str, Any]:
    window, fates = scene.window, scene.setting.fates
    switch = None if fates is None else fates.odds.switch_day
    return {
        "world": scene.setting.world.name,
        "seed": seed,
        "accounts": scene.accounts.count,
        "start": str(window.start),
        "end": str(window.end),
        "as_of": [str(day) for day in days],
        "horizons": list(HORIZONS),
        "switch_day": None if switch is None else str(switch),
        "method": "sampled futures of the shocks"
        if fates is None
        else "exact: products of transition matrices",
        "parameters": asdict(scene.setting.world),
        "troubles": [] if fates is None else [asdict(trouble) for trouble in TROUBLES],
    }


def _blocks(scene: Scene, days: Times, rng: np.random.Generator) -> Iterator[Columns]:
    fates = scene.setting.fates
    ahead = Foresight(scene, rng) if fates is None else None
    for day in days:
        who = customers(scene, day)
        if ahead is not None:
            chance, settled = ahead.chances(who, day, HORIZONS)
            leaves, known_until = scene.contracts.gone[who], scene.window.end + np.timedelta64(1, "D")
        else:
            assert fates is not None
            chance, settled = _of_world(fates, who, day), np.zeros(len(who), bool)
            leaves, known_until = fates.leaves[who], scene.window.start + np.timedelta64(fates.odds.days, "D")
        yield _columns(scene, day, who, chance, settled, leaves, known_until)


def customers(scene: Scene, day: np.datetime64) -> Ints:
    """Who is a customer on a day: came before it, and has not left before it."""
    gone = scene.contracts.gone
    return np.flatnonzero((scene.accounts.since < day) & (np.isnat(gone) | (gone >= day)))


def _columns(
    scene: Scene,
    day: np.datetime64,
    who: Ints,
    chance: Floats,
    settled: Bools,
    leaves: Times,
    known_until: np.datetime64,
) -> Columns:
    """One row a customer; `left_h` is empty where the window reaches beyond what is settled and nobody left."""
    out: dict[str, Any] = {
        "account_external_id": scene.accounts.ids[who],
        "as_of": np.repeat(day, len(who)),
    }
    for number, horizon in enumerate(HORIZONS):
        out[f"p{horizon}"] = chance[:, number]
    wait = np.where(np.isnat(leaves), 10**6, (leaves - day).astype(np.int64))
    for horizon in HORIZONS:
        closed = day + np.timedelta64(horizon, "D") <= known_until
        known = np.where(wait < horizon, "1", "0" if closed else "").astype(object)
        known[known == ""] = None
        out[f"left_{horizon}"] = known
    days_left = np.where(wait < 10**6, wait, -1).astype(str).astype(object)
    days_left[wait == 10**6] = None
    return out | {"leaves_in": days_left, "settled": settled.astype(np.int64)}


def _of_world(fates: Fates, who: Ints, day: np.datetime64) -> Floats:
    begin = int((day - fates.odds.window.start).astype(int))
    if fates.odds.mechanism.only is not None:
        return _few_chances(fates, who, begin)
    return np.concatenate(
        [np.empty((0, len(HORIZONS)))]
        + [chances(fates.odds, who[first : first + BLOCK], begin) for first in range(0, len(who), BLOCK)]
    )


def chances(odds: Odds, who: Ints, begin: int) -> Floats:
    """Customers x horizons, from day `begin` of the window on: exact, since stages are independent Markov chains.

    The chance to stay through h days is the product over kinds of the sum over all paths of stages: each day multiplies
    by exp(-hazard), each new week by the transition matrix.
    """
    counts = exposure(odds, who)[:, begin : begin + HORIZONS[-1]]
    stay = np.exp(-odds.mechanism.base / YEAR * np.cumsum(counts, axis=1))
    for trouble in TROUBLES:
        if odds.weights(trouble.kind).any():
            stay *= _stays(odds, trouble, who, begin, counts)
    return np.asarray(1.0 - stay[:, [horizon - 1 for horizon in HORIZONS]])


def _stays(odds: Odds, trouble: Trouble, who: Ints, begin: int, counts: Floats) -> Floats:
    """Customers x days: the chance not to have left by the end of each day because of one kind of trouble."""
    weight, week = odds.weights(trouble.kind), odds.week
    rate, step = by_stage(trouble), transitions(trouble)
    state = np.zeros((len(who), STAGES))
    state[np.arange(len(who)), odds.stages[trouble.kind][who, week[begin]]] = 1.0
    stay = np.empty_like(counts)
    for ahead in range(counts.shape[1]):
        day = begin + ahead
        if ahead and week[day] != week[day - 1]:
            state = state @ step
        ordinary = counts[:, ahead] == 1.0
        state[ordinary] *= np.exp(-weight[day] * rate)
        state[~ordinary] *= np.exp(-weight[day] * rate[None, :] * counts[~ordinary, ahead, None])
        stay[:, ahead] = state.sum(axis=1)
    return stay


def _few_chances(fates: Fates, who: Ints, begin: int) -> Floats:
    """Where exactly k are still to leave: each of them is this customer in proportion to its expected hazard.

    p = 1 - (1 - share)^k, with share the customer's expected hazard in [D, D + h) over that of everybody from D to the
    window's end. Exact but for two things: the sums of hazards stand at their expectation (with many accounts they are
    close to it), and the few are drawn without repetition.
    """
    odds = fates.odds
    assert odds.mechanism.only is not None
    gone = fates.leaves < odds.window.start + np.timedelta64(begin, "D")
    remaining, rest = odds.mechanism.only - int(gone.sum()), odds.window.days - begin
    out = np.zeros((len(who), len(HORIZONS)))
    if remaining == 0 or rest <= 0:
        return out
    everybody = np.flatnonzero(odds.accounts.is_customer & ~gone)  # those yet to come as well
    upto = np.zeros((odds.accounts.count, len(HORIZONS)))
    total = 0.0
    for first in range(0, len(everybody), BLOCK):
        block = everybody[first : first + BLOCK]
        grown = np.cumsum(_expected(odds, block, begin, rest), axis=1)
        upto[block] = grown[:, [min(horizon, rest) - 1 for horizon in HORIZONS]]
        total += float(grown[:, -1].sum())
    return np.asarray(1.0 - (1.0 - upto[who] / total) ** remaining)


def _expected(odds: Odds, who: Ints, begin: int, days: int) -> Floats:
    """Customers x days: each day's expected hazard, given the stages on the first."""
    week, total = odds.week, np.full((len(who), days), odds.mechanism.base / YEAR)
    for trouble in TROUBLES:
        weight = odds.weights(trouble.kind)
        if not weight.any():
            continue
        rate, step = by_stage(trouble), transitions(trouble)
        now = odds.stages[trouble.kind][who, week[begin]]
        for day in range(begin, begin + days):
            if day > begin and week[day] != week[day - 1]:
                rate = step @ rate
            total[:, day - begin] += weight[day] * rate[now]
    return np.asarray(total * exposure(odds, who)[:, begin : begin + days])
