"""One address for all of SCIM: its routes are resolved behind the door (scim.views)."""

from django.urls import path

from scim import views

app_name = "scim"
urlpatterns = [path("scim/v2/<path:rest>", views.scim, name="scim")]
