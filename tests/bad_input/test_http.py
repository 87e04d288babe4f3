"""Requests that no browser of an honest person sends: hosts, protocols, headers, shares with strangers (49 to 54)."""

import pytest
from django.core.management import call_command
from django.test import override_settings

from tenants.roles import RIGHTS, Right
from tests.bad_input import ground as g
from tests.permission_table import TABLE

pytestmark = [pytest.mark.bad_input, pytest.mark.xdist_group("bad_input_http")]

READING = [row for row in TABLE if row.method == "GET"]


# --- members, teams, shares -----------------------------------------------------------------------------


def test_a_person_of_two_workspaces_is_in_one_at_a_time(ground):
    """Input 49: each address answers for its own workspace, with the role that the person has there."""
    from tenants import services
    from tests.worlds import MAKER

    acme, globex = ground
    both = acme.csm.user
    with globex.here():
        services.ensure_member(globex.tenant, email=both.email, role="ops_admin", by=MAKER)
    account, strange = acme.add_account("Acme's own"), globex.add_account("Globex' own", owner=None)
    client = g.sign_in(acme.csm)
    assert "Acme&#x27;s own" in client.get(acme.url("accounts/")).text
    assert "Globex&#x27; own" not in client.get(acme.url("accounts/")).text
    assert "Acme&#x27;s own" not in client.get(globex.url("accounts/")).text
    assert client.get(globex.url(f"accounts/{account.pk}/")).status_code == 404
    assert client.get(acme.url(f"accounts/{strange.pk}/")).status_code == 404
    assert client.get(acme.url("settings/people/")).status_code == 403
    assert client.get(globex.url("settings/people/")).status_code == 200


def test_a_person_of_no_workspace(ground):
    """Input 49: somebody without a membership sees the list of none and no tenant's page."""
    from tenants.models import User

    acme, _ = ground
    client = g.Client(raise_request_exception=False)
    client.force_login(User.objects.create_user(email="nobody@example.example", password="correct-horse-7"))
    assert client.get("/workspaces/").status_code == 200
    assert client.get("/").status_code in (200, 302)
    for path in ("queue/", "accounts/", "approvals/", "settings/people/"):
        assert client.get(acme.url(path)).status_code == 404


def test_demoted_between_two_clicks(ground):
    """Input 49: a role that was taken away counts from the next request on, in the same session."""
    from tenants.models import Membership

    acme, _ = ground
    client = g.sign_in(acme.ops_admin)
    assert client.get(acme.url("settings/people/")).status_code == 200
    Membership.objects.filter(pk=acme.ops_admin.pk).update(role="account_executive")
    assert client.get(acme.url("settings/people/")).status_code == 403
    assert (
        client.post(acme.url("settings/people/new/"), {"email": "a@b.example", "role": "csm"}).status_code
        == 403
    )


def test_a_manager_of_an_empty_team(ground):
    """Input 49: a team without accounts is an empty queue and inbox, not an error and not everybody's."""
    from tenants import services
    from tests.worlds import MAKER

    acme, _ = ground
    acme.add_account("Somebody else's")
    with acme.here():
        lonely, _ = services.ensure_member(
            acme.tenant, email="lonely@acme.example", role="manager", by=MAKER, team="Empty"
        )
    client = g.sign_in(lonely)
    for path in ("queue/", "accounts/", "approvals/", "plays/", "audit/"):
        answer = client.get(acme.url(path))
        assert answer.status_code == 200, path
        assert "Somebody else" not in answer.text


def test_a_team_tree_has_no_rings(ground):
    """Input 49: a team above itself is refused by the form and, past it, by nobody going round for ever."""
    from tenants import queries, services
    from tenants.forms import TeamForm
    from tenants.models import Team
    from tests.worlds import MAKER

    acme, _ = ground
    with acme.here():
        top = services.create_team(acme.tenant, name="Top", by=MAKER)
        low = services.create_team(acme.tenant, name="Low", parent=top, by=MAKER)
        form = type("F", (TeamForm,), {"tenant": acme.tenant})(
            {"name": "Top", "parent": low.pk}, instance=top
        )
        assert "stands under this team itself" in str(form.errors)
        Team.objects.filter(pk=top.pk).update(parent=low)
        assert queries.teams_above(acme.tenant, top.pk)
    assert g.sign_in(acme.manager).get(acme.url("accounts/")).status_code == 200


