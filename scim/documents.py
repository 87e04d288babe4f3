"""What the service says about itself: capabilities, resource types and schemas (RFC 7643, 5 to 7)."""

from typing import Any

from scim.resources import GROUP, USER, address
from tenants.models import Tenant

MOST_RESULTS = 200
_PROVIDER = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"

Document = dict[str, Any]


def provider(tenant: Tenant) -> Document:
    no: Document = {"supported": False}
    return {
        "schemas": [_PROVIDER],
        "patch": {"supported": True},
        "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST_RESULTS},
        "changePassword": no,
        "sort": no,
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Service token",
                "description": "A service token with the scope scim, as Authorization: Bearer.",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": address(tenant, "ServiceProviderConfig"),
        },
    }


def resource_types(tenant: Tenant) -> list[Document]:
    return [
        {
            "schemas": [_TYPE],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": address(tenant, f"ResourceTypes/{name}")},
        }
        for name, schema in (("User", USER), ("Group", GROUP))
    ]


def schemas(tenant: Tenant) -> list[Document]:
    user = [
        _attribute(
            "userName", required=True, uniqueness="server", about="The e-mail address to sign in with."
        ),
        _attribute("externalId", exact=True),
        _attribute("displayName"),
        _attribute(
            "name", "complex", inside=[_attribute(each) for each in ("formatted", "givenName", "familyName")]
        ),
        _attribute("emails", "complex", many=True, mutability="readOnly", inside=[_attribute("value")]),
        _attribute("active", "boolean", about="Whether the person may open this workspace."),
        _attribute("groups", "complex", many=True, mutability="readOnly", inside=[_attribute("value")]),
        _attribute("roles", "complex", many=True, mutability="readOnly", inside=[_attribute("value")]),
    ]
    group = [
        _attribute("displayName", required=True, uniqueness="server"),
        _attribute("externalId", exact=True),
        _attribute("members", "complex", many=True, inside=[_attribute("value"), _attribute("display")]),
    ]
    return [_schema(tenant, USER, "User", user), _schema(tenant, GROUP, "Group", group)]


def _schema(tenant: Tenant, id_: str, name: str, attributes: list[Document]) -> Document:
    where = address(tenant, f"Schemas/{id_}")
    meta = {"resourceType": "Schema", "location": where}
    return {"schemas": [_SCHEMA], "id": id_, "name": name, "attributes": attributes, "meta": meta}


def _attribute(
    name: str,
    kind: str = "string",
    *,
    many: bool = False,
    required: bool = False,
    exact: bool = False,
    mutability: str = "readWrite",
    uniqueness: str = "none",
    about: str = "",
    inside: list[Document] | None = None,
) -> Document:
    made: Document = {
        "name": name,
        "type": kind,
        "multiValued": many,
        "description": about,
        "required": required,
        "caseExact": exact,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": uniqueness,
    }
    return made | ({"subAttributes": inside} if inside else {})
