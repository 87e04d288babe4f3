"""What people say beside the scores: sentiment, observations, who left and who came, feedback, corrected facts."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contact, ContactChange, Invoice, Survey, Ticket
from audit.models import AuditEvent
from integrations.importing.format import SCALES
from playbooks.models import Playbook, Recommendation
from scoring import exports, queries, services
from scoring import feedback as counted
from scoring.clock import tenant_today
from scoring.exceptions import OverrideRefused
from scoring.models import AccountHealth, PolicyIndicator
from scoring.people import corrections, feedback, notices
from scoring.people import queries as people
from scoring.people import services as said
from scoring.people.exceptions import Refused
from scoring.people.models import DataReport, Notice, PersonObservation, SourceCorrection
from scoring.people.vulnerability import Vulnerability, vulnerability, with_known
from scoring.quality import figures
from tenants import hooks
from tests.imports.bundles import bring_in, bundle
from tests.scoring.evidence import DAY, add, ago, contact, rich, score
from tests.scoring.models_by_hand import by_hand, curve, register
from tests.scoring.readings import read

pytestmark = pytest.mark.django_db
VULNERABLE = "stakeholders.champion_vulnerability"
NOTE = "marlin-marker: her chair is empty"


@pytest.fixture
def account(acme):
    account = rich(acme)
    score(acme)
    with acme.here():
        yield account


def health(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def page(client, world, who, path="", account=None, name="accounts:account", **query):
    client.force_login(getattr(world, who).user)
    args = [world.tenant.slug, *([account.pk] if account else [])]
    return client.get(reverse(name, args=args) + path, query)


# --- J4: the override of a band --------------------------------------------------------------------


def test_j4_override_a_band_for_thirty_days(client, acme, account):
    """Critical to Watch; a recalculation keeps it; on day 31 it lifts and its author is told until they put it away."""
    AccountHealth.objects.filter(account=account).update(health=Decimal("20.00"), band="critical")
    today = tenant_today(acme.tenant)
    client.force_login(acme.csm.user)
    url = reverse("scoring:override", args=[acme.tenant.slug, account.pk])
    until = today + timedelta(days=30)
    form = {"band": "watch", "until": str(until), "reason": "know_more", "note": "Their new COO called."}
    assert client.post(url, form).status_code == 303
    now = health(acme, account)
    assert (now.band, now.override_band, now.set_band) == ("critical", "watch", "watch")
    assert now.override_health == Decimal("60.00")  # the number of Watch nearest to 20

    score(acme, DAY + timedelta(days=1))
    kept = health(acme, account)
    assert kept.as_of == DAY + timedelta(days=1)
    assert (kept.override_band, kept.override_until) == ("watch", until)
    assert "Set by you: Watch" in page(client, acme, "csm", name="playbooks:queue", view="all").text

    with acme.here():
        assert services.expire_overrides(acme.tenant, today=today + timedelta(days=30)) == 0
        assert services.expire_overrides(acme.tenant, today=today + timedelta(days=31)) == 1
        assert services.expire_overrides(acme.tenant, today=today + timedelta(days=31)) == 0
    assert health(acme, account).override_band == ""
    told = "Your override of Halden Logistics (Watch) ended"
    assert told in page(client, acme, "csm", name="playbooks:queue").text
    assert told not in page(client, acme, "manager", name="playbooks:queue").text
    notice = Notice.objects.get(user=acme.csm.user)
    dismiss = reverse("scoring:dismiss_notice", args=[acme.tenant.slug, notice.pk])
    client.force_login(acme.manager.user)
    assert client.post(dismiss).status_code == 404
    client.force_login(acme.csm.user)
    assert [client.post(dismiss).status_code for _ in range(2)] == [303, 303]
    assert told not in page(client, acme, "csm", name="scoring:notices").text
    ended = AuditEvent.objects.filter(tenant=acme.tenant, verb="scoring.override_ended")
    assert [event.diff["after"]["why"] for event in ended] == ["expired"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"band": "rosy"}, "band"),
        ({"band": "watch", "health": Decimal(50)}, "band"),
        ({}, "health"),
    ],
)
def test_a_band_or_a_number_and_no_other(acme, account, values, field):
    with acme.here(), pytest.raises(OverrideRefused) as refusal:
        services.set_override(
            acme.tenant, account_id=account.pk, until=tenant_today(acme.tenant), reason="other", note="x",
            by=acme.actor("csm"), **values,
        )  # fmt: skip
    assert refusal.value.field == field


# --- sentiment -------------------------------------------------------------------------------------


def feel(world, account, level="at_risk", **values):
    with world.here():
        return said.set_sentiment(world.tenant, account=account, level=level, by=world.actor("csm"), **values)


def test_sentiment_holds_for_ninety_days_and_never_counts(acme, account):
    before = read(acme, account)
    row = feel(acme, account, "severe_risk", reasons=["price", "competitor"], note="Cold meeting.")
    today = tenant_today(acme.tenant)
    assert row.valid_until == today + timedelta(days=90)
    with acme.here():
        now = [
            people.sentiment_now(acme.tenant, account_id=account.pk, today=today + timedelta(days=each))
            for each in (0, 90, 91)
        ]
    assert [each.level if each else None for each in now] == ["severe_risk", "severe_risk", None]
    assert read(acme, account) == before


def test_sentiment_is_shown_kept_and_taken_back(client, acme, account):
    client.force_login(acme.csm.user)
    url = reverse("scoring:sentiment", args=[acme.tenant.slug, account.pk])
    until = str(tenant_today(acme.tenant) + timedelta(days=5))
    four = ["price", "support", "competitor", "onboarding"]
    form = {"sentiment-level": "neutral", "sentiment-valid_until": until, "sentiment-note": "So so."}
    assert client.post(url, {**form, "sentiment-reasons": four}).status_code == 422
    assert client.post(url, {**form, "sentiment-reasons": four[:3]}).status_code == 303
    feel(acme, account, "very_satisfied")
    text = page(client, acme, "csm", "?panels=all", account).text
    assert text.index("Very satisfied</b>") < text.index("So so.")
    client.post(reverse("scoring:end_sentiment", args=[acme.tenant.slug, account.pk]))
    assert "None holds today" in page(client, acme, "csm", "?panels=all", account).text
    verbs = AuditEvent.objects.filter(tenant=acme.tenant, verb__startswith="scoring.sentiment")
    assert sorted(verbs.values_list("verb", flat=True)) == [
        *["scoring.sentiment_set"] * 2, *["scoring.sentiment_withdrawn"] * 2,
    ]  # fmt: skip


def test_the_export_of_the_queue_has_it(acme, account):
    from playbooks.queries.queue import Wanted
    from playbooks.services.queue_export import export_queue

    feel(acme, account, "at_risk")
    with acme.here():
        lines = export_queue(
            acme.tenant, acme.csm, wanted=Wanted(view="all"), by=acme.actor("csm")
        ).splitlines()
    at = lines[0].split(",").index("csm_sentiment")
    assert lines[1].split(",")[at] == "at_risk"


# --- observations on persons -----------------------------------------------------------------------


def notice(world, account, person, who="csm", **values):
    today = tenant_today(world.tenant)
    given = {"sign": "leaving", "confidence": "high", "observed_on": today, "note": NOTE, **values}
    with world.here():
        return said.observe_person(
            world.tenant, account=account, contact_id=person.pk, by=world.actor(who), **given
        )


def champion_of(account):
    return Contact.objects.get(account=account, role="champion")


def test_an_observation_counts_from_its_day_to_its_end(acme, account):
    row = PersonObservation.objects.create(
        tenant=acme.tenant, account=account, contact=champion_of(account), sign="leaving", confidence="medium",
        observed_on=DAY - timedelta(days=1), expires_on=DAY + timedelta(days=3), author_label="x",
    )  # fmt: skip

    def with_it(days=0):
        rows = list(with_known(PersonObservation.objects.all()))
        found = vulnerability(rows, today=DAY + timedelta(days=days))
        assert found.known == 0
        return found.noticed

    days = {each: with_it(each) for each in (-2, -1, 3, 4)}
    assert days == {-2: 0, -1: pytest.approx(40), 3: pytest.approx(40), 4: 0}  # 60 points x 2/3
    PersonObservation.objects.filter(pk=row.pk).update(sign="new_manager", confidence="high")
    assert with_it() == 20
    PersonObservation.objects.filter(pk=row.pk).update(withdrawn_at=ago(2))
    assert with_it() == 0
    user = contact(acme, account, "user")
    PersonObservation.objects.filter(pk=row.pk).update(withdrawn_at=None, contact=user)
    assert with_it() == 0  # of a champion alone
    gone = {"contact": champion_of(account), "sign": "leaving"}
    PersonObservation.objects.filter(pk=row.pk).update(**gone)
    AccountHealth.objects.filter(account=account).update(run_id=0)  # nothing stored to add to
    rows = list(with_known(PersonObservation.objects.all()))
    assert vulnerability(rows, today=DAY) == Vulnerability(None, pytest.approx(60))
    assert vulnerability(rows, today=DAY + timedelta(days=9)) is None


def test_who_may_see_observations(client, acme, account):
    notice(acme, account, champion_of(account))
    seen = {}
    for who in (
        "csm",
        "manager",
        "ops_admin",
        "executive",
        "auditor",
        "revops",
        "support",
        "reviewer",
        "finance",
    ):
        seen[who] = NOTE in page(client, acme, who, "?panels=all", account).text
    assert {who for who, sees in seen.items() if sees} == {"csm", "manager", "ops_admin"}
    for who in seen:
        text = " ".join(page(client, acme, who, "?panels=all", account).text.split())
        told = "<b>60 of 100</b> with what was noticed, 0 without" in text
        assert told == (who in ("csm", "manager", "ops_admin")), who
    client.force_login(acme.auditor.user)
    url = reverse("scoring:observe", args=[acme.tenant.slug, account.pk])
    assert client.post(url, {}).status_code == 404
    with pytest.raises(Refused):
        notice(acme, account, champion_of(account), who="auditor")


def test_an_observation_is_never_outgoing(client, acme, account):
    """Not in the event log, search, the queue's export or the scores' export: neither the note nor what was seen.

    What goes out is made of snapshots, which are the same with the observation, chances and all: it cannot be told.
    """
    known_by_the_vulnerability_alone(acme)
    learnt_from_the_vulnerability_alone(acme)
    before = outgoing(acme, DAY + timedelta(days=1))
    with acme.here():
        PersonObservation.objects.create(
            tenant=acme.tenant, account=account, contact=champion_of(account), sign="leaving", confidence="high",
            observed_on=DAY - timedelta(days=1), expires_on=DAY + timedelta(days=30), author_label="x", note=NOTE,
        )  # fmt: skip
    assert outgoing(acme, DAY + timedelta(days=1)) == before
    notice(acme, account, champion_of(account))
    event = AuditEvent.objects.get(tenant=acme.tenant, verb="scoring.person_observed")
    assert NOTE not in str(event.diff)
    assert "leaving" not in str(event.diff)
    assert NOTE not in page(client, acme, "ops_admin", name="audit:log").text
    assert NOTE not in page(client, acme, "csm", name="accounts:search", q="marlin-marker").text
    client.force_login(acme.csm.user)
    assert NOTE not in client.post(reverse("playbooks:queue_export", args=[acme.tenant.slug])).text


def known_by_the_vulnerability_alone(world):
    """A policy that looks at nothing else: whatever changes it changes health, band and the first reason."""
    with world.here():
        rows = PolicyIndicator.objects.for_tenant(world.tenant)
        rows.update(weight=0, enabled=False)
        rows.filter(indicator=VULNERABLE).update(weight=100, enabled=True)


def learnt_from_the_vulnerability_alone(world):
    register(world, by_hand(curve(VULNERABLE, [0, 100], [0, 3])), as_of=date(2026, 3, 1), promote=True)


def outgoing(world, day):
    """What a scoring of that day says to others: the file, events, and the run's fingerprint of all inputs."""
    out = io.StringIO()
    run = score(world, day)
    exports.write_rows(world.tenant, as_of=day, out=out)
    with world.here():
        rows = AuditEvent.objects.filter(
            tenant=world.tenant, verb__in=("scoring.health_changed", "scoring.risk_changed")
        )
        events = [str(each.diff) for each in rows.order_by("id")]
    lines = out.getvalue().splitlines()
    assert "0." in lines[1], "there are chances to tell it by"
    return run.fingerprint, lines, events


