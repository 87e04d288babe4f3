"""Signs of growth: how often each was followed by a purchase, the items of today, and who gets the leads."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import erasure, models
from audit.models import AuditEvent
from scoring.growth.models import GrowthItem, GrowthReport
from scoring.learning.growth.signs import Seen, rates_of
from tests.growth.world import run_of, work_out
from tests.scoring.evidence import DAY, add, add_usage, ago, contact, subscribe

pytestmark = pytest.mark.django_db


def use_product(world, account, product, *, days=5, person=""):
    day = DAY - timedelta(days=days)
    with world.here():
        with connection.cursor() as cursor:
            cursor.execute("SELECT ensure_partition('accounts_usage_detail', %s)", [day.replace(day=1)])
        models.UsageDetail.objects.create(
            tenant=world.tenant, account=account, day=day, contact_external_id=person, product=product,
            feature="x", count=3, source="test", recorded_at=timezone.now(),
        )  # fmt: skip


@pytest.fixture
def world(acme):
    """Alder was full 90 days ago, bought after 30 days, and is full now; Birch tries a product it does not own."""
    run_of(acme)
    alder = acme.add_account("Alder", ae_email="account_executive@acme.example")
    birch = acme.add_account("Birch")
    subscribe(acme, alder, product="Core", seats=40)
    subscribe(acme, birch, product="Core", seats=400)
    add_usage(acme, alder, first=150, last=1, active_users=38)
    add_usage(acme, birch, first=60, last=31, active_users=10)
    add_usage(acme, birch, first=30, last=1, active_users=12)
    add(acme, alder, models.Outcome, kind="expanded", effective_at=ago(60))
    person = contact(acme, birch, name="Ada Birch", email="ada@birch.example")
    use_product(acme, birch, "Insights", person=person.external_id)
    use_product(acme, birch, "Core", person=person.external_id)
    acme.person = person
    return acme


def items(world, **values):
    with world.here():
        return list(GrowthItem.objects.for_tenant(world.tenant).filter(**values).select_related("account"))


def test_patterns_of_today_and_what_followed_in_the_past(world):
    work_out(world)
    found = {(item.account.name, item.pattern, item.product) for item in items(world, kind="expansion")}
    assert found == {
        ("Alder", "seats", "Core"),
        ("Birch", "tried", "Insights"),
    }  # 12 is no quarter more than 10
    with world.here():
        rates = GrowthReport.objects.get(tenant=world.tenant).figures["patterns"]
    assert (rates["seats"]["hits"], rates["seats"]["cases"], rates["seats"]["days"]) == (1, 1, 30)
    assert (rates["tried"]["hits"], rates["tried"]["cases"]) == (0, 0)
    assert all(item.chance is None and item.due is None for item in items(world))  # one case is too few


def test_leads_name_the_person_and_are_told_once(world):
    work_out(world)
    work_out(world)
    leads = {(item.account.name, item.contact_external_id) for item in items(world, kind="lead")}
    assert leads == {("Alder", ""), ("Birch", world.person.external_id)}
    with world.here():
        assert AuditEvent.objects.filter(tenant=world.tenant, verb="scoring.lead_found").count() == 2


def test_an_erased_person_is_in_no_lead(world):
    work_out(world)
    with world.here():
        erasure.erase(erasure.subject_of(world.tenant, world.person))
    assert [item.account.name for item in items(world, kind="lead")] == ["Alder"]


def test_rates_are_shrunken_and_shown_from_twenty_cases_on():
    day = date(2026, 7, 3)
    past = [Seen(day, n, "seats", "Core", 10 + n if n < 10 else None, {}) for n in range(20)]
    past += [Seen(day, n, "growing", "Core", None, {}) for n in range(19)]
    rates = rates_of(past)
    assert (rates["seats"]["hits"], rates["seats"]["cases"], rates["seats"]["rate"]) == (10, 20, 0.5)
    assert 0.25 < rates["seats"]["chance"] < 0.5  # drawn towards 10 of 39
    assert rates["seats"]["low"] < rates["seats"]["chance"] < rates["seats"]["high"]
    assert rates["seats"]["days"] == 14.5
    assert rates["growing"]["chance"] is None


def test_the_page_by_role(world, globex, client):
    work_out(world)
    client.force_login(world.account_executive.user)
    text = client.get(world.url("growth/?kind=lead&mine=1")).text
    assert "Alder" in text
    assert "Birch" not in text
    assert "38 active users on the busiest day of 30, for 40 seats" in text
    assert "Too few cases" in text
    client.force_login(world.executive.user)
    assert "Ada Birch" in client.get(world.url("growth/?kind=lead")).text
    client.force_login(globex.executive.user)
    text = client.get(globex.url("growth/")).text
    assert "Not worked out yet" in text
    assert "Alder" not in text


def test_the_pages_queries_do_not_grow_with_rows(world, client, query_count):
    work_out(world)
    client.force_login(world.executive.user)
    few = query_count(lambda: client.get(world.url("growth/?kind=lead")))
    for number in range(4):
        account = world.add_account(f"More {number}")
        subscribe(world, account, product="Core")
        use_product(world, account, "Insights")
    work_out(world)
    assert query_count(lambda: client.get(world.url("growth/?kind=lead"))) == few <= 12
