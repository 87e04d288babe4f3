"""The lists of the growth page: which items, in which order, and what each says in a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, QuerySet

from accounts.models import Account, Contact
from scoring.growth import improving
from scoring.growth.lifecycle import KINDS as WAITED_FOR
from scoring.growth.lifecycle import LABELS, MILESTONE, OBJECTIVE, RENEWAL
from scoring.growth.models import GrowthItem, GrowthReport
from scoring.growth.words import TRIAL_DONE, sentence, trial_words
from tenants.access import sees_everything
from tenants.models import Membership, Tenant

Kind = GrowthItem.Kind
Items = QuerySet[GrowthItem]
TOO_FEW_TRIALS = "Too few past trials for a chance."
CHANCE = ("chance_90", "low_80", "high_80")
# what the chance of a milestone, objective or renewal is one of, and within how many days
CHANCE_OF = {MILESTONE: ("reached", 90), OBJECTIVE: ("reached", 90), RENEWAL: ("renewed", None)}


@dataclass(frozen=True)
class List:
    """One list. `template` shows a line; `cells` are its columns in a file behind the account's name."""

    kind: str
    label: str  # of its button
    title: str
    empty: str
    template: str
    order: tuple[Any, ...]
    heads: tuple[str, ...]
    cells: Callable[[dict[str, Any]], list[Any]]


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None


def _chance(item: GrowthItem) -> list[Any]:
    return [None if each is None else round(each, 4) for each in (item.chance, item.low, item.high)]


def _counts(line: dict[str, Any], *names: str) -> list[Any]:
    """Of the whole workspace's past cases; empty for whoever sees a part of it."""
    return [getattr(line["item"], name) if line["whole"] else None for name in names]


def _sign(line: dict[str, Any]) -> list[Any]:
    item = line["item"]
    return [
        item.pattern,
        item.product,
        *_chance(item),
        *_counts(line, "hits", "cases"),
        _counts(line, "accounts")[0] or None,  # 0: worked out before customers were counted
        item.due,
        line["why"],
    ]


def _lead(line: dict[str, Any]) -> list[Any]:
    return [line["person"], line["item"].account.ae_email, *_sign(line)]


def _milestone(line: dict[str, Any]) -> list[Any]:
    """A renewal's chance is that to be there after it, on the expected day; the others' that of reaching it in time."""
    item, facts = line["item"], line["item"].facts
    chance, low, high = _chance(item)
    of, within = ("", None) if chance is None else CHANCE_OF[item.pattern]
    return [
        facts["stage"], item.pattern, item.product, facts.get("due"), facts.get("p30"), facts.get("p60"),
        chance, of, within, low, high, item.due, facts.get("early"), facts.get("late"),
    ]  # fmt: skip


def _trial(line: dict[str, Any]) -> list[Any]:
    item, facts = line["item"], line["item"].facts
    return [
        facts["began"], facts["age"], *(facts["done"].get(key) for key in TRIAL_DONE), facts["score"],
        facts["n"] if line["whole"] else None, *_chance(item), *_counts(line, "hits", "cases"), item.due,
        line["why_not"],
    ]  # fmt: skip


