"""The company's sign-in, against a provider in a process of its own: who gets in, where, and what is refused."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from config import env
from signin.models import GroupMember, GroupRole
from tenants import queries, services
from tenants.models import Membership, User
from tenants.scoping import tenant_context
from tests.signin.flow import SECOND, code_of, events, give_app, is_in, signed_in
from tests.signin.idp import CLIENT, SECRET
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
START = "/auth/oidc/company/login/"


@pytest.fixture(scope="module")
def provider():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.signin.idp", "0"], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    port = process.stdout.readline().split()[1]
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


@pytest.fixture
def company(provider, settings, monkeypatch):
    """The settings that the variables of .env.example give."""
    for name, value in {
        "ISSUER": provider,
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": SECRET,
        "NAME": "Acme SSO",
    }.items():
        monkeypatch.setenv(f"HOLDFAST_OIDC_{name}", value)
    settings.SIGNIN_OIDC = env.oidc()
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [env.oidc_app(settings.SIGNIN_OIDC)]}}
    say(provider)
    return provider


def fetch(url, data=None):
    with urllib.request.urlopen(url, data=data, timeout=60) as answer:
        return answer.read().decode()


def say(provider, fault="", **claims):
    fetch(f"{provider}/say", json.dumps({"claims": claims, "fault": fault}).encode())


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def come_back(there):
    """What the browser does: to the provider, and with its answer back to us (path and query)."""
    try:
        urllib.request.build_opener(Stay).open(there, timeout=60)
    except urllib.error.HTTPError as answer:
        url = urlsplit(answer.headers["Location"])
        return f"{url.path}?{url.query}"
    raise AssertionError("the provider did not send us back")


def sign_in(client, start=START):
    going = client.post(start)
    assert going.status_code == 302, going.text[:1000]
    return client.get(come_back(going.headers["Location"]))


def lists(world, group, role, **values):
    with world.here():
        return GroupRole.objects.create(tenant=world.tenant, group=group, role=role, **values)


def member(world, email="nia@company.example"):
    return queries.people(world.tenant).filter(user__email=email).first()


# --- who gets in --------------------------------------------------------------------------------


def test_somebody_new_is_a_member_where_a_group_is_listed_and_nowhere_else(acme, globex, company):
    lists(acme, "cs-people", "csm")
    lists(globex, "other-people", "executive")
    say(company, groups=["everybody", "cs-people"])
    client = Client()
    assert sign_in(client).status_code == 302
    assert is_in(client, acme)
    assert not is_in(client, globex)
    nia = member(acme)
    assert (nia.role, nia.user.name, nia.user.has_usable_password()) == ("csm", "Nia New", False)
    assert member(globex) is None
    assert events(acme, "signed_in")[-1].diff["after"]["steps"] == ["socialaccount"]


def test_nobody_without_a_listed_group_and_no_account_is_left_behind(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["everybody"])
    answer = sign_in(Client())
    assert answer.status_code == 403
    assert "None of your groups" in answer.text
    assert not User.objects.filter(email="nia@company.example").exists()
    assert not SocialAccount.objects.exists()


def test_the_smallest_rank_counts_and_a_team_comes_with_it(acme, company):
    with acme.here():
        north = services.create_team(acme.tenant, name="North", by=MAKER)
    lists(acme, "cs-people", "csm")
    lists(acme, "leads", "manager", rank=1, team=north)
    say(company, groups=["cs-people", "leads"])
    sign_in(Client())
    assert (member(acme).role, member(acme).team_id) == ("manager", north.pk)


def test_who_left_the_group_is_out_at_the_next_sign_in(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    first = Client()
    sign_in(first)
    assert is_in(first, acme)
    say(company, groups=[])
    second = Client()
    sign_in(second)
    assert not is_in(second, acme)
    assert not is_in(first, acme), "the session of before ended with the membership"
    assert not member(acme).is_active
    with acme.here():
        assert not GroupMember.objects.exists()
    say(company, groups=["cs-people"])
    third = Client()
    sign_in(third)
    assert is_in(third, acme), "and in again with the group"


def test_another_group_is_another_role(acme, company):
    lists(acme, "cs-people", "csm")
    lists(acme, "auditors", "auditor")
    say(company, groups=["cs-people"])
    sign_in(Client())
    say(company, groups=["auditors"])
    client = Client()
    sign_in(client)
    assert member(acme).role == "auditor"


def test_a_membership_made_by_hand_is_left_alone(acme, company):
    lists(acme, "auditors", "auditor")
    say(company, groups=["auditors"], email="csm@acme.example")
    client = signed_in(acme.csm)
    sign_in(client, f"{START}?process=connect")
    sign_in(Client())
    say(company, groups=[], email="csm@acme.example")
    sign_in(Client())
    csm = Membership.objects.get(pk=acme.csm.pk)
    assert (csm.role, csm.is_active) == ("csm", True)


def test_an_ended_member_stays_ended(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    sign_in(Client())
    with acme.here():
        services.change_member(
            acme.tenant, membership_id=member(acme).pk, role="csm", team_id=None, is_active=False, scope={}, by=MAKER
        )  # fmt: skip
    client = Client()
    sign_in(client)
    assert not is_in(client, acme)


def test_a_hand_made_member_whom_an_admin_ended_stays_ended(acme, company, settings):
    """No group gave it, so no group gives it back: not for the address, and not once the sign-in is linked."""
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "trusted": True}
    lists(acme, "cs-people", "csm")
    with acme.here():
        services.end_membership(acme.tenant, membership_id=acme.csm.pk, by=MAKER)
    say(company, groups=["cs-people"], email="csm@acme.example")
    for _ in range(2):
        client = Client()
        sign_in(client)
        assert not is_in(client, acme)
    assert not member(acme, "csm@acme.example").is_active
    assert "ended here by somebody" in events(acme, "group_refused")[-1].diff["after"]["why"]


def test_a_group_brings_back_nobody_whom_an_admin_ended_after_it_was_gone(acme, company):
    """Taken by the group, brought back by an admin, ended by an admin: the admin's word is the last."""
    lists(acme, "cs-people", "csm")
    for theirs in (["cs-people"], []):
        say(company, groups=theirs)
        sign_in(Client())
    for is_active in (True, False):
        with acme.here():
            services.change_member(
                acme.tenant, membership_id=member(acme).pk, role="csm", team_id=None, is_active=is_active, scope={},
                by=MAKER,
            )  # fmt: skip
    say(company, groups=["cs-people"])
    sign_in(Client())
    assert not member(acme).is_active


