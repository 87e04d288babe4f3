"""Signs of growth: how often each was followed by a purchase, the items of today, and who gets the leads."""

import csv
import io
import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import erasure, models
from audit.models import AuditEvent
from jobs import registry
from jobs import services as jobs
from jobs.models import Job
from scoring.growth import work
from scoring.growth.leads import tell_executives
from scoring.growth.models import GrowthItem, GrowthReport
from scoring.learning.growth.signs import Seen, rates_of
from scoring.people.models import Notice
from tenants.models import Membership
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


def test_new_leads_are_told_to_the_executive_of_the_account_once(world):
    """Alder names one; Birch names nobody, and the executive does not see it."""
    work_out(world)
    work_out(world)
    with world.here():
        notice = Notice.objects.get(tenant=world.tenant)
        assert (notice.user, notice.account.name) == (world.account_executive.user, "Alder")
        assert notice.text == "1 new lead from usage at Alder. They stand under Growth, Leads."


def test_several_accounts_are_one_notice_without_those_that_are_not_seen(acme):
    address = acme.account_executive.user.email.upper()
    names = ["Cedar", "Elm", "Fir", "Oak", "Ash"]
    accounts = [acme.add_account(name, ae_email=address, segment="smb") for name in names]
    with acme.here():
        leads = [
            GrowthItem(tenant=acme.tenant, account=each, kind="lead") for each in [*accounts, accounts[0]]
        ]
        assert tell_executives(acme.tenant, leads) == 1
        notice = Notice.objects.get(tenant=acme.tenant)
        # no name: the notice is of no one account, so that it would outlive the reader's sight of one
        assert notice.text == "6 new leads from usage at 5 accounts. They stand under Growth, Leads."
        assert notice.account_id is None
        Membership.objects.filter(pk=acme.account_executive.pk).update(segments=["enterprise"])
        assert tell_executives(acme.tenant, leads) == 0


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


def test_days_of_one_customer_are_no_cases_of_their_own():
    """Three customers seen eight times are three, and twenty seen once tell as much as twenty seen eight times."""
    days = [date(2026, 7, 3) - timedelta(days=90 * back) for back in range(8)]
    three = rates_of(Seen(day, n, "seats", "Core", 5 if n else None, {}) for n in range(3) for day in days)[
        "seats"
    ]
    assert (three["hits"], three["cases"], three["accounts"]) == (16, 24, 3)
    assert three["chance"] is None
    once = rates_of(Seen(days[0], n, "seats", "Core", 5 if n < 8 else None, {}) for n in range(20))["seats"]
    often = rates_of(
        Seen(day, n, "seats", "Core", 5 if n < 8 else None, {}) for n in range(20) for day in days
    )
    figures = ("chance", "low", "high", "rate", "accounts")
    assert [often["seats"][name] for name in figures] == pytest.approx([once[name] for name in figures])
    # one who bought after one day of eight is an eighth of a hit, not one
    seldom = rates_of(
        Seen(day, n, "seats", "Core", 5 if day == days[0] else None, {}) for n in range(20) for day in days
    )
    assert seldom["seats"]["rate"] == pytest.approx(1 / 8)


def test_the_page_by_role(world, globex, client):
    work_out(world)
    client.force_login(world.account_executive.user)
    text = client.get(world.url("growth/?kind=lead&mine=1")).text
    assert "Alder" in text
    assert "Birch" not in text
    assert "38 active users on the busiest day of 30, for 40 seats" in text
    assert "Too few customers" in text
    counts = "1 of 1 past cases, at 1 customer<"
    assert counts not in text, "a count of the whole workspace"
    client.force_login(world.executive.user)
    text = client.get(world.url("growth/?kind=lead")).text
    assert "Ada Birch" in text
    assert counts in text
    client.force_login(globex.executive.user)
    text = client.get(globex.url("growth/")).text
    assert "Not worked out yet" in text
    assert "Alder" not in text


def test_before_the_customers_are_counted_none_is_told(world, client):
    """Items from before the column was there hold 0 until the next night."""
    work_out(world)
    with world.here():
        GrowthItem.objects.for_tenant(world.tenant).update(
            accounts=0, cases=30, hits=7, chance=0.2, low=0.1, high=0.3
        )
        birch = models.Account.objects.get(name="Birch")
    client.force_login(world.executive.user)
    for kind in ("lead", "expansion"):
        text = client.get(world.url(f"growth/?kind={kind}")).text
        assert ("7 of 30 past cases" in text, "at 0 customers" in text) == (True, False), kind
    panel = client.get(world.url(f"accounts/{birch.pk}/panels/growth/")).text
    assert ("7 of 30 cases" in panel, "at 0 customers" in panel) == (True, False)
    rows = list(csv.DictReader(io.StringIO(client.post(world.url("growth/export/?kind=expansion")).text)))
    assert {(row["cases"], row["customers"]) for row in rows} == {("30", "")}


