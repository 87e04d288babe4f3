"""Opportunities (renewals, expansions, new business) and the history of their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .catalogue import PRODUCT_NAMES
from .clock import (
    NEVER,
    Bools,
    Floats,
    Ints,
    Times,
    Words,
    add_days,
    add_seconds,
    at_midnight,
    in_office_hours,
)
from .contracts import CHURNED, OPEN
from .growth import Pursuits
from .scene import Scene
from .tables import BundleWriter, blanked, flags, ids, words

TYPES = words(("renewal", "expansion", "new_business"))
RENEWAL, EXPANSION, NEW_BUSINESS = 0, 1, 2
STAGES = words(("discovery", "qualification", "proposal", "negotiation", "verbal"))
CATEGORIES = words(("omitted", "pipeline", "best_case", "commit"))
NEXT_STEPS = words(
    (
        "Call the buyer", "Send the offer", "Agree on the number of seats", "Answer the security questions",
        "Wait for the budget round", "Show the new release", "Get the signature", "Find a new sponsor",
    )
)  # fmt: skip
RENEWAL_LEAD_DAYS = 120


@dataclass(frozen=True)
class _Deals:
    """Opportunities as columns, before their history is drawn; an open one has no `closed`."""

    account: Ints
    kind: Ints
    names: Words
    amount: Floats
    created: Times
    close_day: Times
    closed: Times
    won: Bools


def write_deals(writer: BundleWriter, scene: Scene, pursuits: Pursuits, rng: np.random.Generator) -> None:
    """Write the opportunities created in the window, and every change to them."""
    deals = _sorted(
        scene, _renewals(scene, rng), _expansions(scene, pursuits, rng), _new_business(scene, rng)
    )
    external_ids = ids("OPP", len(deals.account))
    histories = dict(_histories(scene, deals, rng))
    closed = ~np.isnat(deals.closed)
    fated = scene.setting.fates is not None
    planned = closed | fated  # a due day must not tell whether the deal closes within the window
    due = np.where(planned, deals.close_day, np.maximum(scene.window.end, deals.created.astype("M8[D]")))
    due = due + rng.integers(-6, 15, len(closed)).astype("m8[D]")
    step = histories["next_step"].current()
    writer.write(
        "opportunities",
        {
            "external_id": external_ids,
            "account_external_id": scene.accounts.ids[deals.account],
            "name": deals.names,
            "type": TYPES[deals.kind],
            "owner_email": histories["owner_email"].current(),
            "amount": histories["amount"].current(),
            "currency": scene.accounts.currency[deals.account],
            "stage": histories["stage"].current(),
            "forecast_category": histories["forecast_category"].current(),
            "created_at": deals.created,
            "close_date": histories["close_date"].current(),
            "closed_at": deals.closed,
            "won": flags(deals.won, closed),
            "next_step": step,
            "next_step_due": np.where((step == None) | (closed & ~fated), np.datetime64("NaT", "D"), due),  # noqa: E711
        },
    )
    _write_changes(writer, external_ids, histories, rng)


def _sorted(scene: Scene, *parts: _Deals) -> _Deals:
    """All kinds together in the order in which they were created, only those created in the window."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _Deals.__dataclass_fields__
    }
    gone = scene.contracts.gone[columns["account"]]
    there = np.isnat(gone) | (columns["created"] < at_midnight(gone))
    keep = np.flatnonzero(scene.window.covers(columns["created"]) & there)
    order = keep[np.argsort(columns["created"][keep], kind="stable")]
    return _Deals(**{name: column[order] for name, column in columns.items()})


def _renewals(scene: Scene, rng: np.random.Generator) -> _Deals:
    """One for each term of three months and more; lost when the customer gives notice, won at the date."""
    terms, names = scene.contracts.terms, scene.accounts.names
    rows = np.flatnonzero(terms.months >= 3)
    lead = np.where(terms.months[rows] == 3, 50, RENEWAL_LEAD_DAYS)
    opens = np.maximum(terms.renewal[rows] - lead.astype("m8[D]"), terms.start[rows] + np.timedelta64(4, "D"))
    created = in_office_hours(opens, rng)
    lost, open_ = terms.result[rows] == CHURNED, terms.result[rows] == OPEN
    ends = in_office_hours(terms.renewal[rows] - np.timedelta64(1, "D"), rng)
    told = terms.cancelled_at[rows]
    if scene.setting.fates is not None:  # known on the day itself, not on the eve
        ends = add_seconds(at_midnight(terms.ends[rows]), np.full(len(rows), 32_400))
    ends = np.where(~np.isnat(told) & (told > created), told, ends)
    closed = np.where(open_ & np.isnat(told), NEVER, scene.window.known(np.maximum(ends, created)))
    label = words(f" renewal {day}" for day in np.datetime_as_string(terms.renewal[rows].astype("M8[M]")))
    won = np.maximum(terms.next_arr[rows], 0.0)
    amount = np.where(lost | open_ | (scene.setting.fates is not None), terms.arr[rows], won)
    return _Deals(
        account=terms.account[rows],
        kind=np.full(len(rows), RENEWAL),
        names=names[terms.account[rows]] + "," + label,
        amount=amount,
        created=created,
        close_day=terms.renewal[rows],
        closed=closed,
        won=~np.isnat(closed) & ~lost & np.isnat(told),
    )


