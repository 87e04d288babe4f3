"""What is stored comes back the same, and what was changed underway is refused by name."""

import copy
import json

import numpy as np
import pytest

from scoring.engine.churn.chances import chances
from scoring.engine.churn.document import CorruptModel, digest, from_document, to_document
from scoring.engine.churn.explain import explain
from scoring.engine.churn.model import Calibration

from . import by_hand


@pytest.fixture
def document():
    spread = np.full((3, 2), 0.1)
    curves = (
        by_hand.curve("usage.level", [0, 10], [1.0, -1.0, 0.5], usual=np.nan, spread=spread),
        by_hand.curve("satisfaction.nps", [1, 2, 4], [0.4, 0.3, 0.1, -0.8, 0.1], form="step"),
    )
    fitted = by_hand.model(
        curves, calibration=Calibration("both", 0.1, 0.8, {"leavers": 40}), facts={"rows": 9}
    )
    width = len(fitted.timing.coefs)
    fitted = by_hand.replaced_timing(
        fitted, spread=np.full((width, 2), 0.123456789), base_spread=np.eye(width)
    )
    return to_document(fitted)


def signed(document):
    return document | {"sha256": digest(document)}


def changed(document, *path, to):
    document = copy.deepcopy(document)
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = to
    return signed(document)


def test_it_comes_back_the_same(document):
    fitted = from_document(json.loads(json.dumps(document)))
    assert to_document(fitted) == document
    rows = by_hand.rows([[np.nan, 3.0], [2.0, np.nan], [10.0, 4.0]], renewal_in=[10, np.nan, 80])
    again = from_document(document)
    np.testing.assert_array_equal(chances(fitted, rows).p, chances(again, rows).p)
    np.testing.assert_array_equal(explain(fitted, rows).parts, explain(again, rows).parts)


def test_it_holds_numbers_and_names_only(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_change_without_a_new_digest_is_seen(document):
    document["curves"][0]["ys"][0] += 1e-9
    with pytest.raises(CorruptModel, match="sha256"):
        from_document(document)


@pytest.mark.parametrize(
    ("path", "to", "says"),
    [
        (("format",), 2, "format 2"),
        (("periods",), [30, 60], "periods"),
        (("curves",), None, "no list"),
        (("curves", 0, "xs"), [10.0, 0.0], r"curves\[0\].xs do not rise"),
        (("curves", 0, "xs"), [0.0, float("nan")], r"curves\[0\].xs is not finite"),
        (("curves", 0, "xs"), ["a", "b"], r"curves\[0\].xs is not numbers"),
        (("curves", 0, "xs"), [], r"curves\[0\].xs are empty"),
        (("curves", 0, "ys"), [1.0], r"curves\[0\].ys has the shape"),
        (("curves", 1, "ys"), [1.0, 2.0, 3.0], r"curves\[1\].ys has the shape"),
        (("curves", 0, "missing"), None, "missing is not a number"),
        (("curves", 0, "missing"), float("inf"), "missing is not finite"),
        (("curves", 0, "form"), "cubic", "cubic"),
        (("curves", 0, "early"), [0.0], "early has the shape"),
        (("curves", 0, "spread"), [[0.1, 0.2, 0.3]] * 3, "spread has the shape"),
        (("curves", 0, "name"), 7, "name is not text"),
        (("curves", 1, "name"), "usage.level", "share a name"),
        (("timing", "columns"), ["period.30"], "another version"),
        (("timing", "coefs"), [1.0], "timing.coefs has the shape"),
        (("timing", "spread"), None, "curves have a spread|shape"),
        (("calibration", "method"), "isotonic", "isotonic"),
        (("calibration", "slope"), -0.5, "below zero"),
        (("timing",), [], "timing has no"),
        (("facts",), None, "facts"),
    ],
)
def test_what_is_wrong_is_said(document, path, to, says):
    with pytest.raises(CorruptModel, match=says):
        from_document(changed(document, *path, to=to))


@pytest.mark.parametrize("what", [None, [], "model", {}, {"format": 1}, {"format": 1, "sha256": "0"}])
def test_what_is_no_model_is_refused(what):
    with pytest.raises(CorruptModel):
        from_document(what)


@pytest.mark.parametrize("key", ["kind", "curves", "timing", "calibration", "facts", "periods"])
def test_nothing_may_lack(document, key):
    lacking = {name: part for name, part in document.items() if name != key}
    with pytest.raises(CorruptModel, match=key):
        from_document(signed(lacking))
