"""From a seed to a bundle: settle the world first, then let each module write its file."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .activities import write_activities
from .billing import write_invoices
from .catalogue import write_catalogue
from .causes import Setting, make_causes
from .clock import Window
from .contracts import make_contracts
from .deals import write_deals
from .detail import write_detail
from .goals import write_milestones, write_objectives
from .growth import make_holdings, make_pursuits, write_contracts
from .news import write_news
from .people import make_people, write_people
from .population import make_accounts, write_accounts
from .scene import Scene
from .support import write_tickets
from .surveys import write_surveys
from .tables import BundleWriter
from .usage import write_usage
from .worlds import WORLDS, World

Progress = Callable[[str, int, int], None]
FILES = (
    "accounts", "contacts", "subscriptions", "usage_daily", "usage_detail", "products", "tickets", "invoices",
    "surveys", "activities", "objectives", "milestones", "company_events", "opportunities", "opportunity_changes",
    "articles", "outcomes",
)  # fmt: skip


class SimulationError(Exception):
    """A bundle cannot be made; the message says why and what to do."""


class UnusableParameter(SimulationError):
    """A parameter makes no sense."""


class _Dice:
    """One independent random stream for each part, so that a change to one leaves the others as they were."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, part: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, zlib.crc32(part.encode())])


def simulate(
    out: Path,
    *,
    accounts: int,
    days: int,
    seed: int,
    end: datetime.date,
    world: str = "default",
    on_progress: Progress | None = None,
) -> dict[str, int]:
    """Write a made-up customer base into the folder `out` in the import format; the rows of each file come back."""
    check_parameters(accounts=accounts, days=days, seed=seed, end=end, world=world)
    report = on_progress or (lambda _part, _done, _total: None)
    writer = BundleWriter(_prepared(out))
    try:
        _write(writer, WORLDS[world], Window.ending(end, days=days), accounts, _Dice(seed), report)
    except OSError as error:
        raise SimulationError(f"Could not write to {out}: {error.strerror or error}") from error
    return {name: writer.rows[name] for name in FILES}


def check_parameters(*, accounts: int, days: int, seed: int, end: datetime.date, world: str) -> None:
    """Refuse parameters that make no sense, naming the one at fault."""
    for name, value, least in (("accounts", accounts, 1), ("days", days, 1), ("seed", seed, 0)):
        if value < least:
            raise UnusableParameter(f"{name} must be {least} or more, not {value}.")
    if world not in WORLDS:
        raise UnusableParameter(
            f"There is no world named {world!r}. Choose one of: {', '.join(sorted(WORLDS))}."
        )
    if not 1990 <= end.year <= 2200 or days > 36_500:
        raise UnusableParameter(
            "The window must end between 1990 and 2200 and be no longer than a hundred years."
        )


def _prepared(out: Path) -> Path:
    """The folder, made if need be; a folder with something in it is left alone."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise SimulationError(f"Cannot use {out} as a folder: {error.strerror or error}") from error
    if occupied:
        raise SimulationError(
            f"{out} is not empty. Name a new or empty folder, so that nothing is overwritten."
        )
    return out


def _settled(world: World, window: Window, count: int, dice: _Dice) -> Scene:
    accounts = make_accounts(count, window, world, dice("accounts"))
    setting = Setting(window, world, accounts, make_causes(accounts, window, world, dice("causes")))
    contracts = make_contracts(setting, dice("contracts"))
    return Scene(setting, contracts, make_people(setting, contracts, dice("people")))


def _write(
    writer: BundleWriter, world: World, window: Window, count: int, dice: _Dice, report: Progress
) -> None:
    report("accounts", 0, count)
    scene = _settled(world, window, count, dice)
    setting, contracts = scene.setting, scene.contracts
    pursuits = make_pursuits(setting, contracts, dice("pursuits"))
    holdings = make_holdings(setting, contracts, pursuits, dice("holdings"))
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("accounts", lambda: write_accounts(writer, setting.accounts, dice("account cells"))),
        ("products, articles", lambda: write_catalogue(writer, window, dice("catalogue"))),
        ("contacts", lambda: write_people(writer, setting, contracts, scene.people, dice("contact cells"))),
        (
            "subscriptions, outcomes",
            lambda: write_contracts(writer, setting, contracts, holdings, dice("growth")),
        ),
        ("tickets", lambda: write_tickets(writer, scene, dice("tickets"))),
        ("invoices", lambda: write_invoices(writer, scene, dice("invoices"))),
        ("surveys", lambda: write_surveys(writer, scene, dice("surveys"))),
        ("activities", lambda: write_activities(writer, scene, dice("activities"))),
        ("objectives", lambda: write_objectives(writer, scene, dice("objectives"))),
        ("milestones", lambda: write_milestones(writer, scene, dice("milestones"))),
        ("company_events", lambda: write_news(writer, scene, dice("news"))),
        ("opportunities", lambda: write_deals(writer, scene, pursuits, dice("deals"))),
        ("usage_detail", lambda: write_detail(writer, scene, holdings, dice("detail"))),
    )
    for number, (part, step) in enumerate(steps, start=1):
        step()
        report(part, number, len(steps))
    write_usage(writer, scene, dice("usage"), lambda done, total: report("usage_daily", done, total))
