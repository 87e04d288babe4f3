"""Two replays side by side as JSON for a page: figures, who left, who would be flagged now."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from scoring.learning import labels, replay
from scoring.learning.replay import Alerts, Gone, Past
from scoring.whatif.history import History, Ints

LISTED = 50


def compare(
    history: History,
    past: Past,
    states: tuple[Ints, Ints],
    told: tuple[Alerts, Alerts],
    gone: tuple[Gone, Gone],
) -> dict[str, Any]:
    """`states`, `told` and `gone` are of what is in force and of what is proposed."""
    until = labels.day_number(history.newest)
    before, after = (
        replay.figures(past, state, each, left, until=until)
        for state, each, left in zip(states, told, gone, strict=True)
    )
    return {
        "days": int(past.days.size),
        "first": str(labels.day_of(int(past.days[0]))),
        "last": str(labels.day_of(int(past.days[-1]))),
        "accounts": int((states[1] > replay.ABSENT).any(axis=1).sum()),
        "left": int(gone[0].row.size),
        "csms": replay.csms(past),
        "weeks": round(replay.weeks(past), 1),
        "before": before,
        "after": after,
        **_leavers(history, past, told, gone[0]),
        **_standing(history, past, told, gone[0]),
    }


def _leavers(history: History, past: Past, told: tuple[Alerts, Alerts], gone: Gone) -> dict[str, Any]:
    """Everybody who left, those first of whom the two say different things, then the largest."""
    leads = [replay.warning(past, each, gone) for each in told]
    rows = [
        _account(history, past, row)
        | {
            "left": str(labels.day_of(int(left))),
            "before": int(before),
            "after": int(after),
            "turns": _turn(before, after),
        }
        for row, left, before, after in zip(
            gone.row.tolist(), gone.left.tolist(), leads[0].tolist(), leads[1].tolist(), strict=True
        )
    ]
    rows.sort(key=lambda each: (not each["turns"], -(each["arr"] or 0), each["account_id"]))
    may_name = set(past.accounts[history.named].tolist())
    return {
        "leavers": [each for each in rows if each["account_id"] in may_name][:LISTED],
        "gained": sum(each["turns"] == "caught" for each in rows),
        "missed": sum(each["turns"] == "missed" for each in rows),
    }


def _turn(before: float, after: float) -> str:
    """Whether the proposal catches whom the one in force misses, or misses whom it catches."""
    was, would = before >= replay.LEAST_WARNING, after >= replay.LEAST_WARNING
    return "" if was == would else "caught" if would else "missed"


def _standing(history: History, past: Past, told: tuple[Alerts, Alerts], gone: Gone) -> dict[str, Any]:
    """Whose flag would stand now and does not, and the other way round; leavers are not among them."""
    here = np.ones(past.accounts.size, dtype=np.bool_)
    here[gone.row] = False
    before, after = (each.on[:, -1] & here for each in told)
    return {
        **_listed("newly", history, past, np.flatnonzero(after & ~before)),
        **_listed("cleared", history, past, np.flatnonzero(before & ~after)),
    }


def _listed(name: str, history: History, past: Past, rows: Ints) -> dict[str, Any]:
    found = [_account(history, past, row) for row in rows[history.named[rows]].tolist()]
    found.sort(key=lambda each: (-(each["arr"] or 0), each["account_id"]))
    return {name: found[:LISTED], f"{name}_count": int(rows.size)}


def _account(history: History, past: Past, row: int) -> dict[str, Any]:
    known = past.arr[row][~np.isnan(past.arr[row])]
    return {
        "account_id": int(past.accounts[row]),
        "name": history.names[row],
        "arr": float(known[-1]) if known.size else None,
    }


def empty(why: str, days: Sequence[date] = ()) -> dict[str, Any]:
    """Nothing can be replayed, and why."""
    return {"days": len(days), "nothing": why}
