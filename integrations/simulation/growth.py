"""Growth between renewals: add-ons that customers hold, buy through a deal, and sometimes drop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .catalogue import ADD_ONS, PRODUCT_IDS
from .causes import Setting
from .clock import NEVER, Bools, Floats, Ints, Times, Words, at_midnight, in_office_hours, uniform_days
from .contracts import CHURNED, DOWNGRADED, EXPANDED, KINDS, OPEN, RENEWED, Contracts, Terms
from .population import PLANS
from .tables import BundleWriter, blanked, flags, ids, words

ADD_ON_SHARE = np.array([0.10, 0.14, 0.18, 0.24])  # of the core product's price
WITHDRAWN = words(("add-on not used", "kept the core product only", "budget cut"))


@dataclass(frozen=True)
class Pursuits:
    """Expansion deals: what was offered to whom and when, and whether it was bought; `product` 0 means more seats."""

    account: Ints
    product: Ints
    amount: Floats
    created: Times
    closing: Times
    won: Bools


@dataclass(frozen=True)
class Holdings:
    """Add-ons with the day each was bought and, where it was dropped, the day it ended."""

    account: Ints
    product: Ints
    arr: Floats
    start: Times
    end: Times
    bought_in_window: Bools


def make_pursuits(setting: Setting, contracts: Contracts, rng: np.random.Generator) -> Pursuits:
    """Draw the expansion deals of the window; contented customers are asked more often and buy more often."""
    window, accounts = setting.window, setting.accounts
    customers = np.flatnonzero(accounts.is_customer)
    times = rng.poisson(setting.world.growth_per_year * window.years, len(customers))
    account = np.repeat(customers, times)
    first, last = np.repeat(window.start, len(account)), np.repeat(window.end, len(account))
    created = in_office_hours(uniform_days(first, last, rng), rng)
    closing = created.astype("M8[D]") + rng.integers(18, 130, len(account)).astype("m8[D]")
    week = window.week_of(created)
    content = setting.causes.at("usage", account, week) + 0.4 * setting.causes.at("mood", account, week)
    gone = contracts.gone[account]
    keep = window.covers(created)
    keep &= created.astype("M8[D]") > accounts.since[account] + np.timedelta64(45, "D")
    # In a world with a mechanism, what is bought must not tell who will leave: deals go on until the customer is gone.
    last = created.astype("M8[D]") if setting.fates else closing + np.timedelta64(60, "D")
    keep &= np.isnat(gone) | (last < gone)
    keep &= rng.random(len(account)) < 0.75 * np.exp(np.clip(content, -2, 0.25))
    won = rng.random(len(account)) < 0.44 * np.exp(np.clip(0.8 * content, -2, 0.5))
    who, created, closing, won, product = _one_add_on_each(
        account[keep], created[keep], closing[keep], won[keep], rng
    )
    won &= np.isnat(contracts.gone[who]) | (closing + np.timedelta64(1, "D") < contracts.gone[who])
    size = accounts.seats[who] * accounts.seat_price[who] * rng.uniform(0.06, 0.25, len(who))
    return Pursuits(who, product, np.round(size, -1) + 60, created, closing, won)


def _one_add_on_each(
    account: Ints, created: Times, closing: Times, won: Bools, rng: np.random.Generator
) -> tuple[Ints, Times, Times, Bools, Ints]:
    """Only an account's first won deal stays won, so that a product is never bought twice."""
    order = np.lexsort((closing, ~won, account))
    account, created, closing, won = account[order], created[order], closing[order], won[order]
    repeated = np.r_[False, account[1:] == account[:-1]] & won
    product = rng.integers(1, ADD_ONS + 1, len(account))
    seats = ~won & (rng.random(len(account)) < 0.5)
    return account, created, closing, won & ~repeated, np.where(seats | repeated, 0, product)


