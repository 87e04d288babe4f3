"""Addresses of the outcomes pages, under those of the scores."""

from django.urls import path

from scoring.outcomes import lost_views, views

urlpatterns = [
    path("outcomes/", views.page, name="outcomes"),
    path("outcomes/panels/", views.panels, name="outcome_panels"),
    path("outcomes/trend/", views.trend, name="outcome_trend"),
    path("outcomes.csv", views.export, name="outcome_export"),
    path("outcomes/rows/", views.rows_page, name="outcome_rows"),
    path("outcomes/rows/list/", views.rows_list, name="outcome_rows_list"),
    path("outcomes/rows/export/", views.rows_export, name="outcome_rows_export"),
    path("outcomes/lost/", lost_views.lost_page, name="outcome_lost"),
    path("outcomes/lost/list/", lost_views.lost_list, name="outcome_lost_list"),
    path("outcomes/lost/export/", lost_views.lost_export, name="outcome_lost_export"),
    path("outcomes/lost/<int:account_id>/", lost_views.post_mortem, name="outcome_post_mortem"),
    path("outcomes/lost/<int:account_id>/correct/", lost_views.correct, name="outcome_correct"),
]
