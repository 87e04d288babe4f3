"""Sessions and rights, inputs 43 to 49 of the list. What each feature does in full is in tests/signin."""

import time

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core import signing
from django.test import Client

from tenants import invitations, services
from tenants.models import Membership, Team, User
from tests.signin.flow import LOGIN, SECOND, code_of, give_app, is_in, signed_in, try_password
from tests.worlds import MAKER, PASSWORD

pytestmark = [pytest.mark.bad_input, pytest.mark.django_db]
TOO_MANY = "Too many tries"


def careful(membership):
    """A browser whose forms are checked for their token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(membership.user)
    return client


# --- input 43: the form's token -----------------------------------------------------------------

POSTS = ["/auth/browsers/", "/auth/logout/", "/auth/password/change/", "/auth/email/", "/auth/2fa/totp/deactivate/",
         "/auth/2fa/recovery-codes/generate/", "/workspaces/", "/t/acme/queue/export/"]  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_input_43_no_token_no_change(acme, path):
    give_app(acme.csm.user)
    client = careful(acme.csm)
    assert client.post(path).status_code == 403
    assert client.post(path, headers={"X-CSRFToken": "x" * 64}).status_code == 403
    assert is_in(client, acme), "still signed in, nothing done"


def test_input_43_the_token_of_another_browser_is_refused(acme):
    mine, theirs = careful(acme.csm), careful(acme.csm2)
    token = theirs.get("/auth/browsers/").context["csrf_token"]
    mine.get("/auth/browsers/")
    assert mine.post("/auth/browsers/", {"csrfmiddlewaretoken": str(token)}).status_code == 403
    assert mine.post("/auth/browsers/", headers={"HX-Request": "true"}).status_code == 403


def test_input_43_signing_in_needs_the_token_too(acme):
    """Or a stranger's page could sign you in as somebody else."""
    client = Client(enforce_csrf_checks=True)
    assert try_password(client, acme.csm.user.email).status_code == 403


def test_input_43_cookies_stay_at_home(acme):
    client = signed_in(acme.csm)
    for name in ("holdfast_session", "holdfast_device"):
        assert client.cookies[name]["samesite"] == "Lax"
        assert client.cookies[name]["httponly"]


# --- input 44: sessions -------------------------------------------------------------------------


def test_input_44_a_session_id_from_before_the_sign_in_is_worth_nothing(acme):
    client = Client()
    client.get(LOGIN)
    store = client.session
    store["planted"] = True
    store.save()
    client.cookies["holdfast_session"] = fixed = store.session_key
    try_password(client, acme.csm.user.email)
    assert client.session.session_key != fixed
    thief = Client()
    thief.cookies["holdfast_session"] = fixed
    assert not is_in(thief, acme)


def test_input_44_an_invented_session_id_is_not_taken_over(acme):
    client = Client()
    client.cookies["holdfast_session"] = "a" * 32
    try_password(client, acme.csm.user.email)
    assert client.session.session_key != "a" * 32


@pytest.mark.parametrize("ended", ["sign-out", "password"])
def test_input_44_an_old_cookie_is_dead(acme, ended):
    client = signed_in(acme.csm)
    kept = client.cookies["holdfast_session"].value
    if ended == "sign-out":
        client.post("/auth/logout/")
    else:
        new = "quite-another-horse-9"
        client.post("/auth/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    again = Client()
    again.cookies["holdfast_session"] = kept
    assert not is_in(again, acme)


def test_input_44_two_tabs_in_two_workspaces_do_not_mix(acme, globex):
    with globex.here():
        services.ensure_member(globex.tenant, email=acme.csm.user.email, role="auditor", by=MAKER)
    client = signed_in(acme.csm)
    for _ in range(2):
        here, there = client.get("/t/acme/queue/").text, client.get("/t/globex/queue/").text
        assert "CSM" in here
        assert "Auditor" in there
    assert client.post("/t/globex/queue/export/").status_code == 200
    assert client.get("/t/globex/settings/people/").status_code == 403


# --- input 45: codes ----------------------------------------------------------------------------


def at_second_step(membership):
    client = Client()
    assert try_password(client, membership.user.email).headers["Location"] == SECOND
    return client


def test_input_45_a_code_used_once_is_used(acme):
    give_app(acme.csm.user)
    digits = code_of(steps=1)
    first, second = at_second_step(acme.csm), at_second_step(acme.csm)
    assert first.post(SECOND, {"code": digits}).status_code == 302
    assert second.post(SECOND, {"code": digits}).status_code == 200
    assert second.post(SECOND, {"code": f" {digits[:3]} {digits[3:]} "}).status_code == 200, (
        "nor spelled otherwise"
    )
    assert not is_in(second, acme)


def test_input_45_the_window_before_counts_and_the_one_before_that_does_not(acme):
    give_app(acme.csm.user)
    client = at_second_step(acme.csm)
    while time.time() % 30 > 20:  # not across a border of windows
        time.sleep(0.5)
    assert client.post(SECOND, {"code": code_of(steps=-3)}).status_code == 200
    assert client.post(SECOND, {"code": code_of(steps=-1)}).status_code == 302


def test_input_45_a_recovery_code_twice(acme):
    give_app(acme.csm.user)
    code = RecoveryCodes.activate(acme.csm.user).generate_codes()[0]
    assert at_second_step(acme.csm).post(SECOND, {"code": code}).status_code == 302
    again = at_second_step(acme.csm)
    assert again.post(SECOND, {"code": code}).status_code == 200
    assert not is_in(again, acme)


def test_input_45_the_code_that_set_the_app_up_does_not_sign_in(acme):
    client = signed_in(acme.csm)
    secret = client.get("/auth/2fa/totp/activate/").context["form"].secret
    digits = code_of(secret)
    assert client.post("/auth/2fa/totp/activate/", {"code": digits}).status_code == 302
    other = at_second_step(acme.csm)
    assert other.post(SECOND, {"code": digits}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/t/acme/queue/", "/t/acme/", "/admin/", "/auth/2fa/", "/auth/browsers/",
                                  "/auth/2fa/recovery-codes/", "/workspaces/", "/auth/again/x/"])  # fmt: skip
