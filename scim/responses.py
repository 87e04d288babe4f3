"""SCIM's own form of a refusal (RFC 7644, 3.12)."""

from django.http import HttpRequest, JsonResponse

from scim.resources import ERROR

TYPE = "application/scim+json"


def refuse(
    request: HttpRequest, status: int, title: str, detail: str, *, scim_type: str = ""
) -> JsonResponse:
    body = {"schemas": [ERROR], "status": str(status), "detail": detail or title}
    if scim_type:
        body["scimType"] = scim_type
    return JsonResponse(body, status=status, content_type=TYPE)
