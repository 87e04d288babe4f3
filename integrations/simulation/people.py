"""The people at each account: who they are, when they came and when they left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import names
from .causes import Events, Setting
from .clock import NEVER, Bools, Ints, Times, Words, add_days, at_midnight, in_office_hours, uniform_days
from .contracts import Contracts
from .tables import BundleWriter, blanked, flags, ids, words

CHAMPION, BUYER, ADMIN, SPONSOR, USER, DETRACTOR = range(6)
ROLES = words(("champion", "economic_buyer", "admin", "executive_sponsor", "user", "detractor"))
SENIORITIES = words(("c_level", "vp", "director", "manager", "individual"))
DEPARTMENTS = words(("operations", "finance", "it", "sales", "support", "marketing", "people"))
_TITLES = {
    0: (
        "Chief Operating Officer",
        "Chief Financial Officer",
        "Chief Information Officer",
        "Managing Director",
    ),
    1: ("VP Operations", "VP Customer Operations", "VP Finance", "VP Technology"),
    2: ("Director of Operations", "Director of Business Systems", "Finance Director", "Director of Service"),
    3: ("Operations Manager", "Systems Manager", "Team Lead", "Process Manager", "Service Manager"),
    4: ("Analyst", "Coordinator", "Specialist", "System Administrator", "Planner"),
}
BUYER_SLOT = 1  # the second person of each account stays for good: there is always somebody to write to


@dataclass(frozen=True)
class People:
    """All contacts as columns, grouped by account; `first` and `size` find an account's group."""

    ids: Words
    account: Ints
    slot: Ints
    names: Words
    mailboxes: Words
    role: Ints
    joined: Times
    departed: Times
    first: Ints
    size: Ints

    def someone(self, account: Ints, when: Times, rng: np.random.Generator) -> Ints:
        """A contact of each account who was there at that moment."""
        pick = self.first[account] + np.floor(rng.random(len(account)) * self.size[account]).astype(np.int64)
        return np.where(self._there(pick, when), pick, self.buyer(account))

    def champion(self, account: Ints, when: Times) -> Ints:
        """The champion at that moment, or the buyer where there is none."""
        pick = self.first[account]
        successor = pick + self.size[account] - 1
        named = np.where(self._there(pick, when), pick, successor)
        fits = self._there(named, when) & (self.role[named] == CHAMPION)
        return np.where(fits, named, self.buyer(account))

    def buyer(self, account: Ints) -> Ints:
        """The economic buyer, who is always there."""
        return self.first[account] + BUYER_SLOT

    def _there(self, contact: Ints, when: Times) -> Bools:
        moment = when.astype("M8[s]")
        departed = self.departed[contact]
        return (self.joined[contact] < moment) & (np.isnat(departed) | (departed > moment))


def make_people(setting: Setting, contracts: Contracts, rng: np.random.Generator) -> People:
    """Draw everybody: the first champion and buyer, the others, and the successors of champions who left."""
    accounts = setting.accounts
    successors = np.zeros(accounts.count, np.int64)
    successors[setting.causes.recovered.account] = 1
    regular = np.array([3, 5, 8])[accounts.segment] + rng.poisson(np.array([0.8, 2.0, 4.0])[accounts.segment])
    size = regular + successors
    first = np.cumsum(size) - size
    account = np.repeat(np.arange(accounts.count), size)
    slot = np.arange(len(account)) - first[account]
    succeeds = slot >= regular[account]
    joined, departed = _comings_and_goings(setting, contracts, account, slot, rng)
    _succeed(setting.causes.recovered, first + size - 1, joined, departed, rng)
    full, mailbox = names.people(account, slot)
    return People(
        ids=ids("CON", len(account)),
        account=account,
        slot=slot,
        names=full,
        mailboxes=mailbox,
        role=_roles(slot, succeeds, rng),
        joined=joined,
        departed=departed,
        first=first,
        size=size,
    )


def _roles(slot: Ints, succeeds: Bools, rng: np.random.Generator) -> Ints:
    role = np.where(rng.random(len(slot)) < 0.06, DETRACTOR, USER)
    for place, known in enumerate((CHAMPION, BUYER, ADMIN, SPONSOR)):
        role = np.where(slot == place, known, role)
    role = np.where((slot == 3) & (rng.random(len(slot)) < 0.5), USER, role)
    return np.where(succeeds, CHAMPION, role)