def test_a_note_written_long_after_is_refused(acme, account):
    today = tenant_today(acme.tenant)
    for days, field in ((31, "observed_on"), (-1, "observed_on")):
        with pytest.raises(Refused) as refusal:
            notice(acme, account, champion_of(account), observed_on=today - timedelta(days=days))
        assert refusal.value.field == field
    foreign = contact(acme, acme.add_account("Other"), "champion")
    with pytest.raises(Refused):
        notice(acme, account, foreign)


# --- J6: the champion left --------------------------------------------------------------------------


def signals_from(world):
    """What the newest scoring told the queue, as its reader hands it on."""
    from playbooks import services as plays
    from playbooks.services import Signal

    events = AuditEvent.objects.filter(tenant=world.tenant, verb="scoring.health_changed").order_by("id")
    last = list(events)[-1]
    after = last.diff["after"]
    signal = Signal(
        last.account_id, Decimal(str(after["health"])), after["band"], after["low"], [1, 1, last.id]
    )
    plays.suggest(world.tenant, signals=[signal])
    return after


def test_j6_the_champion_left(client, acme, account):
    """Vulnerability rises and a play is offered; a new champion closes it."""
    champion = champion_of(account)
    Playbook.objects.filter(tenant=acme.tenant, key="champion_change").update(
        trigger_bands=["healthy", "critical", "at_risk", "watch"]
    )
    AccountHealth.objects.filter(account=account).update(band="watch")
    client.force_login(acme.csm.user)
    url = reverse("scoring:departed", args=[acme.tenant.slug, account.pk])
    form = {
        "departed-contact": champion.pk,
        "departed-new": str(DAY - timedelta(days=1)),
        "departed-why": "Wrote.",
    }
    assert client.post(url, form).status_code == 303
    champion.refresh_from_db()
    assert champion.departed_at == datetime(2026, 9, 30, tzinfo=UTC)
    before = health(acme, account).health
    assert read(acme, account)[VULNERABLE].value == 100
    assert "No champion" in page(client, acme, "csm", "?panels=all", account).text

    score(acme, DAY + timedelta(days=1))
    assert health(acme, account).health < before
    low = {each["key"] for each in signals_from(acme)["low"]}
    assert VULNERABLE in low
    offered = Recommendation.objects.get(account=account, state="suggested")
    assert VULNERABLE in {each["key"] for each in offered.cause} or offered.playbook.key != "champion_change"

    add_url = reverse("scoring:add_person", args=[acme.tenant.slug, account.pk])
    new = {"person-name": "Nina New", "person-role": "champion", "person-since": str(DAY)}
    assert client.post(add_url, new).status_code == 303
    assert read(acme, account, day=DAY + timedelta(days=2))[VULNERABLE].value == 40  # one left lately
    score(acme, DAY + timedelta(days=2))
    after = signals_from(acme)
    assert VULNERABLE not in {each["key"] for each in after["low"] if each["score"] < 40}
    offered.refresh_from_db()
    assert offered.state == "expired"
    assert "No champion" not in page(client, acme, "csm", "?panels=all", account).text


