"""The numbers that decide who is flagged: as a form gives them, as a job keeps them, as a page shows them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scoring.chance_models import CUTS, Cuts
from scoring.exceptions import PolicyRefused

WHOLE = "flags_per_csm_week"  # the others are shares
Numbers = dict[str, Decimal | int]  # by CUTS
LABELS = {
    "medium_from": "Medium from",
    "high_from": "High from",
    "critical_from": "Critical from",
    "margin": "Margin of a level",
    "precision_wanted": "Precision wanted",
    "flags_per_csm_week": "New flags per CSM and week",
}


def numbers_of(row: Cuts) -> Numbers:
    """Those that a row holds; a row that was never saved holds what a form or a default gave it."""
    return numbers({name: getattr(row, name) for name in CUTS})


def numbers(given: Mapping[str, Any]) -> Numbers:
    """From text, too; three decimals, as the table keeps them."""
    return {
        name: int(given[name]) if name == WHOLE else Decimal(str(given[name])).quantize(Decimal("0.001"))
        for name in CUTS
    }


def stored(given: Numbers) -> dict[str, str | int]:
    """As JSON."""
    return {name: value if isinstance(value, int) else str(value) for name, value in given.items()}


def shown(name: str, value: Any) -> str:
    """A share as per cent, a count as it is."""
    return str(value) if name == WHOLE else f"{float(value) * 100:.4g}%"


def check(given: Numbers) -> None:
    """Levels rise; the margin is small; a precision can be reached. Raises PolicyRefused."""
    medium, high, critical = (given[name] for name in CUTS[:3])
    if not 0 < medium < critical < 1:
        raise PolicyRefused(
            f"Levels lie between 0 and 1 and rise: medium from {medium}, critical from {critical}."
        )
    if not medium < high < critical:
        raise PolicyRefused(f"High must begin between medium ({medium}) and critical ({critical}).")
    if not 0 <= given["margin"] < Decimal("0.1"):
        raise PolicyRefused("Give a margin from 0 to less than 0.1.")
    if not Decimal("0.05") <= given["precision_wanted"] <= Decimal("0.99"):
        raise PolicyRefused("Choose a precision between 0.05 and 0.99.")
    if not 1 <= given[WHOLE] <= 1000:
        raise PolicyRefused("Give a CSM from 1 to 1000 new flags a week.")
