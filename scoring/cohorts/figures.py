"""From a stored report to what the page shows: nothing is computed here but shares of shown counts."""

from dataclasses import dataclass
from typing import Any

from scoring.outcomes.queries import shown_name
from scoring.why.cohorts import KINDS

Row = dict[str, Any]
SURE = 0.05  # Holm's p below it: the groups are said to differ
DRAWN = 6  # curves that can be told apart


@dataclass(frozen=True)
class Asked:
    """Which dimension, and which group's interval is drawn."""

    by: str = "plan"
    group: str = ""


def asked_of(chosen: Any, found: Row) -> Asked:
    """What was asked for, as far as the report knows it; anything else is the default."""
    by = chosen.get("by", "")
    by = by if by in KINDS else next((kind for kind in KINDS if _groups(found, kind)), "plan")
    names = [each["name"] for each in _groups(found, by)]
    group = chosen.get("group", "")
    return Asked(by, group if group in names else next(iter(names), ""))


def _groups(found: Row, by: str) -> list[Row]:
    groups: list[Row] = found["dimensions"][by]["groups"]
    return groups


def name_of(by: str, name: str) -> str:
    return str(shown_name("segment", name)) if by == "segment" else name


def shown(found: Row, asked: Asked) -> Row:
    """The page's parts of one dimension."""
    part = found["dimensions"][asked.by]
    groups = [{**each, "label": name_of(asked.by, each["name"])} for each in part["groups"]]
    ticks = sorted({at["day"] for each in groups for at in each["at"]})
    return {
        "groups": groups,
        "lines": [line_of(each, ticks, part["test"]) for each in groups],
        "ticks": ticks,
        "part": part,
        "label": KINDS[asked.by],
        "test_words": test_words(part["test"], asked.by),
        "pairs": [pair_of(each, asked.by) for each in part["pairs"]],
        "tests": [
            (KINDS[kind], kind, each["test"], verdict(each["test"]), short_ps(each["test"]))
            for kind, each in found["dimensions"].items()
        ],
        "hidden_words": hidden_words(part),
    }


def line_of(group: Row, ticks: list[int], test: Row | None) -> Row:
    """One row of the table: a cell a tick, None where too few were left to be seen."""
    at = {each["day"]: each for each in group["at"]}
    counted = {each["name"]: each for each in (test or {}).get("cohorts", [])}
    return {
        **group,
        "censored": group["n"] - group["left"],
        "cells": [at.get(tick) for tick in ticks],
        "expected": counted.get(group["name"], {}).get("expected"),
    }


def verdict(test: Row | None) -> str:
    """`differ`, `open`, or empty where nothing could be tested."""
    if test is None:
        return ""
    return "differ" if test["p_holm"] < SURE else "open"


def short_ps(test: Row | None) -> list[str]:
    """p and Holm's p as a table shows them: never as nothing."""
    return [] if test is None else [p_words(test[key])[2:].removeprefix("= ") for key in ("p", "p_holm")]


def p_words(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def test_words(test: Row | None, by: str) -> str:
    """What the log-rank test allows to say, in a sentence."""
    if test is None:
        return "Not tested: it takes two groups of each of which at least five would have been expected to leave."
    left_out = ", ".join(name_of(by, name) for name in test["left_out"])
    rest = f" Left out, too few leavings expected: {left_out}." if left_out else ""
    said = "The groups differ" if verdict(test) == "differ" else "The groups are not shown to differ"
    degrees = "1 degree" if test["df"] == 1 else f"{test['df']} degrees"
    questions = "question" if test["questions"] == 1 else "questions"
    return (
        f"{said}: log-rank χ² = {test['chi_square']:.2f} with {degrees} of freedom, {p_words(test['p'])}; "
        f"{p_words(test['p_holm'])} after Holm's correction for {test['questions']} {questions}.{rest}"
    )


def pair_of(pair: Row, by: str) -> Row:
    return {
        **pair,
        "names": [name_of(by, pair[side]) for side in ("one", "two")],
        "p_words": None if pair["p"] is None else p_words(pair["p"]),
        "p_holm_words": p_words(pair["p_holm"]),
    }


def hidden_words(part: Row) -> str:
    """What is not shown of the dimension, and why."""
    found = []
    if part["small"]:
        found.append(f"{_groups_word(part['small'])} with fewer than 20 customers hidden")
    if part["more"]:
        found.append(f"{_groups_word(part['more'])} smaller than these")
    if part["unknown"]:
        found.append(f"{part['unknown']:,} customers without a value left out")
    return "; ".join(found)


def _groups_word(count: int) -> str:
    return "1 group" if count == 1 else f"{count:,} groups"


def curve_words(groups: list[Row], by: str) -> str:
    """The picture in one sentence with its main numbers."""
    told = []
    for each in groups[:DRAWN]:
        last = each["at"][-1] if each["at"] else None
        if last:
            told.append(f"{each['label']} {100 * last['still']:.0f}% after {last['day']} days")
    return f"Share of customers still there, by {KINDS[by].lower()}: {'; '.join(told)}. The table has the intervals."