# --- corrected facts --------------------------------------------------------------------------------


def put_right(world, account, **values):
    with world.here():
        return corrections.correct(
            world.tenant, account=account, by=world.actor("ops_admin"), why="Asked them.", **values
        )


def imported(world, file):
    """What an import of that file does after its merge."""
    with world.here():
        hooks.file_imported(world.tenant, file)


def test_an_import_of_the_old_value_does_not_undo_a_correction(acme, account):
    ticket = add(acme, account, Ticket, opened_at=ago(30), closed_at=ago(9))
    kept = put_right(
        acme, account, source="ticket", row_id=ticket.pk, field="closed_at", new=str(DAY - timedelta(days=20))
    )
    assert (kept.old, kept.new) == ("2026-09-22T00:00:00+00:00", "2026-09-11T00:00:00+00:00")
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=ago(9))  # the same file again
    imported(acme, "contacts")
    ticket.refresh_from_db()
    assert ticket.closed_at == ago(9)
    imported(acme, "tickets")
    ticket.refresh_from_db()
    kept.refresh_from_db()
    assert (ticket.closed_at, kept.held, kept.superseded_at) == (ago(20), 1, None)
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=ago(2))  # the source has news
    imported(acme, "tickets")
    ticket.refresh_from_db()
    kept.refresh_from_db()
    assert ticket.closed_at == ago(2)
    assert kept.superseded_by == "2026-09-29T00:00:00+00:00"
    events = AuditEvent.objects.filter(tenant=acme.tenant, object_type="accounts.ticket").order_by("id")
    assert list(events.values_list("verb", flat=True)) == [
        "scoring.fact_corrected", "scoring.correction_held", "scoring.correction_overtaken",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "new", "at"),
    [
        ("closed_at", "2026-01-01", "new"),
        ("closed_at", "soon", "new"),
        ("closed_at", "2999-01-01", "new"),
        ("closed_at", "", "new"),
        ("csat", "3", "field"),
    ],
)
def test_what_is_no_correction(acme, account, field, new, at):
    ticket = add(acme, account, Ticket, opened_at=ago(30))
    with pytest.raises(Refused) as refusal:
        put_right(acme, account, source="ticket", row_id=ticket.pk, field=field, new=new)
    assert refusal.value.field == at


