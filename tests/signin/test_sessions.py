"""How long a session lives, who ends it, and what asks again."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from signin.models import SignedIn
from tenants import services
from tenants.models import User
from tests.signin.flow import events, is_in, signed_in, try_password
from tests.worlds import MAKER, PASSWORD

pytestmark = pytest.mark.django_db


def move(client, **seconds):
    """As if these many seconds had gone by since the sign-in (`since`) and the last click (`seen`)."""
    store = client.session
    for name, count in seconds.items():
        store[f"signin_{name}"] -= count
    store.save()


# --- time ---------------------------------------------------------------------------------------


def test_half_an_hour_without_a_click_ends_it(acme):
    client = signed_in(acme.csm)
    move(client, seen=29 * 60)
    assert is_in(client, acme)
    move(client, seen=31 * 60)
    answer = client.get("/t/acme/queue/")
    assert answer.headers["Location"] == "/auth/login/?next=/t/acme/queue/"
    assert "nothing happened here for a while" in client.get("/auth/login/").text


def test_twelve_hours_end_it_whatever_happens(acme):
    client = signed_in(acme.csm)
    move(client, since=12 * 3600 + 1)
    fragment = client.get("/t/acme/queue/", headers={"HX-Request": "true"})
    assert fragment.status_code == 401
    assert fragment.headers["HX-Redirect"].startswith("/auth/login/")


def test_the_time_slides_with_one_write_a_minute(acme, query_count):
    client = signed_in(acme.csm)
    client.get("/t/acme/")
    quiet = query_count(lambda: client.get("/t/acme/"))
    move(client, seen=61)
    before = client.session["signin_seen"]
    assert query_count(lambda: client.get("/t/acme/")) > quiet
    assert client.session["signin_seen"] > before
    assert query_count(lambda: client.get("/t/acme/")) == quiet


def test_the_windows_are_settings(acme, settings):
    settings.SIGNIN_IDLE_SECONDS = 5 * 60
    client = signed_in(acme.csm)
    move(client, seen=6 * 60)
    assert not is_in(client, acme)


# --- the list -----------------------------------------------------------------------------------

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_each_browser_is_listed_with_device_address_and_time(acme):
    here = signed_in(acme.csm)
    signed_in(acme.csm, REMOTE_ADDR="203.0.113.9", headers={"User-Agent": FIREFOX})
    signed_in(acme.csm2)
    page = here.get("/auth/browsers/").text
    assert page.count("last seen") == 2, "and nobody else's"
    assert "Firefox on Windows" in page
    assert "203.0.113.9" in page
    assert page.count("This browser") == 1


def test_one_is_ended_and_the_others_go_on(acme):
    here, there, third = (signed_in(acme.csm) for _ in range(3))
    row = SignedIn.objects.get(session_key=there.session.session_key)
    assert here.post("/auth/browsers/", {"browser": row.pk}).status_code == 303
    assert [is_in(client, acme) for client in (here, there, third)] == [True, False, True]
    assert events(acme, "sessions_ended")[-1].diff["after"]["why"] == "ended by the person"


def test_all_others_are_ended(acme):
    here, there, third = (signed_in(acme.csm) for _ in range(3))
    here.post("/auth/browsers/")
    assert [is_in(client, acme) for client in (here, there, third)] == [True, False, False]


def test_the_own_one_is_a_sign_out(acme):
    here = signed_in(acme.csm)
    row = SignedIn.objects.get(session_key=here.session.session_key)
    assert here.post("/auth/browsers/", {"browser": row.pk}).headers["Location"] == "/auth/login/"
    assert not is_in(here, acme)


@pytest.mark.parametrize("browser", ["0", "-1", str(2**63), "1e3", "x", "०१"])
def test_no_such_browser(acme, browser):
    assert signed_in(acme.csm).post("/auth/browsers/", {"browser": browser}).status_code == 404


def test_somebody_elses_browser_is_not_mine_to_end(acme):
    theirs = signed_in(acme.csm2)
    row = SignedIn.objects.get(session_key=theirs.session.session_key)
    assert signed_in(acme.csm).post("/auth/browsers/", {"browser": row.pk}).status_code == 404
    assert is_in(theirs, acme)


def test_an_admin_signs_a_member_out_and_it_is_on_record(acme, globex):
    csm, admin = signed_in(acme.csm), signed_in(acme.ops_admin)
    assert "Sign out everywhere" in admin.get(f"/t/acme/settings/people/{acme.csm.pk}/").text
    assert admin.post(f"/t/acme/settings/people/{acme.csm.pk}/sign-out/").status_code == 303
    assert not is_in(csm, acme)
    event = events(acme, "sessions_ended")[-1]
    assert event.actor_id == str(acme.ops_admin.user_id)
    assert (event.object_label, event.diff["after"]["count"]) == ("csm acme", 1)
    foreign = admin.post(f"/t/acme/settings/people/{globex.csm.pk}/sign-out/")
    assert foreign.status_code == 404


# --- what ends all of them ----------------------------------------------------------------------


def change(world, role="csm", **values):
    with world.here():
        services.change_member(
            world.tenant, membership_id=world.csm.pk, team_id=None, scope={}, by=MAKER,
            **{"role": role, "is_active": True, **values},
        )  # fmt: skip


def test_a_role_that_changed_ends_them(acme):
    client = signed_in(acme.csm)
    change(acme, role="manager")
    assert not is_in(client, acme)
    assert events(acme, "sessions_ended")[-1].diff["after"]["why"] == "rights changed"
    assert is_in(signed_in(acme.csm), acme)


def test_a_membership_that_ended_does_and_a_team_that_changed_does_not(acme):
    client = signed_in(acme.csm)
    change(acme)
    assert is_in(client, acme)
    change(acme, is_active=False)
    assert not Session.objects.filter(session_key=client.session.session_key).exists()


def test_a_person_switched_off_is_out_at_the_next_click(acme):
    client = signed_in(acme.csm)
    User.objects.filter(pk=acme.csm.user_id).update(is_active=False)
    assert not is_in(client, acme)


def test_a_new_password_ends_every_session(acme):
    here, there = signed_in(acme.csm), signed_in(acme.csm)
    new = "quite-another-horse-9"
    answer = here.post(
        "/auth/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert answer.status_code == 302
    assert not is_in(here, acme)
    assert not is_in(there, acme)
    assert SignedIn.objects.filter(user=acme.csm.user).count() == 0
    assert events(acme, "password_changed")
    assert try_password(Client(), acme.csm.user.email, new).status_code == 302


def test_an_address_is_changed_by_proof_alone(acme):
    """Accounts belong to whoever has their owner's address: nobody takes one by typing it in."""
    client = signed_in(acme.csm)
    assert client.post("/auth/email/", {"action_add": "", "email": "boss@acme.example"}).status_code == 302
    client.post("/auth/email/", {"action_primary": "", "email": "boss@acme.example"})
    assert User.objects.get(pk=acme.csm.user_id).email == "csm@acme.example"


