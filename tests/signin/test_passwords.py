"""Passwords of the context, and from breaches (ASVS 6.1.2, 6.2.11, 6.2.12)."""

import hashlib

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from signin.passwords import BreachedPasswordValidator, ContextWordsValidator, _is_in, check_breached_list
from tenants.models import User
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    ["Holdfast2026!!", "h0ldf4st-h0ldf4st", "CustomerSuccess1", "Acme-Holdfast-26", "acmeACMEacme99"],
)  # fmt: skip
def test_words_of_the_context_are_refused(acme, text):
    with pytest.raises(ValidationError):
        ContextWordsValidator().validate(text, acme.csm.user)


@pytest.mark.parametrize(
    "text",
    [
        "correct-horse-7",
        "acme and eleven geese",
        "holdfast-by-the-river-bank",
        "holdfast-demo-1",
        "93-5518-2047-61",
        "acme-83625142637485",
    ],
)
def test_a_password_with_enough_of_its_own_is_taken(acme, text):
    ContextWordsValidator().validate(text, acme.csm.user)


def test_somebody_new_is_told_by_their_domain(acme):
    with pytest.raises(ValidationError):
        ContextWordsValidator().validate("umbrella-99-umbrella", User(email="a@umbrella.example"))


@pytest.fixture
def breached(settings, tmp_path):
    lines = sorted(hashlib.sha1(f"known-{n}".encode()).hexdigest().upper() for n in range(500))
    path = tmp_path / "breached.txt"
    path.write_text("".join(f"{line}:{at}\n" for at, line in enumerate(lines)))
    settings.BREACHED_PASSWORDS = str(path)
    return path


def test_every_line_of_the_list_is_found_and_nothing_else(breached):
    for line in breached.read_bytes().split():
        assert _is_in(breached, line[:40])
    for n in range(200):
        assert not _is_in(breached, hashlib.sha1(f"unknown-{n}".encode()).hexdigest().upper().encode())


def test_a_breached_password_is_refused_by_the_product(breached, settings):
    BreachedPasswordValidator().validate("never seen anywhere", None)
    with pytest.raises(ValidationError, match="breach"):
        validate_password("known-123", None)
    settings.BREACHED_PASSWORDS = ""
    BreachedPasswordValidator().validate("known-123", None)


def test_an_empty_list_refuses_nothing(breached):
    breached.write_text("")
    BreachedPasswordValidator().validate("known-123", None)


def test_a_list_that_is_gone_refuses_new_passwords_in_words_and_fails_the_check(breached, caplog):
    assert check_breached_list() == []
    breached.unlink()
    with pytest.raises(ValidationError, match="cannot be checked now"):
        validate_password("a new one of 26 letters", None)
    assert "breached" in caplog.text
    assert [each.id for each in check_breached_list()] == ["signin.E001"]
    assert "signin.E001" in {each.id for each in run_checks()}


def test_without_a_list_the_check_has_nothing_to_say(settings):
    settings.BREACHED_PASSWORDS = ""
    assert check_breached_list() == []


def test_a_form_says_that_the_list_is_gone(breached, acme):
    breached.unlink()
    client = Client()
    client.force_login(acme.csm.user)
    form = {"oldpassword": PASSWORD, "password1": "eleven-geese-fly-7", "password2": "eleven-geese-fly-7"}
    answer = client.post(reverse("account_change_password"), form)
    assert answer.status_code == 200
    assert "cannot be checked now" in answer.text
