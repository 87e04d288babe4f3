"""The list, the account page and its panels: who sees what, what is logged, what a wrong address gives."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import panels, timeline
from accounts.models import Activity, Contact, Note, Subscription, Ticket

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def halden(acme):
    """An account with a contract, a champion who left, a call and a ticket with text."""
    account = acme.add_account("Halden <b>Logistics</b>", segment="enterprise")
    today = timezone.now().date()
    with acme.here():
        common = {"tenant": acme.tenant, "account": account}
        Subscription.objects.create(
            **common, external_id="S1", product="Desk", arr=Decimal(41200), currency="USD", seats=40,
            started_at=AT, renewal_date=today + timedelta(days=80),
        )  # fmt: skip
        Contact.objects.create(
            **common, external_id="C1", name="Ingrid Solberg", email="ingrid@halden.example", role="champion",
            departed_at=AT,
        )  # fmt: skip
        for number in range(12):
            Activity.objects.create(
                **common, external_id=f"A{number}", kind="call", direction="inbound", subject=f"Call {number}",
                occurred_at=AT + timedelta(days=number), body="the secret text", contact_external_ids=["C1"],
            )  # fmt: skip
        Ticket.objects.create(
            **common,
            external_id="T1",
            opened_at=AT,
            subject="Import fails",
            body="ticket text",
            priority="high",
        )
    return account


def page(world, name, *args, **query):
    return reverse(name, args=[world.tenant.slug, *args], query=query or None)


def enter(client, world, role):
    client.force_login(world.people[role].user)
    return client


def test_the_page_shows_every_panel_without_javascript(client, acme, halden):
    enter(client, acme, "csm")
    text = client.get(page(acme, "accounts:account", halden.pk, panels="all")).content.decode()
    for words in (
        "Timeline of evidence",
        "Ingrid Solberg",
        "ingrid@halden.example",
        "Desk",
        "$41,200",
        "Notes",
    ):
        assert words in text, words
    assert "Halden &lt;b&gt;Logistics" in text
    assert "the secret text" not in text


def test_panels_come_alone_at_their_own_address(client, acme, halden):
    enter(client, acme, "csm")
    for key in panels.panels:
        answer = client.get(page(acme, "accounts:panel", halden.pk, key))
        assert answer.status_code == 200, key
        assert "<html" not in answer.content.decode(), key
    assert client.get(page(acme, "accounts:panel", halden.pk, "nothing")).status_code == 404


def test_the_other_tenant_finds_nothing(client, acme, globex, halden):
    enter(client, globex, "ops_admin")
    assert client.get(page(globex, "accounts:account", halden.pk)).status_code == 404
    assert client.get(page(acme, "accounts:account", halden.pk)).status_code == 404
    assert "Halden" not in client.get(page(globex, "accounts:list")).content.decode()
    assert "Halden" not in client.get(page(globex, "accounts:search_results", q="halden")).content.decode()


def test_a_colleague_without_a_grant_finds_nothing(client, acme, halden):
    enter(client, acme, "csm2")
    assert client.get(page(acme, "accounts:account", halden.pk)).status_code == 404
    assert "Halden" not in client.get(page(acme, "accounts:search", q="Ingrid")).content.decode()


def test_support_sees_no_arr_and_no_contact_mail(client, acme, halden):
    enter(client, acme, "support")
    text = client.get(page(acme, "accounts:account", halden.pk, panels="all")).content.decode()
    assert "Ingrid Solberg" in text
    for hidden in ("41,200", "$41", "ingrid@halden.example"):
        assert hidden not in text


def test_search_finds_accounts_by_name_and_by_person(client, acme, halden):
    enter(client, acme, "csm")
    for words in ("alden", "ingrid sol"):
        assert "Halden" in client.get(page(acme, "accounts:search_results", q=words)).content.decode()
    for words in ("", "x", "%", "_", "100%", "' OR 1=1 --", "\\"):
        answer = client.get(page(acme, "accounts:search_results"), {"q": words})
        assert answer.status_code == 200
        assert "Halden" not in answer.content.decode()


def test_the_timeline_pages_without_gap_or_repeat(acme, halden):
    seen, before = [], ""
    with acme.here():
        while True:
            lines, before = timeline.entries(acme.tenant, halden, before=before, size=5)
            seen += [(line.at, line.kind, line.external_id) for line in lines]
            if not before:
                break
    assert len(seen) == len(set(seen)) == 14  # 12 calls, a ticket, a departure
    assert [at for at, *_ in seen] == sorted((at for at, *_ in seen), reverse=True)


@pytest.mark.parametrize(
    "cursor", ["x", "2026-03-01~call~1", "2026-03-01T00:00:00+00:00~nope~1", "~~", "a~activity~b"]
)
def test_a_made_up_cursor_is_refused(client, acme, halden, cursor):
    enter(client, acme, "csm")
    assert client.get(page(acme, "accounts:evidence", halden.pk), {"before": cursor}).status_code == 400


def test_opening_a_text_is_logged_without_the_text(client, acme, halden):
    enter(client, acme, "csm")
    with acme.here():
        call = Activity.objects.first()
    address = page(acme, "accounts:open_body", halden.pk, "activity", call.pk)
    assert client.get(address).status_code == 405
    answer = client.post(address)
    assert "the secret text" in answer.content.decode()
    assert events(acme, "accounts.body_opened") == [call.external_id]
    assert enter(client, acme, "executive").post(address).status_code == 403


def events(world, verb):
    from django.db import connection

    with world.here(), connection.cursor() as cursor:
        cursor.execute("SELECT object_id, diff::text FROM audit_event WHERE verb = %s ORDER BY id", [verb])
        found = cursor.fetchall()
    assert not any("secret" in diff for _, diff in found)
    return [object_id for object_id, _ in found]


def test_a_note_is_kept_and_an_empty_one_is_refused_with_words(client, acme, halden):
    enter(client, acme, "csm")
    address = page(acme, "accounts:add_note", halden.pk)
    assert client.post(address, {"text": "Call back <i>soon</i>"}).status_code == 303
    refused = client.post(address, {"text": "  "})
    assert refused.status_code == 422
    assert "next person" in refused.content.decode()
    with acme.here():
        assert [note.text for note in Note.objects.all()] == ["Call back <i>soon</i>"]
    fragment = client.post(address, {"text": "Again"}, headers={"HX-Request": "true"}).content.decode()
    assert "Call back &lt;i&gt;soon" in fragment
    assert "<html" not in fragment
    assert enter(client, acme, "executive").post(address, {"text": "x"}).status_code == 403


def test_a_share_opens_the_account_until_it_ends(client, acme, globex, halden):
    enter(client, acme, "csm")
    address = page(acme, "accounts:share", halden.pk)
    stranger = globex.people["csm"].pk
    assert client.post(address, {"member": stranger, "reason": "help"}).status_code == 422
    assert client.post(address, {"member": acme.people["csm2"].pk, "reason": ""}).status_code == 422
    assert client.post(address, {"member": acme.people["csm2"].pk, "reason": "holiday"}).status_code == 303
    enter(client, acme, "csm2")
    assert client.get(page(acme, "accounts:account", halden.pk)).status_code == 200
    from accounts.models import AccountShare

    with acme.here():
        share = AccountShare.objects.get()
    enter(client, acme, "csm").post(page(acme, "accounts:unshare", halden.pk, share.pk))
    assert enter(client, acme, "csm2").get(page(acme, "accounts:account", halden.pk)).status_code == 404


def test_a_share_is_not_shared_on(client, acme, halden):
    """Neither may whom it was shared with put others out; the team's manager may do both."""
    from accounts.models import AccountShare

    enter(client, acme, "csm").post(
        page(acme, "accounts:share", halden.pk), {"member": acme.people["csm2"].pk, "reason": "holiday"}
    )
    enter(client, acme, "csm2")
    panel = client.get(page(acme, "accounts:panel", halden.pk, "sharing")).text
    assert "Shared with you" in panel
    assert "<form" not in panel
    onward = {"member": acme.people["account_executive"].pk, "reason": "my friend"}
    refused = client.post(page(acme, "accounts:share", halden.pk), onward, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert "was shared with you" in refused.text
    with acme.here():
        share = AccountShare.objects.get()
    assert client.post(page(acme, "accounts:unshare", halden.pk, share.pk)).status_code == 403
    assert (
        enter(client, acme, "manager").post(page(acme, "accounts:share", halden.pk), onward).status_code
        == 303
    )
    with acme.here():
        assert AccountShare.objects.count() == 2


def test_the_page_costs_the_same_for_much_and_little(client, acme, halden, query_count):
    small = acme.add_account("Small")
    enter(client, acme, "csm")
    few = query_count(lambda: client.get(page(acme, "accounts:account", small.pk)))
    assert query_count(lambda: client.get(page(acme, "accounts:account", halden.pk))) == few <= 12
    for key in panels.panels:
        address = page(acme, "accounts:panel", halden.pk, key)
        assert query_count(lambda address=address: client.get(address)) <= 8, key  # 2 of them are sign-in


def test_the_list_pages_there_and_back(client, acme):
    for number in range(60):
        acme.add_account(
            f"Account {number // 2:02}", external_id=f"X{number}", customer_since=date(2024, 1, 1)
        )
    enter(client, acme, "csm")
    first = client.get(page(acme, "accounts:list"))
    context = first.context
    assert (context["page"].first, context["page"].total) == (1, 60)
    second = client.get(context["older"]).context
    assert second["page"].first == 26
    back = client.get(second["newer"]).context
    assert [row.pk for row in back["page"].rows] == [row.pk for row in context["page"].rows]
    third = client.get(second["older"]).context
    assert len(third["page"].rows) == 10
    assert not third["older"]
    assert client.get(page(acme, "accounts:list"), {"after": "tampered"}).status_code == 400


@pytest.mark.parametrize("group", timeline.GROUPS)
def test_the_timeline_of_every_kind_alone(client, acme, halden, group):
    enter(client, acme, "csm")
    assert client.get(page(acme, "accounts:evidence", halden.pk, kind=group)).status_code == 200


def test_a_link_from_a_reason_shows_its_kind_of_evidence_at_once(client, acme, halden):
    enter(client, acme, "csm")
    address = page(acme, "accounts:account", halden.pk)
    support = client.get(address, {"kind": "Support"}).text
    assert "Ticket T1: Import fails" in support
    assert "Call 11" not in support
    assert '<option value="Support" selected>' in support
    assert "Import fails" not in client.get(address).text, "without a kind it comes when it is scrolled to"
    unknown = client.get(address, {"kind": "nonsense"})
    assert unknown.status_code == 200
    assert "Call 11" in unknown.text
