"""create_tenant and create_member: done twice is done once, and bad input says what to do."""

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tenants import queries
from tenants.scoping import tenant_context
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db


def run(name, *args, stdin=None, monkeypatch=None):
    """(exit code, standard output, message)"""
    out, err = io.StringIO(), io.StringIO()
    if stdin is not None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    try:
        call_command(name, *args, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


def test_a_tenant_is_made_once():
    args = ["--organization", "Initech", "--slug", "initech", "--timezone", "Europe/Berlin"]
    assert run("create_tenant", *args)[0] == 0
    tenant = queries.tenant_by_slug("initech")
    assert (tenant.environment, tenant.currency, tenant.time_zone) == ("production", "USD", "Europe/Berlin")
    code, _, said = run("create_tenant", *args)
    assert code == 0
    assert "exists" in said
    assert queries.all_tenants().filter(slug="initech").count() == 1


def test_an_existing_slug_is_not_given_to_somebody_else():
    assert run("create_tenant", "--organization", "Initech", "--slug", "initech")[0] == 0
    code, _, said = run("create_tenant", "--organization", "Other", "--slug", "initech")
    assert code == 1
    assert "organization is 'Initech'" in said


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--organization", "X", "--slug", "no spaces"], "slug"),
        (["--organization", " ", "--slug", "x"], "organization"),
        (["--organization", "X", "--slug", "x", "--currency", "DOLLAR"], "currency"),
        (["--organization", "X", "--slug", "x", "--timezone", "Mars/Base"], "time zone"),
        (["--organization", "X\x00Y", "--slug", "x"], "organization"),
    ],
)
def test_a_tenant_of_nonsense_is_a_usage_error(args, word):
    code, _, said = run("create_tenant", *args)
    assert code == 2
    assert word in said
    assert queries.tenant_by_slug("x") is None


def test_a_member_without_a_password_gets_a_link_that_works_once(acme):
    args = ["--tenant", "acme", "--email", "Dana@Acme.example", "--role", "csm", "--name", "Dana"]
    code, link, _ = run("create_member", *args)
    assert code == 0
    path = "/" + link.strip().split("/", 3)[3]
    client = Client()
    assert "dana@acme.example" in client.get(path).text
    weak = client.post(path, {"password": "short", "again": "short"})
    assert weak.status_code == 422
    differ = client.post(path, {"password": PASSWORD, "again": PASSWORD + "x"})
    assert differ.status_code == 422
    assert "differ" in differ.text
    done = client.post(path, {"password": PASSWORD, "again": PASSWORD})
    assert (done.status_code, done.headers["Location"]) == (303, "/auth/login/")
    assert client.login(email="dana@acme.example", password=PASSWORD)
    assert client.post(path, {"password": PASSWORD * 2, "again": PASSWORD * 2}).status_code == 410
    assert Client().get(path).status_code == 410


def test_the_same_member_again_keeps_the_team_and_makes_no_event(acme):
    args = ["--tenant", "acme", "--email", "dana@acme.example", "--role", "csm"]
    assert run("create_member", *args, "--team", "North")[0] == 0
    before = events(acme)
    assert run("create_member", *args)[0] == 0
    with acme.here():
        membership = queries.people(acme.tenant).get(user__email="dana@acme.example")
        assert membership.team_id == queries.team_named(acme.tenant, "North").pk
    assert events(acme) == before
    assert run("create_member", *args[:-1], "manager")[0] == 0
    assert events(acme) == before + 1


def events(world):
    from audit.models import AuditEvent

    with tenant_context(world.tenant.pk):
        return AuditEvent.objects.filter(tenant=world.tenant, verb__startswith="tenants.member").count()


def test_a_password_comes_from_standard_input(acme, monkeypatch):
    args = [
        "--tenant",
        "acme",
        "--email",
        "eli@acme.example",
        "--role",
        "csm",
        "--password-stdin",
        "--json",
        "-",
    ]
    code, out, _ = run("create_member", *args, stdin=PASSWORD + "\n", monkeypatch=monkeypatch)
    assert code == 0
    assert out == ""
    assert Client().login(email="eli@acme.example", password=PASSWORD)
    code, _, said = run("create_member", *args, stdin="short\n", monkeypatch=monkeypatch)
    assert (code, "12 characters" in said) == (1, True)
    assert run("create_member", *args, stdin="", monkeypatch=monkeypatch)[0] == 2


def test_json_holds_the_link(acme, tmp_path):
    target = tmp_path / "member.json"
    args = ["--tenant", "acme", "--email", "fay@acme.example", "--role", "auditor", "--json", str(target)]
    assert run("create_member", *args)[0] == 0
    said = json.loads(target.read_text())
    assert (said["role"], said["created"]) == ("auditor", True)
    assert "/auth/invitation/" in said["invitation"]


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["--tenant", "nowhere", "--email", "a@b.example", "--role", "csm"], 2, "no tenant 'nowhere'"),
        (["--tenant", "acme", "--email", "not an address", "--role", "csm"], 2, "e-mail"),
        (["--tenant", "acme", "--email", "a@b.example", "--role", "boss"], 1, "invalid choice"),
    ],
)
def test_bad_input_is_named(acme, args, code, word):
    # argparse leaves with 2 on the command line; call_command turns that into a CommandError of its own
    found, _, said = run("create_member", *args)
    assert found == code
    assert word in said


def test_a_superuser_joins_no_tenant(acme):
    from tenants.models import User

    User.objects.create_superuser("root@acme.example", PASSWORD)
    code, _, said = run("create_member", "--tenant", "acme", "--email", "root@acme.example", "--role", "csm")
    assert (code, "superuser" in said) == (1, True)
