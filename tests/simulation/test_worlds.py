"""The worlds whose true chances of leaving are known, and the truth that is written beside their bundles."""

from __future__ import annotations

import datetime
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from django.core.management import CommandError, call_command

from integrations.simulation import FILES, WORLDS, SimulationError, UnusableParameter, simulate, truth_folder
from integrations.simulation.clock import Window
from integrations.simulation.engine import _Dice, _settled
from integrations.simulation.fates import Fates
from integrations.simulation.foresight import Foresight
from integrations.simulation.mechanisms import TROUBLES
from integrations.simulation.scene import Scene
from integrations.simulation.truth import HORIZONS, _of_world, chances, customers

from .test_simulation import CHECKER, END, churn_days, digest, read

STAGED = sorted(name for name, world in WORLDS.items() if world.mechanism is not None)
Array = npt.NDArray[np.float64]


def scene_of(world: str, *, accounts: int, days: int, seed: int) -> Scene:
    return _settled(WORLDS[world], Window.ending(END, days=days), accounts, _Dice(seed))


def fates_of(scene: Scene) -> Fates:
    assert scene.setting.fates is not None
    return scene.setting.fates


def truth_of(folder: Path) -> pl.DataFrame:
    return pl.read_csv(truth_folder(folder) / "truth.csv.gz", schema_overrides={"leaves_in": pl.Int64})


def auc(event: Array, figure: Array) -> float:
    """The share of pairs (one with, one without the event) in which the figure is higher with it; ties count half."""
    rank = pl.Series(figure).rank("average").to_numpy()
    with_, without = event.sum(), (1 - event).sum()
    return float((rank[event == 1].sum() - with_ * (with_ + 1) / 2) / (with_ * without))


# --- the chances are true --------------------------------------------------------------------------------------------


def worst_bin(p: Array, left: Array, *, bins: int = 8) -> float:
    """The largest distance of observed from expected leavers over bins of the chance, in standard errors.

    As-of days whose windows do not overlap give uncorrelated deviations, also of the same account.
    """
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), bins) if p[part].sum() > 4]
    assert parts
    return max(
        abs(left[part].sum() - p[part].sum()) / np.sqrt((p[part] * (1 - p[part])).sum()) for part in parts
    )


@pytest.mark.parametrize("world", ["usage_driven", "no_signal", "switch"])
def test_as_many_leave_as_the_exact_chances_say(world: str) -> None:
    scene = scene_of(world, accounts=3_000, days=540, seed=17)
    fates, window = fates_of(scene), scene.window
    for number, horizon in enumerate(HORIZONS):
        p, left = [], []
        for ahead in range(60, window.days + 1, horizon):
            day = window.start + np.timedelta64(ahead, "D")
            who = customers(scene, day)
            p.append(_of_world(fates, who, day)[:, number])
            gone = fates.leaves[who]
            left.append((gone < day + np.timedelta64(horizon, "D")).astype(float))
        assert worst_bin(np.concatenate(p), np.concatenate(left)) < 3.9, horizon


def test_as_many_leave_as_the_sampled_futures_say() -> None:
    scene = scene_of("default", accounts=4_000, days=540, seed=17)
    ahead, window = Foresight(scene, np.random.default_rng(1)), scene.window
    p, left = [], []
    for back in range(window.days - 60, 89, -90):
        day = window.end + np.timedelta64(1 - back, "D")
        who = customers(scene, day)
        chance, settled = ahead.chances(who, day, HORIZONS)
        gone = scene.contracts.gone[who] < day + np.timedelta64(90, "D")
        certain = np.isin(chance[:, 2], (0.0, 1.0))
        assert (chance[certain, 2] == gone[certain]).all()
        assert settled.any()
        p.append(chance[~certain, 2])
        left.append(gone[~certain].astype(float))
    assert worst_bin(np.concatenate(p), np.concatenate(left)) < 3.9


def test_the_exact_chance_is_the_sum_over_all_paths() -> None:
    """One kind of trouble and 30 days, which touch five or six weeks: every path of stages, one by one."""
    scene = scene_of("usage_driven", accounts=120, days=400, seed=2)
    fates, begin = fates_of(scene), 300
    odds, trouble = fates.odds, TROUBLES[0]
    stage = odds.stages["usage"][:, odds.week[begin]]
    who = np.array(
        [np.flatnonzero(stage == 0)[3], np.flatnonzero((stage > 0) & scene.accounts.is_customer)[0]]
    )
    weeks = np.unique(odds.week[begin : begin + 30], return_counts=True)[1]
    for account, p30 in zip(who, chances(odds, who, begin)[:, 0], strict=True):
        ends = ends_in(scene, int(account), begin)
        stays = 0.0
        for path in itertools.product(range(5), repeat=len(weeks) - 1):
            stages, weight = (int(stage[account]), *path), 1.0
            for one, other in itertools.pairwise(stages):
                weight *= step(trouble.onset, trouble.deepens, trouble.eases, one, other)
            hazard = sum(
                (0.02 + trouble.yearly[now]) / 365.25 * (days + ends.get(week, 0))
                for week, (now, days) in enumerate(zip(stages, weeks.tolist(), strict=True))
            )
            stays += weight * np.exp(-hazard)
        assert p30 == pytest.approx(1 - stays, abs=1e-12)