# --- groups and organisations -------------------------------------------------------------------


def test_a_group_draws_nobody_in_whom_another_organisation_knows(acme, globex, company):
    """Globex lists a group that everybody is in and so has the account; acme's group must not open acme to it."""
    lists(globex, "everybody", "csm")
    say(company, groups=["everybody"])
    sign_in(Client())
    lists(acme, "cs-people", "ops_admin")
    say(company, groups=["everybody", "cs-people"])
    client = Client()
    assert sign_in(client).status_code == 302
    assert is_in(client, globex)
    assert not is_in(client, acme)
    assert member(acme) is None
    refused = events(acme, "group_refused")[-1]
    assert refused.diff["after"]["group"] == "cs-people"
    assert "nia" not in f"{refused.diff} {refused.object_label}".lower()
    assert not events(globex, "group_refused")


def test_somebody_new_whom_two_organisations_list_joins_one_of_them(acme, globex, company):
    for world in (acme, globex):
        lists(world, "everybody", "csm")
    say(company, groups=["everybody"])
    sign_in(Client())
    assert [member(acme) is None, member(globex) is None].count(True) == 1
    assert len(events(acme, "group_refused") + events(globex, "group_refused")) == 1


def test_a_trusted_provider_links_no_account_that_another_organisation_made_first(
    acme, globex, company, settings
):
    """The admin of globex may hold that account's password: its owner at the company must not come to share it."""
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "trusted": True}
    lists(acme, "cs-people", "csm")
    with globex.here():
        services.ensure_member(globex.tenant, email="nia@company.example", role="csm", by=MAKER)
    say(company, groups=["cs-people"])
    client = Client()
    answer = sign_in(client)
    assert (answer.status_code, "another organisation" in answer.text) == (403, True)
    assert member(acme) is None
    assert not SocialAccount.objects.exists()


