"""Figures of the model quality page against values worked out by hand (tests/scoring/quality/small_world.py)."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from scoring.learning import labels
from scoring.learning.quality import observed, overrides
from scoring.learning.quality.overrides import Case
from scoring.learning.quality.stored import Said, monthly, weekly
from scoring.queries import Effective
from tests.scoring.quality.small_world import CHANCES, DAYS, KNOWN, LEFT, NAMES

RULES = observed.Rules({7: (0.1, 0.2, 0.3)}, {7: (0.1, 0.2, 0.25)}, {7: 1})
NUMBERS = dict(zip(NAMES, labels.account_numbers(NAMES), strict=True))


def said(days):
    rows = [(name, day) for day in days for name in NAMES]
    day = np.array([labels.day_number(each) for _, each in rows])
    gone = [labels.day_number(LEFT[name]) if name in LEFT else np.inf for name, _ in rows]
    n = len(rows)
    return Said(
        account=np.array([NUMBERS[name] for name, _ in rows]),
        day=day,
        segment=np.array([0 if name[0] == "c" else 1 for name, _ in rows]),
        arr=np.full(n, np.nan),
        leaves_in=np.array(gone) - day,
        seen_for=(labels.day_number(KNOWN) - day).astype(float),
        p=np.array([CHANCES[name[0]] for name, _ in rows]),
        model=np.full(n, 7),
        late=np.zeros(n, dtype=bool),
        segments=("enterprise", "smb"),
    )


@pytest.fixture(scope="module")
def found():
    return observed.observed(said((DAYS[0], DAYS[2], DAYS[3])), RULES)


def month(found, horizon, at):
    return found["horizons"][str(horizon)]["months"][at]


def test_a_month_tells_expected_left_precision_and_recall(found):
    january = month(found, 90, 0)
    assert (january["n"], january["left"], round(january["expected"], 6)) == (28, 7, 9.2)  # 12 x .5 + 16 x .2
    assert (january["precision"]["events"], january["precision"]["n"]) == (6, 12)
    assert (january["recall"]["events"], january["recall"]["n"]) == (6, 7)
    assert (january["false_alarms"]["events"], january["false_alarms"]["n"]) == (6, 21)
    # Wilson's interval of 6 of 12, worked out by hand: .5 -+ .2462
    assert january["precision"]["low"] == pytest.approx(0.2538, abs=1e-4)
    assert january["precision"]["high"] == pytest.approx(0.7462, abs=1e-4)


def test_a_month_that_is_not_closed_tells_when_it_will_be_and_nothing_else(found):
    march = month(found, 90, 2)
    assert (march["closed"], march["closes"]) == (False, "2026-05-31")
    assert "left" not in march
    closed = month(found, 30, 2)  # 1 April is known: all seven left within 30 days of 2 March
    assert (closed["closed"], closed["left"], closed["recall"]["events"]) == (True, 7, 6)
    assert closed["expected"] == pytest.approx(12 * 0.2 + 16 * 0.05)


def test_skill_is_against_what_the_version_had_learnt(found):
    figures = found["horizons"]["90"]["figures"]
    assert (figures["n"], figures["events"]) == (56, 14)
    # A: 24 x .25; B and C: 2 x .64 + 30 x .04; base of .25: 14 x .5625 + 42 x .0625
    assert figures["brier"]["value"] == pytest.approx(8.48 / 56)
    assert figures["brier_skill"]["value"] == pytest.approx(1 - 8.48 / 10.5)
    assert found["horizons"]["90"]["base_from"] == "training"
    assert figures["observed_expected"]["value"] == pytest.approx(14 / 18.4)


def test_segments_have_a_gap_and_small_ones_are_hidden(found):
    whole, enterprise, smb = found["horizons"]["90"]["segments"]
    assert whole["segment"] is None
    assert (enterprise["hidden"], enterprise["accounts"], round(enterprise["expected"], 6)) == (True, 4, 1.6)
    assert "gap" not in enterprise
    assert (smb["n"], smb["left"]) == (48, 14)
    assert smb["said"] == pytest.approx(0.35)  # (24 x .5 + 24 x .2) / 48
    assert smb["gap"]["value"] == pytest.approx(14 / 48 - 0.35)
    assert (smb["false_alarms"]["events"], smb["false_alarms"]["n"]) == (12, 34)


def cell(found, horizon=90, segment=None, version=None):
    wanted = (horizon, segment, version)
    (one,) = [
        each for each in found["cells"] if (each["horizon"], each["segment"], each["version"]) == wanted
    ]
    return one


def test_the_diagram_joins_small_bins_and_withholds_small_segments(found):
    low, high = cell(found)["bins"]
    assert (low["n"], low["events"], round(low["p"], 6)) == (32, 2, 0.2)
    assert (high["n"], high["events"], round(high["p"], 6)) == (24, 12, 0.5)
    assert cell(found, version=1)["bins"] == cell(found)["bins"]
    small = cell(found, segment="enterprise")
    assert small["bins"] == []
    assert "1.6 leavings were expected in 8 rows" in small["withheld"]
    # 30 days, all three months: 36 x .2 + 48 x .05 = 9.6, and B with C alone 2.4: joined
    assert [each["n"] for each in cell(found, 30)["bins"]] == [84]


def test_warning_counts_from_the_second_weekly_flag():
    known = labels.Leavers(
        np.array(sorted(NUMBERS[name] for name in LEFT)),
        np.array([labels.day_number(LEFT[name]) for name in sorted(LEFT, key=NUMBERS.get)]),
        np.zeros(len(LEFT), dtype=np.int64),
        np.full(len(LEFT), np.nan),
    )
    lead = observed.warning(said(DAYS), known, cut=0.3, until=labels.day_number(KNOWN))
    # flagged on 12 January, left on 20 March: 67 days; the one of B was never flagged
    assert (lead["share"]["events"], lead["denominator"], lead["never_flagged"]) == (6, 7, 1)
    assert lead["median"]["value"] == 67
    assert (lead["precision"]["events"], lead["precision"]["n"]) == (6, 12)


def test_without_a_chance_there_is_nothing_to_tell():
    rows = said(DAYS[:1])
    silent = Said(**{**vars(rows), "p": np.full((len(rows), 3), np.nan)})
    assert observed.observed(silent, RULES)["horizons"] == {}
    assert observed.warning(silent, labels.Leavers(*[np.zeros(0)] * 4), cut=0.3, until=1) is None


def test_a_version_without_threshold_flags_nobody():
    rules = observed.Rules({7: (math.nan, math.nan, 0.3)}, {}, {7: 1})
    found = observed.observed(said(DAYS[:1]), rules)
    assert found["horizons"]["30"]["months"][0]["precision"]["n"] == 0
    assert found["horizons"]["90"]["months"][0]["precision"]["n"] == 12
    assert found["horizons"]["90"]["base_from"] == "these rows"


def test_months_take_their_first_scoring_and_weeks_lie_seven_days_apart():
    days = [date(2026, 1, 5), date(2026, 1, 9), date(2026, 1, 12), date(2026, 2, 2), date(2026, 3, 2)]
    runs = [Effective(day, at) for at, day in enumerate(days)]
    assert [run.as_of for run in monthly(runs, months=2)] == days[3:]
    assert [run.as_of for run in weekly(runs)] == [days[0], days[2], days[3], days[4]]


# Overrides


def case(author=1, account=1, *, health=20.0, day=date(2026, 1, 10), p=0.5, left=None, model_health=60.0):
    return Case(author, account, health, model_health, day, p, left)


def test_somebody_who_saw_what_the_model_did_not_is_told_apart():
    mine = [case(account=at, left=date(2026, 3, 20)) for at in range(5)]
    told = overrides.scored(mine, until=KNOWN)
    (author,) = told["authors"]
    # 5 of 5 left where 2.5 were expected: Wilson's lower end .566 lies above .5
    assert author["worse"]["verdict"] == "knew"
    assert (author["worse"]["expected"], author["worse"]["left_beside"]) == (2.5, 5)
    assert author["better"]["rate"]["n"] == 0


def test_staying_is_no_foresight_where_the_model_expected_it():
    mine = [case(account=at, health=90.0, p=0.05) for at in range(8)]
    (author,) = overrides.scored(mine, until=KNOWN)["authors"]
    assert author["better"]["verdict"] == "open"
    doubted = [case(account=at, health=90.0, p=0.6) for at in range(8)]
    assert overrides.scored(doubted, until=KNOWN)["authors"][0]["better"]["verdict"] == "knew"
    feared = [case(account=at, p=0.6) for at in range(8)]
    assert overrides.scored(feared, until=KNOWN)["authors"][0]["worse"]["verdict"] == "wrong"


def test_fewer_than_five_closed_windows_are_not_told():
    few = [case(account=at) for at in range(4)]
    late = [case(account=9, day=KNOWN - timedelta(days=89))]
    told = overrides.scored(few + late, until=KNOWN)
    assert (told["authors"], told["hidden_authors"], told["closed"], told["open"]) == ([], 1, 4, 1)
    assert told["next_closes"] == str(KNOWN + timedelta(days=1))
    enough = [*few, case(account=9, day=KNOWN - timedelta(days=90))]
    assert len(overrides.scored(enough, until=KNOWN)["authors"]) == 1


def test_everybody_together_does_not_tell_of_the_one_who_is_hidden():
    shown = [case(account=at) for at in range(5)]
    assert overrides.scored(shown, until=KNOWN)["all"]["worse"]["rate"]["n"] == 5
    one = [case(2, account=at) for at in range(4)]
    assert overrides.scored(shown + one, until=KNOWN)["all"] is None
    two = [*one, case(3, account=1)]
    assert overrides.scored(shown + two, until=KNOWN)["all"]["worse"]["rate"]["n"] == 10


def test_the_same_opinion_within_its_window_counts_once_and_one_without_a_number_never():
    first = case(day=date(2026, 1, 1))
    again = case(day=date(2026, 3, 31))
    other_side = case(day=date(2026, 1, 2), health=80.0)
    later = case(day=date(2026, 4, 1))
    no_side = case(account=2, model_health=None)
    told = overrides.scored([first, other_side, no_side, again, later], until=date(2026, 12, 1))
    assert (told["closed"], told["again"], told["without_side"]) == (3, 1, 1)


def test_leaving_after_the_window_or_before_the_override_does_not_count():
    mine = [
        case(account=1, left=date(2026, 1, 10)),
        case(account=2, left=date(2026, 4, 10)),
        case(account=3, left=date(2026, 4, 9)),
        case(account=4, left=date(2026, 1, 9)),
        case(account=5),
    ]
    assert overrides.scored(mine, until=KNOWN)["all"]["worse"]["rate"]["events"] == 2
