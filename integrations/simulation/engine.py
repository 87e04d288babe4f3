"""From a seed to a bundle: settle the world first, then let each module write its file."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from .activities import write_activities
from .billing import write_invoices
from .catalogue import write_catalogue
from .causes import Setting, make_causes
from .clock import Ints, Window
from .contracts import bind, make_contracts
from .deals import write_deals
from .detail import write_detail
from .fates import Odds, make_stages, settle, with_troubles
from .goals import write_milestones, write_objectives
from .growth import make_holdings, make_pursuits, write_contracts
from .mechanisms import Mechanism
from .news import write_news
from .people import make_people, write_people
from .population import make_accounts, write_accounts
from .scene import Scene
from .support import write_tickets
from .surveys import write_surveys
from .tables import BundleWriter
from .truth import write_truth
from .usage import write_usage
from .worlds import WORLDS, World

Progress = Callable[[str, int, int], None]
FILES = (
    "accounts", "contacts", "subscriptions", "usage_daily", "usage_detail", "products", "tickets", "invoices",
    "surveys", "activities", "objectives", "milestones", "company_events", "opportunities", "opportunity_changes",
    "articles", "outcomes",
)  # fmt: skip


FEWEST = 20  # accounts and days of a world in which exactly so many leave


class SimulationError(Exception):
    """A bundle cannot be made; the message says why and what to do."""


class UnusableParameter(SimulationError):
    """A parameter makes no sense."""


class _Dice:
    """One independent random stream for each part, so that a change to one leaves the others as they were."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, part: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(part.encode())])


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
    """Write a made-up customer base into the folder `out` in the import format; the rows of each file come back.

    The true probabilities of leaving go into the folder `truth_folder(out)` beside it.
    """
    check_parameters(accounts=accounts, days=days, seed=seed, end=end, world=world)
    report = on_progress or (lambda _part, _done, _total: None)
    beside = truth_folder(out)
    writer = BundleWriter(_prepared(out, beside))
    try:
        _write(writer, beside, WORLDS[world], Window.ending(end, days=days), accounts, _Dice(seed), report)
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
    mechanism = WORLDS[world].mechanism
    if mechanism is not None and mechanism.only is not None and (accounts < FEWEST or days < FEWEST):
        raise UnusableParameter(
            f"In the world {world!r} {mechanism.only} customers leave: it takes {FEWEST} accounts and days or more."
        )
    if not 1990 <= end.year <= 2200 or days > 36_500:
        raise UnusableParameter(
            "The window must end between 1990 and 2200 and be no longer than a hundred years."
        )


def truth_folder(out: Path) -> Path:
    """Where the truth about a bundle goes: beside it, never into it."""
    whole = out.resolve()
    return whole.with_name(whole.name + ".truth")


def _prepared(out: Path, beside: Path) -> Path:
    """The folders, made if need be; a folder with something in it is left alone."""
    for folder in (out, beside):
        if _occupied(folder):
            raise SimulationError(
                f"{folder} is not empty. Name a new or empty folder, so that nothing is overwritten."
            )
    for folder in (out, beside):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SimulationError(f"Cannot use {folder} as a folder: {error.strerror or error}") from error
    return out


def _occupied(folder: Path) -> bool:
    try:
        return folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise SimulationError(f"Cannot use {folder} as a folder: {error.strerror or error}") from error


def _settled(world: World, window: Window, count: int, dice: _Dice) -> Scene:
    accounts = make_accounts(count, window, world, dice("accounts"))
    setting = Setting(window, world, accounts, make_causes(accounts, window, world, dice("causes")))
    rng, binding = dice("contracts"), None
    if world.mechanism is not None:
        binding = bind(accounts, rng)
        setting = _fated(setting, world.mechanism, binding.months, dice)
    contracts = make_contracts(setting, rng, binding)
    return Scene(setting, contracts, make_people(setting, contracts, dice("people")))


def _fated(setting: Setting, mechanism: Mechanism, months: Ints, dice: _Dice) -> Setting:
    """The setting of a world with a mechanism: staged troubles, and who leaves because of them."""
    window, accounts = setting.window, setting.accounts
    stages = make_stages(accounts, window, dice("stages"))
    causes = with_troubles(setting.causes, accounts, stages, window, dice("departures"))
    odds = Odds(mechanism, window, accounts, months, stages)
    return replace(setting, causes=causes, fates=settle(odds, dice("fates")))


def _write(
    writer: BundleWriter,
    beside: Path,
    world: World,
    window: Window,
    count: int,
    dice: _Dice,
    report: Progress,
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
        ("truth", lambda: write_truth(beside, scene, dice.seed, dice("truth"))),
    )
    for number, (part, step) in enumerate(steps, start=1):
        step()
        report(part, number, len(steps))
    write_usage(writer, scene, dice("usage"), lambda done, total: report("usage_daily", done, total))
