"""What is seen today says less of far periods: how much less is found, stored, explained and never more than before."""

import numpy as np
import pytest

from scoring.engine.churn.chances import chances, logit
from scoring.engine.churn.data import PERIODS
from scoring.engine.churn.document import CorruptModel, digest, from_document, to_document
from scoring.engine.churn.explain import explain, explain_change
from scoring.engine.churn.fading import scales
from scoring.engine.churn.model import LASTING, pieces

from . import by_hand

FADE = np.array([1.0, 0.8, 0.5, 0.25, 0.1, 0.0])


def drawn(fade, *, rows=40_000, seed=3):
    """(part, logits without it, who leaves): hazards in which the part counts for `fade`."""
    rng = np.random.default_rng(seed)
    part = rng.normal(0.3, 1.0, rows)
    rest = np.full((rows, len(PERIODS)), -2.5)
    p = 1 / (1 + np.exp(-(rest + part[:, None] * fade)))
    return part, rest, rng.random(p.shape) < p


def test_it_finds_how_much_is_left_by_each_period():
    part, rest, leaves = drawn(FADE)
    fade, level = scales(part, rest, leaves, np.ones(rest.shape))
    np.testing.assert_allclose(fade, FADE, atol=0.06)
    np.testing.assert_allclose(level, 0.0, atol=0.08)


def test_it_never_rises_and_the_level_makes_up_for_it():
    part, rest, leaves = drawn(np.array([1.0, 0.4, 1.6, 1.6, 0.4, 0.4]))
    fade, level = scales(part, rest, leaves, np.ones(rest.shape))
    assert fade[0] == 1
    assert (np.diff(fade) <= 0).all()
    assert (fade >= 0).all()
    p = 1 / (1 + np.exp(-(rest + level + part[:, None] * fade)))
    np.testing.assert_allclose(p.mean(axis=0)[1:], leaves.mean(axis=0)[1:], atol=1e-6)


def test_one_unlucky_period_does_not_cap_all_later_ones():
    """.7 is left in each later period, 30 leavers or so a period: on average it is found."""
    found = []
    for seed in range(40):
        part, rest, leaves = drawn(np.array([1.0, *[0.7] * 5]), rows=400, seed=seed)
        found.append(scales(part, rest, leaves, np.ones(rest.shape))[0])
    np.testing.assert_allclose(np.mean(found, axis=0)[1:], 0.7, atol=0.15)


def test_where_nobody_is_seen_it_stays_within_bounds():
    part, rest, leaves = drawn(FADE, rows=200)
    fade, level = scales(part, rest, leaves & False, np.zeros(rest.shape))
    np.testing.assert_array_equal(fade, LASTING)
    np.testing.assert_array_equal(level, 0.0)


def test_the_parts_count_for_what_is_left_and_explanations_add_up():
    fitted = by_hand.model(fade=FADE)
    x = [[0.0, 1.0], [3.0, 4.0], [np.nan, 2.5], [9.0, np.nan]]
    rows = by_hand.rows(x, renewal_in=[45, 10, np.nan, 200])
    found = pieces(fitted, rows)
    by_itself = found.timing + FADE * found.main.sum(axis=1)[:, None]
    by_itself[:, 0] += found.early.sum(axis=1)
    np.testing.assert_allclose(found.logits(), by_itself)
    told = explain(fitted, rows)
    np.testing.assert_allclose(
        told.base + told.parts.sum(axis=1), logit(chances(fitted, rows).p[:, 2]), atol=1e-9
    )
    other = by_hand.rows(x[::-1], renewal_in=[45, 10, np.nan, 200])
    moved = explain_change(by_hand.model(), rows, fitted, other)
    whole = moved.before + moved.values.sum(axis=1) + moved.missing.sum(axis=1) + moved.timing + moved.model
    np.testing.assert_allclose(whole, moved.after, atol=1e-9)


def test_it_is_stored_and_versions_from_before_it_last():
    document = to_document(by_hand.model(fade=FADE))
    np.testing.assert_array_equal(from_document(document).fade, FADE)
    old = {key: value for key, value in document.items() if key != "fade"}
    np.testing.assert_array_equal(from_document(old | {"sha256": digest(old)}).fade, LASTING)


@pytest.mark.parametrize("wrong", [[1, 1, 1], [0.9] * 6, [1, 0.5, 0.6, 0, 0, 0], [1, 1, 1, 1, 1, -0.1]])
def test_one_that_does_not_fall_from_1_is_refused(wrong):
    document = to_document(by_hand.model()) | {"fade": wrong}
    with pytest.raises(CorruptModel, match="fade"):
        from_document(document | {"sha256": digest(document)})