def test_a_trusted_provider_links_no_account_outside_its_workspaces(acme, globex, company, settings):
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "trusted": True, "workspaces": ["acme"]}
    say(company, email="csm@globex.example")
    client = Client()
    assert sign_in(client).status_code == 403
    assert not is_in(client, globex)
    say(company, email="csm@acme.example", sub="another")
    assert sign_in(Client()).status_code == 302


def test_a_group_lets_somebody_of_the_same_organisation_in(acme, company):
    box, _ = services.create_tenant(
        organization="Acme", slug="acmebox", environment="sandbox", currency="USD", time_zone="UTC", by=MAKER
    )
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    sign_in(Client())
    with tenant_context(box.pk):
        GroupRole.objects.create(tenant=box, group="cs-people", role="manager")
    sign_in(Client())
    assert queries.people(box).get().user == member(acme).user


def test_only_named_workspaces_are_opened(acme, globex, company, settings):
    lists(acme, "cs-people", "csm")
    lists(globex, "cs-people", "csm")
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "workspaces": ["globex"]}
    say(company, groups=["cs-people"])
    sign_in(Client())
    assert member(acme) is None
    assert member(globex) is not None


# --- accounts that are here already -------------------------------------------------------------


def test_a_local_account_is_never_linked_silently(acme, company):
    lists(acme, "cs-people", "ops_admin")
    say(company, groups=["cs-people"], email="Csm@acme.example")
    client = Client()
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "Sign in to it the usual way first" in answer.text
    assert not SocialAccount.objects.exists()
    assert not is_in(client, acme)


def test_its_owner_links_it_signed_in(acme, company):
    client = signed_in(acme.csm)
    assert "Connect Acme SSO" in client.get("/auth/3rdparty/").text
    say(company, email="csm@acme.example")
    assert sign_in(client, f"{START}?process=connect").status_code == 302
    other = Client()
    assert sign_in(other).status_code == 302
    assert is_in(other, acme)


def test_a_trusted_provider_links_by_its_verified_address(acme, company, settings):
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "trusted": True}
    say(company, email="csm@acme.example")
    client = Client()
    sign_in(client)
    assert is_in(client, acme)


@pytest.mark.parametrize("verified", [False, "true", None, 1])
def test_an_address_that_the_provider_did_not_verify_opens_nothing(acme, company, settings, verified):
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "trusted": True}
    lists(acme, "cs-people", "csm")
    for email in ("csm@acme.example", "nia@company.example"):
        say(company, groups=["cs-people"], email=email, email_verified=verified)
        assert sign_in(Client()).status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_superuser_and_somebody_switched_off_do_not_come_in_this_way(acme, company, settings):
    settings.SIGNIN_OIDC = {**settings.SIGNIN_OIDC, "trusted": True}
    User.objects.create_superuser("root@company.example", "correct-horse-77")
    User.objects.filter(pk=acme.csm.user_id).update(is_active=False)
    for email in ("root@company.example", "csm@acme.example"):
        say(company, email=email)
        assert sign_in(Client()).status_code == 403


