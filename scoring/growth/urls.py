"""Addresses of renewals and growth, under those of the scores."""

from django.urls import path

from scoring.growth import growth_views, views

urlpatterns = [
    path("renewals/", views.renewals, name="renewals"),
    path("growth/", growth_views.growth, name="growth"),
    path("growth/run/", growth_views.growth_run, name="growth_run"),
    path("growth/export/", growth_views.growth_export, name="growth_export"),
    path("renewals/export/", views.renewals_export, name="renewals_export"),
    path("renewals/terms/export/", views.terms_export, name="renewal_terms_export"),
]
