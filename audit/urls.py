from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.log, name="log"),
    path("audit/rows/", views.rows, name="rows"),
    path("audit/export/", views.export, name="export"),
    path("audit/exports/<int:job_id>/", views.export_file, name="export_file"),
    path("audit/verify/", views.verify, name="verify"),
]
