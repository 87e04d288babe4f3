"""Every kind of leak, planted and caught; a clean set in which nothing trips."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from scoring.engine.validation.leaks import leaks
from tests.scoring.validation.worlds import Observed, sigmoid

ACCOUNTS, MONTHS = 400, 12
NAMES = ("usage", "support", "survey", "breadth")


@dataclass(frozen=True)
class Table(Observed):
    x: np.ndarray
    names: tuple[str, ...]


def clean(seed=0):
    """Inputs that wander; leaving in 90 days follows two of them."""
    rng = np.random.default_rng(seed)
    account, day = np.tile(np.arange(ACCOUNTS), MONTHS), np.repeat(np.arange(MONTHS) * 30, ACCOUNTS)
    x = np.empty((MONTHS, ACCOUNTS, 4))
    x[0] = rng.normal(size=(ACCOUNTS, 4))
    for month in range(1, MONTHS):
        x[month] = 0.9 * x[month - 1] + np.sqrt(1 - 0.81) * rng.normal(size=(ACCOUNTS, 4))
    x = x.reshape(-1, 4)
    left = rng.random(account.size) < sigmoid(-2.2 + x[:, 0] + 0.7 * x[:, 1])
    x[rng.random(account.size) < 0.3, 2] = np.nan
    n = account.size
    return Table(
        account,
        day,
        np.full(n, -1),
        (),
        np.full(n, np.nan),
        np.where(left, 40.0, np.inf),
        np.full(n, 400.0),
        x,
        NAMES,
    )


@pytest.fixture(scope="module")
def table():
    return clean()


def caught(rows):
    return {(each["key"], each["feature"]) for each in rows if each["tripped"]}


def plant(table, name, values):
    return replace(table, x=np.column_stack([table.x, values]), names=(*table.names, name))


def test_a_clean_set_trips_nothing(table):
    rng = np.random.default_rng(1)
    tenure = table.day + rng.integers(0, 700, size=ACCOUNTS)[table.account]
    half = table.account % 2 == 0
    rows = leaks(table, later=table.x.copy(), train=half, test=~half, tenure=tenure.astype(float))
    assert caught(rows) == set()
    assert {each["key"] for each in rows} == {
        "alone", "shift", "shift_one", "duplicates", "same_rows", "apart", "read_later", "tenure",
    }  # fmt: skip


def test_a_field_written_after_the_decision(table):
    left = np.isfinite(table.leaves_in)
    reason = np.where(left, 1.0, np.nan)  # filled for leavers only
    rng = np.random.default_rng(2)
    weaker = np.where(rng.random(left.size) < 0.8, left, 0).astype(float) + 0.01 * rng.normal(size=left.size)
    assert ("alone", "reason") in caught(leaks(plant(table, "reason", reason)))
    found = caught(leaks(plant(table, "save_play", weaker)))
    assert ("shift", "") in found
    assert ("shift_one", "save_play") in found
    assert not {each for each in found if each[1] in NAMES}


def test_a_current_value_joined_to_the_past_and_statistics_of_all_rows(table):
    rng = np.random.default_rng(3)
    plan_then, plan_now = (rng.integers(0, 3, size=ACCOUNTS)[table.account].astype(float) for _ in range(2))
    scaled_then = table.x[:, 0] / table.x[table.day <= 180, 0].std()
    scaled_late = table.x[:, 0] / table.x[:, 0].std()
    wide = plant(plant(table, "plan", plan_then), "scaled", scaled_then)
    later = np.column_stack([table.x, plan_now, scaled_late])
    assert caught(leaks(wide, later=later)) == {("read_later", "plan"), ("read_later", "scaled")}
    gone = table.x.copy()
    gone[5, 1] = np.nan
    assert caught(leaks(table, later=gone)) == {("read_later", "support")}


def test_totals_that_encode_tenure(table):
    rng = np.random.default_rng(4)
    start = rng.integers(0, 700, size=ACCOUNTS)[table.account]
    tenure = (table.day + start).astype(float)
    charges = tenure * np.exp(0.3 * rng.normal(size=ACCOUNTS))[table.account]
    found = leaks(plant(table, "total_charges", charges), tenure=tenure)
    assert ("tenure", "total_charges") in caught(found)
    with_tenure = plant(table, "tenure", tenure)
    assert ("tenure", "tenure") in caught(leaks(with_tenure, tenure=tenure))
    assert caught(leaks(with_tenure, tenure=tenure, exempt=("tenure",))) == set()


def test_the_same_account_on_both_sides(table):
    late = table.day >= 180
    assert ("apart", "") in caught(leaks(table, train=~late, test=late))


def test_duplicates_and_resampling_before_the_split(table):
    left = np.flatnonzero(np.isfinite(table.leaves_in))
    more = np.r_[np.arange(table.day.size), left, left]  # leavers repeated to balance the classes
    per_row = ("account", "day", "segment", "arr", "leaves_in", "seen_for", "x")
    doubled = replace(table, **{name: getattr(table, name)[more] for name in per_row})
    found = caught(leaks(doubled))
    assert {("duplicates", ""), ("same_rows", "")} <= found
    renamed = replace(doubled, account=np.r_[table.account, np.arange(2 * left.size) + 10_000])
    assert ("same_rows", "") in caught(leaks(renamed))  # also under new ids


def test_too_little_past_says_so():
    table = clean()
    young = replace(table, day=np.zeros_like(table.day), account=np.arange(table.day.size))
    (shift,) = [each for each in leaks(young) if each["key"] == "shift"]
    assert shift["value"] is None
    assert "too few to compare" in shift["words"]
