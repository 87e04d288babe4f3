"""Answers in the queue as a browser sends them: with htmx and without, once and twice, alone and for many rows."""

import csv
import io
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from playbooks import services
from playbooks.models import Play, Recommendation
from tests.playbooks.makers import open_of
from tests.playbooks.test_queue import put, reason, scored

pytestmark = pytest.mark.django_db
State = Recommendation.State
HTMX = {"HX-Request": "true"}


@pytest.fixture
def row(acme):
    """A suggestion on an account of acme's csm."""
    account = put(acme, "Halden Logistics")
    with acme.here():
        return open_of(acme, account)


@pytest.fixture
def browser(client, acme):
    client.force_login(acme.csm.user)
    return client


def url(name, *arguments):
    return reverse(f"playbooks:{name}", args=["acme", *arguments])


def fresh(world, row):
    with world.here():
        return Recommendation.objects.for_tenant(world.tenant).get(pk=row.pk)


def a_week_on():
    return str(timezone.now().date() + timedelta(days=7))


class TestAccept:
    def test_the_row_becomes_a_line_with_undo_and_the_numbers_follow(self, browser, acme, row):
        put(acme, "Another")
        answer = browser.post(url("accept", row.pk), {"version": 1, "back": ""}, headers=HTMX)
        assert answer.status_code == 200
        line = answer.text.split("</tr>")[0]
        assert f'class="done" role="row" id="item-{row.account_id}"' in line
        assert "Usage recovery starts. First task is due" in line
        assert url("undo", row.pk) in line
        assert "data-keys" not in line
        assert f'id="item-{row.account_id}-why" hidden hx-swap-oob="true"' in answer.text
        assert 'id="queue-summary" hx-swap-oob="true"' in answer.text
        assert '<span class="count" id="nav-count-playbooks-queue" hx-swap-oob="true">1<' in answer.text
        assert 'hx-swap-oob="beforeend:#toasts"' in answer.text
        assert "Today: 1 of 2 decided" in answer.text
        assert fresh(acme, row).state == State.ACCEPTED

    def test_undo_leaves_the_page_before_it_stops_working(self, browser, acme, row):
        from playbooks.services.decisions import START_GRACE_SECONDS

        answer = browser.post(url("accept", row.pk), {"version": 1}, headers=HTMX)
        assert 'data-leaves="8"' in answer.text
        assert START_GRACE_SECONDS > 0
        put(acme, "Other")
        with acme.here():
            other = Recommendation.objects.for_tenant(acme.tenant).get(account__name="Other")
        answer = browser.post(url("dismiss", other.pk), {"version": 1, "reason": "handled"}, headers=HTMX)
        assert 'data-leaves="120"' in answer.text

    def test_a_double_click_is_one_play(self, browser, acme, row):
        answers = [browser.post(url("accept", row.pk), {"version": 1}, headers=HTMX) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        with acme.here():
            assert Play.objects.for_tenant(acme.tenant).count() == 1

    def test_without_htmx_it_leads_back_to_the_same_list_with_an_undo(self, browser, acme, row):
        answer = browser.post(url("accept", row.pk), {"version": 1, "back": "sort=name&q=hal"})
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"{url('queue')}?sort=name&q=hal&decided={row.pk}"
        page = browser.get(answer.headers["Location"]).text
        assert "Usage recovery starts" in page
        action = re.search(r'action="([^"]+undo/[^"]*)"', page)[1].replace("&amp;", "&")
        assert browser.post(action, {"back": "sort=name"}).headers["Location"] == f"{url('queue')}?sort=name"
        assert fresh(acme, row).state == State.SUGGESTED

    def test_the_way_back_is_never_another_site(self, browser, row):
        answer = browser.post(url("accept", row.pk), {"version": 1, "back": "//evil.example/?x=1"})
        assert answer.headers["Location"].startswith(f"{url('queue')}?")

    def test_what_somebody_else_decided_is_shown_as_it_stands(self, browser, acme, row):
        with acme.here():
            services.accept(acme.tenant, recommendation_id=row.pk, version=1, by=acme.actor("manager"))
        answer = browser.post(url("accept", row.pk), {"version": 1}, headers=HTMX)
        assert answer.status_code == 409
        assert f'id="item-{row.account_id}" data-keys="queue"' in answer.text
        assert "Halden Logistics was accepted by manager acme (Manager) just now." in answer.text
        assert "Starts in a moment" in answer.text
        assert 'id="pop" popover hx-swap-oob="true"' in answer.text
        page = browser.post(url("accept", row.pk), {"version": 1, "back": "view=all"})
        assert page.status_code == 409
        assert "was accepted by manager acme" in page.text
        assert "<h1>My queue</h1>" in page.text

    @pytest.mark.parametrize("version", ["", "x", "0", "-1", "9" * 30])
    def test_it_says_which_version_was_read(self, browser, acme, row, version):
        assert browser.post(url("accept", row.pk), {"version": version}).status_code == 400
        assert fresh(acme, row).state == State.SUGGESTED

    def test_hidden_foreign_and_absent_ones_are_not_found(self, browser, acme, globex):
        with acme.here():
            hidden = open_of(acme, put(acme, "Hers", owner="csm2"))
        with globex.here():
            foreign = open_of(globex, put(globex, "Elsewhere"))
        for pk in (hidden.pk, foreign.pk, 10**9, 2**70):
            for name in ("accept", "snooze", "dismiss", "undo"):
                assert browser.post(url(name, pk), {"version": 1}).status_code == 404, (name, pk)

    @pytest.mark.parametrize("role", ["executive", "support", "account_executive", "auditor", "ops_admin"])
    def test_readers_may_not(self, client, acme, row, role):
        client.force_login(acme.people[role].user)
        for name in ("accept", "snooze", "dismiss", "undo"):
            assert client.post(url(name, row.pk), {"version": 1}).status_code == 403
        for name in ("snooze", "dismiss", "snooze_form", "dismiss_form"):
            assert client.get(url(name, row.pk)).status_code == 403
        assert client.post(url("bulk"), {"action": "accept", "item": f"{row.pk}:1"}).status_code == 403


class TestSnooze:
    def test_the_form_offers_days_that_can_be_chosen(self, browser, acme, row):
        page, alone = browser.get(url("snooze", row.pk)).text, browser.get(url("snooze_form", row.pk)).text
        assert "<h1>Snooze Halden Logistics</h1>" in page
        assert "<html" not in alone
        for text in ("In 3 days", "In 1 week", "Or on another day", "Waiting for the customer"):
            assert text in page
            assert text in alone
        assert 'popovertarget="pop"' in alone
        assert 'popovertarget="pop"' not in page

    def test_it_is_put_away(self, browser, acme, row):
        data = {"version": 1, "until": a_week_on(), "reason": "waiting"}
        answer = browser.post(url("snooze", row.pk), data, headers=HTMX)
        assert answer.status_code == 200
        assert "Waiting for the customer." in answer.text
        after = fresh(acme, row)
        assert (after.state, str(after.snoozed_until), after.reason) == (
            State.SNOOZED,
            a_week_on(),
            "waiting",
        )

    def test_a_day_of_ones_own(self, browser, acme, row):
        day = str(timezone.now().date() + timedelta(days=40))
        data = {"version": 1, "until": a_week_on(), "day": day, "reason": "away"}
        assert browser.post(url("snooze", row.pk), data).status_code == 303
        assert str(fresh(acme, row).snoozed_until) == day

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({"reason": "waiting"}, "Choose a day."),
            ({"until": "2020-01-01", "reason": "waiting"}, "Choose a day."),
            ({"until": a_week_on(), "day": "tomorrow", "reason": "waiting"}, "Enter a valid date."),
            ({"until": a_week_on(), "day": "2020-01-01", "reason": "waiting"}, "within 90 days"),
            ({"until": a_week_on(), "day": "2999-01-01", "reason": "waiting"}, "within 90 days"),
            ({"until": a_week_on()}, "Choose a reason."),
            ({"until": a_week_on(), "reason": "bored"}, "bored"),
        ],
    )
    def test_what_cannot_be_taken_comes_back_with_the_input(self, browser, acme, row, data, words):
        alone = browser.post(url("snooze", row.pk), {"version": 1, **data}, headers=HTMX)
        assert alone.status_code == 422
        assert alone.text.lstrip().startswith('<form class="stack"')
        assert words in alone.text
        assert 'name="version" value="1"' in alone.text
        page = browser.post(url("snooze", row.pk), {"version": 1, **data})
        assert page.status_code == 422
        assert "<title>Error: " in page.text
        assert fresh(acme, row).state == State.SUGGESTED


