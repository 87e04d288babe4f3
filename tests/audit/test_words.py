"""Typed words stand beside the event: read as before, kept out of the log, and a change of them shows."""

from datetime import timedelta

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from audit import services, words
from audit.models import AuditEvent, EventWords
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db


def said(world, **after):
    services.record(world.tenant, verb="tests.said", by=MAKER, object_type="x", object_id="1", after=after)
    return AuditEvent.objects.get(tenant=world.tenant, verb="tests.said")


def stored(world):
    with connection.cursor() as cursor:
        cursor.execute("SELECT diff::text FROM audit_event WHERE verb = 'tests.said'")
        return cursor.fetchone()[0]


def fingerprints(world):
    import json

    return dict(words.references(json.loads(stored(world))))


@pytest.mark.parametrize("name", ["comment", "note", "task", "q", "reason", "why", "error"])
def test_the_log_holds_a_reference_and_readers_the_text(acme, name):
    with acme.here():
        event = said(acme, **{name: "Ask Wilma Quist"}, rows=3, inner={name: "and again Wilma"})
        assert event.diff["after"] == {name: "Ask Wilma Quist", "rows": 3, "inner": {name: "and again Wilma"}}
        assert "Wilma" not in stored(acme)


def test_codes_numbers_and_empty_texts_stay_where_they_are(acme):
    with acme.here():
        after = {"reason": "handled", "why": "expired", "comment": "", "health": 3.5, "names": ["a b"]}
        assert said(acme, **after).diff["after"] == after
        assert not EventWords.objects.exists()


def test_one_query_more_for_a_page_of_events(acme, query_count):
    with acme.here():
        for number in range(20):
            services.record(acme.tenant, verb="tests.said", by=MAKER, after={"comment": f"Number {number}"})
        assert query_count(lambda: list(AuditEvent.objects.filter(verb="tests.said"))) == 2


def test_nobody_changes_a_text_and_another_one_shows(acme):
    with acme.here():
        said(acme, comment="As it was said")
        marks = fingerprints(acme)
        assert words.altered(marks) == []
        with pytest.raises(Error), transaction.atomic():
            EventWords.objects.update(text="As it was not said")
        assert words.altered(dict.fromkeys(marks, "0" * 64)) == list(marks), (
            "a text that is not the sealed one"
        )
        assert words.altered({10**9: "0" * 64}) == [10**9], "one that is gone"


def test_an_erased_text_is_told_from_a_changed_one(acme):
    with acme.here():
        said(acme, comment="Ask Wilma Quist")
        before, marks = EventWords.objects.get(), fingerprints(acme)
        with connection.cursor() as cursor:
            cursor.execute("SELECT erase_text('audit_eventwords', %s, 'text', 'Ask [erased]')", [before.pk])
        after = EventWords.objects.get()
        assert words.altered(marks) == []
        assert after.erased_at is not None
        assert bytes(after.salt) != bytes(before.salt), "with the salt, a guess could be tried"
        assert AuditEvent.objects.get(verb="tests.said").diff["after"]["comment"] == "Ask [erased]"


@pytest.mark.parametrize(("table", "column"), [("audit_event", "diff"), ("accounts_account", "name"),
                                               ("approvals_approvaldecision", "verdict")])  # fmt: skip
def test_erasing_reaches_the_listed_columns_alone(acme, table, column):
    with (
        acme.here(),
        pytest.raises(Error, match="does not reach"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT erase_text(%s, 1, %s, 'x')", [table, column])


def test_erasing_reaches_the_own_tenant_alone(acme, globex):
    with globex.here():
        services.record(globex.tenant, verb="tests.said", by=MAKER, after={"comment": "Theirs to keep"})
        theirs = EventWords.objects.get()
    with acme.here(), connection.cursor() as cursor:
        cursor.execute("SELECT erase_text('audit_eventwords', %s, 'text', 'gone')", [theirs.pk])
    with globex.here():
        assert EventWords.objects.get().text == "Theirs to keep"


def test_texts_of_events_that_were_let_go_go_too(acme):
    with acme.here():
        said(acme, comment="Still told of")
        old = EventWords.objects.create(
            tenant=acme.tenant,
            salt=b"x" * 16,
            text="Of a dropped month",
            at=timezone.now() - timedelta(days=900),
        )
        assert words.forget_orphans(acme.tenant) == 1
        old.refresh_from_db()
        assert (old.text, old.erased_at is not None) == ("", True)
        assert EventWords.objects.exclude(pk=old.pk).get().text == "Still told of"