def _expansions(scene: Scene, pursuits: Pursuits, rng: np.random.Generator) -> _Deals:
    closed = scene.window.known(in_office_hours(pursuits.closing, rng))
    closed = np.where(pursuits.closing < scene.window.end, np.maximum(closed, pursuits.created), NEVER)
    gone = scene.contracts.gone[pursuits.account]
    cut = ~np.isnat(gone) & (np.isnat(closed) | (closed >= at_midnight(gone)))
    closed = np.where(
        cut, at_midnight(gone), closed
    )  # a customer who leaves ends what was being talked about
    what = np.where(pursuits.product == 0, "more seats", PRODUCT_NAMES[pursuits.product])
    return _Deals(
        account=pursuits.account,
        kind=np.full(len(pursuits.account), EXPANSION),
        names=scene.accounts.names[pursuits.account] + ", " + what,
        amount=pursuits.amount,
        created=pursuits.created,
        close_day=pursuits.closing,
        closed=closed,
        won=pursuits.won & ~np.isnat(closed),
    )


def _new_business(scene: Scene, rng: np.random.Generator) -> _Deals:
    """Prospects are courted; most deals are open, a few were lost."""
    accounts, window = scene.accounts, scene.window
    prospect = np.flatnonzero(~accounts.is_customer)
    count, room = len(prospect), min(90, window.days - 1)
    created = in_office_hours(window.end - rng.integers(0, room + 1, count).astype("m8[D]"), rng)
    lost_at = window.known(add_days(created, rng.uniform(8, 60, count)))
    closed = np.where(rng.random(count) < 0.25, lost_at, NEVER)
    planned = np.maximum(created.astype("M8[D]"), window.end) + rng.integers(10, 110, count).astype("m8[D]")
    return _Deals(
        account=prospect,
        kind=np.full(count, NEW_BUSINESS),
        names=accounts.names[prospect] + ", first contract",
        amount=np.round(accounts.seats[prospect] * accounts.seat_price[prospect], -1) + 120,
        created=created,
        close_day=np.where(np.isnat(closed), planned, closed.astype("M8[D]")),
        closed=closed,
        won=np.zeros(count, dtype=bool),
    )


@dataclass(frozen=True)
class _History:
    """The values that one field had: `values[:, 0]` at first, `values[:, k]` from `times[:, k - 1]` on."""

    values: Words | Floats | Times
    times: Times

    def current(self) -> Words | Floats | Times:
        """The value after the last change that has come."""
        came = (~np.isnat(self.times)).sum(axis=1)
        return np.asarray(self.values[np.arange(len(came)), came])


def _histories(scene: Scene, deals: _Deals, rng: np.random.Generator) -> Iterator[tuple[str, _History]]:
    """Each field's values and the moments of its changes; what would come after the end is cut off."""
    closed = ~np.isnat(deals.closed)
    ending = np.where(closed, deals.closed, at_midnight(deals.close_day))
    ending = np.maximum(ending, deals.created + np.timedelta64(6, "h"))
    stop = ending
    if scene.setting.fates is not None:  # the pace of a deal must not tell that it will be cut short
        ending = np.maximum(at_midnight(deals.close_day), deals.created + np.timedelta64(6, "h"))
        stop = np.minimum(stop, ending)

    def moments(count: int) -> Times:
        part = (np.arange(1, count + 1) + rng.uniform(-0.4, 0.4, (len(ending), count))) / (count + 1)
        span = (ending - deals.created).astype(np.int64)
        when = deals.created[:, None] + (span[:, None] * part).astype("m8[s]")
        return np.where(when < stop[:, None], scene.window.known(when), NEVER)

    yield "stage", _stages(deals, moments(len(STAGES) - 1))
    yield "forecast_category", _categories(scene, deals, moments(3), rng)
    yield "amount", _amounts(deals, moments(2), rng)
    yield "close_date", _close_days(deals, moments(1), rng)
    yield "next_step", _next_steps(deals, moments(3), rng)
    yield "owner_email", _owners(scene, deals, moments(1), rng)


def _closing(times: Times, closed: Times) -> Times:
    """The moments with the closing itself as the last; a deal that closed had all the steps before it first."""
    steps = np.where(np.isnat(closed)[:, None], times, np.where(times < closed[:, None], times, NEVER))
    return _packed(np.concatenate([steps, closed[:, None]], axis=1))


def _packed(times: Times) -> Times:
    """Moments in order with the empty ones last."""
    return np.asarray(np.sort(times, axis=1))  # numpy sorts NaT to the end