def test_the_old_role_once_more_is_no_change_of_the_person(acme, account, tmp_path):
    """An import brings back what was put right: it is held, and nobody's role has changed."""
    person = contact(acme, account, "champion")
    sent = {"contacts": [{"external_id": person.external_id, "account_external_id": account.external_id,
                          "role": "champion"}]}  # fmt: skip
    put_right(acme, account, source="contact", row_id=person.pk, field="role", new="user")
    bring_in(acme, bundle(tmp_path / "old", **sent))
    person.refresh_from_db()
    with acme.here():
        assert (person.role, ContactChange.objects.count()) == ("user", 0)
    sent["contacts"][0]["role"] = "admin"
    bring_in(acme, bundle(tmp_path / "news", **sent))
    with acme.here():
        [change] = ContactChange.objects.all()
        assert (change.old, change.new) == ("user", "admin")


def test_surveys_and_invoices_are_put_right_and_held_against_an_import(client, acme, account):
    """An answer typed wrong and a payment that was booked late: the next scoring reads them, an old file does not undo
    them."""
    said = add(acme, account, Survey, kind="nps", score=1, responded_at=ago(5))
    open_one = add(acme, account, Invoice, issued_at=ago(80), due_at=ago(50), amount=900, currency="USD")
    assert read(acme, account)["business.overdue_days"].value == 50
    put_right(acme, account, source="survey", row_id=said.pk, field="score", new="9")
    paid = str(DAY - timedelta(days=52))
    kept = put_right(acme, account, source="invoice", row_id=open_one.pk, field="paid_at", new=paid)
    assert (kept.old, kept.row_label) == ("", f"Invoice {open_one.external_id}")
    found = read(acme, account)
    assert found["satisfaction.nps_latest"].value == 9
    assert found["business.overdue_days"].value == 0
    with acme.here():
        Survey.objects.filter(pk=said.pk).update(score=1)
        Invoice.objects.filter(pk=open_one.pk).update(paid_at=None)
    imported(acme, "surveys")
    imported(acme, "invoices")
    for row in (said, open_one):
        row.refresh_from_db()
    assert (said.score, open_one.paid_at) == (9, ago(52))
    answer(client, acme, account, said="wrong_fact", key="satisfaction.nps_latest")
    report = DataReport.objects.get(account=account)
    text = page(client, acme, "ops_admin", f"{report.pk}/", name="scoring:reports").text
    for place in (
        f"survey:{said.pk}:score",
        f"invoice:{open_one.pk}:paid_at",
        f"invoice:{open_one.pk}:due_at",
    ):
        assert place in text


