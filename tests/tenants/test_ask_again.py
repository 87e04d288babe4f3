"""What gives somebody rights, or a secret, asks again who it is; a new page of that kind has to say so here."""

import time

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from scim.models import ScimGroup
from tenants.access import Right
from tenants.admin import registered
from tests.permission_table import TABLE

# Admin classes that give nobody rights and no secret. A new class asks again, or stands here with its reason.
GIVES_NOTHING = {
    "Membership": "to look at",
    "HealthPolicy": "weights of a score",
    "Playbook": "steps and when they are suggested",
    "Quota": "how much a workspace may use",
    "UnitPrice": "what a unit costs in the usage table",
    "ChanceSettings": "cuts of a level, and what a model must have shown",
    "RenewalTarget": "a figure to compare with",
    "OutcomeTarget": "a figure to compare with",
    "Competitor": "a name that is looked for in texts",
}
# Writes of those who configure, or run the integrations, that give nobody rights and no secret.
GIVES_NOTHING_EITHER = {
    "tenants:revoke_service": "takes a token away, in a hurry",
    "jobs:replay": "work that was asked for before",
    "jobs:cancel": "work stops",
    "integrations:endpoint_pause": "nothing is sent",
    "integrations:endpoint_resume": "to the address that was proven when it was set",
    "integrations:endpoint_test": "a made-up event",
    "integrations:delivery_replay": "what was planned before",
    "integrations:delivery_cancel": "nothing is sent",
    "scoring:policy_draft": "weights of a score",
    "scoring:policy_preview": "weights of a score",
    "scoring:policy_publish": "weights of a score",
    "scoring:policy_rollback": "weights of a score",
    "scoring:policy_discard": "weights of a score",
    "scoring:model_step": "which version's figures are shown, with reason and event",
    "scoring:models_source": "what is usual of a source of evidence, with reason and event",
    "scoring:whatif_publish": "cuts of a level",
    "scoring:whatif_rollback": "cuts of a level",
    "scoring:report_close": "a report is put aside",
    "scoring:report_correct": "a fact about a customer, with its trace",
}
# Answers with a secret in them, or that give rights, whatever right they ask for.
GIVES = {
    "tenants:new_person", "tenants:person", "tenants:invite", "tenants:new_service", "tenants:rotate_service",
    "integrations:endpoint_new", "integrations:endpoint_edit", "integrations:endpoint_rotate",
    "audit:export", "playbooks:queue_export", "accounts:erase_person", "signin:end_for_member",
}  # fmt: skip
# tests/test_permissions.py finds each address of the table that answers with a file, and whether it is marked
FILES = sorted(row.name for row in TABLE if row.name.endswith(("_export", ":export")))
HIGH = {Right.CONFIGURE, Right.INTEGRATIONS}


def views():
    """Each named address's view, as the middleware sees it."""
    found = {}

    def walk(patterns, space):
        for each in patterns:
            if hasattr(each, "url_patterns"):
                walk(each.url_patterns, each.namespace or space)
            elif each.name:
                found[f"{space}:{each.name}" if space else each.name] = each.callback

    walk(get_resolver().url_patterns, "")
    return found


def asks(view):
    return bool(getattr(view, "ask_again", ""))


def test_every_admin_class_that_gives_rights_asks_again():
    silent = {row.__name__ for row, admin in registered.items() if not asks(admin)}
    assert silent == set(GIVES_NOTHING), "mark it with ask_again, or say here why it gives nothing"


def test_every_write_of_the_highest_rights_asks_again():
    found = views()
    high = {row.name for row in TABLE if row.method == "POST" and row.right in HIGH}
    silent = {name for name in high if not asks(found[name])}
    assert silent <= set(GIVES_NOTHING_EITHER), "mark it with ask_again, or say here why it gives nothing"
    assert not GIVES_NOTHING_EITHER.keys() - found.keys(), "an address that is no more"


@pytest.mark.parametrize("name", sorted({*GIVES, *FILES}))
def test_what_gives_rights_secrets_or_files_is_marked(name):
    assert asks(views()[name])


def stale_admin(acme):
    """An operations admin whose last proof of who they are is long ago."""
    client = Client()
    client.force_login(acme.ops_admin.user)
    client.post("/admin/acting-tenant/", {"slug": "acme"})
    session = client.session
    for step in session["account_authentication_methods"]:
        step["at"] = time.time() - 24 * 3600
    session.save()
    return client


@pytest.mark.django_db
def test_a_stale_session_maps_no_group(acme):
    with acme.here():
        group = ScimGroup.objects.create(tenant=acme.tenant, display_name="Everybody")
    path = f"/admin/scim/scimgroup/{group.pk}/change/"
    client = stale_admin(acme)
    assert client.get(path).status_code == 200
    answer = client.post(path, {"role": "ops_admin", "team": ""})
    assert answer.headers["Location"].startswith("/auth/reauthenticate/")
    with acme.here():
        group.refresh_from_db()
    assert group.role == ""


@pytest.mark.django_db
def test_a_stale_session_leads_no_deliveries_elsewhere(acme):
    client = stale_admin(acme)
    sent = {"name": "Hook", "url": "https://elsewhere.example/in", "is_sandbox": ""}
    answer = client.post(acme.url("endpoints/new/"), sent)
    assert (answer.status_code, b"whsec_" in answer.content) == (303, False)
    assert answer.headers["Location"].startswith("/auth/reauthenticate/")


@pytest.mark.django_db
def test_a_stale_session_takes_no_file(acme):
    client, found = stale_admin(acme), views()
    to_read = [row.name for row in TABLE if getattr(found[row.name], "ask_again_to_read", False)]
    assert {"tenants:usage_csv", "integrations:import_rejects"} <= set(to_read)
    assert len(FILES) >= 11
    for row in TABLE:
        if row.name in (*FILES, *to_read):
            with acme.here():
                made = (
                    row.make(acme) if row.make else {}
                )  # refused before anything is looked for: no rows are needed
            url = reverse(row.name, kwargs={"slug": "acme", **made})
            answer = client.get(url) if row.method == "GET" else client.post(url, row.data)
            assert answer.headers.get("Location", "").startswith("/auth/reauthenticate/"), row.name
            assert "attachment" not in answer.headers.get("Content-Disposition", "")
