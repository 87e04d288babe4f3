"""Which line of the policy applies, and how it reads. Pure: rows in, words out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from approvals.models import ApprovalPolicy
from config.templatetags import words

# the roles that may be asked; approvals.people says who has them
ROLE_WITH_ARTICLE = {"manager": "a manager", "finance": "finance"}


@dataclass(frozen=True)
class Measures:
    """What a line's limits are held against; None: not known, which no limit lets pass."""

    discount_pct: Decimal | None
    cost: Decimal | None  # in the tenant's currency


@dataclass(frozen=True)
class Match:
    line: ApprovalPolicy
    sentence: str
    checks: list[dict[str, Any]]

    @property
    def version(self) -> str:
        return f"line {self.line.position}, version {self.line.version}"


def measures_of(facts: dict[str, Any], *, currency: str) -> Measures:
    """Cost counts in the tenant's currency. In another one, without `cost_base`, it is over every limit: closed."""
    cost = facts.get("cost_base")
    if cost is None and (facts.get("currency") or currency) == currency:
        cost = facts.get("cost")
    return Measures(words.number(facts.get("discount_pct")), words.number(cost))


def match(lines: Sequence[ApprovalPolicy], measures: Measures, *, currency: str) -> Match | None:
    """The first line, by position, whose every limit holds."""
    for index, line in enumerate(lines):
        if all(_holds(limit, value) for limit, value in _limits(line, measures)):
            tried = lines[: index + 1]
            return Match(line, sentence(lines[:index], line, currency), _checks(tried, measures, currency))
    return None


def sentences(lines: Sequence[ApprovalPolicy], currency: str) -> list[str]:
    """The active lines of one kind, each in words."""
    return [sentence(lines[:index], line, currency) for index, line in enumerate(lines)]


def sentence(before: Sequence[ApprovalPolicy], line: ApprovalPolicy, currency: str) -> str:
    """ "A discount above 20% or a cost above $50k needs a manager, then finance." """
    who = ", then ".join(ROLE_WITH_ARTICLE.get(role, role) for role in line.approver_roles)
    above = _above(before, currency)
    discount, cost = line.max_discount_pct, line.max_cost
    if discount is None and cost is None:
        return f"{_capital(above or 'every request')} needs {who}."
    if above:
        limits = [_pct(discount)] if discount is not None else []
        limits += [_money(cost, currency)] if cost is not None else []
        return f"{_capital(above)}, up to {' and '.join(limits)}, needs {who}."
    parts = [f"a discount up to {_pct(discount)}"] if discount is not None else []
    parts += [f"a cost up to {_money(cost, currency)}"] if cost is not None else []
    return f"{_capital(' with '.join(parts))} needs {who}."


def _above(before: Sequence[ApprovalPolicy], currency: str) -> str:
    """What the lines before leave over: everything above the widest of their limits."""
    discounts = [line.max_discount_pct for line in before if line.max_discount_pct is not None]
    costs = [line.max_cost for line in before if line.max_cost is not None]
    parts = [f"a discount above {_pct(max(discounts))}"] if discounts else []
    parts += [f"a cost above {_money(max(costs), currency)}"] if costs else []
    return " or ".join(parts)


def _checks(tried: Sequence[ApprovalPolicy], measures: Measures, currency: str) -> list[dict[str, Any]]:
    """What was held against which limit, and then the people who are needed."""
    discounts = [line.max_discount_pct for line in tried if line.max_discount_pct is not None]
    costs = [line.max_cost for line in tried if line.max_cost is not None]
    checks = [
        *_check("Discount", measures.discount_pct, discounts, _pct),
        *_check("Cost", measures.cost, costs, lambda value: words.money_full(value, currency)),
    ]
    roles = tried[-1].approver_roles
    for number, role in enumerate(roles):
        after = f", after the {roles[number - 1]}" if number else ""
        text = f"{_capital(ROLE_WITH_ARTICLE.get(role, role))} must say yes{after}"
        checks.append({"passed": False, "person": True, "text": text})
    return checks


def _check(
    name: str, value: Decimal | None, limits: list[Decimal], shown: Callable[[Decimal], str]
) -> list[dict[str, Any]]:
    """The widest limit that was exceeded and the narrowest that holds; the others follow from these."""
    if not limits:
        return []
    if value is None:
        return [{"passed": False, "text": f"{name} is not known, so no limit lets it pass"}]
    over, within = [limit for limit in limits if value > limit], [limit for limit in limits if value <= limit]
    checks: list[dict[str, Any]] = []
    if over:
        checks.append({"passed": False, "text": f"{name} of {shown(value)} is above {shown(max(over))}"})
    if within:
        checks.append({"passed": True, "text": f"{name} of {shown(value)} is within {shown(min(within))}"})
    return checks


def _limits(line: ApprovalPolicy, measures: Measures) -> list[tuple[Decimal | None, Decimal | None]]:
    return [(line.max_discount_pct, measures.discount_pct), (line.max_cost, measures.cost)]


def _holds(limit: Decimal | None, value: Decimal | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def _pct(value: Decimal | None) -> str:
    return (
        f"{words.plain(value, 0 if value == value.to_integral_value() else 2)}%" if value is not None else ""
    )


def _money(value: Decimal | None, currency: str) -> str:
    return words.money(value, currency)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
