from django.urls import path

from accounts import views, views_erasure

app_name = "accounts"
urlpatterns = [
    path("accounts/", views.account_list, name="list"),
    path("accounts/rows/", views.account_rows, name="rows"),
    path("accounts/<int:account_id>/", views.account_page, name="account"),
    path("accounts/<int:account_id>/panels/<slug:key>/", views.panel, name="panel"),
    path("accounts/<int:account_id>/evidence/", views.evidence, name="evidence"),
    path(
        "accounts/<int:account_id>/evidence/<slug:kind>/<int:evidence_id>/body/",
        views.open_body,
        name="open_body",
    ),
    path(
        "accounts/<int:account_id>/people/<int:contact_id>/erase/", views_erasure.erase, name="erase_person"
    ),
    path("accounts/<int:account_id>/notes/", views.add_note, name="add_note"),
    path("accounts/<int:account_id>/shares/", views.share, name="share"),
    path("accounts/<int:account_id>/shares/<int:share_id>/end/", views.unshare, name="unshare"),
    path("search/", views.search_page, name="search"),
    path("search/results/", views.search_results, name="search_results"),
]
