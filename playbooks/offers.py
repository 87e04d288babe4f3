"""What a concession offers and what it costs. Pure: numbers in, numbers and words out."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from playbooks.exceptions import BadInput

MOST_PCT = Decimal(100)
MOST_MONTHS = 60
LONGEST_TEXT = 1000
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Offer:
    """A discount on the account's price for some months, in words that go with it to the other side."""

    discount_pct: Decimal
    months: int
    text: str = ""

    @property
    def pct(self) -> str:
        """`10` or `12.5`: one text for one value, since the digest is made of it."""
        return f"{self.discount_pct.normalize():f}"

    @property
    def title(self) -> str:
        unit = "month" if self.months == 1 else "months"
        return f"{self.pct}% discount for {self.months} {unit}"

    def cost(self, arr: Decimal | None) -> Decimal | None:
        """What it takes off the yearly revenue over its months; None where the revenue is not known."""
        if arr is None:
            return None
        return (arr * self.discount_pct / 100 * self.months / 12).quantize(CENT, ROUND_HALF_UP)


def parse(proposal: dict[str, Any]) -> Offer:
    """The offer in what was typed; raises BadInput that names the field."""
    pct = _number(proposal.get("discount_pct"))
    if pct is None or not 0 < pct <= MOST_PCT or pct != pct.quantize(CENT):
        raise BadInput("discount_pct", "Give a discount over 0 and up to 100, with two decimals at most.")
    months = _number(proposal.get("months"))
    if months is None or months != int(months) or not 1 <= months <= MOST_MONTHS:
        raise BadInput("months", f"Give whole months, from 1 to {MOST_MONTHS}.")
    text = str(proposal.get("text") or "").strip()
    if len(text) > LONGEST_TEXT:
        raise BadInput("text", f"{LONGEST_TEXT} characters are the most.")
    return Offer(pct, int(months), text)


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
