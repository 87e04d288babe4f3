"""A request that is sent twice under one key: one effect, the same answer (PLATFORM 7, ADR 0012)."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Note
from audit.models import AuditEvent
from tenants import idempotency
from tenants.models import KeptAnswer

pytestmark = pytest.mark.django_db


def signed_in(membership):
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def notes(acme):
    """One account's note form, as its CSM sends it."""
    account = acme.add_account()
    client = signed_in(acme.csm)

    def send(key, text="Called them", *, world=acme, by=client, headers=None):
        data = {"text": text} | ({"idempotency_key": key} if key is not None else {})
        return by.post(world.url(f"accounts/{account.pk}/notes/"), data, headers=headers)

    send.account = account
    send.count = lambda: count(acme, Note)
    return send


def count(world, model):
    with world.here():
        return model.objects.count()


def test_a_double_click_leaves_one_note_and_the_same_answer(notes):
    first, second = notes("k1"), notes("k1")
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert notes.count() == 1


def test_a_fragment_is_answered_again_byte_for_byte(notes):
    first, second = (notes("k1", headers={"HX-Request": "true"}) for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert notes.count() == 1


def test_without_a_key_everything_is_as_before(notes, acme):
    assert [notes(None).status_code for _ in range(2)] == [303, 303]
    assert notes.count() == 2
    assert count(acme, KeptAnswer) == 0


def test_another_key_is_another_note(notes):
    notes("k1"), notes("k2")
    assert notes.count() == 2


def test_the_header_names_a_request_too_and_wins(notes):
    assert notes("k1", headers={"Idempotency-Key": "h1"}).status_code == 303
    assert notes("k2", headers={"Idempotency-Key": "h1"}).headers["Idempotent-Replayed"] == "true"
    assert notes.count() == 1


@pytest.mark.parametrize("htmx", [False, True])
def test_the_same_key_with_other_content_is_refused_in_words(notes, htmx):
    headers = {"HX-Request": "true"} if htmx else {}
    notes("k1", headers=headers)
    refused = notes("k1", "Something else", headers=headers)
    assert refused.status_code == 422
    assert "already sent, with other content" in refused.text
    assert refused.headers.get("HX-Reswap") == ("none" if htmx else None)
    assert ("<html" in refused.text) is not htmx
    assert notes.count() == 1


def test_the_token_of_the_form_is_no_content(notes, acme):
    client = Client(enforce_csrf_checks=True)
    client.force_login(acme.csm.user)
    for _ in range(2):
        page = client.get(acme.url(f"accounts/{notes.account.pk}/"))
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        answer = client.post(
            acme.url(f"accounts/{notes.account.pk}/notes/"),
            {"text": "Called", "idempotency_key": "k1", "csrfmiddlewaretoken": token},
        )
        assert answer.status_code == 303
    assert answer.headers["Idempotent-Replayed"] == "true"


def test_a_stolen_key_opens_no_door_without_the_forms_token(notes, acme):
    notes("k1")
    client = Client(enforce_csrf_checks=True)
    client.force_login(acme.csm.user)
    assert notes("k1", by=client).status_code == 403


def test_keys_belong_to_a_person_and_a_tenant(notes, acme, globex):
    notes("k1")
    colleague = notes("k1", by=signed_in(acme.manager))
    assert "Idempotent-Replayed" not in colleague.headers
    assert colleague.status_code == 303
    assert notes("k1", world=globex, by=signed_in(globex.csm)).status_code == 404
    assert notes("k1", by=signed_in(globex.csm)).status_code == 404


def test_whoever_lost_the_right_gets_no_kept_answer(notes, acme):
    notes("k1")
    acme.csm.role = "auditor"
    acme.csm.save(update_fields=["role"])
    assert notes("k1").status_code == 403


def test_whoever_sees_less_by_now_gets_no_kept_answer(notes, acme):
    notes("k1")
    acme.csm.regions = ["Antarctica"]
    acme.csm.save(update_fields=["regions"])
    assert notes("k1").status_code in (404, 422)
    assert "Idempotent-Replayed" not in notes("k1").headers


def test_what_was_refused_is_not_kept_and_can_be_mended(notes, acme):
    assert notes("k1", "").status_code == 422
    assert count(acme, KeptAnswer) == 0
    assert notes("k1", "Mended").status_code == 303
    assert notes.count() == 1


@pytest.mark.parametrize("key", ["", " ", "k" * 1024, "with space", "naïve", "a\nb"])
def test_a_key_that_cannot_be_one_is_refused(notes, key):
    refused = notes(key)
    assert refused.status_code == 400
    assert "printed ASCII" in refused.text
    assert notes.count() == 0


def test_a_fault_of_ours_keeps_neither_claim_nor_effect(notes, acme, monkeypatch):
    def fail(*args, **more):
        raise RuntimeError("no")

    client = Client(raise_request_exception=False)
    client.force_login(acme.csm.user)
    with monkeypatch.context() as broken:
        broken.setattr("audit.services.record", fail)
        assert notes("k1", by=client).status_code == 500
    assert (count(acme, KeptAnswer), notes.count()) == (0, 0)
    assert notes("k1").status_code == 303
    assert notes.count() == 1


def test_a_key_costs_two_queries_and_a_page_none(notes, acme, query_count):
    client = signed_in(acme.csm)
    plain = query_count(lambda: notes(None))
    assert query_count(lambda: notes("k1")) - plain == 2
    url = acme.url(f"accounts/{notes.account.pk}/")
    with CaptureQueriesContext(connection) as captured:
        client.get(url, headers={"Idempotency-Key": "k9"})
    assert not [query for query in captured if "keptanswer" in query["sql"]]


def test_every_form_that_changes_something_has_a_key_of_its_own(acme):
    account = acme.add_account()
    page = signed_in(acme.csm).get(acme.url(f"accounts/{account.pk}/")).text
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.S) if 'method="post"' in form]
    keys = [re.findall(r'name="idempotency_key" value="([0-9a-f-]{36})"', form) for form in forms]
    assert len(forms) >= 2
    assert all(len(found) == 1 for found in keys), keys
    assert len({found[0] for found in keys}) == len(forms)