# --- asking again -------------------------------------------------------------------------------


def grow_old(client):
    """The last proof was half an hour ago, with clicks in between."""
    store = client.session
    for step in store["account_authentication_methods"]:
        step["at"] -= 1800
    store.save()


PERSON = {"role": "manager", "is_active": "on", "regions": "EMEA, “APAC” <x>"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def test_a_role_is_changed_after_a_proof_and_the_form_is_not_lost(acme):
    admin = signed_in(acme.ops_admin)
    grow_old(admin)
    url = f"/t/acme/settings/people/{acme.csm.pk}/"
    asked = admin.post(url, PERSON)
    assert asked.status_code == 303
    assert asked.headers["Location"].startswith("/auth/reauthenticate/?next=%2Fauth%2Fagain%2F")
    assert User.objects.get(pk=acme.csm.user_id).memberships.get().role == "csm", "nothing is done yet"
    proven = admin.post(asked.headers["Location"], {"password": PASSWORD})
    page = admin.get(proven.headers["Location"])
    assert f'action="{url}"' in page.text
    from html import unescape

    fields = {name: unescape(value) for name, value in HIDDEN.findall(page.text)}
    assert admin.post(url, fields).status_code == 303
    changed = User.objects.get(pk=acme.csm.user_id).memberships.get()
    assert (changed.role, changed.regions) == ("manager", ["EMEA", "“APAC” <x>"])


def test_a_wrong_password_proves_nothing(acme):
    admin = signed_in(acme.ops_admin)
    grow_old(admin)
    asked = admin.post(f"/t/acme/settings/people/{acme.csm.pk}/", PERSON).headers["Location"]
    assert admin.post(asked, {"password": "wrong-horse"}).status_code == 200
    kept = asked.partition("next=")[2].replace("%2F", "/")
    assert admin.get(kept).headers["Location"].startswith("/auth/reauthenticate/"), (
        "not by its address either"
    )


def test_what_is_kept_is_the_persons_own(acme):
    admin = signed_in(acme.ops_admin)
    grow_old(admin)
    asked = admin.post(f"/t/acme/settings/people/{acme.csm.pk}/", PERSON).headers["Location"]
    kept = asked.partition("next=")[2].replace("%2F", "/")
    assert signed_in(acme.manager).get(kept).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["audit/export/", "queue/export/"])