SIGN_HEADS = ("pattern", "product", *CHANCE, "hits", "cases", "customers", "month", "associated_with")
LISTS = {
    each.kind: each
    for each in (
        List(
            Kind.EXPANSION, "May buy more", "Accounts that may buy more",
            "None of these accounts shows one of the patterns below.", "_sign.html",
            (F("chance").desc(nulls_last=True), "account__name", "pk"), SIGN_HEADS, _sign,
        ),
        List(
            Kind.LEAD, "Leads", "Usage-qualified leads", "None of these accounts shows one of the patterns below.",
            "_sign.html", (F("chance").desc(nulls_last=True), "account__name", "pk"),
            ("person", "account_executive", *SIGN_HEADS), _lead,
        ),
        List(
            Kind.IMPROVING, "Improving", "Accounts that have clearly improved",
            "No account has clearly improved within 30 days, or there is no day to compare with yet.",
            "_improving.html", ("account__name", "pattern"), ("what", "text"),
            lambda line: [line["item"].pattern, line["why"]],
        ),
        List(
            Kind.MILESTONE, "Milestones", "Stage and next milestone",
            "There are no customers among these accounts.", "_milestone.html",
            (F("due").asc(nulls_last=True), "account__name", "pattern"),
            ("stage", "kind", "name", "due", "p30", "p60", "chance", "chance_of", "within_days", *CHANCE[1:],
             "expected", "early", "late"), _milestone,
        ),
        List(
            Kind.TRIAL, "Trials", "Trials that run", "None of these accounts is in a trial that began within 60 days.",
            "_trial.html", (F("chance").desc(nulls_last=True), "account__name", "pk"),
            ("began", "day", *TRIAL_DONE, "score", "compared_with", "chance_30", "low_80", "high_80", "hits", "cases",
             "expected", "note"), _trial,
        ),
    )
}  # fmt: skip


# the figure of a report that tells that a list had been built when it was worked out: lists came one after another
WORKED_OUT_WITH = {
    Kind.EXPANSION: "patterns", Kind.LEAD: "patterns", Kind.IMPROVING: "milestones", Kind.MILESTONE: "milestones",
    Kind.TRIAL: "trials",
}  # fmt: skip


def is_worked_out(report: GrowthReport | None, kind: str) -> bool:
    """Whether that list is in the newest report: empty is not the same as not there yet."""
    return report is not None and WORKED_OUT_WITH[Kind(kind)] in report.figures


def lines_of(tenant: Tenant, viewer: Membership, items: list[GrowthItem]) -> list[dict[str, Any]]:
    """Items with their sentences and the names of people; one statement for the names.

    Counts of past cases are of the whole workspace (`whole`): whoever sees a part of it is told chance and interval.
    """
    whole = sees_everything(viewer)
    ids = {item.contact_external_id for item in items if item.contact_external_id}
    people = Contact.objects.for_tenant(tenant).filter(external_id__in=ids, erased_at=None) if ids else []
    names = {person.external_id: person.name for person in people}
    return [_line(item, names.get(item.contact_external_id, ""), whole=whole) for item in items]


def _line(item: GrowthItem, person: str, *, whole: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"item": item, "person": person, "why": why(item, whole=whole), "whole": whole}
    if item.kind == Kind.TRIAL:
        line |= {"began": _day(item.facts["began"]), "done": trial_words(item.facts["done"])}
        line["why_not"] = item.facts["why_not"] if whole or item.facts["score"] is None else TOO_FEW_TRIALS
    if item.kind == Kind.MILESTONE:
        line |= {
            "stage": LABELS[item.facts["stage"]], "what": WAITED_FOR[item.pattern],
            "target": _day(item.facts.get("due")), "early": _day(item.facts.get("early")),
            "late": _day(item.facts.get("late")),
        }  # fmt: skip
    return line


def why(item: GrowthItem, *, whole: bool) -> str:
    """The item in a sentence; empty for a milestone or a trial, whose columns say everything."""
    if item.kind == Kind.IMPROVING:
        return improving.words(item.pattern, item.facts)
    if item.kind in (Kind.MILESTONE, Kind.TRIAL):
        return ""
    return sentence(item.pattern, item.facts, whole=whole)


def of_account(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, list[dict[str, Any]]]:
    """Everything that stands on one account by kind, without leads; one statement."""
    whole = sees_everything(viewer)
    items = GrowthItem.objects.for_tenant(tenant).filter(account=account).exclude(kind=Kind.LEAD)
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items.order_by("pattern", "product", "pk"):
        found.setdefault(item.kind, []).append(_line(item, "", whole=whole))
    return found
