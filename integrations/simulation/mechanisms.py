"""What makes customers leave in the worlds whose truth is known exactly: troubles that come in stages.

Each kind of trouble is a Markov chain over five stages, 0 (none) to 4 (worst), that moves once a week. A stage shows in
the data of its own kind and nowhere else. A customer leaves with a daily hazard that is the sum over the kinds that
matter in the world; kinds that do not matter run on all the same, visible and harmless. The parameters here are fixed:
they are not to be tuned on what a model makes of these worlds.
"""

from __future__ import annotations

from dataclasses import dataclass

STAGES = 5
USAGE, PEOPLE, BILLING = "usage", "people", "billing"


@dataclass(frozen=True)
class Trouble:
    """One kind: weekly chances of moving, what each stage shows by channel, yearly hazard of leaving by stage."""

    kind: str
    onset: float
    deepens: float
    eases: float
    shows: dict[str, tuple[float, float, float, float, float]]
    yearly: tuple[float, float, float, float, float]
    reasons: tuple[str, ...]


TROUBLES = (
    Trouble(
        USAGE,
        onset=0.006,
        deepens=0.10,
        eases=0.08,
        shows={"usage": (0.0, -0.25, -0.55, -0.95, -1.5), "breadth": (0.0, -0.15, -0.4, -0.7, -1.0)},
        yearly=(0.0, 0.25, 0.7, 1.4, 2.6),
        reasons=("product_gap", "onboarding", "competitor"),
    ),
    Trouble(
        PEOPLE,
        onset=0.006,
        deepens=0.10,
        eases=0.08,
        shows={"replies": (0.0, -0.6, -1.2, -1.8, -2.4)},
        yearly=(0.0, 0.25, 0.7, 1.4, 2.6),
        reasons=("champion_left", "company_change", "support"),
    ),
    Trouble(
        BILLING,
        onset=0.006,
        deepens=0.10,
        eases=0.08,
        shows={"payment": (0.0, 0.6, 1.3, 2.2, 3.0)},
        yearly=(0.0, 0.25, 0.7, 1.4, 2.6),
        reasons=("non_payment", "non_payment", "price"),
    ),
)


@dataclass(frozen=True)
class Mechanism:
    """Which kinds of trouble make customers leave, and what else does.

    `base` is a yearly rate for everybody at all times. `drivers` (kind, weight) matter from the start; with `later`,
    those matter instead from the day that lies `switch_share` of the window after its start. The day on which a term
    ends counts as `term_end` further days for each month of the term (customers who do not renew). With `only`,
    exactly so many leave in the window, ever.
    """

    base: float = 0.02
    drivers: tuple[tuple[str, float], ...] = ()
    later: tuple[tuple[str, float], ...] = ()
    switch_share: float | None = None
    term_end: float = 3.0
    only: int | None = None


BASE_REASONS = (
    "product_gap",
    "support",
    "price",
    "onboarding",
    "company_change",
    "champion_left",
    "competitor",
)
