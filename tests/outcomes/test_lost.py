"""What was known of customers that left: first flag, warning, cause, correction."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Invoice, Outcome
from audit.models import AuditEvent
from scoring.learning import labels
from scoring.models import HealthPolicy, Override, PostMortem, ScoreRun
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


def scored(
    world, account, letters, *, last=LEFT - timedelta(weeks=1), coverage=90, p90=None, late=None, policy=1
):
    """One scoring a week, the last one on `last`; a letter a band, oldest first.

    `p90`: the chances beside them. `late`: days after each day at which a run of its own made it; else it was made now.
    """
    with world.here(), connection.cursor() as cursor:
        for back, letter in enumerate(reversed(letters)):
            day = last - timedelta(weeks=back)
            cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [day])
            values = {"policy_versions": {}, "fingerprint": "x"}
            if late is None:
                run, _ = ScoreRun.objects.get_or_create(tenant=world.tenant, as_of=day, defaults=values)
            else:
                made = datetime.combine(day + timedelta(days=late), datetime.max.time(), UTC)
                run = ScoreRun.objects.create(tenant=world.tenant, as_of=day, created_at=made, **values)
            columns = {
                "tenant_id": world.tenant.pk, "account_id": account.pk, "as_of": day, "run_id": run.pk,
                "health": None if letter == "?" else 50, "band": BANDS[letter], "coverage_pct": coverage,
                "reasons": "[]", "policy_id": policy, "policy_version": "all v1", "dimensions": "{}",
                "indicators": "[]", **(chances(p90[len(p90) - 1 - back]) if p90 else {}),
            }  # fmt: skip
            cursor.execute(
                f"INSERT INTO scoring_health_snapshot ({', '.join(columns)})"
                f" VALUES ({', '.join(['%s'] * len(columns))})",
                list(columns.values()),
            )


def chances(p90):
    return {
        "p30": 0, "p60": 0, "p90": p90, "p90_low": 0, "p90_high": 1, "logit_base": 0, "logit_parts": "{}",
        "model_id": 1, "model_version": "churn v1",
    }  # fmt: skip


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


def deed(account, kind, state, *, weeks, ended=None, outcome=""):
    at, end = (each if each is None else at_start_of(weeks_before(each)) for each in (weeks, ended))
    return work.Deed(account.pk, kind, "Executive call", state, at, end, outcome, "Dana")


def at_start_of(day):
    return datetime.combine(day, datetime.min.time(), UTC)


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
        deed(accounts["play_dismissed"], "suggestion", "dismissed", weeks=5, ended=4, outcome="not_a_risk"),
        deed(accounts["not_missed"], "play", "completed", weeks=5, ended=2, outcome="lost"),
    )
    for name, account in accounts.items():
        assert found(acme, account).by_rule == name.removesuffix(" 2"), name


def test_a_play_after_the_notice_helps_nobody(acme, monkeypatch):
    account = leave(acme, "Halden", notice=weeks_before(1))
    scored(acme, account, "rrrrrrrr")
    with_deeds(monkeypatch, deed(account, "play", "in_progress", weeks=0))
    assert found(acme, account).by_rule == "no_play"


@pytest.mark.parametrize(
    ("begun", "ended", "cause"),
    [
        (104, 90, "no_play"),  # an onboarding play of two years ago
        (104, 8, "no_play"),  # closed the week before the first flagged scoring
        (104, 7, "not_missed"),  # still running then
        (104, None, "not_missed"),
        (3, 1, "not_missed"),
    ],
)
def test_a_play_counts_when_it_ran_while_the_flag_stood(acme, monkeypatch, begun, ended, cause):
    """Scored at risk in the seven weeks before the end, calm before."""
    account = leave(acme, "Halden")
    scored(acme, account, "hrrrrrrr")
    with_deeds(monkeypatch, deed(account, "play", "completed", weeks=begun, ended=ended))
    each = found(acme, account)
    assert each.by_rule == cause
    assert (len(each.plays), len(each.plays_while_flagged)) == (1, int(cause == "not_missed"))


@pytest.mark.parametrize(
    ("decided", "cause"),
    [(100, "no_play"), (8, "no_play"), (7, "play_dismissed"), (0, "play_dismissed"), (-1, "no_play")],
)
def test_a_dismissal_counts_when_it_was_decided_while_the_flag_stood(acme, monkeypatch, decided, cause):
    account = leave(acme, "Halden")
    scored(acme, account, "hrrrrrrr")
    with_deeds(monkeypatch, deed(account, "suggestion", "dismissed", weeks=104, ended=decided))
    assert found(acme, account).by_rule == cause


def override(world, account, health, *, weeks, until=1, model=20, **values):
    """Somebody's own number, set so many weeks before the end."""
    with world.here():
        made = Override.objects.create(
            tenant=world.tenant, account=account, health=Decimal(health), model_health=model, reason="know_more",
            note="They said so.", until=weeks_before(until), author_label="Ben", **values,
        )  # fmt: skip
        Override.objects.filter(pk=made.pk).update(created_at=at_start_of(weeks_before(weeks)))


@pytest.mark.parametrize(
    ("health", "values", "cause"),
    [
        ("50", {}, "no_play"),  # raised from Critical to At risk, which is still flagged
        ("59.99", {}, "no_play"),
        ("60", {}, "override_hid"),
        (
            "59",
            {"band": "watch"},
            "override_hid",
        ),  # the person's own band counts before the number kept for it
        ("60", {"band": "at_risk"}, "no_play"),
        (
            "60",
            {"model": 70},
            "override_hid",
        ),  # lower than computed when it was set, and calm while the flag stood
        ("90", {"weeks": 20, "until": 9}, "no_play"),  # over before the flag
    ],
)
def test_an_override_hid_only_what_it_took_out_of_the_flagged_bands(acme, health, values, cause):
    account = leave(acme, "Halden")
    scored(acme, account, "hrrrrrrr")
    override(acme, account, health, **{"weeks": 4, **values})
    assert found(acme, account).by_rule == cause


def other_cuts(world):
    with world.here():
        return HealthPolicy.objects.create(tenant=world.tenant, version=77, watch_from=65, healthy_from=80).pk


def test_the_cuts_are_those_of_the_policy_that_scored_it_last(acme):
    account = leave(acme, "Halden")
    scored(acme, account, "hrrrrrrr", policy=other_cuts(acme))
    override(acme, account, "60", weeks=4)
    assert found(acme, account).by_rule == "no_play"  # At risk up to 65


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
            state="dismissed", reason="not_a_risk", decided_at=at_start_of(weeks_before(3)), decided_by_label="Ben",
            created_at=datetime.combine(weeks_before(4), datetime.min.time(), UTC),
        )  # fmt: skip
    each = found(acme, account)
    assert each.by_rule == "play_dismissed"
    assert [(one.kind, one.state, one.outcome, one.by) for one in each.deeds] == [
        ("suggestion", "dismissed", "not_a_risk", "Ben")
    ]
