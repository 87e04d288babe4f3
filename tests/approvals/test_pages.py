"""The inbox in front of its readers: what it shows to whom, how it answers, with and without htmx."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.models import ApprovalRequest
from tenants import services as tenants
from tests.approvals.conftest import answer, ask
from tests.worlds import MAKER

HTMX = {"HX-Request": "true"}
READERS = ["csm", "account_executive", "manager", "executive", "finance", "revops", "ops_admin", "auditor"]


@pytest.fixture
def enter(client):
    def enter(world, role):
        client.force_login(world.people[role].user)
        return client

    return enter


def get(client, world, path="approvals/", **headers):
    return client.get(world.url(path), headers=headers)


def send(client, world, request, *, digest=None, htmx=True, **fields):
    data = {"digest": digest or request.digest, "comment": "", **fields}
    return client.post(world.url(f"approvals/{request.ref}/answer/"), data, headers=HTMX if htmx else {})


def listed(page):
    """The refs of the list, top to bottom."""
    return re.findall(r'id="line-(A-\d+)"', page.text)


def move(world, request, **times):
    with world.here():
        ApprovalRequest.objects.for_tenant(world.tenant).filter(pk=request.pk).update(**times)


# --- who sees what ---


@pytest.mark.parametrize("role", READERS)
def test_those_who_see_the_account_read_its_request(acme, enter, role):
    account = acme.add_account(ae_email=acme.account_executive.user.email)
    request = ask(acme, account)
    for path in (f"approvals/{request.ref}/", f"approvals/{request.ref}/panel/", "approvals/?tab=all"):
        assert "Halden Logistics" in get(enter(acme, role), acme, path).text


def test_support_sees_no_money_and_so_no_requests(acme, enter):
    request = ask(acme, acme.add_account())
    for path in (
        "approvals/",
        "approvals/rows/",
        f"approvals/{request.ref}/",
        f"approvals/{request.ref}/panel/",
    ):
        assert get(enter(acme, "support"), acme, path).status_code == 403


def test_a_csm_sees_neither_list_nor_page_of_a_foreign_account(acme, enter):
    request = ask(acme, acme.add_account(owner="csm"))
    client = enter(acme, "csm2")
    for path in (
        f"approvals/{request.ref}/",
        f"approvals/{request.ref}/panel/",
        f"approvals/?r={request.ref}",
    ):
        assert get(client, acme, path).status_code == 404
    for tab in ("waiting", "answered", "all"):
        page = get(client, acme, f"approvals/?tab={tab}")
        assert page.status_code == 200
        assert request.ref not in page.text


def test_a_requester_keeps_seeing_a_request_after_losing_the_account(acme, enter):
    from accounts import grants

    account = acme.add_account(owner="csm")
    request = ask(acme, account)
    with acme.here():
        account.owner_email = acme.csm2.user.email
        account.save(update_fields=["owner_email"])
        grants.sync(acme.tenant, account_ids=[account.pk])
    assert get(enter(acme, "csm"), acme, f"approvals/{request.ref}/").status_code == 200


def test_a_request_on_no_account_is_read_by_those_who_audit_the_whole_tenant(acme, enter):
    request = ask(acme, acme.add_account(), account_id=None)
    for role, status in (
        ("csm", 200),
        ("auditor", 200),
        ("ops_admin", 200),
        ("csm2", 404),
        ("executive", 404),
    ):
        assert get(enter(acme, role), acme, f"approvals/{request.ref}/").status_code == status, role


def test_another_tenants_requests_do_not_exist(acme, globex, enter):
    mine, theirs = ask(acme, acme.add_account("Ours")), ask(globex, globex.add_account("Theirs"))
    second = ask(globex, globex.add_account("Theirs too"), subject="2")
    client = enter(acme, "manager")
    page = get(client, acme, "approvals/?tab=all")
    assert listed(page) == [mine.ref]
    assert "Theirs" not in page.text
    assert get(client, acme, f"approvals/{second.ref}/").status_code == 404
    assert get(client, globex, f"approvals/{theirs.ref}/").status_code == 404
    assert send(client, globex, theirs, verdict="approved").status_code == 404


def test_a_request_that_is_not_there_is_404_on_every_address(acme, enter):
    client = enter(acme, "manager")
    for path in ("approvals/A-9999/", "approvals/A-9999/panel/", "approvals/?r=A-9999", "approvals/%27/"):
        assert get(client, acme, path).status_code == 404
    assert client.post(acme.url("approvals/A-9999/answer/"), {}).status_code == 404
    assert client.post(acme.url("approvals/A-9999/withdraw/"), {}).status_code == 404


# --- the list ---


def test_due_first_overdue_in_red_with_clock_and_word(acme, enter):
    requests = [ask(acme, acme.add_account(f"Firm {n}"), subject=str(n)) for n in range(3)]
    now = timezone.now()
    for request, hours in zip(requests, (30, -1.5, 2), strict=True):
        move(acme, request, due_at=now + timedelta(hours=hours))
    page = get(enter(acme, "manager"), acme)
    assert listed(page) == ["A-1002", "A-1003", "A-1001"]
    overdue = page.text.split('id="line-A-1002"')[1].split("</li>")[0]
    assert "t-crit" in overdue
    assert "#i-clock" in overdue
    assert "Overdue 1 h 30 min" in overdue
    assert "3 wait for you, one is past its time." in " ".join(page.text.split())


def test_own_requests_are_listed_locked_with_who_will_answer(acme, enter):
    request = ask(acme, acme.add_account())
    page = get(enter(acme, "csm"), acme)
    assert listed(page) == [request.ref]
    assert "(yours)" in page.text
    assert "Goes to m. acme" in page.text
    assert 'name="verdict"' not in page.text
    assert "You asked for this yourself" in page.text
    assert "It goes to manager acme." in " ".join(page.text.split())


def test_a_managers_own_request_is_not_theirs_to_answer(acme, enter):
    request = ask(acme, acme.add_account(), role="manager")
    page = get(enter(acme, "manager"), acme)
    assert listed(page) == [request.ref]
    assert 'name="verdict"' not in page.text
    assert "Nobody can answer" in page.text
    assert "An operations admin can invite another manager of this team" in " ".join(page.text.split())
    assert send(enter(acme, "manager"), acme, request, verdict="approved").status_code == 403


def test_a_request_on_an_own_account_is_shown_but_not_answered(acme, enter):
    request = ask(acme, acme.add_account(owner="manager"), role="csm")
    assert listed(get(enter(acme, "manager"), acme)) == []
    page = get(enter(acme, "manager"), acme, f"approvals/{request.ref}/")
    assert "You own this account" in page.text
    assert 'name="verdict"' not in page.text
    assert send(enter(acme, "manager"), acme, request, verdict="approved").status_code == 403


def test_the_tabs(acme, enter):
    first, second = (ask(acme, acme.add_account(f"Firm {n}"), subject=str(n)) for n in range(2))
    answer(acme, first, verdict="rejected", comment="No.")
    client = enter(acme, "manager")
    assert listed(get(client, acme)) == [second.ref]
    assert listed(get(client, acme, "approvals/?tab=answered")) == [first.ref]
    assert listed(get(client, acme, "approvals/?tab=all")) == [second.ref, first.ref]
    assert listed(get(client, acme, "approvals/?tab=nonsense")) == [second.ref]


def test_the_kind_filter(acme, caller, enter):
    from approvals import registry, services

    registry.register_kind(
        "test_terms",
        label="Terms",
        recheck=caller.recheck,
        on_verdict=caller.on_verdict,
        visible=caller.visible,
    )
    try:
        with acme.here():
            services.install_default_policies(acme.tenant)
        ask(acme, acme.add_account("One"), subject="1")
        terms = ask(acme, acme.add_account("Two"), subject="2", kind="test_terms")
        page = get(enter(acme, "manager"), acme, "approvals/?kind=test_terms")
        assert listed(page) == [terms.ref]
        assert get(enter(acme, "manager"), acme, "approvals/?kind=nonsense&before=&r=").status_code == 200
    finally:
        del registry.kinds["test_terms"]


def test_the_list_goes_on_in_pages(acme, enter):
    account = acme.add_account()
    refs = [ask(acme, account, subject=str(n)).ref for n in range(27)]
    client = enter(acme, "manager")
    for tab, wanted in (("waiting", refs), ("all", refs[::-1])):
        first = get(client, acme, f"approvals/?tab={tab}")
        assert listed(first) == wanted[:25]
        assert "1–25 of 27" in first.text
        onward = re.search(r'href="([^"]*after=[^"]*)"', first.text)[1].replace("&amp;", "&")
        second = client.get(onward)
        assert listed(second) == wanted[25:]
        assert "26–27 of 27" in second.text
        back = re.search(r'href="([^"]*before=[^"]*)"', second.text)[1].replace("&amp;", "&")
        assert listed(client.get(back)) == wanted[:25]


@pytest.mark.parametrize("place", ["nonsense", "2026-13-45~1", "~", "99999999999999999999", "2026-01-01~1"])
@pytest.mark.parametrize("tab", ["waiting", "all"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_place_that_was_not_made_here_is_404(acme, enter, side, tab, place):
    client = enter(acme, "manager")
    for path in ("approvals/", "approvals/rows/"):
        assert get(client, acme, f"{path}?tab={tab}&{side}={place}").status_code == 404


def test_empty_inboxes_say_what_comes_next(acme, enter):
    client = enter(acme, "manager")
    assert "Nothing waits here" in get(client, acme).text
    assert "You have not answered a request yet" in get(client, acme, "approvals/?tab=answered").text
    assert "No requests yet" in get(client, acme, "approvals/?tab=all").text
    assert "Nothing waits for you." in " ".join(get(client, acme).text.split())


# --- the case ---


def test_the_case_shows_what_is_needed_to_judge(acme, enter):
    request = ask(
        acme,
        acme.add_account(),
        pct="15",
        cost="4800",
        renewal_date="2027-02-14",
        playbook="Usage drop",
        step=3,
    )
    text = " ".join(get(enter(acme, "manager"), acme, f"approvals/{request.ref}/").text.split())
    for words in (
        "15% discount on renewal, Halden Logistics",
        "“Their finance team asked for a gesture.”",
        "ARR <b>$32k</b>",
        "14 Feb 2027",
        "Critical",
        "play “Usage drop”, step 3",
        "$32,000 × 15% × 12 of 12 months = $4,800.",
        "Do nothing",
        "$0",
        "$27,200",
        "Discount of 15% is above 10%",
        request.policy_line,
        request.digest,
        "Opportunity · Discount",
        "− 0%",
        "+ 15%",
        "Nobody approves their own request",
        "csm acme asked for it and cannot answer.",
    ):
        assert words in text, words


def test_the_cost_is_not_explained_where_the_facts_do_not_add_up(acme, enter):
    request = ask(acme, acme.add_account(), pct="15", cost="4801")
    text = get(enter(acme, "manager"), acme, f"approvals/{request.ref}/").text
    assert "$4,801" in text
    assert " × " not in text


def test_nothing_said_by_people_becomes_markup(acme, enter):
    nasty = "<script>alert(1)</script>\"'&"
    request = ask(acme, acme.add_account(nasty), why=nasty, extra=nasty)
    page = get(enter(acme, "manager"), acme, f"approvals/{request.ref}/")
    assert "alert(1)" in page.text
    assert "<script>alert" not in page.text


def test_the_history_tells_each_answer_with_its_words(acme, enter):
    request = ask(acme, acme.add_account(), pct="25")
    answer(acme, request, comment="Fine with me.")
    text = " ".join(get(enter(acme, "finance"), acme).text.split())
    assert "manager acme (Manager) approved" in text
    assert "“Fine with me.”" in text
    assert "approved as manager, today" in text
    assert 'name="verdict"' in text
    text = " ".join(get(enter(acme, "manager"), acme, f"approvals/{request.ref}/").text.split())
    assert "You approved. It now waits for finance." in text


def test_a_payload_without_writes_is_shown_value_by_value(acme, enter, caller):
    from approvals import services

    account = acme.add_account()
    with acme.here():
        request = services.request_approval(
            acme.tenant, kind="test_discount", title="Terms", why="", subject_type="x", subject_id="9",
            payload={"account": {"external_id": "ACC-1"}, "discount_pct": Decimal("10"), "items": [1, None],
                     "on": True},
            facts={"account_id": account.pk, "discount_pct": 10, "cost": 0, "health": 38.5}, by=acme.actor("csm"),
        )  # fmt: skip
    text = " ".join(get(enter(acme, "manager"), acme, f"approvals/{request.ref}/").text.split())
    for words in (
        "Account · external id",
        "+ ACC-1",
        ">Discount</div>",
        "+ 10%",
        "Items · 2",
        "+ empty",
        "+ yes",
    ):
        assert words in text, words
    assert "No reason was given." in text


# --- answering ---


def test_an_answer_comes_back_with_its_line_the_counts_and_a_toast(acme, enter):
    request = ask(acme, acme.add_account())
    page = send(enter(acme, "manager"), acme, request, verdict="approved")
    assert page.status_code == 200
    text = " ".join(page.text.split())
    assert text.index('id="case"') < text.index('id="line-A-1001"')
    for words in (
        'id="line-A-1001" data-keys="request" hx-swap-oob="true"',
        'id="approvals-sub" hx-swap-oob="true"',
        'id="nav-count-approvals-inbox" hx-swap-oob="true">0',
        "A-1001: Approved.",
        "data-autofocus",
    ):
        assert words in text, words
    assert "<html" not in text
    assert 'name="verdict"' not in text


def test_without_htmx_an_answer_leads_back_to_the_request(acme, enter):
    request = ask(acme, acme.add_account())
    client = enter(acme, "manager")
    page = send(client, acme, request, htmx=False, verdict="rejected", comment="Not now.")
    assert page.status_code == 303
    page = client.get(page.headers["Location"])
    assert "A-1001: Rejected." in page.text
    assert "Not now." in page.text


@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"verdict": "rejected"}, "Say what should change, or why not."),
        ({"verdict": "changes_requested", "comment": "   "}, "Say what should change, or why not."),
        ({}, "Choose an answer."),
        ({"verdict": "maybe"}, "Choose an answer."),
        ({"verdict": "rejected", "comment": "x" * 4001}, "at most 4000 characters"),
    ],
)
def test_a_fault_is_shown_and_the_input_kept(acme, enter, htmx, fields, words):
    request = ask(acme, acme.add_account())
    page = send(enter(acme, "manager"), acme, request, htmx=htmx, **fields)
    assert page.status_code == 422
    assert words in page.text
    assert ("<html" in page.text) is not htmx
    if "comment" in fields:
        assert fields["comment"] in page.text
        assert 'aria-invalid="true"' in page.text
        assert 'id="id_comment_error"' in page.text
        assert "id_comment_error" in re.search(r'<textarea[^>]*aria-describedby="([^"]*)"', page.text)[1]


@pytest.mark.parametrize("htmx", [True, False])
def test_a_stale_page_gets_the_fresh_case_and_keeps_the_words(acme, enter, htmx):
    request = ask(acme, acme.add_account())
    page = send(
        enter(acme, "manager"),
        acme,
        request,
        htmx=htmx,
        digest="0" * 64,
        verdict="rejected",
        comment="Too much.",
    )
    assert page.status_code == 409
    assert "Your answer was not recorded." in page.text
    assert "Too much." in page.text
    assert f'value="{request.digest}"' in page.text
    with acme.here():
        request.refresh_from_db()
    assert request.state == "pending"


def test_a_second_manager_gets_409_with_who_was_first_and_the_words_kept(acme, enter):
    request = ask(acme, acme.add_account())
    with acme.here():
        acme.people["second"], _ = tenants.ensure_member(
            acme.tenant, email="second@acme.example", role="manager", by=MAKER, name="second acme"
        )
    answer(acme, request, verdict="rejected", comment="No.")
    page = send(enter(acme, "second"), acme, request, verdict="approved", comment="Let us do it.")
    assert page.status_code == 409
    text = " ".join(page.text.split())
    assert "manager acme (Manager) rejected already." in text
    assert "You wrote: “Let us do it.”" in text


def test_a_void_request_answers_409_and_stays_void_after_the_answer(acme, caller, enter):
    request = ask(acme, acme.add_account())
    caller.stale = "The offer was changed after it was asked."
    page = send(enter(acme, "manager"), acme, request, verdict="approved")
    assert page.status_code == 409
    assert "The offer was changed after it was asked." in page.text
    with acme.here():
        request.refresh_from_db()
    assert (request.state, caller.told) == ("voided", [(request.ref, "voided")])


def test_sending_twice_is_one_answer(acme, caller, enter):
    request = ask(acme, acme.add_account())
    client = enter(acme, "manager")
    assert [send(client, acme, request, verdict="approved").status_code for _ in range(2)] == [200, 200]
    assert caller.told == [(request.ref, "approved")]


@pytest.mark.parametrize(
    "role", ["csm", "account_executive", "executive", "revops", "ops_admin", "auditor", "support"]
)
def test_those_who_never_answer_are_refused(acme, enter, role):
    request = ask(acme, acme.add_account())
    assert send(enter(acme, role), acme, request, verdict="approved").status_code == 403


def test_withdrawing(acme, caller, enter):
    request = ask(acme, acme.add_account())
    url = acme.url(f"approvals/{request.ref}/withdraw/")
    assert url in get(enter(acme, "csm"), acme).text
    assert url not in get(enter(acme, "manager"), acme).text
    assert enter(acme, "finance").post(url, headers=HTMX).status_code == 403
    page = enter(acme, "csm").post(url, headers=HTMX)
    assert page.status_code == 200
    assert "A-1001: Withdrawn." in page.text
    assert caller.told == [(request.ref, "withdrawn")]


def test_withdrawing_too_late_is_409(acme, enter):
    request = answer(acme, ask(acme, acme.add_account()))
    page = enter(acme, "csm").post(acme.url(f"approvals/{request.ref}/withdraw/"), headers=HTMX)
    assert page.status_code == 409
    assert "It was approved already." in page.text


# --- fragments, keys, cost ---


def test_opening_a_request_marks_its_line_and_clears_the_one_left(acme, enter):
    first, second = (ask(acme, acme.add_account(f"Firm {n}"), subject=str(n)) for n in range(2))
    page = get(enter(acme, "manager"), acme, f"approvals/{second.ref}/panel/?was={first.ref}", **HTMX)
    lines = {ref: page.text.split(f'id="line-{ref}"')[1].split("</li>")[0] for ref in (first.ref, second.ref)}
    assert 'aria-current="true"' in lines[second.ref]
    assert "aria-current" not in lines[first.ref]


def test_an_address_answers_the_same_whoever_asks(acme, enter):
    request = ask(acme, acme.add_account())
    client = enter(acme, "manager")

    def body(path, **headers):
        text = get(client, acme, path, **headers).text
        return re.sub(
            r'(csrfmiddlewaretoken" value=|idempotency_key" value=|X-CSRFToken": )"[^"]*"', "", text
        )

    for path in (
        "approvals/",
        f"approvals/{request.ref}/",
        f"approvals/{request.ref}/panel/",
        "approvals/rows/",
    ):
        assert body(path) == body(path, **HTMX)


def test_the_keys_of_the_page_are_where_app_js_looks(acme, enter):
    ask(acme, acme.add_account())
    text = get(enter(acme, "manager"), acme).text
    assert 'data-keys="request"' in text
    assert 'id="case" data-keys="case" data-moves="request"' in " ".join(text.split())
    case = text.split('id="case"')[1]
    found = [re.search(rf'<(\w+)[^>]*data-key="{re.escape(key)}"', case)[1] for key in "123c"]
    assert found == ["input", "input", "input", "textarea"]
    assert re.search(r'<button[^>]*data-key="ctrl\+enter"', case)
    row = text.split('id="line-A-1001"')[1].split("</li>")[0]
    assert "data-key=" not in row, "a letter in the list must not choose an answer for another request"


def test_every_form_and_link_works_without_scripts(acme, enter):
    ask(acme, acme.add_account())
    text = get(enter(acme, "manager"), acme).text
    for form in re.findall(r"<form[^>]*>", text):
        assert "action=" in form, form
    for link in re.findall(r"<a [^>]*hx-get[^>]*>", text):
        assert 'href="/' in link, link


ASIDE = ("set_config", "SAVEPOINT", "tenants_rate_bucket")


def statements(call):
    """SQL that reads or writes rows; naming the tenant and savepoints are not counted."""
    with CaptureQueriesContext(connection) as captured:
        page = call()
    assert page.status_code == 200
    return [each["sql"] for each in captured if not any(word in each["sql"] for word in ASIDE)]


@pytest.mark.parametrize("role", ["manager", "finance", "csm", "auditor"])
def test_costs_stay_within_the_budget_whatever_the_number_of_rows(acme, enter, role):
    account = acme.add_account(ae_email=acme.account_executive.user.email)
    first = ask(acme, account, pct="25", subject="0")
    client = enter(acme, role)
    calls = {
        "approvals/": 12,
        "approvals/?tab=all": 12,
        f"approvals/{first.ref}/": 12,
        f"approvals/{first.ref}/panel/?was=A-1002": 6,
        "approvals/rows/": 6,
    }
    few = {path: len(statements(lambda path=path: get(client, acme, path))) for path in calls}
    for number in range(1, 20):
        ask(acme, account, pct="25", subject=str(number))
    many = {path: statements(lambda path=path: get(client, acme, path)) for path in calls}
    for path, budget in calls.items():
        assert len(many[path]) <= budget, (path, many[path])
        assert len(many[path]) == few[path], (path, many[path])