def make_holdings(
    setting: Setting, contracts: Contracts, pursuits: Pursuits, rng: np.random.Generator
) -> Holdings:
    """Add-ons held since before the window, and those bought in it."""
    accounts, window = setting.accounts, setting.window
    has = accounts.is_customer & (rng.random(accounts.count) < np.array([0.15, 0.35, 0.6])[accounts.segment])
    old = np.flatnonzero(has)
    bought = pursuits.won & (pursuits.closing < window.end)
    taken = np.zeros(accounts.count, np.int64)
    taken[pursuits.account[bought]] = pursuits.product[bought]
    product = rng.integers(1, ADD_ONS + 1, len(old))
    product = np.where(product == taken[old], product % ADD_ONS + 1, product)
    share = ADD_ON_SHARE[rng.integers(0, len(ADD_ON_SHARE), accounts.count)]
    price = accounts.seats * accounts.seat_price * share
    account = np.r_[old, pursuits.account[bought]]
    next_day = pursuits.closing[bought] + np.timedelta64(1, "D")
    start = np.r_[accounts.since[old], next_day]
    arr = np.r_[np.round(price[old], -1) + 60, pursuits.amount[bought]]
    end = _dropped(setting, contracts, account, start, rng)
    in_window = np.r_[np.zeros(len(old), bool), np.ones(int(bought.sum()), bool)]
    return Holdings(account, np.r_[product, pursuits.product[bought]], arr, start, end, in_window)


def _dropped(
    setting: Setting, contracts: Contracts, account: Ints, start: Times, rng: np.random.Generator
) -> Times:
    """The renewal at which an add-on is dropped, if any: likelier where features lie idle."""
    holding, term = _terms_of(contracts.terms, account)
    terms, window = contracts.terms, setting.window
    idle = -setting.causes.recent("breadth", terms.account[term], window.week_of(terms.start[term]), weeks=6)
    chance = 0.05 * np.minimum(terms.months[term], 12) / 12 * np.exp(np.clip(1.6 * idle, -2, 2.5))
    boundary = (terms.start[term] > start[holding]) & (terms.start[term] >= window.start)
    boundary &= terms.number[term] > terms.number[_first_term(terms, account)][holding]
    drop = boundary & (rng.random(len(term)) < chance)
    end = np.full(len(account), np.datetime64("9999-01-01", "D"))
    np.minimum.at(end, holding[drop], terms.start[term][drop])
    return np.where(end.astype("M8[Y]").astype(np.int64) > 5_000, np.datetime64("NaT", "D"), end)


def _first_term(terms: Terms, account: Ints) -> Ints:
    return np.searchsorted(terms.account, account, side="left")


def _terms_of(terms: Terms, account: Ints) -> tuple[Ints, Ints]:
    """Pairs of (position in `account`, term) for every term of each account; terms are sorted by account."""
    first = _first_term(terms, account)
    size = np.searchsorted(terms.account, account, side="right") - first
    holding = np.repeat(np.arange(len(account)), size)
    within = np.arange(len(holding)) - np.repeat(np.cumsum(size) - size, size)
    return holding, first[holding] + within


def subscription_ids(setting: Setting, terms: Terms) -> Words:
    """The external id of each term."""
    numbers = (setting.accounts.ids[account][4:] for account in terms.account)
    return words(f"SUB-{account}-{number:02d}" for account, number in zip(numbers, terms.number, strict=True))


@dataclass(frozen=True)
class _AddOnTerms:
    """One row for each add-on and core term that it runs beside."""

    holding: Ints
    term: Ints
    ids: Words
    start: Times


def _add_on_terms(terms: Terms, term_ids: Words, holdings: Holdings) -> _AddOnTerms:
    holding, term = _terms_of(terms, holdings.account)
    end = holdings.end[holding]
    runs = (terms.ends[term] > holdings.start[holding]) & (np.isnat(end) | (terms.start[term] < end))
    holding, term = holding[runs], term[runs]
    codes = words(code.removeprefix("QL-") for code in PRODUCT_IDS)
    return _AddOnTerms(
        holding=holding,
        term=term,
        ids=term_ids[term] + "-" + codes[holdings.product[holding]],
        start=np.maximum(terms.start[term], holdings.start[holding]),
    )