def test_input_45_the_second_step_is_not_skipped_by_an_address(acme, path):
    give_app(acme.csm.user)
    client = at_second_step(acme.csm)
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(("/auth/login/", SECOND))


@pytest.mark.parametrize("code", ["", "0" * 6, "x" * 10_000, "१२३४५६", "\x00", "null", "[]"])
def test_input_45_no_code_at_all(acme, code):
    give_app(acme.csm.user)
    client = at_second_step(acme.csm)
    assert client.post(SECOND, {"code": code}).status_code in {200, 400}
    assert not is_in(client, acme)


NO_KEYS = ["", "{}", "[]", "null", "1", '{"id": 1}', '{"id": "eA"}', '{"response": {"userHandle": "!"}}',
           '{"rawId":"x","id":"x","type":"public-key","response":{}}', "{" * 5000]  # fmt: skip


@pytest.mark.parametrize("credential", NO_KEYS)
@pytest.mark.parametrize("path", ["/auth/2fa/webauthn/login/", SECOND])
def test_input_45_no_passkey_at_all(acme, path, credential):
    give_app(acme.csm.user)
    client = at_second_step(acme.csm) if path == SECOND else Client()
    assert client.post(path, {"credential": credential}).status_code in {200, 302, 400}
    assert not is_in(client, acme)


# --- input 46: floods ---------------------------------------------------------------------------


def test_input_46_an_attacker_locks_nobody_out(acme):
    there = {"REMOTE_ADDR": "203.0.113.9"}
    texts = [try_password(Client(), acme.csm.user.email, f"wrong-{n}", **there).text for n in range(9)]
    assert TOO_MANY in texts[-1]
    assert is_in(signed_in(acme.csm, REMOTE_ADDR="198.51.100.7"), acme)


def test_input_46_a_claimed_address_is_not_believed(acme):
    """Without a proxy the header of one is the attacker's own words."""
    for number in range(6):
        answer = try_password(
            Client(), acme.csm.user.email, "wrong", headers={"X-Forwarded-For": f"192.0.2.{number}"}
        )
    assert TOO_MANY in answer.text


def test_input_46_somebody_switched_off_may_flood_for_nothing(acme):
    User.objects.filter(pk=acme.csm.user_id).update(is_active=False)
    for _ in range(7):
        answer = try_password(Client(), acme.csm.user.email)
    assert answer.status_code in {200, 302}
    assert is_in(signed_in(acme.csm2, REMOTE_ADDR="198.51.100.7"), acme)


# --- input 47: passwords ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ["", "x", "x" * 64, "x" * 10_000, " ", "\x00", "ｐａｓｓ", "\ud7ff\u0301" * 500]
)
def test_input_47_a_wrong_password_of_any_shape_is_just_wrong(acme, password):
    began = time.monotonic()
    assert try_password(Client(), acme.csm.user.email, password).status_code in {200, 400}
    assert time.monotonic() - began < 20, "no password takes long to look at"


def set_password(membership, old, new):
    client = Client()
    assert try_password(client, membership.user.email, old).status_code == 302
    return client.post("/auth/password/change/", {"oldpassword": old, "password1": new, "password2": new})


