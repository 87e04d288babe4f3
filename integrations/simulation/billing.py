"""Invoices for the core product, and how late they are paid."""

from __future__ import annotations

import numpy as np

from .clock import (
    DAY_SECONDS,
    NEVER,
    Bools,
    Floats,
    Ints,
    Times,
    add_days,
    add_months,
    add_seconds,
    at_midnight,
)
from .scene import Scene
from .tables import BundleWriter, ids

PAYMENT_DAYS = 30


def write_invoices(writer: BundleWriter, scene: Scene, rng: np.random.Generator) -> None:
    """Write the invoices issued in the window."""
    account, day, amount = _due_rates(scene, rng)
    order = np.argsort(day, kind="stable")
    account, day, amount = account[order], day[order], amount[order]
    issued = add_seconds(at_midnight(day), np.full(len(day), 21_600))
    voided = rng.random(len(day)) < 0.012
    paid_at = np.where(voided, NEVER, _paid(scene, account, issued, rng))
    voided_at = np.where(voided, add_days(issued, rng.uniform(0.2, 12, len(day))), NEVER)
    writer.write(
        "invoices",
        {
            "external_id": ids("INV", len(day)),
            "account_external_id": scene.accounts.ids[account],
            "issued_at": issued,
            "due_at": add_days(issued, np.full(len(day), PAYMENT_DAYS)),
            "paid_at": scene.window.known(paid_at),
            "amount": amount,
            "currency": scene.accounts.currency[account],
            "voided_at": scene.window.known(voided_at),
        },
    )


def _due_rates(scene: Scene, rng: np.random.Generator) -> tuple[Ints, Times, Floats]:
    """One rate for each billing period of each term; a third of the annual customers pay by the quarter."""
    terms = scene.contracts.terms
    quarterly = rng.random(scene.accounts.count) < 0.34
    period = np.where(terms.months <= 3, terms.months, np.where(quarterly[terms.account], 3, 12))
    if scene.setting.world.monthly_invoices:
        period = np.ones_like(period)
    rates = terms.months // period
    term = np.repeat(np.arange(terms.count), rates)
    turn = np.arange(len(term)) - np.repeat(np.cumsum(rates) - rates, rates)
    account = terms.account[term]
    day = add_months(terms.start[term], turn * period[term])
    keep = scene.is_customer(account, day)
    return account[keep], day[keep], np.round(terms.arr[term] * period[term] / 12, 2)[keep]


def _paid(scene: Scene, account: Ints, issued: Times, rng: np.random.Generator) -> Times:
    """Most pay about when due; squeezed accounts pay late, and leavers sometimes not at all."""
    fated = scene.setting.fates is not None  # then nothing may know more than the day of the invoice does
    week = scene.window.week_of(issued + np.timedelta64(0 if fated else 15, "D"))
    strain = np.clip(scene.causes.shown_at("payment", account, week), 0.0, 3.0)
    slowness = rng.normal(0.0, 4.0, scene.accounts.count)[account]
    delay = 24 + slowness + rng.normal(0.0, 6.0, len(account)) + strain * rng.gamma(2.0, 9.0, len(account))
    forgets = rng.random(len(account)) < 0.03
    delay = np.maximum(delay + np.where(forgets, rng.uniform(10, 60, len(account)), 0.0), 1.0)
    paid = add_seconds(issued, delay * DAY_SECONDS)
    return np.where(_never(scene, account, issued, rng), NEVER, paid)


def _never(scene: Scene, account: Ints, issued: Times, rng: np.random.Generator) -> Bools:
    if scene.setting.fates is not None:
        return np.asarray(rng.random(len(account)) < 0.003)
    gone = scene.contracts.gone[account]
    leaver = ~np.isnat(gone) & ((gone - issued.astype("M8[D]")).astype(np.int64) < 75)
    return np.asarray(rng.random(len(account)) < np.where(leaver, 0.25, 0.003))
