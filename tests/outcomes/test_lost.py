"""What was known of customers that left: first flag, warning, cause, correction."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invoice, Outcome
from audit.models import AuditEvent
from scoring.learning import labels
from scoring.models import Override, PostMortem, ScoreRun
from scoring.outcomes import lost, queries, services, work
from scoring.outcomes.periods import Period
from tests.scoring.evidence import add, subscribe

pytestmark = pytest.mark.django_db

LEFT = date(2026, 9, 30)
KNOWN = date(2026, 10, 1)
QUARTER = Period("quarter", date(2026, 7, 1), KNOWN)
BANDS = {"c": "critical", "r": "at_risk", "w": "watch", "h": "healthy", "?": "unknown"}


def leave(world, name, *, notice=None, arr="4000", **values):
    account = world.add_account(name, **values)
    cancelled = {"cancelled_at": datetime.combine(notice, datetime.min.time(), UTC)} if notice else {}
    subscribe(
        world, account, arr=arr, started_at=datetime(2025, 10, 1, tzinfo=UTC), renewal=LEFT, **cancelled
    )
    left_at = datetime.combine(LEFT, datetime.min.time(), UTC)
    with world.here():  # facts are known up to this day
        ScoreRun.objects.get_or_create(
            tenant=world.tenant, as_of=KNOWN, defaults={"policy_versions": {}, "fingerprint": "x"}
        )
    add(world, account, Outcome, kind="churned", effective_at=left_at, reason="went elsewhere")
    return account


def scored(world, account, letters, *, last=LEFT - timedelta(weeks=1), coverage=90):
    """One scoring a week, the last one on `last`; a letter a band, oldest first."""
    with world.here(), connection.cursor() as cursor:
        for back, letter in enumerate(reversed(letters)):
            day = last - timedelta(weeks=back)
            cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [day])
            run, _ = ScoreRun.objects.get_or_create(
                tenant=world.tenant, as_of=day, defaults={"policy_versions": {}, "fingerprint": "x"}
            )
            cursor.execute(
                "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, health, band, coverage_pct,"
                " reasons, policy_id, policy_version, dimensions, indicators)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, '[]', 1, 'all v1', '{}', '[]')",
                [
                    world.tenant.pk, account.pk, day, run.pk, None if letter == "?" else 50, BANDS[letter], coverage,
                ],
            )  # fmt: skip


def found(world, account, role="manager"):
    with world.here():
        return lost.customer_lost(world.tenant, world.people[role], account_id=account.pk, known=KNOWN)


def test_how_it_left_is_told_on_its_page_and_counted(acme, client):
    """Notice before the end, the end itself, and an invoice overdue for 60 days; learning counts the same."""
    early = leave(acme, "Early", notice=LEFT - timedelta(days=40))
    ended = leave(acme, "Ended")
    unpaid = leave(acme, "Unpaid")
    due = datetime.combine(LEFT, datetime.min.time(), UTC) - timedelta(days=60)
    add(acme, unpaid, Invoice, issued_at=due, due_at=due, amount=100, currency="USD")
    kinds = {each.pk: found(acme, each).kind for each in (early, ended, unpaid)}
    assert kinds == {early.pk: "voluntary", ended.pk: "non_renewal", unpaid.pk: "payment_failure"}
    with acme.here():
        known = labels.leavers(acme.tenant, before=KNOWN)
    assert labels.counts(known, since=QUARTER.start) == {
        "voluntary": 1, "non_renewal": 1, "payment_failure": 1, "unknown": 0,
    }  # fmt: skip
    client.force_login(acme.manager.user)
    page = client.get(reverse("scoring:outcome_post_mortem", args=[acme.tenant.slug, unpaid.pk])).text
    assert "Payment failure" in page
    text = client.get(reverse("scoring:outcome_lost", args=[acme.tenant.slug])).text
    table = text[text.index("How they left") :]
    for label in ("Voluntary", "Not renewed", "Payment failure"):
        assert re.search(rf'<th scope="row">{label}</th><td class="num">1</td>', table), label


def weeks_before(count):
    return LEFT - timedelta(weeks=count)


@pytest.mark.parametrize(
    ("letters", "weeks"),
    [
        ("hhrrrr", 3),
        ("hhhhr", None),  # one scoring is no flag yet
        ("rrrhrr", 5),  # one scoring without lifts nothing
        ("rrhhhh", None),  # lifted before the end
        ("rrhhrr", 1),  # a new run after the old one was lifted
        ("rr??rc", 5),  # a scoring without a band says nothing
        ("hrhrhr", None),  # never two running
        ("rr?hhhhhhhhrrr", 2),  # a long calm between two flags
        ("rrhhhhhhhhhhhr", None),
        ("hhhhhh", None),
    ],
)
def test_the_first_flag_is_that_of_the_last_unbroken_run(acme, letters, weeks):
    account = leave(acme, "Halden")
    scored(acme, account, letters)
    each = found(acme, account)
    assert each.first_flag == (None if weeks is None else weeks_before(weeks))
    assert each.warning == (0 if weeks is None else 7 * weeks)


def test_the_notice_ends_the_days_of_warning(acme):
    account = leave(acme, "Halden", notice=weeks_before(2))
    scored(acme, account, "hrrrrr")
    each = found(acme, account)
    assert (each.notice_day, each.first_flag, each.warning) == (weeks_before(2), weeks_before(4), 14)


def deed(account, kind, state, *, weeks, outcome=""):
    at = datetime.combine(weeks_before(weeks), datetime.min.time(), UTC)
    return work.Deed(account.pk, kind, "Executive call", state, at, None, outcome, "Dana")


def with_deeds(monkeypatch, *rows):
    monkeypatch.setattr(
        work, "_provider", [lambda tenant, ids: [row for row in rows if row.account_id in ids]]
    )


def test_why_it_was_missed(acme, monkeypatch):
    """One account a cause, each by the rule of docs/outcomes.md."""
    made = {
        "data_missing": ("hhhhhh", 60), "nothing_visible": ("hhhhhh", 90), "no_play": ("hrrrrrrr", 90),
        "too_late": ("hhhhrr", 90), "play_dismissed": ("hrrrrrrr", 90), "not_missed": ("rrrrrrrr", 90),
        "override_hid": ("hrrrrrrr", 90),
    }  # fmt: skip
    accounts = {name: leave(acme, name) for name in made}
    for name, (letters, coverage) in made.items():
        scored(acme, accounts[name], letters, coverage=coverage)
    accounts["data_missing 2"] = leave(acme, "never scored")
    with acme.here():
        Override.objects.create(
            tenant=acme.tenant, account=accounts["override_hid"], health=Decimal(80), model_health=Decimal(45),
            reason="know_more", note="They said all is well.", until=weeks_before(1), author_label="Ben",
        )  # fmt: skip
        Override.objects.filter(tenant=acme.tenant).update(
            created_at=datetime.combine(weeks_before(4), datetime.min.time(), UTC)
        )
    with_deeds(
        monkeypatch,
        deed(accounts["play_dismissed"], "suggestion", "dismissed", weeks=5, outcome="not_a_risk"),
        deed(accounts["not_missed"], "play", "completed", weeks=5, outcome="lost"),
    )
    for name, account in accounts.items():
        assert found(acme, account).by_rule == name.removesuffix(" 2"), name


def test_a_play_after_the_notice_helps_nobody(acme, monkeypatch):
    account = leave(acme, "Halden", notice=weeks_before(1))
    scored(acme, account, "rrrrrrrr")
    with_deeds(monkeypatch, deed(account, "play", "in_progress", weeks=0))
    assert found(acme, account).by_rule == "no_play"


def test_lead_time_names_its_denominator(acme):
    """Three that left: flagged 10 weeks ahead, never flagged, and one scored too short to be seen early."""
    scored(acme, leave(acme, "early"), "r" * 11)
    scored(acme, leave(acme, "never"), "h" * 11)
    scored(acme, leave(acme, "short"), "rr")
    with acme.here():
        everybody = lost.customers_lost(acme.tenant, acme.manager, queries.Asked(QUARTER, KNOWN))
    lead = lost.lead_time(everybody)
    assert (lead.observable, lead.early, lead.share, lead.median_days) == (2, 1, 0.5, 35)
    assert lost.arr_of(everybody) == Decimal("12000.00")
    assert {each.name: each.count for each in lost.tally(everybody, lambda e: e.by_rule, str)} == {
        "no_play": 1, "nothing_visible": 1, "too_late": 1,
    }  # fmt: skip


def test_it_takes_two_statements_whatever_their_number(acme, query_count):
    def ask():
        return lost.customers_lost(acme.tenant, acme.manager, queries.Asked(QUARTER, KNOWN))

    scored(acme, leave(acme, "one"), "rrr")
    with acme.here():
        first = query_count(ask)
    for name in "abcde":
        scored(acme, leave(acme, name), "rrr")
    with acme.here():
        assert query_count(ask) == first <= 2
        assert len(ask()) == 6


# --- corrected by a manager -----------------------------------------------------------------------


def correct(world, account, client=None, role="manager", **values):
    client.force_login(world.people[role].user)
    data = {"cause": "override_hid", "reason": "Ben knew and told nobody.", "version": "0", **values}
    return client.post(world.url(f"outcomes/lost/{account.pk}/correct/"), data)


def test_a_manager_corrects_the_cause_and_both_stand(acme, client):
    account = leave(acme, "Halden")
    scored(acme, account, "hhhhhh")
    assert correct(acme, account, client).status_code == 303
    each = found(acme, account)
    assert (each.shown_cause, each.by_rule, each.version) == ("override_hid", "nothing_visible", 1)
    text = client.get(acme.url(f"outcomes/lost/{account.pk}/")).text
    assert "the rule says: Nothing was visible" in text
    assert "Ben knew and told nobody." in text
    with acme.here():
        event = AuditEvent.objects.get(verb="scoring.post_mortem_corrected")
        assert event.account_id == account.pk
        assert event.diff["before"] == {"cause": "nothing_visible"}
    assert "An override hid it" in client.get(acme.url("outcomes/lost/?cause=override_hid")).text


def test_a_correction_needs_a_reason_and_the_newest_version(acme, client):
    account = leave(acme, "Halden")
    answer = correct(acme, account, client, reason="  ")
    assert answer.status_code == 422
    assert "Write how you know" in answer.text
    assert correct(acme, account, client).status_code == 303
    answer = correct(acme, account, client, reason="Kept words")
    assert answer.status_code == 409
    assert "Kept words" in answer.text
    with acme.here():
        assert PostMortem.objects.get().reason == "Ben knew and told nobody."


def test_those_who_only_read_or_only_work_correct_nothing(acme, client):
    account = leave(acme, "Halden")
    for role in ("executive", "csm", "auditor"):
        assert correct(acme, account, client, role=role).status_code == 403


def test_who_is_still_here_or_elsewhere_has_no_post_mortem(acme, globex, client):
    stays = acme.add_account("Stays")
    foreign = leave(globex, "Foreign")
    client.force_login(acme.executive.user)
    for account in (stays, foreign):
        assert client.get(acme.url(f"outcomes/lost/{account.pk}/")).status_code == 404


def test_a_stale_write_raises(acme):
    account = leave(acme, "Halden")
    with acme.here(), pytest.raises(services.Stale):
        services.correct_cause(
            acme.tenant, account_id=account.pk, account_name="Halden", cause="no_play", rule_cause="no_play",
            reason="x", version=3, by=acme.actor("manager"),
        )  # fmt: skip


def test_plays_and_suggestions_come_from_the_app_that_has_them(acme):
    """The provider that playbooks registers at start-up, with a suggestion that was dismissed."""
    from playbooks.models import Playbook, Recommendation

    account = leave(acme, "Halden")
    scored(acme, account, "hrrrrrrr")
    with acme.here():
        Recommendation.objects.create(
            tenant=acme.tenant, account=account, playbook=Playbook.objects.order_by("pk").first(), cause=[],
            state="dismissed", reason="not_a_risk", decided_at=timezone.now(), decided_by_label="Ben",
            created_at=datetime.combine(weeks_before(4), datetime.min.time(), UTC),
        )  # fmt: skip
    each = found(acme, account)
    assert each.by_rule == "play_dismissed"
    assert [(one.kind, one.state, one.outcome, one.by) for one in each.deeds] == [
        ("suggestion", "dismissed", "not_a_risk", "Ben")
    ]
