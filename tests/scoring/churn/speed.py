"""How long learning, scoring and explaining take: .venv/bin/python -m tests.scoring.churn.speed [accounts]

24 landmarks, 45 features. Prints rows, leavers, wall and CPU seconds, and the process's largest memory.
"""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from scoring.engine.churn.boosted import fit_boosted
from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import leavers, take
from scoring.engine.churn.explain import explain
from scoring.engine.churn.fit import fit

from .truth import World, draw


def timed(what: str, call: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what}: {wall:.2f} s, {cpu:.2f} CPU s, {memory:.2f} GiB at most", flush=True)
    return found


def main(accounts: int) -> None:
    world = World(accounts=accounts, landmarks=24, features=45, level=-6.7)
    past = draw(world)
    past = replace(past, x=past.x.astype(np.float32))
    print(f"{len(past):,} observations of {accounts:,} accounts, {leavers(past):,} leavers", flush=True)
    fitted = timed("fit", lambda: fit(past))
    print(f"penalty {fitted.facts['penalty']}, {fitted.facts['rows_used']:,} rows used", flush=True)
    timed("score", lambda: chances(fitted, take(past, np.arange(10_000))))
    timed("explain", lambda: explain(fitted, take(past, np.arange(10_000))))
    timed("boosted", lambda: fit_boosted(past))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
