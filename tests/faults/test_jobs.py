"""Faults of jobs: work happens once, whatever dies, lies, hangs or rings twice (PLATFORM 8, 3 to 14 and 18)."""

import sys
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from django_q.signing import SignedPackage

from jobs import queries, services


def ask_many(house, count, **args):
    """Ids of jobs that were committed together."""
    world = house.world()
    with house.here(world):
        return [services.enqueue(world.tenant, kind="faults.quick", args=args).pk for _ in range(count)]


def assert_each_ran_once(house, jobs):
    runs = house.ledger.times("end", "job")
    assert {job: runs[job] for job in jobs} == dict.fromkeys(jobs, 1), house.report()


def test_fault_3_a_worker_killed_in_the_middle_of_a_job(house):
    house.worker()
    house.sweeper()
    job = house.enqueue("faults.patient", mark="m")
    first = house.wait_for("start", job=job)
    house.kill(first.pid)
    second = house.wait_for("start", 2, job=job)
    assert second.pid != first.pid
    house.go("m")
    assert house.wait_job(job, "done")[1] == 2
    assert house.ledger.count("end", job=job) == house.effects("m") == 1


def test_fault_5_the_whole_worker_group_killed_in_the_middle_of_a_job(house):
    group = house.worker()
    house.sweeper()
    job = house.enqueue("faults.patient", mark="m")
    first = house.wait_for("start", job=job)
    house.killed.append((group.pid, "SIGKILL", "the whole group"))
    group.kill_group()
    house.wait_dead(first.pid)
    house.worker()
    house.wait_for("start", 2, job=job)
    house.go("m")
    assert house.wait_job(job, "done")[1] == 2
    assert house.ledger.count("end", job=job) == house.effects("m") == 1


def test_fault_7_a_job_that_kills_its_process_runs_out_of_attempts(house):
    house.worker()
    house.sweeper()
    before = ask_many(house, 3)
    poison = house.enqueue("faults.poison")
    after = ask_many(house, 3)
    assert house.wait_job(poison, "dead")[1] == 2
    house.wait_all_jobs()
    assert house.ledger.count("start", job=poison) == 2
    assert house.effects("poison") == 0
    assert_each_ran_once(house, before + after)
    alarms = house.sql("SELECT object_id FROM audit_event WHERE verb = 'jobs.job_failed'")
    assert alarms == [(str(poison),)]


def test_fault_8_a_job_that_swallows_its_time_limit_runs_out_of_attempts(house):
    house.worker(HOLDFAST_JOB_TIMEOUT=1)
    house.sweeper()
    stubborn = house.enqueue("faults.stubborn")
    others = ask_many(house, 4)
    assert house.wait_job(stubborn, "dead")[1] == 2
    house.wait_all_jobs()
    assert house.ledger.count("start", job=stubborn) == 2
    assert house.ledger.count("swallowed", job=stubborn) >= 2, "it never noticed its limit"
    assert_each_ran_once(house, others)


def test_fault_9_a_job_that_fails_each_time_backs_off_dies_and_is_replayed_once(house):
    house.worker()
    house.sweeper()
    house.web(workers=1)
    job = house.enqueue("faults.failing")
    _, attempts, error = house.wait_job(job, "dead")
    assert (attempts, "the far end says no" in error) == (3, True)
    first, second, third = [line.at for line in house.ledger.lines("start", job=job)]
    assert second - first >= 0.1, "half of HOLDFAST_JOB_BACKOFF at least"
    assert third - second >= 0.4, "four times as long"
    assert house.effects("failing") == 0

    house.go("mend")
    people = [house.browser().sign_in("ops_admin@acme.example") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda who: who.post(f"/t/acme/jobs/{job}/replay/", htmx=True), people))
    assert sorted(answer.status_code for answer in answers) == [200, 409], [each.text for each in answers]
    house.wait_job(job, "done")
    assert house.ledger.count("start", job=job) == 4
    assert house.effects("failing") == 1


def test_fault_10_a_job_longer_than_the_doorbells_patience_never_runs_twice_at_once(house):
    for _ in range(2):
        house.worker(HOLDFAST_BELL_RETRY=1, HOLDFAST_JOB_TIMEOUT=120)
    house.sweeper()
    job = house.enqueue("faults.steps", mark="long")
    house.wait_for("start", job=job)
    # a bell goes off the queue when it was answered: the first is still being answered, so this was a second time
    house.wait_until(lambda: house.bells() == 0, "the doorbell to ring again and be answered in vain")
    with house.as_role("worker"):
        for _ in range(4):
            services.ring(queries.job_by_id(job))
    house.wait_until(lambda: house.bells() == 0, "four more to be answered in vain")
    assert house.ledger.count("start", job=job) == 1
    house.go("long")
    assert house.wait_job(job, "done")[1] == 1
    assert house.ledger.count("start", job=job) == house.effects("long") == 1