def test_exports_ask_again_and_htmx_is_led_there(acme, path):
    client = signed_in(acme.csm)
    assert client.post(acme.url(path), {"format": "csv"}).status_code in {200, 303}
    grow_old(client)
    assert (
        client.post(acme.url(path), {"format": "csv"}).headers["Location"].startswith("/auth/reauthenticate/")
    )
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/t/acme/audit/?decision=none"}
    answer = client.post(acme.url(path), {"format": "csv"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/auth/reauthenticate/?next=%2Fauth%2Fagain%2F")


def test_factors_and_address_ask_again(acme):
    client = signed_in(acme.csm)
    assert client.get("/auth/2fa/totp/activate/").status_code == 200, "a fresh sign-in is a proof"
    grow_old(client)
    assert client.get("/auth/2fa/totp/activate/").headers["Location"].startswith("/auth/reauthenticate/")
    assert client.get("/auth/2fa/webauthn/add/").headers["Location"].startswith("/auth/reauthenticate/")
    added = client.post("/auth/email/", {"action_add": "", "email": "new@acme.example"})
    assert added.headers["Location"].startswith("/auth/reauthenticate/")


def test_looking_never_asks(acme):
    admin = signed_in(acme.ops_admin)
    grow_old(admin)
    assert admin.get(f"/t/acme/settings/people/{acme.csm.pk}/").status_code == 200


def test_the_admins_pages_that_give_roles_ask_again(acme):
    admin = signed_in(acme.ops_admin)
    admin.get("/admin/acting-tenant/")
    grow_old(admin)
    form = {"provider": "company", "group": "x", "role": "ops_admin", "team": "", "rank": "1"}
    for path in ("/admin/signin/grouprole/add/", f"/admin/tenants/tenant/{acme.tenant.pk}/change/"):
        assert admin.post(path, form).headers["Location"].startswith("/auth/reauthenticate/")
        assert admin.get(path).status_code == 200


def test_who_signs_in_clears_what_is_long_over(acme):
    client = signed_in(acme.csm)
    key = client.session.session_key
    SignedIn.objects.filter(session_key=key).update(seen_at="2020-01-01T00:00Z")
    Session.objects.filter(session_key=key).update(expire_date="2020-01-01T00:00Z")
    signed_in(acme.csm2)
    assert not SignedIn.objects.filter(session_key=key).exists()
    assert not Session.objects.filter(session_key=key).exists()
