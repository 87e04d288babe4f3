"""Addresses of the pool of workspaces, beside those of the models."""

from django.urls import path

from scoring.pooling import views

urlpatterns = [
    path("models/pool/", views.page, name="pool"),
    path("models/pool/consent/", views.consent, name="pool_consent"),
]
