"""Objectives, value, progress by usage and onboarding against figures worked out by hand."""

from datetime import timedelta

import pytest

from accounts import models
from tests.scoring.evidence import DAY, add, add_usage, ago
from tests.scoring.readings import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account(customer_since=DAY - timedelta(days=500))


@pytest.fixture
def other(acme):
    """A second customer, so that a source can be there without speaking of `account`."""
    return acme.add_account("Other")


def goal(world, account, *, declared=400, due=None, achieved=None, **values):
    moments = {"due_at": due, "achieved_at": achieved}
    add(
        world, account, models.Objective, name="Goal", declared_at=ago(declared),
        **{name: None if days is None else ago(days) for name, days in moments.items()}, **values,
    )  # fmt: skip


def step(world, account, *, stage="onboarding", due=None, completed=None):
    add(
        world, account, models.Milestone, name="Step", stage=stage, due_at=None if due is None else ago(due),
        completed_at=None if completed is None else ago(completed),
    )  # fmt: skip


def test_objectives_reached_and_value_realised(acme, account, other):
    goal(acme, account, due=50, achieved=90, expected_value=1000, value_realized=800.5)
    goal(acme, account, achieved=10, expected_value=500)  # its value is not known
    goal(acme, account, due=30, expected_value=600)  # missed
    goal(
        acme, account, due=30, achieved=0, expected_value=400, value_realized=400
    )  # reached on the day itself
    goal(acme, account, due=-30, expected_value=9000)
    goal(acme, account, due=400, achieved=366, expected_value=9000, value_realized=9000)
    goal(acme, account, due=20, achieved=25, value_realized=70)  # nothing was expected of it
    found, none = read(acme, account, other)
    assert found["outcomes.objectives_reached"].value == 0.6  # three of three and two missed
    assert found["outcomes.value_realised"].value == pytest.approx(800.5 / 2000, abs=1e-6)
    assert found["outcomes.value_realised"].newest_ago == 10
    assert none["outcomes.value_realised"].missing == "not_yet"
    assert none["outcomes.objectives_reached"].missing == "not_yet"


def test_progress_by_the_usage_metric(acme, account, other):
    add_usage(acme, account, first=30, last=1, active_users=25, errors=6)
    add_usage(acme, account, first=0, last=-3, active_users=900)
    goal(acme, account, usage_metric="active_users", baseline=10.0, target=40.0)  # half way
    goal(acme, account, usage_metric="errors", baseline=10.0, target=2.0)  # half way down
    goal(acme, account, usage_metric="active_users", baseline=20.0, target=25.0, due=-50)  # all the way
    goal(acme, account, usage_metric="active_users", baseline=30.0, target=60.0)  # went back: none
    goal(acme, account, usage_metric="logins", baseline=1.0, target=2.0)  # not counted in usage
    goal(acme, account, usage_metric="active_users", baseline=1.0, target=2.0, achieved=5)  # reached already
    goal(acme, account, baseline=1.0, target=2.0)  # no metric
    goal(acme, account, usage_metric="active_users", baseline=7.0, target=7.0)
    goal(acme, other, usage_metric="active_users", baseline=10.0, target=40.0)
    found, none = read(acme, account, other)
    assert found["outcomes.objective_progress"].value == 0.5
    assert none["outcomes.objective_progress"].missing == "not_tracked"


def test_progress_from_the_days_before_it_was_declared_and_by_a_metric_of_their_own(acme, account):
    add_usage(acme, account, first=130, last=101, extra={"boards": 10})
    add_usage(acme, account, first=7, last=1, extra={"boards": 30})
    goal(acme, account, declared=100, usage_metric="boards", target=50.0)
    goal(acme, account, declared=95, usage_metric="boards", target=11.0)  # 25 days before it: 10 as well
    assert read(acme, account)["outcomes.objective_progress"].value == 0.75  # half, and all
    goal(acme, account, declared=107, usage_metric="boards", target=-10.0)
    assert read(acme, account)["outcomes.objective_progress"].value == 0.5  # ... and none


def test_progress_needs_seven_days(acme, account):
    add_usage(acme, account, first=6, last=1, active_users=25)
    goal(acme, account, usage_metric="active_users", baseline=10.0, target=40.0)
    assert read(acme, account)["outcomes.objective_progress"].missing == "not_yet"


def test_onboarding(acme, account, other):
    step(acme, account, due=100, completed=101)
    step(acme, account, due=80, completed=70)  # late
    step(acme, account, due=60, completed=0)  # on the day: not known yet
    step(acme, account, due=33)
    step(acme, account, due=-9)
    step(acme, account, due=366)
    step(acme, account, stage="adoption", due=90)
    found, none = read(acme, account, other)
    assert found["outcomes.onboarding_in_time"].value == 0.25
    assert found["outcomes.onboarding_stuck_days"].value == 60
    assert found["outcomes.onboarding_stuck_days"].text == "Onboarding is stuck for 60 days"
    assert none["outcomes.onboarding_stuck_days"].missing == "not_yet"
    step(acme, other, due=-20)
    assert read(acme, other)["outcomes.onboarding_stuck_days"].value == 0


def test_time_to_first_value(acme):
    new = [acme.add_account(f"New {number}", customer_since=DAY - timedelta(days=200)) for number in range(4)]
    old = acme.add_account("Old", customer_since=DAY - timedelta(days=366))
    goal(acme, new[0], achieved=120)
    step(acme, new[0], stage="adoption", completed=150)
    goal(acme, new[1], achieved=110)
    step(acme, new[1], stage="onboarding", completed=190)
    goal(acme, new[2], achieved=0)
    goal(acme, old, achieved=300)
    found = [each["outcomes.time_to_first_value"] for each in read(acme, *new, old)]
    assert [each.value for each in found] == [50, 90, 200, None, None]
    assert found[3].missing == "not_yet"
