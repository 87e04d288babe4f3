"""The ledger outside: one file to which every process appends a line with its pid, and which no crash can take back.

Opened with O_APPEND and synced, a line is there for good as soon as `note` returns, whatever happens to the process,
the transaction or the server afterwards. It imports nothing of the product.
"""

import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VARIABLE = "FAULTS_LEDGER"


def note(word: str, **details: Any) -> None:
    """Append one line. Where it goes is in the environment of the process (FAULTS_LEDGER)."""
    line = json.dumps({"word": word, "pid": os.getpid(), "at": time.monotonic(), **details})
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line.encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


@dataclass(frozen=True)
class Line:
    """`line.word`, `line.pid`, `line.at` (seconds, one clock for all processes) and `line["…"]` for the rest."""

    word: str
    pid: int
    at: float
    rest: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.rest[name]


class Ledger:
    """The file, read from the test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, word: str | None = None, **wanted: Any) -> list[Line]:
        """In the order in which they were written; all, or those of this word with these details."""
        text = self.path.read_text() if self.path.exists() else ""
        whole = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        found = [Line(each.pop("word"), each.pop("pid"), each.pop("at"), each) for each in whole]
        return [
            line
            for line in found
            if word in (None, line.word)
            and all(line.rest.get(name) == value for name, value in wanted.items())
        ]

    def count(self, word: str, **wanted: Any) -> int:
        return len(self.lines(word, **wanted))

    def times(self, word: str, by: str) -> Counter[Any]:
        """How often each value of the detail `by` occurs."""
        return Counter(line[by] for line in self.lines(word))

    def __str__(self) -> str:
        lines = [f"{line.at:.2f} pid {line.pid} {line.word} {line.rest or ''}" for line in self.lines()]
        shown = lines if len(lines) <= 60 else [*lines[:20], f"… {len(lines) - 50} more …", *lines[-30:]]
        return "\n".join(shown) or "(empty)"
