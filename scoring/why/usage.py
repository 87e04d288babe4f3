"""The rows behind what is said of usage: a metric by day beside the account's own past, and who used which feature.

Days run to the day before the scored one, as for the indicators (docs/import.md, "Time travel"); means and what counts
as given up are theirs, too (scoring.features.statements.usage). Three statements, one for the scored day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from accounts import clock
from accounts.models import Account
from accounts.models.usage import UsageDay
from scoring.charts import Figure
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant

SHOWN_DAYS, PAST_DAYS = 90, 180
MONTH, BEFORE = 30, 60  # days of the indicators' means
LEAST_MONTH, LEAST_BEFORE = 10, 20  # days that those need
LEAST_PAST = 20  # days with the metric, before there is a usual range
REGULAR, PACE = (
    8,
    8,
)  # given up: used on so many of the 60 days before; 8 times the days of the last 30 are fewer
MOST = 12  # features, and people
LABELS = {
    "active_users": "Active users", "logins": "Logins", "sessions": "Sessions", "core_events": "Core events",
    "features_used": "Features used", "api_calls": "API calls", "errors": "Errors", "data_gb": "Data (GB)",
}  # fmt: skip
IN_USE = ("active_users", "core_events", "sessions", "logins")  # any of them above zero is a day of use
# the metric that each indicator reads; of usage by feature the panel has tables of its own
METRIC_OF = {
    "usage.active_users_per_seat": "active_users",
    "usage.trend_30d": "core_events",
    "usage.days_since_last": "active_users",
    "usage.breadth": "features_used",
    "usage.level_of_best": "core_events",
    "usage.volatility": "core_events",
    "usage.error_rate": "errors",
    "usage.features_abandoned": "features_used",
    "usage.login_frequency": "logins",
    "usage.api_trend": "api_calls",
    "usage.data_trend": "data_gb",
}
DEFAULT, ELSE = (
    "core_events",
    "active_users",
)  # the second where the first has too few days, as in the indicators

_OWN = "tenant_id = %(tenant)s AND account_id = %(account)s AND day < %(day)s"
_DAYS = f"""
SELECT day, {", ".join(UsageDay.METRICS)} FROM accounts_usage_day
 WHERE {_OWN} AND day >= %(day)s::date - {PAST_DAYS} ORDER BY day
"""  # noqa: S608  (constants of this module; values are parameters)
_COUNTS = (
    f"count(DISTINCT day) FILTER (WHERE day >= %(day)s::date - {MONTH}) AS now, "
    f"count(DISTINCT day) FILTER (WHERE day < %(day)s::date - {MONTH}) AS before, max(day) AS last"
)
# features first, those given up on top; then people, the last to use it first
_DETAIL = f"""
WITH used AS (
    SELECT day, contact_external_id AS person, product, feature FROM accounts_usage_detail
     WHERE {_OWN} AND day >= %(day)s::date - {SHOWN_DAYS} AND count > 0
), features AS (
    SELECT product, feature, {_COUNTS}, count(DISTINCT person) FILTER (WHERE person <> '') AS others
      FROM used GROUP BY product, feature
), people AS (
    SELECT person, {_COUNTS}, count(DISTINCT (product, feature)) AS others
      FROM used WHERE person <> '' GROUP BY person
)
(SELECT 'feature', product, feature, '', '', false, now, before, last, others, count(*) OVER ()
   FROM features
  ORDER BY (before >= {REGULAR} AND now * {PACE} <= before) DESC, now + before DESC, product, feature LIMIT {MOST})
UNION ALL
(SELECT 'person', person, coalesce(c.name, ''), coalesce(c.role, ''), coalesce(c.title, ''), c.erased_at IS NOT NULL,
        now, before, last, others, count(*) OVER ()
   FROM people LEFT JOIN accounts_contact c
        ON c.tenant_id = %(tenant)s AND c.account_id = %(account)s AND c.external_id = person
  ORDER BY last DESC, now + before DESC, person LIMIT {MOST})
