"""The admin works inside one acting tenant, for those whose role may configure, and leaves its trace in the log."""

import re
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import NoReverseMatch, reverse

from audit.models import AuditEvent
from config.admin import site
from tenants import queries, services, thresholds
from tenants.exceptions import Refused
from tenants.models import Membership, Team, Tenant, User
from tests.worlds import MAKER, PASSWORD, ROLES

pytestmark = pytest.mark.django_db


def signed_in(user, *, acting=None):
    client = Client()
    client.force_login(user)
    if acting:
        client.post("/admin/acting-tenant/", {"slug": acting})
    return client


@pytest.fixture
def admin(acme):
    return signed_in(acme.ops_admin.user, acting="acme")


def addresses():
    """Every address of the admin that needs no argument, and each model's own pages."""
    for pattern in site.get_urls():
        if getattr(pattern, "name", None):
            try:
                yield reverse(f"admin:{pattern.name}")
            except NoReverseMatch:
                yield reverse(f"admin:{pattern.name}", kwargs={"app_label": "tenants"})
    for model in site._registry:
        for page in ("changelist", "add"):
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


def events(world, verb):
    with world.here():
        return list(AuditEvent.objects.filter(tenant=world.tenant, verb=verb).order_by("id"))


# --- doors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", list(addresses()))
def test_every_page_is_for_those_who_may_configure(acme, globex, url):
    answer = Client().get(url)
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/auth/login/")
    for role in ROLES:
        client = signed_in(acme.people[role].user, acting="acme")
        answer = client.get(url, follow=True)
        if role != "ops_admin":
            assert answer.status_code == 403, role
        elif url.endswith("/add/"):
            assert answer.status_code in {200, 403}, "some rows are only looked at"
        elif "autocomplete" not in url:
            assert answer.status_code == 200


def test_whoever_has_one_workspace_is_not_asked(acme):
    answer = signed_in(acme.ops_admin.user).get("/admin/", follow=True)
    assert answer.status_code == 200
    assert "Working on <strong>Acme</strong>" in answer.text


def test_several_workspaces_lead_to_the_chooser_and_a_foreign_one_is_not_there(acme, globex):
    with globex.here():
        services.ensure_member(globex.tenant, email="ops_admin@acme.example", role="ops_admin", by=MAKER)
        services.create_team(globex.tenant, name="Globex only", by=MAKER)
    client = signed_in(acme.ops_admin.user)
    page = client.get("/admin/", follow=True)
    assert "Which workspace" in page.text
    assert "Globex" in page.text
    assert client.post("/admin/acting-tenant/", {"slug": "nowhere"}).status_code == 404
    client.post("/admin/acting-tenant/", {"slug": "acme"})
    assert "Globex only" not in client.get("/admin/tenants/team/").text
    client.post("/admin/acting-tenant/", {"slug": "globex"})
    assert "Globex only" in client.get("/admin/tenants/team/").text


def test_the_menu_leads_to_the_workspace_one_is_in_or_asks(acme, globex):
    with globex.here():
        services.ensure_member(globex.tenant, email="ops_admin@acme.example", role="ops_admin", by=MAKER)
    client = signed_in(acme.ops_admin.user, acting="acme")
    assert client.get("/admin/acting-tenant/?workspace=acme").headers["Location"] == "/admin/"
    assert client.get("/admin/acting-tenant/?workspace=globex").status_code == 200


def test_a_superuser_sees_nothing(acme):
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    assert signed_in(root, acting="acme").get("/admin/", follow=True).status_code == 403
    Membership.objects.create(tenant=acme.tenant, user=root, role="ops_admin")
    assert signed_in(root, acting="acme").get("/admin/tenants/team/", follow=True).status_code == 403
    assert signed_in(root).get("/t/acme/").status_code == 404


def test_a_lost_right_and_an_ended_membership_count_from_the_next_request(acme, admin):
    Membership.objects.filter(pk=acme.ops_admin.pk).update(role="revops")
    assert admin.get("/admin/tenants/team/").status_code == 403
    Membership.objects.filter(pk=acme.ops_admin.pk).update(role="ops_admin", is_active=False)
    assert admin.get("/admin/tenants/team/", follow=True).status_code == 403


# --- rows ---------------------------------------------------------------------------------------


def test_another_tenants_rows_are_not_found_nor_offered(acme, globex, admin):
    with globex.here():
        theirs = services.create_team(globex.tenant, name="Theirs", by=MAKER)
    assert admin.get(f"/admin/tenants/team/{theirs.pk}/change/").status_code == 404
    assert admin.get(f"/admin/tenants/tenant/{globex.tenant.pk}/change/").status_code == 404
    assert admin.get(f"/admin/tenants/membership/{globex.csm.pk}/change/").status_code == 404
    assert "Theirs" not in admin.get("/admin/tenants/team/add/").text
    answer = admin.post("/admin/tenants/team/add/", {"name": "Mine", "parent": theirs.pk})
    assert answer.status_code == 200
    assert "not one of the available choices" in answer.text
    assert "globex" not in admin.get("/admin/tenants/membership/").text


def test_a_team_is_made_renamed_and_on_record(acme, admin):
    assert admin.post("/admin/tenants/team/add/", {"name": "North"}).status_code == 302
    with acme.here():
        north = queries.team_named(acme.tenant, "North")
    assert north.managers_id
    assert admin.post(f"/admin/tenants/team/{north.pk}/change/", {"name": "Nordic"}).status_code == 302
    made, renamed = events(acme, "tenants.team_created")[-1], events(acme, "tenants.team_changed")[-1]
    assert made.actor_label == "ops_admin acme (CS operations admin)"
    assert (renamed.diff["before"]["name"], renamed.diff["after"]["name"]) == ("North", "Nordic")
    assert LogEntry.objects.count() == 0


