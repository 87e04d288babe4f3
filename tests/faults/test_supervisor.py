"""The supervisor of the whole installation: killed, it leaves nobody; what dies under it comes back."""

from tests.faults.house import children_of, command_of


def test_a_killed_supervisor_leaves_no_process_and_its_job_is_done_once(house):
    serve = house.serve()
    job = house.enqueue("faults.patient", mark="m")
    house.wait_for("start", job=job)
    house.kill(serve.pid)
    serve.wait()
    house.wait_until(lambda: not house.pids(), "every process to follow its supervisor")
    again = house.serve()
    house.wait_for("start", 2, job=job)
    house.go("m")
    assert house.wait_job(job, "done")[1] == 2
    assert house.effects("m") == 1
    assert again.stop() == 0
    assert house.pids() == []


def test_each_leader_that_is_killed_comes_back(house):
    serve = house.serve()
    for command in ("gunicorn", "qcluster", "sweeper"):
        (pid,) = [each for each in children_of(serve.pid) if command in command_of(each)]
        house.kill(pid)
        house.wait_until(
            lambda command=command, pid=pid: any(
                command in command_of(each) and each != pid for each in children_of(serve.pid)
            ),
            f"another {command}",
            alive=serve,
        )
    house.wait_ready(serve)
    job = house.enqueue("faults.quick")
    house.wait_job(job, "done")
    assert house.ledger.count("end", job=job) == 1