class TestDismiss:
    def test_it_needs_a_reason(self, browser, acme, row):
        answer = browser.post(url("dismiss", row.pk), {"version": 1, "comment": "Kept"}, headers=HTMX)
        assert answer.status_code == 422
        assert "Choose a reason." in answer.text
        assert "Kept" in answer.text

    def test_it_is_turned_down(self, browser, acme, row):
        data = {"version": 1, "reason": "data_wrong", "comment": "Usage is counted twice"}
        answer = browser.post(url("dismiss", row.pk), data, headers=HTMX)
        assert "Data is wrong." in answer.text
        assert fresh(acme, row).reason == "data_wrong"
        with acme.here():
            assert AuditEvent.objects.filter(tenant=acme.tenant, verb="playbooks.data_doubted").count() == 1

    def test_a_stale_form_is_answered_with_the_row(self, browser, acme, row):
        with acme.here():
            services.dismiss(
                acme.tenant, recommendation_id=row.pk, version=1, reason="handled", by=acme.actor("manager")
            )
        answer = browser.post(url("dismiss", row.pk), {"version": 1, "reason": "other"}, headers=HTMX)
        assert answer.status_code == 409
        assert "was dismissed by manager acme" in answer.text


class TestUndo:
    def test_the_row_is_as_it_was(self, browser, acme, row):
        browser.post(url("accept", row.pk), {"version": 1})
        answer = browser.post(url("undo", row.pk), {"version": 2}, headers=HTMX)
        assert answer.status_code == 200
        assert f'id="item-{row.account_id}" data-keys="queue" >' in answer.text
        assert "Accept: Usage recovery for Halden Logistics" in answer.text
        assert 'name="version"' in answer.text
        assert "Taken back: Halden Logistics." in answer.text
        assert fresh(acme, row).state == State.SUGGESTED

    def test_from_a_toast_it_finds_its_row_by_itself(self, browser, acme, row):
        done = browser.post(url("accept", row.pk), {"version": 1}, headers=HTMX).text
        address = re.search(rf'hx-post="({url("undo", row.pk)}\?[^"]+)"', done)[1].replace("&amp;", "&")
        answer = browser.post(address, headers=HTMX)
        assert f'id="item-{row.account_id}" data-keys="queue" hx-swap-oob="true"' in answer.text

    def test_too_late_is_said(self, browser, acme, row):
        browser.post(url("accept", row.pk), {"version": 1})
        with acme.here():
            services.start_play(acme.tenant, play_id=Play.objects.for_tenant(acme.tenant).get().pk)
        answer = browser.post(url("undo", row.pk), {"version": 2}, headers=HTMX)
        assert answer.status_code == 409
        assert "The play has started." in answer.text


