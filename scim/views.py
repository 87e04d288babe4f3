"""The door to SCIM: token, tenant and scope first, then the routes.

django-ninja and pydantic are imported behind the door: 10 MB that only a process which serves SCIM pays.
"""

from django.http import HttpResponse
from django.urls import Resolver404

from scim.responses import refuse
from tenants.scopes import Scope
from tenants.service_access import ServiceRequest, service_view

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


# not metered: no quota may keep a leaver in
@service_view(scope=Scope.SCIM, refuse=refuse, metered=False)
def scim(request: ServiceRequest, rest: str) -> HttpResponse:
    """Everything under scim/v2/."""
    from scim.routes import route_of

    if request.method not in METHODS:
        return refuse(request, 405, "", f"{request.method} is not known here.")
    try:
        match = route_of(rest.strip("/"))
    except Resolver404:
        return refuse(request, 404, "", "There is nothing at this address.")
    answer: HttpResponse = match.func(request, **match.kwargs)
    if answer.status_code == 405:
        return refuse(request, 405, "", f"{request.method} cannot be used at this address.")
    return answer
