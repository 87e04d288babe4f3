"""Every address for programs x every kind of token. The addresses are in tests/permission_table.py."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from tenants import identities
from tenants.identity_models import ServiceToken
from tenants.scopes import Scope
from tests.permission_table import SERVICES
from tests.services import Program
from tests.test_permissions import all_urls
from tests.worlds import MAKER, make_world

pytestmark = pytest.mark.django_db


def ask(row, world, token, made, **headers):
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = reverse(row.name, kwargs={"slug": world.tenant.slug, **made})
    return Client(raise_request_exception=False).generic(row.method, url, headers=headers)


def made_for(row, world):
    with world.here():
        return row.make(world) if row.make else {}


def other_scope(row):
    return next(scope for scope in Scope.values if scope != row.scope)


@pytest.mark.parametrize("row", SERVICES, ids=lambda row: f"{row.method} {row.name}")
def test_which_token_gets_in(row, acme, globex):
    made = made_for(row, acme)
    own = Program(acme, row.scope)
    answer = ask(row, acme, own.token, made)
    assert answer.status_code == row.allowed, answer.content
    assert not answer.cookies, "a program gets no session"
    assert "no-store" in answer.headers["Cache-Control"]

    wrong = ask(row, acme, Program(acme, other_scope(row)).token, made)
    assert wrong.status_code == 403
    assert f'scope="{row.scope}"' in wrong.headers["WWW-Authenticate"]
    assert ask(row, acme, Program(globex, row.scope).token, made).status_code == 404, "another tenant's"
    assert ask(row, globex, own.token, made).status_code == 404, "its token, another tenant's address"

    for token in ("", "nonsense", own.token[:-1], own.token[:-2] + "zz", own.token.replace("production", "sandbox"),
                  f"hf_production_{'a' * 12}_{'0' * 64}", "x" * 9000, own.token + "\u00e4"):  # fmt: skip
        refused = ask(row, acme, token, made)
        assert refused.status_code == 401, token[:40]
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.headers["Content-Type"].split(";")[0] in (
            "application/problem+json",
            "application/scim+json",
        )


@pytest.mark.parametrize("row", SERVICES, ids=lambda row: f"{row.method} {row.name}")
def test_which_token_gets_in_no_more(row, acme):
    made = made_for(row, acme)
    own = Program(acme, row.scope)
    mine = ServiceToken.objects.filter(identity_id=own.identity.pk)

    mine.update(expires_at=timezone.now())
    assert ask(row, acme, own.token, made).status_code == 401, "expired"
    mine.update(expires_at=timezone.now() + timedelta(days=1))
    assert ask(row, acme, own.token, made).status_code == row.allowed
    with acme.here():
        identities.revoke(acme.tenant, identity_id=own.identity.pk, by=MAKER)
    assert ask(row, acme, own.token, made).status_code == 401, "revoked, at the next call"


@pytest.mark.parametrize("row", SERVICES, ids=lambda row: f"{row.method} {row.name}")
def test_a_sandboxs_token_opens_no_production(row, acme):
    sandbox = make_world("acme-sandbox", environment="sandbox")
    token = Program(sandbox, row.scope).token
    assert token.startswith("hf_sandbox_")
    assert ask(row, acme, token, made_for(row, acme)).status_code == 404
    assert ask(row, sandbox, token, made_for(row, sandbox)).status_code == row.allowed
    # a copy of production's database that was made a sandbox is not opened by production's tokens
    own = Program(acme, row.scope)
    acme.tenant.environment = "sandbox"
    acme.tenant.save()
    assert ask(row, acme, own.token, made_for(row, acme)).status_code == 401


@pytest.mark.parametrize("row", SERVICES, ids=lambda row: f"{row.method} {row.name}")
def test_no_session_opens_it_and_no_token_opens_a_page(row, acme):
    client = Client(raise_request_exception=False)
    client.force_login(acme.ops_admin.user)
    url = reverse(row.name, kwargs={"slug": acme.tenant.slug, **made_for(row, acme)})
    assert client.generic(row.method, url).status_code == 401
    token = Program(acme, row.scope).token
    page = Client().get(acme.url("settings/people/"), headers={"Authorization": f"Bearer {token}"})
    assert page.status_code == 302
    assert Client().get(f"{url}?access_token={token}").status_code == 401, (
        "a token in the address counts for nothing"
    )


def test_every_address_for_programs_is_in_the_table_with_its_scope():
    found = {
        name: pattern.callback.scope
        for name, pattern, _ in all_urls()
        if hasattr(pattern.callback, "is_service_view")
    }
    assert found == {row.name: row.scope for row in SERVICES}
    assert set(Scope.values) == set(found.values()), "a scope that opens nothing"


def test_a_wrong_scope_is_on_record_and_the_secret_never_is(acme):
    own = Program(acme, "scim")
    own("GET", "api/v1/usage/")
    with acme.here():
        event = AuditEvent.objects.filter(tenant=acme.tenant, verb="tenants.access_denied").latest("id")
        assert (event.actor_kind, event.diff["after"]["needs_scope"]) == ("service", "usage.read")
        secret = own.token.rpartition("_")[2]
        assert not [
            each for each in AuditEvent.objects.filter(tenant=acme.tenant) if secret in str(vars(each))
        ]
    row = ServiceToken.objects.get(identity_id=own.identity.pk)
    assert secret not in str(vars(row))


def test_the_last_use_is_noted_once_a_minute_and_also_of_a_call_that_failed(acme):
    own = Program(acme, "scim")
    assert own("GET", "scim/v2/Users/0").status_code == 404
    first = ServiceToken.objects.get(identity_id=own.identity.pk).last_used_at
    assert first is not None
    own("GET", "scim/v2/Users")
    assert ServiceToken.objects.get(identity_id=own.identity.pk).last_used_at == first
    ServiceToken.objects.update(last_used_at=first - timedelta(seconds=61))
    own("GET", "scim/v2/Users")
    assert ServiceToken.objects.get(identity_id=own.identity.pk).last_used_at > first


def test_a_fault_inside_is_a_problem_with_a_reference_and_keeps_nothing(acme, monkeypatch):
    own = Program(acme, "usage.read")
    monkeypatch.setattr("tenants.usage.lines", lambda *args: 1 / 0)
    answer = own("GET", "api/v1/usage/")
    assert (answer.status_code, answer.json()["title"]) == (500, "Error")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "ZeroDivision" not in answer.content.decode()
