"""The list of accounts whose scores a late, empty or shifted source touches: who is on it, for whom, and the ways."""

import re
from datetime import date, timedelta

import pytest

from accounts.models import AccountGroupPerm, AccountUserPerm, UsageDay
from scoring import affected, freshness, queries
from scoring.automation import notices
from scoring.automation.models import DriftCheck
from scoring.catalogue import INDICATORS
from scoring.models import PolicyIndicator
from tests.scoring.evidence import DAY, add_usage, rich, score, subscribe
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db
LATER = DAY + timedelta(days=16)  # usage of `rich` ends on 30 Sep: late after 14 days


@pytest.fixture
def silent(acme):
    """Two accounts that send usage, one of them another CSM's, and one that never did; usage fell silent."""
    made = {"mine": rich(acme, "Mine"), "theirs": rich(acme, "Theirs", owner="csm2")}
    made["never"] = acme.add_account("Never sent")
    subscribe(acme, made["never"])
    with acme.here():
        AccountGroupPerm.objects.filter(content_object=made["theirs"]).delete()
        AccountUserPerm.objects.filter(content_object=made["theirs"]).exclude(user=acme.csm2.user).delete()
    score(acme, LATER)
    return made


def listed(world, role="ops_admin"):
    """(what is wrong, one page of the accounts that the role sees)."""
    with world.here():
        runs = notices.told_with(world.tenant, queries.finished_runs(world.tenant))
        run = runs.order_by("-as_of", "-pk").first()
        wrong = affected.troubles(run)
        return wrong, affected.accounts(world.tenant, world.people[role], run, wrong)


def text_of(client, world, role, path="scores/late/"):
    client.force_login(world.people[role].user)
    answer = client.get(world.url(path))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_it_names_who_does_without_the_source_and_whom_the_viewer_may_see(client, acme, silent):
    everything, own = text_of(client, acme, "ops_admin"), text_of(client, acme, "csm")
    for name, seen in (("Mine", (True, True)), ("Theirs", (True, False)), ("Never sent", (False, False))):
        assert (f">{name}</a>" in everything, f">{name}</a>" in own) == seen
    assert "2 accounts" in everything
    assert "1 account<" in own
    assert "Product usage: late, newest 30 Sep" in own
    assert "of the weight of its health" in own


def test_what_health_does_not_weigh_and_no_model_reads_leaves_nobody_stale(acme, silent):
    with acme.here():
        rows = PolicyIndicator.objects.filter(policy__state="published", policy__segment="")
        of_usage = [each.key for each in INDICATORS if "usage" in each.sources]
        rows.filter(indicator__in=of_usage).update(weight=0)
        rows.exclude(indicator__in=of_usage).update(weight=1)
    score(acme, LATER)
    assert not listed(acme)[1].rows
    register(acme, by_hand(curve("usage.days_since_last", [0, 30], [0, 1])), as_of=date(2026, 8, 1))
    score(acme, LATER)
    rows = listed(acme)[1].rows
    assert [(row.name, row.weight, row.is_read) for row in rows] == [("Mine", 0, True), ("Theirs", 0, True)]


def test_it_goes_on_by_pages_and_the_notices_lead_there(client, acme, silent, monkeypatch):
    monkeypatch.setattr(affected, "PAGE", 1)
    assert 'href="/t/acme/scores/late/"' in text_of(client, acme, "csm", "queue/")
    assert 'href="/t/acme/scores/late/"' in text_of(client, acme, "csm", "scores/")
    first = text_of(client, acme, "ops_admin")
    assert ">Mine</a>" in first
    assert ">Theirs</a>" not in first
    second = text_of(client, acme, "ops_admin", f"scores/late/?after={silent['mine'].pk}")
    assert ">Theirs</a>" in second
    assert ">Mine</a>" not in second
    assert "2–2 of 2" in second


def test_behind_a_place_that_has_gone_it_begins_anew(client, acme, silent):
    """An account that is fresh again is no place to go on from; that is not the same as a list without rows."""
    text = text_of(client, acme, "ops_admin", f"scores/late/?after={silent['never'].pk}")
    assert ">Mine</a>" in text
    assert "1–2 of 2" in text