@pytest.mark.parametrize(
    ("source", "field", "new"),
    [
        ("survey", "score", "11"),
        ("survey", "score", "-1"),
        ("survey", "score", "nine"),
        ("survey", "score", ""),
        ("survey", "comment", "Fine."),
        ("invoice", "due_at", ""),
        ("invoice", "due_at", "2020-01-01"),
        ("invoice", "paid_at", "2999-01-01"),
        ("invoice", "amount", "1"),
    ],
)
def test_what_is_no_correction_of_a_survey_or_an_invoice(acme, account, source, field, new):
    rows = {
        "survey": add(acme, account, Survey, kind="nps", score=1, responded_at=ago(5)),
        "invoice": add(acme, account, Invoice, issued_at=ago(80), due_at=ago(50), amount=900, currency="USD"),
    }
    with pytest.raises(Refused):
        put_right(acme, account, source=source, row_id=rows[source].pk, field=field, new=new)


def test_the_scales_are_those_of_imports():
    assert corrections.SCALES == SCALES


def test_a_row_of_another_account_is_not_there(acme, account):
    ticket = add(acme, acme.add_account("Other"), Ticket, opened_at=ago(30))
    with pytest.raises(Refused):
        put_right(acme, account, source="ticket", row_id=ticket.pk, field="closed_at", new=str(DAY))


