"""From a stored report to what the page shows: nothing is computed here but shares of shown counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from scoring.flagging import IN_TIME_DAYS
from scoring.leaving import KINDS, LABELS, MEANING
from scoring.models import ChurnModel
from scoring.outcomes.queries import shown_name
from scoring.quality.words import MEASURES, VERDICTS, candidate, gap_words, skill_words
from scoring.why.names import label_of

Row = dict[str, Any]

HORIZONS = (30, 60, 90)
SEEN_TARGET, AHEAD = (
    0.85,
    60,
)  # of those who left, seen that many days ahead: what is aimed at, not what is found
LEAST_LEFT = 5  # customers of one kind, below which there is no share
WITHOUT = "none"  # how an address names the accounts without a segment


@dataclass(frozen=True)
class Asked:
    """What the diagram and figures are about; None is all of them."""

    horizon: int = 90
    segment: str | None = None
    version: int | None = None

    @property
    def segment_key(self) -> str:
        return WITHOUT if self.segment == "" else self.segment or ""

    @property
    def query(self) -> str:
        return urlencode(
            {"horizon": self.horizon, "segment": self.segment_key, "version": self.version or ""}
        )


def asked_of(chosen: Mapping[str, str], found: Row) -> Asked:
    """What was asked for, as far as the report knows it; anything else is the default."""
    horizon = next((each for each in HORIZONS if str(each) == chosen.get("horizon")), 90)
    segments = {WITHOUT if name == "" else name: name for name in _segments(found)}
    versions = {str(each["version"]): each["version"] for each in found["versions"]}
    return Asked(horizon, segments.get(chosen.get("segment", "")), versions.get(chosen.get("version", "")))


def _segments(found: Row) -> list[str]:
    """Names of all segments that any diagram is about."""
    cells = [*found["observed"]["cells"], *(each for row in found["versions"] for each in row["cells"])]
    return sorted({each["segment"] for each in cells if each["segment"] is not None})


def segment_name(name: str | None) -> str:
    if name is None:
        return "All segments"
    return shown_name("segment", name) if name else "Segment not known"


def shown(found: Row, asked: Asked, standing: list[ChurnModel], live: ChurnModel | None) -> Row:
    """The page's parts, in its order."""
    told = told_version(found, asked, live)
    of_horizon = found["observed"]["horizons"].get(str(asked.horizon))
    closed_or_open = months(of_horizon)
    return {
        "horizons": HORIZONS,
        "segments": [(WITHOUT if name == "" else name, segment_name(name)) for name in _segments(found)],
        "version_numbers": [each["version"] for each in found["versions"]],
        "segment_label": segment_name(asked.segment),
        "told": told,
        "observed_cell": _cell(found["observed"]["cells"], asked, asked.version),
        "tested_cell": _cell(told["cells"], asked, told["version"]) if told else None,
        "observed_n": found["observed"]["n"],
        "observed_late": found["observed"].get("late", 0),
        "afterwards": found.get("afterwards"),  # rows of older releases do not tell
        "in_time_days": IN_TIME_DAYS,
        "measures": measures(told, of_horizon, asked),
        "skill_words": skill_words((of_horizon or {}).get("figures", {}).get("brier_skill")),
        "tested_skill_words": skill_words(_tested(told, asked).get("brier_skill")),
        "months": closed_or_open,
        "fairness": fairness(of_horizon),
        "tested_segments": tested_segments(told, asked),
        "lead": lead_time(found["lead_time"]),
        "tested_lead": told.get("lead_time") if told else None,
        "tested_kinds": tested_kinds(told),
        "threshold": found["threshold"],
        "precision_wanted": found["precision_wanted"],
        "seen_target": SEEN_TARGET,
        "ahead": AHEAD,
        "year": year(found),
        "any_closed": any(month["closed"] for month in closed_or_open),
        "waiting_words": waiting_words(found, asked),
        "bins_waiting": bins_words(found, asked),
        "versions": versions(found, standing),
        "overrides": overrides(found["overrides"]),
        "known_until": _day(found["known_until"]),
    }


def tested_kinds(told: Row | None) -> list[Row]:
    """Of each kind of leaving, how many the back-test would have flagged; a share of few is left out."""
    found: Row = (told or {}).get("kinds") or {}
    return [
        {
            "label": LABELS[name],
            "meaning": MEANING[name],
            **found[name],
            "hidden": found[name]["left"] < LEAST_LEFT,
        }
        for name in KINDS
        if name in found
    ]


def told_version(found: Row, asked: Asked, live: ChurnModel | None) -> Row | None:
    """The version whose back-test is shown: the one asked for, the one in force, or the newest one."""
    wanted = asked.version or (live.version if live else None)
    by_number = {each["version"]: each for each in found["versions"]}
    return by_number.get(wanted) if wanted in by_number else next(iter(found["versions"]), None)


def _cell(cells: list[Row], asked: Asked, version: int | None) -> Row | None:
    wanted = (asked.horizon, asked.segment, version)
    return next(
        (each for each in cells if (each["horizon"], each["segment"], each["version"]) == wanted), None
    )


def _tested(told: Row | None, asked: Asked) -> Row:
    """The back-test's figures of the horizon: of the segment that was asked for, else of all."""
    if told is None:
        return {}
    of_horizon = told["horizons"].get(str(asked.horizon), {})
    if asked.segment is None:
        return dict(of_horizon.get("all", {}))
    return dict(of_horizon.get("segments", {}).get(asked.segment, {}))


