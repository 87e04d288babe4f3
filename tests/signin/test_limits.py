"""Guessing is slow, and nobody is locked out by somebody else's guesses."""

import pytest
from django.core import mail
from django.test import Client

from signin import devices
from tests.signin.flow import SECOND, code_of, events, give_app, is_in, signed_in, try_password
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db
ATTACKER = {"REMOTE_ADDR": "203.0.113.9"}
HOME = {"REMOTE_ADDR": "198.51.100.7"}
TOO_MANY = "Too many tries"


def flood(email, times=8, **extra):
    """Somebody guesses from one address; a fresh browser each time, so that no cookie slows it down."""
    return [try_password(Client(), email, f"wrong-horse-{number}", **extra).text for number in range(times)]


def test_the_sixth_guess_is_refused_even_with_the_right_password(acme):
    texts = flood(acme.csm.user.email, **ATTACKER)
    assert [TOO_MANY in text for text in texts] == [False] * 5 + [True] * 3
    client = Client()
    assert TOO_MANY in try_password(client, acme.csm.user.email, **ATTACKER).text
    assert not is_in(client, acme)


def test_the_owner_comes_in_from_another_address_while_the_flood_goes_on(acme):
    flood(acme.csm.user.email, **ATTACKER)
    assert is_in(signed_in(acme.csm, **HOME), acme)


def test_a_session_goes_on_during_a_flood(acme):
    client = signed_in(acme.csm)
    flood(acme.csm.user.email)
    assert is_in(client, acme)


def test_a_known_browser_comes_in_from_the_very_address_of_the_flood(acme):
    client = signed_in(acme.csm, **ATTACKER)
    client.post("/auth/logout/")
    flood(acme.csm.user.email, times=12, **ATTACKER)
    assert try_password(client, acme.csm.user.email, **ATTACKER).status_code == 302
    assert is_in(client, acme)


def test_a_known_browser_may_not_guess_for_ever_either(acme):
    client = signed_in(acme.csm)
    client.post("/auth/logout/")
    texts = [try_password(client, acme.csm.user.email, f"wrong-horse-{n}").text for n in range(12)]
    assert [TOO_MANY in text for text in texts] == [False] * 10 + [True] * 2


def test_the_cookie_of_one_person_is_worth_nothing_for_another(acme):
    client = signed_in(acme.csm2)
    client.post("/auth/logout/")
    assert TOO_MANY in [try_password(client, acme.csm.user.email, "wrong-horse").text for _ in range(6)][-1]
    forged = Client()
    forged.cookies["holdfast_device"] = client.cookies["holdfast_device"].value[:-2] + "xx"
    assert not devices.known(forged.get("/auth/login/").wsgi_request, acme.csm2.user.email)


def test_one_address_is_slowed_down_over_many_people(acme):
    for number in range(30):
        try_password(Client(), f"somebody{number}@acme.example", **ATTACKER)
    assert TOO_MANY in try_password(Client(), acme.csm.user.email, **ATTACKER).text
    assert is_in(signed_in(acme.csm, **HOME), acme)


def test_many_addresses_are_slowed_down_over_one_person_who_still_comes_in(acme, settings):
    limits = {**settings.SIGNIN_LIMITS["password"], "login": "20/h/key"}
    settings.SIGNIN_LIMITS = {**settings.SIGNIN_LIMITS, "password": limits}
    known = signed_in(acme.csm)
    known.post("/auth/logout/")
    for number in range(6):
        flood(acme.csm.user.email, times=4, REMOTE_ADDR=f"203.0.113.{number}")
    assert TOO_MANY in try_password(Client(), acme.csm.user.email, REMOTE_ADDR="203.0.113.77").text
    assert try_password(known, acme.csm.user.email).status_code == 302


def test_good_sign_ins_are_not_counted(acme):
    for _ in range(9):
        assert is_in(signed_in(acme.csm, **HOME), acme)


def test_whether_an_address_exists_is_not_told(acme):
    texts = {try_password(Client(), email, "wrong-horse").text.split("sign-in-error")[1].split("</div>")[0]
             for email in ("nobody@acme.example", acme.csm.user.email)}  # fmt: skip
    assert len(texts) == 1


def test_failures_are_on_record_without_the_password_and_stop_with_the_limit(acme):
    flood(acme.csm.user.email, **ATTACKER)
    failed = events(acme, "sign_in_failed")
    assert len(failed) == 5
    assert failed[0].diff["after"] == {"step": "password", "address": ATTACKER["REMOTE_ADDR"]}
    assert failed[0].actor_kind == "system", "who guesses is not known"
    assert "wrong-horse" not in str([event.diff for event in failed])


def test_codes_are_limited_for_each_address_and_the_owner_gets_in(acme):
    give_app(acme.csm.user)
    known = signed_in(acme.csm, **HOME)
    known.post(SECOND, {"code": code_of(steps=-1)}, **HOME)
    known.post("/auth/logout/")
    thief = signed_in(acme.csm, **ATTACKER)
    texts = [thief.post(SECOND, {"code": f"00000{n}"}, **ATTACKER).text for n in range(7)]
    assert [TOO_MANY in text for text in texts] == [False] * 5 + [True] * 2
    assert TOO_MANY in thief.post(SECOND, {"code": code_of()}, **ATTACKER).text, "even the right one"
    assert try_password(known, acme.csm.user.email, PASSWORD, **HOME).headers["Location"] == SECOND
    assert known.post(SECOND, {"code": code_of()}, **HOME).status_code == 302
    assert is_in(known, acme)


# --- mails for a new password ---------------------------------------------------------------------


def asked_for_reset(email, times=1, client=None, **extra):
    """How many mails went out when somebody asks for new passwords, a fresh browser each time unless one is given."""
    mail.outbox.clear()
    for _ in range(times):
        answer = (client or Client()).post("/auth/password/reset/", {"email": email}, **extra)
        assert answer.status_code == 302, "the answer is the same whether a mail went out or not"
    return len(mail.outbox)


def test_a_stranger_s_requests_leave_the_owner_s_reset_mails(acme):
    email = acme.csm.user.email
    assert asked_for_reset(email, times=12, **ATTACKER) == 5
    assert asked_for_reset(email, **HOME) == 1


def test_a_known_browser_gets_its_mail_from_the_very_address_of_the_stranger(acme):
    client = signed_in(acme.csm, **ATTACKER)
    client.post("/auth/logout/")
    asked_for_reset(acme.csm.user.email, times=8, **ATTACKER)
    assert asked_for_reset(acme.csm.user.email, client=client, **ATTACKER) == 1


def test_a_mailbox_is_spared_whoever_asks(acme):
    sent = sum(asked_for_reset(acme.csm.user.email, times=5, REMOTE_ADDR=f"203.0.113.{n}") for n in range(6))
    assert sent == 20
