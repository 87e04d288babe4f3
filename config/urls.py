"""Every address, one place. Tenant pages live under /t/<slug>/ (DECISIONS 17)."""

from django.urls import include, path

urlpatterns = [
    path("auth/", include("allauth.urls")),
]
