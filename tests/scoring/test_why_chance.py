"""The chance of leaving on the account page: figures, interval, reasons with their rows, and what is missing."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Invoice, Outcome
from scoring.models import AccountHealth, ChurnModel
from scoring.why.chance import kept
from tests.scoring.evidence import DAY, add, ago, rich, score, subscribe
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db

OVERDUE = "business.overdue_days"


def panel(client, world, account, key="chance", role="csm"):
    client.force_login(world.people[role].user)
    return client.get(reverse("accounts:panel", args=[world.tenant.slug, account.pk, key]))


@pytest.fixture
def owing(acme):
    """An account that has owed money for 25 days, scored by a model that reads only that."""
    account = rich(acme)
    add(acme, account, Invoice, issued_at=ago(55), due_at=ago(25), amount=Decimal(100), currency="USD")
    register(acme, by_hand(curve(OVERDUE, [0, 50], [0, 2])))
    score(acme)
    return account


def test_it_shows_chances_interval_model_and_what_is_at_stake(client, acme, owing):
    with acme.here():
        standing = AccountHealth.objects.get(account=owing)
    text = panel(client, acme, owing).text
    assert f"{100 * standing.p90:.0f}%</b> within 90 days" in text
    assert "80% interval" in text
    assert "churn v1, advisory" in text
    assert "Risk medium" in text or "Risk low" in text
    assert "Expected ARR at stake" in text
    assert 'id="chance-chart"' in text
    assert f"{100 * standing.p30:.1f}%" in text  # the table behind the curve
    assert "Not enough past cases" in text


def test_reasons_have_value_usual_range_points_and_a_link_to_their_rows(client, acme, owing):
    text = panel(client, acme, owing).text
    assert "?kind=Billing" in text
    assert "25 d, usual 25 d" in text
    assert "Associated with a higher chance" in text
    assert "because" not in text


@pytest.mark.parametrize(
    ("method", "low", "words"),
    [
        ("none", -0.01, "Weak: not shown to beat the base rate."),
        ("base_rate", -0.01, "Base rate: everybody alike but for the dates of the contract."),
        ("none", 0.01, ""),
    ],
)
def test_without_skill_it_says_so_wherever_it_stands(client, acme, owing, method, low, words):
    with acme.here():
        model = ChurnModel.objects.get()
        model.report = {
            "calibration": {"method": method},
            "horizons": {"90": {"all": {"brier_skill": {"value": 0.02, "low": low, "high": 0.05}}}},
        }
        model.save(update_fields=["report"])
    places = [panel(client, acme, owing).text]
    client.force_login(acme.csm.user)
    places.append(client.get(acme.url(f"accounts/{owing.pk}/")).content.decode())
    for text in places:
        assert (words in text) if words else not ("Weak:" in text or "Base rate:" in text)
    pill = re.search(r'class="fresh-pill.*?</a>', places[1], re.S).group()
    assert ("Chances:" in pill) == bool(words)


def test_the_field_rule_covers_what_is_at_stake(client, acme, owing):
    text = panel(client, acme, owing, role="support").text
    assert "within 90 days" in text
    assert "at stake" not in text


def test_the_head_has_chance_and_stake(client, acme, owing):
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:account", args=["acme", owing.pk])).text
    assert "Leaves within 90 days" in text
    assert "ARR × chance of leaving in 90 days" in text
    client.force_login(acme.support.user)
    assert "ARR × chance" not in client.get(reverse("accounts:account", args=["acme", owing.pk])).text


def test_a_late_source_and_a_lost_model_are_told_in_words(client, acme, owing):
    with acme.here():
        AccountHealth.objects.filter(account=owing).update(
            chance_flags=["source_late:usage", "model_missing"]
        )
    text = panel(client, acme, owing).text
    assert "Product usage is late" in text
    assert "this is the last good figure" in text


def test_without_a_model_it_says_what_is_missing(client, acme):
    account = rich(acme)
    score(acme)
    text = panel(client, acme, account).text
    assert "Not yet calibrated" in text
    assert "No customer was seen to leave yet" in text
    assert "No model was learnt yet" in text


def test_a_shadow_and_too_few_leavers_are_named(client, acme):
    account = rich(acme)
    gone = rich(acme, "Gone away")
    add(acme, gone, Outcome, kind="churned", effective_at=ago(40))
    model = register(acme, by_hand(curve(OVERDUE, [0, 50], [0, 2])), promote=False)
    with acme.here():
        type(model).objects.filter(pk=model.pk).update(state="shadow")
    score(acme)
    assert "Fewer were seen to leave; 20 are needed" in panel(client, acme, account).text
    text = panel(client, acme, account, role="executive").text
    assert "1 customers were seen to leave; 20 are needed" in text
    assert "Churn v1 is watched in the background" in text


def test_the_panel_keeps_its_budget(client, acme, owing, query_count):
    client.force_login(acme.csm.user)
    address = reverse("accounts:panel", args=["acme", owing.pk, "chance"])
    notes = reverse("accounts:panel", args=["acme", owing.pk, "notes"])
    client.get(address)
    frame = query_count(lambda: client.get(notes)) - 1
    assert query_count(lambda: client.get(address)) - frame <= 4


def test_another_tenants_account_is_not_there(client, acme, globex, owing):
    client.force_login(globex.csm.user)
    assert client.get(reverse("accounts:panel", args=["globex", owing.pk, "chance"])).status_code == 404
    assert client.get(reverse("accounts:panel", args=["acme", owing.pk, "chance"])).status_code in (403, 404)


def test_what_an_account_never_sent_is_not_late_for_it(client, acme):
    """Usage is silent for everybody; it marks those that send it, and keeps their briefs from being ready."""
    sends, never = rich(acme, "Sends usage"), acme.add_account("Never sent usage")
    subscribe(acme, never)
    read = curve("usage.days_since_last", [0, 30], [0, 1])
    register(acme, by_hand(read), as_of=date(2026, 8, 1))
    score(acme, DAY + timedelta(days=16))  # usage ends on 30 Sep
    for account, is_late in ((sends, True), (never, False)):
        with acme.here():
            flags = AccountHealth.objects.get(account=account).chance_flags
        assert ("source_late:usage" in flags) == is_late
        assert ("Product usage is late" in panel(client, acme, account).text) == is_late
        text = client.get(reverse("scoring:brief", args=["acme", account.pk])).text
        assert ("Product usage is late" in text) == is_late


def _bin(low, high, rate):
    return {"from": low, "to": high, "rate": rate, "low": rate / 2, "high": 2 * rate, "n": 80}


@pytest.mark.parametrize(
    ("p90", "lead", "rate"),
    [
        ("0.05", "Said", 0.04),
        ("0.150000", "Said", 0.12),  # the bin goes to 0.1499999: what is shown has six decimals
        ("0.2", "None was of this size. Of the nearest, said", 0.12),
        ("0.27", "None was of this size. Of the nearest, said", 0.4),
        ("0.71", "None was as high. Of the highest, said", 0.4),
        ("0.001", "None was as low. Of the lowest, said", 0.04),
    ],
)
def test_past_chances_are_told_where_none_was_just_as_large(p90, lead, rate):
    bins = [_bin(0.01, 0.08, 0.04), _bin(0.09, 0.1499999, 0.12), _bin(0.3, 0.5, 0.4)]
    found = kept(ChurnModel(report={"reliability": {"90": {"bins": bins}}}), Decimal(p90))
    assert (found.lead, found.left) == (lead, rate)
    assert kept(ChurnModel(report={"reliability": {"90": {"bins": []}}}), Decimal(p90)) is None


def test_a_chance_above_all_that_were_seen_says_so(client, acme, owing):
    with acme.here():
        report = {"reliability": {"90": {"bins": [_bin(0.01, 0.02, 0.015)]}}}
        ChurnModel.objects.update(report=report)
    text = panel(client, acme, owing).text
    assert "None was as high. Of the highest, said 1% to 2%" in text
    assert "Not enough past cases" not in text
