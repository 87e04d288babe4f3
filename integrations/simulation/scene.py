"""Everything that the writers of events read: the setting, its contracts and its people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .causes import Causes, Setting
from .clock import Bools, Floats, Ints, Times, Window, in_office_hours
from .contracts import Contracts
from .people import People
from .population import Accounts


@dataclass(frozen=True)
class Scene:
    """The world with everybody in it, before anything is written down."""

    setting: Setting
    contracts: Contracts
    people: People

    @property
    def window(self) -> Window:
        """The days that the bundle covers."""
        return self.setting.window

    @property
    def accounts(self) -> Accounts:
        """The accounts."""
        return self.setting.accounts

    @property
    def causes(self) -> Causes:
        """The latent signals."""
        return self.setting.causes

    def is_customer(self, account: Ints, when: Times) -> Bools:
        """Whether each account was a customer at that moment of the window."""
        since, gone = self.accounts.since[account], self.contracts.gone[account]
        day = when.astype("M8[D]")
        return self.window.covers(when) & (day >= since) & (np.isnat(gone) | (day < gone))

    def last_renewal(self) -> Times:
        """The renewal date of each account's last term; empty for prospects."""
        terms = self.contracts.terms
        renewal = np.full(self.accounts.count, np.datetime64("NaT", "D"))
        renewal[terms.account] = terms.renewal  # terms are in order, so the last one stays
        return renewal

    def weekly_happenings(self, rate: Floats, rng: np.random.Generator) -> tuple[Ints, Times]:
        """Moments drawn from a rate for each account and week of the grid, while the account is a customer."""
        account, week, times = _drawn(rate, self._living_weeks(), rng)
        account, week = np.repeat(account, times), np.repeat(week, times)
        weekday = rng.choice(7, size=len(account), p=[0.2, 0.21, 0.19, 0.18, 0.16, 0.03, 0.03])
        day = self.window.grid_start + (7 * week + weekday).astype("m8[D]")
        moment = in_office_hours(day, rng)
        keep = self.is_customer(account, moment)
        return account[keep], moment[keep]

    def _living_weeks(self) -> Bools:
        """Accounts x weeks in which the account may be a customer; days are checked later."""
        week = self.window.grid_start + 7 * np.arange(self.window.weeks).astype("m8[D]")
        after = week + np.timedelta64(6, "D")
        since, gone = self.accounts.since[:, None], self.contracts.gone[:, None]
        begun = (after[None, :] >= since) & (after >= self.window.start)[None, :]
        return begun & (np.isnat(gone) | (week[None, :] < gone)) & (week <= self.window.end)[None, :]


def _drawn(rate: Floats, living: Bools, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    account, week = np.nonzero(living)
    times = rng.poisson(rate[account, week])
    some = times > 0
    return account[some], week[some], times[some]
