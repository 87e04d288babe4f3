"""The account among others like it: hidden when few, ranked, and moved alone or with them."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Account
from scoring.models import AccountHealth
from scoring.why.cohorts import Move, Rank, cohorts_context
from tenants.models import Membership

pytestmark = pytest.mark.django_db


def stand(world, name, health, delta, **values):
    account = world.add_account(name, **values)
    with world.here():
        AccountHealth.objects.create(
            tenant=world.tenant, account=account, as_of=date(2026, 10, 1), health=Decimal(health), band="watch",
            delta_30=Decimal(delta), coverage_pct=100, reasons=[], dimensions={}, run_id=1, policy_version="all v1",
        )  # fmt: skip
    return account


def cohorts(world, account):
    with world.here():
        return {each.kind: each for each in cohorts_context(world.tenant, world.csm, account)["cohorts"]}


@pytest.fixture
def crowd(acme, globex):
    """Ten others of the industry, whose health is 41 to 50 and fell by one; nine of the plan that fell by twenty."""
    account = stand(acme, "Own", 45, -17, industry="logistics", plan="pro", customer_since=date(2026, 5, 1))
    for number in range(10):
        stand(acme, f"Alike {number}", 41 + number, -1, industry="logistics")
    for number in range(9):
        stand(acme, f"Plan {number}", 60, -20, plan="pro")
        stand(globex, f"Foreign {number}", 10, -50, industry="logistics", plan="pro")
    return account


def test_rank_and_median_are_of_others_of_the_same_tenant(acme, crowd):
    found = cohorts(acme, crowd)["industry"]
    assert found.health == Rank(n=10, below=4, same=1)
    assert found.health.share == 0.45
    assert (found.moved.median, found.moved.verdict) == (-1.0, "own")


def test_few_others_are_hidden(client, acme, crowd):
    found = cohorts(acme, crowd)
    assert found["plan"].health.n == 9
    assert found["plan"].health.share is None
    assert found["plan"].moved.verdict == ""
    assert "segment" not in found  # it has none
    assert found["tenure"].name == "under a year"
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:panel", args=["acme", crowd.pk, "cohorts"])).text
    assert "The fall is its own" in text
    assert "Too few" in text
    assert "45%" in text


def test_others_are_only_those_that_the_viewer_may_see(client, acme, crowd):
    """Eleven of the industry, one out of the region: its rank and move must not follow from the pages of the rest."""
    stand(acme, "Away", 30, -30, industry="logistics", region="APAC")
    with acme.here():
        Account.objects.for_tenant(acme.tenant).exclude(name="Away").update(region="EMEA")
        Membership.objects.filter(pk=acme.csm.pk).update(regions=["EMEA"])
        viewer = Membership.objects.select_related("user").get(pk=acme.csm.pk)
        found = cohorts_context(acme.tenant, viewer, crowd)
    (industry,) = [each for each in found["cohorts"] if each.kind == "industry"]
    assert (industry.health.n, industry.health.below, industry.moved.n) == (10, 4, 10)
    assert cohorts(acme, crowd)["industry"].health.n == 11  # without the scope
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:panel", args=["acme", crowd.pk, "cohorts"])).text
    assert "among the accounts that you may see in EMEA" in text


@pytest.mark.parametrize(
    ("own", "median", "n", "verdict"),
    [
        (-17, -10, 40, "shared"),
        (-17, -8, 40, "own"),
        (-17, -10, 9, ""),
        (-1, -10, 40, ""),
        (None, -3, 40, ""),
    ],
)
def test_a_fall_is_shared_when_the_others_fell_half_as_much(own, median, n, verdict):
    assert Move(own, n, median).verdict == verdict


@pytest.mark.parametrize(
    ("own", "median", "n", "verdict"),
    [
        (17, 10, 40, "shared"),
        (17, 8, 40, "own"),
        (17, -10, 40, "own"),
        (17, 10, 9, ""),
        (1, 10, 40, ""),
        (-17, -10, 40, ""),
    ],
)
def test_a_rise_of_the_chance_is_judged_the_other_way_round(own, median, n, verdict):
    assert Move(own, n, median, rise_is_bad=True).verdict == verdict


def test_the_panel_tells_whose_rise_of_the_chance_it_is(client, acme):
    """Eleven of one industry: the account's chance rose by 20 points, the others' by 1; those of its plan by 15."""
    accounts = [stand(acme, f"A {at}", 50, 0, industry="logistics", plan="pro") for at in range(11)]
    accounts += [stand(acme, f"P {at}", 50, 0, plan="pro") for at in range(30)]
    with acme.here():
        moves = [20, *[1] * 10, *[15] * 30]
        for account, moved in zip(accounts, moves, strict=True):
            AccountHealth.objects.filter(account=account).update(
                p30=Decimal("0.1"), p60=Decimal("0.2"), p90=Decimal("0.4"), p90_delta_30=Decimal(moved) / 100
            )
    found = cohorts(acme, accounts[0])
    assert found["industry"].chance_moved == Move(20.0, 10, 1.0, rise_is_bad=True)
    assert [found[kind].chance_moved.verdict for kind in ("industry", "plan")] == ["own", "shared"]
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:panel", args=["acme", accounts[0].pk, "cohorts"])).text
    for words in ("The rise of the chance is its own", "The others' chance rose, too", "+20.0 points"):
        assert words in text, words
    assert "The fall is" not in text


def test_without_a_score_there_is_nothing_to_compare(client, acme):
    account = acme.add_account()
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:panel", args=["acme", account.pk, "cohorts"])).text
    assert "Nothing to compare with" in text
