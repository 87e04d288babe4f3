"""How much is believed: idle features must not drown the one that counts, nothing is made of nothing, and what that
is judged on are other accounts, later days too where enough left."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from scoring.engine.churn import relevance
from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import leavers, take
from scoring.engine.churn.fit import Options, fit, prepare
from scoring.engine.churn.select import THIN, folds
from scoring.engine.validation import known_at
from tests.learning import judge, made_up

IDLE = 40


def world(*, strength):
    """(past, later): one feature that drives leaving, or none, among forty that are noise."""
    _, stack = made_up.landmarks(accounts=500, days=14, seed=5, level=-4.3, strength=strength)
    x, rng = stack.x.copy(), np.random.default_rng(0)
    for place in np.flatnonzero(np.isnan(x).all(axis=0))[:IDLE]:
        x[:, place] = rng.normal(size=len(x))
    stack, day = replace(stack, x=x), np.unique(stack.day)[9]
    return known_at(take(stack, stack.day < day), day), take(stack, stack.day >= day)


def told(model, later):
    return judge.auc(chances(model, later).p[:, 2], (later.leaves_in < 90).astype(float))


def test_idle_features_do_not_drown_the_one_that_counts(monkeypatch):
    past, later = world(strength=1.0)
    weighed = fit(past)
    monkeypatch.setattr(relevance, "pays", lambda *_, **__: 0.0)
    plain = fit(past)
    assert (weighed.facts["own_penalty"] > 0, plain.facts["own_penalty"]) == (True, 0.0)
    # folds that few leavers are judged on help the plain one as well: with both, relevance adds what is left
    assert told(weighed, later) > told(plain, later) + 0.02
    assert told(weighed, later) > 0.65


def test_where_nothing_counts_chances_stay_together():
    past, later = world(strength=0.0)
    p = chances(fit(past), later).p[:, 2]
    assert p.std() < 0.25 * p.mean()


def test_the_factor_is_one_over_the_share_of_the_mean_variance():
    basis = np.array([[1, 0, 1], [0, 1, 1], [1, 0, 1], [0, 1, 1]], dtype=np.float32)
    problem = SimpleNamespace(basis=basis, weight=np.ones(4), sizes=(1, 3, 0))
    # the first feature's part is 2, -2, 2, -2: variance 4; the second's is 3 everywhere: variance 0; their mean is 2
    found = relevance.weights(problem, np.array([9.0, 2.0, -2.0, 3.0]), np.array([2, 1]))
    assert found == pytest.approx([1 / 2.1, 1 / 2.1, 10.0])
    assert (relevance.weights(problem, np.zeros(4), np.array([2, 1])) == 1).all()


@pytest.mark.parametrize(("most", "timed"), [(60, False), (None, True)])
def test_folds_are_cut_in_time_only_where_many_left(most, timed):
    """Sixty leavers cut in time and by account would leave some fifteen to learn from, and five to judge on."""
    _, stack = made_up.landmarks(accounts=500, days=14, seed=5, level=-4.0, most_leavers=most)
    assert (leavers(stack) >= THIN) == timed
    parts = folds(prepare(stack, Options()).problem, seed=1)
    assert len(parts) == 4
    for part in parts:
        assert not set(part.train.account) & set(part.judge.account)
        assert (part.train.day.max() < part.judge.day.min()) == timed
