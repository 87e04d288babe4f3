"""The door to SCIM: token, tenant and scope first, then the routes.

django-ninja and pydantic are imported behind the door: 10 MB that only a process which serves SCIM pays.
"""

from django.http import HttpResponse
from django.urls import Resolver404

from scim.bodies import read_json
from scim.exceptions import ScimError
from scim.responses import refuse
from tenants.scopes import Scope
from tenants.service_access import ServiceRequest, service_view

WITH_BODY = ("POST", "PUT", "PATCH")
METHODS = ("GET", *WITH_BODY, "DELETE")


# not metered: no quota may keep a leaver in
@service_view(scope=Scope.SCIM, refuse=refuse, metered=False)
def scim(request: ServiceRequest, rest: str) -> HttpResponse:
    """Everything under scim/v2/."""
    from scim.routes import route_of

    if request.method not in METHODS:
        return refuse(request, 405, "", f"{request.method} is not known here.")
    try:
        match = route_of(rest.strip("/"))
        if request.method in WITH_BODY:
            request.scim_body = read_json(request)  # type: ignore[attr-defined]  # scim.api reads it
    except Resolver404:
        return refuse(request, 404, "", "There is nothing at this address.")
    except ScimError as error:
        return refuse(request, error.status, "", error.detail, scim_type=error.scim_type)
    answer: HttpResponse = match.func(request, **match.kwargs)
    if answer.status_code == 405:
        return refuse(request, 405, "", f"{request.method} cannot be used at this address.")
    return answer
