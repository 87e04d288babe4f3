"""The page of what changed and the brief, on two scored days made by hand."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from math import fsum

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    Account,
    Contact,
    ContactChange,
    Invoice,
    Objective,
    Outcome,
    Subscription,
    Survey,
    Ticket,
    UsageDetail,
)
from scoring import changes, queries
from scoring.catalogue import BY_KEY
from scoring.clock import tenant_today
from scoring.models import (
    AccountHealth,
    Competitor,
    CompetitorMention,
    HealthPolicy,
    Override,
    ScoreRun,
)
from scoring.people import corrections
from scoring.people.models import SourceCorrection
from scoring.services import set_override
from scoring.why import change_queries
from scoring.why.changes import between
from tests.scoring.evidence import DAY, add, ago, rich, score, subscribe
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db

OVERDUE, NPS = "business.overdue_days", "satisfaction.nps_latest"
THEN = DAY - timedelta(days=30)


def get(client, world, name, account, query="", role="csm"):
    client.force_login(world.people[role].user)
    return client.get(reverse(f"scoring:{name}", args=[world.tenant.slug, account.pk]) + query)


def fitted(slope=2):
    return by_hand(curve(OVERDUE, [0, 50], [0, slope]), curve(NPS, [0, 10], [0.5, -0.5], missing=0.25))


@pytest.fixture
def world(acme):
    """Scored 30 days ago and today; between, an invoice fell due and everybody's usage fell silent."""
    account = rich(acme)
    add(acme, account, Invoice, issued_at=ago(55), due_at=ago(25), amount=Decimal(100), currency="USD")
    register(acme, fitted(), as_of=date(2026, 8, 1))
    with acme.here():  # without usage there is a score still
        HealthPolicy.objects.filter(state="published").update(min_coverage_pct=10)
    score(acme, THEN)
    later = DAY + timedelta(days=16)  # usage ends on 30 Sep: 16 days of silence are late
    score(acme, later)
    return acme, account, later


def split(tenant, viewer, account, since, until):
    found = between(tenant, viewer, account, since, until)
    return found["health"], found["chance"]


def standings(world, account, since, until):
    with world.here():
        runs = queries.effective_runs(world.tenant)
        return change_queries.pair(world.tenant, account, runs, (since, until))


def test_real_snapshots_add_up_and_the_late_feed_is_marked(client, world):
    acme, account, later = world
    with acme.here():
        health, chance = split(acme.tenant, acme.csm, account, THEN, later)
    assert health.before + sum(group.total for group in health.groups) == health.after
    assert all(sum(line.amount for line in group.lines) == group.total for group in health.groups)
    late = {
        group.key: [line.late for line in group.lines if "Product usage" in line.late]
        for group in health.groups
    }
    assert set(late.pop("missing")) == {"Product usage: late on 17 Oct 2026"}
    assert not any(late.values())  # it moved no value and no policy
    assert chance.before + sum(group.total for group in chance.groups) == chance.after
    assert {group.key for group in chance.groups} >= {"values"}
    text = get(client, acme, "changes", account, f"?from={THEN}&to={later}").text
    assert "Product usage: late on 17 Oct 2026" in text
    assert re.search(r"\?kind=Billing&amp;before=2026-\d\d-\d\dT", text.replace("%3A", ":"))
    assert "because" not in text.lower()


class Rows(HTMLParser):
    """How many columns each row of a page's tables takes, without the cells that a narrow screen leaves out."""

    def __init__(self, text):
        super().__init__()
        self.columns = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "tr":
            self.columns.append(0)
        elif tag in ("td", "th") and "hide-n" not in (told.get("class") or "").split():
            self.columns[-1] += int(told.get("colspan") or 1)


def test_on_a_narrow_screen_no_row_is_wider_than_the_others(client, world):
    acme, account, later = world
    text = get(client, acme, "changes", account, f"?from={THEN}&to={later}").text
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(tables) == 2  # health and chance
    for table in tables:
        assert set(Rows(table).columns) == {2}  # part and points


def test_the_chance_adds_up_to_1e_9_also_across_two_models(world):
    acme, account, later = world
    register(acme, fitted(slope=3), as_of=date(2026, 10, 1))
    again = later + timedelta(days=1)
    score(acme, again)
    for until, kinds in ((later, set()), (again, {"model"})):
        found = standings(acme, account, THEN, until)
        first, last = (change_queries.chance_day(each, account) for each in (found.first, found.last))
        change = changes.chance_change(first, last)
        assert abs(fsum(part.logit for part in change.parts) - (last.logit - first.logit)) < 1e-9
        assert abs(last.p - float(found.last.snapshot.p90)) < 1e-9
        assert {part.kind for part in change.parts} >= kinds


