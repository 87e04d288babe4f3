"""Words of the model quality page."""

from scoring.learning import recipes
from scoring.quality.words import CANDIDATES, candidate


def test_every_candidate_has_a_name_of_its_own():
    """And none is named that is not tried; the base rate is what all are compared with."""
    assert set(CANDIDATES) == {*recipes.NAMES, "base"}
    assert len(set(CANDIDATES.values())) == len(CANDIDATES)
    assert candidate("part.usage") == "Usage alone"
    assert candidate("ensemble") == "Part models together"
