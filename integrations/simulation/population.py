"""The companies of the world: what stays the same about each account while the window runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import names
from .clock import NEVER, Bools, Floats, Ints, Times, Window, Words, add_days, at_midnight, uniform_days
from .tables import BundleWriter, blanked, flags, ids, words
from .worlds import World

SMB, MID, ENTERPRISE = 0, 1, 2
SEGMENTS = words(("smb", "mid_market", "enterprise"))
PLANS = words(("Starter", "Business", "Enterprise"))
ACCOUNTS_PER_CSM = 40
MOST_CSMS = 12
CHANNELS = words(("inbound", "outbound", "partner", "event", "referral"))


@dataclass(frozen=True)
class Accounts:
    """All accounts as columns; `since` is empty for prospects."""

    ids: Words
    names: Words
    domains: Words
    industry: Ints
    segment: Ints
    plan: Ints
    place: Ints
    currency: Words
    employees: Ints
    seats: Ints
    seat_price: Floats
    owner: Words
    ae: Words
    since: Times
    parent: Words
    strategic: Bools
    trial_at: Times
    converted_at: Times
    channel: Words
    tracked: Bools

    @property
    def count(self) -> int:
        """How many accounts there are."""
        return len(self.ids)

    @property
    def is_customer(self) -> Bools:
        """Which accounts are or were customers, rather than prospects."""
        return ~np.isnat(self.since)


def make_accounts(count: int, window: Window, world: World, rng: np.random.Generator) -> Accounts:
    """Draw the accounts of a world."""
    segment = rng.choice(3, size=count, p=world.segment_mix)
    industry = rng.integers(0, len(names.INDUSTRY_NAMES), count)
    company = names.company_names(industry, rng)
    weights = np.array([place.weight for place in names.PLACES])
    place = rng.choice(len(names.PLACES), size=count, p=weights / weights.sum())
    seats = _seats(segment, rng)
    since = _customer_since(count, window, world, rng)
    trial_at, converted_at = _trials(segment, since, window, rng)
    owner, ae = _vendor_people(count, world, rng)
    external_ids = ids("ACC", count, width=5)
    return Accounts(
        ids=external_ids,
        names=company,
        domains=names.domains(company),
        industry=industry,
        segment=segment,
        plan=np.clip(segment + (rng.random(count) < 0.15) - (rng.random(count) < 0.10), 0, 2),
        place=place,
        currency=words(names.PLACES[index].currency for index in place),
        employees=np.maximum(seats * rng.uniform(1.5, 9.0, count), 4).astype(np.int64),
        seats=seats,
        seat_price=np.array([420.0, 390.0, 340.0])[segment] * rng.lognormal(0.0, 0.22, count),
        owner=owner,
        ae=ae,
        since=since,
        parent=_parents(external_ids, segment, since, rng),
        strategic=rng.random(count) < np.array([0.01, 0.06, 0.22])[segment],
        trial_at=trial_at,
        converted_at=converted_at,
        channel=CHANNELS[rng.choice(5, size=count, p=[0.4, 0.25, 0.15, 0.08, 0.12])],
        tracked=rng.random(count) >= world.untracked,
    )


def _seats(segment: Ints, rng: np.random.Generator) -> Ints:
    middle = np.array([14.0, 85.0, 620.0])[segment]
    spread = np.array([0.55, 0.55, 0.65])[segment]
    drawn = np.rint(middle * rng.lognormal(0.0, 1.0, len(segment)) ** spread)
    return np.asarray(np.maximum(drawn, 3).astype(np.int64))


def _customer_since(count: int, window: Window, world: World, rng: np.random.Generator) -> Times:
    """Old customers, those who arrive inside the window, and a few prospects without a day."""
    age = 20 + np.minimum(rng.exponential(620.0, count), 2_000)
    since = window.start - age.astype(np.int64).astype("m8[D]")
    arrives = rng.random(count) < 1.0 - np.exp(-world.newcomers_per_year * window.years)
    first = np.repeat(window.start, count)
    newcomers = uniform_days(first, np.repeat(window.end, count), rng)
    since = np.where(arrives, newcomers, since)
    # Terms renew on this day of the month, which every month has.
    day_of_month = (since - since.astype("M8[M]").astype("M8[D]")).astype(np.int64)
    since = since - np.maximum(day_of_month - 27, 0).astype("m8[D]")
    prospects = min(round(count * world.prospects) + (count >= 10), count - 1)
    since[rng.permutation(count)[:prospects]] = np.datetime64("NaT", "D")
    return np.asarray(since)


def _trials(segment: Ints, since: Times, window: Window, rng: np.random.Generator) -> tuple[Times, Times]:
    """Some small customers began with a trial; so do half of the prospects."""
    count = len(segment)
    prospect = np.isnat(since)
    tried = (rng.random(count) < np.array([0.5, 0.2, 0.03])[segment]) & ~prospect
    length = rng.uniform(6, 30, count)
    before = add_days(at_midnight(since), -length)
    lately = add_days(at_midnight(np.repeat(window.end, count)), -length)
    trial_at = np.where(tried, before, np.where(prospect & (rng.random(count) < 0.5), lately, NEVER))
    return trial_at, np.where(tried, add_days(at_midnight(since), np.full(count, 0.4)), NEVER)


def _vendor_people(count: int, world: World, rng: np.random.Generator) -> tuple[Words, Words]:
    """Who looks after each account: a CSM (a few accounts have none) and an account executive."""
    csms = max(2, min(MOST_CSMS, round(count / ACCOUNTS_PER_CSM)))
    aes = max(1, csms // 2)
    csm = words(f"csm{number:02d}@vendor.example" for number in range(1, csms + 1))
    ae = words(f"ae{number:02d}@vendor.example" for number in range(1, aes + 1))
    owner = csm[rng.integers(0, csms, count)]
    owner[rng.random(count) < world.unowned] = None
    return owner, ae[rng.integers(0, aes, count)]


def _parents(external_ids: Words, segment: Ints, since: Times, rng: np.random.Generator) -> Words:
    """A few accounts belong to an older large one, which itself belongs to nobody."""
    count = len(external_ids)
    parent = np.full(count, None, dtype=object)
    child = (rng.random(count) < 0.05) & ~np.isnat(since)
    heads = np.flatnonzero((segment == ENTERPRISE) & ~child & ~np.isnat(since))
    if len(heads) == 0:
        return parent
    choice = heads[rng.integers(0, len(heads), count)]
    older = child & (since[choice] < since)
    parent[older] = external_ids[choice[older]]
    return parent


def write_accounts(writer: BundleWriter, accounts: Accounts, rng: np.random.Generator) -> None:
    """Write the accounts; a few cells are not known, as in real exports."""
    blank = rng.random(accounts.count) < 0.05
    country = words(names.PLACES[index].country for index in accounts.place)
    region = words(names.PLACES[index].region for index in accounts.place)
    writer.write(
        "accounts",
        {
            "external_id": accounts.ids,
            "name": accounts.names,
            "domain": accounts.domains,
            "industry": blanked(names.INDUSTRY_NAMES[accounts.industry], rng.random(accounts.count) < 0.03),
            "employees": blanked(accounts.employees.astype(str).astype(object), blank),
            "country": country,
            "region": region,
            "plan": PLANS[accounts.plan],
            "segment": SEGMENTS[accounts.segment],
            "owner_email": accounts.owner,
            "ae_email": accounts.ae,
            "customer_since": accounts.since,
            "parent_external_id": accounts.parent,
            "strategic": flags(accounts.strategic),
            "trial_started_at": accounts.trial_at,
            "converted_at": accounts.converted_at,
            "acquisition_channel": accounts.channel,
        },
    )
