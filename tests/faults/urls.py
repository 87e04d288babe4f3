"""The product's addresses, and one page that waits: /faults/slow/?mark=<word> answers when House.go(word) was said."""

from django.urls import path

from config.urls import *  # noqa: F403
from config.urls import urlpatterns as the_products
from tests.faults.kinds import views

urlpatterns = [*the_products, path("faults/slow/", views.slow)]
