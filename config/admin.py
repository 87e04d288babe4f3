"""Holdfast's admin: inside the app role and one acting tenant, for those whose role may configure (DECISIONS 16)."""

from functools import update_wrapper
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from tenants import queries
from tenants.access import Right, can, check_right, sign_in_first
from tenants.admin import registered
from tenants.idempotency import once
from tenants.models import Tenant
from tenants.thresholds import Threshold, thresholds

APPS = (
    "tenants",
    "scim",
    "signin",
    "jobs",
    "audit",
    "accounts",
    "approvals",
    "integrations",
    "scoring",
    "playbooks",
)
# Views of Django's own admin that would look at model permissions, content types or passwords.
LEFT_OUT = {"login", "logout", "password_change", "password_change_done", "view_on_site"}


class HoldfastAdmin(AdminSite):
    site_header = site_title = "Holdfast admin"
    index_title = "Settings"
    site_url = "/"
    enable_nav_sidebar = True
    final_catch_all_view = False

    def has_permission(self, request: HttpRequest) -> bool:
        """The role in the acting tenant decides; staff and superuser flags mean nothing here."""
        membership = getattr(request, "membership", None)
        return membership is not None and can(membership, Right.CONFIGURE)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Sign-in, then an acting tenant, then the right; Django's version asks for a staff account instead."""

        def guarded(request: Any, *args: Any, **rest: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            if getattr(request, "membership", None) is None:
                return redirect(f"{reverse('admin:acting_tenant')}?{urlencode({'next': request.path})}")
            check_right(request.membership, Right.CONFIGURE)
            return once(request, lambda: view(request, *args, **rest))

        return update_wrapper(csrf_protect(never_cache(guarded)), view)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: list[URLPattern | URLResolver] = [
            path("acting-tenant/", csrf_protect(never_cache(self.acting_tenant)), name="acting_tenant"),
            path("thresholds/", self.admin_view(self.threshold_index), name="thresholds"),
        ]
        return own + [url for url in super().get_urls() if getattr(url, "name", "") not in LEFT_OUT]

    def each_context(self, request: Any) -> dict[str, Any]:
        return {**super().each_context(request), "acting": getattr(request, "tenant", None)}

    def acting_tenant(self, request: HttpRequest) -> HttpResponse:
        """Which workspace the admin works on; whoever has one such workspace is never asked."""
        if not request.user.is_authenticated:
            return sign_in_first(request)
        return _choose_tenant(request)

    def threshold_index(self, request: Any) -> HttpResponse:
        """Every number that decides something, and where it is changed."""
        lines = [_line(each, request.tenant) for each in thresholds]
        context = {**self.each_context(request), "title": "Thresholds", "lines": lines}
        return render(request, "admin/thresholds.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def _choose_tenant(request: Any) -> HttpResponse:
    choices = [each.tenant for each in queries.tenants_with_right(request.user, Right.CONFIGURE)]
    wanted = request.POST.get("slug") if request.method == "POST" else None
    if request.method != "POST" and len(choices) == 1:
        wanted = choices[0].slug
    if wanted is not None:
        if wanted not in {each.slug for each in choices}:
            raise Http404("No such workspace.")
        request.session["acting_tenant"] = wanted
        return redirect(_next(request))
    if request.session.get("acting_tenant") == request.GET.get("workspace", ""):
        return redirect("admin:index")
    context = {
        "choices": choices, "asked_for": request.GET.get("workspace", ""),
        "acting_slug": request.session.get("acting_tenant", ""),
    }  # fmt: skip
    return render(request, "admin/acting_tenant.html", context, status=200 if choices else 403)


def _next(request: HttpRequest) -> str:
    """Back to the admin page that was asked for, and never anywhere else."""
    wanted = request.GET.get("next", "")
    home = reverse("admin:index")
    is_ours = wanted.startswith(home) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else home


def _line(threshold: Threshold, tenant: Tenant) -> dict[str, str]:
    where = threshold.where_url
    if not where.startswith("/"):
        try:
            where = reverse(where)
        except NoReverseMatch:
            where = reverse(threshold.where_url, args=[tenant.slug])
    return {"label": threshold.label, "value": threshold.value(tenant), "url": where, "help": threshold.help}


def _filled() -> HoldfastAdmin:
    """The site with every class that the apps registered."""
    made = HoldfastAdmin(name="admin")
    for app in APPS:
        if find_spec(f"{app}.admin"):
            import_module(f"{app}.admin")
    for row_type, admin_class in registered.items():
        made.register(row_type, admin_class)
    return made


site = _filled()
