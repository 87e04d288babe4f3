"""The pages of plays as a browser gets them: every state, with and without htmx, and what each role is shown."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from playbooks import services
from playbooks.models import Play, PlayStep, Recommendation, Task
from tests.playbooks.makers import answer, ask, concession_step, health_row, low, running_play, steps, suggest

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def account(acme):
    account = acme.add_account()
    with acme.here():
        health_row(acme, account, arr="120000")
    return account


@pytest.fixture
def play(acme, account, now):
    with acme.here():
        return running_play(acme, account, now=now)


def browser(world, role="csm"):
    client = Client()
    client.force_login(world.people[role].user)
    return client


def address(world, name, *args):
    return reverse(f"playbooks:{name}", args=[world.tenant.slug, *args])


def first_task(world):
    with world.here():
        return Task.objects.order_by("due_date", "pk").first()


def the_step(world, play):
    with world.here():
        return concession_step(world, play)


OFFER = {"discount_pct": "10", "months": "6", "text": "", "why": "They lost two weeks."}


class TestList:
    def test_my_running_plays_with_their_next_step(self, acme, play):
        page = browser(acme).get(address(acme, "plays"))
        assert page.status_code == 200
        assert "Halden Logistics" in page.text
        assert "Step 1 of 5" in page.text
        assert "Find out who stopped using it" in page.text

    def test_a_manager_sees_the_teams_under_all_and_none_under_mine(self, acme, play):
        client = browser(acme, "manager")
        assert "You have no play running" in client.get(address(acme, "plays")).text
        assert "Halden Logistics" in client.get(address(acme, "plays") + "?view=all").text

    def test_those_who_only_look_begin_with_all(self, acme, play):
        page = browser(acme, "executive").get(address(acme, "plays"))
        assert "Halden Logistics" in page.text
        assert "My tasks" not in page.text

    def test_a_colleague_without_the_account_sees_nothing_of_it(self, acme, play):
        assert "Halden Logistics" not in browser(acme, "csm2").get(address(acme, "plays") + "?view=all").text

    def test_late_ones(self, acme, play):
        client = browser(acme)
        late = address(acme, "plays") + "?view=late"
        assert "Nothing is late" in client.get(late).text
        with acme.here():
            PlayStep.objects.filter(play=play, position=1).update(due_date="2026-01-01")
        page = client.get(late)
        assert "Halden Logistics" in page.text
        assert "days ago" in page.text

    def test_ended_ones_with_their_outcome_and_none_that_was_taken_back(self, acme, account, play, now):
        with acme.here():
            services.close_play(
                acme.tenant,
                play_id=play.pk,
                version=play.version,
                outcome="partly_saved",
                by=acme.actor("csm"),
            )
            other = acme.add_account("Taken Back Ltd")
            row = suggest(acme, other, now=now)
            services.accept(acme.tenant, recommendation_id=row.pk, version=1, by=acme.actor("csm"))
            services.undo(acme.tenant, recommendation_id=row.pk, version=2, by=acme.actor("csm"))
        page = browser(acme).get(address(acme, "plays") + "?view=ended").text
        assert "Partly saved" in page
        assert "Taken Back Ltd" not in page

    def test_rows_alone_are_the_same_region(self, acme, play):
        rows = browser(acme).get(address(acme, "plays_rows") + "?view=all")
        assert 'id="play-list"' in rows.text
        assert "<html" not in rows.text

    def test_a_place_that_was_never_given_out_is_a_bad_request(self, acme):
        assert browser(acme).get(address(acme, "plays") + "?before=x").status_code == 400

    def test_thirty_plays_are_two_pages(self, acme, now):
        with acme.here():
            for number in range(30):
                running_play(acme, acme.add_account(f"Account {number:02}"), now=now)
        client = browser(acme)
        page = client.get(address(acme, "plays")).text
        assert "plays 1–25 of 30" in page
        older = re.search(r'href="([^"]*before=[^"]*)"', page).group(1).replace("&amp;", "&")
        assert "plays 26–30 of 30" in client.get(older).text

    def test_queries_do_not_grow_with_plays(self, acme, now, query_count):
        client = browser(acme)

        def cost():
            return query_count(lambda: client.get(address(acme, "plays")))

        with acme.here():
            running_play(acme, acme.add_account("One"), now=now)
        few = cost()
        with acme.here():
            for number in range(9):
                running_play(
                    acme, acme.add_account(f"More {number}"), low("satisfaction.ticket_spike"), now=now
                )
        assert cost() == few <= 12

    def test_the_other_tenant_is_not_found(self, acme, globex, play):
        client = browser(globex)
        assert client.get(address(acme, "plays")).status_code == 404
        assert client.get(address(globex, "play", play.pk)).status_code == 404
        assert "Halden Logistics" not in client.get(address(globex, "plays") + "?view=all").text


class TestPlay:
    def test_steps_causes_forms_and_log(self, acme, play):
        page = browser(acme).get(address(acme, "play", play.pk)).text
        assert "Running: step 1 of 5" in page
        assert "Usage down 44% against the 60 days before" in page
        assert "It costs <b>$6,000</b>" in page
        assert "needs a manager" in page
        assert "Started with 5 steps" in page
        assert "Play accepted from the queue" in page
        assert page.count('aria-current="step"') == 1

    def test_readers_get_no_forms(self, acme, play):
        page = browser(acme, "auditor").get(address(acme, "play", play.pk))
        assert page.status_code == 200
        assert "<form" not in page.text.split("<main")[1].split("</main>")[0]
        assert "Not asked for yet" in page.text

    def test_a_role_without_sight_of_revenue_sees_no_cost(self, acme, play):
        with acme.here():
            ask(acme, concession_step(acme, play), now=timezone.now())
        page = browser(acme, "support").get(address(acme, "play", play.pk)).text
        assert "10% for 6 months" in page
        assert "6,000" not in page
        assert "/approvals/" not in page

    def test_before_it_starts_it_says_so_asks_again_and_can_be_undone(self, acme, account, now):
        with acme.here():
            row = suggest(acme, account, now=now)
            play = services.accept(acme.tenant, recommendation_id=row.pk, version=1, by=acme.actor("csm"))
        client = browser(acme)
        page = client.get(address(acme, "play", play.pk)).text
        assert "Starts in a moment" in page
        assert 'hx-trigger="every 2s"' in page
        reply = client.post(address(acme, "play_undo", play.pk), {"version": 2})
        assert reply.status_code == 303
        page = client.get(reply["Location"]).text
        assert "Taken back before it started" in page
        assert 'hx-trigger="every 2s"' not in page
        with acme.here():
            assert Recommendation.objects.get().state == "suggested"

    def test_after_it_started_undo_is_a_conflict_that_shows_the_play(self, acme, play):
        reply = browser(acme).post(address(acme, "play_undo", play.pk), {"version": 2}, headers=HTMX)
        assert reply.status_code == 409
        assert "The play has started" in reply.text
        assert "Running: step 1 of 5" in reply.text

    def test_hidden_and_absent_are_the_same(self, acme, play):
        client = browser(acme, "csm2")
        assert client.get(address(acme, "play", play.pk)).status_code == 404
        assert client.get(address(acme, "play", 10**9)).status_code == 404
        assert client.get(address(acme, "play", 2**70)).status_code == 404

    def test_queries_of_the_page(self, acme, play, query_count):
        client = browser(acme)
        with acme.here():
            ask(acme, concession_step(acme, play), now=timezone.now())
        assert query_count(lambda: client.get(address(acme, "play", play.pk))) <= 12
        assert query_count(lambda: client.get(address(acme, "play_body", play.pk))) <= 9


class TestTick:
    def test_on_the_play_htmx_gets_the_fresh_region_and_a_notice(self, acme, play):
        task = first_task(acme)
        reply = browser(acme).post(
            address(acme, "task_done", task.pk), {"version": task.version, "on": "play"}, headers=HTMX
        )
        assert reply.status_code == 200
        assert 'id="play-body"' in reply.text
        assert "1 of 5 finished" in reply.text
        assert 'hx-swap-oob="beforeend:#toasts"' in reply.text
        assert "<html" not in reply.text
        assert reply.headers["HX-Trigger"] == "plays-changed"

    def test_without_htmx_it_goes_back_to_where_it_was_ticked(self, acme, account, play):
        task = first_task(acme)
        client = browser(acme)
        for on, wanted in (("play", address(acme, "play", play.pk)), ("mine", address(acme, "plays"))):
            reply = client.post(address(acme, "task_done", task.pk), {"version": task.version, "on": on})
            assert reply.status_code == 303
            assert reply["Location"] == wanted
        reply = client.post(address(acme, "task_done", task.pk), {"version": task.version, "on": "account"})
        assert reply["Location"].endswith(f"/accounts/{account.pk}/?panels=all#panel-work")

    def test_stale_is_409_with_the_fresh_list(self, acme, play):
        task = first_task(acme)
        client = browser(acme)
        stale = {"version": task.version + 7, "on": "mine"}
        reply = client.post(address(acme, "task_done", task.pk), stale, headers=HTMX)
        assert reply.status_code == 409
        assert 'id="my-tasks"' in reply.text
        assert "changed in the meantime" in reply.text
        page = client.post(address(acme, "task_done", task.pk), stale)
        assert page.status_code == 409
        assert "changed in the meantime" in page.text
        assert "<html" in page.text

    def test_a_form_without_a_version_changes_nothing(self, acme, play):
        task = first_task(acme)
        assert browser(acme).post(address(acme, "task_done", task.pk), {"version": "x"}).status_code in (
            409,
            422,
        )
        assert browser(acme).post(address(acme, "task_done", task.pk)).status_code == 409
        with acme.here():
            assert Task.objects.get(pk=task.pk).state == "open"

    def test_done_and_open_again(self, acme, play):
        task = first_task(acme)
        client = browser(acme)
        client.post(address(acme, "task_done", task.pk), {"version": 1, "on": "play"})
        reply = client.post(address(acme, "task_reopen", task.pk), {"version": 2, "on": "play"}, headers=HTMX)
        assert "0 of 5 finished" in reply.text

    def test_others(self, acme, globex, play):
        task = first_task(acme)
        form = {"version": 1, "on": "play"}
        assert browser(acme, "csm2").post(address(acme, "task_done", task.pk), form).status_code == 404
        assert browser(acme, "auditor").post(address(acme, "task_done", task.pk), form).status_code == 403
        assert browser(globex).post(address(globex, "task_done", task.pk), form).status_code == 404
        assert browser(acme).get(address(acme, "task_done", task.pk)).status_code == 405


class TestAsk:
    def send(self, world, play, *, role="csm", headers=HTMX, **form):
        step = the_step(world, play)
        values = {**OFFER, "version": step.version, **form}
        return browser(world, role).post(address(world, "step_ask", step.pk), values, headers=headers)

    def test_it_waits_with_a_link_to_the_request(self, acme, play):
        reply = self.send(acme, play)
        assert reply.status_code == 200
        assert "Waiting for approval" in reply.text
        assert "a manager" in reply.text
        ref = the_step(acme, play).approval_ref
        assert f"/approvals/{ref}/" in reply.text
        assert "Asked for approval: 10% discount for 6 months" in reply.text

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            ({"discount_pct": "a lot"}, "Give a number"),
            ({"discount_pct": "0"}, "over 0 and up to 100"),
            ({"months": ""}, "Give the months"),
            ({"why": ""}, "Say why it is needed"),
        ],
    )
    def test_faults_come_back_at_their_field_with_the_input(self, acme, play, form, words):
        reply = self.send(acme, play, **{"text": "Kept text", **form})
        assert reply.status_code == 422
        assert words in reply.text
        assert "Kept text" in reply.text
        assert "One thing to correct" in reply.text

    def test_without_htmx_the_whole_page_comes_back(self, acme, play):
        page = self.send(acme, play, headers={}, months="99")
        assert page.status_code == 422
        assert "<title>" in page.text
        assert "Error: " in page.text

    def test_a_second_person_with_the_old_form_gets_the_state_as_it_is(self, acme, play):
        self.send(acme, play)
        reply = self.send(acme, play, role="manager", version=1, discount_pct="20")
        assert reply.status_code == 409
        assert "Waiting for approval" in reply.text

    def test_each_answer_is_shown(self, acme, play, now):
        with acme.here():
            step = ask(acme, concession_step(acme, play), now=now, discount_pct="15")
            answer(acme, step, "changes_requested", comment="Ten percent at most")
        client = browser(acme)
        page = client.get(address(acme, "play", play.pk)).text
        assert "Ten percent at most" in page
        assert "Ask for approval" in page
        with acme.here():
            step.refresh_from_db()
            answer(acme, ask(acme, step, now=now, discount_pct="10"), "approved")
        page = client.get(address(acme, "play", play.pk)).text
        assert "Approved, being written back" in page
        assert "Answered: approved" in page

    def test_the_hint_follows_what_is_typed(self, acme, play):
        step = the_step(acme, play)
        client = browser(acme)
        ask_for = address(acme, "step_hint", step.pk)
        assert "$24,000" in client.get(ask_for, {"discount_pct": "20", "months": "12"}).text
        assert "then finance" in client.get(ask_for, {"discount_pct": "50", "months": "12"}).text
        assert "Give a discount" in client.get(ask_for, {"discount_pct": "x", "months": "12"}).text

    def test_leaving_it_out_needs_a_reason(self, acme, play):
        step = the_step(acme, play)
        client = browser(acme)
        reply = client.post(address(acme, "step_skip", step.pk), {"version": 1, "reason": ""}, headers=HTMX)
        assert reply.status_code == 422
        assert "<details open>" in reply.text
        reply = client.post(
            address(acme, "step_skip", step.pk), {"version": 1, "reason": "They pay gladly"}, headers=HTMX
        )
        assert "They pay gladly" in reply.text


class TestEnd:
    def test_closing_needs_an_outcome(self, acme, play):
        client = browser(acme)
        reply = client.post(address(acme, "play_close", play.pk), {"version": play.version}, headers=HTMX)
        assert reply.status_code == 422
        assert "Choose an outcome" in reply.text
        reply = client.post(
            address(acme, "play_close", play.pk), {"version": play.version, "outcome": "saved"}, headers=HTMX
        )
        assert reply.status_code == 200
        assert "Saved" in reply.text
        assert "<form" not in reply.text.split("toast")[0]

    def test_not_while_an_approval_waits(self, acme, play, now):
        with acme.here():
            ask(acme, concession_step(acme, play), now=now)
        reply = browser(acme).post(
            address(acme, "play_close", play.pk), {"version": play.version, "outcome": "saved"}, headers=HTMX
        )
        assert reply.status_code == 409
        assert "still waits for an answer" in reply.text

    def test_stopping(self, acme, play):
        reply = browser(acme).post(
            address(acme, "play_stop", play.pk), {"version": play.version, "reason": "They were bought"}
        )
        assert reply.status_code == 303
        with acme.here():
            assert Play.objects.get().state == "cancelled"


class TestWorkPanel:
    def panel(self, world, account, role="csm"):
        url = reverse("accounts:panel", args=[world.tenant.slug, account.pk, "work"])
        return browser(world, role).get(url)

    def test_what_runs_and_what_is_to_be_done(self, acme, account, play):
        panel = self.panel(acme, account).text
        assert "Usage recovery" in panel
        assert "Step 1 of 5" in panel
        assert panel.count("Mark done: ") == 4
        assert "Add a task" in panel

    def test_readers_get_no_forms(self, acme, account, play):
        assert "<form" not in self.panel(acme, account, "executive").text

    def test_empty(self, acme, account):
        assert "No play runs here" in self.panel(acme, account).text

    def test_a_task_is_added_once_however_often_the_form_is_sent(self, acme, account):
        client = browser(acme)
        day = (timezone.now() + timedelta(days=3)).date().isoformat()
        form = {"title": "Send the depot list", "due_date": day, "form_key": "abc"}
        for _ in range(2):
            reply = client.post(address(acme, "task_add", account.pk), form, headers=HTMX)
            assert reply.status_code == 200
        assert reply.text.count("Mark done: Send the depot list") == 1

    def test_a_refused_task_keeps_what_was_typed(self, acme, account):
        client = browser(acme)
        form = {"title": "Send the list", "due_date": "2020-01-01", "form_key": "abc"}
        reply = client.post(address(acme, "task_add", account.pk), form, headers=HTMX)
        assert reply.status_code == 422
        assert "Choose today or a later day" in reply.text
        assert "Send the list" in reply.text
        page = client.post(address(acme, "task_add", account.pk), form)
        assert page.status_code == 422
        assert "<html" in page.text

    def test_not_on_a_hidden_account(self, acme, globex, account):
        form = {"title": "x", "due_date": "2030-01-01"}
        assert browser(acme, "csm2").post(address(acme, "task_add", account.pk), form).status_code == 404
        assert browser(acme, "auditor").post(address(acme, "task_add", account.pk), form).status_code == 403
        assert browser(globex).post(address(globex, "task_add", account.pk), form).status_code == 404

    def test_queries_do_not_grow(self, acme, account, play, query_count, now):
        client = browser(acme)
        url = reverse("accounts:panel", args=[acme.tenant.slug, account.pk, "work"])
        few = query_count(lambda: client.get(url))
        with acme.here():
            running_play(acme, account, low("satisfaction.ticket_spike"), now=now)
        assert len(steps_of(acme)) == 10
        assert query_count(lambda: client.get(url)) == few


def steps_of(world):
    with world.here():
        return [step for play in Play.objects.all() for step in steps(world, play)]