# --- feedback ---------------------------------------------------------------------------------------


def answer(client, world, account, said="helpful", who="csm", htmx=False, **values):
    client.force_login(getattr(world, who).user)
    form = {"about": "reason", "key": "usage.trend_30d", "said": said, **values}
    url = reverse("scoring:feedback", args=[world.tenant.slug, account.pk])
    return client.post(url, form, headers={"HX-Request": "true"} if htmx else {})


def test_feedback_is_one_click_counted_and_undone(client, acme, account):
    since = timezone.now() - timedelta(days=1)
    assert answer(client, acme, account).status_code == 303
    assert answer(client, acme, account, who="manager", said="not_helpful").status_code == 303
    assert "Undo" in answer(client, acme, account, htmx=True).text
    with acme.here():
        found = counted.counts(acme.tenant, since)
    assert found == {"usage.trend_30d": {"helpful": 1, "not_helpful": 1, "wrong_fact": 0}}
    assert "Not helpful" in answer(client, acme, account, said="", htmx=True).text
    with acme.here():
        found = counted.counts(acme.tenant, since)
        assert counted.counts(acme.tenant, timezone.now()) == {}
    assert found == {"usage.trend_30d": {"helpful": 0, "not_helpful": 1, "wrong_fact": 0}}
    assert answer(client, acme, account, about="recommendation", key="7").status_code == 422, (
        "never suggested"
    )
    for wrong in ({"key": "usage.mood"}, {"said": "meh"}, {"about": "life"}, {"about": "recommendation"}):
        assert answer(client, acme, account, **wrong).status_code == 422


def suggested(world, account, key="champion_change"):
    with world.here():
        playbook = Playbook.objects.get(tenant=world.tenant, key=key)
        return Recommendation.objects.create(
            tenant=world.tenant, account=account, playbook=playbook,
            cause=[{"key": VULNERABLE, "text": "The champion's vulnerability is 100 of 100", "day": str(DAY)}],
        )  # fmt: skip


