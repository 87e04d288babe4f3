"""A public data set of 7,043 customers, one snapshot: additive splines with logistic regression reach .849 there."""

import csv
from pathlib import Path

import numpy as np
import pytest

from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import Stack, take
from scoring.engine.churn.fit import Options, fit

FILE = Path(__file__).parents[4] / "shared" / "data" / "telco_churn.csv"
LEFT_OUT = {"customerID", "Churn", "TotalCharges"}  # the last one tells tenure


def table(rows):
    """Numbers as they are, one column of noughts and ones for each other value but the first."""
    names, found = [], []
    for name in (key for key in rows[0] if key not in LEFT_OUT):
        texts = [row[name] for row in rows]
        if name in ("tenure", "MonthlyCharges"):
            names.append(f"usage.{name}")
            found.append([float(text) for text in texts])
            continue
        for value in sorted(set(texts))[1:]:
            names.append(f"usage.{name}.{value}")
            found.append([float(text == value) for text in texts])
    return tuple(names), np.array(found).T


@pytest.fixture(scope="module")
def telco():
    if not FILE.exists():
        pytest.skip("the public telco file is not beside this repository")
    with FILE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    names, x = table(rows)
    count = len(rows)
    left = np.array([row["Churn"] == "Yes" for row in rows])
    return Stack(
        x=x,
        names=names,
        account=np.arange(count),
        day=np.full(count, 20_000),
        segment=np.full(count, -1),
        segments=(),
        arr=np.full(count, np.nan),
        renewal_in=np.full(count, np.nan),
        term_days=np.full(count, np.nan),
        leaves_in=np.where(left, 10.0, np.inf),
        seen_for=np.full(count, 30.0),
    )


def test_it_does_as_well_as_published_splines(telco):
    """Five folds, everything fitted inside them; one period is all there is, so that p30 is the chance."""
    from sklearn.metrics import brier_score_loss, roc_auc_score

    fold = np.random.default_rng(0).permutation(len(telco)) % 5
    p = np.empty(len(telco))
    for at in range(5):
        fitted = fit(take(telco, fold != at), options=Options(most_quiet=10_000, most_quiet_folds=10_000))
        p[fold == at] = chances(fitted, take(telco, fold == at)).p[:, 0]
    left = np.isfinite(telco.leaves_in)
    assert roc_auc_score(left, p) > 0.845
    assert brier_score_loss(left, p) < 0.1345
