"""One statement an evidence table. Each gives one row an account with figures known before %(start)s (day 00:00 UTC).

A row counts from its own event time, a later fact in it from that fact's time (docs/import.md, "Time travel").
Every figure is a count, a number of days, or a sum over integers or numeric, so the physical order of rows cannot
show in the last digit. `x_ago` is whole days before the day: 1 is the day before.
"""

from scoring.features.statements.activities import ACTIVITIES, PEOPLE
from scoring.features.statements.company import COMPANY_EVENTS
from scoring.features.statements.contacts import CONTACTS
from scoring.features.statements.contract import ARR, INVOICES, RATES, SUBSCRIPTIONS
from scoring.features.statements.customers import CUSTOMERS
from scoring.features.statements.mails import MAILS
from scoring.features.statements.outcomes import MILESTONES, OBJECTIVES
from scoring.features.statements.progress import PROGRESS
from scoring.features.statements.surveys import SURVEYS
from scoring.features.statements.term import TERM
from scoring.features.statements.terms import ARREARS, OUTCOMES, TERMS
from scoring.features.statements.texts import COMPETITORS, TEXTS
from scoring.features.statements.tickets import TICKETS
from scoring.features.statements.usage import USAGE, USAGE_DETAIL, USAGE_WEEKS

__all__ = ["ARR", "CUSTOMERS", "EVIDENCE", "RATES"]

# the figures of a statement are known as <key here>.<column>
EVIDENCE = {
    "usage": USAGE,
    "usage_weeks": USAGE_WEEKS,
    "usage_detail": USAGE_DETAIL,
    "tickets": TICKETS,
    "surveys": SURVEYS,
    "activities": ACTIVITIES,
    "mails": MAILS,
    "texts": TEXTS,
    "competitors": COMPETITORS,
    "people": PEOPLE,
    "contacts": CONTACTS,
    "invoices": INVOICES,
    "subscriptions": SUBSCRIPTIONS,
    "term": TERM,
    "objectives": OBJECTIVES,
    "milestones": MILESTONES,
    "company_events": COMPANY_EVENTS,
    "terms": TERMS,
    "arrears": ARREARS,
    "outcomes": OUTCOMES,
    "progress": PROGRESS,
}