def test_answers_on_a_suggestion_reach_the_quality_page_and_its_report_by_the_plays_name(
    client, acme, account
):
    row = suggested(acme, account)
    name = row.playbook.name
    for who, word in (("csm", "helpful"), ("manager", "wrong_fact")):
        given = {"about": "recommendation", "key": str(row.playbook_id), "said": word}
        assert answer(client, acme, account, who=who, **given).status_code == 303
    with acme.here():
        found = counted.counts(acme.tenant, timezone.now() - timedelta(days=1))
        shown = figures.reasons(found)
        report = DataReport.objects.get(account=account)
    tallies = {"helpful": 1, "not_helpful": 0, "wrong_fact": 1}
    assert found == {f"Suggested play: {name}": tallies}
    assert shown == [{"label": f"Suggested play: {name}", "n": 2, **tallies}]
    listed = page(client, acme, "ops_admin", name="scoring:reports").text
    url = reverse("scoring:report", args=[acme.tenant.slug, report.pk])
    for text in (listed, client.get(url).text):
        assert f"Suggested play: {name}" in text
        assert f"{name}: The champion&#x27;s vulnerability is 100 of 100" in text
        assert "The reason is not shown any more" not in text


def test_the_drawer_asks_for_feedback(client, acme, account):
    AccountHealth.objects.filter(account=account).update(
        reasons=[{"key": "usage.trend_30d", "dimension": "usage", "text": "Usage down 44%", "day": None}]
    )
    client.force_login(acme.csm.user)
    text = client.get(reverse("playbooks:queue_why", args=[acme.tenant.slug, account.pk])).text
    assert 'value="wrong_fact"' in text
    assert 'value="usage.trend_30d"' in text
    answer(client, acme, account, said="wrong_fact", note="They moved to another plan.")
    text = client.get(reverse("playbooks:queue_why", args=[acme.tenant.slug, account.pk])).text
    assert "Wrong fact, reported" in text
    assert feedback.ReasonFeedback.objects.get(account=account).words == "Usage down 44%"
    assert "Wrong fact, reported" in page(client, acme, "csm", "?panels=all", account).text


def test_a_wrong_fact_is_put_right_with_trace(client, acme, account):
    """From the click to the source row, the event, and the notice to whoever said it."""
    answer(client, acme, account, said="wrong_fact", key="stakeholders.champion_present", note="She left.")
    report = DataReport.objects.get(account=account)
    champion = champion_of(account)
    assert "She left." in page(client, acme, "ops_admin", name="scoring:reports").text
    url = reverse("scoring:report", args=[acme.tenant.slug, report.pk])
    place = f"contact:{champion.pk}:role"
    assert place in client.get(url).text
    form = {"place": place, "new": "user", "why": "Asked the account team."}
    fix = reverse("scoring:report_correct", args=[acme.tenant.slug, report.pk])
    assert client.post(fix, {**form, "new": "king"}).status_code == 422
    assert client.post(fix, form).status_code == 303
    champion.refresh_from_db()
    report.refresh_from_db()
    assert (champion.role, report.state) == ("user", "corrected")
    kept = SourceCorrection.objects.get(report=report)
    assert (kept.old, kept.new, kept.author) == ("champion", "user", acme.ops_admin.user)
    event = AuditEvent.objects.get(tenant=acme.tenant, verb="scoring.fact_corrected")
    assert event.diff == {
        "before": {"role": "champion"}, "after": {"role": "user", "why": "Asked the account team."},
    }  # fmt: skip
    with acme.here():
        assert [each.kind for each in notices.newest(acme.tenant, acme.csm)] == ["report_answered"]
    assert "Asked the account team." in page(client, acme, "ops_admin", name="scoring:reports").text


def test_a_report_is_answered_once(client, acme, account):
    """The second admin, or the second click, changes nothing, and reads why."""
    answer(client, acme, account, said="wrong_fact", key="stakeholders.champion_present")
    report = DataReport.objects.get(account=account)
    champion = champion_of(account)
    client.force_login(acme.ops_admin.user)
    close, fix = (
        reverse(f"scoring:report_{name}", args=[acme.tenant.slug, report.pk]) for name in ("close", "correct")
    )
    assert client.post(close, {"answer": "It is right."}).status_code == 303
    late = client.post(close, {"answer": "No, it is wrong."})
    form = {"place": f"contact:{champion.pk}:role", "new": "user", "why": "Asked."}
    for refused in (late, client.post(fix, form)):
        assert refused.status_code == 422
        assert "no longer open: closed without a change" in refused.text
    report.refresh_from_db()
    champion.refresh_from_db()
    assert (report.answer, champion.role) == ("It is right.", "champion")
    with acme.here():
        assert len(notices.newest(acme.tenant, acme.csm)) == 1