def _stages(deals: _Deals, times: Times) -> _History:
    """Through the stages one by one, and won or lost at whatever stage the deal had reached."""
    final = np.where(deals.won, "closed_won", "closed_lost").astype(object)
    values = np.tile(words((*STAGES, None)), (len(deals.account), 1))
    all_times = _closing(times, deals.closed)
    came = (~np.isnat(all_times)).sum(axis=1)
    closed = ~np.isnat(deals.closed)
    values[np.flatnonzero(closed), came[closed]] = final[closed]
    return _History(values, all_times)


def _categories(scene: Scene, deals: _Deals, times: Times, rng: np.random.Generator) -> _History:
    """The seller's belief rises with time and falls with the customer's mood."""
    steps = times.shape[1]
    values = np.empty((len(deals.account), steps + 2), dtype=object)
    values[:, 0] = CATEGORIES[1]
    for step in range(steps):
        week = scene.window.week_of(np.where(np.isnat(times[:, step]), deals.created, times[:, step]))
        pull = scene.causes.at("pull", deals.account, week) + rng.normal(0.0, 0.5, len(week))
        rank = 1 + (step + 1) * 0.8 - np.clip(pull, -0.6, 3.0) * 0.9
        values[:, step + 1] = CATEGORIES[np.clip(np.rint(rank), 0, 3).astype(np.int64)]
    all_times = _closing(times, deals.closed)
    closed = np.flatnonzero(~np.isnat(deals.closed))
    came = (~np.isnat(all_times)).sum(axis=1)
    values[closed, came[closed]] = "closed"
    return _History(values, all_times)


def _amounts(deals: _Deals, times: Times, rng: np.random.Generator) -> _History:
    """First asks that come down or grow on the way to what was agreed."""
    shape = (len(deals.account), times.shape[1])
    asked = np.round(deals.amount[:, None] * rng.uniform(0.9, 1.2, shape), 2)
    values = np.concatenate([asked, deals.amount[:, None]], axis=1)
    # A renewal that was talked about once only, or never, keeps its first figure.
    values = np.where((rng.random(len(values)) < 0.4)[:, None], deals.amount[:, None], values)
    values[:, 0] = np.where(np.isnat(times[:, 0]), deals.amount, values[:, 0])
    return _History(np.round(values, 2), _packed(times))


def _close_days(deals: _Deals, times: Times, rng: np.random.Generator) -> _History:
    """Some closing days slip, though a renewal's does not; a deal that is lost early closes on that day."""
    slips = (rng.random(len(deals.account)) < 0.35) & (deals.kind != RENEWAL)
    earlier = deals.close_day - rng.integers(5, 30, len(slips)).astype("m8[D]")
    first = np.where(slips, np.maximum(earlier, deals.created.astype("M8[D]")), deals.close_day)
    values = np.stack([first, deals.close_day, deals.close_day], axis=1)
    all_times = _closing(times, deals.closed)
    closed = np.flatnonzero(~np.isnat(deals.closed))
    came = (~np.isnat(all_times)).sum(axis=1)
    final = np.where(deals.won, deals.close_day, deals.closed.astype("M8[D]"))
    values[closed, came[closed]] = final[closed]
    return _History(values, all_times)


def _next_steps(deals: _Deals, times: Times, rng: np.random.Generator) -> _History:
    values = NEXT_STEPS[rng.integers(0, len(NEXT_STEPS), (len(deals.account), times.shape[1] + 1))]
    values[:, 0] = None
    return _History(values, _packed(times))


def _owners(scene: Scene, deals: _Deals, times: Times, rng: np.random.Generator) -> _History:
    """A few deals change hands."""
    owner = scene.accounts.ae[deals.account]
    colleague = rng.permutation(owner) if len(owner) else owner
    first = np.where(rng.random(len(owner)) < 0.05, colleague, owner)
    return _History(np.stack([first, owner], axis=1), times)


def _write_changes(
    writer: BundleWriter, external_ids: Words, histories: dict[str, _History], rng: np.random.Generator
) -> None:
    parts: list[tuple[Ints, Times, Words, Words, Words]] = []
    for name, history in histories.items():
        for step in range(history.times.shape[1]):
            old, new, at = history.values[:, step], history.values[:, step + 1], history.times[:, step]
            row = np.flatnonzero(~np.isnat(at) & (old != new))
            field = np.full(len(row), name, dtype=object)
            parts.append((row, at[row], field, _as_text(old[row]), _as_text(new[row])))
    row, at, field, before, after = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((row, at))
    owner = _as_text(histories["owner_email"].current())[row]
    writer.write(
        "opportunity_changes",
        {
            "opportunity_external_id": external_ids[row][order],
            "changed_at": at[order],
            "field": field[order],
            "old_value": before[order],
            "new_value": after[order],
            "changed_by": blanked(owner, rng.random(len(row)) < 0.05)[order],
        },
    )


def _as_text(values: Words | Floats | Times) -> Words:
    if values.dtype.kind == "M":
        return np.datetime_as_string(values.astype("M8[D]")).astype(object)
    if values.dtype.kind == "f":
        return words(f"{value:.2f}" for value in values)
    return np.asarray(values, dtype=object)
