"""Doors and rooms that belong to no other app: start, workspaces, invitations, people."""

from django.urls import path

from tenants import mailbox_views, service_views, usage_views, views

app_name = "tenants"
urlpatterns = [
    path("", views.home, name="home"),
    path("queue/", views.to_last_tenant, {"rest": "queue/"}, name="queue"),
    path("accounts/", views.to_last_tenant, {"rest": "accounts/"}, name="accounts"),
    path("accounts/<path:rest>", views.to_last_account, name="account"),
    path("workspaces/", views.workspaces, name="workspaces"),
    path("auth/invitation/<str:token>/", views.invitation, name="invitation"),
    path("t/<slug:slug>/", views.start, name="start"),
    path("t/<slug:slug>/settings/people/", views.people, name="people"),
    path("t/<slug:slug>/settings/people/new/", views.new_person, name="new_person"),
    path("t/<slug:slug>/settings/people/<int:membership_id>/", views.person, name="person"),
    path("t/<slug:slug>/settings/people/<int:membership_id>/invitation/", views.invite_again, name="invite"),
    path("t/<slug:slug>/mailbox/", mailbox_views.mailbox, name="mailbox"),
    path("t/<slug:slug>/usage/", usage_views.usage_page, name="usage"),
    path("t/<slug:slug>/usage/csv/", usage_views.usage_csv, name="usage_csv"),
    path("t/<slug:slug>/api/v1/usage/", usage_views.usage_api, name="usage_api"),
    path("t/<slug:slug>/services/", service_views.service_list, name="services"),
    path("t/<slug:slug>/services/new/", service_views.new_service, name="new_service"),
    path(
        "t/<slug:slug>/services/<int:identity_id>/rotate/",
        service_views.rotate_service,
        name="rotate_service",
    ),
    path(
        "t/<slug:slug>/services/<int:identity_id>/revoke/",
        service_views.revoke_service,
        name="revoke_service",
    ),
]
