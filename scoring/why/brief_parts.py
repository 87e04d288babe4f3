"""What a brief is made of: sections of sentences, each with the records it rests on, and whom it is about."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts.models import Account
from config.templatetags.words import money
from scoring.why.brief_records import Found, Record, page_of, record_of
from tenants.models import Tenant


@dataclass(frozen=True)
class Statement:
    """One sentence and what it rests on; none without a record."""

    text: str
    records: list[Record]


@dataclass(frozen=True)
class Section:
    """One heading of the brief. `nothing`: what is said when there is no record."""

    key: str
    title: str
    nothing: str
    statements: list[Statement] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """Whom the brief is about, for whom, on which day."""

    tenant: Tenant
    account: Account
    day: date
    sees_arr: bool

    @property
    def page(self) -> str:
        return page_of(self.tenant, self.account)

    def cite(self, found: Found) -> list[Record]:
        return [record_of(self.tenant, self.account, found)]

    def money(self, amount: Any, currency: str) -> str:
        return money(amount, currency) if self.sees_arr else "(not shown to your role)"


def day_words(value: date) -> str:
    return f"{value:%-d %b %Y}"
