"""What an idle installation takes: proportional set size of web, workers and database (shared pages counted once)."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from scripts.bench.installation import MANAGE, ROOT, Installation, environment
from scripts.bench.table import Line

LIMIT_MB = 400
PORT = 18_766


def measure(made: Installation) -> Iterator[Line]:
    """`serve`, one page asked for in each web process, then left alone for a while."""
    made.manage("collectstatic", "--noinput", "-v", "0")
    with open("/dev/null", "wb") as nowhere:
        process = subprocess.Popen(
            [*MANAGE, "serve", "--port", str(PORT)],
            cwd=ROOT,
            env=environment(),
            stdout=nowhere,
            stderr=nowhere,
        )
    try:
        _settle()
        roots = {"serve": process.pid, "database": _postmaster(made)}
        parts = {name: sum(map(_pss, _family(root))) for name, root in roots.items()}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    total = sum(parts.values()) / 1024
    yield Line(
        "idle memory of serve: supervisor, web and workers "
        f"({parts['serve'] / 1024:.0f} MB), database ({parts['database'] / 1024:.0f} MB), PSS",
        f"{total:.0f} MB",
        "the limit",
        f"{LIMIT_MB} MB",
        f"{100 * total / LIMIT_MB:.0f} %",
        "under 100 %",
    )


def _settle() -> None:
    for _ in range(6_000):  # ten minutes: a busy machine starts slowly
        try:
            if httpx.get(f"http://127.0.0.1:{PORT}/readyz").status_code == 200:
                break
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    else:
        sys.exit("bench: serve did not answer")
    for _ in range(20):
        httpx.get(f"http://127.0.0.1:{PORT}/auth/login/")
    time.sleep(20)


def _postmaster(made: Installation) -> int:
    return int((Path(made.server.data_dir) / "postmaster.pid").read_text().split()[0])


def _family(root: int) -> list[int]:
    """The process and all that it started."""
    kids: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            kids.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += kids.get(found[-1], [])
    return found


def _pss(pid: int) -> int:
    """Kilobytes; 0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