def test_the_second_factor_of_the_account_is_asked_for(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    sign_in(Client())
    give_app(member(acme).user)
    client = Client()
    assert sign_in(client).headers["Location"] == SECOND
    assert not is_in(client, acme)
    client.post(SECOND, {"code": code_of()})
    assert is_in(client, acme)


def test_asking_again_goes_to_the_provider_and_makes_it_ask(acme, company):
    lists(acme, "cs-people", "ops_admin")
    say(company, groups=["cs-people"])
    client = Client()
    sign_in(client)
    grow_old(client)
    url = f"/t/acme/settings/people/{acme.csm.pk}/"
    asked = client.post(url, {"role": "manager", "is_active": "on"}).headers["Location"]
    assert asked.startswith(START)
    back = sign_in(client, asked)
    assert json.loads(fetch(f"{company}/asked"))["prompt"] == "login"
    page = client.get(back.headers["Location"])
    assert f'action="{url}"' in page.text, "what was to be sent is still there"


def grow_old(client):
    store = client.session
    for step in store["account_authentication_methods"]:
        step["at"] -= 1800
    store.save()


# seconds from now, or what is no time at all
@pytest.mark.parametrize("when", [-600, 3600, None, "soon", True])
def test_asked_again_the_provider_must_have_asked(acme, company, when):
    """Whoever strips `prompt` and `max_age` off the address, in an unlocked browser, proves nothing."""
    lists(acme, "cs-people", "ops_admin")
    say(company, groups=["cs-people"])
    client = Client()
    sign_in(client)
    grow_old(client)
    url = f"/t/acme/settings/people/{acme.csm.pk}/"
    form = {"role": "manager", "is_active": "on"}
    asked = client.post(url, form).headers["Location"]
    said = int(time.time()) + when if type(when) is int else when
    say(company, groups=["cs-people"], auth_time=said)
    answer = sign_in(client, asked)
    assert (answer.status_code, "did not ask you again" in answer.text) == (403, True)
    assert client.post(url, form).headers["Location"].startswith(START), "still to be proven"


def test_a_remembered_sign_in_is_no_proof(acme, company):
    """Signing out and in again, without a question on the way, makes no old proof new."""
    lists(acme, "cs-people", "ops_admin")
    url = f"/t/acme/settings/people/{acme.csm.pk}/"
    form = {"role": "manager", "is_active": "on"}
    for said in (int(time.time()) - 3600, None):
        say(company, groups=["cs-people"], auth_time=said)
        client = Client()
        assert sign_in(client).status_code == 302
        assert is_in(client, acme)
        asked = client.post(url, form).headers["Location"]
        assert asked.startswith(START)
    say(company, groups=["cs-people"])
    client.get(sign_in(client, asked).headers["Location"])
    assert client.post(url, form).headers["Location"] == "/t/acme/settings/people/"


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("/auth/password/set/", {"password1": "a-thief-was-here-1", "password2": "a-thief-was-here-1"}),
        ("/auth/2fa/totp/activate/", {"code": "000000"}),
        ("/auth/2fa/webauthn/add/", {"name": "mine", "credential": "{}"}),
        ("/auth/email/", {"email": "thief@evil.example", "action_add": ""}),
        ("/auth/3rdparty/", {"account": "1"}),
        (f"{START}?process=connect", {}),
    ],
)
def test_an_old_session_makes_no_new_way_in(acme, company, url, form):
    """With the company's sign-in alone, allauth asks nobody again: a password set now would be the next proof."""
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    client = Client()
    sign_in(client)
    grow_old(client)
    answer = client.post(url, form)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{START}?process=login")
    assert not member(acme).user.has_usable_password()


