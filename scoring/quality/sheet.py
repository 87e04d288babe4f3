"""The stored figures as lines of one sheet."""

from typing import Any

from scoring.quality.words import MEASURES

HEADS = [
    "section",
    "source",
    "horizon",
    "segment",
    "version",
    "of",
    "figure",
    "value",
    "low",
    "high",
    "n",
    "events",
]
_ENDS = ("value", "low", "high", "n", "events")
Line = list[Any]


def rows(found: dict[str, Any], names: dict[int, str]) -> list[Line]:
    """Every figure that the page can show, for all filters at once."""
    lines = _reliability(found["observed"]["cells"], "observed")
    for told in found["versions"]:
        lines += _reliability(told["cells"], "back-test")
        for horizon, each in told["horizons"].items():
            lines += _measures(each["all"], "back-test", horizon, None, told["version"])
            for segment, figures in each["segments"].items():
                lines += _measures(figures, "back-test", horizon, segment, told["version"])
    for horizon, each in found["observed"]["horizons"].items():
        lines += _measures(each["figures"], "observed", horizon, None, None)
        lines += _months(each["months"], horizon)
        lines += _fairness(each["segments"], horizon)
    told = found.get("afterwards") or {"days": 0}
    if told["days"]:
        words = "made afterwards, counted" if told["used"] else "made afterwards, left out"
        lines.append(
            _line("scorings", "observed", None, None, None, words, "scored days", {"value": told["days"]})
        )
    return lines + _warning(found["lead_time"]) + _overrides(found["overrides"], names)


def _line(
    section: str, source: str, horizon: Any, segment: Any, version: Any, of: Any, name: str, figure: Any
) -> Line:
    ends = [None] * 5 if figure is None else [_short(figure.get(end)) for end in _ENDS]
    return [section, source, horizon, segment, version, of, name, *ends]


def _short(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _reliability(cells: list[dict[str, Any]], source: str) -> list[Line]:
    made = []
    for cell in cells:
        place = (source, cell["horizon"], cell["segment"], cell["version"])
        for each in cell["bins"]:
            rate = {"value": each["rate"], **{end: each[end] for end in _ENDS[1:]}}
            made.append(_line("reliability", *place, f"said {each['p']:.4f}", "happened", rate))
        if cell["withheld"]:
            counts = {"n": cell["n"], "events": cell["events"]}
            made.append(_line("reliability", *place, "withheld: " + cell["withheld"], "happened", counts))
    return made


def _measures(
    found: dict[str, Any], source: str, horizon: str, segment: str | None, version: int | None
) -> list[Line]:
    return [
        _line("figures", source, horizon, segment, version, "", each.key, found[each.key])
        for each in MEASURES
        if found.get(each.key)
    ]


def _months(months: list[dict[str, Any]], horizon: str) -> list[Line]:
    made = []
    for month in months:
        of = month["day"] if month["closed"] else f"{month['day']}: open until {month['closes']}"
        if not month["closed"]:
            made.append(_line("months", "observed", horizon, None, None, of, "left", {"n": month["n"]}))
            continue
        expected = {"value": month["expected"], "n": month["n"]}
        made.append(_line("months", "observed", horizon, None, None, of, "expected", expected))
        for name in ("rate", "precision", "recall", "false_alarms"):
            made.append(_line("months", "observed", horizon, None, None, of, name, month[name]))
    return made


def _fairness(segments: list[dict[str, Any]], horizon: str) -> list[Line]:
    made = []
    for each in segments:
        name = "all" if each["segment"] is None else each["segment"]
        if each.get("hidden"):
            words = f"hidden: {each['expected']:.1f} expected, {each['accounts']} accounts"
            made.append(_line("segments", "observed", horizon, name, None, words, "gap", {"n": each["n"]}))
            continue
        gap = {**each["gap"], "n": each["n"], "events": each["left"]}
        made.append(_line("segments", "observed", horizon, name, None, "", "gap", gap))
        for key in ("precision", "recall", "false_alarms"):
            made.append(_line("segments", "observed", horizon, name, None, "", key, each[key]))
    return made


def _warning(found: dict[str, Any] | None) -> list[Line]:
    if found is None:
        return []
    return [
        _line("lead_time", "observed", 90, None, None, f"{found['ahead']} days", name, found[name])
        for name in ("share", "median", "precision")
    ]


def _overrides(found: dict[str, Any], names: dict[int, str]) -> list[Line]:
    """Everybody together, and those whom the reader may read of."""
    made = []
    groups = [("everybody", found["all"])] if found["all"] else []
    groups += [(names[each["author"]], each) for each in found["authors"] if each["author"] in names]
    for name, each in groups:
        for side in ("worse", "better"):
            made.append(_line("overrides", side, 90, None, None, name, "left", each[side]["rate"]))
            expected = {"value": each[side]["expected"], "n": each[side]["beside"]}
            made.append(_line("overrides", side, 90, None, None, name, "expected by the model", expected))
    return made
