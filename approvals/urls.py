from django.urls import path

from approvals import views

app_name = "approvals"
urlpatterns = [
    path("approvals/", views.inbox, name="inbox"),
    path("approvals/rows/", views.rows, name="rows"),
    path("approvals/<str:ref>/", views.request_page, name="request"),
    path("approvals/<str:ref>/panel/", views.panel, name="panel"),
    path("approvals/<str:ref>/answer/", views.answer, name="answer"),
    path("approvals/<str:ref>/withdraw/", views.withdraw, name="withdraw"),
]
