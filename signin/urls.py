"""A person's own pages beside allauth's, at /auth/."""

from django.urls import path

from signin import views

app_name = "signin"
urlpatterns = [
    path("auth/browsers/", views.browsers, name="browsers"),
    path("auth/again/<str:token>/", views.again, name="again"),
    path(
        "t/<slug:slug>/settings/people/<int:membership_id>/sign-out/",
        views.end_for_member,
        name="end_for_member",
    ),
]
