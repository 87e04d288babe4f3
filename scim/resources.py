"""People and groups as SCIM writes them (RFC 7643), with their versions."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from scim.models import ScimGroup, ScimUser
from tenants.models import Membership, Tenant

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

Resource = dict[str, Any]


def user_resource(
    tenant: Tenant, membership: Membership, link: ScimUser | None, groups: list[ScimGroup]
) -> Resource:
    """One person. The name is one text here; its last word is given back as the family name."""
    user = membership.user
    given, _, family = user.name.rpartition(" ")
    body: Resource = {
        "schemas": [USER],
        "id": str(membership.pk),
        "userName": membership.address,
        "name": {"formatted": user.name, "givenName": given or family, "familyName": family if given else ""},
        "displayName": user.name or membership.address,
        "emails": [{"value": membership.address, "type": "work", "primary": True}],
        "active": membership.is_active and user.is_active,
        "groups": [{"value": str(each.pk), "display": each.display_name} for each in groups],
        "roles": [{"value": membership.role, "primary": True}],
    }
    if link is not None and link.external_id:
        body["externalId"] = link.external_id
    changed = link.changed_at if link is not None else membership.created_at
    return _with_meta(tenant, body, "User", membership.created_at, changed)


def group_resource(tenant: Tenant, group: ScimGroup, members: list[Membership] | None) -> Resource:
    """One group; without its members where they were not asked for."""
    body: Resource = {"schemas": [GROUP], "id": str(group.pk), "displayName": group.display_name}
    if group.external_id:
        body["externalId"] = group.external_id
    if members is not None:
        body["members"] = [
            {"value": str(each.pk), "display": each.address, "type": "User"} for each in members
        ]
    return _with_meta(tenant, body, "Group", group.created_at, group.changed_at)


def _with_meta(tenant: Tenant, body: Resource, kind: str, created: datetime, changed: datetime) -> Resource:
    version = hashlib.sha256(json.dumps([body, changed.isoformat()], sort_keys=True).encode()).hexdigest()[
        :16
    ]
    body["meta"] = {
        "resourceType": kind,
        "created": created.isoformat(),
        "lastModified": changed.isoformat(),
        "location": address(tenant, f"{kind}s/{body['id']}"),
        "version": f'W/"{version}"',
    }
    return body


def address(tenant: Tenant, rest: str) -> str:
    """The whole address, as the protocol wants it."""
    return settings.HOLDFAST_PUBLIC_URL + reverse("scim:scim", args=[tenant.slug, rest])


def only(body: Resource, attributes: str, excluded: str) -> Resource:
    """The attributes that were asked for; id, schemas and meta always come along."""
    always = {"schemas", "id", "meta"}
    wanted = {word.strip().lower().partition(".")[0] for word in attributes.split(",") if word.strip()}
    left_out = {word.strip().lower() for word in excluded.split(",") if word.strip()}
    if wanted:
        return {name: value for name, value in body.items() if name in always or name.lower() in wanted}
    return {name: value for name, value in body.items() if name in always or name.lower() not in left_out}


def listed(rows: list[Resource], *, total: int, start: int) -> Resource:
    return {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(rows),
        "Resources": rows,
    }
