"""The list of accounts whose scores do without a late source: who is on it, for whom, and the ways to it."""

from datetime import date, timedelta

import pytest

from accounts.models import AccountGroupPerm, AccountUserPerm
from scoring import affected, queries
from scoring.catalogue import INDICATORS
from scoring.models import PolicyIndicator
from tests.scoring.evidence import DAY, rich, score, subscribe
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
    with acme.here():
        run = queries.newest_run(acme.tenant)
        assert not affected.accounts(acme.tenant, acme.ops_admin, run).rows
    register(acme, by_hand(curve("usage.days_since_last", [0, 30], [0, 1])), as_of=date(2026, 8, 1))
    score(acme, LATER)
    with acme.here():
        rows = affected.accounts(acme.tenant, acme.ops_admin, queries.newest_run(acme.tenant)).rows
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