@pytest.mark.parametrize(
    "new",
    [
        "correct horse battery " * 3,
        "пароль-из-многих-букв",
        " spaces around are kept ",
        "ﬁne-ligature-ﬂow-99",
    ],
)
def test_input_47_long_unicode_and_spaced_passwords_work_as_typed(acme, new):
    assert set_password(acme.csm, PASSWORD, new).status_code == 302
    assert try_password(Client(), acme.csm.user.email, new).status_code == 302
    if new != new.strip():
        assert try_password(Client(), acme.csm.user.email, new.strip()).status_code == 200


@pytest.mark.parametrize("new", ["x", "elevenchars", "password1234", "csm@acme.example"])
def test_input_47_weak_ones_are_refused(acme, new):
    assert set_password(acme.csm, PASSWORD, new).status_code == 200
    assert try_password(Client(), acme.csm.user.email, PASSWORD).status_code == 302


# --- input 48: invitations ----------------------------------------------------------------------


@pytest.fixture
def waiting(acme):
    with acme.here():
        return services.ensure_member(acme.tenant, email="w@acme.example", role="csm", by=MAKER)[0]


def open_link(token, password="a-horse-of-my-own-1"):
    return Client().post(f"/auth/invitation/{token}/", {"password": password, "again": password})


def test_input_48_a_link_used_once_is_used(acme, waiting):
    token = invitations.token_for(waiting.user, acme.tenant)
    assert open_link(token).status_code == 303
    assert open_link(token, "another-horse-of-mine").status_code == 410
    assert try_password(Client(), "w@acme.example", "a-horse-of-my-own-1").status_code == 302


def test_input_48_an_expired_link(acme, waiting, monkeypatch):
    with monkeypatch.context() as past:
        past.setattr(signing.time, "time", lambda: time.mktime((2020, 1, 1, 0, 0, 0, 0, 0, 0)))
        token = invitations.token_for(waiting.user, acme.tenant)
    assert open_link(token).status_code == 410


def test_input_48_a_link_is_for_its_own_address(acme, waiting):
    token = invitations.token_for(waiting.user, acme.tenant)
    User.objects.filter(pk=waiting.user_id).update(email="else@acme.example")
    assert open_link(token).status_code == 410
    said = signing.loads(token, salt="tenants.invitation")
    forged = signing.dumps({**said, "user": acme.csm.user_id}, salt="tenants.invitation")
    assert open_link(forged).status_code == 410
    assert try_password(Client(), acme.csm.user.email).status_code == 302, "whose password is what it was"


@pytest.mark.parametrize("token", ["x", "x" * 4000, "..", "a:b:c", "%00", "१"])
def test_input_48_nonsense(token):
    assert Client().get(f"/auth/invitation/{token}/").status_code in {400, 404, 410}


# --- input 49: people between workspaces --------------------------------------------------------


def test_input_49_somebody_in_two_workspaces_has_each_ones_rights_there_alone(acme, globex):
    with globex.here():
        services.ensure_member(globex.tenant, email=acme.csm.user.email, role="ops_admin", by=MAKER)
    client = signed_in(acme.csm)
    assert client.get("/t/globex/settings/people/").status_code == 200
    assert client.get("/t/acme/settings/people/").status_code == 403


def test_input_49_somebody_in_none_sees_nothing(acme):
    alone = User.objects.create_user("alone@example.com", PASSWORD)
    client = Client()
    assert try_password(client, alone.email).status_code == 302
    assert client.get("/t/acme/queue/").status_code == 404
    assert client.get("/admin/", follow=True).status_code == 403


def test_input_49_somebody_demoted_in_the_middle(acme):
    with acme.here():
        second, _ = services.ensure_member(
            acme.tenant, email="second@acme.example", role="ops_admin", by=MAKER, password=PASSWORD
        )  # fmt: skip
    client = signed_in(second)
    assert client.get("/t/acme/settings/people/").status_code == 200
    with acme.here():
        services.ensure_member(acme.tenant, email="second@acme.example", role="csm", by=MAKER)
    assert client.get("/t/acme/settings/people/").status_code == 302
    assert signed_in(second).get("/t/acme/settings/people/").status_code == 403


def test_input_49_the_manager_of_an_empty_team_and_of_teams_in_a_circle(acme):
    with acme.here():
        one = services.create_team(acme.tenant, name="One", by=MAKER)
        two = services.create_team(acme.tenant, name="Two", by=MAKER, parent=one)
        Membership.objects.filter(pk=acme.manager.pk).update(team_id=two.pk)
        assert is_in(signed_in(acme.manager), acme)
        Team.objects.for_tenant(acme.tenant).filter(pk=one.pk).update(parent=two)
        services.ensure_member(acme.tenant, email=acme.csm.user.email, role="manager", team="One", by=MAKER)
    assert is_in(signed_in(acme.csm), acme)
    assert is_in(signed_in(acme.manager), acme)
