"""The yardstick: its splits leak nothing, and it finds what there is to find, and nothing where there is nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from .reference import Rows, evaluate, forward, label, splits

ALLOWED = {
    "threadpoolctl",
    "__future__",
    "collections",
    "dataclasses",
    "json",
    "numpy",
    "pathlib",
    "polars",
    "sklearn",
    "typing",
}


def made(*, accounts: int = 700, signal: float = 1.8, seed: int = 4) -> Rows:
    """Monthly landmarks of accounts that leave at a daily rate which one of five features moves."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0.0, 1.0, accounts)
    gone = rng.exponential(1.0, accounts) / (0.0006 * np.exp(signal * level)) + 1
    account, day = (
        grid.ravel() for grid in np.meshgrid(np.arange(accounts), np.arange(30, 720, 30), indexing="ij")
    )
    there = gone[account] > day
    account, day = account[there], day[there]
    x = rng.normal(0.0, 1.0, (len(day), 5))
    x[:, 2] = level[account] + rng.normal(0.0, 0.3, len(day))
    x[rng.random(len(day)) < 0.1, 2] = np.nan
    wait, seen = np.ceil(gone[account] - day), (720 - day).astype(float)
    return Rows(x, account, day, np.where(wait < seen, wait, np.inf), seen)


def test_a_window_that_is_not_closed_is_not_a_stayer() -> None:
    day = np.array([0, 0, 0, 0, 0, 70])
    leaves_in = np.array([0, 29, 30, np.inf, np.inf, 5])
    seen_for = np.array([90, 90, 90, 29, 30, 20])
    left, known = label(Rows(np.zeros((6, 1)), np.arange(6), day, leaves_in, seen_for), 30)
    assert left.tolist() == [1, 1, 0, 0, 0, 1]
    assert known.tolist() == [True, True, True, False, True, False]


@pytest.mark.parametrize("horizon", [30, 90])
def test_neither_accounts_nor_outcomes_of_the_test_are_known_in_training(horizon: int) -> None:
    rows = made()
    tested = np.zeros(len(rows.day), int)
    found = list(splits(rows, horizon))
    assert len(found) == 9
    for split in found:
        assert not set(rows.account[split.train]) & set(rows.account[split.test])
        assert rows.day[split.train].max() + horizon <= rows.day[split.test].min()
        tested += split.test
    assert tested.max() == 1  # each row is tested once at most


def test_it_finds_a_signal() -> None:
    answers = evaluate(made())
    assert set(answers) == {30, 60, 90}
    for answer in answers.values():
        assert answer.auc > 0.65
        assert len(answer.row) == len(answer.p) == len(answer.left) > 500
        assert abs(answer.p.mean() - answer.left.mean()) < 0.02


def test_it_answers_for_the_days_from_an_origin_on() -> None:
    rows = made(accounts=400)
    answer = forward(rows, 510, 90)
    assert rows.day[answer.row].min() == 510
    assert rows.day[answer.row].max() == 630  # its window of 90 days closes with what is known
    assert answer.auc > 0.65
    later = Rows(
        rows.x, rows.account, rows.day, np.where(rows.day >= 510, 1.0, rows.leaves_in), rows.seen_for
    )
    assert (forward(later, 510, 90).p == answer.p).all()  # what came after the origin was not learnt


def test_it_finds_nothing_where_there_is_nothing() -> None:
    answer = evaluate(made(signal=0.0), horizons=(90,))[90]
    assert abs(answer.auc - 0.5) < 0.08


def test_it_stands_alone() -> None:
    for name in ("reference.py", "judge.py"):
        for node in ast.walk(ast.parse((Path(__file__).parent / name).read_text())):
            if isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] != "scoring" for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in ALLOWED
