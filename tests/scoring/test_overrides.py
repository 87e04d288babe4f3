"""A person's number next to the computed one: rules, both numbers, recalculation, expiry."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from audit.models import AuditEvent
from jobs import services as jobs
from jobs.runner import run_now
from scoring import queries, services, tasks
from scoring.clock import tenant_today
from scoring.exceptions import OverrideRefused
from scoring.models import Override
from tests.scoring.evidence import DAY, rich, score

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    account = rich(acme)
    score(acme)
    return account


def override(world, account, by="csm", **values):
    given = {
        "health": Decimal("45"),
        "until": tenant_today(world.tenant) + timedelta(days=10),
        "reason": "know_more",
        "note": "The new COO called.",
        **values,
    }
    with world.here():
        return services.set_override(world.tenant, account_id=account.pk, by=world.actor(by), **given)


def standing(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def told(world, verb):
    with world.here():
        return list(AuditEvent.objects.filter(tenant=world.tenant, verb=verb).order_by("id"))


def test_both_numbers_stay(acme, account):
    computed = standing(acme, account)
    made = override(acme, account)
    now = standing(acme, account)
    assert (now.health, now.band) == (computed.health, computed.band)
    assert (now.override_health, now.override_band, now.override_until) == (
        Decimal("45"),
        "at_risk",
        made.until,
    )
    assert made.model_health == computed.health
    event = told(acme, "scoring.override_set")[0]
    assert event.account_id == account.pk
    assert event.diff["after"]["note"] == "The new COO called."
    assert event.actor_label.startswith("csm acme")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"health": Decimal("100.5")}, "health"),
        ({"health": Decimal("-1")}, "health"),
        ({"reason": "mood"}, "reason"),
        ({"note": "  "}, "note"),
    ],
)
def test_what_is_refused(acme, account, values, field):
    with pytest.raises(OverrideRefused) as refusal:
        override(acme, account, **values)
    assert refusal.value.field == field
    assert standing(acme, account).override_health is None


@pytest.mark.parametrize(("days", "is_fine"), [(-1, False), (0, True), (30, True), (31, False)])
def test_thirty_days_at_most(acme, account, days, is_fine):
    until = tenant_today(acme.tenant) + timedelta(days=days)
    if is_fine:
        assert override(acme, account, until=until).until == until
        return
    with pytest.raises(OverrideRefused) as refusal:
        override(acme, account, until=until)
    assert refusal.value.field == "until"


def test_an_account_without_a_score_cannot_be_overridden(acme):
    with pytest.raises(OverrideRefused):
        override(acme, acme.add_account("Prospect", customer_since=None))


def test_a_new_one_replaces_the_old_one(acme, account):
    override(acme, account)
    override(acme, account, health=Decimal("80"))
    now = standing(acme, account)
    assert (now.override_health, now.override_band) == (Decimal("80"), "healthy")
    assert [event.diff["after"]["why"] for event in told(acme, "scoring.override_ended")] == ["replaced"]
    with acme.here():
        assert Override.objects.for_tenant(acme.tenant).filter(account=account, ended_at=None).count() == 1


def test_the_database_refuses_two_in_force(acme, account):
    made = override(acme, account)
    made.pk = None
    with acme.here(), pytest.raises(IntegrityError, match="override_one_in_force"), transaction.atomic():
        made.save(force_insert=True)


def test_it_survives_recalculation(acme, account):
    override(acme, account)
    score(acme, DAY + timedelta(days=1))
    now = standing(acme, account)
    assert now.as_of == DAY + timedelta(days=1)
    assert (now.override_health, now.override_band) == (Decimal("45"), "at_risk")


def test_it_can_be_taken_back(acme, account):
    override(acme, account)
    with acme.here():
        services.end_override(acme.tenant, account_id=account.pk, by=acme.actor("manager"))
        assert services.end_override(acme.tenant, account_id=account.pk, by=acme.actor("manager")) is None
    now = standing(acme, account)
    assert (now.override_health, now.override_band, now.override_until) == (None, "", None)
    assert [event.diff["after"] for event in told(acme, "scoring.override_ended")] == [{"why": "ended"}]


def test_it_ends_after_its_last_day(acme, account):
    until = override(acme, account).until
    with acme.here():
        assert services.expire_overrides(acme.tenant, today=until) == 0
        assert services.expire_overrides(acme.tenant, today=until + timedelta(days=1)) == 1
        assert services.expire_overrides(acme.tenant, today=until + timedelta(days=1)) == 0
    assert standing(acme, account).override_health is None
    event = told(acme, "scoring.override_ended")[0]
    assert (event.diff["after"]["why"], event.actor_label) == ("expired", "Holdfast")


def test_one_whose_day_has_passed_is_not_applied_even_before_the_job(acme, account):
    made = override(acme, account)
    with acme.here():
        Override.objects.for_tenant(acme.tenant).filter(pk=made.pk).update(
            until=tenant_today(acme.tenant) - timedelta(days=1)
        )
    score(acme, DAY + timedelta(days=1))
    assert standing(acme, account).override_health is None


def test_the_job_ends_them(acme, account):
    made = override(acme, account)
    with acme.here():
        Override.objects.for_tenant(acme.tenant).filter(pk=made.pk).update(
            until=tenant_today(acme.tenant) - timedelta(days=1)
        )
        job = run_now(jobs.enqueue(acme.tenant, kind=tasks.EXPIRE_OVERRIDES).pk)
    assert (job.state, job.result) == ("done", {"ended": 1})
    assert standing(acme, account).override_health is None


def test_without_its_event_there_is_no_override(acme, account, monkeypatch):
    def refuse(*args, **values):
        raise IntegrityError("no event")

    monkeypatch.setattr("audit.services.record", refuse)
    with pytest.raises(IntegrityError):
        override(acme, account)
    assert standing(acme, account).override_health is None


# Through the page


def post(client, world, account, name="override", htmx=False, **data):
    client.force_login(world.csm.user)
    until = tenant_today(world.tenant) + timedelta(days=5)
    body = {"health": "44", "until": str(until), "reason": "data_wrong", "note": "Seats are wrong.", **data}
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(
        reverse(f"scoring:{name}", args=[world.tenant.slug, account.pk]), body, headers=headers
    )


def test_a_plain_form_leads_back_to_the_page(client, acme, account):
    answer = post(client, acme, account)
    assert answer.status_code == 303
    assert answer.url.endswith(f"/accounts/{account.pk}/?panels=all#panel-override")
    page = client.get(answer.url.split("#")[0]).text
    assert "Seats are wrong." in page
    assert "Override: 44" in page


def test_htmx_gets_the_panel_and_the_head_out_of_band(client, acme, account):
    answer = post(client, acme, account, htmx=True)
    assert answer.status_code == 200
    assert 'id="panel-override"' in answer.text
    assert 'id="panel-standing"' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    ended = post(client, acme, account, name="end_override", htmx=True)
    assert "The override has ended." in ended.text


@pytest.mark.parametrize("htmx", [False, True])
def test_a_bad_form_answers_422_with_its_input(client, acme, account, htmx):
    answer = post(client, acme, account, htmx=htmx, health="150", note="Kept text")
    assert answer.status_code == 422
    assert "Kept text" in answer.text
    late = str(tenant_today(acme.tenant) + timedelta(days=90))
    assert post(client, acme, account, htmx=htmx, until=late).status_code == 422
    assert standing(acme, account).override_health is None


def test_somebody_elses_account_is_not_found(client, acme, globex, account):
    rich(globex, "Theirs")
    foreign = globex.add_account("Foreign")
    assert post(client, acme, foreign).status_code == 404
    mine = acme.add_account("Not mine", owner="csm2")
    assert post(client, acme, mine).status_code == 404
