"""The models pages: what they say, to whom, and what they refuse."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from jobs.models import Job
from scoring.automation import holds, queries, readiness
from scoring.automation.models import ModelGate
from scoring.models import ChanceSettings
from tests.scoring.automation.made import DAY, checked, scored, standing, version
from tests.test_query_counts import FRAME, PAGE

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(acme, client):
    client.force_login(acme.ops_admin.user)
    return client


def text_of(client, world, path):
    answer = client.get(world.url(path))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def gate(world, model, key, *, passed, words):
    with world.here():
        ModelGate.objects.create(
            tenant=world.tenant, model=model, as_of=DAY, place=0, key=key, words=words, passed=passed
        )


def test_without_a_version_the_page_says_what_is_missing(acme, admin):
    assert "No version yet" in text_of(admin, acme, "models/")


def test_the_page_shows_gates_the_own_chance_and_what_precision_costs(acme, admin):
    model = version(acme)
    scored(acme, model, day=DAY)
    gate(
        acme,
        model,
        "leavers",
        passed=True,
        words="Accounts that left in those windows: 21, at least 20 needed.",
    )
    gate(
        acme, model, "months_in_shadow", passed=False, words="Watched: 1.2 months, at least 3 months needed."
    )
    for number, p90 in enumerate((0.69, 0.7, 0.91)):
        standing(acme, acme.add_account(f"Customer {number}"), p90=p90)
    page = text_of(admin, acme, "models/")
    assert "1 of 2 met" in page
    assert "1.2 months, at least 3 months needed" in page
    assert "<b>2</b> of 3 accounts" in page
    assert "not enough closed windows yet" in page
    assert "No threshold of the back-test reaches it." in page
    assert "Targets, not figures that were found" in page


def test_a_manager_counts_own_accounts_alone(acme, client):
    from tests.permission_table import a_hidden_account

    standing(acme, acme.add_account("Seen"), p90=0.9)
    with acme.here():
        from accounts.models import Account

        hidden = Account.objects.get(pk=a_hidden_account(acme)["account_id"])
    standing(acme, hidden, p90=0.9)
    with acme.here():
        settings = ChanceSettings(tenant=acme.tenant)
        assert queries.passing_own_chance(acme.tenant, acme.manager, settings) == {"known": 1, "passing": 1}
        assert queries.passing_own_chance(acme.tenant, acme.executive, settings) == {"known": 2, "passing": 2}


def test_a_version_says_what_it_was_trained_on_and_what_it_found(acme, admin):
    model = version(acme)
    page = text_of(admin, acme, f"models/{model.pk}/")
    for words in (
        "4,000, 400",
        "2025-06-01 to 2026-05-01",
        "business.overdue_days",
        "Brier skill",
        "Take back one step",
    ):
        assert words in page
    assert "Promote to automatic" in page
    assert "Not looked at yet" in page


def test_automatic_is_refused_on_the_page_with_the_figure(acme, admin):
    model = version(acme)
    scored(acme, model, day=DAY)
    gate(
        acme,
        model,
        "leavers",
        passed=False,
        words="Accounts that left in those windows: 3, at least 20 needed.",
    )
    page = text_of(admin, acme, f"models/{model.pk}/automatic/")
    assert "0 of 1 gates met: Accounts that left in those windows: 3, at least 20 needed." in page
    answer = admin.post(
        acme.url(f"models/{model.pk}/automatic/"), {"why": "Now.", "row_version": model.row_version}
    )
    assert answer.status_code == 422
    assert "3, at least 20 needed" in answer.content.decode()
    with acme.here():
        assert not Job.objects.for_tenant(acme.tenant).exists()


def test_an_automatic_version_whose_gate_fails_says_that_it_starts_nothing(acme, admin):
    model = version(acme, state="automatic")
    scored(acme, model, day=DAY)
    fails = "Of the accounts flagged in those windows, the share that left: 20 %, at least 80 % needed."
    for failing in ((), ("precision",)):
        checked(acme, model, failing=failing, words=fails)
        for path in ("models/", f"models/{model.pk}/"):
            with CaptureQueriesContext(connection) as captured:
                page = text_of(admin, acme, path)
            assert len([each for each in captured if not each["sql"].startswith(FRAME)]) <= PAGE
            assert ("It starts nothing by itself now." in page) is bool(failing)
            assert (f"8 of 9 gates met: {fails}" in page) is bool(failing)


def test_a_step_needs_its_reason_and_leaves_it_in_the_audit_log(acme, admin):
    model = version(acme, state="draft")
    address = acme.url(f"models/{model.pk}/shadow/")
    asked = {"row_version": model.row_version, "why": ""}
    assert admin.post(address, asked).status_code == 422
    for _ in range(2):
        assert admin.post(address, asked | {"why": "To see how it does."}).status_code == 302 + 1
    with acme.here():
        event = AuditEvent.objects.get(tenant=acme.tenant, verb="scoring.model_shadowed")
    assert event.diff["after"]["why"] == "To see how it does."


def test_training_is_asked_for_once(acme, admin):
    for _ in range(2):
        admin.post(acme.url("models/train/"))
    with acme.here():
        assert Job.objects.for_tenant(acme.tenant).filter(kind="scoring.train").count() == 1


def test_a_wish_of_precision_goes_through_the_what_if(acme, admin):
    version(acme)
    page = text_of(admin, acme, "models/")
    assert f'action="{acme.url("scores/what-if/")}"' in page
    assert 'name="precision_wanted"' in page
    asked = text_of(admin, acme, "scores/what-if/?precision_wanted=0.50")
    assert 'name="precision_wanted" value="0.50"' in asked
    with acme.here():
        assert not ChanceSettings.objects.exists()


def test_j19_what_waits_is_listed_with_its_reason_and_announced(acme, admin):
    model = version(acme)
    account = acme.add_account("Halden Logistics")
    scored(acme, model, day=DAY, late=["usage"])
    with acme.here():
        why = holds.reasons(acme.tenant)
        holds.pause(acme.tenant, what="playbooks.triggers", signals={account.pk: {}}, why=why)
    page = text_of(admin, acme, "models/paused/")
    assert "Product usage: late" in page
    assert "Halden Logistics" in page
    assert "Automations are paused." in text_of(admin, acme, "scores/")
    scored(acme, model, day=DAY + timedelta(days=1))
    assert "Nothing is paused" in text_of(admin, acme, "models/paused/")


def test_readiness_tells_history_coverage_and_leavers(acme, admin):
    from accounts.models import Ticket
    from tests.scoring.automation.made import leaves, source_states
    from tests.scoring.evidence import add, ago

    model = version(acme)
    accounts = [acme.add_account(f"Customer {number}") for number in range(4)]
    add(acme, accounts[0], Ticket, opened_at=ago(487))
    leaves(acme, accounts[1], DAY - timedelta(days=40))
    leaves(acme, accounts[2], DAY - timedelta(days=100))  # the first outcome of all
    sources = source_states(accounts=3) | {"surveys": {"accounts": 0, "latest": "", "late": False}}
    run = scored(acme, model, day=DAY, accounts=accounts, sources=sources)
    with acme.here():
        left = readiness.leavers(acme.tenant, ChanceSettings(tenant=acme.tenant), run)
        found = {line.key: line for line in readiness.lines(acme.tenant, run, left)}
    assert found["tickets"].months == pytest.approx(16.0, abs=0.01)
    assert found["tickets"].coverage == 0.75
    assert "automation" in found["tickets"].unlocks
    assert found["surveys"].unlocks == "Nothing yet: no customer has it."
    page = text_of(admin, acme, "models/readiness/")
    assert "1 left, and chances of your own need 20" in page


def test_readiness_counts_leavers_as_a_training_does(acme, admin):
    from accounts.models import Ticket
    from scoring.catalogue import SOURCES
    from scoring.engine.churn import data
    from scoring.learning import landmarks
    from tests.scoring.automation.made import leaves, source_states
    from tests.scoring.evidence import add, ago

    early, seen, silent, brief, stays = (
        acme.add_account(name) for name in ("Early", "Seen", "Silent", "Brief", "Stays")
    )
    for account in (early, seen, stays):
        add(acme, account, Ticket, opened_at=ago(250))
    with acme.here():
        brief.customer_since = DAY - timedelta(days=20)  # came and went between two landmarks
        brief.save()
    for account, days in ((early, 200), (seen, 40), (silent, 70), (brief, 10)):
        leaves(acme, account, DAY - timedelta(days=days))
    model = version(acme)
    sources = source_states(accounts=3)
    sources["tickets"] |= {"rows": 3}
    run = scored(acme, model, day=DAY, accounts=[stays], sources=sources)
    _, stack = landmarks.gather(acme.tenant, as_of=DAY, said=lambda *done: None)
    with acme.here():
        left = readiness.leavers(acme.tenant, ChanceSettings(tenant=acme.tenant), run)
        lines = {line.key: line for line in readiness.lines(acme.tenant, run, left)}
    assert (data.leavers(stack), left.left, left.ever) == (2, 2, 4)
    assert sorted(left.seen) == sorted([seen.pk, silent.pk])
    assert (lines["tickets"].rows, lines["tickets"].leavers, lines["invoices"].leavers) == (3, 1, 0)
    with CaptureQueriesContext(connection) as captured:
        page = text_of(admin, acme, "models/readiness/")
    assert len([each for each in captured if not each["sql"].startswith(FRAME)]) <= PAGE
    assert "2 left, and chances of your own need 20" in page
    assert "4 ever left" in page
    assert SOURCES["tickets"].label in page


@pytest.mark.parametrize(
    ("months", "coverage", "words"),
    [
        (3, 0.9, "Health only"),
        (14, 0.2, "weak chances"),
        (9, 0.9, "Automation wants"),
        (13, 0.9, "automation once"),
    ],
)
def test_what_a_source_unlocks(months, coverage, words):
    assert words in readiness.unlocked(months, coverage, is_late=False, is_dated=True)


@pytest.mark.parametrize(
    ("left", "least", "words", "pool"),
    [
        (0, 20, "nobody was seen to leave", False),
        (1, 20, "1 left, and chances of your own need 20", True),
        (19, 50, "19 left, and chances of your own need 50", True),
        (20, 20, "shrunken", False),
        (20, 50, "20 left, and chances of your own need 50", False),  # training asks the pool below 20 alone
        (99, 20, "shrunken", False),
        (100, 20, "as fine as so many leavers allow", False),
    ],
)
def test_the_rungs_of_the_ladder_in_words(left, least, words, pool):
    told = readiness.ladder_words(left, least=least)
    assert words in told
    assert readiness.Leavers(list(range(left)), left, 0, 0, None, told).pool_may_serve is pool


def test_the_admin_sets_gates_once_and_the_thresholds_page_lists_them(acme, admin):
    admin.post("/admin/acting-tenant/", {"slug": acme.tenant.slug})
    given = {
        "months_in_shadow": "4", "least_leavers": "20", "most_calibration_error": "0.03", "own_chance_from": "0.7",
    }  # fmt: skip
    address = "/admin/scoring/chancesettings/add/"
    few = admin.post(address, given | {"least_leavers": "5"})
    assert "greater than or equal to 20" in few.content.decode()
    for name, value in (
        ("most_calibration_error", "0.30"),
        ("own_chance_from", "0.001"),
        ("months_in_shadow", "0"),
    ):
        refused = admin.post(address, given | {name: value}).content.decode()
        assert "would switch the gate off" in refused, name
    assert admin.post(address, given).status_code == 302
    with acme.here():
        assert ChanceSettings.objects.get(tenant=acme.tenant).months_in_shadow == 4
    answer = admin.get("/admin/thresholds/").content.decode()
    assert "Chances: gates of automation" in answer
    assert "4 months watched" in answer
    assert admin.get(address).status_code == 403  # one row a workspace
