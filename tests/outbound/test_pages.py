"""Endpoints and deliveries as a person meets them, without JavaScript and with it."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import panels
from audit.models import AuditEvent
from config.secrets import unseal
from integrations import tasks
from integrations.models import Connection, WriteIntent
from integrations.queries import outbound as queries

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def here(acme, receiver, sender):
    """acme with one endpoint."""
    with acme.here():
        acme.endpoint = sender.endpoint(acme, receiver, name="CRM bridge")
        yield acme


@pytest.fixture
def admin(client, here):
    client.force_login(here.ops_admin.user)
    return client


def url(world, name, *ids):
    return reverse(f"integrations:{name}", args=[world.tenant.slug, *ids])


def dead(intent, error="The receiver answered 500."):
    WriteIntent.objects.filter(pk=intent.pk).update(state="dead", attempts=8, last_error=error)


# --- endpoints ----------------------------------------------------------------------------------


def test_the_list_says_where_writes_go_and_what_waits(admin, here, sender):
    sender.plan(here)
    page = admin.get(url(here, "endpoints")).text
    assert "signed webhooks to CRM bridge" in page
    assert "Default" in page


def test_an_empty_list_says_what_an_endpoint_is(client, acme, sender):
    client.force_login(acme.revops.user)
    with acme.here():
        sender.plan(acme)
    page = client.get(url(acme, "endpoints")).text
    assert "No endpoint yet" in page
    assert "1 write without an endpoint" in page


def test_a_new_endpoint_shows_its_secret_once(client, acme, receiver):
    client.force_login(acme.ops_admin.user)
    answer = client.post(url(acme, "endpoint_new"), {"name": "CRM", "url": receiver.url})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store, private"
    secret = re.search(r'value="(whsec_[^"]+)"', answer.text)[1]
    with acme.here():
        endpoint = Connection.objects.get()
    assert unseal(endpoint.secret_sealed, purpose="webhook") == secret
    assert "whsec_" not in client.get(url(acme, "endpoint", endpoint.pk)).text
    assert "whsec_" not in client.get(url(acme, "endpoints")).text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "https://192.168.0.10/hook"}, "private network"),
        ({"url": "http://crm.example/hook"}, "https://"),
        ({"url": "https://0x7f.1/"}, "unusual spelling"),
        ({"url": "https://crm.example:22/"}, "Port 22"),
        ({"url": "what"}, "https://"),
        ({"url": ""}, "required"),
        ({"name": ""}, "required"),
        ({"name": "CRM bridge"}, "Another endpoint has this name"),
    ],
)
def test_a_wrong_entry_comes_back_with_words_at_its_field(admin, here, settings, values, words):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    good = {"name": "New", "url": "https://crm.example/hook"}
    for address in (url(here, "endpoint_new"), url(here, "endpoint_edit", here.endpoint.pk)):
        if address.endswith("edit/") and values.get("name") == "CRM bridge":
            continue  # its own name
        answer = admin.post(address, good | {"version": 1} | values)
        assert answer.status_code == 422
        assert words in answer.text
        assert "<title>Error:" in answer.text
        kept = (good | values)["name"]
        assert f'value="{kept}"' in answer.text or not kept
    assert Connection.objects.count() == 1


def test_editing_saves_and_a_stale_edit_keeps_the_text(admin, here, receiver):
    edit = url(here, "endpoint_edit", here.endpoint.pk)
    values = {"name": "Bridge", "url": receiver.url, "version": 1}
    assert admin.post(edit, values).status_code == 303
    answer = admin.post(edit, values | {"name": "Mine"})
    assert answer.status_code == 409
    assert 'value="Mine"' in answer.text
    assert "Bridge" in answer.text
    assert Connection.objects.get().name == "Bridge"
    assert 'name="version" value="2"' in answer.text


def test_pause_and_resume(admin, here):
    page = url(here, "endpoint", here.endpoint.pk)
    answer = admin.post(url(here, "endpoint_pause", here.endpoint.pk), {"version": 1})
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert "Paused" in admin.get(page).text
    stale = admin.post(url(here, "endpoint_resume", here.endpoint.pk), {"version": 1})
    assert stale.status_code == 409
    assert "Somebody changed" in stale.text
    assert admin.post(url(here, "endpoint_resume", here.endpoint.pk), {"version": 2}).status_code == 303
    assert Connection.objects.get().state == "active"
    wrong = admin.post(url(here, "endpoint_resume", here.endpoint.pk), {"version": 3})
    assert wrong.status_code == 409
    assert "active already" in wrong.text


@pytest.mark.parametrize("version", ["", "banana", "99999999999", "²"])
def test_a_version_that_is_none_counts_as_stale(admin, here, version):
    answer = admin.post(url(here, "endpoint_pause", here.endpoint.pk), {"version": version})
    assert answer.status_code == 409


def test_rotating_shows_the_new_secret_once(admin, here, receiver):
    rotate = url(here, "endpoint_rotate", here.endpoint.pk)
    answer = admin.post(rotate, {"version": 1})
    shown = re.search(r'value="(whsec_[^"]+)"', answer.text)[1]
    endpoint = Connection.objects.get()
    assert unseal(endpoint.secret_sealed, purpose="webhook") == shown
    assert unseal(endpoint.previous_secret_sealed, purpose="webhook") == receiver.secret
    again = admin.post(rotate, {"version": 1})
    assert again.status_code == 409
    assert "whsec_" not in again.text
    assert "whsec_" not in admin.get(url(here, "endpoint", here.endpoint.pk)).text


def test_a_test_event_goes_through_the_outbox(admin, here, receiver, sender):
    answer = admin.post(url(here, "endpoint_test", here.endpoint.pk))
    intent = WriteIntent.objects.get(kind="test")
    assert answer.headers["Location"] == url(here, "delivery", intent.pk)
    sender.run_jobs(here)
    assert b"holdfast.endpoint.test" in receiver.calls[0].body
    page = admin.get(url(here, "delivery", intent.pk)).text
    assert "Test event" in page
    assert "Answer 200" in page


def test_a_paused_endpoint_takes_no_test_event(admin, here):
    Connection.objects.update(state="paused")
    answer = admin.post(url(here, "endpoint_test", here.endpoint.pk))
    assert answer.status_code == 409
    assert "Resume it first" in answer.text


# --- the delivery log ---------------------------------------------------------------------------


def test_the_log_filters_by_state_kind_and_account(admin, here, sender):
    one, two = here.add_account("Halden Logistics"), here.add_account("Ravensgate Media")
    first = sender.plan(here, key="1", account_id=one.pk, line="ACC-1")
    second = sender.plan(here, key="2", account_id=two.pk, line="ACC-2")
    dead(second)
    log = url(here, "deliveries")

    def shown(query=""):
        found = re.findall(r'id="delivery-(\d+)"', admin.get(f"{log}{query}").text)
        return [int(each) for each in found]

    assert shown() == [second.pk, first.pk]
    assert shown("?state=dead") == [second.pk]
    assert shown("?account=halden") == [first.pk]
    assert shown(f"?account={two.external_id}") == [second.pk]
    assert shown("?kind=test") == []
    assert "No deliveries match" in admin.get(f"{log}?kind=test").text
    assert shown("?state=nonsense&kind=nonsense") == [second.pk, first.pk]
    assert admin.get(f"{log}?before=banana").status_code == 404


def test_the_rows_alone_keep_the_page_s_address(admin, here, sender):
    sender.plan(here)
    answer = admin.get(url(here, "delivery_rows") + "?state=ready", **HTMX)
    assert answer.headers["HX-Push-Url"] == url(here, "deliveries") + "?state=ready"
    assert "<html" not in answer.text


def test_the_log_pages_by_keyset(admin, here, sender):
    for number in range(30):
        sender.plan(here, key=str(number), line=f"ACC-{number}")
    first = admin.get(url(here, "deliveries")).text
    assert "deliveries 1–25 of 30" in first
    older = re.search(r'href="([^"]*before=[^"]*)"', first)[1]
    assert "deliveries 26–30 of 30" in admin.get(older).text


def test_a_delivery_shows_every_attempt_and_what_was_sent(admin, here, receiver, sender):
    from tests.outbound.receiver import Answer

    account = here.add_account()
    intent = sender.plan(here, account_id=account.pk, approval_ref="A-12", fields={"text": "<b>10%</b>"})
    receiver.answers(Answer(status=503, body=b"<script>down</script>"))
    for _ in range(2):
        WriteIntent.objects.update(next_at=timezone.now())
        tasks.dispatch(here.tenant, lambda done: None, connection_id=here.endpoint.pk)
    page = admin.get(url(here, "delivery", intent.pk)).text
    assert "Attempt 1" in page
    assert "Answer 503" in page
    assert "&lt;script&gt;down" in page
    assert "<script>down" not in page
    assert "Attempt 2" in page
    assert "&lt;b&gt;10%" in page
    assert reverse("approvals:request", args=["acme", "A-12"]) in page
    assert intent.idempotency_key in page


def test_a_waiting_delivery_names_the_one_it_waits_for(admin, here, sender):
    first, second = sender.plan(here, key="1"), sender.plan(here, key="2")
    WriteIntent.objects.filter(pk=first.pk).update(state="blocked", last_error="The receiver answered 400.")
    page = admin.get(url(here, "delivery", second.pk)).text
    assert url(here, "delivery", first.pk) in page
    assert "Blocked" in page


def test_replay_from_the_page_and_once_only(admin, here, receiver, sender):
    intent = sender.plan(here)
    dead(intent)
    again = url(here, "delivery_replay", intent.pk)
    assert "Send again" in admin.get(url(here, "delivery", intent.pk)).text
    assert admin.post(again).status_code == 303
    sender.run_jobs(here)
    assert receiver.effects == [intent.idempotency_key]
    refused = admin.post(again)
    assert refused.status_code == 409
    assert "written back already" in refused.text
    fragment = admin.post(again, **HTMX)
    assert fragment.status_code == 409
    assert "<html" not in fragment.text
    sender.run_jobs(here)
    assert len(receiver.calls) == 1
    assert AuditEvent.objects.filter(verb="integrations.write_replayed").count() == 1


def test_htmx_gets_the_region_back(admin, here, sender):
    intent = sender.plan(here)
    answer = admin.post(url(here, "delivery_cancel", intent.pk), **HTMX)
    assert answer.status_code == 200
    assert 'id="delivery"' in answer.text
    assert "Cancelled" in answer.text
    assert "<html" not in answer.text
    assert WriteIntent.objects.get().state == "cancelled"


def test_the_page_asks_again_only_while_it_is_being_sent(admin, here, sender):
    intent = sender.plan(here)
    page, details = url(here, "delivery", intent.pk), url(here, "delivery_details", intent.pk)
    assert details in admin.get(page).text
    for state in ("retry_wait", "done", "dead", "blocked"):
        WriteIntent.objects.update(state=state, done_at=timezone.now())
        assert details not in admin.get(page).text
    WriteIntent.objects.update(state="ready")
    Connection.objects.update(state="paused")
    assert details not in admin.get(page).text


# --- who sees it --------------------------------------------------------------------------------


def test_the_other_tenant_does_not_exist(client, here, globex, receiver, sender):
    intent = sender.plan(here)
    client.force_login(globex.ops_admin.user)
    assert client.get(url(here, "deliveries")).status_code == 404
    for name, row_id in [("endpoint", here.endpoint.pk), ("delivery", intent.pk)]:
        assert client.get(url(globex, name, row_id)).status_code == 404
    for name, row_id in [
        ("endpoint_pause", here.endpoint.pk),
        ("endpoint_resume", here.endpoint.pk),
        ("endpoint_rotate", here.endpoint.pk),
        ("endpoint_test", here.endpoint.pk),
        ("delivery_replay", intent.pk),
        ("delivery_cancel", intent.pk),
    ]:
        assert client.post(url(globex, name, row_id), {"version": 1}).status_code == 404, name
    assert url(here, "delivery", intent.pk) not in client.get(url(globex, "deliveries")).text
    assert "CRM bridge" not in client.get(url(globex, "endpoints")).text


def test_a_narrowed_person_sees_no_deliveries_of_other_regions(client, here, sender):
    north, south = here.add_account("North", region="EMEA"), here.add_account("South", region="APAC")
    mine = sender.plan(here, key="1", account_id=north.pk, line="1")
    other = sender.plan(here, key="2", account_id=south.pk, line="2")
    here.revops.regions = ["EMEA"]
    here.revops.save()
    client.force_login(here.revops.user)
    page = client.get(url(here, "deliveries")).text
    assert f"delivery-{mine.pk}" in page
    assert f"delivery-{other.pk}" not in page
    dead(other)
    assert client.get(url(here, "delivery", other.pk)).status_code == 404
    assert client.post(url(here, "delivery_replay", other.pk)).status_code == 404


def test_a_csm_reads_what_was_written_back_about_own_accounts_only(here, globex, sender):
    mine, other = here.add_account("Mine"), here.add_account("Other", owner="csm2")
    intent = sender.plan(here, key="1", account_id=mine.pk, line="1")
    sender.plan(here, key="2", account_id=other.pk, line="2")
    assert [each.pk for each in queries.for_account(here.tenant, here.csm, mine)] == [intent.pk]
    assert not queries.for_account(here.tenant, here.csm, other).exists()
    with pytest.raises(ValueError, match="another tenant"):
        queries.for_account(here.tenant, globex.csm, mine)


def test_the_account_page_has_the_panel(client, here, receiver, sender):
    account = here.add_account()
    sender.plan(here, account_id=account.pk)
    assert panels.panels["written-back"].lazy
    panel = reverse("accounts:panel", args=["acme", account.pk, "written-back"])
    client.force_login(here.csm.user)
    page = client.get(panel).text
    assert "Approved concession" in page
    assert "/deliveries/" not in page, "a CSM may read, not open the log"
    client.force_login(here.ops_admin.user)
    assert "/deliveries/" in client.get(panel).text


def test_a_csm_has_no_endpoints_and_no_log(client, here):
    client.force_login(here.csm.user)
    for name in ("endpoints", "deliveries"):
        assert client.get(url(here, name)).status_code == 403


# --- what it costs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limit"),
    [("endpoints", 12), ("deliveries", 12), ("delivery_rows", 6), ("delivery", 12), ("endpoint", 12)],
)
def test_pages_cost_the_same_for_one_row_or_twenty(admin, here, receiver, sender, query_count, name, limit):
    def add(count, start=0):
        for number in range(start, start + count):
            account = here.add_account(f"Account {number}")
            sender.plan(here, key=str(number), line=f"ACC-{number}", account_id=account.pk)

    add(1)
    ids = {"delivery": [WriteIntent.objects.first().pk], "endpoint": [here.endpoint.pk]}.get(name, [])
    address = url(here, name, *ids)
    admin.get(address)
    few = query_count(lambda: admin.get(address))
    add(19, start=1)
    for number in range(3):
        sender.endpoint(here, receiver, name=f"More {number}")
    assert query_count(lambda: admin.get(address)) == few
    # sign-in, membership and the tenant's transaction are not the page's own
    frame = query_count(lambda: admin.get(reverse("jobs:progress", args=["acme", 999999999])))
    assert few - (frame if name == "delivery_rows" else 0) <= limit, few
