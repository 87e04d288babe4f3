"""The panels that accounts itself puts on the account page."""

from dataclasses import replace
from typing import Any

from accounts import clock, facts, timeline
from accounts.forms import NoteForm, ShareForm
from accounts.models import Account
from accounts.panels import Panel, register
from accounts.queries import sees_by_share_alone
from tenants import fields, queries
from tenants.models import Membership, Tenant
from tenants.roles import Right


def evidence_context(
    tenant: Tenant, viewer: Membership, account: Account, group: str = "", before: str = ""
) -> dict[str, Any]:
    """The timeline; of one kind alone, and from one row on, where the address asks for it, as links from reasons do."""
    group = group if group in timeline.GROUPS else ""
    try:
        lines, older = timeline.entries(tenant, account, group=group, before=before)
    except timeline.BadCursor:  # an address that somebody cut: the newest rows are better than an error
        lines, older = timeline.entries(tenant, account, group=group)
    return {"lines": lines, "older": older, "groups": timeline.GROUPS, "group": group}


def people_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    day = clock.as_of(tenant)
    found = facts.people(tenant, account, day=day)
    if not fields.sees(viewer, fields.Field.CONTACT_EMAIL):
        found = [replace(person, email="") for person in found]
    people = [(person, person.state(day)) for person in found]
    has_champion = any(person.role == "champion" and state != "left" for person, state in people)
    return {"people": people, "has_champion": has_champion, "as_of": day}


def contract_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    day = clock.as_of(tenant)
    return {"contract": facts.contract(tenant, account, day=day), "as_of": day}


def goals_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    objectives, milestones = facts.goals(tenant, account)
    return {
        "objectives": objectives[: facts.GOALS],
        "milestones": milestones[: facts.GOALS],
        "has_more_objectives": len(objectives) > facts.GOALS,
        "has_more_milestones": len(milestones) > facts.GOALS,
        "as_of": clock.as_of(tenant),
    }


def notes_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    return {"notes": list(facts.notes(tenant, account)[:20]), "note_form": NoteForm()}


def share_context(tenant: Tenant, viewer: Membership, account: Account, data: Any = None) -> dict[str, Any]:
    """Who the account is shared with, and the form; only active members who do not own it can be chosen.

    A stand-in is no member yet: whoever gets its place later was not meant.
    """
    members = queries.people(tenant).filter(is_active=True, awaits="")
    people = [each for each in members if each.user_id != account.owner_id]
    return {
        "shares": list(facts.shares(tenant, account)),
        "share_form": ShareForm(people, data),
        "may_share": not sees_by_share_alone(tenant, viewer, account),
    }


def sources_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    return {"sources": facts.sources(tenant, account), "as_of": clock.as_of(tenant)}


def register_panels() -> None:
    """Called once at start-up."""
    here = "accounts/panels/"
    register(
        Panel(
            "evidence",
            "Timeline of evidence",
            40,
            f"{here}evidence.html",
            evidence_context,
            lazy=True,
            narrows=("kind", "before"),
        )
    )
    register(Panel("goals", "Goals", 50, f"{here}goals.html", goals_context, lazy=True))
    register(Panel("notes", "Notes", 60, f"{here}notes.html", notes_context, lazy=True))
    register(Panel("people", "People", 30, f"{here}people.html", people_context, column="rail", lazy=True))
    register(
        Panel("contract", "Contract", 35, f"{here}contract.html", contract_context, column="rail", lazy=True)
    )
    register(
        Panel(
            "sources", "Data behind this page", 80, f"{here}sources.html", sources_context, "rail", lazy=True
        )
    )
    register(
        Panel(
            "sharing",
            "Shared with",
            90,
            f"{here}sharing.html",
            share_context,
            column="rail",
            right=Right.SHARE_ACCOUNTS,
            lazy=True,
        )
    )
