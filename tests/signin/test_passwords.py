"""Passwords of the context, and from breaches (ASVS 6.1.2, 6.2.11, 6.2.12)."""

import hashlib

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from signin.passwords import BreachedPasswordValidator, ContextWordsValidator, _is_in
from tenants.models import User

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
