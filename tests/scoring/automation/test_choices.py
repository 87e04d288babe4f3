"""What each precision costs: chosen on the older days, judged on the newer ones alone."""

import numpy as np

from scoring.engine.churn.data import Stack
from scoring.learning.choices import precisions

OLD, NEW = 100, 190


def judged(p, left, **wish):
    """The same 100 chances on the older and on the newer day; `left` of each."""
    n = 2 * len(p)
    blank = np.full(n, np.nan)
    stack = Stack(
        x=np.zeros((n, 1)), names=("a",), account=np.tile(np.arange(len(p)), 2), day=np.repeat([OLD, NEW], len(p)),
        segment=np.full(n, -1), segments=(), arr=blank, renewal_in=blank, term_days=blank,
        leaves_in=np.where(np.concatenate(left), 20.0, np.inf), seen_for=np.full(n, 400.0),
    )  # fmt: skip
    chances = np.column_stack([np.tile(p, 2) / 3, np.tile(p, 2) / 2, np.tile(p, 2)])
    return {row["wanted"]: row for row in precisions(stack, chances, stack.day == OLD, seed=1, **wish)}


def test_the_older_days_choose_and_the_newer_ones_judge():
    p = np.concatenate([np.full(20, 0.9), np.full(20, 0.5), np.full(60, 0.1)])
    older = np.zeros(100, bool)
    older[:20], older[20:30] = True, True  # at .9: 20 of 20; at .5: 30 of 40
    newer = np.zeros(100, bool)
    newer[:15], newer[40:50] = True, True  # at .9: 15 of 20 left, and 25 left in all
    found = judged(p, (older, newer))
    assert (found[0.7]["threshold"], found[0.8]["threshold"]) == (0.5, 0.9)
    assert found[0.8]["precision"]["value"] == 15 / 20
    assert found[0.8]["recall"]["value"] == 15 / 25
    assert found[0.7]["precision"]["value"] == 15 / 40


def test_the_share_that_a_workspace_wants_is_counted_with_those_on_offer():
    p = np.concatenate([np.full(20, 0.9), np.full(20, 0.5), np.full(60, 0.1)])
    left = np.zeros(100, bool)
    left[:20], left[20:26] = True, True  # at .9: 20 of 20; at .5: 26 of 40, which is .65
    assert 0.65 not in judged(p, (left, left))
    found = judged(p, (left, left), wanted=0.65)
    assert list(found) == sorted(found)
    assert (found[0.65]["threshold"], found[0.65]["recall"]["value"]) == (0.5, 1.0)
    assert len(judged(p, (left, left), wanted=0.8)) == len(judged(p, (left, left)))  # on offer already


def test_what_no_threshold_reaches_is_said_to_be_out_of_reach():
    p = np.concatenate([np.full(20, 0.9), np.full(80, 0.1)])
    left = np.zeros(100, bool)
    left[:10] = True
    found = judged(p, (left, left))
    assert found[0.5]["reached"]
    assert found[0.95] == {
        "wanted": 0.95, "reached": False, "threshold": None, "precision": None, "recall": None,
    }  # fmt: skip