def test_a_first_password_is_set_after_the_proof(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    client = Client()
    sign_in(client)
    grow_old(client)
    asked = client.get("/auth/password/set/").headers["Location"]
    assert sign_in(client, asked).headers["Location"] == "/auth/password/set/"
    form = {"password1": "correct-horse-77-battery", "password2": "correct-horse-77-battery"}
    assert client.post("/auth/password/set/", form).status_code == 302
    assert member(acme).user.has_usable_password()


# --- a provider that is wrong, or somebody in its place -----------------------------------------

FAULTS = ["nonce", "no nonce", "expired", "audience", "issuer", "azp", "none", "hmac", "signature", "kid",
          "no token", "other issuer"]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_hold_opens_nothing(acme, company, fault):
    lists(acme, "cs-people", "csm")
    say(company, fault=fault, groups=["cs-people"])
    client = Client()
    going = client.post(START)
    answer = going if going.status_code == 403 else client.get(come_back(going.headers["Location"]))
    assert answer.status_code == 403
    assert "Not signed in" in answer.text
    assert not is_in(client, acme)
    assert not User.objects.filter(email="nia@company.example").exists()


def test_an_answer_is_good_once_and_in_the_browser_that_asked(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    victim, thief = Client(), Client()
    back = come_back(victim.post(START).headers["Location"])
    assert thief.get(back).status_code == 403
    assert victim.get(back).status_code == 302
    victim.post("/auth/logout/")
    assert victim.get(back).status_code == 403


def test_a_sign_in_that_was_ended_there_says_so(company):
    say(company, fault="cancelled")
    answer = sign_in(Client())
    assert answer.status_code in {302, 403}


def test_a_provider_that_is_away_is_no_failure_of_ours(company, settings):
    away = {**settings.SIGNIN_OIDC, "issuer": "http://127.0.0.1:9"}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [env.oidc_app(away)]}}
    assert Client().post(START).status_code == 403


def test_nothing_of_the_request_chooses_what_is_asked(company):
    say(company)
    sign_in(Client(), f"{START}?scope=admin&auth_params=nonce%3Dmine%26prompt%3Dnone&next=//evil.example/")
    asked = json.loads(fetch(f"{company}/asked"))
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["nonce"] != "mine"
    assert "prompt" not in asked
    assert asked["code_challenge_method"] == "S256"


def test_a_get_begins_nothing_and_the_way_back_stays_here(acme, company):
    lists(acme, "cs-people", "csm")
    say(company, groups=["cs-people"])
    assert Client().get(START).status_code == 200
    for evil in ("//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"):
        answer = sign_in(Client(), f"{START}?next={evil}")
        assert "evil" not in answer.headers["Location"]
        assert "script" not in answer.headers["Location"]


def test_without_the_settings_there_is_no_such_door():
    assert Client().get(START).status_code == 404
    assert "Sign in with" not in Client().get("/auth/login/").text.replace("Sign in with a passkey", "")


def test_the_button_is_on_the_sign_in_page(company):
    assert "Sign in with Acme SSO" in Client().get("/auth/login/").text


def test_an_admin_edits_the_list_of_groups(acme, globex):
    admin = signed_in(acme.ops_admin)
    admin.get("/admin/acting-tenant/")
    form = {"provider": "company", "group": "cs-people", "role": "csm", "team": "", "rank": "100"}
    assert admin.post("/admin/signin/grouprole/add/", form).status_code == 302
    lists(globex, "theirs", "csm")
    page = admin.get("/admin/signin/grouprole/").text
    assert "cs-people" in page
    assert "theirs" not in page
    with acme.here():
        row = GroupRole.objects.get()
    assert admin.post(f"/admin/signin/grouprole/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    with acme.here():
        assert not GroupRole.objects.exists()
    assert events(acme, "group_removed")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ISSUER": "http://idp.example"}, "https"),
        ({"ISSUER": "https://idp.example"}, "HOLDFAST_OIDC_CLIENT_ID"),
    ],
)
def test_half_a_configuration_says_what_is_missing(monkeypatch, variables, words):
    for name, value in variables.items():
        monkeypatch.setenv(f"HOLDFAST_OIDC_{name}", value)
    with pytest.raises(env.BadSetting, match=words):
        env.oidc()
