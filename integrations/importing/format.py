"""The import format as data: files, columns, types, keys and order of times. docs/import.md tells the same in words.

Everything else in this package reads from here, so a new column is one line.
"""

from integrations.importing.columns import (
    LARGEST_INT4,
    LARGEST_INT8,
    LARGEST_MONEY,
    LARGEST_USAGE,
    LARGEST_VALUE,
    LONGEST_ACCOUNT_NAME,
    LONGEST_ID,
    LONGEST_SHORT,
    LONGEST_TEXT,
    Column,
    File,
)


def _id(name: str = "external_id") -> Column:
    return Column(name, "id", required=True, longest=LONGEST_ID)


def _ref(name: str, file: str, *, required: bool = False) -> Column:
    return Column(name, "id", required=required, longest=LONGEST_ID, names=file)


def _text(name: str, longest: int = LONGEST_SHORT, *, required: bool = False) -> Column:
    return Column(name, "text", required=required, longest=longest)


def _email(name: str) -> Column:
    return Column(name, "email", longest=320)


def _time(name: str, *, required: bool = False) -> Column:
    return Column(name, "time", required=required)


def _date(name: str, *, required: bool = False) -> Column:
    return Column(name, "date", required=required)


def _word(name: str, words: str, *, required: bool = False) -> Column:
    return Column(name, "word", required=required, words=tuple(words.split()))


def _int(name: str, low: int = -LARGEST_INT4, high: int = LARGEST_INT4, *, required: bool = False) -> Column:
    return Column(name, "int", required=required, low=low, high=high)


def _money(name: str, *, required: bool = False) -> Column:
    """Negative money is never right; the amounts that must be there are those of one contract, invoice or deal."""
    return Column(name, "money", required=required, low=0, high=LARGEST_MONEY if required else LARGEST_VALUE)


def _currency(*, required: bool = False) -> Column:
    return Column("currency", "currency", required=required)


_ACCOUNT = _ref("account_external_id", "accounts", required=True)

