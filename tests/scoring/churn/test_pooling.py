"""A pool of workspaces whose hazards are known: what leaves them, what it says of one more, when it is silent."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from scoring.engine.churn import pooling
from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import leavers, take
from scoring.engine.churn.document import from_document, to_document
from tests.scoring.churn.truth import World, draw, true_p90

NAMES = (
    "usage.trend_30d",
    "usage.breadth",
    "business.overdue_days",
    "engagement.meetings_90d",
    "account.tenure_days",
)


def workspace(seed, **more):
    """The same forces in units of its own: stretched, shifted, one of them bent."""
    rows = draw(World(accounts=600, landmarks=14, seed=seed, **more))
    rng = np.random.default_rng(seed)
    x = rows.x * rng.uniform(0.5, 50, rows.x.shape[1]) + rng.uniform(-100, 100, rows.x.shape[1])
    x[:, 1] = np.exp(rows.x[:, 1])
    return replace(rows, x=x, names=NAMES)


@pytest.fixture(scope="module")
def parts():
    return [pooling.contribution(workspace(seed, level=-4.6 - 0.2 * seed)) for seed in range(4)]


@pytest.fixture(scope="module")
def one_more():
    """(a workspace that is too small to learn from, its first months, the raw features of its last day)."""
    world = World(accounts=110, landmarks=8, seed=99, level=-5.0)
    rows = draw(world)
    return world, replace(rows, names=NAMES), rows


def test_what_leaves_a_workspace_hangs_on_ranks_alone():
    raw = replace(draw(World(accounts=600, landmarks=14, seed=3)), names=NAMES)
    other = replace(raw, x=raw.x**3 * 7 - 2, arr=raw.arr * 1000)
    one, two = pooling.contribution(raw), pooling.contribution(other)
    assert np.allclose(one.slopes, two.slopes, atol=1e-3)
    assert np.allclose(one.timing, two.timing, atol=1e-3)
    told = pooling.to_json(one)
    assert set(told) == {
        "format", "features", "columns", "slopes", "covariance", "tracked", "timing", "leavers", "accounts",
    }  # fmt: skip
    size = len(pooling.FEATURES)
    assert len(json.dumps(told)) < 20_000
    assert np.shape(told["covariance"]) == (size, size)  # as long for 600 accounts as for a million


def test_too_small_a_workspace_has_nothing_to_hand_on(one_more):
    with pytest.raises(pooling.TooSmall, match="at least 50 among 200"):
        pooling.contribution(one_more[1])


def test_two_workspaces_are_no_pool(parts):
    with pytest.raises(pooling.TooSmall, match="2 workspaces; at least 3"):
        pooling.pool(parts[:2])


def test_the_largest_never_outweighs_all_others():
    assert pooling.shares([1000, 60, 40]).tolist() == [0.5, 0.3, 0.2]
    assert pooling.shares([50, 50, 100, 200]).max() <= 0.5
    assert pooling.shares([7]).tolist() == [1.0]


def test_the_mean_and_the_spread_of_three_by_hand():
    """Weights .5, .3, .2: mean 1.7; sum of squares .38; factor 1.38 / .62."""
    values = np.array([[1.0], [2.0], [3.0]])
    mean, move = pooling._together(values, np.ones(3, dtype=bool), [50, 30, 20])
    assert mean == pytest.approx([1.7])
    assert (move**2).sum() == pytest.approx((0.5 * 0.49 + 0.3 * 0.09 + 0.2 * 1.69) * 1.38 / 0.62)


def test_a_feature_that_two_track_is_not_used(parts):
    few = [replace(part, tracked=part.tracked * (at < 2)) for at, part in enumerate(parts)]
    assert not pooling.pool(few).used.any()
    assert not pooling.pool(few).slopes.any()


def test_the_pool_tells_one_more_workspace_who_leaves(parts, one_more):
    world, stack, raw = one_more
    found = pooling.pool(parts)
    assert found.helped == 4
    assert pooling.is_sound(found)
    fitted, level = pooling.fitted_for(found, stack)
    assert leavers(stack) < 20
    today = stack.day == stack.day.max()
    said = chances(fitted, take(stack, today))
    truth = true_p90(np.nan_to_num(raw.x[today]), raw.renewal_in[today], world)
    assert spearmanr(said.p[:, 2], truth).statistic > 0.7
    assert 0.5 < said.p[:, 2].mean() / truth.mean() < 2
    assert ((said.low90 <= truth) & (truth <= said.high90)).mean() > 0.7
    assert (said.p[:, 0] <= said.p[:, 1]).all()
    assert (said.p[:, 1] <= said.p[:, 2]).all()
    assert level.seen == int((stack.leaves_in < 30).sum())
    again = from_document(json.loads(json.dumps(to_document(fitted))))
    assert (chances(again, take(stack, today)).p == said.p).all()


def test_the_level_moves_to_ones_own_with_evidence_and_stays_without(parts, one_more):
    found, stack = pooling.pool(parts), one_more[1]
    quiet = replace(stack, leaves_in=np.full(len(stack), np.inf))
    _, seen = pooling.fitted_for(found, stack)
    _, none = pooling.fitted_for(found, quiet)
    _, unknown = pooling.fitted_for(found, replace(stack, seen_for=np.zeros(len(stack))))
    assert none.shift < seen.shift
    assert none.shift < 0
    assert (unknown.shift, unknown.expected) == (0, 0)
    assert unknown.deviation == pytest.approx(found.level_sd)
    assert seen.deviation < unknown.deviation


def test_workspaces_without_anything_in_common_tell_nobody():
    """Slopes drawn anew for each workspace: of 60 such pools hardly any passes by luck."""
    rng = np.random.default_rng(5)
    part = pooling.contribution(workspace(1, signal=0.0))
    passed = 0
    for at in range(60):
        torn = [
            replace(part, slopes=rng.normal(0, 1, len(part.slopes)) * part.tracked) for _ in range(3 + at % 3)
        ]
        passed += pooling.is_sound(pooling.pool(torn))
    assert passed <= 4


def test_it_comes_back_from_json_and_another_form_does_not(parts):
    told = json.loads(json.dumps(pooling.to_json(parts[0])))
    assert pooling.from_json(told) is not None
    assert (pooling.from_json(told).slopes == parts[0].slopes).all()
    assert pooling.from_json(told | {"format": 0}) is None
    assert pooling.from_json(told | {"features": ["x"]}) is None
    found = pooling.pool(parts)
    back = pooling.pool_from_json(json.loads(json.dumps(pooling.pool_to_json(found))))
    assert np.allclose(back.slopes, found.slopes, rtol=1e-3)
    assert pooling.pool_from_json({}) is None