def step(onset: float, deepens: float, eases: float, one: int, other: int) -> float:
    """The chance of a weekly move, written out."""
    up = onset if one == 0 else (deepens if one < 4 else 0.0)
    down = 0.0 if one == 0 else eases
    return {one + 1: up, one - 1: down, one: 1 - up - down}.get(other, 0.0)


def ends_in(scene: Scene, account: int, begin: int) -> dict[int, float]:
    """What the days on which a term ends count for beyond themselves, by week from `begin` on."""
    odds, months = fates_of(scene).odds, int(scene.contracts.binding.months[account])
    since = scene.accounts.since[account].astype(datetime.date)
    out: dict[int, float] = {}
    for ahead in range(30):
        day = (scene.window.start + np.timedelta64(begin + ahead, "D")).astype(datetime.date)
        passed = (day.year - since.year) * 12 + day.month - since.month
        if day.day == since.day and passed > 0 and passed % months == 0:
            week = int(odds.week[begin + ahead] - odds.week[begin])
            out[week] = out.get(week, 0.0) + 3.0 * months
    return out


def test_without_a_signal_everybody_has_the_same_chance(tmp_path: Path) -> None:
    simulate(tmp_path / "b", accounts=300, days=200, seed=3, end=END, world="no_signal")
    truth = truth_of(tmp_path / "b")
    for horizon in HORIZONS:
        assert truth[f"p{horizon}"].unique().to_list() == [round(1 - np.exp(-0.13 * horizon / 365.25), 8)]


def test_chances_rise_with_the_horizon_and_churn_is_that_of_an_ordinary_vendor() -> None:
    for world in ("usage_driven", "people_driven", "billing_driven", "no_signal", "switch"):
        scene = scene_of(world, accounts=1_500, days=720, seed=5)
        fates, day = fates_of(scene), scene.window.end - np.timedelta64(200, "D")
        p = _of_world(fates, customers(scene, day), day)
        assert (np.diff(p, axis=1) > 0).all()
        left = (fates.leaves <= scene.window.end).sum()
        years = (
            scene.window.days - np.maximum((scene.accounts.since - scene.window.start).astype(int), 0)
        ).sum()
        assert 0.08 < left / (years / 365.25) < 0.19, world


# --- four, and a switch ----------------------------------------------------------------------------------------------


def test_four_churns_are_four_churns(tmp_path: Path) -> None:
    simulate(tmp_path / "b", accounts=400, days=500, seed=9, end=END, world="four_churns")
    gone = churn_days(read(tmp_path / "b"))
    assert len(gone) == 4
    truth = truth_of(tmp_path / "b")
    leavers = truth.filter(pl.col("leaves_in").is_not_null())["account_external_id"].unique()
    assert set(leavers) <= set(gone)
    assert truth.filter(pl.col("as_of") > max(gone.values()))["p90"].max() == 0.0
    before = truth.filter(pl.col("as_of") == truth["as_of"].min())
    assert before["p90"].min() > 0.0
    to_come = sum(day >= truth["as_of"].min() for day in gone.values())
    # 90 days of the 441 that are left, less those accounts that are yet to arrive and troubles that are yet to spread
    assert 0.4 < before["p90"].sum() / (to_come * 90 / 441) < 1.1


def test_the_switch_changes_whose_trouble_counts() -> None:
    scene = scene_of("switch", accounts=1_500, days=700, seed=4)
    fates, odds = fates_of(scene), fates_of(scene).odds
    assert odds.switch_day == scene.window.start + np.timedelta64(420, "D")
    for ahead, matters, harmless in (
        (200, ("usage",), ("people", "billing")),
        (500, ("people", "billing"), ("usage",)),
    ):
        day = scene.window.start + np.timedelta64(ahead, "D")
        who = customers(scene, day)
        p = _of_world(fates, who, day)[:, 2]
        stage = {kind: odds.stages[kind][who, odds.week[ahead]] for kind in (*matters, *harmless)}
        for kind in matters:
            assert p[stage[kind] >= 3].mean() > 3 * p[stage[kind] == 0].mean(), kind
        for kind in harmless:
            assert p[stage[kind] >= 3].mean() < 1.5 * p[stage[kind] == 0].mean(), kind