class TestBulk:
    @pytest.fixture
    def rows(self, acme):
        scored(acme)
        made = [put(acme, "One"), put(acme, "Two"), put(acme, "Big", strategic=True)]
        with acme.here():
            return [open_of(acme, account) for account in made]

    def items(self, rows):
        return [f"{row.pk}:{row.version}" for row in rows]

    def test_each_row_is_decided_or_refused_by_itself(self, browser, acme, rows):
        with acme.here():
            services.dismiss(
                acme.tenant,
                recommendation_id=rows[1].pk,
                version=1,
                reason="handled",
                by=acme.actor("manager"),
            )
        data = {"action": "accept", "item": self.items(rows), "back": "sort=name"}
        answer = browser.post(url("bulk"), data, headers=HTMX)
        assert answer.status_code == 200
        text = answer.text
        assert text.lstrip().startswith('<div class="stack" id="queue-list"')
        assert "1 play accepted." in text
        assert "2 not accepted." in text
        assert "Big: Strategic account: decide it by itself." in text
        assert re.search(r"Two: This was changed in the meantime", text)
        assert [fresh(acme, row).state for row in rows] == [State.ACCEPTED, State.DISMISSED, State.SUGGESTED]
        assert 'id="nav-count-playbooks-queue" hx-swap-oob="true">1<' in text

    def test_it_can_be_taken_back_at_once(self, browser, acme, rows):
        data = {"action": "accept", "item": self.items(rows[:2])}
        done = browser.post(url("bulk"), data, headers=HTMX).text
        address = re.search(rf'hx-post="({url("undo_bulk")}\?[^"]+)"', done)[1].replace("&amp;", "&")
        answer = browser.post(address, headers=HTMX)
        assert "2 accounts taken back." in answer.text
        assert 'id="queue-list" data-keys="list" hx-swap-oob="true"' in answer.text
        assert {fresh(acme, row).state for row in rows} == {State.SUGGESTED}

    def test_without_htmx_a_page_asks_and_the_list_says_what_was_done(self, browser, acme, rows):
        page = browser.get(url("bulk"), {"action": "accept", "item": self.items(rows), "back": "sort=name"})
        assert "<h1>Accept 3 plays</h1>" in page.text
        assert "Big, One, Two" in page.text
        answer = browser.post(
            url("bulk"), {"action": "accept", "item": self.items(rows), "back": "sort=name"}
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{url('queue')}?sort=name")
        page = browser.get(answer.headers["Location"]).text
        assert "2 plays accepted." in page
        assert "Big: Strategic account: decide it by itself." in page

    def test_snooze_and_dismiss_ask_first(self, browser, acme, rows):
        for kind in ("snooze", "dismiss"):
            alone = browser.get(url("bulk_form"), {"action": kind, "item": self.items(rows)}).text
            assert f"{kind.capitalize()} 3 accounts" in alone
            assert "<html" not in alone
            refused = browser.post(url("bulk"), {"action": kind, "item": self.items(rows)}, headers=HTMX)
            assert refused.status_code == 422
            assert refused.text.count('name="item"') == 3
        data = {"action": "snooze", "item": self.items(rows), "until": a_week_on(), "reason": "away"}
        assert "3 accounts snoozed." in browser.post(url("bulk"), data, headers=HTMX).text
        data = {"action": "dismiss", "item": [f"{row.pk}:2" for row in rows], "reason": "handled"}
        assert "3 accounts dismissed." in browser.post(url("bulk"), data, headers=HTMX).text
        assert {fresh(acme, row).state for row in rows} == {State.DISMISSED}

    def test_hidden_rows_stay_hidden(self, browser, acme, globex):
        with acme.here():
            hidden = open_of(acme, put(acme, "Hers", owner="csm2"))
        with globex.here():
            foreign = open_of(globex, put(globex, "Elsewhere"))
        items = [f"{hidden.pk}:1", f"{foreign.pk}:1"]
        page = browser.get(url("bulk"), {"action": "accept", "item": items}).text
        assert "Hers" not in page
        text = browser.post(url("bulk"), {"action": "accept", "item": items}, headers=HTMX).text
        assert "2 not accepted." in text
        assert "Hers" not in text
        assert "Elsewhere" not in text
        assert fresh(acme, hidden).state == State.SUGGESTED

    @pytest.mark.parametrize("item", ["1", "1:x", "1:2:3", "9" * 40 + ":1", "", "-1:1"])
    def test_a_row_that_the_list_never_names_is_refused(self, browser, rows, item):
        assert browser.post(url("bulk"), {"action": "accept", "item": item}).status_code == 400

    @pytest.mark.parametrize("data", [{}, {"action": "explode"}])
    def test_what_the_list_never_sends_is_refused(self, browser, rows, data):
        assert browser.post(url("bulk"), data).status_code == 400

    def test_nothing_selected_changes_nothing(self, browser, rows):
        answer = browser.post(url("bulk"), {"action": "accept"})
        assert answer.status_code == 303
        assert "Select accounts first." in browser.get(answer.headers["Location"]).text
        assert "No account is selected" in browser.get(url("bulk"), {"action": "accept"}).text


class TestWhy:
    def snapshot(self, world, account, as_of, *, run, dimensions, indicators=()):
        from decimal import Decimal

        from django.db import connection

        from scoring.models import HealthSnapshot, ScoreRun

        ScoreRun.objects.create(pk=run, tenant=world.tenant, as_of=as_of, policy_versions={}, fingerprint="x")
        with connection.cursor() as cursor:
            cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [as_of.replace(day=1)])
        health = sum(Decimal(str(each["points"])) for each in dimensions.values())
        return HealthSnapshot.objects.create(
            tenant=world.tenant, account=account, as_of=as_of, run_id=run, health=health, band="critical",
            coverage_pct=90, old_dimensions=dimensions, old_indicators=list(indicators), reasons=[], currency="USD",
            policy_id=1, policy_version="all v1", recorded_at=timezone.now(),
        )  # fmt: skip

    def test_the_parts_add_up_to_the_change_that_the_row_shows(self, browser, acme):
        from datetime import date

        now = {"usage": {"points": 10.33}, "stakeholders": {"points": 20.33}, "business": {"points": 7.74}}
        then = {"usage": {"points": 18.16}, "stakeholders": {"points": 25.41}, "business": {"points": 11.3}}
        fell = {
            "key": "usage.trend_30d",
            "dimension": "usage",
            "points": 2.0,
            "text": "Usage down 44%",
            "latest": "2026-11-18",
        }
        as_of = date(2026, 11, 19)
        account = put(acme, "Halden", as_of=as_of, health="38.40", delta_30="-16.47", run_id=9002)
        with acme.here():
            self.snapshot(acme, account, as_of, run=9002, dimensions=now, indicators=[fell])
            self.snapshot(acme, account, as_of - timedelta(days=31), run=9001, dimensions=then,
                          indicators=[{**fell, "points": 9.0, "text": "Usage up 2%"}])  # fmt: skip
        text = browser.get(url("queue_why", account.pk)).text
        assert "What moved the score: 55 → 38 in 30 days" in text
        figures = [
            float(part.replace("−", "-").replace("+", ""))
            for part in re.findall(r'<span class="num strong">([^<]+)</span>', text)
        ]
        assert figures[-1] == -16.5
        assert round(sum(figures[:-1]), 1) == -16.5
        assert figures[:-1] == sorted(figures[:-1])
        assert "Usage down 44%" in text
        assert "18 Nov" in text
        assert "Before: Usage up 2%" in text
        row = browser.get(url("queue")).text
        assert "−16.5" in row

    def test_levels_where_there_is_nothing_to_compare_with(self, browser, acme):
        dimensions = {
            "usage": {"points": 12.3, "lost": 17.74},
            "business": {"points": 9.6, "lost": 0.44},
            "outcomes": {"points": 16.5, "lost": 43.42},
        }
        account = put(acme, "Halden", health="38.40", dimensions=dimensions)
        text = browser.get(url("queue_why", account.pk)).text
        assert "What costs points: health 38 of 100" in text
        figures = [float(part.replace("−", "-")) for part in re.findall(r'num strong">([^<]+)<', text)]
        assert figures == [-43.4, -17.8, -0.4, -61.6]

    def test_it_opens_closes_and_shows_the_steps(self, browser, acme, row):
        text = browser.get(url("queue_why", row.account_id)).text
        assert "Suggested: Usage recovery" in text
        assert "needs approval" in text
        assert 'aria-expanded="true"' in text
        assert "?hide=1" in text
        closed = browser.get(url("queue_why", row.account_id) + "?hide=1").text
        assert f'id="item-{row.account_id}-why" hidden' in closed
        assert 'aria-expanded="false"' in closed

    def test_too_little_data(self, browser, acme):
        account = put(acme, "Empty", health=None, band="unknown", coverage_pct=31, reasons=[])
        assert "31% of the weight of its health has data" in browser.get(url("queue_why", account.pk)).text

    def test_hidden_and_foreign_ones_are_not_found(self, browser, acme, globex):
        for account in (put(acme, "Hers", owner="csm2"), put(globex, "Elsewhere")):
            assert browser.get(url("queue_why", account.pk)).status_code == 404
        assert browser.get(url("queue_why", 2**70)).status_code == 404

    def test_readers_get_no_button(self, client, acme, row):
        client.force_login(acme.executive.user)
        assert "Accept play" not in client.get(url("queue_why", row.account_id)).text


