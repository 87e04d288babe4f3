"""The brief of an account: short sections of sentences, each with the records it rests on. Before a renewal it is the
negotiation brief. A source that is late keeps it from being ready."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from accounts import clock
from accounts.models import Account
from config.templatetags.words import money, number_or_dash, pct, points, stored_word
from scoring import goal_values
from scoring.automation import notices
from scoring.catalogue import SOURCES, Missing
from scoring.models import AccountHealth, HealthSnapshot, Override, ScoreRun
from scoring.queries import finished_runs, snapshot_of
from scoring.why import brief_records
from scoring.why.brief_parts import Section, Statement, Subject, day_words
from scoring.why.brief_records import MENTIONED_IN, Found, Record
from scoring.why.brief_trajectory import trajectory
from scoring.why.sources import doubtful_words, flag_words, late_sources, place_of, source_of
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant

RENEWAL_DAYS = 120  # a renewal this near makes it a negotiation brief
THEN_DAYS = 90
NEAR_DAYS = 7
MOST_REASONS = 3


def brief_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Everything of the page: five statements, and one more for an account that was never scored."""
    standing = _standing(tenant, account)
    day: date = getattr(standing, "newest_day", None) or clock.as_of(tenant)
    then = _then(tenant, account, standing.as_of) if standing else None
    goals = goal_values.goals(tenant, account, day=day)
    rows = brief_records.records(tenant, account, day=day)
    about = Subject(tenant, account, day, sees(viewer, Field.ARR))
    renewal = _renewal(standing, rows.get("term", []), day)
    late = _late(tenant, standing) if standing else []
    return {
        "as_of": day,
        "standing": standing,
        "renewal": renewal,
        "is_negotiation": renewal is not None and 0 <= (renewal - day).days <= RENEWAL_DAYS,
        "blocks": _blocks(standing, late),
        "sections": [
            trajectory(about, standing, then),
            _associated(about, standing),
            _unmet(about, goals),
            _value(about, goals, standing.currency if standing else ""),
            _escalations(about, rows.get("ticket", [])),
            _sponsors(about, rows),
            _competitors(about, rows.get("mention", [])),
            _terms(about, rows.get("term", [])),
            _prices(about, rows),
            _unused(about, brief_records.unused(tenant, viewer, account, day=day)),
        ],
    }


def _standing(tenant: Tenant, account: Account) -> AccountHealth | None:
    sources = ScoreRun.objects.for_tenant(tenant).filter(pk=OuterRef("run_id")).values("summary__sources")[:1]
    newest = notices.told_with(tenant, finished_runs(tenant)).order_by("-as_of", "-pk")
    override = Override.objects.for_tenant(tenant).filter(account=OuterRef("account_id"), ended_at=None)
    told = override.values(found=JSONObject(author="author_label", band="band", reason="reason"))
    rows = AccountHealth.objects.for_tenant(tenant).filter(account=account)
    return rows.annotate(
        overridden=Subquery(told[:1]),
        run_sources=Subquery(sources),
        newest_day=Subquery(newest.values("as_of")[:1]),
        run_held=Subquery(newest.values("summary__held")[:1]),
        shifted=Subquery(newest.values("shifted")[:1]),
    ).first()


def _late(tenant: Tenant, standing: AccountHealth) -> list[str]:
    """The late sources of those that this account has; a statement where any is late."""
    late = late_sources({"sources": standing.run_sources or {}})  # type: ignore[attr-defined]
    snapshot = snapshot_of(tenant, standing) if late else None
    kept = snapshot.breakdown.everything() if snapshot and snapshot.breakdown else []
    never_sent = {source_of(each["key"]) for each in kept if each.get("missing") == Missing.NOT_TRACKED}
    return sorted(late - never_sent)


def _then(tenant: Tenant, account: Account, now: date) -> HealthSnapshot | None:
    """The snapshot 90 days before, or up to a week earlier."""
    last = now - timedelta(days=THEN_DAYS)
    rows = HealthSnapshot.objects.filter(
        tenant=tenant, account_id=account.pk, as_of__gt=last - timedelta(days=NEAR_DAYS), as_of__lte=last,
        run__is_unchanged=False,
    ).exclude(run__fingerprint="")  # fmt: skip
    return rows.defer(*HealthSnapshot.BREAKDOWN).order_by("-as_of", "-run_id").first()


def _renewal(standing: AccountHealth | None, terms: list[Found], day: date) -> date | None:
    if standing is not None and standing.renewal_date is not None:
        return standing.renewal_date
    ahead = [date.fromisoformat(term.data["renewal"]) for term in terms]
    return min((each for each in ahead if each >= day), default=None)