def test_another_policy_and_an_override_are_parts_of_their_own(client, world):
    acme, account, later = world
    with acme.here():
        old = HealthPolicy.objects.get(state="published")
        rows = queries.with_rows(acme.tenant, [old])[0].rows
        HealthPolicy.objects.filter(pk=old.pk).update(state="retired")
        new = HealthPolicy.objects.create(
            tenant=acme.tenant, segment="", version=9, state="published", min_coverage_pct=10
        )
        heavy = next(row for row in rows if row.indicator == OVERDUE)
        for row in rows:
            row.pk, row.policy, row._state.adding = None, new, True
            row.weight = row.weight + 5 if row is heavy else row.weight
            row.save()
    again = later + timedelta(days=1)
    score(acme, again)
    with acme.here():
        Override.objects.create(
            tenant=acme.tenant, account=account, health=Decimal(77), reason="know_more", note="",
            until=again + timedelta(days=30), author_label="Priya Raman",
            created_at=datetime(2026, 10, 18, 9, tzinfo=UTC),
        )  # fmt: skip
        health, _ = split(acme.tenant, acme.csm, account, later, again)
    totals = {group.key: group.total for group in health.groups}
    assert health.after == 77
    assert health.before + sum(totals.values()) == 77
    assert totals["override"] != 0
    assert totals["policy"] != 0
    assert "computed" not in totals
    text = get(client, acme, "changes", account, f"?from={later}&to={again}").text
    assert "77 by Priya Raman" in text
    assert "all v9" in text
    page, label = reverse("accounts:account", args=["acme", account.pk]), BY_KEY[OVERDUE].label
    assert f'<a href="{page}?panels=all#panel-override">A person&#x27;s own number</a>' in text
    assert f'<a href="{reverse("scoring:indicators", args=["acme"])}#{OVERDUE}">{label}</a>' in text
    diff = f"{reverse('scoring:policy_diff', args=['acme', new.pk])}?with={old.pk}"
    assert diff not in text  # not for a CSM
    admins = get(client, acme, "changes", account, f"?from={later}&to={again}", "ops_admin").text
    assert f'<a href="{diff}">{label}</a>' in admins
    assert label in client.get(diff).text


def test_parts_of_the_model_and_of_time_have_their_page(client, world, monkeypatch):
    """The version for who may open it, else the chance that was made of it; the contract for its end."""
    acme, account, later = world
    again = later + timedelta(days=1)
    model = register(acme, fitted(slope=3), as_of=date(2026, 10, 1))
    score(acme, again)
    page, own = (
        reverse(name, args=["acme", pk])
        for name, pk in (("accounts:account", account.pk), ("scoring:model", model.pk))
    )
    texts = [
        get(client, acme, "changes", account, f"?from={later}&to={again}", role).text
        for role in ("manager", "csm")
    ]
    assert f'<a href="{own}">Model</a>' in texts[0]
    assert f'<a href="{page}?panels=all#panel-chance">Model</a>' in texts[1]
    assert own not in texts[1]
    assert all(words in text for text in texts for words in ("churn v1</td>", "churn v2</td>"))
    read = change_queries.chance_day

    def nearer(standing, account):
        """As though the contract's end had come nearer; the model by hand has no timing."""
        found = read(standing, account)
        return replace(found, parts={**found.parts, changes.TIMING: 0.5}) if standing.day == later else found

    monkeypatch.setattr(change_queries, "chance_day", nearer)
    text = get(client, acme, "changes", account, f"?from={THEN}&to={later}").text
    label = "Time to the contract&#x27;s end"
    assert f'<a href="{page}?panels=all#panel-contract">{label}</a>' in text


def test_days_that_are_none_are_refused_and_days_without_a_score_are_told(client, world):
    acme, account, later = world
    assert get(client, acme, "changes", account, "?from=nonsense").status_code == 422
    assert get(client, acme, "changes", account, f"?from={later}&to={THEN}").status_code == 422
    assert (
        "Nothing to compare" in get(client, acme, "changes", account, "?from=2020-01-01&to=2020-02-01").text
    )
    near = get(client, acme, "changes", account, f"?from={THEN + timedelta(days=3)}&to={later}").text
    assert "the scored days nearest to what was asked" in near