class TestExport:
    def sheet(self, client, **data):
        answer = client.post(url("queue_export"), data)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["Content-Disposition"]
        return list(csv.DictReader(io.StringIO(answer.content.decode())))

    def test_the_list_as_it_stands(self, browser, acme):
        put(acme, "B", priority=9, health="38.40", delta_30="-16.50", arr="412000", reasons=[reason()])
        put(acme, "A", priority=1, health=None, band="unknown", arr=None)
        put(acme, "Calm", suggested=False)
        put(acme, "Hers", owner="csm2")
        rows = self.sheet(browser, back="")
        assert [row["account"] for row in rows] == ["B", "A"]
        assert rows[0] == {
            "position": "1", "account_id": "ACC-B", "account": "B", "segment": "", "industry": "logistics",
            "owner": "csm acme", "health": "38.40", "band": "critical", "change_30_days": "-16.50",
            "set_by_person": "", "set_until": "", "renewal_date": "2027-02-14", "reason_1": "Usage down 44%",
            "reason_1_day": "2026-11-19", "reason_2": "", "reason_2_day": "", "suggested_play": "Usage recovery",
            "suggestion_state": "suggested", "snoozed_until": "", "running_play": "", "as_of": "2026-11-19",
            "arr": "412000.0000", "currency": "USD", "arr_reporting": "", "at_stake": "", "leaves_in_30_days": "",
            "leaves_in_60_days": "", "leaves_in_90_days": "", "leaves_in_90_days_low": "",
            "leaves_in_90_days_high": "", "risk_level": "", "csm_sentiment": "", "csm_sentiment_until": "",
        }  # fmt: skip
        assert rows[1]["health"] == ""
        chance = {"p30": ".09", "p60": ".24", "p90": ".47", "p90_low": ".36", "p90_high": ".58"}
        put(acme, "C", priority=99, at_stake="193640", risk_level="high", **chance)
        first = self.sheet(browser, back="")[0]
        assert (first["account"], first["at_stake"], first["risk_level"]) == ("C", "193640.0000", "high")
        shares = [
            first[f"leaves_in_{name}"]
            for name in ("30_days", "60_days", "90_days", "90_days_low", "90_days_high")
        ]
        assert shares == ["0.090000", "0.240000", "0.470000", "0.360000", "0.580000"]
        assert [row["account"] for row in self.sheet(browser, back="view=all&sort=name&q=cal")] == ["Calm"]

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0"])
    def test_text_is_no_formula(self, browser, acme, name):
        put(acme, name, external_id="X-1")
        assert self.sheet(browser)[0]["account"] == f"'{name}"

    def test_it_is_told_in_the_log(self, browser, acme):
        put(acme, "One")
        self.sheet(browser, back="q=one&sort=name")
        with acme.here():
            event = AuditEvent.objects.get(tenant=acme.tenant, verb="accounts.exported")
        assert event.actor_id == str(acme.csm.user_id)
        assert event.diff["after"]["rows"] == 1
        assert event.diff["after"]["filters"] == {"view": "decision", "q": "one", "sort": "name"}
        assert "arr" in event.diff["after"]["columns"]

    def test_no_money_for_those_who_may_not_see_it(self, client, acme, monkeypatch):
        from tenants.roles import RIGHTS, Right

        put(acme, "One", arr="412345")
        monkeypatch.setitem(RIGHTS, "auditor", RIGHTS["auditor"] - {Right.SEE_ARR})
        client.force_login(acme.auditor.user)
        text = client.post(url("queue_export"), {"back": "sort=arr"}).content.decode()
        assert "One" in text
        assert "412345" not in text
        assert "arr" not in text.splitlines()[0]

    def test_who_may_and_how(self, client, acme):
        client.force_login(acme.support.user)
        assert client.post(url("queue_export")).status_code == 403
        client.force_login(acme.csm.user)
        assert client.get(url("queue_export")).status_code == 405

    def test_it_stops_at_the_limit(self, browser, acme, monkeypatch):
        monkeypatch.setattr("playbooks.services.queue_export.MOST_ROWS", 2)
        for name in "abc":
            put(acme, name)
        assert len(self.sheet(browser)) == 2


def test_the_forms_lead_back_to_the_list_they_came_from(browser, row):
    page = browser.get(url("queue"), {"sort": "name", "q": "hal"}).text
    address = re.search(rf'href="({url("snooze", row.pk)}\?[^"]+)"', page)[1].replace("&amp;", "&")
    assert unquote(address).endswith("?back=q=hal&sort=name")
    assert f'href="{url("queue")}?q=hal&amp;sort=name">Cancel' in browser.get(address).text
