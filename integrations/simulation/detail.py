"""Who used what, lately: the people and features behind the usage of some of the accounts."""

from __future__ import annotations

import numpy as np

from .catalogue import PRODUCTS
from .clock import Bools, Floats, Ints, Times
from .growth import Holdings
from .scene import Scene
from .tables import BundleWriter, spread, words

DETAIL_DAYS = 60
MOST_ACCOUNTS = 300
SHARE = 0.15

_FEATURES = words(feature for product in PRODUCTS for feature in product.features)
_FEATURE_PRODUCT = np.array([number for number, product in enumerate(PRODUCTS) for _ in product.features])
_PRODUCT_OF_FEATURE = words(PRODUCTS[number].external_id for number in _FEATURE_PRODUCT)


def write_detail(writer: BundleWriter, scene: Scene, holdings: Holdings, rng: np.random.Generator) -> None:
    """Write the detail of a sample of accounts over the window's last days."""
    contact = _watched_contacts(scene, rng)
    days = min(DETAIL_DAYS, scene.window.days)
    day = scene.window.end - np.arange(days)[::-1].astype("m8[D]")
    present = _present(scene, contact, day, rng)
    row, column = np.nonzero(present)
    account = scene.people.account[contact]
    habit = _habits(scene, holdings, contact, rng)
    mood = _mood_of_use(scene, account[row], day[column])
    counts = rng.poisson(np.multiply(habit[row], mood[:, None]))
    visit, feature = np.nonzero(counts)
    who = contact[row[visit]]
    writer.write(
        "usage_detail",
        {
            "account_external_id": spread(scene.accounts.ids, scene.people.account[who]),
            "date": day[column[visit]],
            "contact_external_id": spread(scene.people.ids, who),
            "product": spread(_PRODUCT_OF_FEATURE, feature),
            "feature": spread(_FEATURES, feature),
            "count": counts[visit, feature],
        },
    )


def _watched_contacts(scene: Scene, rng: np.random.Generator) -> Ints:
    """Everybody at a sample of the measured customers that are still here."""
    accounts = scene.accounts
    here = np.flatnonzero(accounts.is_customer & accounts.tracked & np.isnat(scene.contracts.gone))
    wanted = min(len(here), MOST_ACCOUNTS, max(25, round(SHARE * len(here))))
    chosen = np.zeros(accounts.count, dtype=bool)
    chosen[rng.permutation(here)[:wanted]] = True
    if scene.setting.fates is not None:
        chosen = _watched_from_the_start(scene, rng)
    return np.flatnonzero(chosen[scene.people.account])


def _watched_from_the_start(scene: Scene, rng: np.random.Generator) -> Bools:
    """A sample that does not know who will leave: measured accounts, whether or not they stay."""
    accounts = scene.accounts
    here = np.flatnonzero(accounts.is_customer & accounts.tracked)
    wanted = min(len(here), MOST_ACCOUNTS, max(25, round(SHARE * len(here))))
    chosen = np.zeros(accounts.count, dtype=bool)
    chosen[rng.permutation(here)[:wanted]] = True
    return chosen


def _present(scene: Scene, contact: Ints, day: Times, rng: np.random.Generator) -> Bools:
    """Contacts x days: who came by on which day."""
    people = scene.people
    weekend = (day.astype("M8[D]").astype(np.int64) + 3) % 7 >= 5
    eager = rng.beta(2, 3, len(contact)) * np.where(people.slot[contact] <= 2, 1.2, 1.0)
    comes = rng.random((len(contact), len(day))) < eager[:, None] * np.where(weekend, 0.12, 0.8)[None, :]
    moment = day.astype("M8[s]")[None, :]
    departed = people.departed[contact][:, None]
    since = scene.accounts.since[people.account[contact]][:, None]
    gone = scene.contracts.gone[people.account[contact]][:, None]
    return np.asarray(
        comes
        & (people.joined[contact][:, None] < moment)
        & (np.isnat(departed) | (moment < departed))
        & (day[None, :] >= since)
        & (np.isnat(gone) | (day[None, :] < gone))
    )


def _habits(scene: Scene, holdings: Holdings, contact: Ints, rng: np.random.Generator) -> Floats:
    """Contacts x features: how often on a day; only features of products that the account has."""
    account = scene.people.account[contact]
    owned = np.zeros((scene.accounts.count, len(PRODUCTS)), dtype=bool)
    owned[:, 0] = True
    begin = scene.window.end - np.timedelta64(DETAIL_DAYS, "D")
    held = np.isnat(holdings.end) if scene.setting.fates is None else ~(holdings.end <= begin)
    current = held & (holdings.start <= begin)
    owned[holdings.account[current], holdings.product[current]] = True
    likes = rng.random((len(contact), len(_FEATURES))) < 0.32
    taste = rng.gamma(1.2, 1.4, (len(contact), len(_FEATURES)))
    return np.asarray(np.where(likes & owned[account][:, _FEATURE_PRODUCT], taste, 0.0))


def _mood_of_use(scene: Scene, account: Ints, day: Times) -> Floats:
    week = scene.window.week_of(day.astype("M8[D]"))
    causes = scene.causes
    signal = causes.shown_at("usage", account, week) + 0.5 * causes.shown_at("breadth", account, week)
    return np.asarray(np.exp(np.clip(signal, -2.5, 0.6)))
