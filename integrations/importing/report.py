"""What an import did, file by file: the object that `--json` writes and the pages show."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

# say(bytes done, bytes in all, words)
Say = Callable[[int, int, str], None]
MOST_REJECTED = 1000  # rows listed a file; the quarantine holds all


@dataclass
class FileReport:
    file: str
    status: str = "landed"  # landed, stopped, ignored
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    message: str | None = None
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        del values["seconds"]
        return values


@dataclass
class BundleReport:
    tenant: str
    dry_run: bool
    refused: str | None = None
    files: list[FileReport] = field(default_factory=list)
    unfinished: bool = False  # a job that ran out of its time; the next one goes on

    @property
    def is_clean(self) -> bool:
        """Everything landed: nothing refused, stopped or rejected."""
        return self.refused is None and not any(
            file.status == "stopped" or file.rejected for file in self.files
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "dry_run": self.dry_run,
            "refused": self.refused,
            "files": [file.as_json() for file in self.files],
        }