def _blocks(standing: AccountHealth | None, late: list[str]) -> list[str]:
    """Why the brief is not ready, a sentence each; empty: it is."""
    if standing is None:
        return ["The account was not scored yet, so its trajectory is not known."]
    found = [
        f"{SOURCES[key].label if key in SOURCES else key} is late: what came since is not in this brief."
        for key in late
    ]
    wrong = notices.doubtful_of(standing.run_held, standing.shifted)  # type: ignore[attr-defined]
    found += [f"{doubtful_words(key, kind)}." for key, kind in wrong.items()]
    named = {f"source_late:{key}" for key in late} | {f"source_{kind}:{key}" for key, kind in wrong.items()}
    return found + flag_words(flag for flag in standing.chance_flags if flag not in named)


# --- sections -------------------------------------------------------------------------------------


def _associated(about: Subject, now: AccountHealth | None) -> Section:
    section = Section(
        "associated", "Associated with it", "Nothing sets the account apart from the usual one."
    )
    if now is None:
        return section
    for each in [each for each in now.chance_reasons if each["part"] > 0][:MOST_REASONS]:
        text = f"{each['text']}: {points(each['points'], 1)} points of the chance."
        section.statements.append(_reason(about, each, text))
    if section.statements:
        return section
    for each in now.reasons[:MOST_REASONS]:
        section.statements.append(
            _reason(about, each, f"{each['text']}: {points(-each['points_lost'], 1)} points of health.")
        )
    return section


def _reason(about: Subject, found: dict[str, Any], text: str) -> Statement:
    day = date.fromisoformat(found["day"]) if found.get("day") else None
    label = f"newest evidence {day_words(day)}" if day else "its figures"
    return Statement(text, [Record(label, about.page + (place_of(found["key"], day) or "#panel-health"))])


def _unmet(about: Subject, goals: list[goal_values.Goal]) -> Section:
    section = Section("goals", "Goals not met yet", "No goal is open.")
    for goal in [each for each in goals if each.achieved_at is None]:
        due = f", due {day_words(goal.due_at.date())}" if goal.due_at else ""
        is_late = goal.due_at is not None and goal.due_at.date() < about.day
        way = (
            f", {number_or_dash(goal.percent)}% of the way" if goal.percent is not None else ", not measured"
        )
        text = f"{goal.name}{due}{' and past it' if is_late else ''}{way}."
        section.statements.append(Statement(text, [_goals(about, "objective")]))
    return section


def _goals(about: Subject, label: str) -> Record:
    return Record(label, f"{about.page}?panels=all#panel-value")


def _value(about: Subject, goals: list[goal_values.Goal], currency: str) -> Section:
    worth = goal_values.worth(goals)
    section = Section(
        "value",
        "Value realised",
        f"No objective with an expected value was reached or fell due in {worth.span}.",
    )
    if worth.percent is None:
        return section
    counted = (
        f"{worth.objectives} objective{'' if worth.objectives == 1 else 's'} reached or due in {worth.span}"
    )
    sums = (
        f": {money(worth.realised, currency)} of {money(worth.expected, currency)}" if about.sees_arr else ""
    )
    text = f"{number_or_dash(worth.percent)}% of the expected value was realised, of {counted}{sums}."
    section.statements.append(Statement(text, [_goals(about, "objectives")]))
    return section


def _escalations(about: Subject, tickets: list[Found]) -> Section:
    section = Section("escalations", "Open escalations", "No escalation is open.")
    for each in tickets:
        about_it = f": {each.data['subject']}" if each.data["subject"] else ""
        priority = f" ({stored_word(each.data['priority']).lower()})" if each.data["priority"] else ""
        text = f"Ticket {each.external_id}{priority} is escalated since {_iso(each.data['since'])}{about_it}."
        section.statements.append(Statement(text, about.cite(each)))
    return section


def _sponsors(about: Subject, rows: dict[str, list[Found]]) -> Section:
    section = Section(
        "sponsors",
        "Changes of sponsors",
        "No champion, sponsor or buyer came, left, got another role or title or had their role corrected in a year.",
    )
    found = [each for kind in ("departed", "joined", "changed", "role") for each in rows.get(kind, [])]
    for each in sorted(found, key=lambda found: found.at, reverse=True):
        name = each.data["name"] or each.external_id
        if each.kind in ("role", "changed"):
            words = _role_words(each, name) if each.kind == "role" else _change_words(each, name)
            section.statements.append(Statement(words, about.cite(each)))
            continue
        role = stored_word(each.data["role"]).lower()
        verb = "left" if each.kind == "departed" else "joined"
        text = f"{name}, {role}, {verb} on {day_words(each.at.date())}."
        section.statements.append(Statement(text, about.cite(each)))
    return section


def _role_words(found: Found, name: str) -> str:
    """A role that somebody put right, with how they know."""
    was, now = (stored_word(found.data[key]).lower() or "none" for key in ("role", "now"))
    when, why = day_words(found.at.date()), found.data["why"].rstrip(".")
    return f"{name}: role corrected from {was} to {now} on {when} ({why})."


