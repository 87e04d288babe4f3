"""Faults of the worker's group under the real supervisor: idle, headless, stuck, told to stop, out of memory."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.house import children_of, command_of, lives

CANARY = {"HOLDFAST_CANARY_EVERY": 1, "HOLDFAST_CANARY_LIMIT": 10, "HOLDFAST_STOP_SECONDS": 3}
RESTARTED = "no heartbeat of the workers"


def leader(serve, command):
    """The process under `serve` that runs this command."""
    return next(pid for pid in children_of(serve.pid) if command in command_of(pid))


def group_of(serve):
    """qcluster's processes: the main one, its sentinel, and the sentinel's: two workers, monitor, pusher."""
    main = leader(serve, "qcluster")
    (sentinel,) = children_of(main)
    return main, sentinel, children_of(sentinel)


def assert_backlog_is_done_once(house, count):
    jobs = [house.enqueue("faults.quick") for _ in range(count)]
    house.wait_all_jobs()
    runs = house.ledger.times("end", "job")
    assert {job: runs[job] for job in jobs} == dict.fromkeys(jobs, 1), house.report()


def test_fault_4_idle_workers_killed(house):
    serve = house.serve(**CANARY)
    assert_backlog_is_done_once(house, 2)
    before = serve.output().count(RESTARTED)
    main, sentinel, children = group_of(serve)
    for pid in children[:2]:  # one of them holds the shared queue's lock, which nobody frees
        house.kill(pid)
    assert_backlog_is_done_once(house, 6)
    if serve.output().count(RESTARTED) > before:  # nearly always; now and then the queue survives
        house.wait_dead(main, sentinel, *children)


def test_fault_4_a_group_that_is_stuck_is_restarted_whole(house):
    serve = house.serve(**CANARY)
    assert_backlog_is_done_once(house, 1)
    before = serve.output().count(RESTARTED)
    main, sentinel, children = group_of(serve)
    web = leader(serve, "gunicorn")
    for pid in (sentinel, *children):
        house.kill(pid, 19)  # SIGSTOP: alive, holding everything, doing nothing
    jobs = [house.enqueue("faults.quick") for _ in range(5)]
    noticed = lambda: serve.output().count(RESTARTED) > before  # noqa: E731
    house.wait_until(noticed, "the supervisor to notice", alive=serve)
    house.wait_dead(main, sentinel, *children)
    house.wait_all_jobs()
    runs = house.ledger.times("end", "job")
    assert {job: runs[job] for job in jobs} == dict.fromkeys(jobs, 1)
    assert lives(web), "the pages have nothing to do with it"


def test_fault_6_only_the_main_process_killed_leaves_no_orphan(house):
    serve = house.serve(HOLDFAST_STOP_SECONDS=5)
    job = house.enqueue("faults.patient", mark="m")
    first = house.wait_for("start", job=job)
    main, sentinel, children = group_of(serve)
    house.kill(main)
    second = house.wait_for("start", 2, job=job)
    left = [pid for pid in (sentinel, *children) if lives(pid)]
    assert not left, f"orphans {left} go on beside the new group"
    assert second.pid not in (sentinel, *children)
    house.go("m")
    assert house.wait_job(job, "done")[1] == 2
    assert first.pid != second.pid
    assert house.ledger.count("end", job=job) == house.effects("m") == 1


def test_fault_45_stopping_lets_a_request_and_a_job_finish(house):
    serve = house.serve(HOLDFAST_STOP_SECONDS=40)
    job = house.enqueue("faults.patient", mark="job")
    house.wait_for("start", job=job)
    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(house.browser().get, "/faults/slow/?mark=page")
        house.wait_for("request", mark="page")
        began = time.monotonic()
        house.kill(serve.pid, 15)
        house.wait_until(lambda: house.status("/healthz") == 0, "the door to be closed for new requests")
        house.go("page")
        assert (page.result().status_code, page.result().text) == (200, "done\n")
        house.go("job")
    assert serve.wait() == 0
    assert time.monotonic() - began <= 45
    assert house.pids() == []
    assert house.job(job)[:2] == ("done", 1)
    assert house.effects("job") == 1


def test_fault_45_a_job_that_takes_too_long_is_cut_off_and_taken_up_again(house):
    serve = house.serve(HOLDFAST_STOP_SECONDS=40)
    job = house.enqueue("faults.patient", mark="job")
    house.wait_for("start", job=job)
    began = time.monotonic()
    house.kill(serve.pid, 15)
    assert serve.wait() == 0
    assert time.monotonic() - began <= 45
    assert house.pids() == []
    assert house.ledger.count("end", job=job) == house.effects("job") == 0
    house.worker()
    house.sweeper()
    house.wait_for("start", 2, job=job)
    house.go("job")
    assert house.wait_job(job, "done")[1] == 2
    assert house.ledger.count("end", job=job) == house.effects("job") == 1


@pytest.fixture
def visitor():
    """Asks for pages all the time, and remembers the answers."""
    stop, answers = threading.Event(), []

    def begin(house):
        def visit():
            person = house.browser(timeout=20).sign_in("ops_admin@acme.example")
            while not stop.wait(0.1):
                answers.append(person.get("/t/acme/jobs/").status_code)

        found = threading.Thread(target=visit, daemon=True)
        found.start()
        return answers, lambda: (stop.set(), found.join())

    yield begin
    stop.set()


def test_fault_46_a_memory_bomb_fails_alone(house, visitor):
    house.serve(HOLDFAST_WORKER_MAX_MB=600, HOLDFAST_WORKER_RECYCLE_MB=250)
    answers, leave = visitor(house)
    house.wait_until(lambda: answers, "the first page")
    bomb = house.enqueue("faults.memory")
    _, attempts, error = house.wait_job(bomb, "dead")
    assert (attempts, "memory" in error) == (2, True), error
    first, second = [line.pid for line in house.ledger.lines("start", job=bomb)]
    house.wait_until(lambda: not lives(first) and not lives(second), "both grown workers to be replaced")
    after = house.enqueue("faults.quick")
    house.wait_job(after, "done")
    leave()
    assert house.ledger.lines("end", job=after)[0].pid not in (first, second)
    assert set(answers) == {200}, answers
