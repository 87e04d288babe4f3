"""Every address x every role x own tenant, other tenant, signed out. The table is tests/permission_table.py."""

from collections import defaultdict

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tenants.models import Membership
from tenants.roles import RIGHTS
from tests.permission_table import GROUPS, OUTSIDE, TABLE
from tests.worlds import ROLES

pytestmark = pytest.mark.django_db


def all_urls():
    """(name with namespace, pattern, whether a tenant's slug is in the address) of everything that resolves."""

    def walk(patterns, space, has_slug):
        for each in patterns:
            inside = has_slug or "slug:slug" in str(each.pattern)
            if isinstance(each, URLResolver):
                deeper = f"{space}{each.namespace}:" if each.namespace else space
                yield from walk(each.url_patterns, deeper, inside)
            elif isinstance(each, URLPattern):
                yield f"{space}{each.name or each.pattern}", each, inside

    yield from walk(get_resolver().url_patterns, "", False)


def in_a_group(name):
    return any(name.startswith(group.prefix) for group in GROUPS)


LISTED = {row.name for row in TABLE} | {row.name for row in OUTSIDE}


def test_every_address_is_in_the_table_and_every_line_is_an_address():
    names = {name for name, *_ in all_urls()}
    missing = sorted(name for name in names if name not in LISTED and not in_a_group(name))
    assert not missing, f"add these to tests/permission_table.py: {missing}"
    assert not sorted(LISTED - names), "these are in tests/permission_table.py, but resolve no more"
    for group in GROUPS:
        assert any(name.startswith(group.prefix) for name in names), f"nothing is named {group.prefix}…"


def test_an_address_with_a_slug_is_a_tenant_view_and_any_other_says_why_not():
    for name, pattern, has_slug in all_urls():
        view = pattern.callback
        if has_slug:
            assert getattr(view, "is_tenant_view", False), f"{name}: decorate it with @tenant_view"
            assert not hasattr(view, "tenant_exempt"), name
        elif not in_a_group(name):
            assert getattr(view, "tenant_exempt", ""), f"{name}: mark it with @tenant_exempt(reason)"


def test_the_table_names_the_right_that_the_view_asks_for():
    views = {name: pattern.callback for name, pattern, _ in all_urls()}
    for row in TABLE:
        assert row.right == views[row.name].right, row.name


# --- the table, run -----------------------------------------------------------------------------


def sign_in(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def ask(client, row, world, made, **headers):
    """One request, rolled back afterwards, so that every role finds the same state."""
    url = reverse(row.name, args=[], kwargs={"slug": world.tenant.slug, **made})
    data = row.data(made) if callable(row.data) else row.data
    with transaction.atomic():
        answer = client.generic("GET", url, headers=headers) if row.method == "GET" else client.post(
            url, data, headers=headers
        )  # fmt: skip
        transaction.set_rollback(True)
    return answer


def make(row, world):
    if row.make is None:
        return {}
    with world.here():
        return row.make(world)


def statuses(row, world, made):
    found = {}
    for role in ROLES:
        found[role] = ask(sign_in(world.people[role].user), row, world, made).status_code
    return found


def wanted(row):
    found = {role: row.expected if row.right in RIGHTS[role] else 403 for role in ROLES}
    return found | row.except_for


def row_id(row):
    return f"{row.method} {row.name}"


@pytest.mark.parametrize("row", TABLE, ids=row_id)
def test_who_gets_in(row, acme, globex):
    made = make(row, acme)
    assert statuses(row, acme, made) == wanted(row)

    outsider = sign_in(globex.people["ops_admin"].user)
    assert ask(outsider, row, acme, made).status_code == 404, "a member of another tenant"
    answer = ask(Client(), row, acme, made)
    assert answer.status_code == 302, "signed out"
    assert answer.headers["Location"].startswith("/auth/login/")
    answer = ask(Client(), row, acme, made, **{"HX-Request": "true"})
    assert answer.status_code == 401, "signed out, asked by htmx"
    assert answer.headers["HX-Redirect"].startswith("/auth/login/")


@pytest.mark.parametrize("row", TABLE, ids=row_id)
def test_an_ended_membership_opens_nothing(row, acme):
    made = make(row, acme)
    role = next(role for role in ROLES if row.right in RIGHTS[role])
    client = sign_in(acme.people[role].user)
    Membership.objects.filter(pk=acme.people[role].pk).update(is_active=False)
    assert ask(client, row, acme, made).status_code == 404


@pytest.mark.parametrize("row", [row for row in TABLE if row.make], ids=row_id)
def test_another_tenants_object_is_not_found(row, acme, globex):
    foreign = make(row, globex)
    for role in ROLES:
        answer = ask(sign_in(acme.people[role].user), row, acme, foreign)
        assert answer.status_code == (404 if row.right in RIGHTS[role] else 403), role


def only_posted():
    methods = defaultdict(set)
    for row in TABLE:
        methods[row.name].add(row.method)
    return [row for row in TABLE if methods[row.name] == {"POST"}]


@pytest.mark.parametrize("row", only_posted(), ids=row_id)
def test_what_changes_something_is_never_a_get(row, acme):
    made = make(row, acme)
    role = next(role for role in ROLES if row.right in RIGHTS[role])
    url = reverse(row.name, kwargs={"slug": acme.tenant.slug, **made})
    assert sign_in(acme.people[role].user).get(url).status_code == 405


@pytest.mark.parametrize("row", OUTSIDE, ids=lambda row: row.name)
def test_addresses_without_a_tenant(row, acme):
    made = make(row, acme)
    url = reverse(row.name, kwargs=made)
    assert sign_in(acme.csm.user).get(url).status_code == row.member
    answer = Client().get(url)
    assert answer.status_code == row.signed_out
    if row.signed_out == 302:
        assert answer.headers["Location"].startswith("/auth/login/")