def _comings_and_goings(
    setting: Setting, contracts: Contracts, account: Ints, slot: Ints, rng: np.random.Generator
) -> tuple[Times, Times]:
    """The first three were there from the start; others come and some go; champions go when their shock strikes."""
    window, accounts = setting.window, setting.accounts
    last = np.repeat(window.end, len(account))
    since = accounts.since[account]
    begin = np.where(np.isnat(since), window.end - np.timedelta64(25, "D"), since)
    early = in_office_hours(add_days(at_midnight(begin), -rng.uniform(1, 20, len(account))), rng)
    late = in_office_hours(uniform_days(np.minimum(begin + np.timedelta64(4, "D"), last), last, rng), rng)
    joined = np.where((slot <= 2) | (rng.random(len(account)) < 0.6), early, np.maximum(late, early))
    leaves = (slot > 2) & (rng.random(len(account)) < np.minimum(0.11 * window.years, 0.4))
    going = in_office_hours(
        uniform_days(np.minimum(joined.astype("M8[D]") + np.timedelta64(9, "D"), last), last, rng), rng
    )
    departed = np.where(leaves & (going > joined), going, NEVER)
    left = setting.causes.events["champion_left"]
    goodbye = np.full(accounts.count, NEVER)
    goodbye[left.account] = in_office_hours(left.day, rng)
    departed = np.where(slot == 0, goodbye[account], departed)
    if setting.causes.departures is not None:
        departed = _also_gone(setting.causes.departures, account, joined, departed, rng)
    gone = contracts.gone[account]  # what happens at a company that has left is not heard of
    return joined, np.where(np.isnat(gone) | (departed < gone), departed, NEVER)


def _also_gone(
    events: Events, account: Ints, joined: Times, departed: Times, rng: np.random.Generator
) -> Times:
    """Each event takes one more person of the account, from the fourth on, as long as there are any."""
    first = np.searchsorted(account, np.arange(account[-1] + 1 if len(account) else 0))
    starts = np.flatnonzero(np.r_[True, events.account[1:] != events.account[:-1]])[: len(events.account)]
    turn = np.arange(len(events.account)) - np.repeat(starts, np.diff(np.r_[starts, len(events.account)]))
    person = first[events.account] + 3 + turn
    there = person < len(account)
    there[there] &= account[person[there]] == events.account[there]
    person, when = person[there], in_office_hours(events.day[there], rng)
    here = (joined[person] < when) & ~(departed[person] < when)
    out = departed.copy()
    out[person[here]] = when[here]
    return out


def _succeed(
    recovered: Events, slots: Ints, joined: Times, departed: Times, rng: np.random.Generator
) -> None:
    """A successor arrives on the day that the account begins to recover."""
    contact = slots[recovered.account]
    joined[contact] = in_office_hours(recovered.day, rng)
    departed[contact] = NEVER


def write_people(
    writer: BundleWriter, setting: Setting, contracts: Contracts, people: People, rng: np.random.Generator
) -> None:
    """Write the contacts who ever came while their company was a customer."""
    gone = contracts.gone[people.account]
    keep = np.isnat(gone) | (people.joined < gone) | (people.slot <= 2)
    seniority = _seniorities(people.role, rng)
    place = setting.accounts.place[people.account]
    count = len(people.ids)
    titles = words(
        _TITLES[rank][pick % len(_TITLES[rank])]
        for rank, pick in zip(seniority, people.slot * 3 + people.account, strict=True)
    )
    quiet = rng.random(count) < 0.02
    columns = {
        "external_id": people.ids,
        "account_external_id": setting.accounts.ids[people.account],
        "name": people.names,
        "email": people.mailboxes + "@" + setting.accounts.domains[people.account],
        "title": blanked(titles, rng.random(count) < 0.05),
        "role": blanked(ROLES[people.role], (people.role == USER) & (rng.random(count) < 0.1)),
        "seniority": SENIORITIES[seniority],
        "department": DEPARTMENTS[rng.integers(0, len(DEPARTMENTS), count)],
        "joined_at": people.joined,
        "departed_at": people.departed,
        "time_zone": words(names.PLACES[index].time_zone for index in place),
        "language": words(names.PLACES[index].language for index in place),
        "do_not_contact": flags(quiet),
    }
    writer.write("contacts", {name: column[keep] for name, column in columns.items()})


def _seniorities(role: Ints, rng: np.random.Generator) -> Ints:
    usual = np.array([3, 1, 4, 0, 4, 3])[role]
    return np.clip(usual + rng.integers(-1, 2, len(role)), 0, 4)