def test_the_account_page_has_the_last_30_days(client, acme):
    account = rich(acme)
    assert "No score yet" in _panel(client, acme, account)
    score(acme, THEN)
    score(acme)
    text = _panel(client, acme, account)
    assert "1 Sep to 1 Oct" in text
    assert "Between any two days" in text


def _panel(client, world, account):
    client.force_login(world.csm.user)
    return client.get(reverse("accounts:panel", args=[world.tenant.slug, account.pk, "changes"])).text


# The brief


@pytest.fixture
def briefed(acme):
    """An account with something for every section, and eleven other customers with the same product."""
    account = rich(acme, ae_email="account_executive@acme.example")
    ticket = add(
        acme, account, Ticket, opened_at=ago(9), escalated_at=ago(8), subject="Import fails", priority="high"
    )
    add(
        acme,
        account,
        Contact,
        role="executive_sponsor",
        name="Erik Haugen",
        departed_at=ago(20),
        joined_at=ago(500),
    )
    add(
        acme,
        account,
        Objective,
        name="Fewer night shifts",
        declared_at=ago(200),
        due_at=ago(10),
        expected_value=50_000,
    )
    term = {
        "product": "Board",
        "seats": 100,
        "list_arr": Decimal(15_000),
        "notice_days": 60,
        "auto_renew": True,
    }
    subscribe(acme, account, arr="10000", started_at=ago(565), renewal=date(2026, 3, 14), product="Board")
    subscribe(acme, account, arr="12000", renewal=date(2026, 12, 20), **term)
    add(
        acme,
        account,
        Outcome,
        kind="renewed",
        effective_at=ago(200),
        arr_before=10_000,
        arr_after=12_000,
        currency="USD",
    )
    said = add(
        acme, account, Survey, kind="nps", score=4, responded_at=ago(5), comment="Rivalsoft does it faster"
    )
    others = [with_board(acme, number) for number in range(11)]
    with acme.here():
        rival = Competitor.objects.create(tenant=acme.tenant, name="Rivalsoft")
        CompetitorMention.objects.create(
            tenant=acme.tenant, account=account, competitor=rival, kind="survey", row_id=said.pk, at=ago(5)
        )
        _use(acme, account, "Planner")
        for at, other in enumerate(others):
            _use(acme, other, "Planner", *(["Night mode"] if at < 7 else []))
    score(acme, DAY - timedelta(days=90))
    score(acme)
    return account, ticket


def with_board(world, number, **values):
    other = world.add_account(f"Other {number}", **{"customer_since": date(2025, 1, 1), **values})
    subscribe(world, other, product="Board", renewal=date(2027, 2, 1))
    return other


def _use(world, account, *features):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('accounts_usage_detail', %s)", [date(2026, 9, 1)])
    UsageDetail.objects.bulk_create(
        UsageDetail(
            tenant=world.tenant, account=account, day=DAY - timedelta(days=3), contact_external_id="c", product="Board",
            feature=feature, count=5, source="test", recorded_at=timezone.now(),
        )
        for feature in features
    )  # fmt: skip


def test_every_section_has_its_sentences_and_every_sentence_cites(client, acme, briefed):
    account, _ = briefed
    text = get(client, acme, "brief", account).text
    assert "Negotiation brief: Halden Logistics" in text
    assert "renews 20 Dec 2026, in 80 days" in text
    assert "Ready</span>" in text
    for words in (
        "Health is ",
        "is not yet calibrated",
        "Fewer night shifts, due 21 Sep 2026 and past it, not measured.",
        "0% of the expected value was realised, of 1 objective",
        "is escalated since 23 Sep 2026: Import fails.",
        "Erik Haugen, executive sponsor, left on 11 Sep 2026.",
        "Rivalsoft was named in a survey answer on 26 Sep 2026.",
        "Board, 100 seats until 20 Dec 2026, renews by itself, notice by 21 Oct 2026.",
        "$12k a year, 20% below list, +20% against the term before.",
        "Renewed on 15 Mar 2026, $10k to $12k a year.",
        "Night mode (Board): not used in 90 days; 7 of 11 other customers with the product that you may see used it.",
    ):
        assert words in text, words
    assert "Planner (Board)" not in text
    items = re.findall(r"<li>(.*?)</li>", text[text.index("Trajectory") :], re.S)
    assert len(items) >= 10
    assert all("<a href=" in each for each in items if "lines" not in each and "</svg>" not in each)


