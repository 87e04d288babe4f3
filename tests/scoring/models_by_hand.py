"""Models whose every coefficient is written down by a test, registered and promoted as trained ones are."""

from datetime import date

import numpy as np

from scoring.engine.churn import timing as contract
from scoring.engine.churn.document import to_document
from scoring.engine.churn.model import Curve, Fitted, Timing
from scoring.learning import registry
from tenants.access import SYSTEM

BASE = -4.0  # log-odds of each period's hazard without anything else


def curve(name, xs, ys, *, missing=0.0, usual=None):
    return Curve(
        name=name,
        form="linear",
        xs=np.array(xs, dtype=float),
        table=np.array([*ys, missing], dtype=float),
        usual=float(xs[0] if usual is None else usual),
        spread=np.full((len(ys) + 1, 1), 0.1),
    )


def by_hand(*curves, base=BASE):
    """The same base in every period, no contract timing, and these curves."""
    coefs = np.zeros(len(contract.COLUMNS))
    coefs[: len(contract.PERIOD_COLUMNS)] = base
    periods = np.full(len(contract.PERIOD_COLUMNS), base)
    sure = np.zeros((len(contract.COLUMNS), 1))
    return Fitted(
        kind="additive",
        curves=tuple(curves),
        timing=Timing(
            coefs=coefs, usual=periods, base=coefs, base_usual=periods, spread=sure, base_spread=sure
        ),
    )


TESTED = {"horizons": {"90": {"all": {"brier_skill": {"value": 0.1, "low": 0.05, "high": 0.15}}}}}


def register(world, fitted, *, as_of=date(2026, 9, 1), promote=True, document=None, report=None, over=None):
    """A row for the model; in force unless told otherwise, and shown to beat the base rate."""
    with world.here():
        row = registry.register(
            world.tenant,
            document=document or to_document(fitted),
            kind=fitted.kind,
            as_of=as_of,
            report=TESTED if report is None else report,
            by=SYSTEM,
            over=over,
        )
        if promote:
            row = registry.promote(world.tenant, model_id=row.pk, by=SYSTEM, why="a test's own model")
        return row
