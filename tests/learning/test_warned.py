"""Lead time overall and by segment, and the kinds of leaving, each share with an interval of whole accounts."""

from datetime import date

import numpy as np
import pytest

from scoring import leaving
from scoring.learning import labels, warned
from tests.learning.made_up import landmarks

UNTIL = labels.day_number(date(2026, 10, 1))


@pytest.fixture(scope="module")
def told():
    """(rows, chances that know a little, who left): 400 accounts, three segments, about a hundred leavers."""
    plan, stack = landmarks()
    rng = np.random.default_rng(5)
    p = 1 / (1 + np.exp(-(np.where(stack.leaves_in < 150, 0.5, -2) + rng.normal(size=len(stack)))))
    return stack, p, plan.known


def test_lead_time_is_told_overall_and_by_segment(told):
    stack, p, known = told
    found = warned.warning(stack, p, known, UNTIL, 0.4, seed=1)
    by_segment = found["segments"]
    assert set(by_segment) == set(stack.segments)
    shown = [each for each in by_segment.values() if not each["hidden"]]
    assert len(shown) == 3
    assert sum(each["denominator"] for each in shown) == found["denominator"]
    assert sum(each["share"]["events"] for each in shown) == found["share"]["events"]
    assert sum(each["precision"]["n"] for each in shown) == found["precision"]["n"]
    for each in (found, *shown):
        for name in ("share", "median", "precision"):
            assert each[name]["low"] <= each[name]["value"] <= each[name]["high"]
        assert each["share"]["low"] < each["share"]["high"]


def test_a_segment_with_few_leavers_shows_counts_alone(told):
    stack, p, known = told
    few = np.flatnonzero((stack.segment != 0) | ~np.isfinite(stack.leaves_in))
    found = warned.warning(warned.take(stack, few), p[few], known, UNTIL, 0.4, seed=1)
    assert found["segments"][stack.segments[0]] == {"hidden": True, "denominator": 0, "left": 0}


def test_intervals_draw_accounts_not_flags():
    """Twenty flags of four accounts tell as little as four: the interval is as wide."""
    account, hits = np.arange(4), np.array([True, True, False, False])
    four = warned.share(hits, account, draws=2000, seed=1)
    twenty = warned.share(np.repeat(hits, 5), np.repeat(account, 5), draws=2000, seed=1)
    assert (twenty["n"], twenty["events"]) == (20, 10)
    assert (twenty["low"], twenty["high"]) == (four["low"], four["high"])
    assert (
        warned.share(np.ones(3, dtype=bool), np.arange(3), draws=50, seed=1)["low"] < 1
    )  # Wilson where all are hits
    nobody = warned.share(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64), draws=50, seed=1)
    assert (nobody["value"], nobody["n"]) == (None, 0)


def test_kinds_of_leaving_have_intervals(told):
    stack, p, known = told
    kind = np.arange(len(known)) % 2  # voluntary and non_renewal by turns
    both = labels.Leavers(known.account, known.day, kind, known.notice)
    found = warned.kinds(stack, p, both, 0.4, horizon=90, seed=1)
    assert set(found) == set(leaving.KINDS)
    for name in leaving.KINDS[:2]:
        each = found[name]
        assert each["left"] == each["share"]["n"] > 20
        assert each["flagged"] == each["share"]["events"]
        assert each["share"]["low"] < each["share"]["value"] < each["share"]["high"]
    assert found["unknown"]["share"]["value"] is None