ACCOUNTS = File(
    "accounts",
    (
        _id(),
        _text("name", LONGEST_ACCOUNT_NAME, required=True),
        _text("domain"),
        _text("industry"),
        _int("employees", -LARGEST_INT8, LARGEST_INT8),
        _text("country"),
        _text("region"),
        _text("plan"),
        _word("segment", "enterprise mid_market smb"),
        _email("owner_email"),
        _email("ae_email"),
        _date("customer_since"),
        _ref("parent_external_id", "accounts"),
        Column("strategic", "bool"),
        _time("trial_started_at"),
        _time("converted_at"),
    ),
    unknown="attributes",
)
CONTACTS = File(
    "contacts",
    (
        _id(),
        _ACCOUNT,
        _text("name"),
        _email("email"),
        _text("title"),
        _word("role", "champion economic_buyer executive_sponsor admin user detractor"),
        _word("seniority", "c_level vp director manager individual"),
        _text("department"),
        _time("joined_at"),
        _time("departed_at"),
        Column("time_zone", "zone"),
        Column("language", "language", longest=40),
        Column("do_not_contact", "bool"),
    ),
    in_order=(("joined_at", "departed_at"),),
    unknown="attributes",
)
SUBSCRIPTIONS = File(
    "subscriptions",
    (
        _id(),
        _ACCOUNT,
        _text("product"),
        _text("plan"),
        _int("seats", 0, 10**7),
        _money("arr", required=True),
        _currency(required=True),
        _time("started_at", required=True),
        _date("renewal_date", required=True),
        _int("term_months", 1, 120),
        Column("auto_renew", "bool"),
        _int("notice_days"),
        _money("list_arr"),
        Column("uplift_cap_pct", "num"),
        _time("cancelled_at"),
        _text("cancel_reason"),
    ),
    in_order=(("started_at", "renewal_date"), ("started_at", "cancelled_at")),
)
USAGE_DAILY = File(
    "usage_daily",
    (
        _ACCOUNT,
        Column("date", "day", required=True),
        *(
            Column(metric, "num", low=0, high=LARGEST_USAGE)
            for metric in "active_users logins sessions core_events features_used api_calls errors data_gb".split()
        ),
    ),
    key=("account_external_id", "date"),
    unknown="metrics",
)
USAGE_DETAIL = File(
    "usage_detail",
    (
        _ACCOUNT,
        Column("date", "day", required=True),
        _ref("contact_external_id", "contacts"),
        _text("product"),
        _text("feature"),
        Column("count", "num", required=True, low=0, high=LARGEST_USAGE),
    ),
    key=("account_external_id", "date", "contact_external_id", "product", "feature"),
)
PRODUCTS = File("products", (_id(), _text("name", required=True), _text("category"), _text("family")))
TICKETS = File(
    "tickets",
    (
        _id(),
        _ACCOUNT,
        _time("opened_at", required=True),
        _time("first_response_at"),
        _time("closed_at"),
        _word("priority", "low normal high urgent"),
        _text("category"),
        _text("product"),
        _time("escalated_at"),
        _int("csat", 1, 5),
        _text("subject"),
        _text("body", LONGEST_TEXT),
        _text("resolution", LONGEST_TEXT),
    ),
    in_order=(("opened_at", "first_response_at"), ("opened_at", "closed_at"), ("opened_at", "escalated_at")),
)
INVOICES = File(
    "invoices",
    (
        _id(),
        _ACCOUNT,
        _time("issued_at", required=True),
        _time("due_at", required=True),
        _time("paid_at"),
        _money("amount", required=True),
        _currency(required=True),
        _time("voided_at"),
    ),
    in_order=(("issued_at", "due_at"), ("issued_at", "paid_at"), ("issued_at", "voided_at")),
)
SCALES: dict[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "review": (1, 5)}
SURVEYS = File(
    "surveys",
    (
        _id(),
        _ACCOUNT,
        _ref("contact_external_id", "contacts"),
        _word("kind", " ".join(SCALES), required=True),
        _int("score", required=True),
        _time("sent_at"),
        _time("responded_at", required=True),
        _text("comment", LONGEST_TEXT),
    ),
)
ACTIVITIES = File(
    "activities",
    (
        _id(),
        _ACCOUNT,
        Column("contact_external_ids", "ids", names="contacts"),
        _word(
            "kind",
            "email call meeting qbr training advisory_council planning_session community_post docs_contribution "
            "conference_talk beta_program note",
            required=True,
        ),
        _word("direction", "inbound outbound"),
        _time("occurred_at", required=True),
        _text("subject"),
        _text("body", LONGEST_TEXT),
    ),
)
OBJECTIVES = File(
    "objectives",
    (
        _id(),
        _ACCOUNT,
        _text("name", required=True),
        _text("metric"),
        _text("usage_metric", 200),
        Column("baseline", "num"),
        Column("target", "num"),
        _money("expected_value"),
        _time("declared_at", required=True),
        _time("due_at"),
        _time("achieved_at"),
        Column("value_realized", "num"),
    ),
    in_order=(("declared_at", "due_at"), ("declared_at", "achieved_at")),
)
MILESTONES = File(
    "milestones",
    (
        _id(),
        _ACCOUNT,
        _word("stage", "onboarding adoption expansion renewal advocacy"),
        _text("name", required=True),
        _time("due_at"),
        _time("completed_at"),
    ),
)
COMPANY_EVENTS = File(
    "company_events",
    (
        _id(),
        _ACCOUNT,
        _word(
            "kind",
            "layoffs funding acquisition leadership_change restructuring expansion competitor_mention",
            required=True,
        ),
        _time("published_at", required=True),
        _text("headline"),
        _text("url"),
    ),
)
_FORECAST = "commit best_case pipeline omitted closed"
OPPORTUNITIES = File(
    "opportunities",
    (
        _id(),
        _ACCOUNT,
        _text("name", required=True),
        _word("type", "renewal expansion new_business", required=True),
        _email("owner_email"),
        _money("amount", required=True),
        _currency(required=True),
        _text("stage", required=True),
        _word("forecast_category", _FORECAST),
        _time("created_at", required=True),
        _date("close_date", required=True),
        _time("closed_at"),
        Column("won", "bool"),
        _text("next_step"),
        _date("next_step_due"),
    ),
    in_order=(("created_at", "closed_at"),),
)
OPPORTUNITY_CHANGES = File(
    "opportunity_changes",
    (
        _ref("opportunity_external_id", "opportunities", required=True),
        _time("changed_at", required=True),
        _word("field", "amount close_date stage forecast_category owner_email next_step", required=True),
        _text("old_value", LONGEST_TEXT),
        _text("new_value", LONGEST_TEXT),
        _text("changed_by", 320),
    ),
    key=("opportunity_external_id", "changed_at", "field"),
)
ARTICLES = File(
    "articles",
    (
        _id(),
        _text("title", required=True),
        _text("body", LONGEST_TEXT, required=True),
        _text("product"),
        _time("updated_at"),
    ),
)
OUTCOMES = File(
    "outcomes",
    (
        _id(),
        _ACCOUNT,
        _ref("subscription_external_id", "subscriptions"),
        _word("kind", "churned renewed downgraded expanded", required=True),
        _time("effective_at", required=True),
        _money("arr_before"),
        _money("arr_after"),
        _currency(),
        _text("reason"),
    ),
)

# In the order in which they land: a file comes after those that it names.
FILES: dict[str, File] = {
    file.name: file
    for file in (
        ACCOUNTS, PRODUCTS, CONTACTS, SUBSCRIPTIONS, OPPORTUNITIES, OPPORTUNITY_CHANGES, OUTCOMES, INVOICES, TICKETS,
        SURVEYS, ACTIVITIES, OBJECTIVES, MILESTONES, COMPANY_EVENTS, ARTICLES, USAGE_DAILY, USAGE_DETAIL,
    )
}  # fmt: skip
