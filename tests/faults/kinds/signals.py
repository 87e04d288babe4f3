"""What a handler waits for: a file that the test makes beside the ledger (House.go)."""

import os
import sys
import time
from pathlib import Path

from tests.faults.ledger import VARIABLE

PATIENCE = 120.0


def path_of(mark: str) -> Path:
    return Path(os.environ[VARIABLE]).with_name(f"go-{mark}")


def wait_for(mark: str) -> None:
    """Until the test says so; a test that forgot us must not leave us waiting for ever."""
    deadline = time.monotonic() + PATIENCE
    while not path_of(mark).exists():
        if time.monotonic() > deadline:
            sys.exit(f"nobody said go for {mark}")
        time.sleep(0.02)
