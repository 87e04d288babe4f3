"""What changed between two scored days, as the page and the panel show it: sums, lines, where their rows are."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.urls import reverse

from accounts.models import Account
from scoring import apart, changes, queries
from scoring.catalogue import MISSING_WORDS, SOURCES
from scoring.changes import MISSING, MODEL, OVERRIDE, POLICY, TIME, UNMOVED, VALUES, Reading
from scoring.outcomes.notes import scope_words
from scoring.why import change_queries, own_or_shared
from scoring.why.chance import value_words
from scoring.why.change_queries import Pair, Standing
from scoring.why.names import label_of
from scoring.why.sources import place_of, source_of
from tenants.access import Right, can
from tenants.models import Membership, Tenant

DAYS = 30  # what the panel looks back
LABELS = {
    VALUES: "Indicators",
    MISSING: "Missing data",
    POLICY: "Policy",
    OVERRIDE: "Override",
    changes.COMPUTED: "The way of computing",
    TIME: "Time to the contract's end",
    MODEL: "Model",
    UNMOVED: "What stayed the same",
}
# where the account page shows what is no indicator's; a policy and a model have pages of their own beside
PLACES = {
    OVERRIDE: "?panels=all#panel-override",
    changes.COMPUTED: "?panels=all#panel-health",
    TIME: place_of(changes.TIMING),
    MODEL: "?panels=all#panel-chance",
    UNMOVED: "?panels=all#panel-chance",
}


@dataclass(frozen=True)
class Line:
    """One part: what moved, from what to what, by how much, where its rows are, and whether its source was late.

    `place`: query and fragment of the account page; `url`: another page, which then goes first.
    """

    label: str
    amount: Decimal  # points, to the hundredth
    logit: float | None = None
    was: str = ""
    now: str = ""
    day: date | None = None
    place: str = ""
    late: str = ""
    url: str = ""


@dataclass(frozen=True)
class Pages:
    """Addresses of what is not the account's: two policies beside each other, a model; empty: not for this viewer."""

    indicators: str
    policy: str
    model: str

    def of_policy(self, key: str) -> str:
        """What the two versions differ by; for who may not see them, the indicator with its weight in force."""
        return self.policy or f"{self.indicators}#{key}"


@dataclass(frozen=True)
class Group:
    """The parts of one kind and what they add up to."""

    key: str
    label: str
    total: Decimal
    lines: list[Line]
    note: str = ""


@dataclass(frozen=True)
class Split:
    """before + the groups' totals == after."""

    before: Decimal
    after: Decimal
    groups: list[Group]

    @property
    def change(self) -> Decimal:
        return self.after - self.before


def changes_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """The panel: the last 30 days."""
    return between(tenant, viewer, account, None, None)


def between(
    tenant: Tenant, viewer: Membership, account: Account, since: date | None, until: date | None
) -> dict[str, Any]:
    """Both splits between the scored days nearest to the wanted ones; six statements."""
    runs = queries.effective_runs(tenant)
    if not runs:
        return {"scored": [], "found": Pair()}
    until = until or runs[-1].as_of
    since = since or until - timedelta(days=DAYS)
    found = change_queries.pair(tenant, account, runs, (since, until))
    return {
        "scored": [run.as_of for run in reversed(runs)],
        "since": since,
        "until": until,
        "found": found,
        "beside": own_or_shared.beside(tenant, viewer, account, found),
        "scope": scope_words(viewer),
        **(_splits(tenant, viewer, account, found.first, found.last) if found.first and found.last else {}),
    }


def _splits(
    tenant: Tenant, viewer: Membership, account: Account, first: Standing, last: Standing
) -> dict[str, Any]:
    pages = _pages(tenant, viewer, first, last)
    hides_health, hides_chance = (asked(first, last) for asked in (_hides_health, _hides_chance))
    return {
        "hides_health": hides_health,
        "hides_chance": hides_chance,
        "health": None if hides_health else health_split(first, last, pages),
        "chance": None if hides_chance else chance_split(first, last, account, pages),
        "has_chances": first.snapshot.p90 is not None or last.snapshot.p90 is not None,
        "is_same_model": first.snapshot.model_id == last.snapshot.model_id,
    }


def _hides_health(first: Standing, last: Standing) -> bool:
    """Whether parts would tell what was noticed of a person: of the two policies and runs alone, so of all alike."""
    weighs = any(
        change_queries.readings(each.snapshot).get(apart.INDICATOR, changes.NOTHING).weight
        for each in (first, last)
    )
    return weighs and not _are_apart(first, last)


def _hides_chance(first: Standing, last: Standing) -> bool:
    reads = any(
        each.model is not None and apart.INDICATOR in change_queries.part_names(each.model)
        for each in (first, last)
    )
    return reads and not _are_apart(first, last)


def _are_apart(first: Standing, last: Standing) -> bool:
    return all(apart.is_apart(each.snapshot.run.summary) for each in (first, last))


def _pages(tenant: Tenant, viewer: Membership, first: Standing, last: Standing) -> Pages:
    """What the viewer may open of it."""
    policy = model = ""
    if can(viewer, Right.CONFIGURE) and first.policy and last.policy:
        page = reverse("scoring:policy_diff", args=[tenant.slug, last.policy.pk])
        policy = f"{page}?with={first.policy.pk}"
    if can(viewer, Right.VIEW_QUALITY) and last.model:
        model = reverse("scoring:model", args=[tenant.slug, last.model.pk])
    return Pages(reverse("scoring:indicators", args=[tenant.slug]), policy, model)


