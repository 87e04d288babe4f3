"""The addresses of SCIM 2.0, as django-ninja routes. Imported by the first call that has passed the door (scim.views).

Everything here runs inside the tenant's transaction; an answer of 400 or more takes back what was written.
"""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, NinjaAPI, Query, Schema
from ninja.errors import ValidationError
from ninja.parser import Parser
from ninja.renderers import JSONRenderer
from pydantic import AliasChoices, Field

from scim import changes, documents, filters, queries, resources, services
from scim.exceptions import ScimError, bad_value
from scim.models import ScimGroup
from scim.responses import TYPE, refuse
from tenants.models import Membership
from tenants.service_access import ServiceRequest

Resource = dict[str, Any]


class ScimParser(Parser):
    def parse_body(self, request: Any) -> Any:
        """Read and bounded by the door: ninja would put its own words in place of a refusal from here."""
        return request.scim_body


class ScimRenderer(JSONRenderer):
    media_type = TYPE


api = NinjaAPI(
    title="SCIM 2.0", version="2.0", docs_url=None, openapi_url=None, urls_namespace="scim-routes",
    parser=ScimParser(), renderer=ScimRenderer(),
)  # fmt: skip


@api.exception_handler(ScimError)
def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return refuse(request, error.status, "", error.detail, scim_type=error.scim_type)


@api.exception_handler(ValidationError)
def _not_valid(request: HttpRequest, error: Any) -> HttpResponse:
    """The first fault, with its place; never the value, which may be a person's."""
    first = error.errors[0] if error.errors else {"loc": [], "msg": "not valid"}
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "payload", "query"))[:100]
    return refuse(request, 400, "", f"{where}: {first['msg']}", scim_type="invalidValue")


class Operation(Schema):
    op: str
    path: str | None = None
    value: Any = None


class Patch(Schema):
    operations: list[Operation] = Field(
        validation_alias=AliasChoices("Operations", "operations"),
        min_length=1,
        max_length=changes.MOST_OPERATIONS,
    )

    def in_order(self) -> list[tuple[str, str | None, Any]]:
        """The operations with `op` in small letters, as some providers do not write it."""
        found = [(each.op.lower(), each.path, each.value) for each in self.operations]
        unknown = [op for op, _, _ in found if op not in ("add", "replace", "remove")]
        if unknown:
            raise ScimError(400, f"There is no operation {unknown[0][:20]!r}.", scim_type="invalidSyntax")
        if any(op == "remove" and not path for op, path, _ in found):
            raise ScimError(400, "remove needs a path.", scim_type="noTarget")
        return found


class Listing(Schema):
    """What a list can be narrowed and cut by. Numbers are read by hand: SCIM has its own rule for each bad one."""

    filter: str = ""
    startIndex: str = "1"
    count: str = "100"
    attributes: str = ""
    excludedAttributes: str = ""

    @property
    def start(self) -> int:
        return min(max(1, _whole("startIndex", self.startIndex)), 10**9)

    @property
    def size(self) -> int:
        return min(max(0, _whole("count", self.count)), documents.MOST_RESULTS)


class Shown(Schema):
    attributes: str = ""
    excludedAttributes: str = ""


