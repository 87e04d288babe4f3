"""Addresses of the pages that say why, under those of the scores."""

from django.urls import path

from scoring.why import views

urlpatterns = [
    path("accounts/<int:account_id>/changes/", views.changes_page, name="changes"),
    path("accounts/<int:account_id>/brief/", views.brief, name="brief"),
]