def test_nothing_is_late(client, acme):
    rich(acme)
    score(acme)
    assert "No source is late" in text_of(client, acme, "csm")


# --- empty and shifted ------------------------------------------------------------------------------


def without_usage(world, *accounts):
    with world.here():
        UsageDay.objects.filter(account__in=[each.pk for each in accounts]).delete()


def test_an_empty_source_touches_who_had_it_when_it_was_last_whole(client, acme):
    mine, theirs, never = rich(acme, "Mine"), rich(acme, "Theirs"), rich(acme, "Never sent", usage=False)
    score(acme, DAY - timedelta(days=8))
    without_usage(acme, theirs)
    score(acme, DAY - timedelta(days=1))  # half of them: as whole as it needs to be
    without_usage(acme, mine, never)
    score(acme)
    wrong, page = listed(acme)
    assert [each.text for each in wrong] == ["Product usage empty"]
    assert [(row.name, row.sources) for row in page.rows] == [("Mine", ("Product usage: empty",))]
    text = text_of(client, acme, "csm")
    assert "Accounts with late or doubtful data" in text
    assert 'Product usage: empty</span> <span class="x">1 account</span>' in text
    assert "of the weight of its health" in text


@pytest.fixture
def halved(acme):
    """Ten that sent usage, of whom four still do; one that never did."""
    made = [acme.add_account(f"A{at}", customer_since=date(2025, 1, 1)) for at in range(11)]
    for each in made:
        subscribe(acme, each)
    for each in made[:10]:
        add_usage(acme, each, first=70, last=1, active_users=40)
    score(acme, DAY - timedelta(days=1))
    without_usage(acme, *made[4:10])
    score(acme)
    return made


def test_a_shifted_source_touches_who_has_it_and_who_had_it(acme, halved):
    wrong, page = listed(acme)
    assert [each.text for each in wrong] == ["Product usage shifted"]
    assert [row.name for row in page.rows] == [f"A{at}" for at in range(10)]
    assert page.by_source == {"usage": 10}
    assert {row.sources for row in page.rows} == {("Product usage: shifted",)}
    assert all(row.weight > 0 for row in page.rows)


def test_what_drift_found_since_is_listed_as_the_frame_tells_it(client, acme, halved):
    """The frame names a source and how many more there are; the list has them all, each with its accounts."""
    model = register(acme, by_hand(curve("usage.days_since_last", [0, 30], [0, 1])), as_of=date(2026, 8, 1))
    score(acme)
    beyond = [
        {"key": key, "beyond": True}
        for key in ("score", "psi.business.days_to_renewal", "psi.usage.trend_30d")
    ]
    with acme.here():
        DriftCheck.objects.create(tenant=acme.tenant, model=model, as_of=DAY, figures=beyond, tripped=False)
        told = freshness.freshness(acme.tenant, acme.csm)
    wrong, page = listed(acme)
    assert [each.text for each in wrong] == [
        "Product usage shifted",
        "Chances shifted",
        "Subscriptions shifted",
    ]
    assert told.late == ("Product usage shifted", "2 more")
    assert page.by_source == {"usage": 10, "score": 11, "subscriptions": 11}
    assert page.rows[-1].sources == ("Product usage: shifted", "Subscriptions: shifted", "Chances: shifted")
    assert page.total == 11
    text = text_of(client, acme, "csm")
    names = re.findall(r"</svg> ?([A-Z][\w ]+: \w+)</span> <span class=\"x\">(\d+) accounts</span>", text)
    assert names == [
        ("Product usage: shifted", "10"),
        ("Chances: shifted", "11"),
        ("Subscriptions: shifted", "11"),
    ]
    page = text_of(client, acme, "csm", "queue/")
    assert 'href="/t/acme/scores/late/"' in page
    assert "What this source says now is not what it used to be." in page


def test_an_account_with_its_number_in_order_is_not_listed(acme, halved):
    """What shifted counts only through indicators that health weighs, or that the model reads."""
    with acme.here():
        of_usage = [each.key for each in INDICATORS if "usage" in each.sources]
        rows = PolicyIndicator.objects.filter(policy__state="published")
        rows.filter(indicator__in=of_usage).update(weight=0)
    score(acme)
    assert listed(acme)[1].rows == []