# --- what can be seen ------------------------------------------------------------------------------------------------


def slipping(files: dict[str, pl.DataFrame], truth: pl.DataFrame) -> Array:
    """Users of the last four weeks against the half year before, turned round; by row of the truth."""
    day, users = pl.col("as_of").str.to_date(), pl.col("active_users").cast(pl.Float64)
    usage = files["usage_daily"].select("account_external_id", pl.col("date").str.to_date(), users)
    both = truth.select("account_external_id", day).join(usage, on="account_external_id")
    age = (pl.col("as_of") - pl.col("date")).dt.total_days()
    late = pl.col("active_users").filter(age.is_between(1, 28)).mean()
    early = pl.col("active_users").filter(age.is_between(29, 210)).mean()
    ratio = both.group_by("account_external_id", "as_of").agg((-(late / early)).alias("figure"))
    return joined(truth, ratio)


def owing(files: dict[str, pl.DataFrame], truth: pl.DataFrame) -> Array:
    """Invoices that were due in the last 120 days and are or were late by more than 20 days."""
    known = files["invoices"].filter(pl.col("voided_at").is_null())
    dates = [pl.col(name).str.head(10).str.to_date() for name in ("due_at", "paid_at")]
    both = truth.select("account_external_id", pl.col("as_of").str.to_date()).join(
        known.select("account_external_id", *dates), on="account_external_id"
    )
    late_day = pl.col("due_at").dt.offset_by("20d")
    recent = (pl.col("as_of") - pl.col("due_at")).dt.total_days().is_between(21, 120)
    late = recent & (pl.col("paid_at").is_null() | (pl.col("paid_at") > late_day))
    return joined(truth, both.group_by("account_external_id", "as_of").agg(late.sum().alias("figure")))


def going(files: dict[str, pl.DataFrame], truth: pl.DataFrame) -> Array:
    """People who departed in the last 180 days."""
    people = files["contacts"].select("account_external_id", pl.col("departed_at").str.head(10).str.to_date())
    both = truth.select("account_external_id", pl.col("as_of").str.to_date()).join(
        people, on="account_external_id"
    )
    age = (pl.col("as_of") - pl.col("departed_at")).dt.total_days()
    count = age.is_between(1, 180).sum().alias("figure")
    return joined(truth, both.group_by("account_external_id", "as_of").agg(count))


def joined(truth: pl.DataFrame, figures: pl.DataFrame) -> Array:
    rows = truth.select("account_external_id", pl.col("as_of").str.to_date())
    found = rows.join(figures, on=["account_external_id", "as_of"], how="left", maintain_order="left")
    return (
        found["figure"]
        .fill_nan(None)
        .fill_null(figures["figure"].fill_nan(None).median())
        .to_numpy()
        .astype(float)
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """For each world, how well one crude figure of each channel tells who leaves in 30 to 90 days (AUC)."""
    out = {}
    for world in ("usage_driven", "people_driven", "billing_driven"):
        folder = tmp_path_factory.mktemp("worlds") / world
        simulate(folder, accounts=900, days=480, seed=12, end=END, world=world)
        files, truth = read(folder), truth_of(folder)
        ahead = truth.filter((pl.col("left_30") == 0) & (pl.col("as_of") >= "2025-06-01"))
        left = ahead["left_90"].to_numpy().astype(float)
        crude = {"usage": slipping, "people": going, "billing": owing}
        out[world] = {channel: auc(left, figure(files, ahead)) for channel, figure in crude.items()}
    return out


@pytest.mark.parametrize("channel", ["usage", "people", "billing"])
def test_the_driver_shows_a_month_ahead_and_nothing_else_does(
    seen: dict[str, dict[str, float]], channel: str
) -> None:
    figures = seen[f"{channel}_driven"]
    assert figures[channel] > 0.57
    for other in set(figures) - {channel}:
        assert abs(figures[other] - 0.5) < 0.12, (channel, other)


def test_leavers_leave_in_the_ways_of_their_world(tmp_path: Path) -> None:
    simulate(tmp_path / "b", accounts=900, days=500, seed=6, end=END, world="billing_driven")
    files = read(tmp_path / "b")
    gone = files["outcomes"].filter(pl.col("kind") == "churned")
    unpaid = set(gone.filter(pl.col("reason") == "non_payment")["account_external_id"])
    told = set(files["subscriptions"].drop_nulls("cancelled_at")["account_external_id"])
    assert len(unpaid) > 0.3 * gone.height
    assert not unpaid & told
    renewal = gone.join(files["subscriptions"], left_on="subscription_external_id", right_on="external_id")
    on_the_day = renewal.filter(pl.col("effective_at").str.head(10) == pl.col("renewal_date"))
    assert 0 < on_the_day.height < 0.4 * gone.height
    assert on_the_day["cancelled_at"].null_count() == on_the_day.height
    early = renewal.filter(pl.col("cancelled_at").is_not_null())
    assert (early["cancelled_at"] == early["effective_at"]).all()  # notice tells nothing beforehand
    assert set(gone["reason"]) <= {
        "product_gap", "support", "price", "onboarding", "company_change", "champion_left", "competitor",
        "non_payment",
    }  # fmt: skip


# --- beside the bundle, never in it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("world", ["default", "switch"])
def test_the_truth_stands_beside_the_bundle(tmp_path: Path, world: str) -> None:
    simulate(tmp_path / "b", accounts=60, days=200, seed=5, end=END, world=world)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "b.truth"]
    assert {path.name.split(".")[0] for path in (tmp_path / "b").iterdir()} == set(FILES)
    assert sorted(path.name for path in (tmp_path / "b.truth").iterdir()) == ["truth.csv.gz", "truth.json"]
    about = json.loads((tmp_path / "b.truth" / "truth.json").read_text())
    assert (about["world"], about["seed"], about["as_of"][-1]) == (world, 5, "2026-04-01")
    assert about["switch_day"] == (None if world == "default" else "2026-01-11")  # 120 of 200 days on
    truth = truth_of(tmp_path / "b")
    assert truth["as_of"].unique().sort().to_list() == about["as_of"]
    assert not truth.select("account_external_id", "as_of").is_duplicated().any()


