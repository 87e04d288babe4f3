"""What the bad-input tests share: addresses with anything in them, and a picture of every tenant table.

`two_worlds` (conftest) is made once a module; each test runs in a savepoint of its own that is rolled back.
"""

import ast
from functools import cache
from pathlib import Path
from urllib.parse import quote

from django import forms
from django.db import connection, transaction
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

from tenants.roles import RIGHTS
from tenants.scoping import TenantModel, tenant_context
from tests.permission_table import TABLE
from tests.worlds import ROLES

ROOT = Path(__file__).resolve().parents[2]
APPS = ("tenants", "jobs", "audit", "accounts", "approvals", "scoring", "integrations", "playbooks", "config")


# --- people and addresses -------------------------------------------------------------------------


def somebody_with(right, world):
    return world.people[next(role for role in ROLES if right in RIGHTS[role])]


def somebody_for(row, world):
    """The first role that the row lets in all the way; where it lets nobody, the first with the right."""
    roles = [role for role in ROLES if row.right in RIGHTS[role]]
    return world.people[next((role for role in roles if role not in row.except_for), roles[0])]


def expected(row, membership):
    return row.except_for.get(membership.role, row.expected)


def sign_in(membership):
    client = Client(raise_request_exception=False)
    client.force_login(membership.user)
    return client


@cache
def routes():
    """url name -> (template with {name} for each argument, {name: converter})."""
    found = {}

    def walk(patterns, prefix, space, converters):
        for each in patterns:
            if not isinstance(each.pattern, RoutePattern):
                continue
            route, here = prefix + each.pattern._route, converters | each.pattern.converters
            if isinstance(each, URLResolver):
                walk(each.url_patterns, route, f"{space}{each.namespace}:" if each.namespace else space, here)
            elif isinstance(each, URLPattern):
                found[f"{space}{each.name}"] = ("/" + route, here)

    walk([each for each in get_resolver().url_patterns if str(each.pattern) != "admin/"], "", "", {})
    return found


def address(name, values):
    """The address of `name` with `values` as they are, whether the converters would take them or not."""
    route, converters = routes()[name]
    for key, converter in converters.items():
        kind = {
            "IntConverter": "int",
            "SlugConverter": "slug",
            "StringConverter": "str",
            "PathConverter": "path",
        }
        for word in (f"<{kind.get(type(converter).__name__, 'int')}:{key}>", f"<{key}>"):
            route = route.replace(word, raw(values[key]))
    assert "<" not in route, f"{name}: {route}"
    return route


def raw(value):
    """A value for one segment of a path; bytes are taken as they are."""
    return (
        quote(value, safe="")
        if isinstance(value, bytes)
        else quote(str(value).encode(errors="surrogatepass"), safe="")
    )


def own_address(row, world, made):
    return address(row.name, {"slug": world.tenant.slug, **made})


def leads_to(url, name):
    """Whether the address is still one of `name`; a segment with a slash in it may lead elsewhere."""
    try:
        return resolve(url).view_name == name
    except Resolver404:
        return False


def make(row, world):
    return row.arrange(world)[0]


def body_of(row, made):
    return row.data(made) if callable(row.data) else dict(row.data)


def send(client, row, url, data=None, **headers):
    if row.method == "GET":
        return client.get(url, data or {}, headers=headers)
    return client.post(url, data or {}, headers=headers)


def rolled_back(call):
    """What `call` returns, with everything it wrote taken back."""
    with transaction.atomic():
        answer = call()
        transaction.set_rollback(True)
    return answer


def why(answer):
    """The error of a 500, for the failure's message."""
    return repr(answer.exc_info[1]) if getattr(answer, "exc_info", None) else answer.content[:200]


def row_id(row):
    return f"{row.method}-{row.name}-{TABLE.index(row)}"


# --- what fields there are --------------------------------------------------------------------------


@cache
def field_names():
    """Every name that a form declares or a view reads from the query or the body."""
    names = set()
    for form in _subclasses(forms.BaseForm):
        if form.__module__.split(".")[0] in APPS:
            names |= set(getattr(form, "base_fields", {}))
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            names |= set(_read_by(ast.parse(path.read_text())))
    return sorted(names)


def _read_by(tree):
    """The words in GET.get("…"), POST.getlist("…"), data.get("…") and the like."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        word = getattr(node.args[0], "value", None)
        is_name = isinstance(word, str) and word.isidentifier()
        if is_name and node.func.attr in {"get", "getlist"} and _is_request_data(node.func.value):
            yield word


def _is_request_data(node):
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in {"GET", "POST", "data", "sent", "query"}


def _subclasses(kind):
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


# --- a picture of every tenant table ----------------------------------------------------------------


def picture(*worlds):
    """{(slug, table): rows and their versions} of every tenant table: any insert, update or delete changes it."""
    found = {}
    for world in worlds:
        with transaction.atomic(), tenant_context(world.tenant.pk), connection.cursor() as cursor:
            cursor.execute(_picture_sql())
            found |= {(world.tenant.slug, table): seen for table, *seen in cursor.fetchall()}
    return found


@cache
def _picture_sql():
    tables = sorted({model._meta.db_table for model in _subclasses(TenantModel) if not model._meta.abstract})
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*), md5(string_agg(tableoid::text || ctid || xmin, ',' "
        f"ORDER BY tableoid, ctid)) FROM {table}"
        for table in tables
    )


def changed(before, after):
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


@cache
def own_fields(name):
    """Words of the view's module that look like fields: what an address may well read."""
    module = __import__(resolve_view(name).__module__, fromlist=["x"])
    text = Path(module.__file__).read_text()
    return {word for word in field_names() if word in text}


def resolve_view(name):
    from tests.test_permissions import all_urls

    return next(pattern.callback for each, pattern, _ in all_urls() if each == name)


def rows_naming(world, *, users):
    """Tables of `world` with a row that points to one of these people."""
    found = []
    with transaction.atomic(), tenant_context(world.tenant.pk), connection.cursor() as cursor:
        for table, column in _columns_of_people():
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} = ANY(%s)", [users])
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


@cache
def _columns_of_people():
    from tenants.models import User

    return [
        (model._meta.db_table, field.column)
        for model in _subclasses(TenantModel)
        if not model._meta.abstract
        for field in model._meta.fields
        if field.related_model is User
    ]