@pytest.mark.parametrize("whom", ["foreign", "inactive", "self", "absent", "words", "group"])
def test_an_account_is_shared_with_members_only(whom, ground):
    """Input 50: a stranger's, an ended or an impossible member is refused by the form, and no grant is made."""
    from tenants.models import Membership

    acme, globex = ground
    account = acme.add_account()
    Membership.objects.filter(pk=acme.csm2.pk).update(is_active=False)
    member = {
        "foreign": globex.csm2.pk,
        "inactive": acme.csm2.pk,
        "self": acme.csm.pk,
        "absent": 2**62,
        "words": "csm2",
        "group": "globex managers",
    }[whom]
    before = g.picture(acme, globex)
    url = acme.url(f"accounts/{account.pk}/shares/")
    answer = g.sign_in(acme.csm).post(url, {"member": member, "reason": "Holiday", "group": "globex"})
    assert answer.status_code == 422
    assert g.picture(acme, globex) == before


def test_a_team_of_another_workspace_is_no_choice(ground):
    """Input 50: a person's team is one of this workspace's own."""
    from tenants.queries import default_team

    acme, globex = ground
    with globex.here():
        strange = default_team(globex.tenant).pk
    client = g.sign_in(acme.ops_admin)
    sent = {"email": "x@acme.example", "role": "csm", "team": strange}
    assert client.post(acme.url("settings/people/new/"), sent).status_code == 422
    sent = {"role": "csm", "team": strange, "is_active": "on"}
    assert client.post(acme.url(f"settings/people/{acme.csm2.pk}/"), sent).status_code == 422


# --- hosts and protocols ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "x" * 300,
        "[::2]",
        "a b",
        "ⅼocalhost",
    ],
)
def test_unknown_hosts_are_refused(host, ground):
    """Input 51: a Host that is not ours is 400 everywhere, and never becomes part of a link or mail."""
    acme, _ = ground
    client = g.sign_in(acme.csm)
    with override_settings(ALLOWED_HOSTS=["127.0.0.1", "localhost", "[::1]"]):
        for path in ("/auth/login/", acme.url("queue/"), "/auth/password/reset/"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 400, path
            assert "evil" not in answer.text
        answer = client.post("/auth/password/reset/", {"email": acme.csm.user.email}, headers={"Host": host})
        assert answer.status_code == 400
        answer = client.get(acme.url("queue/"), headers={"Host": "127.0.0.1", "X-Forwarded-Host": host})
        assert answer.status_code == 200
        assert "evil" not in answer.text


def test_a_spoofed_protocol_is_not_believed(ground):
    """Input 51: without a proxy that was stated, X-Forwarded-Proto and the like change nothing."""
    acme, _ = ground
    client = g.sign_in(acme.csm)
    usual = client.get(acme.url("queue/"))
    for headers in (
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Ssl": "on"},
        {"Forwarded": "proto=https;host=evil.example"},
    ):
        answer = client.get(acme.url("queue/"), headers=headers)
        assert answer.status_code == 200
        assert not answer.wsgi_request.is_secure()
        assert set(answer.headers) == set(usual.headers)
    answer = client.get(acme.url("queue/"), headers={"X-Original-URL": "/admin/", "X-Rewrite-URL": "/admin/"})
    assert answer.status_code == 200
    assert "My queue" in answer.text


# --- htmx's headers --------------------------------------------------------------------------------------


def told_apart(page):
    """The page without what is new in each answer: tokens and keys."""
    import re

    page = re.sub(r"\b[A-Za-z0-9]{64}\b", "", page)
    return re.sub(r'(value|content|data-\w+|hx-headers|id|name)="[^"]*"|\d+ (ms|seconds?)', "", page)


@pytest.mark.parametrize("row", READING, ids=g.row_id)
def test_reading_is_the_same_with_and_without_htmx(row, ground):
    """Input 52: a page is a page and a fragment a fragment whatever the header says; caches get neither."""
    acme, _ = ground
    made = g.make(row, acme)
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, made)
    plain, asked = client.get(url), client.get(url, headers={"HX-Request": "true", "HX-Target": "main"})
    boosted = client.get(url, headers={"HX-Request": "true", "HX-Boosted": "true"})
    for answer in (asked, boosted):
        assert answer.status_code == plain.status_code
        if not answer.streaming:
            assert told_apart(answer.text) == told_apart(plain.text)
    for answer in (plain, asked, boosted):
        assert "no-store" in answer.headers.get("Cache-Control", ""), url
        assert "Cookie" in answer.headers.get("Vary", ""), url