def test_no_template_writes_the_token_by_hand():
    """The tag gives key and token together; a hidden field by hand would leave the key out."""
    root = Path(__file__).resolve().parents[2] / "templates"
    found = [str(path) for path in root.rglob("*.html") if "csrfmiddlewaretoken" in path.read_text()]
    assert found == []


@pytest.mark.parametrize("htmx", [False, True])
def test_a_double_click_on_approve_decides_once(acme, htmx):
    from tests.approvals.makers import a_request, an_approval

    with acme.here():
        made = a_request(acme)
    manager, url = signed_in(acme.manager), acme.url(f"approvals/{made['ref']}/answer/")
    data = an_approval(made) | {"idempotency_key": "k1"}
    headers = {"HX-Request": "true"} if htmx else {}
    first, second = (manager.post(url, data, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == (200 if htmx else 303)
    assert first.content == second.content
    with acme.here():
        assert AuditEvent.objects.filter(verb="approvals.decided").count() == 1


@pytest.mark.parametrize("htmx", [False, True])
def test_a_double_click_on_accept_starts_one_play(acme, htmx):
    from playbooks.models import Play
    from tests.playbooks.makers import suggest

    account = acme.add_account()
    with acme.here():
        row = suggest(acme, account)
    csm, url = signed_in(acme.csm), acme.url(f"queue/items/{row.pk}/accept/")
    data = {"version": row.version, "idempotency_key": "k1"}
    headers = {"HX-Request": "true"} if htmx else {}
    first, second = (csm.post(url, data, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == (200 if htmx else 303)
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(acme, Play) == 1


def test_files_to_download_are_made_anew(acme):
    acme.add_account()
    client = signed_in(acme.manager)
    answers = [client.post(acme.url("queue/export/"), {"idempotency_key": "k1"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert "Idempotent-Replayed" not in answers[1].headers
    assert count(acme, KeptAnswer) == 0


def test_an_answer_too_large_to_keep_says_that_it_was_done(notes, monkeypatch):
    monkeypatch.setattr(idempotency, "LONGEST_BODY", 10)
    headers = {"HX-Request": "true"}
    assert notes("k1", headers=headers).status_code == 200
    again = notes("k1", headers=headers)
    assert (again.status_code, "done before" in again.text) == (409, True)
    assert notes.count() == 1


def test_keys_are_forgotten_after_a_day(notes, acme):
    notes("k1"), notes("k2")
    with acme.here():
        assert not idempotency.has_old(acme.tenant)
        old = KeptAnswer.objects.filter(key="k1")
        old.update(created_at=timezone.now() - timedelta(hours=25))
        assert idempotency.has_old(acme.tenant)
        assert idempotency.forget_old(acme.tenant, None) == {"forgotten": 1}
        assert [each.key for each in KeptAnswer.objects.all()] == ["k2"]
        assert idempotency.forget_all(acme.tenant) == 1


def test_erasing_a_person_takes_kept_answers_along(notes, acme):
    from accounts import services
    from accounts.models import Contact

    notes("k1", "Dora Neumann called")
    with acme.here():
        person = Contact.objects.create(
            tenant=acme.tenant, account=notes.account, external_id="C-1", name="Dora Neumann"
        )
        assert KeptAnswer.objects.count() == 1
        services.erase_person(
            acme.tenant, account_id=notes.account.pk, contact_id=person.pk, by=acme.actor("ops_admin")
        )
        assert KeptAnswer.objects.count() == 0


def test_no_cookie_is_kept(notes, acme):
    notes("k1", headers={"HX-Request": "true"})
    with acme.here():
        kept = KeptAnswer.objects.get()
    assert "Set-Cookie" not in kept.headers


def test_the_admin_makes_a_change_once(acme):
    client = signed_in(acme.ops_admin)
    session = client.session
    session["acting_tenant"] = "acme"
    session.save()
    url = f"/admin/tenants/tenant/{acme.tenant.pk}/change/"
    form = client.get(url).context["adminform"].form
    data = {name: form.initial[name] for name in form.fields if form.initial.get(name) is not None}
    data["idempotency_key"] = "k1"
    answers = [client.post(url, data) for _ in range(2)]
    assert [each.status_code for each in answers] == [302, 302], answers[0].text[:2000]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
