"""Addresses of what people say beside the scores, under those of the scores."""

from django.urls import path

from scoring.people import report_views, views

urlpatterns = [
    path("accounts/<int:account_id>/sentiment/", views.sentiment, name="sentiment"),
    path("accounts/<int:account_id>/sentiment/end/", views.end_sentiment, name="end_sentiment"),
    path("accounts/<int:account_id>/observations/", views.observe, name="observe"),
    path(
        "accounts/<int:account_id>/observations/<int:observation_id>/withdraw/",
        views.withdraw_observation,
        name="withdraw_observation",
    ),
    path("accounts/<int:account_id>/departed/", views.departed, name="departed"),
    path("accounts/<int:account_id>/new-person/", views.add_person, name="add_person"),
    path("accounts/<int:account_id>/feedback/", views.give_feedback, name="feedback"),
    path("notices/", report_views.notice_list, name="notices"),
    path("notices/<int:notice_id>/dismiss/", report_views.dismiss_notice, name="dismiss_notice"),
    path("scores/reports/", report_views.report_list, name="reports"),
    path("scores/reports/<int:report_id>/", report_views.report_page, name="report"),
    path("scores/reports/<int:report_id>/correct/", report_views.correct, name="report_correct"),
    path("scores/reports/<int:report_id>/close/", report_views.close, name="report_close"),
]