def test_an_account_shows_the_chance_and_beside_it_what_was_observed(world, client):
    """The chance is drawn to the rate of all patterns and counts customers; cases count their days."""
    work_out(world)
    with world.here():
        GrowthItem.objects.for_tenant(world.tenant).update(
            accounts=20, cases=24, hits=3, chance=0.22, low=0.15, high=0.30
        )
        birch = models.Account.objects.get(name="Birch")
    for role, is_whole in (("executive", True), ("csm", False)):
        client.force_login(world.people[role].user)
        panel = client.get(world.url(f"accounts/{birch.pk}/panels/growth/")).text
        words = " ".join(re.sub("<[^>]+>", " ", panel).split())
        assert "chance to buy within 90 days 22% ( 15–30 )" in words, role
        assert ("in the past 3 of 24 cases at 20 customers" in words) == is_whole
        assert "22% bought" not in words


def test_work_out_now_is_the_nights_job_where_that_waits(world, client):
    with world.here():
        [nightly] = [each for each in registry.schedules.values() if each.kind == work.GROWTH]
        job = jobs.fire(world.tenant, schedule=nightly, slot=timezone.now())
    client.force_login(world.manager.user)
    answer = client.post(world.url("growth/run/"))
    assert answer.headers["Location"].rstrip("/").endswith(f"/{job.pk}")
    with world.here():
        assert Job.objects.for_tenant(world.tenant).filter(kind=work.GROWTH).count() == 1


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


@pytest.fixture
def alike(acme):
    """21 enterprise customers in one industry; 12 of the 20 others had Insights for long, Alder has not."""
    run_of(acme)
    alder = acme.add_account("Alder", segment="enterprise", industry="retail")
    subscribe(acme, alder, product="Core")
    with acme.here():
        others = models.Account.objects.bulk_create(
            models.Account(
                tenant=acme.tenant, name=f"Other {number:02}", external_id=f"O{number}", segment="enterprise",
                industry="retail", customer_since=date(2024, 1, 1),
            )
            for number in range(20)
        )  # fmt: skip
        models.Subscription.objects.bulk_create(
            models.Subscription(
                tenant=acme.tenant, account=other, external_id=f"{product}-{other.pk}", product=product, arr=100,
                currency="USD", started_at=ago(200), renewal_date=DAY + timedelta(days=150),
            )
            for at, other in enumerate(others)
            for product in ("Core", "Insights")[: 2 if at < 12 else 1]
        )  # fmt: skip
    acme.alder = alder
    return acme


class TestSimilar:
    def found(self, world):
        work_out(world)
        return {item.account.name: item for item in items(world, kind="expansion", pattern="similar")}

    def test_what_most_of_the_others_have(self, alike, client):
        found = self.found(alike)
        assert set(found) == {"Alder", *(f"Other {number}" for number in range(12, 20))}
        facts = found["Alder"].facts
        assert (found["Alder"].product, facts["share"], facts["others"]) == ("Insights", 0.6, 20)
        client.force_login(alike.executive.user)
        text = client.get(alike.url("growth/")).text
        told = "60% of 20 other customers of the same segment and industry have it"
        assert told in text
        assert items(alike, kind="lead") == []
        panel = alike.url(f"accounts/{alike.alder.pk}/panels/growth/")
        assert told in client.get(panel).text
        alike.executive.regions = [alike.alder.region]
        alike.executive.save(update_fields=["regions"])
        for place in (alike.url("growth/"), panel):
            text = client.get(place).text
            assert "50% or more of the other customers of the same segment and industry have it" in text
            assert told not in text

    def test_who_had_it_once_is_not_told(self, alike):
        subscribe(
            alike, alike.alder, product="Insights", started_at=ago(400), renewal=DAY - timedelta(days=35)
        )
        assert "Alder" not in self.found(alike)

    def test_with_few_of_the_industry_the_segment_counts(self, alike):
        with alike.here():
            models.Account.objects.filter(pk=alike.alder.pk).update(industry="media")
        assert not self.found(alike)["Alder"].facts["is_narrow"]

    def test_too_few_are_no_evidence(self, alike):
        with alike.here():
            models.Account.objects.filter(name__in=["Other 00", "Other 19"]).update(segment="smb")
        assert self.found(alike) == {}

    def test_a_past_day_is_read_as_it_stood(self, alike):
        """90 days ago the same nine lacked it; Alder bought it after 30 days."""
        subscribe(alike, alike.alder, product="Insights", started_at=ago(60))
        self.found(alike)
        with alike.here():
            rate = GrowthReport.objects.get(tenant=alike.tenant).figures["patterns"]["similar"]
        assert (rate["hits"], rate["days"]) == (1, 30)
        assert rate["cases"] == 9 * 2  # terms of these tests began 200 days ago: two past days see them
