"""Addresses of the models pages, under those of the scores."""

from django.urls import path

from scoring.automation import views

urlpatterns = [
    path("models/", views.models_page, name="models"),
    path("models/readiness/", views.readiness_page, name="models_readiness"),
    path("models/paused/", views.paused, name="models_paused"),
    path("models/paused/part/", views.paused_part, name="models_paused_part"),
    path("models/sources/<int:run_id>/<slug:source>/", views.source_level, name="models_source"),
    path("models/train/", views.train, name="models_train"),
    path("models/backtest/", views.backtest, name="models_backtest"),
    path("models/check/", views.check, name="models_check"),
    path("models/<int:model_id>/", views.model_page, name="model"),
    path("models/<int:model_id>/<slug:key>/", views.step, name="model_step"),
]
