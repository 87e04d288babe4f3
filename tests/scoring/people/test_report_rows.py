"""The rows that a data report offers: the reason's own first, open ones before closed ones, all others by a search."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Invoice, Survey, Ticket
from scoring.people import corrections, report_rows
from scoring.people.models import DataReport, ReasonFeedback
from tests.scoring.evidence import DAY, add, ago, contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    account = acme.add_account()
    contact(acme, account, "champion", name="Ingrid Solberg")
    add(acme, account, Survey, kind="nps", score=3, responded_at=ago(5))
    add(acme, account, Invoice, issued_at=ago(80), due_at=ago(50), amount=900, currency="USD")
    with acme.here():
        yield account


@pytest.fixture
def many(acme, account):
    """65 tickets after one that is open still and one that is closed."""
    old = [
        add(acme, account, Ticket, opened_at=ago(300), escalated_at=ago(290), subject="Import fails"),
        add(acme, account, Ticket, opened_at=ago(310), closed_at=ago(305), subject="Export fails"),
    ]
    for number in range(65):
        at = ago(number + 1)
        add(acme, account, Ticket, opened_at=at, closed_at=at + timedelta(hours=1), subject="Password")
    return old


def report(client, world, account, key="satisfaction.open_escalations"):
    client.force_login(world.csm.user)
    url = reverse("scoring:feedback", args=[world.tenant.slug, account.pk])
    answer = client.post(url, {"about": "reason", "key": key, "said": "wrong_fact", "note": ""})
    assert answer.status_code == 303, answer.text
    client.force_login(world.ops_admin.user)
    return DataReport.objects.get(account=account)


def shown(client, world, found, **asked):
    url = reverse("scoring:report", args=[world.tenant.slug, found.pk])
    return client.get(url, asked).text


def test_the_reasons_own_rows_come_first_and_open_ones_among_many(client, acme, account, many):
    text = shown(client, acme, report(client, acme, account))
    groups = re.findall(r'<optgroup label="(.*?)"', text)
    assert groups == ["Tickets, behind this reason", "People", "Surveys", "Invoices"]
    places = re.findall(r'<option value="(\w+:\d+:\w+)"', text)
    assert places[0] == f"ticket:{many[0].pk}:closed_at"  # open since long: before the 65 newer, closed ones
    assert f"ticket:{many[1].pk}:closed_at" not in places
    assert "At most 60 rows of a kind are offered" in text


def test_a_row_beyond_them_is_found_and_put_right(client, acme, account, many):
    found = report(client, acme, account)
    old = many[1]
    place = f"ticket:{old.pk}:closed_at"
    day = str(DAY - timedelta(days=310))
    for words in ("export", old.external_id.lower(), day):
        text = shown(client, acme, found, q=words)
        assert place in text, words
        assert f'<input type="hidden" name="q" value="{words}">' in text
    assert 'value="contact:' not in shown(client, acme, found, q="export")
    fix = reverse("scoring:report_correct", args=["acme", found.pk])
    form = {"place": place, "new": str(DAY - timedelta(days=302)), "why": "Support told us."}
    assert client.post(fix, form).status_code == 422  # not among the newest ones
    assert client.post(fix, {**form, "q": "import"}).status_code == 422  # nor in another search
    assert client.post(fix, {**form, "q": "export"}).status_code == 303
    old.refresh_from_db()
    assert old.closed_at == ago(302)


def test_a_search_without_a_row_and_one_with_odd_signs(client, acme, globex, account, many):
    found = report(client, acme, account)
    other = globex.add_account("Elsewhere")
    add(globex, other, Ticket, opened_at=ago(3), subject="Export of others")
    assert "Export of others" not in shown(client, acme, found, q="export")
    for words in ("%", "2026-02-31", "'; --", "<b>" + "x" * 200):
        text = shown(client, acme, found, q=words)
        assert "No row of this account has" in text, words
        assert "<b>xxx" not in text
    assert "Ingrid Solberg" in shown(client, acme, found, q="solberg")


def test_a_search_by_the_last_day_there_is_finds_nothing(client, acme, account):
    found = report(client, acme, account)
    client.force_login(acme.ops_admin.user)
    url = reverse("scoring:report", args=[acme.tenant.slug, found.pk])
    for day in ("9999-12-31", "0001-01-01"):
        assert client.get(url, {"q": day}).status_code == 200


def test_the_page_says_what_can_be_corrected(client, acme, account):
    text = shown(client, acme, report(client, acme, account))
    for source, fields in corrections.FIELDS.items():
        assert report_rows.PLURALS[source].lower() in text
        assert all(label.lower() in text for label, _ in fields.values())


@pytest.mark.parametrize(
    ("key", "own"),
    [
        ("satisfaction.csat_90d", {"ticket", "survey"}),
        ("stakeholders.champion_vulnerability", {"contact"}),
        ("business.overdue_days", {"invoice"}),
        ("contract.timing", {"subscription"}),
        ("usage.trend_30d", set()),
    ],
)
def test_which_rows_a_reason_rests_on(key, own):
    said = ReasonFeedback(about="reason", key=key)
    assert report_rows.behind(DataReport(feedback=said)) == own
    said.about = "recommendation"
    assert report_rows.behind(DataReport(feedback=said)) == set()


def test_the_page_costs_the_same_with_many_rows(client, acme, account, query_count):
    found = report(client, acme, account)
    shown(client, acme, found)
    few = query_count(lambda: shown(client, acme, found))
    for number in range(20):
        add(acme, account, Ticket, opened_at=ago(number + 1), subject="Password")
    assert query_count(lambda: shown(client, acme, found, q="password")) == few <= 12
