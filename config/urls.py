"""Every address, one place. Tenant pages live under /t/<slug>/ (DECISIONS 17)."""

from django.urls import include, path

from config import health, icon, metrics_view
from config.admin import site

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

TENANT_APPS = ["playbooks", "scoring", "integrations", "approvals", "accounts", "audit", "jobs", "scim"]

urlpatterns = [
    path("favicon.ico", icon.favicon, name="favicon"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics_view.prometheus, name="metrics"),
    path("admin/", site.urls),
    path("auth/", include("allauth.urls")),
    path("", include("signin.urls")),
    path("", include("tenants.urls")),
    *[path("t/<slug:slug>/", include(f"{app}.urls")) for app in TENANT_APPS],
]
