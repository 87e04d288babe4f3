"""The panel of value realised: what measures each objective, and what it was worth."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import models
from scoring import goal_values
from tenants import fields
from tests.scoring.evidence import DAY, add, add_usage, ago, rich, score
from tests.scoring.readings import read

pytestmark = pytest.mark.django_db


def panel(client, world, account, role="csm"):
    client.force_login(world.people[role].user)
    return client.get(reverse("accounts:panel", args=[world.tenant.slug, account.pk, "value"])).text


def goal(world, account, name, *, declared=200, due=None, achieved=None, **values):
    moments = {"due_at": due, "achieved_at": achieved}
    add(
        world, account, models.Objective, name=name, declared_at=ago(declared),
        **{key: None if days is None else ago(days) for key, days in moments.items()}, **values,
    )  # fmt: skip


@pytest.fixture
def account(acme):
    account = rich(acme, owner="csm", customer_since=DAY - timedelta(days=400))
    # 40 active users a day for 100 days, from `rich`
    goal(
        acme,
        account,
        "Everybody on board",
        usage_metric="active_users",
        baseline=20.0,
        target=60.0,
        metric="users",
    )
    goal(acme, account, "Close sooner", due=20, expected_value=Decimal(3000))
    goal(
        acme,
        account,
        "Fewer errors",
        due=40,
        achieved=60,
        expected_value=Decimal(1000),
        value_realized=1200.0,
    )
    goal(acme, account, "Known later", due=40, achieved=0, expected_value=Decimal(1000), value_realized=900.0)
    goal(acme, account, "Declared later", declared=0)
    return account


def test_goals_as_they_stood_on_the_day(acme, account):
    with acme.here():
        found = goal_values.goals(acme.tenant, account, day=DAY)
    assert [each.name for each in found] == [
        "Known later",
        "Close sooner",
        "Everybody on board",
        "Fewer errors",
    ]
    everybody = found[2]
    assert (everybody.baseline, everybody.level, everybody.target, everybody.percent) == (20, 40, 60, 50)
    assert found[0].realised is None  # it was reached on the day itself
    assert found[3].realised == 1200
    worth = goal_values.worth(found)
    assert (worth.realised, worth.expected, worth.objectives, worth.percent) == (1200, 5000, 3, 24)
    known = read(acme, account)
    assert known["outcomes.value_realised"].value == 0.24  # the indicator says the same
    assert known["outcomes.objective_progress"].value == 0.5


def test_the_panel_shows_what_is_measured_and_what_is_not(client, acme, account):
    score(acme)
    text = panel(client, acme, account)
    assert "24% of the expected value, of 3 objectives reached or due in a year" in text
    assert "50% of the way" in text
    assert "measured by active_users" in text
    assert text.count("Not measured") == 3
    assert "Declared later" not in text


def test_a_metric_without_enough_days_is_said(client, acme):
    account = rich(acme)
    add_usage(acme, account, first=-20, last=-20, active_users=5)
    goal(acme, account, "Interfaces", usage_metric="api_calls", baseline=0.0, target=60.0)
    score(acme)
    assert "Too little usage" in panel(client, acme, account)


def test_without_objectives_it_says_where_they_come_from(client, acme):
    account = rich(acme)
    assert "No objectives are known" in panel(client, acme, account)


def test_amounts_are_for_those_who_see_money(client, acme, account):
    score(acme)
    blind = [
        role for role, person in acme.people.items()
        if not fields.sees(person, "arr") and "Everybody on board" in panel(client, acme, account, role)
    ]  # fmt: skip
    assert blind
    for role in blind:
        assert "Realised</th>" not in panel(client, acme, account, role)
    assert "1.2k" in panel(client, acme, account)
