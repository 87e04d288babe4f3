"""The two health pages, with the database up, down and behind."""

import json

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import RequestFactory

from config import health


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setitem(health._green, "migrations", False)


def ask(view):
    return view(RequestFactory().get("/"))


def test_healthz_never_touches_the_database():
    assert ask(health.healthz).status_code == 200  # without the django_db mark a query would raise


@pytest.mark.django_db
def test_readyz_is_green_and_asks_for_migrations_once(django_assert_num_queries):
    assert ask(health.readyz).status_code == 200
    with django_assert_num_queries(1):
        assert json.loads(ask(health.readyz).content) == {"ready": True}


@pytest.mark.django_db
def test_readyz_counts_missing_migrations(monkeypatch):
    applied = MigrationRecorder(connection).applied_migrations()
    applied.pop(max(key for key in applied if key[0] == "audit"))
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda recorder: applied)
    response = ask(health.readyz)
    assert response.status_code == 503
    assert "migrations are not applied: run `manage.py migrate`" in json.loads(response.content)["reason"]


def test_readyz_says_that_the_database_is_away_and_recovers(
    django_db_setup, django_db_blocker, monkeypatch, caplog
):
    with django_db_blocker.unblock():
        connection.close()
        with monkeypatch.context() as away:
            away.setitem(connection.settings_dict, "HOST", "/nowhere")
            response = ask(health.readyz)
            assert response.status_code == 503
            reason = json.loads(response.content)["reason"]
            assert reason == "The database does not answer. The server's log says why."
            assert "/nowhere" in caplog.text, "the detail is for the operator alone"
        assert json.loads(ask(health.readyz).content) == {"ready": True}
        connection.close()


@pytest.mark.parametrize("view", [health.healthz, health.readyz])
def test_they_need_neither_tenant_nor_sign_in(view):
    assert view.tenant_exempt
    assert view.login_required is False
    assert view(RequestFactory().post("/")).status_code == 405