@pytest.mark.parametrize("row", READING, ids=g.row_id)
def test_a_whole_page_has_its_frame_and_a_fragment_none(row, ground):
    """Input 52: what opens in a tab of its own is styled; what is swapped in brings no second frame."""
    acme, _ = ground
    made = g.make(row, acme)
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, made)
    answer = client.get(url, follow=True)
    if answer.streaming or answer.status_code != 200 or "html" not in answer.headers["Content-Type"]:
        return
    has_frame = "<!doctype html>" in answer.text.lower()
    assert answer.text.lower().count("<!doctype html>") == has_frame
    assert has_frame == ("app.css" in answer.text), "a page without its styles, or a fragment with them"


def test_odd_headers(ground):
    """Input 52: headers of htmx and of others with rubbish in them are never a 500."""
    acme, _ = ground
    client = g.sign_in(acme.csm)
    for value in ("x" * 5000, "http://[::1", "javascript:alert(1)", "%00", "\\", "null", "{}", "ÿþ"):
        names = (
            "HX-Request",
            "HX-Current-URL",
            "HX-Target",
            "HX-Trigger",
            "HX-Prompt",
            "HX-Boosted",
            "Accept",
            "Referer",
            "Accept-Language",
            "X-Forwarded-For",
            "User-Agent",
            "If-Modified-Since",
            "If-None-Match",
            "Range",
        )
        for path in ("queue/", "queue/rows/", "accounts/"):
            assert client.get(acme.url(path), headers=dict.fromkeys(names, value)).status_code in (200, 400)
        answer = g.Client().get(acme.url("queue/"), headers={"HX-Request": "true", "HX-Current-URL": value})
        assert answer.status_code == (400 if value == "http://[::1" else 401), "half an address is none"
        assert answer.headers.get("HX-Redirect", "/auth/login/").startswith("/auth/login/")


def test_bodies_that_are_none(ground):
    """Inputs 5 and 52: a form as JSON, XML, broken multipart or with 3,000 fields is refused, never a 500."""
    acme, globex = ground
    account = acme.add_account()
    url, client, before = (
        acme.url(f"accounts/{account.pk}/notes/"),
        g.sign_in(acme.csm),
        g.picture(acme, globex),
    )
    bodies = [
        ("application/json", '{"text": "x"}'),
        ("application/json", "[" * 10_000),
        ("text/xml", "<text>x</text>"),
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=x", "--x\r\nbroken"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"x"),
        ("", "text=x"),
        ("x" * 2000, "text=x"),
        ("application/x-www-form-urlencoded", "&".join(f"f{number}=1" for number in range(3000))),
    ]
    for kind, body in bodies:
        answer = client.post(url, body, content_type=kind)
        assert answer.status_code in (400, 413, 415, 422), (kind, answer.status_code, g.why(answer))
    assert g.picture(acme, globex) == before


def test_templates_of_playbooks_are_words(ground):
    """Input 53: template syntax, loops and recursion in a playbook's texts are shown as they stand."""
    from playbooks.models import PlaybookStep
    from tests.permission_table import a_play

    acme, _ = ground
    looped = "{% for x in y %}{{ x }}{% endfor %} {{ undefined.attribute }} {% include 'base.html' %}"
    with acme.here():
        PlaybookStep.objects.for_tenant(acme.tenant).update(title=looped[:200])
        play = a_play(acme)["play_id"]
    page = g.sign_in(acme.csm).get(acme.url(f"plays/{play}/")).text
    assert "{% for x in y %}{{ x }}{% endfor %}" in page


def test_every_right_is_somebodys(ground):
    """Input 49: no right is without a role, or an address would be nobody's and untested above."""
    assert {right for rights in RIGHTS.values() for right in rights} == set(Right)
    call_command("check", "--tag", "security", verbosity=0)