def test_a_team_name_is_taken_once_a_tenant(acme, admin):
    answer = admin.post("/admin/tenants/team/add/", {"name": "Customer Success"})
    assert answer.status_code == 200
    assert "errorlist" in answer.text
    with acme.here():
        assert Team.objects.filter(name="Customer Success").count() == 1


def test_a_cycle_of_teams_is_refused(acme, admin):
    with acme.here():
        upper = services.create_team(acme.tenant, name="Upper", by=MAKER)
        lower = services.create_team(acme.tenant, name="Lower", by=MAKER, parent=upper)
    answer = admin.post(f"/admin/tenants/team/{upper.pk}/change/", {"name": "Upper", "parent": lower.pk})
    assert answer.status_code == 200
    assert "cannot be above it" in answer.text


def test_what_a_service_refuses_is_said_on_the_form(acme, admin, monkeypatch):
    def refuses(*args, **values):
        raise Refused("Not on a Sunday.")

    with acme.here():
        team = queries.default_team(acme.tenant)
    monkeypatch.setattr(services, "change_team", refuses)
    answer = admin.post(f"/admin/tenants/team/{team.pk}/change/", {"name": "Other", "is_default": "on"})
    assert answer.status_code == 422
    assert "Not on a Sunday." in answer.text


def test_settings_are_checked_and_on_record(acme, admin):
    url = f"/admin/tenants/tenant/{acme.tenant.pk}/change/"
    bad = admin.post(url, {"currency": "EURO", "time_zone": "Mars/Base", "rejected_rows_limit_pct": "101"})
    assert bad.status_code == 200
    for words in ("three letters", "not a time zone"):
        assert words in bad.text or "at most 3 characters" in bad.text
    good = admin.post(
        url, {"currency": "eur", "time_zone": "Europe/Berlin", "rejected_rows_limit_pct": "2.5"}
    )
    assert good.status_code == 302
    tenant = Tenant.objects.get(pk=acme.tenant.pk)
    assert (tenant.currency, tenant.time_zone, tenant.rejected_rows_limit_pct) == (
        "EUR",
        "Europe/Berlin",
        Decimal("2.5"),
    )
    event = events(acme, "tenants.settings_changed")[-1]
    assert event.diff["before"]["currency"] == "USD"
    assert event.diff["after"]["currency"] == "EUR"
    assert admin.post(f"/admin/tenants/tenant/{acme.tenant.pk}/delete/", {"post": "yes"}).status_code == 403


def test_memberships_are_only_looked_at(acme, admin):
    url = f"/admin/tenants/membership/{acme.csm.pk}/change/"
    assert admin.get(url).status_code == 200
    assert admin.post(url, {"role": "ops_admin"}).status_code == 403
    assert admin.get("/admin/tenants/membership/add/").status_code == 403


def test_a_failure_after_the_write_leaves_nothing(acme, admin, monkeypatch):
    def fails(*args, **values):
        raise RuntimeError("audit is away")

    monkeypatch.setattr("audit.services.record", fails)
    admin.raise_request_exception = False
    assert admin.post("/admin/tenants/team/add/", {"name": "North"}).status_code == 500
    with acme.here():
        assert not Team.objects.filter(name="North").exists()


# --- the index of thresholds, and the content security policy -----------------------------------


def test_every_registered_threshold_is_listed_with_its_value_and_place(acme, admin, monkeypatch):
    monkeypatch.setattr(thresholds, "thresholds", list(thresholds.thresholds))
    thresholds.register(
        "A cut", "tenants:people", value=lambda tenant: f"{tenant.slug} 42", help="Means this."
    )
    monkeypatch.setattr("config.admin.thresholds", thresholds.thresholds)
    page = admin.get("/admin/thresholds/").text
    assert "acme 42" in page
    assert "/t/acme/settings/people/" in page
    assert "Rejected rows that stop an import file" in page
    assert "5 %" in page


INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", re.IGNORECASE)


def test_no_page_needs_what_the_content_policy_refuses(acme, admin):
    with acme.here():
        team = queries.default_team(acme.tenant)
    pages = [
        *addresses(),
        f"/admin/tenants/team/{team.pk}/change/",
        f"/admin/tenants/tenant/{acme.tenant.pk}/change/",
    ]
    for url in pages:
        page = admin.get(url)
        assert "script-src 'self'" in page.headers["Content-Security-Policy"], url
        assert not INLINE.search(page.text), (url, INLINE.search(page.text))


def test_a_page_that_is_out_of_date_overwrites_nothing(acme, admin):
    """Two people change the same row: the second is told, and nothing of theirs is saved."""
    url = f"/admin/tenants/tenant/{acme.tenant.pk}/change/"
    seen = re.search(r'name="seen" value="(\w{64})"', admin.get(url).text)[1]
    values = {"currency": "EUR", "time_zone": "UTC", "rejected_rows_limit_pct": "2.5", "seen": seen}
    assert admin.post(url, values).status_code == 302
    late = admin.post(url, {**values, "currency": "GBP"})
    assert "Somebody changed this meanwhile" in late.text
    assert Tenant.objects.get(pk=acme.tenant.pk).currency == "EUR"
    again = re.search(r'name="seen" value="(\w{64})"', admin.get(url).text)[1]
    assert admin.post(url, {**values, "currency": "GBP", "seen": again}).status_code == 302
