"""Every address x every role x own tenant, other tenant, signed out. The table is tests/permission_table.py."""

from collections import defaultdict

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tenants.models import Membership
from tenants.roles import RIGHTS
from tests.permission_table import GROUPS, OUTSIDE, SERVICES, TABLE
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


LISTED = {row.name for row in [*TABLE, *OUTSIDE, *SERVICES]}


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
        if hasattr(view, "is_service_view"):
            assert has_slug, f"{name}: a token opens a tenant's address"
        elif has_slug:
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


def ask(client, row, world, made, query="", **headers):
    """One request, rolled back afterwards, so that every role finds the same state."""
    url = reverse(row.name, args=[], kwargs={"slug": world.tenant.slug, **made}) + f"?{query}" * bool(query)
    data = row.data(made) if callable(row.data) else row.data
    with transaction.atomic():
        answer = client.generic("GET", url, headers=headers) if row.method == "GET" else client.post(
            url, data, headers=headers
        )  # fmt: skip
        transaction.set_rollback(True)
    return answer


def make(row, world):
    return row.arrange(world)[0]


def wanted(row):
    found = {role: row.expected if row.right in RIGHTS[role] else 403 for role in ROLES}
    return found | row.except_for


def somebody_with_the_right(row, world):
    return world.people[next(role for role in ROLES if row.right in RIGHTS[role])]


def row_id(row):
    return f"{row.method} {row.name}"


METHODS = defaultdict(set)
for each in TABLE:
    METHODS[each.name].add(each.method)


@pytest.mark.parametrize("row", TABLE, ids=row_id)
def test_who_gets_in(row, acme, globex):
    """One world a row, because making it costs more than all that is asked in it."""
    made = make(row, acme)
    clients = {role: sign_in(acme.people[role].user) for role in ROLES}
    answers = {role: ask(clients[role], row, acme, made) for role in ROLES}
    assert {role: answer.status_code for role, answer in answers.items()} == wanted(row)

    check_files(row, answers.values())
    check_strangers(row, acme, globex, made)
    check_ids(row, acme, globex, made, clients)
    if row.method == "POST":
        check_writing(row, acme, made)
    check_ended(row, acme, made)


def check_files(row, answers):
    """Whatever takes something out of the product asks again who it is (tests/tenants/test_ask_again.py)."""
    views = {name: pattern.callback for name, pattern, _ in all_urls()}
    if any("attachment" in answer.headers.get("Content-Disposition", "") for answer in answers):
        mark = "ask_again" if row.method == "POST" else "ask_again_to_read"
        assert getattr(views[row.name], mark, False), "a file without a fresh proof"


def check_strangers(row, acme, globex, made):
    """Another tenant's member: 404. Signed out: to the sign-in page, which htmx is told in a header."""
    outsider = sign_in(globex.people["ops_admin"].user)
    assert ask(outsider, row, acme, made).status_code == 404, "a member of another tenant"
    answer = ask(Client(), row, acme, made)
    assert answer.status_code == 302, "signed out"
    assert answer.headers["Location"].startswith("/auth/login/")
    answer = ask(Client(), row, acme, made, **{"HX-Request": "true"})
    assert answer.status_code == 401, "signed out, asked by htmx"
    assert answer.headers["HX-Redirect"].startswith("/auth/login/")


def check_ids(row, acme, globex, made, clients):
    """Another tenant's ids, 0, and ids past four and eight bytes are not found, like any other that is not there."""
    if row.make is None:
        return
    foreign = make(row, globex)
    for role in ROLES:
        status = ask(clients[role], row, acme, foreign).status_code
        assert status == (404 if row.right in RIGHTS[role] else 403), (
            f"{role}, with another tenant's {foreign}"
        )
    client = sign_in(somebody_with_the_right(row, acme).user)
    for name in [name for name, value in made.items() if isinstance(value, int) and name not in row.forgives]:
        for bad in (0, 2**31, 2**63 - 1, 2**63, 10**30):
            assert ask(client, row, acme, {**made, name: bad}).status_code == 404, (name, bad)


def check_writing(row, acme, made):
    """A POST needs the form's token; what only a POST does, a GET never does."""
    careful = Client(enforce_csrf_checks=True, raise_request_exception=False)
    careful.force_login(somebody_with_the_right(row, acme).user)
    assert ask(careful, row, acme, made).status_code == 403, "without the form's token"
    if METHODS[row.name] == {"POST"}:
        url = reverse(row.name, kwargs={"slug": acme.tenant.slug, **made})
        assert sign_in(somebody_with_the_right(row, acme).user).get(url).status_code == 405


def check_ended(row, acme, made):
    """A membership that ended while its session lives."""
    membership = somebody_with_the_right(row, acme)
    client = sign_in(membership.user)
    Membership.objects.filter(pk=membership.pk).update(is_active=False)
    assert ask(client, row, acme, made).status_code == 404, "an ended membership"


@pytest.mark.parametrize("row", OUTSIDE, ids=lambda row: row.name)
def test_addresses_without_a_tenant(row, acme):
    with acme.here():
        made = row.make(acme) if row.make else {}
    url = reverse(row.name, kwargs=made)
    assert sign_in(acme.csm.user).get(url).status_code == row.member
    answer = Client().get(url)
    assert answer.status_code == row.signed_out
    if row.signed_out == 302:
        assert answer.headers["Location"].startswith("/auth/login/")
