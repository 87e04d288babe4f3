"""Service identities: made, rotated with overlap, revoked; the page, the command, and what the tables refuse."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from tenants import identities, tokens
from tenants.exceptions import Refused
from tenants.identity_models import ServiceIdentity, ServiceToken
from tests.services import Program
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
USERS = "scim/v2/Users"


def make(world, name="Okta", **more):
    with world.here():
        return identities.create_identity(world.tenant, name=name, scopes=["scim"], by=MAKER, **more)


def test_a_rotated_token_works_until_its_overlap_ends_and_the_third_ends_the_first(acme):
    identity, first = make(acme)
    with acme.here():
        _, second = identities.rotate(acme.tenant, identity_id=identity.pk, by=MAKER)
    assert [Program(acme, token=each)("GET", USERS).status_code for each in (first, second)] == [200, 200]
    old = ServiceToken.objects.get(key=tokens.read_token(first).key)
    assert timedelta(hours=23) < old.expires_at - timezone.now() <= timedelta(hours=24)
    ServiceToken.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    assert Program(acme, token=first)("GET", USERS).status_code == 401
    with acme.here():
        _, third = identities.rotate(acme.tenant, identity_id=identity.pk, by=MAKER)
        identities.rotate(acme.tenant, identity_id=identity.pk, by=MAKER)
    assert Program(acme, token=second)("GET", USERS).status_code == 401
    assert Program(acme, token=third)("GET", USERS).status_code == 200


def test_revoking_ends_every_token_at_once_and_rotating_does_not_bring_it_back(acme):
    identity, first = make(acme)
    with acme.here():
        _, second = identities.rotate(acme.tenant, identity_id=identity.pk, by=MAKER)
        identities.revoke(acme.tenant, identity_id=identity.pk, by=MAKER)
        with pytest.raises(Refused):
            identities.rotate(acme.tenant, identity_id=identity.pk, by=MAKER)
    assert [Program(acme, token=each)("GET", USERS).status_code for each in (first, second)] == [401, 401]
    make(acme)  # the name is free again


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": " "}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "at least one"),
        ({"scopes": ["scim", "everything"]}, "everything"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "within a year"),
        ({"expires_at": timezone.now() + timedelta(days=400)}, "within a year"),
        ({"name": "Taken"}, "already"),
    ],
)
def test_what_is_refused(acme, values, words):
    make(acme, "Taken")
    with acme.here(), pytest.raises(Refused, match=words):
        identities.create_identity(acme.tenant, **{"name": "New", "scopes": ["scim"], "by": MAKER, **values})


def test_the_table_refuses_a_longer_life_and_another_tenants_identity(acme, globex):
    identity, _ = make(acme)
    values = {"name": "x", "key": "k" * 12, "digest": "0" * 64, "environment": "production"}
    soon, late = timezone.now() + timedelta(days=1), timezone.now() + timedelta(days=367)
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceToken.objects.create(tenant=acme.tenant, identity_id=identity.pk, expires_at=late, **values)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic(), globex.here():
        ServiceToken.objects.create(tenant=globex.tenant, identity_id=identity.pk, expires_at=soon, **values)


def test_identities_are_hidden_from_another_tenant(acme, globex):
    make(acme)
    with globex.here():
        assert not ServiceIdentity.objects.exists()


# --- the page ------------------------------------------------------------------------------------


@pytest.fixture
def admin(acme):
    client = Client()
    client.force_login(acme.ops_admin.user)
    return client


def test_the_page_shows_the_token_once(acme, admin):
    assert "No service yet" in admin.get(acme.url("services/")).content.decode()
    form = {"name": "Nightly", "scopes": ["import"], "last_day": str(timezone.now().date() + timedelta(days=5)),
            "idempotency_key": "form-1"}  # fmt: skip
    shown = admin.post(acme.url("services/new/"), form)
    assert shown.status_code == 200
    token = shown.content.decode().partition('id="token"')[2].partition('value="')[2].partition('"')[0]
    assert tokens.read_token(token) is not None
    later = admin.get(acme.url("services/")).content.decode()
    assert "Nightly" in later
    assert token not in later
    # the same form again is no second service, and what is kept of its answer is not the token
    assert admin.post(acme.url("services/new/"), form).status_code == 409
    with acme.here(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), bool_or(position(%s::bytea in body) > 0) FROM tenants_keptanswer",
                       [token.rpartition("_")[2]])  # fmt: skip
        assert cursor.fetchone() == (1, False)


def test_the_page_says_what_is_wrong(acme, admin):
    answer = admin.post(acme.url("services/new/"), {"name": "", "last_day": "2100-01-01"})
    assert answer.status_code == 422
    make(acme)
    form = {"name": "Okta", "scopes": ["scim"], "last_day": str(timezone.now().date())}
    answer = admin.post(acme.url("services/new/"), form)
    assert answer.status_code == 422
    assert "is here already" in answer.content.decode()


def test_revoking_is_a_second_press(acme, admin):
    """Final, so the first press only opens what it does; works without script."""
    identity, _ = make(acme)
    text = admin.get(acme.url("services/")).text
    before, after = text.split(f"services/{identity.pk}/revoke/")
    assert before.rfind("<details>") > before.rfind("</details>"), "the button stands in something closed"
    assert "it cannot be brought back" in after.split("</details>")[0]


def test_rotate_and_revoke_from_the_page(acme, admin):
    identity, token = make(acme)
    answer = admin.post(acme.url(f"services/{identity.pk}/rotate/"))
    assert "works for 24 more hours" in answer.content.decode()
    assert admin.post(acme.url(f"services/{identity.pk}/revoke/")).status_code == 302 + 1
    assert Program(acme, token=token)("GET", USERS).status_code == 401
    assert admin.post(acme.url(f"services/{identity.pk}/rotate/")).status_code == 409


def test_the_page_costs_the_same_for_one_or_many(acme, admin, query_count):
    make(acme)
    few = query_count(lambda: admin.get(acme.url("services/")))
    for number in range(10):
        make(acme, f"Service {number}")
    assert query_count(lambda: admin.get(acme.url("services/"))) == few <= 12


# --- the command ---------------------------------------------------------------------------------


def run(capsys, *args):
    call_command("create_service_token", *args)
    return capsys.readouterr()


def test_the_command_prints_the_token_alone(acme, capsys):
    said = run(capsys, "--tenant", "acme", "--name", "Okta", "--scope", "scim", "--scope", "import")
    token = said.out.strip()
    assert tokens.read_token(token) is not None
    assert Program(acme, token=token)("GET", USERS).status_code == 200
    assert "not shown again" in said.err
    row = ServiceToken.objects.get()
    assert row.scopes == ["import", "scim"]
    assert abs(row.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=5)


def test_the_command_takes_a_last_day(acme, capsys):
    day = timezone.now().date() + timedelta(days=10)
    run(capsys, "--tenant", "acme", "--name", "Okta", "--scope", "scim", "--expires", str(day))
    assert ServiceToken.objects.get().expires_at.date() == day


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--tenant", "nowhere"], 2),
        (["--expires", "tomorrow"], 2),
        (["--expires", "2026-02-31"], 2),
        (["--expires", "2001-01-01"], 1),
        (["--expires", "2100-01-01"], 1),
        (["--name", ""], 1),
    ],
)
def test_the_command_refuses(acme, more, code):
    args = ["--tenant", "acme", "--name", "Okta", "--scope", "scim", *more]
    with pytest.raises(CommandError) as refused:
        call_command("create_service_token", *args)
    assert refused.value.returncode == code
    assert not ServiceToken.objects.exists()


def test_the_command_knows_no_other_scope(acme):
    with pytest.raises(CommandError, match="everything"):
        call_command("create_service_token", "--tenant", "acme", "--name", "Okta", "--scope", "everything")
