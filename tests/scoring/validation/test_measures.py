"""Each measure against a hand-computed value, identities that must hold, and intervals that cover the truth."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.engine.validation import measure
from scoring.engine.validation.intervals import beta, draw, poisson, wilson
from scoring.engine.validation.ranks import auc, average_precision, precise, rough, top_share
from tests.scoring.validation.worlds import observed, sigmoid, world

P = np.array([0.1, 0.4, 0.35, 0.8])
Y = np.array([False, False, True, True])


def one(y, p, *, base=None, threshold=0.4, capacity=1, draws=20, least_events=1, **rows):
    """Figures of one horizon of 90 days."""
    made = measure(
        observed(y, **rows), np.asarray(p, dtype=float)[:, None], threshold=threshold, capacity=capacity, draws=draws,
        base=base, horizons=(90,), least_events=least_events,
    )  # fmt: skip
    return made["horizons"]["90"]


def values(y, p, **more):
    return {name: each["value"] for name, each in one(y, p, **more)["all"].items() if isinstance(each, dict)}


def test_every_figure_of_four_rows_by_hand():
    found = values(Y, P, base=0.25, arr=[1, 2, 30, 10])
    assert found["auc"] == 0.75  # 3 of 4 pairs
    assert found["ap"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found["rate"] == 0.5
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert found["base_brier"] == pytest.approx(0.3125)
    assert found["brier_skill"] == pytest.approx(1 - 0.158125 / 0.3125)
    assert found["log_loss"] == pytest.approx((0.105361 + 0.510826 + 1.049822 + 0.223144) / 4, abs=1e-6)
    assert found["ece"] == pytest.approx((0.1 + 0.4 + 0.65 + 0.2) / 4)  # four rows, a bin each
    assert found["observed_expected"] == pytest.approx(2 / 1.65)
    assert (found["precision"], found["recall"]) == (0.5, 0.5)
    assert (found["precision_at_capacity"], found["recall_at_capacity"]) == (1.0, 0.5)
    assert found["recall_of_arr"] == 0.25
    assert found["top_decile_lift"] == pytest.approx(2.0)


def test_slope_and_intercept_of_two_groups_by_hand():
    y = np.r_[np.arange(100) < 30, np.arange(100) < 50]
    found = values(y, np.repeat([0.2, 0.6], 100))
    # two groups: the line goes through both observed logits
    assert found["slope"] == pytest.approx(np.log(7 / 3) / (np.log(1.5) + np.log(4)), abs=1e-6)
    from statsmodels.api import GLM, families

    logit = np.log(np.repeat([0.25, 1.5], 100))
    fitted = GLM(y.astype(float), np.ones(200), family=families.Binomial(), offset=logit).fit()
    assert found["intercept"] == pytest.approx(fitted.params[0], abs=1e-6)
    assert found["ece"] == pytest.approx((0.1 + 0.1) / 2)


def test_slope_settles_when_the_order_is_upside_down():
    y = np.r_[np.arange(1000) < 60, np.arange(1000) < 50]
    found = values(y, np.repeat([0.01, 0.1], 1000))
    logits = [np.log(each / (1 - each)) for each in (0.06, 0.05, 0.01, 0.1)]
    assert found["slope"] == pytest.approx((logits[1] - logits[0]) / (logits[3] - logits[2]), abs=1e-6)
    # intercept: a + logit(p) expects as many as left
    assert (1000 * sigmoid(found["intercept"] + np.array(logits[2:]))).sum() == pytest.approx(110)


def test_order_and_probability_figures_agree_with_scikit_learn():
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    stack, p = world(400, 2, seed=3)
    p = np.round(p, 2).clip(0.01, 0.99)  # many ties
    y = stack.leaves_in < 90
    found = measure(stack, p, threshold=0.2, capacity=10, draws=10)["horizons"]["90"]["all"]
    assert found["auc"]["value"] == pytest.approx(roc_auc_score(y, p[:, 2]))
    assert found["ap"]["value"] == pytest.approx(average_precision_score(y, p[:, 2]))
    assert found["brier"]["value"] == pytest.approx(brier_score_loss(y, p[:, 2]))
    assert found["log_loss"]["value"] == pytest.approx(log_loss(y, p[:, 2]))


def test_censored_rows_small_segments_and_missing_outcomes():
    made = measure(
        observed([10.0, np.inf, np.inf, 10.0], segment=[0, 0, 1, -1], segments=("smb", "mid"), seen=[99, 99, 40, 99]),
        np.full((4, 3), 0.5),
        threshold=0.5,
        capacity=1,
        draws=10,
    )  # fmt: skip
    last = made["horizons"]["90"]
    assert last["censored"] == 1
    assert last["all"]["n"] == 3
    assert last["all"]["slope"]["value"] is None  # no spread of p
    assert last["segments"] == {
        "smb": {"hidden": True, "n": 2, "events": 1},
        "mid": {"hidden": True, "n": 0, "events": 0},
    }
    assert made["horizons"]["30"]["censored"] == 0
    none_left = values(np.zeros(5, dtype=bool), np.linspace(0.1, 0.2, 5))
    assert none_left["auc"] is None
    assert none_left["recall"] is None
    assert none_left["brier"] is not None
    assert one(np.zeros(2, dtype=bool), [0.1, 0.2], seen=10)["all"]["n"] == 0


def test_results_are_json_and_the_seed_decides():
    stack, p = world(150, 2, seed=5)
    texts = [
        json.dumps(
            measure(stack, p, threshold=(0.1, 0.2, 0.3), capacity=5, draws=30, seed=seed), allow_nan=False
        )
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_base_may_differ_by_row():
    stack, p = world(100, 1, seed=5)
    skill = [
        measure(stack, p, threshold=0.2, capacity=5, draws=5, base=base)["horizons"]["90"]["all"][
            "brier_skill"
        ]
        for base in (p, (0.02, 0.04, 0.06), np.tile([0.02, 0.04, 0.06], (100, 1)))
    ]
    assert skill[0]["value"] == pytest.approx(0.0)
    assert skill[1] == skill[2]


probabilities = arrays(float, st.integers(6, 60), elements=st.sampled_from(np.linspace(0.02, 0.98, 25)))


@given(probabilities, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_order_of_rows_and_monotone_maps(p, seed):
    rng = np.random.default_rng(seed)
    y = rng.random(p.size) < 0.4
    y[0], y[1] = True, False
    turn = rng.permutation(p.size)
    plain = values(y, p, threshold=0.5, capacity=3, draws=2)
    turned = values(y[turn], p[turn], threshold=0.5, capacity=3, draws=2, account=turn)
    assert plain == pytest.approx(turned, nan_ok=True)
    mapped = values(y, p**3, threshold=0.125, capacity=3, draws=2)
    for key in ("auc", "ap", "precision_at_capacity", "recall_at_capacity", "top_decile_lift"):
        assert plain[key] == pytest.approx(mapped[key])


@given(probabilities, st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_weight_is_the_same_as_a_repeated_account(p, seed):
    """The bootstrap weighs accounts; a weight of 2 must do what two equal rows do."""
    rng = np.random.default_rng(seed)
    y = (rng.random(p.size) < 0.4).astype(float)
    y[:2] = 1.0, 0.0
    drawn = draw(np.arange(p.size), draws=4, seed=seed)
    steps = rough(y, p, drawn)
    for at, weights in enumerate(drawn.weights):
        longer = precise(np.repeat(y, weights), np.repeat(p, weights))
        assert auc(steps)[at] == pytest.approx(auc(longer)[0], nan_ok=True)
        assert average_precision(steps)[at] == pytest.approx(average_precision(longer)[0], nan_ok=True)
        assert drawn.sums(y[:, None])[at, 0] == np.repeat(y, weights).sum()


@given(probabilities, st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_top_places_add_up_and_ties_share_them(p, count):
    day = np.arange(p.size) % 2
    share = top_share(p, day, count=count)
    for at in (0, 1):
        assert share[day == at].sum() == pytest.approx(min(count, (day == at).sum()))
    assert top_share(np.full(4, 0.3), np.zeros(4, dtype=int), count=1).tolist() == [0.25] * 4


def test_draws_see_nearly_exact_order():
    stack, p = world(4000, 2, seed=9)
    y = (stack.leaves_in < 90).astype(float)
    steps = rough(y, p[:, 2], draw(stack.account, draws=1, seed=0))
    assert steps.logit.size < 400
    assert auc(steps)[0] == pytest.approx(auc(precise(y, p[:, 2]))[0], abs=1e-4)
    assert average_precision(steps)[0] == pytest.approx(average_precision(precise(y, p[:, 2]))[0], abs=2e-3)


def test_intervals_of_counts_by_hand():
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert poisson(10) == pytest.approx((4.795, 18.390), abs=1e-3)  # Garwood's table
    assert poisson(0) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert beta(0, 0, a=1, b=1) == pytest.approx((0.025, 0.975))


def test_certain_rates_still_have_an_interval():
    found = one(np.array([True] * 4 + [False] * 40), np.r_[np.full(4, 0.9), np.full(40, 0.1)], threshold=0.5)[
        "all"
    ]
    assert found["precision"]["value"] == 1.0
    assert found["precision"]["low"] == pytest.approx(wilson(4, 4)[0])


def test_account_intervals_cover_the_truth():
    """80 worlds of 250 accounts x 3 landmarks that are alike inside an account: 95 % intervals, nominal rate."""
    big, p = world(40_000, 3, seed=99)
    keys = ("auc", "brier", "log_loss", "precision", "recall", "slope", "top_decile_lift")
    truth = measure(big, p, threshold=0.2, capacity=20, draws=1, horizons=(30, 60, 90))["horizons"]["90"][
        "all"
    ]
    caught = dict.fromkeys(keys, 0)
    for seed in range(80):
        stack, p = world(250, 3, seed=seed)
        stack = observed(stack.leaves_in, account=stack.account, day=stack.day, horizon=90)
        figures = measure(
            stack,
            p[:, 2:],
            threshold=0.2,
            capacity=20,
            draws=200,
            seed=seed,
            horizons=(90,),
            least_events=10**9,
        )["horizons"]["90"]["all"]
        for key in keys:
            caught[key] += figures[key]["low"] <= truth[key]["value"] <= figures[key]["high"]
    print("coverage of 95 % intervals in 80 worlds", {key: n / 80 for key, n in caught.items()})
    assert all(n / 80 >= 0.86 for n in caught.values()), caught
    assert sum(caught.values()) / 80 / len(keys) <= 0.99  # and not by being endless


def test_resampling_rows_would_be_too_sure():
    """Why accounts are drawn: with twelve equal rows an account the interval of rows is far too narrow."""
    rng = np.random.default_rng(4)
    account = np.repeat(np.arange(100), 12)
    chance = sigmoid(rng.normal(size=100) - 1)[account]
    y = np.repeat(rng.random(100) < chance[::12], 12)
    wide, narrow = (
        one(y, chance, account=each, draws=200)["all"]["brier"] for each in (account, np.arange(1200))
    )
    assert wide["high"] - wide["low"] > 2.5 * (narrow["high"] - narrow["low"])
