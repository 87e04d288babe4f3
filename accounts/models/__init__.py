"""Accounts, the people at them, and every kind of evidence. Field words are those of docs/import.md.

Evidence rows carry where they came from (source, external_id), when it happened (their own event time) and when
Holdfast learnt of it (recorded_at). A row's later facts count from their own times (docs/import.md, "Time travel").
"""

from accounts.models.account import (
    Account,
    AccountGroupPerm,
    AccountShare,
    AccountUserPerm,
    CurrentTenant,
    Note,
)
from accounts.models.catalogue import Article, Product
from accounts.models.contact import Activity, Survey, Ticket
from accounts.models.contracts import FxRate, Invoice, Opportunity, OpportunityChange, Subscription
from accounts.models.evidence import Evidence, evidence_constraints, timeline
from accounts.models.fields import LONGEST, empty_text, money
from accounts.models.goals import CompanyEvent, Milestone, Objective, Outcome
from accounts.models.people import Contact, ContactChange, ErasedMark
from accounts.models.usage import UsageDay, UsageDetail

__all__ = [
    "LONGEST",
    "Account",
    "AccountGroupPerm",
    "AccountShare",
    "AccountUserPerm",
    "Activity",
    "Article",
    "CompanyEvent",
    "Contact",
    "ContactChange",
    "CurrentTenant",
    "ErasedMark",
    "Evidence",
    "FxRate",
    "Invoice",
    "Milestone",
    "Note",
    "Objective",
    "Opportunity",
    "OpportunityChange",
    "Outcome",
    "Product",
    "Subscription",
    "Survey",
    "Ticket",
    "UsageDay",
    "UsageDetail",
    "empty_text",
    "evidence_constraints",
    "money",
    "timeline",
]