def measures(told: Row | None, of_horizon: Row | None, asked: Asked) -> list[Row]:
    """Each measure as the back-test found it and as it was observed (observed: all segments and versions)."""
    tested, observed = _tested(told, asked), (of_horizon or {}).get("figures", {})
    return [
        {"measure": each, "tested": tested.get(each.key), "observed": observed.get(each.key)}
        for each in MEASURES
    ]


def months(of_horizon: Row | None) -> list[Row]:
    """Months, newest last, with dates as dates."""
    return [
        {
            **month,
            "day": _day(month["day"]),
            "closes": _day(month["closes"]),
            "label": f"{_day(month['day']):%b %Y}",
        }
        for month in (of_horizon or {}).get("months", [])
    ]


def fairness(of_horizon: Row | None) -> list[Row]:
    """Segments beside all of them: gap, false alarms, precision; small ones with what they would need."""
    made = []
    for each in (of_horizon or {}).get("segments", []):
        line = {**each, "label": segment_name(each["segment"])}
        if not each.get("hidden"):
            line["tone"], line["words"] = gap_words(each["gap"])
            line["gap_points"] = {end: 100 * value for end, value in each["gap"].items()}
        made.append(line)
    return made


def tested_segments(told: Row | None, asked: Asked) -> list[Row]:
    """What the back-test found in each segment; of small ones the counts alone."""
    found = (told or {}).get("horizons", {}).get(str(asked.horizon), {}).get("segments", {})
    return [{"label": segment_name(name), **each} for name, each in sorted(found.items())]


def closes(found: Row, asked: Asked) -> date | None:
    """When the first window of a shown chance closes; None where none was ever shown."""
    day = found["first_closes"].get(str(asked.horizon))
    return _day(day) if day else None


def lead_time(found: Row | None) -> Row | None:
    return found and {**found, "from": _day(found["from"])}


def reasons(found: dict[str, dict[str, int]], *, limit: int = 12) -> list[Row]:
    """What people said of reasons, those with the most wrong facts and unhelpful ones first."""
    lines: list[Row] = [
        {"label": label_of(key), "n": sum(said.values()), **said} for key, said in found.items()
    ]
    return sorted(lines, key=lambda each: (-each["wrong_fact"], -each["not_helpful"], each["label"]))[:limit]


def year(found: Row) -> Row:
    """Precision and recall over all closed months, 90 days; nothing to count where none has closed."""
    nothing = {"value": None, "n": 0}
    flags: Row = found["observed"]["horizons"].get("90", {}).get("flags", {})
    return {"precision": nothing, "recall": nothing} | flags


def waiting_words(found: Row, asked: Asked) -> str:
    """When there will be something to see."""
    day = closes(found, asked)
    if day is None:
        return "No chance of leaving was shown yet, so no window can close."
    return f"The first closes on {day.day} {day:%b %Y}."


def bins_words(found: Row, asked: Asked) -> str:
    """Why there is no diagram: nothing is closed at all, or nothing of what was asked for."""
    day = closes(found, asked)
    if day is not None and day <= _day(found["known_until"]):
        return "No closed window of these customers."
    words = waiting_words(found, asked)
    return words if day is None else f"No window has closed yet: {words[0].lower()}{words[1:]}"


def diagram_words(observed: Row | None, tested: Row | None) -> str:
    """The diagram in one sentence with its main numbers."""
    parts = []
    for name, cell in (("as observed", observed), ("in the back-test", tested)):
        if cell and cell["bins"]:
            expected = sum(each["expected"] for each in cell["bins"])
            parts.append(
                f"{name} {expected:.0f} of {cell['n']:,} were expected to leave and {cell['events']:,} left"
            )
    return f"Said against happened: {'; '.join(parts)}. The table has every point."


def versions(found: Row, standing: list[ChurnModel]) -> list[Row]:
    """Every version where it stands now, with what its report told."""
    told = {each["version"]: each for each in found["versions"]}
    return [
        {"row": row, "told": _readable(told[row.version]) if row.version in told else None}
        for row in standing
    ]


def _readable(told: Row) -> Row:
    chosen = candidate(told["chosen"]) if told.get("chosen") else ""
    lines = [{**each, "label": candidate(each["name"])} for each in told["candidates"]]
    return {
        **told,
        "chosen_label": chosen,
        "candidates": lines,
        "failed": [gate["words"] for gate in told.get("gates") or [] if not gate["passed"]],
    }


def overrides(found: Row) -> Row:
    """All closed overrides together, with the day on which the next one closes."""
    next_day = found["next_closes"]
    return {
        **found,
        "next_closes": _day(next_day) if next_day else None,
        "sides": sides(found["all"]) if found["all"] else [],
    }


def authors(found: Row, names: dict[int, str]) -> list[Row]:
    """Those whom the reader may read of, by name; others are left out."""
    return [
        {"name": names[each["author"]], "closed": each["closed"], "sides": sides(each)}
        for each in found["authors"]
        if each["author"] in names
    ]


def sides(each: Row) -> list[Row]:
    """ "Worse" and "better" as lines of a table; empty ones are left out."""
    made = []
    for key, label in (("worse", "Worse than computed"), ("better", "Better than computed")):
        if each[key]["rate"]["n"]:
            tone, words = VERDICTS[each[key]["verdict"]]
            made.append({"side": key, "label": label, "tone": tone, "words": words, **each[key]})
    return made


def _day(text: str) -> date:
    return date.fromisoformat(text)