def _whole(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise bad_value(f"{name} must be a whole number.")
    return int(text)


Ask = Annotated[Listing, Query()]
Pick = Annotated[Shown, Query()]
Whole = Annotated[dict[str, Any], Body()]


# --- about the service ---------------------------------------------------------------------------


@api.get("ServiceProviderConfig")
def provider_config(request: ServiceRequest) -> Resource:
    return documents.provider(request.tenant)


@api.get("ResourceTypes")
def resource_types(request: ServiceRequest) -> Resource:
    return _all(documents.resource_types(request.tenant))


@api.get("ResourceTypes/{key}")
def resource_type(request: ServiceRequest, key: str) -> Resource:
    return _named(documents.resource_types(request.tenant), key)


@api.get("Schemas")
def schemas(request: ServiceRequest) -> Resource:
    return _all(documents.schemas(request.tenant))


@api.get("Schemas/{key}")
def schema(request: ServiceRequest, key: str) -> Resource:
    return _named(documents.schemas(request.tenant), key)


def _all(rows: list[Resource]) -> Resource:
    return resources.listed(rows, total=len(rows), start=1)


def _named(rows: list[Resource], key: str) -> Resource:
    found = next((each for each in rows if each["id"] == key), None)
    if found is None:
        raise ScimError(404, "There is nothing of that name here.")
    return found


# --- people --------------------------------------------------------------------------------------


@api.get("Users")
def list_users(request: ServiceRequest, ask: Ask) -> Resource:
    rows = queries.users(request.tenant, filters.parse(ask.filter))
    page = queries.page(rows, start=ask.start, count=ask.size)
    ids = [each.pk for each in page.rows]
    links, groups = queries.links(request.tenant, ids), queries.groups_of(request.tenant, ids)
    found = [
        resources.user_resource(request.tenant, each, links.get(each.pk), groups.get(each.pk, []))
        for each in page.rows
    ]
    return _listed(found, page, ask)


@api.post("Users")
def create_user(request: ServiceRequest, payload: Whole) -> HttpResponse:
    change = changes.user_from(payload)
    made = services.create_user(request.tenant, change=change, by=request.actor)
    return _answer(request, _user(request, made), status=201)


@api.get("Users/{user_id}")
def get_user(request: ServiceRequest, user_id: str, pick: Pick) -> HttpResponse:
    return _shown(request, _user(request, queries.user(request.tenant, user_id=user_id)), pick)


@api.put("Users/{user_id}")
def replace_user(request: ServiceRequest, user_id: str, payload: Whole) -> HttpResponse:
    if not payload.get("userName"):
        raise bad_value("userName is missing.")
    return _change_user(request, user_id, changes.user_from(payload))


@api.patch("Users/{user_id}")
def patch_user(request: ServiceRequest, user_id: str, payload: Patch) -> HttpResponse:
    return _change_user(request, user_id, changes.change_of_user(payload.in_order()))


@api.delete("Users/{user_id}")
def delete_user(request: ServiceRequest, user_id: str) -> HttpResponse:
    membership = queries.user(request.tenant, user_id=user_id)
    _check_version(request, _user(request, membership))
    services.remove_user(request.tenant, membership=membership, by=request.actor)
    return HttpResponse(status=204)


def _change_user(request: ServiceRequest, user_id: str, change: changes.UserChange) -> HttpResponse:
    membership = queries.user(request.tenant, user_id=user_id)
    _check_version(request, _user(request, membership))
    changed = services.change_user(request.tenant, membership=membership, change=change, by=request.actor)
    return _answer(request, _user(request, changed))


def _user(request: ServiceRequest, membership: Membership) -> Resource:
    tenant, ids = request.tenant, [membership.pk]
    link = queries.links(tenant, ids).get(membership.pk)
    return resources.user_resource(
        tenant, membership, link, queries.groups_of(tenant, ids).get(membership.pk, [])
    )


# --- groups --------------------------------------------------------------------------------------


@api.get("Groups")
def list_groups(request: ServiceRequest, ask: Ask) -> Resource:
    rows = queries.groups(request.tenant, filters.parse(ask.filter))
    page = queries.page(rows, start=ask.start, count=ask.size)
    members: dict[int, list[Membership]] | None = None
    if "members" not in ask.excludedAttributes.lower():
        members = queries.members_of(request.tenant, [each.pk for each in page.rows])
    found = [
        resources.group_resource(request.tenant, each, None if members is None else members.get(each.pk, []))
        for each in page.rows
    ]
    return _listed(found, page, ask)


@api.post("Groups")
def create_group(request: ServiceRequest, payload: Whole) -> HttpResponse:
    change = changes.group_from(payload)
    made = services.create_group(request.tenant, change=change, by=request.actor)
    return _answer(request, _group(request, made), status=201)


@api.get("Groups/{group_id}")
def get_group(request: ServiceRequest, group_id: str, pick: Pick) -> HttpResponse:
    return _shown(request, _group(request, queries.group(request.tenant, group_id=group_id)), pick)


@api.put("Groups/{group_id}")
def replace_group(request: ServiceRequest, group_id: str, payload: Whole) -> HttpResponse:
    return _change_group(request, group_id, changes.group_from(payload))


@api.patch("Groups/{group_id}")
def patch_group(request: ServiceRequest, group_id: str, payload: Patch) -> HttpResponse:
    return _change_group(request, group_id, changes.change_of_group(payload.in_order()))


@api.delete("Groups/{group_id}")
def delete_group(request: ServiceRequest, group_id: str) -> HttpResponse:
    group = queries.group(request.tenant, group_id=group_id)
    _check_version(request, _group(request, group))
    services.remove_group(request.tenant, group=group, by=request.actor)
    return HttpResponse(status=204)


def _change_group(request: ServiceRequest, group_id: str, change: changes.GroupChange) -> HttpResponse:
    group = queries.group(request.tenant, group_id=group_id)
    _check_version(request, _group(request, group))
    changed = services.change_group(request.tenant, group=group, change=change, by=request.actor)
    return _answer(request, _group(request, changed))


def _group(request: ServiceRequest, group: ScimGroup) -> Resource:
    members = queries.members_of(request.tenant, [group.pk]).get(group.pk, [])
    return resources.group_resource(request.tenant, group, members)


# --- answers and versions ------------------------------------------------------------------------


def _listed(found: list[Resource], page: queries.Page, ask: Listing) -> Resource:
    """One page of a list, each resource with what was asked for of it."""
    shown = [resources.only(each, ask.attributes, ask.excludedAttributes) for each in found]
    return resources.listed(shown, total=page.total, start=ask.start)


def _check_version(request: ServiceRequest, resource: Resource) -> None:
    """412 for somebody who saw another version than there is."""
    wanted = request.headers.get("If-Match", "*").strip()
    if wanted != "*" and resource["meta"]["version"] not in [each.strip() for each in wanted.split(",")]:
        raise ScimError(412, "It was changed meanwhile: read it again.")


def _shown(request: ServiceRequest, resource: Resource, pick: Shown) -> HttpResponse:
    if request.headers.get("If-None-Match", "").strip() == resource["meta"]["version"]:
        return HttpResponse(status=304, headers={"ETag": resource["meta"]["version"]})
    version = resource["meta"]["version"]
    return _answer(
        request, resources.only(resource, pick.attributes, pick.excludedAttributes), version=version
    )


def _answer(
    request: ServiceRequest, resource: Resource, *, status: int = 200, version: str = ""
) -> HttpResponse:
    answer = api.create_response(request, resource, status=status)
    answer.headers["ETag"] = version or resource["meta"]["version"]
    if status == 201:
        answer.headers["Location"] = resource["meta"]["location"]
    return answer
