"""From what a training found to the lines of the page "What is associated with leaving"."""

from typing import Any

from scoring.cohorts.models import AssociationReport
from scoring.models import ChurnModel
from scoring.outcomes.queries import shown_name
from scoring.why.chance import value_words
from scoring.why.names import label_of

Row = dict[str, Any]
ALL = "all"
LEAST_ACCOUNTS, LEAST_LEAVERS = 20, 10
SHOWN = 40  # lines; the sheet has all of them
BESIDE = "with a smaller segment, whose counts would follow from its own"


def chosen_report(reports: list[AssociationReport], version: str) -> AssociationReport | None:
    """The version asked for, else the one in force, else the newest."""
    asked = [each for each in reports if str(each.model.version) == version]
    live = [each for each in reports if each.model.state in ChurnModel.LIVE]
    return next(iter([*asked, *live, *reports]), None)


def segment_label(name: str) -> str:
    return "All customers" if name == ALL else str(shown_name("segment", name))


def shown(found: Row, wanted: str) -> Row:
    """One segment's lines; without a known one all customers'."""
    segments = {each["name"]: each for each in told_segments(found)}
    asked = segments.get(wanted) or segments[ALL]
    lines = [line_of(each) for each in asked.get("rows", []) if is_told(each)]
    return {
        "segment": asked,
        "segment_label": segment_label(asked["name"]),
        "segments": [(each["name"], segment_label(each["name"])) for each in found["segments"]],
        "lines": lines[:SHOWN],
        "more": max(len(lines) - SHOWN, 0),
        "least": (LEAST_ACCOUNTS, LEAST_LEAVERS),
        "sure": sum(each["reading"] in ("more", "less") for each in lines),
    }


def told_segments(found: Row) -> list[Row]:
    """Every segment; of a hidden one no counts either: they are what made it too small to tell of.

    Where one alone is too small, its counts are all customers' less the others': the next smallest is hidden with it.
    """
    small = [each for each in found["segments"] if each["hidden"] and each["accounts"]]
    large = [each for each in found["segments"] if not each["hidden"] and each["name"] != ALL]
    beside = min(large, key=_size) if len(small) == 1 and large and small[0]["name"] != ALL else None
    return [_told(each, is_beside=each is beside) for each in found["segments"]]


def _size(segment: Row) -> tuple[int, int, str]:
    return segment["accounts"], segment["leavers"], segment["name"]


def _told(segment: Row, *, is_beside: bool) -> Row:
    if not (segment["hidden"] or is_beside):
        return segment
    why = BESIDE if is_beside else f"needs {LEAST_ACCOUNTS} customers and {LEAST_LEAVERS} leavers"
    return {"name": segment["name"], "hidden": True, "accounts": None, "leavers": None, "why": why}


def is_told(line: Row) -> bool:
    """Whether there is anything to say: neither a part in the model nor two sides to compare is nothing."""
    return bool(line["gap"] or (line["size"] and line["size"]["value"]))


def line_of(line: Row) -> Row:
    name, gap = line["name"], line["gap"]
    made = {**line, "label": label_of(name), "reading": reading(gap), "own": line.get("deviation")}
    if gap:
        made["points"] = {end: 100 * gap[end] for end in ("value", "low", "high")}
        made["up_to"], made["from"] = (value_words(name, gap[side]["cut"]) for side in ("lower", "upper"))
    return made


def reading(gap: Row | None) -> str:
    """`more` or `less`: with a high value they left more or less often; `chance`, `none`, or empty."""
    if gap is None:
        return ""
    if gap["sure"]:
        return "more" if gap["value"] > 0 else "less"
    return "chance" if gap["low"] > 0 or gap["high"] < 0 else "none"


HEADS = [
    "segment", "customers", "leavers", "indicator", "key", "low_third_up_to", "low_third_left", "low_third_customers",
    "high_third_from", "high_third_left", "high_third_customers", "difference", "difference_low_95",
    "difference_high_95", "reading", "part", "part_low_95", "part_high_95",
]  # fmt: skip


def sheet(found: Row) -> list[list[Any]]:
    """Every line of every segment; of a hidden one nothing but its name and why."""
    made = []
    for segment in told_segments(found):
        head = [segment_label(segment["name"]), segment["accounts"], segment["leavers"]]
        if segment["hidden"]:
            made.append([*head, f"hidden: {segment['why']}", *[None] * 14])
        made += [[*head, *_cells(each)] for each in segment.get("rows", []) if is_told(each)]
    return made


def _cells(line: Row) -> list[Any]:
    gap, size, name = line["gap"], line["size"] or {}, line["name"]
    sides: list[Any] = [None] * 6
    if gap:
        cut = None if not value_words(name, 0.0) else "cut"
        sides = [
            each for side in ("lower", "upper")
            for each in (gap[side]["cut"] if cut else None, gap[side]["rate"], gap[side]["accounts"])
        ]  # fmt: skip
    ends = [(gap or {}).get(end) for end in ("value", "low", "high")]
    parts = [size.get(end) for end in ("value", "low", "high")]
    return [label_of(name), name, *sides, *ends, reading(gap), *parts]
