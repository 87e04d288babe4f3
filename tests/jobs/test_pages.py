"""The jobs page, a job's page and its panel: who sees what, what the buttons do, and what it costs."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from jobs import runner, services
from jobs.exceptions import NotCancellable, NotReplayable
from jobs.models import Job
from tests.worlds import PASSWORD

HTMX = {"HTTP_HX_REQUEST": "true"}


def log_in(client, world, role):
    assert client.login(email=world.people[role].user.email, password=PASSWORD)


def address(world, name, job=None):
    return reverse(f"jobs:{name}", args=[world.tenant.slug, *([job.pk] if job else [])])


@pytest.fixture
def ask(kind):
    """`ask(world, role="csm", fails=False)`: a job of that person."""
    outcome = {"fails": False}

    def work(tenant, progress):
        if outcome["fails"]:
            raise ValueError("The disk is <full>")
        return {"url": f"/t/{tenant.slug}/queue/", "label": "Open the queue"}

    name = kind(work, max_attempts=1)

    def make(world, role="csm", *, fails=False, run=False):
        outcome["fails"] = fails
        with world.here():
            job = services.enqueue(world.tenant, kind=name, by=world.actor(role))
            return runner.run_now(job.pk) if run or fails else job

    make.outcome = outcome
    return make


def test_the_list_hides_the_other_tenant(client, acme, globex, ask):
    ours, theirs = ask(acme), ask(globex)
    log_in(client, acme, "ops_admin")
    text = client.get(address(acme, "list")).text
    assert f"No. {ours.pk}" in text
    assert f"No. {theirs.pk}" not in text
    assert client.get(address(globex, "list")).status_code == 404
    assert client.get(f"/t/acme/jobs/{theirs.pk}/").status_code == 404


def test_the_list_narrows_by_state_and_kind(client, acme, ask):
    waiting, failed = ask(acme), ask(acme, fails=True)
    log_in(client, acme, "ops_admin")

    def shown(**query):
        response = client.get(address(acme, "rows"), query)
        assert response.headers["HX-Push-Url"].startswith("/t/acme/jobs/")
        return {job.pk for job in response.context["page"].rows}

    assert shown() == {waiting.pk, failed.pk}
    assert shown(state="dead") == {failed.pk}
    assert shown(kind="audit.seal") == set()
    assert shown(state="nonsense", kind="nonsense") == {waiting.pk, failed.pk}
    text = client.get(address(acme, "list")).text
    assert "The disk is &lt;full&gt;" in text
    assert "1 failed" in " ".join(text.split())


def test_routine_work_that_went_well_is_not_in_the_way(client, acme, kind):
    with acme.here():
        name = kind(lambda tenant, progress: None)
        jobs = [services.enqueue(acme.tenant, kind=name, dedupe_key=f"schedule:{n}") for n in range(2)]
        runner.run_now(jobs[0].pk)
    log_in(client, acme, "ops_admin")

    def shown(**query):
        return {job.pk for job in client.get(address(acme, "list"), query).context["page"].rows}

    assert shown() == {jobs[1].pk}, "what still waits is shown"
    assert shown(routine="on") == shown(kind=name) == {job.pk for job in jobs}


@pytest.mark.parametrize("place", ["x", "1-2", "-1", "9" * 30])
def test_a_place_that_was_not_made_here_is_not_found(client, acme, place):
    log_in(client, acme, "ops_admin")
    assert client.get(address(acme, "list"), {"before": place}).status_code == 404


@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 400])
def test_a_number_that_is_no_job_is_not_found(client, acme, number):
    log_in(client, acme, "ops_admin")
    assert client.get(f"/t/acme/jobs/{number}/").status_code == 404


def test_a_job_is_seen_by_its_requester_and_the_admin_alone(client, acme, ask):
    job = ask(acme, "csm")
    for role, status in {"csm": 200, "ops_admin": 200, "csm2": 404, "manager": 404, "auditor": 404}.items():
        log_in(client, acme, role)
        for name in ("job", "progress", "details"):
            assert client.get(address(acme, name, job)).status_code == status, (role, name)
        assert client.post(address(acme, "cancel", job)).status_code == (404 if status == 404 else 303)


def test_the_panel_asks_again_until_the_job_has_ended(client, acme, ask):
    job = ask(acme)
    log_in(client, acme, "csm")
    waiting = client.get(address(acme, "progress", job))
    assert f'hx-get="{address(acme, "progress", job)}"' in waiting.text
    assert "HX-Trigger" not in waiting.headers
    with acme.here():
        runner.run_now(job.pk)
    ended = client.get(address(acme, "progress", job))
    assert "hx-get" not in ended.text
    assert 'href="/t/acme/queue/"' in ended.text
    assert "Open the queue" in ended.text
    assert ended.headers["HX-Trigger"] == "job-finished"


def test_a_failed_job_is_started_again_once_and_it_is_on_record(client, acme, ask):
    job = ask(acme, fails=True)
    assert job.state == "dead"
    log_in(client, acme, "ops_admin")
    assert "Start again" in client.get(address(acme, "job", job)).text
    assert client.get(address(acme, "replay", job)).status_code == 405
    first = client.post(address(acme, "replay", job))
    assert (first.status_code, first.url) == (303, address(acme, "job", job))
    ask.outcome["fails"] = False
    second = client.post(address(acme, "replay", job), **HTMX)
    assert second.status_code == 409
    assert "Only a failed or cancelled job" in second.text
    with acme.here():
        events = AuditEvent.objects.filter(tenant_id=acme.tenant.pk, verb="jobs.job_replayed")
        assert [event.actor_label for event in events] == [acme.actor("ops_admin").label]
        seen = Job.objects.get(pk=job.pk)
        assert (seen.state, seen.attempts, seen.rung_at is not None) == ("queued", 0, True)
        assert runner.run_now(job.pk).state == "done"
        with pytest.raises(NotReplayable):
            services.replay(acme.tenant, job_id=job.pk, by=acme.actor("ops_admin"))


def test_a_job_whose_work_was_asked_for_anew_is_not_replayed_beside_it(acme, kind):
    name = kind(lambda tenant, progress: 1 / 0, max_attempts=1)
    with acme.here():
        old = services.enqueue(acme.tenant, kind=name, dedupe_key="one")
        assert runner.run_now(old.pk).state == "dead"
        services.enqueue(acme.tenant, kind=name, dedupe_key="one")
        with pytest.raises(NotReplayable, match="already waiting"):
            services.replay(acme.tenant, job_id=old.pk, by=acme.actor("ops_admin"))


def test_cancelling_a_waiting_job_is_final_and_on_record(client, acme, ask):
    job = ask(acme)
    log_in(client, acme, "csm")
    answer = client.post(address(acme, "cancel", job), **HTMX)
    assert answer.status_code == 200
    assert "Cancelled" in answer.text
    with acme.here():
        assert runner.run_now(job.pk).state == "cancelled"
        assert AuditEvent.objects.filter(tenant_id=acme.tenant.pk, verb="jobs.job_cancelled").count() == 1
        with pytest.raises(NotCancellable):
            services.cancel(acme.tenant, job_id=job.pk, by=acme.actor("csm"))
    assert client.post(address(acme, "cancel", job)).status_code == 303


def test_a_result_links_only_into_this_product(acme, kind):
    from jobs.panels import panel_of

    with acme.here():
        for url in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
            name = kind(lambda tenant, progress, url=url: {"url": url})
            job = runner.run_now(services.enqueue(acme.tenant, kind=name).pk)
            assert panel_of(job, slug="acme")["result_url"] == ""


def test_the_pages_cost_the_same_for_one_job_or_many(client, acme, ask, query_count):
    ask(acme)
    log_in(client, acme, "ops_admin")
    few = query_count(lambda: client.get(address(acme, "list")))
    for _ in range(20):
        last = ask(acme)
    assert query_count(lambda: client.get(address(acme, "list"))) == few <= 12
    assert query_count(lambda: client.get(address(acme, "rows"))) <= 6
    assert query_count(lambda: client.get(address(acme, "progress", last))) <= 6
    assert query_count(lambda: client.get(address(acme, "job", last))) <= 12
