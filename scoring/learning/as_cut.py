"""A past day read a second time with everything hidden that was not known then: whose figures change knew the future.

Within one transaction that is always rolled back, temporary views stand before the evidence tables, so that the one
code path of scoring reads them without knowing. A row that came later is not there, a later fact in a row is empty
(docs/import.md, "Time travel"), and a field without a time of its own is empty unless the contract takes it as it
stands (segment, employees). A contact's role is the one of then, as far as imports kept it. Source: learn-predict
separation by time (Kaufman et al. 2012, 4).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from scoring.engine.churn.data import Stack
from scoring.learning import labels, landmarks
from tenants.models import Tenant


@dataclass(frozen=True)
class Cut:
    """Which rows of a table were known, and which cells of them.

    `rows` is SQL with {day} and {start}; `later` names a fact's column and the cells that count from it on; with `kept`
    no other column is shown; `then` gives what a column said then, as SQL with {start} over the table's own row.
    """

    rows: str
    later: dict[str, tuple[str, ...]] | None = None
    kept: tuple[str, ...] | None = None
    then: dict[str, str] | None = None


_KEY = ("id", "tenant_id", "account_id", "external_id")
NEVER = "false"
# what the first change from then on replaced
_ROLE_THEN = """coalesce((SELECT k.old FROM public.accounts_contactchange k
    WHERE k.tenant_id = accounts_contact.tenant_id AND k.contact_id = accounts_contact.id AND k.field = 'role'
      AND k.changed_at >= {start} ORDER BY k.changed_at, k.id LIMIT 1), role)"""
TABLES = {
    "accounts_account": Cut(
        "customer_since < {day}",
        {"trial_started_at": (), "converted_at": ()},
        # segment and size have no history and are taken as they stand; owner, plan and attributes speak of today
        ("id", "tenant_id", "external_id", "segment", "employees", "customer_since", "parent_external_id"),
    ),
    "accounts_contact": Cut(
        "(joined_at IS NULL OR joined_at < {start})", {"departed_at": ()}, then={"role": _ROLE_THEN}
    ),
    "accounts_contactchange": Cut("changed_at < {start}"),
    "accounts_subscription": Cut("started_at < {start}", {"cancelled_at": ("cancel_reason",)}),
    "accounts_usage_day": Cut("day < {day}"),
    "accounts_usage_detail": Cut("day < {day}"),
    "accounts_ticket": Cut(
        "opened_at < {start}",
        {"first_response_at": (), "closed_at": ("csat", "resolution"), "escalated_at": ()},
    ),
    "accounts_invoice": Cut("issued_at < {start}", {"paid_at": (), "voided_at": ()}),
    "accounts_survey": Cut("responded_at < {start}"),
    "accounts_activity": Cut("occurred_at < {start}"),
    "accounts_objective": Cut("declared_at < {start}", {"achieved_at": ("value_realized",)}),
    "accounts_milestone": Cut("true", {"completed_at": ()}),
    "accounts_companyevent": Cut("published_at < {start}"),
    # rewound by nobody here: what a deal says today is hidden
    "accounts_opportunity": Cut(
        "created_at < {start}", {"closed_at": ("won",)}, (*_KEY, "type", "created_at", "closed_at", "won")
    ),
    "accounts_opportunitychange": Cut("changed_at < {start}"),
    "accounts_outcome": Cut("effective_at < {start}"),
    "accounts_note": Cut("created_at < {start}"),
    "accounts_article": Cut("(updated_at IS NULL OR updated_at < {start})"),
    "accounts_fxrate": Cut("day <= {day}"),
    "scoring_sourcecorrection": Cut("created_at < {start}", {"superseded_at": ("superseded_by",)}),
    "scoring_personobservation": Cut("observed_on < {day}", {"withdrawn_at": ()}),
    "scoring_competitormention": Cut("at < {start}"),
    # what the product itself says of an account: its state of today, and people's overrides
    "scoring_accounthealth": Cut(NEVER),
    "scoring_override": Cut("created_at < {start}", {"ended_at": ()}),
    "scoring_csmsentiment": Cut("created_at < {start}", {"withdrawn_at": ()}),
    "scoring_health_snapshot": Cut("as_of < {day}"),
}

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s)
ORDER BY c.relname, a.attnum
"""


def read(tenant: Tenant, *, day: date, windows: dict[str, int] | None = None) -> Stack | None:
    """One landmark as `landmarks.read` gives it, from what was known before that day; None where nobody was there."""
    with known_before(day):
        return landmarks.read(tenant, day=day, windows=windows)


@contextmanager
def known_before(day: date) -> Iterator[None]:
    """Inside, evidence tables show what was known before the day. Nothing that is written inside stays."""
    with transaction.atomic():
        for statement in _statements(day):
            with connection.cursor() as cursor:
                cursor.execute(statement)
        yield
        transaction.set_rollback(True)  # the views must not outlive the reading, whatever comes of it


def _statements(day: date) -> list[str]:
    """CREATE TEMP VIEW of every table. Names and types come from the catalogue and from here, the day from a date."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [list(TABLES)])
        rows = cursor.fetchall()
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in rows:
        columns.setdefault(table, []).append((name, kind))
    times = {"day": f"'{day}'::date", "start": f"'{labels.start_of(day).isoformat()}'::timestamptz"}
    return [_view(table, columns[table], cut, times) for table, cut in TABLES.items()]


def _view(table: str, columns: list[tuple[str, str]], cut: Cut, times: dict[str, str]) -> str:
    start = times["start"]
    later = cut.later or {}
    then = {name: told.format(**times) for name, told in (cut.then or {}).items()}
    hangs_on = {cell: fact for fact, cells in later.items() for cell in (fact, *cells)}
    shown = []
    for name, kind in columns:
        if cut.kept is not None and name not in cut.kept and name not in later:
            shown.append(f'NULL::{kind} AS "{name}"')
        elif name in then:
            shown.append(f'({then[name]})::{kind} AS "{name}"')
        elif name in hangs_on:
            fact = hangs_on[name]
            shown.append(f'CASE WHEN "{fact}" < {start} THEN "{name}" END AS "{name}"')
        else:
            shown.append(f'"{name}"')
    return (
        f'CREATE TEMP VIEW "{table}" WITH (security_invoker = true) AS '  # noqa: S608  see the docstring above
        f'SELECT {", ".join(shown)} FROM public."{table}" WHERE {cut.rows.format(**times)}'
    )
