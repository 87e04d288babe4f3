"""Addresses of the model quality page, under those of the scores."""

from django.urls import path

from scoring.quality import views

urlpatterns = [
    path("models/quality/", views.page, name="model_quality"),
    path("models/quality/run/", views.run, name="quality_run"),
    path("models/quality/export/", views.export, name="quality_export"),
]