def test_the_truth_agrees_with_the_bundle(tmp_path: Path) -> None:
    simulate(tmp_path / "b", accounts=500, days=400, seed=8, end=END, world="people_driven")
    files, truth = read(tmp_path / "b"), truth_of(tmp_path / "b")
    gone = churn_days(files)
    since = dict(
        files["accounts"].drop_nulls("customer_since").select("external_id", "customer_since").iter_rows()
    )
    for (day,), rows in truth.group_by("as_of"):
        there = {one for one, came in since.items() if came < str(day) <= gone.get(one, "9999")}
        assert set(rows["account_external_id"]) == there
    for row in truth.sample(300, seed=1).to_dicts():
        left = gone.get(row["account_external_id"])
        if left is not None:
            wait = (datetime.date.fromisoformat(left) - datetime.date.fromisoformat(row["as_of"])).days
            assert row["leaves_in"] == wait
            assert [row[f"left_{h}"] for h in HORIZONS] == [int(wait < h) for h in HORIZONS]
        elif row["leaves_in"] is not None:  # known beyond the bundle's end
            last = datetime.date.fromisoformat(row["as_of"]) + datetime.timedelta(row["leaves_in"])
            assert last > END


def test_same_seed_same_bytes_in_both_folders(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for world in ("switch", "four_churns", "default"):
            simulate(tmp_path / name / world, accounts=60, days=150, seed=5, end=END, world=world)
    for world in ("switch", "four_churns", "default"):
        for folder in (world, f"{world}.truth"):
            assert digest(tmp_path / "one" / folder) == digest(tmp_path / "two" / folder)


@pytest.mark.skipif(
    not CHECKER.is_dir(), reason="the contract's strict checker is not laid beside this checkout"
)
@pytest.mark.parametrize("world", STAGED)
def test_the_strict_checker_finds_no_fault(tmp_path: Path, world: str) -> None:
    simulate(tmp_path / "b", accounts=150, days=300, seed=3, end=END, world=world)
    done = subprocess.run(
        [sys.executable, str(CHECKER / "validate.py"), str(tmp_path / "b")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_truth_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b.truth").mkdir()
    (tmp_path / "b.truth" / "mine.txt").write_text("keep")
    with pytest.raises(CommandError, match=r"b\.truth is not empty") as caught:
        call_command("simulate_bundle", str(tmp_path / "b"), accounts=6, days=20, seed=1)
    assert caught.value.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.truth"]
    (tmp_path / "c.truth").write_text("a file")
    with pytest.raises(SimulationError, match="Cannot use"):
        simulate(tmp_path / "c", accounts=6, days=20, seed=1, end=END)


def test_four_need_some_to_be_taken_from(tmp_path: Path) -> None:
    with pytest.raises(UnusableParameter, match="20 accounts and days"):
        simulate(tmp_path / "b", accounts=6, days=200, seed=1, end=END, world="four_churns")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("world", STAGED)
def test_small_worlds_are_possible(tmp_path: Path, world: str) -> None:
    size = (20, 20) if world == "four_churns" else (2, 3)
    assert (
        simulate(tmp_path / "b", accounts=size[0], days=size[1], seed=1, end=END, world=world)["accounts"]
        == size[0]
    )