def test_fault_11_500_slow_jobs_and_impatient_doorbells(house):
    jobs = ask_many(house, 500, pause=0.01)
    house.worker(HOLDFAST_BELL_RETRY=2, HOLDFAST_WORKERS=4)
    house.sweeper()
    house.wait_all_jobs()
    assert_each_ran_once(house, jobs)
    assert house.ledger.count("start") == house.effects() == 500
    assert house.one("SELECT max(attempts) FROM jobs_job WHERE kind = 'faults.quick'") == 1


def test_fault_12_broken_schedules_do_not_stop_the_others(house):
    house.sql(
        "INSERT INTO django_q_schedule (func, args, schedule_type, repeats, next_run, name) "
        "VALUES ('no.such.function', '(((', 'I', -1, now(), 'malformed')"
    )
    house.clock(3600)  # a tenant has no slots before its own time
    house.worker()
    sweeper = house.sweeper(FAULTS_SCHEDULES="broken! unknown? fine:10")

    def fired(times):
        return lambda: house.ledger.times("end", "tenant") == {"acme": times, "globex": times}

    house.wait_until(fired(1), "both tenants' schedule to fire")
    house.clock(3600 + 600)
    house.wait_until(fired(2), "it to fire again")
    for name in ("broken of acme", "broken of globex", "unknown of acme", "unknown of globex"):
        assert name in sweeper.output(), f"no alarm names {name}\n{house.report()}"
    assert sweeper.poll() is None


def unreadable_bells():
    """Payloads as django-q signs them: one of a class that is gone, one of an old secret, one of no kind at all."""
    module = types.ModuleType("a_module_that_goes")
    exec("class Gone: pass", module.__dict__)
    sys.modules[module.__name__] = module
    try:
        gone = SignedPackage.dumps({"func": "jobs.tasks.run_job", "args": (module.Gone(),)})
    finally:
        del sys.modules[module.__name__]
    return [gone, gone[:-3] + "xyz", "nonsense"]


def test_fault_13_doorbells_and_jobs_that_cannot_be_read_are_set_aside(house):
    for payload in unreadable_bells():
        house.sql("INSERT INTO django_q_ormq (key, payload, lock) VALUES ('holdfast', %s, now())", payload)
    (first, *_) = [row for (row,) in house.sql("SELECT id FROM django_q_ormq ORDER BY id")]
    strange, unknown = house.enqueue("faults.quick"), house.enqueue("faults.quick")
    house.sql("""UPDATE jobs_job SET args = '{"no_such_word": 1}', max_attempts = 1 WHERE id = %s""", strange)
    house.sql("UPDATE jobs_job SET kind = 'nobody.knows', max_attempts = 1 WHERE id = %s", unknown)
    good = ask_many(house, 5)
    sweeper = house.sweeper()
    house.wait_until(lambda: f"doorbell {first} could not be read" in sweeper.output(), "the alarm")
    house.worker()
    house.wait_all_jobs()
    assert_each_ran_once(house, good)
    assert "no_such_word" in house.wait_job(strange, "dead")[2]
    assert "nobody.knows" in house.wait_job(unknown, "dead")[2]
    house.wait_until(lambda: house.bells() == 0, "an empty queue")


def test_fault_14_the_queue_purged_and_its_secret_rotated(house):
    purged = ask_many(house, 15)
    house.sql("DELETE FROM django_q_ormq")
    old_secret = ask_many(house, 15)
    house.worker(ready=False, HOLDFAST_SECRET_KEY="another-secret-that-is-long-enough-0123456789-abcdefghij")
    house.sweeper(HOLDFAST_SECRET_KEY="another-secret-that-is-long-enough-0123456789-abcdefghij")
    house.wait_all_jobs()
    assert_each_ran_once(house, purged + old_secret)
    assert house.effects() == 30


@pytest.mark.parametrize(("ending", "kept"), [("rollback", 0), ("die", 0), ("commit", 1)])
def test_fault_18_a_request_that_is_taken_back_leaves_nothing(house, ending, kept):
    done = house.python("-m", "tests.faults.acts", ending, name="asker", HOLDFAST_DB_ROLE="app")
    done.wait()
    assert house.ledger.count("asked", ending=ending) == 1, "it never got there"
    counts = {
        "jobs": house.one("SELECT count(*) FROM jobs_job WHERE kind = 'faults.quick'"),
        "audit": house.one("SELECT count(*) FROM audit_event WHERE verb = 'faults.asked'"),
        "outbox": house.one("SELECT count(*) FROM integrations_writeintent"),
        "bells": min(house.bells(), 1),
    }
    assert counts == dict.fromkeys(counts, kept), house.report()
