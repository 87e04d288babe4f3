"""The stored curves as lines of one sheet."""

from typing import Any

from scoring.cohorts.figures import name_of

HEADS = [
    "table", "by", "group", "n", "left", "day", "still_there", "low_95", "high_95", "at_risk", "left_by_then",
    "expected", "chi_square", "df", "p", "p_holm",
]  # fmt: skip
Line = list[Any]


def rows(found: dict[str, Any]) -> list[Line]:
    """Every dimension at once: the curves at their ticks, the tests and their groups."""
    made: list[Line] = []
    for by, part in found["dimensions"].items():
        for group in part["groups"]:
            made += [_at(by, group, at) for at in group["at"]]
        if part["test"]:
            made += _test(by, part["test"])
    return made


def _at(by: str, group: dict[str, Any], at: dict[str, Any]) -> Line:
    figures = [at[name] for name in ("day", "still", "low", "high", "at_risk", "left")]
    return ["curves", by, name_of(by, group["name"]), group["n"], group["left"], *figures, *[None] * 5]


def _test(by: str, test: dict[str, Any]) -> list[Line]:
    chi, p, adjusted = (float(f"{test[name]:.6g}") for name in ("chi_square", "p", "p_holm"))
    figures = [chi, test["df"], p, adjusted]
    made = [["log-rank", by, "", *[None] * 9, *figures]]
    for each in test["cohorts"]:
        expected = round(each["expected"], 3)
        name = name_of(by, each["name"])
        made.append(["log-rank", by, name, each["n"], each["observed"], *[None] * 6, expected, *[None] * 4])
    return made