@pytest.mark.parametrize("who", ["auditor", "reviewer", "support"])
def test_who_only_reads_is_not_asked_for_feedback(client, acme, account, who):
    AccountHealth.objects.filter(account=account).update(
        reasons=[{"key": "usage.trend_30d", "dimension": "usage", "text": "Usage down 44%", "day": None}]
    )
    assert answer(client, acme, account, who=who).status_code == 403
    drawer = client.get(reverse("playbooks:queue_why", args=[acme.tenant.slug, account.pk])).text
    assert "Usage down 44%" in drawer
    for text in (drawer, page(client, acme, who, "?panels=all", account).text):
        assert "wrong_fact" not in text


def test_taking_back_a_wrong_fact_closes_its_report(client, acme, account):
    answer(client, acme, account, said="wrong_fact")
    report = DataReport.objects.get(account=account)
    answer(client, acme, account, said="")
    report.refresh_from_db()
    assert report.state == "withdrawn"
    client.force_login(acme.ops_admin.user)
    assert client.get(reverse("scoring:report", args=[acme.tenant.slug, report.pk])).status_code == 404


def leaving(world, account):
    """A standing chance with a reason of an indicator that health names too, and one of the term's end."""
    AccountHealth.objects.filter(account=account).update(
        p90="0.4", p90_low="0.3", p90_high="0.5",
        reasons=[{"key": "usage.trend_30d", "dimension": "usage", "text": "Usage down 44%", "day": None}],
        chance_reasons=[
            {"key": "usage.trend_30d", "text": "Usage down 44%", "part": 0.8, "points": 12.0, "day": None},
            {"key": "contract.timing", "text": "When the term ends", "part": -0.4, "points": -5.0, "day": None},
        ],
    )  # fmt: skip


def test_each_reason_of_a_chance_asks_for_feedback(client, acme, account):
    """On the account page and in the drawer; what is said reaches the counts, the report and the quality page."""
    leaving(acme, account)
    client.force_login(acme.csm.user)
    panel = reverse("accounts:panel", args=[acme.tenant.slug, account.pk, "chance"])
    drawer = reverse("playbooks:queue_why", args=[acme.tenant.slug, account.pk])
    for url, least in ((panel, 2), (drawer, 3)):  # the drawer has the reason of health beside
        text = client.get(url).text
        assert text.count('value="wrong_fact"') == least
        assert 'name="key" value="contract.timing"' in text
    said = {"key": "contract.timing", "said": "wrong_fact", "note": "It ends in May.", "beside": "chance"}
    reply = answer(client, acme, account, **said)
    assert reply["Location"].endswith("#panel-chance")
    assert "Wrong fact, reported" in client.get(panel).text
    assert 'name="beside" value="chance"' in answer(client, acme, account, htmx=True, **said).text
    assert feedback.ReasonFeedback.objects.get(account=account).words == "When the term ends"
    with acme.here():
        found = counted.counts(acme.tenant, timezone.now() - timedelta(days=1))
    assert found["contract.timing"]["wrong_fact"] == 1
    assert "Time to the contract&#x27;s end" in page(client, acme, "ops_admin", name="scoring:reports").text
    assert figures.reasons(found)[0]["label"] == "Time to the contract's end"
    for wrong in ("contract.mood", "segment.nobody", "account."):
        assert answer(client, acme, account, key=wrong).status_code == 422


def test_who_only_reads_is_not_asked_of_the_chance(client, acme, account):
    leaving(acme, account)
    client.force_login(acme.support.user)
    for name, args in (("accounts:panel", [account.pk, "chance"]), ("playbooks:queue_why", [account.pk])):
        text = client.get(reverse(name, args=[acme.tenant.slug, *args])).text
        assert "When the term ends" in text
        assert "wrong_fact" not in text
