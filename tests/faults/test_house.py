"""The house itself: it starts what it says, and everything is gone afterwards."""

import subprocess
import sys

from config import embedded
from tests.faults.house import lives


def test_a_job_runs_in_a_real_worker_and_a_page_is_served_by_a_real_web_server(house):
    house.worker()
    house.web(workers=1)
    job = house.enqueue("faults.quick", word="hello")
    house.wait_job(job, "done")
    assert house.ledger.times("end", "name") == {"hello": 1}
    assert house.effects("hello") == 1
    page = house.browser().sign_in("ops_admin@acme.example").get(f"/t/acme/jobs/{job}/")
    assert page.status_code == 200
    assert "A quick job" in page.text


def test_what_left_its_group_is_found_and_ended_too(house):
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(300)']"
    house.python("-c", f"import subprocess, sys; subprocess.Popen({sleeper}, start_new_session=True)").wait()
    (stray,) = house.wait_until(house.pids, "the stray process")
    assert lives(stray)
    house._kill_the_rest()
    assert not lives(stray)


def test_a_private_server_has_the_same_data_and_may_be_stopped(private_house, house):
    own = private_house(settings="max_connections=20")
    assert own.one("SHOW max_connections") == "20"
    assert (
        own.one("SELECT count(*) FROM tenants_tenant")
        == house.one("SELECT count(*) FROM tenants_tenant")
        == 2
    )
    embedded.stop(own.server)
    assert not embedded.is_alive(own.server)
    assert house.one("SELECT 1") == 1


def test_a_line_in_the_ledger_outlives_its_writer(house):
    code = (
        "import os, signal; from tests.faults.ledger import note; note('last', x=1); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=house.env(), check=False)
    assert done.returncode == -9
    (line,) = house.ledger.lines("last")
    assert (line["x"], line.pid > 0) == (1, True)
