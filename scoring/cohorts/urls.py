"""Addresses of the cohorts and of what is associated with leaving, under those of the scores."""

from django.urls import path

from scoring.cohorts import views

urlpatterns = [
    path("outcomes/cohorts/", views.page, name="cohorts"),
    path("outcomes/cohorts/run/", views.run, name="cohorts_run"),
    path("outcomes/cohorts/export/", views.export, name="cohorts_export"),
    path("models/associated/", views.associated, name="associated"),
    path("models/associated/export/", views.associated_export, name="associated_export"),
]
