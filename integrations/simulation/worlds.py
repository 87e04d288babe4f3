"""The parameters of a made-up world: what can befall a customer, how often, and what each shock leaves behind.

Every shock acts through named channels (weekly signals of an account). What people can see in the bundle (usage,
tickets, moods, replies, payments) and what nobody can (the pull towards leaving) follow from the same shocks, so
that churn has causes which show beforehand, with noise. Nothing here is shared with the scoring of the product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .mechanisms import BILLING, PEOPLE, USAGE, Mechanism

CHANNELS = ("usage", "breadth", "tickets", "mood", "replies", "attention", "payment", "pull")


@dataclass(frozen=True)
class Shock:
    """One kind of trouble: how often it strikes, how it builds up and fades, and what it moves."""

    name: str
    per_year: float
    rise_weeks: float
    fade_weeks: float
    effects: dict[str, float]
    business_only: bool = False  # spares small customers


@dataclass(frozen=True)
class World:
    """A set of parameters under a name; the numbers are yearly rates and shares."""

    name: str
    shocks: tuple[Shock, ...]
    base_leave_rate: float = 0.062
    pull_by_segment: tuple[float, float, float] = (0.55, 0.0, -0.35)
    frailty: float = 0.40
    segment_mix: tuple[float, float, float] = (0.42, 0.40, 0.18)
    newcomers_per_year: float = 0.20
    prospects: float = 0.02
    unowned: float = 0.03
    untracked: float = 0.04
    tickets_per_week: tuple[float, float, float] = (0.10, 0.22, 0.50)
    growth_per_year: float = 0.30
    news_per_year: float = 0.45
    drift: float = 0.05
    mechanism: Mechanism | None = None  # None: leaving is decided once a term, by the pull of the shocks
    activity: float = 1.0  # how many mails, calls and meetings, as a multiple of the ordinary
    monthly_invoices: bool = False
    notes: str = ""


DEFAULT_SHOCKS = (
    Shock(
        "champion_left",
        per_year=0.22,
        rise_weeks=4,
        fade_weeks=26,
        effects={"usage": -0.45, "breadth": -0.15, "mood": -0.25, "replies": -0.9, "pull": 1.6},
    ),
    Shock(
        "ticket_wave",
        per_year=0.30,
        rise_weeks=1.2,
        fade_weeks=5,
        effects={"usage": -0.12, "tickets": 1.5, "mood": -1.3, "pull": 1.6},
    ),
    Shock(
        "price_rise",
        per_year=0.18,
        rise_weeks=1.5,
        fade_weeks=16,
        effects={"mood": -0.5, "replies": -0.15, "tickets": 0.15, "pull": 1.2},
    ),
    Shock(
        "layoffs",
        per_year=0.08,
        rise_weeks=5,
        fade_weeks=36,
        effects={"usage": -0.45, "replies": -0.3, "payment": 1.4, "pull": 1.4},
        business_only=True,
    ),
    Shock(
        "feature_dropped",
        per_year=0.22,
        rise_weeks=6,
        fade_weeks=40,
        effects={"usage": -0.30, "breadth": -0.75, "pull": 1.3},
    ),
    Shock(
        "neglect",
        per_year=0.20,
        rise_weeks=4,
        fade_weeks=18,
        effects={"attention": -1.2, "mood": -0.45, "replies": -0.25, "pull": 0.94},
    ),
    Shock(
        "cash_squeeze",
        per_year=0.10,
        rise_weeks=3,
        fade_weeks=20,
        effects={"payment": 1.8, "usage": -0.08, "pull": 1.1},
    ),
    Shock(
        "new_project",
        per_year=0.28,
        rise_weeks=5,
        fade_weeks=40,
        effects={"usage": 0.35, "breadth": 0.3, "mood": 0.35, "replies": 0.3, "pull": -0.8},
    ),
)


def _scaled(shocks: tuple[Shock, ...], factor: float) -> tuple[Shock, ...]:
    """The same shocks, the harmful ones `factor` times as frequent."""
    return tuple(
        replace(shock, per_year=shock.per_year * factor) if shock.effects["pull"] > 0 else shock
        for shock in shocks
    )


def _staged(name: str, mechanism: Mechanism, notes: str) -> World:
    """A world with staged troubles; the shocks are rarer and move what is seen, but nobody's leaving."""
    return World(
        name,
        _scaled(DEFAULT_SHOCKS, 0.35),
        frailty=0.0,
        mechanism=mechanism,
        activity=2.5,
        monthly_invoices=True,
        notes=notes,
    )


WORLDS: dict[str, World] = {
    world.name: world
    for world in (
        World(
            "default",
            DEFAULT_SHOCKS,
            notes="an ordinary vendor: about one customer in eight leaves in a year",
        ),
        World(
            "calm",
            _scaled(DEFAULT_SHOCKS, 0.45),
            base_leave_rate=0.045,
            drift=0.03,
            notes="few shocks, contented customers, little churn",
        ),
        World(
            "stormy",
            _scaled(DEFAULT_SHOCKS, 1.8),
            base_leave_rate=0.065,
            drift=0.065,
            growth_per_year=0.18,
            notes="frequent shocks, strained support, much churn",
        ),
        _staged(
            "usage_driven",
            Mechanism(drivers=((USAGE, 1.0),)),
            "customers leave after their usage has slipped",
        ),
        _staged(
            "people_driven",
            Mechanism(drivers=((PEOPLE, 1.0),)),
            "customers leave after their people have gone or fallen silent",
        ),
        _staged(
            "billing_driven",
            Mechanism(drivers=((BILLING, 1.0),)),
            "customers leave after paying late or less",
        ),
        _staged("no_signal", Mechanism(base=0.13, term_end=0.0), "everybody leaves at one constant rate"),
        _staged(
            "four_churns", Mechanism(drivers=((USAGE, 1.0),), only=4), "exactly four customers leave, ever"
        ),
        _staged(
            "switch",
            Mechanism(drivers=((USAGE, 1.0),), later=((PEOPLE, 0.4), (BILLING, 0.4)), switch_share=0.6),
            "usage decides at first; from the switch day on, people and money do",
        ),
    )
}
