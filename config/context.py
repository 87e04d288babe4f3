"""The variables of templates/base.html. All but the names are lazy: a fragment, which has no frame, pays nothing.

A page pays at most two queries: one that counts all waiting numbers together, one for freshness.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from tenants import nav, queries
from tenants.access import Right, Role, can
from tenants.models import Membership
from tenants.nav import Destination, Freshness
from tenants.scoping import has_active_tenant, tenant_transaction

Item = dict[str, Any]


def page(request: HttpRequest) -> dict[str, Any]:
    """For every template that is rendered with a request."""
    viewer: Membership | None = getattr(request, "membership", None)
    everywhere = {
        "company_sign_in": SimpleLazyObject(_company_sign_in),
        "product_name": settings.PRODUCT_NAME,
        "me": SimpleLazyObject(lambda: _me(request, viewer)),
        "tenants": SimpleLazyObject(lambda: _workspaces(request, viewer)),
    }
    if viewer is None:
        return everywhere
    return everywhere | {
        "tenant": viewer.tenant,
        "viewer": viewer,
        "nav": SimpleLazyObject(lambda: _main(request, viewer)),
        "menu": SimpleLazyObject(lambda: _menu(request, viewer)),
        "freshness": SimpleLazyObject(lambda: _freshness(viewer)),
        "search_url": _address("accounts:search", viewer) if can(viewer, Right.VIEW_ACCOUNTS) else "",
    }


def _company_sign_in() -> Item | None:
    """The company's own sign-in, where one is configured."""
    company = settings.SIGNIN_OIDC
    if not company:
        return None
    return {"name": company["name"], "url": reverse("openid_connect_login", args=[company["id"]])}


def _me(request: HttpRequest, viewer: Membership | None) -> Item | None:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    role = Role(viewer.role).label if viewer else ""
    return {"name": str(user), "email": user.email, "initials": user.initials, "role_label": role}


def _workspaces(request: HttpRequest, viewer: Membership | None) -> list[Item]:
    """Where else the person may go; nothing to choose for somebody with one workspace."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    memberships = getattr(request, "memberships", None)
    if memberships is None:
        memberships = list(queries.memberships_of(user))
    if viewer is not None and len(memberships) < 2:
        return []
    return [
        {
            "name": each.tenant.name,
            "environment": each.tenant.environment,
            "url": reverse("tenants:start", args=[each.tenant.slug]),
            "current": viewer is not None and each.tenant_id == viewer.tenant_id,
        }
        for each in memberships
    ]


def _main(request: HttpRequest, viewer: Membership) -> list[Item]:
    shown = _shown("main", viewer)
    with _inside(viewer):
        numbers = _numbers([each for each, _ in shown], viewer)
    here = _current(request, [url for _, url in shown])
    return [
        {
            "label": each.label,
            "url": url,
            "current": url == here,
            "count": numbers.get(each.url_name),
            "count_id": f"nav-count-{each.url_name.replace(':', '-')}",
        }
        for each, url in shown
    ]


def _menu(request: HttpRequest, viewer: Membership) -> list[Item]:
    items = [{"label": each.label, "url": url} for each, url in _shown("menu", viewer)]
    if can(viewer, Right.CONFIGURE):
        chooser = reverse("admin:acting_tenant")
        items.append({"label": "Admin", "url": f"{chooser}?workspace={viewer.tenant.slug}"})
    return items


def _shown(place: str, viewer: Membership) -> list[tuple[Destination, str]]:
    """The destinations of this place that this workspace has and that the viewer's role may open."""
    wanted = [each for each in nav.destinations if each.place == place and can(viewer, each.right)]
    here = [each for each in wanted if each.when is None or each.when(viewer.tenant)]
    return [(each, url) for each in here if (url := _address(each.url_name, viewer))]


def _address(name: str, viewer: Membership) -> str:
    try:
        return reverse(name, args=[viewer.tenant.slug])
    except NoReverseMatch:
        return ""


def _current(request: HttpRequest, urls: list[str]) -> str:
    """The destination that this page belongs to: the longest address that it starts with."""
    return max((url for url in urls if request.path.startswith(url)), key=len, default="")


def _numbers(destinations: list[Destination], viewer: Membership) -> dict[str, int]:
    """The waiting numbers by url name; every queryset goes into one statement."""
    numbers: dict[str, int] = {}
    together: dict[str, QuerySet[Any, Any]] = {}
    for each in destinations:
        found = each.count(viewer.tenant, viewer) if each.count else None
        if isinstance(found, QuerySet):
            together[each.url_name] = found
        elif found is not None:
            numbers[each.url_name] = found
    return numbers | count_together(together)


def count_together(querysets: dict[str, QuerySet[Any, Any]]) -> dict[str, int]:
    """How many rows each queryset has, in one query for all of them."""
    parts: list[str] = []
    values: list[Any] = []
    names: list[str] = []
    counts: dict[str, int] = {}
    for name, rows in querysets.items():
        rows = rows if rows.query.is_sliced else rows.order_by()
        try:
            sql, parameters = rows.values("pk").query.sql_with_params()
        except EmptyResultSet:  # Django saw that no row can match, as with an empty IN
            counts[name] = 0
            continue
        parts.append(f"(SELECT count(*) FROM ({sql}) counted)")  # noqa: S608  compiled by Django, values apart
        values += parameters
        names.append(name)
    if not parts:
        return counts
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return counts | dict(zip(names, cursor.fetchone(), strict=True))


def _freshness(viewer: Membership) -> Freshness | None:
    if not can(viewer, Right.VIEW_ACCOUNTS):
        return None
    with _inside(viewer):
        return nav.freshness_for(viewer.tenant, viewer)


@contextmanager
def _inside(viewer: Membership) -> Iterator[None]:
    """Views with transactions of their own render outside of any; the frame then opens a short one."""
    if has_active_tenant():
        yield
        return
    with tenant_transaction(viewer.tenant_id):
        yield
