"""The figures of a study (`tests/learning/study.py --json FILE`) as a table for docs/judged.md, one row a horizon.

python -m tests.learning.study_table FILE
"""

import json
import sys
from pathlib import Path
from typing import Any

HEAD = (
    "world", "h", "rows", "left", "order broken", "AUC", "reference", "difference (95 %)", "expected difference (95 %)",
    "AUC of the truth", "ECE",
    "ECE to true chances",
    "Brier skill (95 %)", "against the rate known when learnt (95 %)", "of the truth",
    "correlation with true chances", "largest",
)  # fmt: skip


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The lines of one world; none where training refused."""
    judged = found.get("judged", {})
    lines = []
    for horizon, pair in found.get("compared", {}).items():
        true = judged.get(horizon, {})
        known = (pair["skill_known"], *pair["skill_known_95"])
        lines.append(
            [
                found["world"], horizon, f"{pair['n']:,}", str(pair["leavers"]), str(judged["order_violations"]),
                f"{pair['auc']:.3f}", f"{pair['auc_reference']:.3f}",
                "{:+.3f} ({:+.3f} to {:+.3f})".format(pair["difference"], *pair["difference_95"]), _expected(pair),
                _of(true, "auc_of_the_truth"), f"{pair['ece']:.4f}", _of(true, "ece_of_the_truth", 4),
                "{:.3f} ({:.3f} to {:.3f})".format(pair["skill"], *pair["skill_95"]),
                "{:.4f} ({:.4f} to {:.4f})".format(*known), _of(true, "skill_of_the_truth"),
                _of(true, "correlation_with_truth"), f"{pair['largest']:.3f}",
            ]
        )  # fmt: skip
    return lines


def _expected(pair: dict[str, Any]) -> str:
    """By the true chances; empty where there are none."""
    return (
        "{:+.3f} ({:+.3f} to {:+.3f})".format(pair["expected"], *pair["expected_95"])
        if "expected" in pair
        else ""
    )


def _of(figures: dict[str, Any], name: str, digits: int = 3) -> str:
    value = figures.get(name)
    return "" if value is None else f"{value:.{digits}f}"


def table(everything: list[dict[str, Any]]) -> str:
    """All worlds as Markdown."""
    lines = [list(HEAD), ["---"] * len(HEAD), *(line for found in everything for line in rows(found))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())))
