"""One text to a number: VADER's compound score, and how much of the text the word list knew.

Loaded by jobs and commands alone; the word list takes some megabytes.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

LONGEST = 2_000  # characters: what follows is mostly signatures and logs
SURE_WORDS = 2  # with so many known words a text is half as sure as can be


@dataclass(frozen=True)
class Sound:
    """`compound` in ten-thousandths from -10,000 to 10,000, `confidence` in hundredths."""

    compound: int
    confidence: int


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

    return SentimentIntensityAnalyzer()


def own_words(text: str) -> str:
    """The text without lines quoted from somebody else, cut to the length that is read."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(">"))
    return "\n".join(lines)[:LONGEST]


def sound(text: str) -> Sound:
    """How the text sounds. No known word: 0 with confidence 0, which counts nowhere."""
    words = own_words(text)
    known = _known_words(words)
    if not known:
        return Sound(0, 0)
    compound = round(_analyzer().polarity_scores(words)["compound"] * 10_000)
    return Sound(compound, round(100 * known / (known + SURE_WORDS)))


def _known_words(text: str) -> int:
    lexicon = _analyzer().lexicon
    return sum(1 for word in text.lower().split() if word in lexicon or word.strip(".,;:!?\"'()") in lexicon)
