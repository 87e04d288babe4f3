"""Low and high thirds by hand; whole accounts are drawn; small sides, and worlds of noise, say nothing."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.engine.churn.gaps import gaps, thirds
from scoring.learning.associated import _told, associated

from .by_hand import curve, model, rows

NAME = "usage.level"


def stacked(x, left, *, days=1, seen_for=120.0):
    """One feature; each account on so many days with the same value; leavers go 40 days after each of them."""
    x, left = np.repeat(np.asarray(x, float), days), np.repeat(np.asarray(left, bool), days)
    made = rows(x, (NAME,))
    many = len(x) // days
    return replace(
        made, account=np.repeat(np.arange(many), days), day=20_000 + 30 * np.tile(np.arange(days), many),
        leaves_in=np.where(left, 40.0, np.inf), seen_for=np.full(len(x), seen_for),
    )  # fmt: skip


def test_thirds_keep_equal_values_together():
    lower, upper, low, high = thirds(np.array([1.0, 2, 3, 4, 5, 6, np.nan]))
    assert (low, high) == (2.0, 4.0)  # the smallest values below and from which a third and two thirds lie
    assert (lower.sum(), upper.sum()) == (2, 3)
    lower, upper, low, high = thirds(np.array([0.0] * 8 + [1, 3]))
    assert (low, high, int(lower.sum()), int(upper.sum())) == (0.0, 1.0, 8, 2)
    lower, upper, low, high = thirds(np.array([1.0, 3] + [5.0] * 8))
    assert (low, high, int(lower.sum()), int(upper.sum())) == (3.0, 5.0, 2, 8)
    assert thirds(np.full(9, 2.0)) is None
    assert thirds(np.full(9, np.nan)) is None


def test_a_gap_by_hand_and_its_interval_draws_accounts():
    # values 0, 1, 2 for 40 accounts each; 10 of the low ones leave, 4 of the high ones
    x = np.repeat([0.0, 1.0, 2.0], 40)
    left = np.r_[np.arange(40) < 10, np.zeros(40), np.arange(40) < 4]
    (found,) = gaps(stacked(x, left), np.ones(120, bool))
    assert (found.lower.cut, found.upper.cut) == (0.0, 2.0 if found.upper.rows == 40 else 1.0)
    assert (found.lower.rows, found.lower.accounts, found.lower.leavers, found.lower.rate) == (
        40,
        40,
        10,
        0.25,
    )
    rate = 4 / found.upper.rows
    assert found.value == pytest.approx(rate - 0.25)
    deviation = np.sqrt(0.25 * 0.75 / 40 + rate * (1 - rate) / found.upper.rows)
    assert found.deviation == pytest.approx(deviation, rel=0.2)
    assert found.low < found.value < found.high
    # the same accounts on six days are no more to go by: rows grow six-fold, the interval stays
    (often,) = gaps(stacked(x, left, days=6), np.ones(720, bool))
    assert (often.lower.rows, often.lower.accounts, often.value) == (240, 40, pytest.approx(found.value))
    assert often.deviation == pytest.approx(found.deviation, rel=0.01)


def test_open_windows_and_small_sides_are_left_out():
    x, left = np.repeat([0.0, 1.0], 30), np.r_[np.arange(30) < 10, np.zeros(30)]
    everybody = np.ones(60, bool)
    assert len(gaps(stacked(x, left), everybody)) == 1
    assert gaps(stacked(x, left, seen_for=89.0), everybody) == []
    assert gaps(stacked(x, np.r_[np.arange(30) < 9, np.zeros(30)]), everybody) == []
    assert gaps(stacked(x, left), np.arange(60) < 49) == []  # 19 on the high side


def test_every_segment_is_told_or_hidden_with_its_counts():
    x = np.repeat([0.0, 1.0, 2.0], 40)
    left = np.r_[np.arange(40) < 20, np.zeros(80)]
    made = replace(
        stacked(x, left), segment=np.where(np.arange(120) % 12 == 0, 1, 0), segments=("large", "small")
    )
    fitted = model((curve(NAME, [0, 2], [1.0, -1.0, 0.0], usual=1.0),))
    found = associated(fitted, made)
    segments = {each["name"]: each for each in found["segments"]}
    assert {name: each["hidden"] for name, each in segments.items()} == {
        "all": False,
        "large": False,
        "small": True,
    }
    assert (segments["small"]["accounts"], "rows" in segments["small"]) == (10, False)
    assert (segments["all"]["accounts"], segments["all"]["leavers"]) == (120, 20)
    (line,) = [each for each in segments["all"]["rows"] if each["name"] == NAME]
    assert line["gap"]["lower"]["rate"] == 0.5
    assert line["gap"]["sure"]
    assert line["size"]["low"] <= line["size"]["value"] <= line["size"]["high"]
    assert found["questions"] == 2
    (again,) = [each for each in associated(fitted, made)["segments"] if each["name"] == "all"]
    assert again == segments["all"]


def test_in_worlds_of_noise_hardly_anything_is_claimed():
    """Ten worlds, forty columns each: 95 % intervals claim about twenty; widened for forty questions one world in
    twenty claims anything, so that four of ten would be wrong."""
    names, everybody, wide, claiming = tuple(f"usage.f{at}" for at in range(40)), np.ones(600, bool), 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        made = rows(rng.normal(size=(600, 40)), names)
        made = replace(
            made, leaves_in=np.where(rng.random(600) < 0.15, 40.0, np.inf), seen_for=np.full(600, 120.0)
        )
        found = [_told(each, 40) for each in gaps(made, everybody)]
        assert len(found) == 40
        wide += sum(each["low"] > 0 or each["high"] < 0 for each in found)
        claiming += any(each["sure"] for each in found)
    assert 8 <= wide <= 40
    assert claiming < 4


def test_nobody_left_and_no_window_closed():
    x = np.repeat([0.0, 1.0, 2.0], 40)
    none = associated(model(()), stacked(x, np.zeros(120)))
    assert all(each["hidden"] for each in none["segments"])
    empty = associated(model(()), stacked(x, np.zeros(120), seen_for=10.0))
    assert (empty["from"], empty["segments"][0]["accounts"]) == (None, 0)
