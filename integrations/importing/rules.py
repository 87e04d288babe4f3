"""What must hold between the cells of one row, file by file."""

from collections.abc import Callable

import polars as pl

from integrations.importing.celltypes import Faults
from integrations.importing.format import SCALES

LARGEST_ENTRY = 2400  # bytes: an entry of an index may have 2,704, and carries ids beside these


def _account_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    faults.add(typed["name"].str.len_bytes() > LARGEST_ENTRY, "name", "is too long for a name. Shorten it.")


def _usage_detail_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    parts = [typed[name].str.len_bytes().fill_null(0) for name in ("product", "feature") if name in typed]
    if parts:
        size = sum(parts[1:], parts[0])
        faults.add(size > LARGEST_ENTRY - 800, "feature", "is too long a name, with its product. Shorten it.")


def _survey_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    for kind, (low, high) in SCALES.items():
        off = (typed["kind"] == kind) & ~typed["score"].is_between(low, high)
        faults.add(off, "score", f"is not on the scale of {kind}, {low} to {high}.")


def _ticket_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    if "csat" in typed and "closed_at" in typed:
        wrong = typed["csat"].is_not_null() & typed["closed_at"].is_null()
        faults.add(
            wrong, "csat", "is there, but closed_at is empty. A rating counts from the ticket's close."
        )


def _opportunity_rules(typed: dict[str, pl.Series], faults: Faults) -> None:
    if "won" in typed and "closed_at" in typed:
        won, closed = typed["won"].is_not_null(), typed["closed_at"].is_not_null()
        faults.add(won & ~closed, "won", "is there, but closed_at is empty. Fill in both or neither.")
        faults.add(closed & ~won, "closed_at", "is there, but won is empty. Fill in both or neither.")


RULES: dict[str, Callable[[dict[str, pl.Series], Faults], None]] = {
    "accounts": _account_rules,
    "usage_detail": _usage_detail_rules,
    "surveys": _survey_rules,
    "tickets": _ticket_rules,
    "opportunities": _opportunity_rules,
}
