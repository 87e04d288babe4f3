"""`export_scores`: one row a customer of a day, in the public format (docs/scoring.md, "What goes out")."""

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from scoring import apart, queries
from scoring.bands import UNKNOWN
from scoring.models import HealthSnapshot
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

COLUMNS = (
    "account_external_id", "as_of", "health", "band", "p_churn_30", "p_churn_60", "p_churn_90", "arr", "currency",
    "arr_at_stake_90", "reason_1", "reason_2", "reason_3", "model_version", "policy_version",
)  # fmt: skip
REASONS = 3


@dataclass
class Told:
    """What the rows of one file say together."""

    accounts: int = 0
    bands: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)  # version: accounts with a chance of it
    leave: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 3)  # sums of the chances
    stake: dict[str, Decimal] = field(default_factory=dict)  # by currency

    def add(self, row: list[str]) -> None:
        cells = dict(zip(COLUMNS, row, strict=True))
        self.accounts += 1
        self.bands[cells["band"]] += 1
        if not cells["p_churn_90"]:
            return
        self.models[cells["model_version"]] += 1
        self.leave = [
            kept + Decimal(cells[name]) for kept, name in zip(self.leave, COLUMNS[4:7], strict=True)
        ]
        if cells["arr_at_stake_90"]:
            here = cells["currency"]
            self.stake[here] = self.stake.get(here, Decimal(0)) + Decimal(cells["arr_at_stake_90"])

    def figures(self) -> dict[str, Any]:
        """For `--json`: accounts, bands, versions; how many are expected to leave within 30, 60, 90 days."""
        with_chance = self.models.total()
        return {
            "accounts": self.accounts,
            "with_chance": with_chance,
            "bands": dict(self.bands),
            "models": dict(self.models),
            "expected_to_leave": {
                days: float(total) if with_chance else None
                for days, total in zip(("30", "60", "90"), self.leave, strict=True)
            },
            "arr_at_stake_90": {currency: str(amount) for currency, amount in sorted(self.stake.items())},
        }


def write_file(tenant: Tenant, *, as_of: date, path: Path) -> Told:
    """Write the day's scores to `path`, whole or not at all; what they say together."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as out:
            told = write_rows(tenant, as_of=as_of, out=out)
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return told


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_rows(tenant: Tenant, *, as_of: date, out: TextIO) -> Told:
    """The header and one line a customer; the day must have been scored."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    told = Told()
    with tenant_transaction(tenant.pk):
        for row in rows(tenant, as_of=as_of):
            lines.writerow(row)
            told.add(row)
    return told


def rows(tenant: Tenant, *, as_of: date) -> Iterator[list[str]]:
    """By what is at stake (by priority where no model speaks), largest first; ties by external id."""
    run = queries.run_of_day(tenant, as_of)
    for snapshot in queries.snapshots_by_priority(tenant, as_of=as_of):
        yield _cells(snapshot, run.summary if run else {})


def _cells(snapshot: HealthSnapshot, summary: Mapping[str, Any]) -> list[str]:
    """Chances of leaving, money at stake and the model's name stay empty without a calibrated model."""
    told = apart.without(snapshot.reasons, summary) if snapshot.band != UNKNOWN else []
    reasons = [reason["text"] for reason in told[:REASONS]]
    return [
        snapshot.account.external_id,
        snapshot.as_of.isoformat(),
        "" if snapshot.health is None else f"{snapshot.health:.2f}",
        snapshot.band,
        *(_share(each) for each in (snapshot.p30, snapshot.p60, snapshot.p90)),
        _money(snapshot.arr),
        snapshot.currency,
        _at_stake(snapshot),
        *(reasons + [""] * (REASONS - len(reasons))),
        snapshot.model_version,
        snapshot.policy_version,
    ]  # fmt: skip


def _share(p: Decimal | None) -> str:
    return "" if p is None else f"{p:.6f}"


def _at_stake(snapshot: HealthSnapshot) -> str:
    """In the account's own currency, to the cent."""
    if snapshot.p90 is None or snapshot.arr is None:
        return ""
    return f"{snapshot.arr * snapshot.p90:.2f}"


def _money(amount: Decimal | None) -> str:
    """Two decimals, or four where the source was that exact."""
    if amount is None:
        return ""
    cents = amount.quantize(Decimal("0.01"))
    return str(cents) if cents == amount else f"{amount:.4f}"