def test_an_override_in_force_stands_beside_the_computed_band(client, acme, briefed):
    """With its author, end and reason, until its last day; a band that somebody set is said without a number."""
    account, _ = briefed
    given = {"reason": "know_more", "note": "Met their chief.", "by": acme.actor("csm")}
    with acme.here():
        until = tenant_today(acme.tenant) + timedelta(days=9)
        set_override(acme.tenant, account_id=account.pk, health=Decimal(30), until=until, **given)
    said = f"by {given['by'].label}, until {until:%-d %b %Y} (I know something the data does not)."
    text = get(client, acme, "brief", account).text
    assert re.search(r"Computed health is \d+ \(\w+\)", text)
    assert f"An override stands beside it: 30 (critical), {said}" in text
    assert "?panels=all#panel-override" in text
    with acme.here():
        set_override(acme.tenant, account_id=account.pk, band="healthy", until=until, **given)
    assert f"An override stands beside it: healthy, {said}" in get(client, acme, "brief", account).text
    with acme.here():
        AccountHealth.objects.filter(account=account).update(override_until=DAY - timedelta(days=1))
    text = get(client, acme, "brief", account).text
    assert "An override stands beside it" not in text
    assert "Computed health" not in text


def test_a_competitor_that_was_switched_off_is_not_named(client, acme, briefed):
    account, _ = briefed
    with acme.here():
        Competitor.objects.update(is_active=False)
    text = get(client, acme, "brief", account).text
    assert "Rivalsoft was named" not in text
    assert "No known competitor was named in a year." in text


def test_features_are_compared_with_customers_that_the_viewer_may_see(client, acme, briefed):
    """Not with who left, is tracked by no feature, or is hidden from the viewer; and never with fewer than ten."""
    account, _ = briefed
    add(acme, with_board(acme, 11), Outcome, kind="churned", effective_at=ago(3))
    with_board(acme, 12)  # no use by feature comes from there
    hidden = with_board(acme, 13, owner="csm2")
    with acme.here():
        for name in ("Other 11", "Other 13"):
            _use(acme, Account.objects.get(name=name), "Night mode")
    words = "not used in 90 days; {} of {} other customers with the product that you may see used it."
    assert words.format(7, 11) in get(client, acme, "brief", account).text
    assert words.format(8, 12) in get(client, acme, "brief", account, role="manager").text
    with acme.here():
        gone = Account.objects.filter(name__in=["Other 9", "Other 10"])
        gone.update(customer_since=None)
    text = get(client, acme, "brief", account).text
    assert "Night mode" not in text
    assert "fewer than 10 others with the product are known" in text
    assert hidden.name not in text


def test_a_role_that_was_put_right_is_a_change_of_sponsors(client, acme, briefed):
    account, _ = briefed
    with acme.here():
        person = Contact.objects.get(account=account, role="champion")
        other = Contact.objects.create(tenant=acme.tenant, account=account, external_id="U", name="A User")
        for row, new in ((person, "user"), (other, "admin")):
            corrections.correct(
                acme.tenant, account=account, source="contact", row_id=row.pk, field="role", new=new,
                why="She told us.", by=acme.actor("ops_admin"),
            )  # fmt: skip
        SourceCorrection.objects.filter(account=account).update(created_at=ago(4))
    text = get(client, acme, "brief", account).text
    name = person.name or person.external_id
    assert f"{name}: role corrected from champion to user on 27 Sep 2026 (She told us)." in text
    assert "A User" not in text  # neither role has a part to play
    with acme.here():
        SourceCorrection.objects.filter(account=account).update(created_at=ago(0, -5))
    assert "role corrected" not in get(client, acme, "brief", account).text