def _change_words(found: Found, name: str) -> str:
    """Another role or title, dated by the import that brought it."""
    told, since = found.data, f"known since {day_words(found.at.date())}"
    if told["field"] == "role":
        was, now = (stored_word(told[key]).lower() for key in ("old", "new"))
        return f"{name}: role changed from {was} to {now}, {since}."
    role = stored_word(told["role"]).lower()
    return f"{name}, {role}: title changed from {told['old']} to {told['new']}, {since}."


def _competitors(about: Subject, mentions: list[Found]) -> Section:
    section = Section("competitors", "Competitors named", "No known competitor was named in a year.")
    for each in mentions:
        kind = {"ticket": "a ticket", "activity": "a mail, call or meeting", "survey": "a survey answer"}
        where = (
            "the resolution of a ticket"
            if each.data["in"] == "resolution"
            else kind[MENTIONED_IN[each.data["in"]][0]]
        )
        text = f"{each.data['name']} was named in {where} on {_iso(each.data['day'])}."
        section.statements.append(Statement(text, about.cite(each)))
    return section


def _terms(about: Subject, terms: list[Found]) -> Section:
    section = Section("terms", "Terms that run", "No term runs.")
    for term in terms:
        told = term.data
        if date.fromisoformat(told["renewal"]) < about.day:
            continue
        text = f"{_named(term)} until {_iso(told['renewal'])}{_conditions(told)}."
        section.statements.append(Statement(text, about.cite(term)))
    return section


def _named(term: Found) -> str:
    told = term.data
    seats = f", {told['seats']:,} seats" if told["seats"] else ""
    return f"{told['product'] or told['plan'] or 'Term ' + term.external_id}{seats}"


def _conditions(told: dict[str, Any]) -> str:
    found = ""
    if told["auto"] is not None:
        found += ", renews by itself" if told["auto"] else ", does not renew by itself"
    if told["notice"] is not None:
        last = date.fromisoformat(told["renewal"]) - timedelta(days=told["notice"])
        found += f", notice by {day_words(last)}"
    if told["cap"] is not None:
        found += f", uplift capped at {told['cap']:g}%"
    if told["cancelled"]:
        found += f", notice was given on {_iso(told['cancelled'])}"
    return found


def _prices(about: Subject, rows: dict[str, list[Found]]) -> Section:
    section = Section("prices", "Price history", "No term is known.")
    terms = rows.get("term", [])
    for at, term in enumerate(terms):
        told = term.data
        earlier = next((each for each in terms[at + 1 :] if _same_product(each.data, told)), None)
        text = (
            f"From {_iso(told['start'])}: {_named(term)}, {about.money(told['arr'], told['currency'])} a year"
        )
        text += f"{_against_list(told)}{_against(earlier, told)}."
        section.statements.append(
            Statement(text, about.cite(term) + (about.cite(earlier) if earlier else []))
        )
    for each in rows.get("outcome", []):
        section.statements.append(_outcome(about, each))
    return section


def _same_product(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["product"] == other["product"] and one["currency"] == other["currency"])


def _against_list(told: dict[str, Any]) -> str:
    if not told["list_arr"] or Decimal(told["list_arr"]) <= 0:
        return ""
    off = 1 - Decimal(told["arr"]) / Decimal(told["list_arr"])
    return f", {pct(off)} below list" if off > 0 else ", at list" if off == 0 else f", {pct(-off)} above list"


def _against(earlier: Found | None, told: dict[str, Any]) -> str:
    if earlier is None or Decimal(earlier.data["arr"]) <= 0:
        return ""
    moved = 100 * (Decimal(told["arr"]) / Decimal(earlier.data["arr"]) - 1)
    return f", {points(round(moved, 1))}% against the term before"


def _outcome(about: Subject, found: Found) -> Statement:
    told = found.data
    amounts = (
        f", {about.money(told['before'], told['currency'])} to {about.money(told['after'], told['currency'])} a year"
        if told["before"] and told["after"]
        else ""
    )
    why = f", reason given: {told['reason']}" if told["reason"] else ""
    return Statement(
        f"{stored_word(told['kind'])} on {day_words(found.at.date())}{amounts}{why}.", about.cite(found)
    )


def _unused(about: Subject, found: list[brief_records.Unused]) -> Section:
    least = brief_records.LEAST_PEERS
    nothing = (
        "No licensed feature that others use is unused, or use by feature is not tracked, or fewer than "
        f"{least} others with the product are known."
    )
    section = Section("unused", "Licensed and not used", nothing)
    for each in found:
        text = (
            f"{each.feature} ({each.product}): not used in {brief_records.FEATURES_BACK_DAYS} days; "
            f"{each.customers} of {each.of} other customers with the product that you may see used it."
        )
        record = Record(f"term {each.term}", f"{about.page}?panels=all#panel-contract")
        use = Record("use by feature", f"{about.page}?metric=features_used#panel-usage")
        section.statements.append(Statement(text, [record, use]))
    return section


def _iso(text: str) -> str:
    return day_words(date.fromisoformat(text))
