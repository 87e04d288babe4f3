"""Small bundles for tests: one valid row a file, and folders made of them."""

import csv
import gzip
from pathlib import Path

from integrations.importing.run import import_bundle
from integrations.services import imports as services
from tenants.scoping import tenant_transaction
from tests.worlds import MAKER, World

# one valid row of each file; `row(...)` changes single cells
VALID = {
    "accounts": {"external_id": "A1", "name": "Halden Logistics", "customer_since": "2024-01-15"},
    "contacts": {"external_id": "C1", "account_external_id": "A1", "name": "Ana Ruiz"},
    "subscriptions": {
        "external_id": "S1", "account_external_id": "A1", "arr": "12000.50", "currency": "EUR",
        "started_at": "2026-01-01T00:00:00Z", "renewal_date": "2027-01-01",
    },
    "usage_daily": {"account_external_id": "A1", "date": "2026-03-01", "logins": "5"},
    "usage_detail": {"account_external_id": "A1", "date": "2026-03-01", "feature": "export", "count": "3"},
    "products": {"external_id": "P1", "name": "Harbor Core"},
    "tickets": {"external_id": "T1", "account_external_id": "A1", "opened_at": "2026-03-01T09:30:00Z"},
    "invoices": {
        "external_id": "I1", "account_external_id": "A1", "issued_at": "2026-03-01T00:00:00Z",
        "due_at": "2026-03-31T00:00:00Z", "amount": "99.90", "currency": "EUR",
    },
    "surveys": {
        "external_id": "V1", "account_external_id": "A1", "kind": "nps", "score": "9",
        "responded_at": "2026-03-01T09:30:00Z",
    },
    "activities": {
        "external_id": "X1", "account_external_id": "A1", "kind": "call", "occurred_at": "2026-03-01T09:30:00Z",
    },
    "objectives": {
        "external_id": "O1", "account_external_id": "A1", "name": "Close books faster",
        "declared_at": "2026-03-01T09:30:00Z",
    },
    "milestones": {"external_id": "M1", "account_external_id": "A1", "name": "Kick-off"},
    "company_events": {
        "external_id": "E1", "account_external_id": "A1", "kind": "layoffs", "published_at": "2026-03-01T09:30:00Z",
    },
    "opportunities": {
        "external_id": "D1", "account_external_id": "A1", "name": "Renewal", "type": "renewal", "amount": "100",
        "currency": "EUR", "stage": "proposal", "created_at": "2026-03-01T09:30:00Z", "close_date": "2026-06-01",
    },
    "opportunity_changes": {
        "opportunity_external_id": "D1", "changed_at": "2026-03-02T09:30:00Z", "field": "stage",
        "old_value": "discovery", "new_value": "proposal",
    },
    "articles": {"external_id": "K1", "title": "Import a file", "body": "Use UTF-8."},
    "outcomes": {
        "external_id": "R1", "account_external_id": "A1", "kind": "renewed", "effective_at": "2026-03-01T00:00:00Z",
    },
}  # fmt: skip


def row(file: str, **cells: str) -> dict[str, str]:
    return {**VALID[file], **cells}


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    columns = list(dict.fromkeys(name for each in rows for name in each))
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return path


def bundle(folder: Path, **files: list[dict[str, str]] | str | bytes) -> Path:
    """A folder with these files; text or bytes are written as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / f"{name}.csv"
        if isinstance(content, list):
            write_csv(path, content)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def bring_in(world: World, path: Path, *, dry_run: bool = False, recorded: bool = True, **options):
    """Import for this tenant; returns the report as its JSON object, the files by name in `by_file`."""
    record = None
    if recorded:
        with tenant_transaction(world.tenant.pk):
            record = services.open_import(
                world.tenant, file_name=path.name, path=str(path), by=MAKER, dry_run=dry_run
            )
    report = import_bundle(
        world.tenant, path, by=MAKER, say=lambda *said: None, record=record, dry_run=dry_run, **options
    ).as_json()
    report["by_file"] = {file["file"]: file for file in report["files"]}
    report["record"] = record
    return report


def counts(report: dict, file: str) -> tuple[int, int, int, int, int]:
    """(read, created, updated, unchanged, rejected)"""
    found = report["by_file"][f"{file}.csv"]
    return tuple(found[name] for name in ("read", "created", "updated", "unchanged", "rejected"))
