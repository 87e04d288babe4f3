from django.urls import path

from jobs import views

app_name = "jobs"
urlpatterns = [
    path("jobs/", views.job_list, name="list"),
    path("jobs/rows/", views.job_rows, name="rows"),
    path("jobs/<int:job_id>/", views.job_page, name="job"),
    path("jobs/<int:job_id>/progress/", views.job_progress, name="progress"),
    path("jobs/<int:job_id>/details/", views.job_details, name="details"),
    path("jobs/<int:job_id>/replay/", views.job_replay, name="replay"),
    path("jobs/<int:job_id>/cancel/", views.job_cancel, name="cancel"),
]