"""  # noqa: S608


@dataclass(frozen=True)
class Mean:
    """The mean of a day, over n days that have the metric."""

    value: float | None
    n: int


@dataclass(frozen=True)
class Range:
    """What the middle eight in ten of n days lay between."""

    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Series:
    """One metric by day, oldest first; a day without it is None, never zero."""

    metric: str
    days: Sequence[tuple[date, float | None]]  # the 90 days before the scored one
    now: Mean
    before: Mean
    usual: Range | None  # of the 90 days before those shown

    @property
    def label(self) -> str:
        return LABELS[self.metric]

    @property
    def change(self) -> float | None:
        """Of the last 30 days against the 60 before, in percent; None where an indicator would have none."""
        if self.now.n < LEAST_MONTH or self.before.n < LEAST_BEFORE or not self.before.value:
            return None
        return 100 * ((self.now.value or 0.0) / self.before.value - 1)


@dataclass(frozen=True)
class Feature:
    """A feature and on how many days it was used: in the last 30, in the 60 before, and last."""

    product: str
    name: str
    now: int
    before: int
    last: date
    people: int

    @property
    def is_given_up(self) -> bool:
        return self.before >= REGULAR and self.now * PACE <= self.before


@dataclass(frozen=True)
class User:
    """A person of the customer who used the product, as the viewer may see them."""

    name: str
    role: str
    title: str
    now: int
    before: int
    last: date
    features: int


def usage_context(tenant: Tenant, viewer: Membership, account: Account, metric: str = "") -> dict[str, Any]:
    """The panel; of the metric that the address asks for, as links from reasons do."""
    day = clock.as_of(tenant)
    values: dict[str, Any] = {"tenant": tenant.pk, "account": account.pk, "day": day}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, values)
        rows = cursor.fetchall()
        cursor.execute(_DETAIL, values)
        detail = cursor.fetchall()
    by_metric = {name: _known(rows, at) for at, name in enumerate(UsageDay.METRICS, start=1)}
    found = chosen(by_metric, metric, day=day)
    features, people = ([row[1:] for row in detail if row[0] == kind] for kind in ("feature", "person"))
    return {
        "series": found,
        "asked": LABELS[metric] if found and metric in LABELS and metric != found.metric else "",
        "metrics": [(name, LABELS[name]) for name, days in by_metric.items() if days],
        "figure": figure(found, day=day) if found else None,
        "label": _words(found) if found else "",
        "last_use": _last_use(rows),
        "features": [Feature(*row[:2], *row[5:9]) for row in features],
        "more_features": features[0][-1] - len(features) if features else 0,
        "people": [_user(viewer, row) for row in people],
        "more_people": people[0][-1] - len(people) if people else 0,
        "as_of": day,
        "month": MONTH,
        "before_days": BEFORE,
        "shown_days": SHOWN_DAYS,
    }


def _known(rows: Sequence[tuple[Any, ...]], at: int) -> dict[date, float]:
    return {row[0]: row[at] for row in rows if row[at] is not None}


def chosen(by_metric: dict[str, dict[date, float]], asked: str, *, day: date) -> Series | None:
    """The asked metric where there is something of it; else what stands in for it. None: there is no usage at all."""
    wanted = asked if asked in LABELS else DEFAULT
    events, users = by_metric[DEFAULT], by_metric[ELSE]
    if wanted == DEFAULT and _has_no_trend(events, day) and not _has_no_trend(users, day):
        wanted = ELSE
    name = next((each for each in (wanted, ELSE, *UsageDay.METRICS) if by_metric[each]), None)
    return series(name, by_metric[name], day=day) if name else None


def _has_no_trend(days: dict[date, float], day: date) -> bool:
    now, before = _months(days, day)
    return now.n < LEAST_MONTH or before.n < LEAST_BEFORE


def _months(days: dict[date, float], day: date) -> tuple[Mean, Mean]:
    month, start = day - timedelta(days=MONTH), day - timedelta(days=MONTH + BEFORE)
    return (
        _mean([value for each, value in days.items() if each >= month]),
        _mean([value for each, value in days.items() if start <= each < month]),
    )


def _mean(values: list[float]) -> Mean:
    return Mean(sum(values) / len(values) if values else None, len(values))


def series(metric: str, known: dict[date, float], *, day: date) -> Series:
    """`known`: the metric by day, of the last half year."""
    first = day - timedelta(days=SHOWN_DAYS)
    shown = [first + timedelta(days=each) for each in range(SHOWN_DAYS)]
    now, before = _months(known, day)
    past = sorted(value for each, value in known.items() if each < first)
    return Series(metric, [(each, known.get(each)) for each in shown], now, before, _usual(past))


def _usual(values: list[float]) -> Range | None:
    """Values that occurred, so that no interpolation can differ."""
    if len(values) < LEAST_PAST:
        return None
    last = len(values) - 1
    return Range(values[round(0.1 * last)], values[round(0.9 * last)], len(values))


def _last_use(rows: Sequence[tuple[Any, ...]]) -> date | None:
    places = [1 + UsageDay.METRICS.index(name) for name in IN_USE]
    return next((row[0] for row in reversed(rows) if any((row[at] or 0) > 0 for at in places)), None)


def _user(viewer: Membership, row: tuple[Any, ...]) -> User:
    """An id stands for a name that is not known, unless it is an address that the viewer may not see."""
    person, name, role, title, is_erased, now, before, last, features, _ = row
    if is_erased:
        name, role, title = "A person whose data was erased", "", ""
    elif not name:
        hidden = "@" in person and not sees(viewer, Field.CONTACT_EMAIL)
        name = "A person without a name" if hidden else person
    return User(name, role, title, now, before, last, features)


def figure(found: Series, *, day: date) -> Figure:
    """The days, the two means beside them, and the usual range of the time before as a band."""
    first, month = found.days[0][0], day - timedelta(days=MONTH)
    last = day - timedelta(days=1)
    means = [(first, month - timedelta(days=1), found.before), (month, last, found.now)]
    band = {
        "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "layer": "below", "line": {"width": 0},
        "fillcolor": "--ink-3/16",
    }  # fmt: skip
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines+markers", "connectgaps": False,
                "x": [str(each) for each, _ in found.days], "y": [value for _, value in found.days],
                "line": {"color": "--accent", "width": 2}, "marker": {"size": 4},
                "hovertemplate": "%{x|%-d %b %Y}: %{y:.4~g}<extra></extra>",
            },
            *(
                {
                    "type": "scatter", "mode": "lines", "x": [str(start), str(end)], "y": [mean.value, mean.value],
                    "line": {"color": "--ink-3", "width": 2, "dash": "dash"},
                    "hovertemplate": "Mean of these days: %{y:.4~g}<extra></extra>",
                }
                for start, end, mean in means
                if mean.value is not None
            ),
        ],
        "layout": {
            "showlegend": False, "yaxis": {"rangemode": "tozero"}, "xaxis": {"type": "date"},
            "shapes": [band | {"y0": found.usual.low, "y1": found.usual.high}] if found.usual else [],
        },
    }  # fmt: skip


def _words(found: Series) -> str:
    """The chart in a sentence, for those who do not see it."""
    known = [value for _, value in found.days if value is not None]
    if not known:
        return f"{found.label}: nothing is known of the last {SHOWN_DAYS} days."
    return (
        f"{found.label} by day over {SHOWN_DAYS} days: {len(known)} days known, lowest {min(known):g}, highest "
        f"{max(known):g}. The table has every day."
    )
