"""Cuts a bundle at a day, as docs/import.md's "Time travel" says: what was known before it began, and nothing else.

Written from the document, not from the product's code: it works on the text of the files alone.
"""

import csv
import gzip
import io
from pathlib import Path

EVENT = {
    "accounts": "customer_since",
    "contacts": "joined_at",
    "subscriptions": "started_at",
    "usage_daily": "date",
    "usage_detail": "date",
    "tickets": "opened_at",
    "invoices": "issued_at",
    "surveys": "responded_at",
    "activities": "occurred_at",
    "objectives": "declared_at",
    "company_events": "published_at",
    "opportunities": "created_at",
    "opportunity_changes": "changed_at",
    "articles": "updated_at",
    "outcomes": "effective_at",
}
# a later fact, and the cells that count from its time
LATER = {
    "accounts": {"converted_at": []},
    "contacts": {"departed_at": []},
    "subscriptions": {"cancelled_at": ["cancel_reason"]},
    "tickets": {"first_response_at": [], "closed_at": ["csat", "resolution"], "escalated_at": []},
    "invoices": {"paid_at": [], "voided_at": []},
    "objectives": {"achieved_at": ["value_realized"]},
    "milestones": {"completed_at": []},
    "opportunities": {"closed_at": ["won"]},
}


def cut_bundle(source: Path, day: str, target: Path) -> None:
    """Writes the bundle as it was known before `day` 00:00 UTC. Times end in Z, so text order is time order."""
    target.mkdir(parents=True)
    tables = {path.name.split(".")[0]: _read(path) for path in sorted(source.glob("*.csv*"))}
    rewound = _first_later_changes(tables.get("opportunity_changes", []), day)
    customers = {row["external_id"] for row in tables["accounts"] if row.get("customer_since", "") < day}
    known = {None, *customers}
    kept_deals = set()
    for name, rows in tables.items():
        kept = [_known(name, dict(row), day) for row in rows if row.get(EVENT.get(name, ""), "") < day]
        kept = [row for row in kept if _account_of(name, row) in known]
        if name == "opportunities":
            kept = [_rewind(row, rewound) for row in kept]
            kept_deals = {row["external_id"] for row in kept}
        tables[name] = kept
    if "opportunity_changes" in tables:
        changes = tables["opportunity_changes"]
        tables["opportunity_changes"] = [
            row for row in changes if row["opportunity_external_id"] in kept_deals
        ]
    for row in tables["accounts"]:
        if row.get("parent_external_id") not in customers:
            row["parent_external_id"] = ""
    for name, rows in tables.items():
        _write(target / f"{name}.csv", rows)


def _account_of(name, row):
    """The account that a row belongs to; None for articles and the like."""
    return row["external_id"] if name == "accounts" else row.get("account_external_id")


def _known(name, row, day):
    for fact, cells in LATER.get(name, {}).items():
        if row.get(fact, "") >= day or not row.get(fact):
            for cell in (fact, *cells):
                if cell in row:
                    row[cell] = ""
    return row


def _first_later_changes(changes, day):
    """(deal, field) -> the value that the first change on or after the day replaced."""
    found = {}
    for change in sorted(
        (each for each in changes if each["changed_at"] >= day), key=lambda each: each["changed_at"]
    ):
        found.setdefault((change["opportunity_external_id"], change["field"]), change["old_value"])
    return found


def _rewind(row, rewound):
    for field in list(row):
        if (row["external_id"], field) in rewound:
            row[field] = rewound[row["external_id"], field]
            if field == "next_step":
                row["next_step_due"] = ""
    return row


def _read(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _write(path, rows):
    with path.open("w", newline="") as file:
        if rows:
            lines = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            lines.writeheader()
            lines.writerows(rows)
    if not rows:
        path.unlink()
