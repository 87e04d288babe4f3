"""Weekly hazards of the next milestone: counts by hand, order, and what the judge says."""

import numpy as np
import pytest

from scoring.engine import milestones as engine

INF, NAN = np.inf, np.nan


def waits(*rows, due=NAN):
    """Rows of (began, reached) or (began, reached, left), each of an account of its own."""
    full = [(*row, INF)[:3] for row in rows]
    n = len(full)
    return engine.Waits(
        np.arange(n), np.zeros(n, dtype=np.int64), np.array([row[0] for row in full], dtype=float),
        np.full(n, due, dtype=float), np.array([row[1] for row in full], dtype=float),
        np.array([row[2] for row in full], dtype=float),
    )  # fmt: skip


def test_only_full_weeks_count():
    """By day 21: one reached in its second week, one open for three, one that left in its second, one too new."""
    found = engine.fit(waits((0, 10), (0, INF), (0, INF, 9), (18, 20)), kinds=1, until=21)
    assert (found.weeks, found.events) == (2 + 3 + 2, 1)
    assert found.leave == pytest.approx(1 / 7)


def test_what_comes_after_the_day_is_not_read():
    early = engine.fit(waits((0, 10), (0, 80)), kinds=1, until=42)
    late = engine.fit(waits((0, 10), (0, INF)), kinds=1, until=42)
    assert np.array_equal(early.coefs, late.coefs)


def fitted(hazard):
    """One hazard for every week, known exactly."""
    nothing = np.zeros(1), np.zeros(engine.DUES), np.zeros(engine.WAITS)
    size = 2 + engine.DUES + engine.WAITS
    return engine.Fitted(np.log(hazard / (1 - hazard)), *nothing, np.eye(size) * 1e-12, 0.0, 1, 1)


def test_chance_and_dates_of_one_constant_hazard():
    """A tenth a week: half have reached it in the seventh week (1 - .9^6 = .469, 1 - .9^7 = .522)."""
    found = engine.foretell(fitted(0.1), waits((0, INF)), day=0)
    weeks = 1 - 0.9 ** np.arange(30)
    assert found.p[0] == pytest.approx(np.interp([30, 60, 90], np.arange(30) * 7, weeks))
    assert found.days[0, 1] == pytest.approx(7 * (6 + (0.5 - weeks[6]) / (weeks[7] - weeks[6])))
    assert found.days[0, 0] == pytest.approx(7)
    assert found.low[0] == pytest.approx(found.p[0, 2], abs=1e-4)


def test_leaving_competes_and_what_never_comes_has_no_date():
    """Reached or left with a tenth a week each: never more than 1 / 1.9 = .526 reach it."""
    slow = fitted(0.1)
    slow = engine.Fitted(slow.base, slow.kind, slow.due, slow.wait, slow.covariance, 0.1, 1, 1)
    found = engine.foretell(slow, waits((0, INF)), day=0)
    assert np.isnan(found.days[0, 2])
    assert not np.isnan(found.days[0, 1])
    assert found.p[0, 2] < 0.1 / 0.19


def test_it_learns_that_overdue_ones_come_later():
    """Half are reached around their due day, the others long after; the chances are in order of the horizons."""
    rng = np.random.default_rng(5)
    rows = [(0, 60 + rng.integers(0, 14) if each % 2 else 200 + rng.integers(0, 200)) for each in range(200)]
    made = engine.fit(waits(*rows, due=63), kinds=1, until=500)
    before = engine.foretell(made, waits((0, INF), due=63), day=50)
    after = engine.foretell(made, waits((0, INF), due=63), day=100)
    assert before.p[0, 0] > 0.3 > after.p[0, 0]
    assert (np.diff(before.p[0]) >= 0).all()
    assert before.low[0] < before.p[0, 2] < before.high[0]


def test_the_judge_counts_what_is_over():
    """Four forecasts: day 20 within 10 to 40; day 50 not; never, and its interval is over; one still running."""
    found = engine.judge(
        engine.Judged(
            account=np.arange(4),
            p=np.tile([0.2, 0.4, 0.6], (4, 1)),
            base=np.full((4, 3), 0.5),
            days=np.array([[10, 20, 40], [10, 20, 40], [10, 20, 40], [10, 20, 400.0]]),
            reached_in=np.array([20, 50, INF, 5]),
            seen_for=np.full(4, 100.0),
        )
    )
    dates = found["dates"]
    assert (dates["n"], dates["inside"], dates["not_over"], dates["median_late"]) == (3, 1, 1, 15)
    last = found["horizons"]["90"]
    assert (last["events"], last["expected"]) == (3, pytest.approx(2.4))
    assert last["skill"] == pytest.approx(1 - (3 * 0.16 + 0.36) / (4 * 0.25))
    assert last["bins"] == []  # none has five expected ones
