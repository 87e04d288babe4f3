"""Faults 1, 2, 29 and 30: web workers killed in the middle, and many people at one thing at once."""

import uuid
from contextlib import contextmanager

import pytest
import requests

from tests.faults import load
from tests.faults.house import children_of
from tests.faults.servers import superuser

CSM = "csm@acme.example"


@pytest.fixture
def desk(house):
    """A CSM signed in at a web server of one process, with an account."""
    house.web(workers=1, DJANGO_SETTINGS_MODULE="tests.faults.settings_web")
    account = load.an_account(house)
    browser = house.browser().sign_in(CSM)

    def send(text="Called them", *, key, by=browser, **headers):
        data = {"text": text, "idempotency_key": key}
        return by.post(load.note_path(account), data, headers=headers)

    send.account, send.browser = account, browser
    return send


def the_worker(house):
    """The one process that answers requests."""
    web = next(each for each in house.running if each.name == "web")
    return house.wait_until(lambda: children_of(web.pid), "a web worker")[-1]


@contextmanager
def locked(house, table):
    """Nobody may write to the table meanwhile."""
    with superuser(house.server, house.database) as session, session.transaction():
        session.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


def waiting(house):
    return house.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def effects(house):
    return (
        house.one("SELECT count(*) FROM accounts_note"),
        house.one("SELECT count(*) FROM audit_event WHERE verb = 'accounts.note_added'"),
        house.one("SELECT count(*) FROM tenants_keptanswer"),
    )


def in_background(act):
    """Start it; what it answers or raises is nobody's business."""
    import threading

    def body():
        try:
            act()
        except requests.RequestException:
            return

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread


def test_fault_1_a_web_worker_killed_in_the_middle_of_a_post_leaves_nothing(house, desk):
    key = str(uuid.uuid4())
    with locked(house, "audit_event"):  # the note is written, its event has to wait
        cut_off = in_background(lambda: desk(key=key, by=load.another(desk.browser)))
        house.wait_until(lambda: waiting(house), "the request to stand at the lock")
        pid = the_worker(house)
        house.kill(pid)
        house.wait_dead(pid)
    cut_off.join(30)
    house.wait_until(lambda: not open_transactions(house), "the dead worker's transaction to end")
    assert effects(house) == (0, 0, 0), house.report()
    house.wait_ready()
    first, second = desk(key=key), desk(key=key)
    assert [first.status_code, second.status_code] == [303, 303], house.report()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert effects(house) == (1, 1, 1), house.report()


def open_transactions(house):
    return house.one(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'holdfast_app' AND xact_start IS NOT NULL"
        " AND datname = current_database()"
    )


def test_fault_2_killed_after_the_commit_the_repeat_gets_the_answer_that_was_lost(house, desk):
    key = str(uuid.uuid4())
    hold = {"X-Faults-Hold": "never"}
    cut_off = in_background(lambda: desk(key=key, by=load.another(desk.browser), **hold))
    line = house.wait_for("answered", mark="never")
    assert effects(house) == (1, 1, 1), "it is committed before anybody is told"
    house.kill(line.pid)
    house.wait_dead(line.pid)
    cut_off.join(30)
    house.wait_ready()
    again = desk(key=key)
    assert again.status_code == line["status"] == 303, house.report()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert f"/t/acme/accounts/{desk.account}/" in again.headers["Location"]
    assert effects(house) == (1, 1, 1), house.report()


READ_VERSION = "SELECT version FROM integrations_connection WHERE id = %s"


@pytest.fixture
def endpoint(house):
    """`edit(number, version, browser)` changes the name of one endpoint that many people have open."""
    from integrations import services

    house.web()
    world = house.world()
    with house.here(world):
        row = services.create_endpoint(
            world.tenant, name="Receiver", url="https://example.com/hook", secret=services.new_secret(),
            is_sandbox=False, by=world.actor("ops_admin"),
        )  # fmt: skip
    path = f"/t/acme/endpoints/{row.pk}/edit/"

    def edit(name, version, browser):
        data = {"version": version, "name": name, "url": "https://example.com/hook"}
        return browser.post(path, data | {"idempotency_key": str(uuid.uuid4())}).status_code

    edit.pk, edit.browser = row.pk, house.browser().sign_in("ops_admin@acme.example")
    return edit


def test_fault_29_of_fifty_edits_at_once_of_what_all_have_read_one_is_kept(house, endpoint):
    version = house.one(READ_VERSION, endpoint.pk)
    answers = load.together(
        50, lambda number: endpoint(f"edit {number}", version, load.another(endpoint.browser))
    )
    winners = [number for number, status in enumerate(answers) if status == 303]
    assert len(winners) == 1, f"{answers}\n{house.report()}"
    assert set(answers) == {303, 409}, answers
    kept = house.sql("SELECT version, name FROM integrations_connection WHERE id = %s", endpoint.pk)
    assert kept == [(version + 1, f"edit {winners[0]}")], house.report()


def test_fault_29_edits_that_read_again_after_a_refusal_all_arrive(house, endpoint):
    """Ten people change one thing five times each: fifty versions, none skipped, none written over."""
    first = house.one(READ_VERSION, endpoint.pk)

    def edit_five_times(number):
        mine, kept = load.another(endpoint.browser), []
        while len(kept) < 5:
            version = house.one(READ_VERSION, endpoint.pk)
            status = endpoint(f"edit {number}-{len(kept)}", version, mine)
            assert status in (303, 409), status
            if status == 303:
                kept.append(version)
        return kept

    answers = load.together(10, edit_five_times)
    versions = sorted(version for kept in answers for version in kept)
    assert versions == list(range(first, first + 50)), f"{answers}\n{house.report()}"
    assert house.one(READ_VERSION, endpoint.pk) == first + 50


@pytest.mark.parametrize("by", ["form", "header"])
def test_fault_30_fifty_posts_with_one_key_have_one_effect(house, by):
    house.web()
    account = load.an_account(house)
    browser = house.browser().sign_in(CSM)
    key = str(uuid.uuid4())

    def send(number):
        data = {"text": "Called them"} | ({"idempotency_key": key} if by == "form" else {})
        headers = {"Idempotency-Key": key} if by == "header" else {}
        found = load.another(browser).post(load.note_path(account), data, headers=headers)
        return found.status_code, "Idempotent-Replayed" in found.headers

    answers = load.together(50, send)
    assert answers.count((303, False)) == 1, f"{answers}\n{house.report()}"
    assert set(answers) <= {(303, False), (303, True), (409, False)}, answers
    if by == "form":
        assert (303, True) in answers, answers
    assert effects(house) == (1, 1, 1), house.report()