def health_split(first: Standing, last: Standing, pages: Pages) -> Split | None:
    """The change of health in points; None where one of the days has no number."""
    old, new = change_queries.health_day(first), change_queries.health_day(last)
    found = changes.health_change(old, new, optional=change_queries.OPTIONAL)
    if found is None:
        return None
    groups = []
    for kind in (VALUES, MISSING, POLICY, OVERRIDE, changes.COMPUTED):
        parts = [part for part in found.parts if part.kind == kind]
        lines = [
            _health_line(part, old.readings.get(part.key), new.readings.get(part.key), first, last, pages)
            for part in parts
        ]
        groups.append(Group(kind, LABELS[kind], _points(found.of(kind)), _sorted(lines)))
    shown = [group for group in groups if group.lines or group.key in (VALUES, MISSING, POLICY, OVERRIDE)]
    return Split(_points(found.before), _points(found.after), shown)


def _points(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


def _sorted(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-abs(line.amount), line.label))


def _health_line(
    part: changes.Part,
    old: Reading | None,
    new: Reading | None,
    first: Standing,
    last: Standing,
    pages: Pages,
) -> Line:
    amount, place = _points(part.amount), PLACES.get(part.kind, "")
    if part.kind == OVERRIDE:
        return Line("A person's own number", amount, was=_override(first), now=_override(last), place=place)
    if part.kind == changes.COMPUTED:
        words = "The same figures are computed another way than on the first day"
        return Line(words, amount, place=place)
    was, now = old or changes.NOTHING, new or changes.NOTHING
    if part.kind == POLICY:
        told = (_weight(was, first), _weight(now, last))
        return Line(label_of(part.key), amount, was=told[0], now=told[1], url=pages.of_policy(part.key))
    told = (_value(part.key, was), _value(part.key, now))
    return _line(part.key, amount, told, (was, now), first, last)


def _override(standing: Standing) -> str:
    found = standing.override
    return f"{found.health.normalize():f} by {found.author_label}" if found else "none"


def _weight(reading: Reading, standing: Standing) -> str:
    return f"weight {Decimal(reading.weight).scaleb(-2).normalize():f} in {standing.snapshot.policy_version}"


def _value(key: str, reading: Reading) -> str:
    if reading.value is not None:
        return value_words(key, reading.value)
    return MISSING_WORDS.get(reading.missing, "no value") if reading.missing else "no value"  # type: ignore[call-overload]


def _line(
    key: str,
    amount: Decimal,
    told: tuple[str, str],
    readings: tuple[Reading, Reading],
    first: Standing,
    last: Standing,
    logit: float | None = None,
) -> Line:
    latest = readings[1].latest or readings[0].latest
    day = date.fromisoformat(latest) if latest else None
    return Line(
        label=label_of(key),
        amount=amount,
        logit=logit,
        was=told[0],
        now=told[1],
        day=day,
        place=place_of(key, day),
        late=_late(key, readings, first, last),
    )


def _late(key: str, readings: tuple[Reading, Reading], first: Standing, last: Standing) -> str:
    """Which source was late on which of the days; empty where none was."""
    source = source_of(key)
    days = [
        f"{each.day:%-d %b %Y}"
        for each, reading in zip((first, last), readings, strict=True)
        if reading.missing == "late" or (source in each.late and reading.missing != "not_tracked")
    ]
    label = SOURCES[source].label if source in SOURCES else ""
    return f"{label}: late on {' and '.join(days)}" if days and label else ""


# --- the chance -----------------------------------------------------------------------------------


def chance_split(first: Standing, last: Standing, account: Account, pages: Pages) -> Split | None:
    """The change of the chance in points of a hundred; None where a day has no stored parts."""
    old, new = (change_queries.chance_day(each, account) for each in (first, last))
    if old is None or new is None:
        return None
    found = changes.chance_change(old, new)
    before, after = (Decimal(f"{100 * day.p:.2f}") for day in (old, new))
    amounts = changes.shared(
        [Fraction(100 * part.points) for part in found.parts], int((after - before) * 100)
    )
    lines: dict[str, list[Line]] = {}
    was, now = change_queries.readings(first.snapshot), change_queries.readings(last.snapshot)
    for part, amount in zip(found.parts, amounts, strict=True):
        both = (was.get(part.name, changes.NOTHING), now.get(part.name, changes.NOTHING))
        told = (_told(part.name, old), _told(part.name, new))
        line = (
            _line(part.name, _points(amount), told, both, first, last, part.logit)
            if part.name
            else _whole(part, _points(amount), (old, new), pages)
        )
        lines.setdefault(part.kind, []).append(line)
    groups = [
        Group(
            kind, LABELS[kind], sum((line.amount for line in lines[kind]), Decimal(0)), _sorted(lines[kind])
        )
        for kind in (VALUES, MISSING, TIME, UNMOVED, MODEL)
        if kind in lines
    ]
    return Split(before, after, groups)


def _whole(
    part: changes.ChancePart, amount: Decimal, days: tuple[changes.ChanceDay, changes.ChanceDay], pages: Pages
) -> Line:
    """A part that is no indicator's: the model's own, the time to the contract's end, what stayed the same."""
    is_model = part.kind == MODEL
    was, now = (day.model for day in days) if is_model else ("", "")
    url = pages.model if is_model else ""
    return Line(LABELS[part.kind], amount, part.logit, was=was, now=now, place=PLACES[part.kind], url=url)


def _told(name: str, day: changes.ChanceDay) -> str:
    if name not in day.values or name == "account.log_arr":
        return ""
    value = day.values[name]
    return "no value" if value is None else value_words(name, value)