def test_another_role_or_title_is_a_change_of_sponsors_with_its_day_and_record(client, acme, briefed):
    account, _ = briefed
    with acme.here():
        person = Contact.objects.get(account=account, role="champion")
        user = Contact.objects.create(
            tenant=acme.tenant, account=account, external_id="U", name="A User", role="user"
        )
        made = [
            ContactChange.objects.create(
                tenant=acme.tenant, contact=who, field=field, old=old, new=new, changed_at=ago(days)
            )
            for who, field, old, new, days in (
                (person, "role", "user", "champion", 30), (person, "title", "Analyst", "Head <of> IT", 4),
                (user, "role", "executive_sponsor", "user", 9), (user, "title", "Clerk", "Adviser", 4),
                (user, "role", "admin", "user", 4), (person, "title", "Head <of> IT", "CIO", 0),
                (person, "title", "Intern", "Analyst", 366),
            )
        ]  # fmt: skip
    text = get(client, acme, "brief", account).text
    name = person.name or person.external_id
    wanted = (
        f"{name}, champion: title changed from Analyst to Head &lt;of&gt; IT, known since 27 Sep 2026.",
        "A User: role changed from executive sponsor to user, known since 22 Sep 2026.",
        f"{name}: role changed from user to champion, known since 1 Sep 2026.",
    )
    assert sorted(wanted, key=text.index) == list(wanted)  # newest first
    assert text.count("known since") == 3
    place = f"#evidence-changed-{made[1].pk}"
    link = unescape(re.search(rf'href="([^"]*{place})"', text).group(1))
    line = client.get(link).text
    assert f'id="{place[1:]}"' in line
    assert f"{name} has another title" in line
    assert "Analyst before, now Head &lt;of&gt; IT" in line


def test_the_brief_knows_what_was_known_before_its_day(client, acme, briefed):
    """As the scores of that day: an escalation, a notice and a departure of the day itself are not in it yet."""
    account, ticket = briefed
    add(acme, account, Ticket, opened_at=ago(2), escalated_at=ago(0, -9), subject="Escalated that morning")
    add(acme, account, Contact, role="champion", name="Left at noon", departed_at=ago(0, -12))
    with acme.here():
        Ticket.objects.filter(pk=ticket.pk).update(closed_at=ago(0, -10))
        Subscription.objects.filter(account=account).update(cancelled_at=ago(0, -11))
    text = get(client, acme, "brief", account).text
    for later in ("Escalated that morning", "Left at noon", "notice was given"):
        assert later not in text, later
    assert "Import fails" in text  # it was closed after the day had begun


def test_a_citation_opens_the_timeline_at_its_row(client, acme, briefed):
    account, ticket = briefed
    text = get(client, acme, "brief", account).text
    found = re.search(rf'href="([^"]+)#evidence-ticket-{ticket.pk}"', text)
    page = client.get(found[1].replace("&amp;", "&")).text
    shown = re.findall(r'id="(evidence-\w+-\d+)"', page)
    assert shown[0] == f"evidence-ticket-{ticket.pk}"


def test_the_account_executive_opens_it_and_others_do_not_see_money(client, acme, globex, briefed):
    account, _ = briefed
    assert get(client, acme, "brief", account, role="account_executive").status_code == 200
    text = get(client, acme, "brief", account, role="support").text
    assert "$12k" not in text
    assert "(not shown to your role) a year" in text
    with acme.here():
        Account.objects.filter(pk=account.pk).update(ae_email="somebody@else.example")
    for page in ("brief", "changes"):
        assert get(client, acme, page, account, role="account_executive").status_code == 404
        assert get(client, globex, page, account).status_code == 404


def test_a_stale_source_blocks_ready_and_is_named(client, acme, briefed):
    account, _ = briefed
    with acme.here():
        run = ScoreRun.objects.get(as_of=DAY, is_unchanged=False)
        run.summary["sources"]["usage"]["late"] = True
        run.save()
    text = get(client, acme, "brief", account).text
    assert "Not ready" in text
    assert "Product usage is late: what came since is not in this brief." in text


def test_far_from_a_renewal_and_never_scored_it_says_so(client, acme):
    account = acme.add_account("Fresh", customer_since=date(2026, 9, 1))
    text = get(client, acme, "brief", account).text
    assert "Brief: Fresh" in text
    assert "Negotiation" not in text
    assert "The account was not scored yet" in text
    assert "Not ready" in text


def test_chances_are_in_the_brief_once_there_is_a_model(client, world):
    acme, account, _ = world
    text = get(client, acme, "brief", account).text
    assert "Chance of leaving within 90 days: " in text
    assert "points of the chance." in text
    with acme.here():
        assert AccountHealth.objects.get(account=account).chance_reasons


def test_both_pages_cost_at_most_twelve_statements(client, world, query_count):
    acme, account, later = world
    register(acme, fitted(slope=3), as_of=date(2026, 10, 1))
    score(acme, later + timedelta(days=1))
    for page in ("changes", "brief"):
        get(client, acme, page, account)
        address = reverse(f"scoring:{page}", args=["acme", account.pk])
        assert query_count(lambda address=address: client.get(address)) <= 12, page
