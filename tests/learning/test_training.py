"""Training on landmarks whose truth is known: the ladder, the gates, leaks, the champion, the same figures again."""

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection

from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import PER_ROW, leavers, take
from scoring.learning import recipes, registry, rolling, training
from scoring.models import ChanceSettings, ChurnModel
from tests.learning.made_up import DRIVER, landmarks
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
ONLY_DEFAULT = ("additive",)


def quiet(done, total=None, message=""):
    """Nobody reads the progress."""


@pytest.fixture(autouse=True)
def patient(db):
    """A test holds one transaction while it fits, and on a busy machine that takes longer than a page may."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


@pytest.fixture(scope="module")
def signal():
    return landmarks()


@pytest.fixture(scope="module")
def told():
    """Forecasts of this module by what they were made of."""
    return {}


@pytest.fixture(autouse=True)
def forecast_once(told, monkeypatch):
    """Most tests are about what is made of a back-test; the same rows need not be fitted forty times for each."""
    forecast = rolling.forecast

    def once(stack, *, said, **wanted):
        parts = [getattr(stack, name).tobytes() for name in PER_ROW]
        key = hashlib.sha256(b"".join([*parts, repr(sorted(wanted.items())).encode()])).digest()
        if key not in told:
            told[key] = forecast(stack, said=said, **wanted)
        return told[key]

    monkeypatch.setattr(rolling, "forecast", once)


def train(world, made, *, gap="0.100", **more):
    """`gap`: the calibration error that the tenant allows; wide, for chance alone makes some in so few rows."""
    chosen, stack = made
    with world.here():
        wanted = {"most_calibration_error": Decimal(gap)}
        ChanceSettings.objects.update_or_create(tenant=world.tenant, defaults=wanted)
        return training.train(
            world.tenant, chosen=chosen, stack=stack, by=MAKER, said=quiet, **{"names": ONLY_DEFAULT, **more}
        )


@pytest.fixture
def trained(acme, signal):
    return train(acme, signal)


def test_a_version_that_passes_its_gates_is_shown_at_once(acme, signal, trained):
    assert training.refusals(trained.report) == []
    assert (trained.version, trained.state, trained.is_usable) == (1, "advisory", True)
    whole = trained.report["horizons"]["90"]["all"]
    assert whole["auc"]["low"] > 0.6  # the driver is found on accounts and days that the fits had not seen
    assert whole["events"] >= 20
    assert whole["auc"]["low"] < whole["auc"]["value"] < whole["auc"]["high"]
    with acme.here():
        found = chances(registry.load_model(trained), signal[1])
    assert (np.diff(found.p, axis=1) >= 0).all()


def test_a_gate_that_fails_keeps_a_draft_and_says_its_figure(acme, signal):
    row = train(acme, signal, gap="0.001")
    assert (row.state, row.is_usable) == ("draft", False)
    [words] = training.refusals(row.report)
    assert "at most 0.1 % needed" in words


def test_the_report_holds_what_the_command_promises(trained):
    report = json.loads(json.dumps(trained.report, allow_nan=False))
    assert len(report["origins"]) >= 4
    promised = {
        "n", "events", "auc", "ap", "brier", "brier_skill", "log_loss", "ece", "slope", "intercept", "precision",
        "recall", "precision_at_capacity", "recall_at_capacity", "top_decile_lift",
    }  # fmt: skip
    for horizon in ("30", "60", "90"):
        found = report["horizons"][horizon]
        assert promised <= set(found["all"])
        assert set(found["segments"]) == {"enterprise", "mid_market", "smb"}
    assert (
        report["lead_time"]["denominator"] + report["lead_time"]["too_young"] == report["lead_time"]["left"]
    )
    assert report["lead_time"]["share"]["n"] == report["lead_time"]["denominator"]
    assert set(report["lead_time"]["segments"]) == {"enterprise", "mid_market", "smb"}
    assert report["lead_time"]["scored_days"] == report["thresholds"]["90"]["judged_on"]
    assert all({"left", "flagged", "share"} == set(each) for each in report["kinds"].values())
    for chosen in report["thresholds"].values():
        assert not set(chosen["chosen_on"]) & set(chosen["judged_on"])


def test_the_order_of_rows_changes_no_digit(acme, signal, trained):
    chosen, stack = signal
    mixed = take(stack, np.random.default_rng(1).permutation(len(stack)))
    again = train(acme, (chosen, mixed))
    assert again.digest == trained.digest


def test_too_few_leavers_get_no_model_but_the_figures(acme):
    made = landmarks(most_leavers=19)
    with pytest.raises(training.TooLittle) as refusal:
        train(acme, made)
    assert refusal.value.figures["leavers"]["seen"] == leavers(made[1]) == 19
    assert "19 accounts were seen to leave" in str(refusal.value)
    with acme.here():
        assert not ChurnModel.objects.for_tenant(acme.tenant).exists()


def test_no_past_day_at_all_is_a_refusal_too(acme, signal):
    chosen = replace(signal[0], days=(), since=None)
    with pytest.raises(training.TooLittle, match="no past day"):
        train(acme, (chosen, None))


@pytest.mark.parametrize(
    ("seen", "rung"), [(0, "none"), (19, "none"), (20, "few"), (99, "few"), (100, "many")]
)
def test_the_ladder(seen, rung):
    assert training.ladder(seen) == rung


def test_too_short_a_history_is_not_judged_and_not_shown(acme):
    """Enough leavers, but windows that close too late for four past days: a draft that says so."""
    row = train(acme, landmarks(days=8, accounts=400, level=-2.5))
    assert (row.state, row.is_usable) == ("draft", False)
    assert "back-test dates" in row.report["origins_missing"]
    assert any("Past days" in words for words in training.refusals(row.report))


def test_a_feature_that_knows_the_outcome_refuses_promotion_by_name(acme, signal):
    chosen, stack = signal
    x = stack.x.copy()
    leaky = stack.names.index("satisfaction.csat_90d")
    x[:, leaky] = np.where(stack.leaves_in < 90, 1.0, 4.0) + stack.x[:, stack.names.index(DRIVER)] / 100
    row = train(acme, (chosen, replace(stack, x=x)))
    assert (row.state, row.is_usable) == ("draft", False)
    assert any("satisfaction.csat_90d" in words for words in training.refusals(row.report))


def test_without_a_leak_none_is_found(trained):
    assert [leak for leak in trained.report["leaks"] if leak["refuses"]] == []


def test_without_signal_nothing_is_claimed(acme):
    row = train(acme, landmarks(strength=0.0, level=-3.0, seed=11))
    skill = row.report["horizons"]["90"]["all"]["brier_skill"]
    assert skill["low"] <= 0.0 <= max(skill["high"], 0.0)
    assert not row.report["thresholds"]["90"]["reached"]


def test_a_new_version_replaces_the_old_one_where_it_is_not_worse(acme, signal, trained):
    second = train(acme, signal)
    assert second.report["against_champion"]["not_worse"]
    with acme.here():
        trained.refresh_from_db()
    assert (trained.state, second.state) == ("retired", "advisory")


def test_a_champion_that_knows_more_stays(acme, signal):
    """The one in force was learnt early and tells well; what is learnt now from broken features is worse."""
    chosen, stack = signal
    early = chosen.days[-6]
    day = (early - np.datetime64(0, "D").astype(object)).days
    with acme.here():
        good = training.fit_final(stack, until=day, name="additive")
        row = registry.register(
            acme.tenant,
            document=training.to_document(good),
            kind="additive",
            as_of=early,
            report={},
            by=MAKER,
        )
        registry.promote(acme.tenant, model_id=row.pk, by=MAKER, why="test")
    x = stack.x.copy()
    before = stack.day < day
    x[before, stack.names.index(DRIVER)] = np.random.default_rng(5).normal(size=int(before.sum()))
    with acme.here():
        found = training.against_champion(acme.tenant, chosen, replace(stack, x=x), "additive")
        # rows over other windows are others than the champion was learnt on, so nothing is said of it
        changed = replace(chosen, windows={key: 2 * days for key, days in row.report["windows"].items()})
        apart = training.against_champion(acme.tenant, changed, replace(stack, x=x), "additive")
    assert not found["not_worse"]
    assert "Worse than version 1" in found["words"]
    assert apart["not_worse"]
    assert "other windows" in apart["words"]


def test_every_candidate_is_tried_on_the_same_rows(acme):
    chosen, stack = landmarks(accounts=120, days=12, level=-2.6)
    with acme.here():
        report = training.backtest(acme.tenant, chosen=chosen, stack=stack, said=quiet)
    judged = {name: each for name, each in report["candidates"].items() if each["judged"]}
    assert {"additive", "boosted", "ensemble", "part.usage"} <= set(judged)
    assert len({each["n"] for each in judged.values()}) == 1
    assert report["chosen"] in recipes.MAY_BE_CHOSEN
    assert judged["part.usage"]["auc"]["value"] > 0.5


def test_a_part_model_is_the_model_where_later_rows_show_it_to_be_better(acme, signal, monkeypatch):
    """The part says what was learnt of the driver, the default says the base rate."""
    tried = rolling.forecast

    def dulled(stack, *, names, **wanted):
        made = tried(stack, names=ONLY_DEFAULT, **wanted)
        told = {
            "additive": made.base.copy(),
            "part.usage": made.p["additive"],
            "part.business": made.base * 2,
        }
        return replace(made, p=told, timing=dict.fromkeys(told, made.timing["additive"]))

    monkeypatch.setattr(rolling, "forecast", dulled)
    row = train(acme, signal)
    assert row.kind == row.report["chosen"] == "part.usage"
    assert "log loss at 90 days is better" in row.report["chosen_why"]
    assert not row.report["candidates"]["part.business"]["against_default"]["promote"]
    assert row.is_usable
    with acme.here():
        fitted = registry.load_model(row)
    assert all(name.startswith("usage.") for name in fitted.names)
    found = chances(fitted, signal[1])
    assert (np.diff(found.p, axis=1) >= 0).all()
    assert np.ptp(found.p[:, 2]) > 0.1


def test_another_tenant_learns_nothing_of_it(acme, globex, trained):
    with globex.here():
        assert registry.versions(globex.tenant) == []