def write_contracts(
    writer: BundleWriter, setting: Setting, contracts: Contracts, holdings: Holdings, rng: np.random.Generator
) -> None:
    """Write subscriptions (core terms and add-ons beside them) and what became of them."""
    term_ids = subscription_ids(setting, contracts.terms)
    added = _add_on_terms(contracts.terms, term_ids, holdings)
    _write_subscriptions(writer, setting, contracts, term_ids, holdings, added, rng)
    _write_outcomes(writer, setting, contracts.terms, term_ids, holdings, added, rng)


def _write_subscriptions(
    writer: BundleWriter,
    setting: Setting,
    contracts: Contracts,
    term_ids: Words,
    holdings: Holdings,
    added: _AddOnTerms,
    rng: np.random.Generator,
) -> None:
    terms, binding, accounts = contracts.terms, contracts.binding, setting.accounts
    row = np.r_[np.arange(terms.count), added.term]
    extra = np.arange(len(row)) >= terms.count
    account = terms.account[row]
    arr = np.r_[terms.arr, holdings.arr[added.holding]]
    start = at_midnight(np.r_[terms.start, added.start])
    told = np.where(terms.cancelled_at[row] > start, terms.cancelled_at[row], NEVER)
    columns = {
        "external_id": np.r_[term_ids, added.ids],
        "account_external_id": accounts.ids[account],
        "product": PRODUCT_IDS[np.r_[np.zeros(terms.count, np.int64), holdings.product[added.holding]]],
        "plan": PLANS[accounts.plan[account]],
        "seats": blanked(terms.seats[row].astype(str).astype(object), extra),
        "arr": arr,
        "currency": accounts.currency[account],
        "started_at": start,
        "renewal_date": terms.renewal[row],
        "term_months": terms.months[row],
        "auto_renew": flags(binding.auto_renew[account]),
        "notice_days": binding.notice_days[account],
        "list_arr": np.where(
            extra, np.round(arr * rng.uniform(1.0, 1.1, len(arr)), -1) + 10, terms.list_arr[row]
        ),
        "uplift_cap_pct": binding.uplift_cap[account],
        "cancelled_at": told,
        "cancel_reason": blanked(terms.cause[row], np.isnat(told)),
    }
    order = np.argsort(start, kind="stable")
    writer.write("subscriptions", {name: column[order] for name, column in columns.items()})


def _write_outcomes(
    writer: BundleWriter,
    setting: Setting,
    terms: Terms,
    term_ids: Words,
    holdings: Holdings,
    added: _AddOnTerms,
    rng: np.random.Generator,
) -> None:
    """Core terms end one way or another; an add-on bought is `expanded`, one dropped is `downgraded`."""
    done = (terms.result != OPEN) & (
        (terms.months > 1) | (terms.result != RENEWED)
    )  # monthly plans roll on silently
    core = np.flatnonzero(done)
    bought = np.flatnonzero(
        holdings.bought_in_window[added.holding] & (added.start == holdings.start[added.holding])
    )
    dropped = np.flatnonzero(terms.renewal[added.term] == holdings.end[added.holding])
    add = np.r_[bought, dropped]
    lost = np.arange(len(add)) >= len(bought)
    arr, term = holdings.arr[added.holding[add]], added.term[add]
    account = np.r_[terms.account[core], terms.account[term]]
    said = blanked(terms.cause[core], terms.result[core] != CHURNED)
    excuse = blanked(WITHDRAWN[rng.integers(0, len(WITHDRAWN), len(add))], ~lost)
    day = np.r_[terms.ends[core], np.where(lost, terms.renewal[term], added.start[add])]
    columns = {
        "account_external_id": setting.accounts.ids[account],
        "subscription_external_id": np.r_[term_ids[core], added.ids[add]],
        "kind": KINDS[np.r_[terms.result[core], np.where(lost, DOWNGRADED, EXPANDED)]],
        "effective_at": at_midnight(day),
        "arr_before": np.r_[terms.arr[core], np.where(lost, arr, 0.0)],
        "arr_after": np.r_[terms.next_arr[core], np.where(lost, 0.0, arr)],
        "currency": setting.accounts.currency[account],
        "reason": np.r_[said, excuse],
    }
    order = np.lexsort((account, day))
    rows = {name: column[order] for name, column in columns.items()}
    writer.write("outcomes", {"external_id": ids("OUT", len(order)), **rows})
