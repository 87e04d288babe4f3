"""What is found for each indicator of one account, also of those that weigh nothing in the policy."""

from dataclasses import dataclass

from scoring import pipeline
from scoring.breakdown import LAYOUT, LAYOUTS, MISSING, words
from tests.scoring.evidence import DAY


@dataclass(frozen=True)
class Reading:
    value: float | None
    missing: str
    newest_ago: int  # days; -1 without evidence

    key: str = ""

    @property
    def text(self):
        return "" if self.value is None else words(self.key, self.value)


def read(world, *accounts, day=DAY):
    """One dictionary an account, key -> Reading, from one computation."""
    scored = pipeline.evaluate(world.tenant, as_of=day)
    ids = scored.features.ids.tolist()
    found = [_of(scored.breakdown(ids.index(account.pk))) for account in accounts]
    return found[0] if len(found) == 1 else found


def _of(breakdown):
    return {
        key: Reading(
            value=None if why else value,
            missing=MISSING[why],
            newest_ago=newest,
            key=key,
        )
        for key, value, why, newest in zip(
            LAYOUTS[LAYOUT], breakdown.values, breakdown.why, breakdown.newest_ago, strict=True
        )
    }
