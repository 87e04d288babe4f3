"""What the web processes count of their requests, and the text that Prometheus reads (ADR 0017).

Each web process writes its numbers to memory-mapped files in a slot of its own. A slot is a kernel lock: it is free
again when its process dies, however it died, and the next process goes on counting in it. So there are as many files
as processes live at once, and not one more for each worker that gunicorn recycles.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess, values
from prometheus_client.core import GaugeMetricFamily

from config import gauges
from config.log_context import route_of

SLOTS = 256
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_slot: dict[int, str] = {}
_held: list[int] = []  # the locks' handles: closed by the kernel with the process
_instruments: tuple[Counter, Histogram] | None = None


def folder() -> Path:
    return Path(settings.HOLDFAST_VAR) / "metrics"


def _own_slot() -> str:
    """This process's slot; asked at every count, so it is remembered by process id."""
    pid = os.getpid()
    if pid not in _slot:
        _slot.clear()  # a forked child does not hold its parent's lock
        _slot[pid] = _take_slot()
    return _slot[pid]


def _take_slot() -> str:
    for number in range(SLOTS):
        handle = os.open(folder() / f"slot-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        _held.append(handle)
        return f"s{number}"
    return f"p{os.getpid()}"


def _get() -> tuple[Counter, Histogram]:
    """Made at the first request, so that commands and workers leave no files."""
    global _instruments
    if _instruments is None:
        folder().mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder())
        values.ValueClass = values.MultiProcessValue(_own_slot)  # type: ignore[no-untyped-call]
        _instruments = (
            Counter(
                "holdfast_requests",
                "Requests answered, by method, name of the route and status.",
                ["method", "route", "status"],
                registry=None,
            ),
            Histogram(
                "holdfast_request_seconds",
                "Time to answer, by method and name of the route.",
                ["method", "route"],
                buckets=BUCKETS,
                registry=None,
            ),
        )
    return _instruments


def observe(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. Labels come from short lists of ours, never from what a client may choose."""
    requests, latency = _get()
    method = method if method in METHODS else "other"
    requests.labels(method, route, str(status)).inc()
    latency.labels(method, route).observe(seconds)


def forget_all() -> None:
    """Start from nothing: `serve` calls this before its children, unless another one counts in this folder."""
    for lock in folder().glob("slot-*.lock"):
        number = lock.stem.partition("-")[2]
        with lock.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            for path in folder().glob(f"*_s{number}.db"):
                path.unlink(missing_ok=True)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    if any(folder().glob("*.db")):
        multiprocess.MultiProcessCollector(registry, path=str(folder()))  # type: ignore[no-untyped-call]
    registry.register(_Gauges())
    return generate_latest(registry)


class _Gauges:
    """The installation's figures, as the sweeper last wrote them down."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = gauges.current()
        for name, (help_text, labels) in gauges.CATALOGUE.items():
            family = GaugeMetricFamily(name, help_text, labels=labels)
            for found, value in now.get(name, []):
                family.add_metric([str(found.get(label, "")) for label in labels], value)
            yield family


__all__ = ["BUCKETS", "exposition", "forget_all", "observe", "route_of"]
