"""The rows behind what is said of usage: a metric by day beside the account's own past, and who used which feature.

Days run to the day before the scored one, as for the indicators (docs/import.md, "Time travel"); means and what counts
as given up are theirs, too (scoring.features.statements.usage), over the windows in force. Three statements,
one for the scored day.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from accounts import clock
from accounts.models import Account
from accounts.models.usage import UsageDay
from scoring.catalogue import BY_KEY
from scoring.charts import Figure
from scoring.features.statements.usage import GIVEN_UP, IS_GIVEN_UP, REGULAR, REGULAR_OF
from scoring.windows import IN_FORCE, NOW, different, spans
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant

SHOWN_DAYS = 90  # at least, and as far as the means reach
PAST_DAYS = 90  # before those, of which is told what is usual
ONE_IN = 3  # of the days of a mean must have the metric, as in the indicators
LEAST_PAST = 20  # days with the metric, before there is a usual range
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

# the trend whose stretches the means are of; every other metric takes those of the usage trend
TREND, TREND_OF = "usage.trend_30d", {"api_calls": "usage.api_trend", "data_gb": "usage.data_trend"}
TRENDS = (TREND, *TREND_OF.values())
MOST_BACK = max(BY_KEY[key].longest for key in TRENDS) + PAST_DAYS  # days that can be asked for

_OWN = "tenant_id = %(tenant)s AND account_id = %(account)s AND day < %(day)s"
# the windows of the policy in force stand beside each day, and alone where there is none
_DAYS = f"""
SELECT w.own, d.* FROM (SELECT jsonb_object_agg(indicator, window_days) AS own FROM ({IN_FORCE}) i) w
  LEFT JOIN (SELECT day, {", ".join(UsageDay.METRICS)} FROM accounts_usage_day
              WHERE {_OWN} AND day >= %(day)s::date - {MOST_BACK}) d ON true
 ORDER BY d.day
"""  # noqa: S608  (constants of this module; values are parameters)
_COUNTS = (
    f"count(DISTINCT day) FILTER (WHERE day >= %(day)s::date - %({GIVEN_UP}.now)s) AS now, "
    f"count(DISTINCT day) FILTER (WHERE day < %(day)s::date - %({GIVEN_UP}.now)s) AS before, max(day) AS last"
)
# features first, those given up on top; then people, the last to use it first
_DETAIL = f"""
WITH used AS (
    SELECT day, contact_external_id AS person, product, feature FROM accounts_usage_detail
     WHERE {_OWN} AND day >= %(day)s::date - %({GIVEN_UP})s AND count > 0
), features AS (
    SELECT product, feature, {_COUNTS}, count(DISTINCT person) FILTER (WHERE person <> '') AS others
      FROM used GROUP BY product, feature
), people AS (
    SELECT person, {_COUNTS}, count(DISTINCT (product, feature)) AS others
      FROM used WHERE person <> '' GROUP BY person
)
(SELECT 'feature', product, feature, '', '', {IS_GIVEN_UP}, now, before, last, others, count(*) OVER ()
   FROM features
  ORDER BY ({IS_GIVEN_UP}) DESC, now + before DESC, product, feature LIMIT {MOST})
UNION ALL
(SELECT 'person', person, coalesce(c.name, ''), coalesce(c.role, ''), coalesce(c.title, ''), c.erased_at IS NOT NULL,
        now, before, last, others, count(*) OVER ()
   FROM people LEFT JOIN accounts_contact c
        ON c.tenant_id = %(tenant)s AND c.account_id = %(account)s AND c.external_id = person
  ORDER BY last DESC, now + before DESC, person LIMIT {MOST})
"""  # noqa: S608


@dataclass(frozen=True)
class Stretches:
    """Days that are now, and those before that they are compared with."""

    now: int
    before: int

    @property
    def whole(self) -> int:
        return self.now + self.before


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
    days: Sequence[tuple[date, float | None]]  # the days before the scored one, 90 or as many as are compared
    of: Stretches
    now: Mean
    before: Mean
    usual: Range | None  # of the 90 days before those shown

    @property
    def label(self) -> str:
        return LABELS[self.metric]

    @property
    def change(self) -> float | None:
        """Of what is now against what was before, in percent; None where an indicator would have none."""
        if _is_little(self.of, self.now, self.before) or not self.before.value:
            return None
        return 100 * ((self.now.value or 0.0) / self.before.value - 1)


@dataclass(frozen=True)
class Feature:
    """A feature and on how many days it was used: in what is now, in what was before, and last."""

    product: str
    name: str
    now: int
    before: int
    last: date
    people: int
    is_given_up: bool


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
        found_days = cursor.fetchall()
        days = spans(different(json.loads(found_days[0][0] or "{}")))
        cursor.execute(_DETAIL, values | days)
        detail = cursor.fetchall()
    back = max(SHOWN_DAYS, *(days[key] for key in TRENDS)) + PAST_DAYS
    since = day - timedelta(days=back)
    rows = [row[1:] for row in found_days if row[1] is not None and row[1] >= since]
    by_metric = {name: _known(rows, at) for at, name in enumerate(UsageDay.METRICS, start=1)}
    found = chosen(by_metric, metric, day=day, days=days)
    features, people = ([row[1:] for row in detail if row[0] == kind] for kind in ("feature", "person"))
    return {
        "series": found,
        "asked": LABELS[metric] if found and metric in LABELS and metric != found.metric else "",
        "metrics": [(name, LABELS[name]) for name, days in by_metric.items() if days],
        "figure": figure(found, day=day) if found else None,
        "label": _words(found) if found else "",
        "last_use": _last_use(rows),
        "features": [_feature(row) for row in features],
        "more_features": features[0][-1] - len(features) if features else 0,
        "people": [_user(viewer, row) for row in people],
        "more_people": people[0][-1] - len(people) if people else 0,
        "as_of": day,
        "given_up": Stretches(days[f"{GIVEN_UP}{NOW}"], days[GIVEN_UP] - days[f"{GIVEN_UP}{NOW}"]),
        "regular": REGULAR,
        "regular_of": REGULAR_OF,
        "back": back,
    }


def _known(rows: Sequence[tuple[Any, ...]], at: int) -> dict[date, float]:
    return {row[0]: row[at] for row in rows if row[at] is not None}


def chosen(
    by_metric: dict[str, dict[date, float]], asked: str, *, day: date, days: dict[str, int]
) -> Series | None:
    """The asked metric where there is something of it; else what stands in for it. None: there is no usage at all."""
    wanted = asked if asked in LABELS else DEFAULT
    events, users = by_metric[DEFAULT], by_metric[ELSE]
    of = stretches_of(DEFAULT, days)
    if wanted == DEFAULT and _is_little(of, *_means(events, day, of)):
        wanted = DEFAULT if _is_little(of, *_means(users, day, of)) else ELSE
    name = next((each for each in (wanted, ELSE, *UsageDay.METRICS) if by_metric[each]), None)
    return series(name, by_metric[name], day=day, of=stretches_of(name, days)) if name else None


def stretches_of(metric: str, days: dict[str, int]) -> Stretches:
    """Those of the trend that reads the metric."""
    key = TREND_OF.get(metric, TREND)
    return Stretches(days[f"{key}{NOW}"], days[key] - days[f"{key}{NOW}"])


def _is_little(of: Stretches, now: Mean, before: Mean) -> bool:
    return ONE_IN * now.n < of.now or ONE_IN * before.n < of.before


def _means(days: dict[date, float], day: date, of: Stretches) -> tuple[Mean, Mean]:
    month, start = day - timedelta(days=of.now), day - timedelta(days=of.whole)
    return (
        _mean([value for each, value in days.items() if each >= month]),
        _mean([value for each, value in days.items() if start <= each < month]),
    )


def _mean(values: list[float]) -> Mean:
    return Mean(sum(values) / len(values) if values else None, len(values))


def series(metric: str, known: dict[date, float], *, day: date, of: Stretches) -> Series:
    """`known`: the metric by day, as far back as what is shown and PAST_DAYS more."""
    many = max(SHOWN_DAYS, of.whole)
    first = day - timedelta(days=many)
    shown = [first + timedelta(days=each) for each in range(many)]
    now, before = _means(known, day, of)
    since = first - timedelta(days=PAST_DAYS)
    past = sorted(value for each, value in known.items() if since <= each < first)
    return Series(metric, [(each, known.get(each)) for each in shown], of, now, before, _usual(past))


def _usual(values: list[float]) -> Range | None:
    """Values that occurred, so that no interpolation can differ."""
    if len(values) < LEAST_PAST:
        return None
    last = len(values) - 1
    return Range(values[round(0.1 * last)], values[round(0.9 * last)], len(values))


def _last_use(rows: Sequence[tuple[Any, ...]]) -> date | None:
    places = [1 + UsageDay.METRICS.index(name) for name in IN_USE]
    return next((row[0] for row in reversed(rows) if any((row[at] or 0) > 0 for at in places)), None)


def _feature(row: tuple[Any, ...]) -> Feature:
    product, name, _, _, is_given_up, now, before, last, people, _ = row
    return Feature(product, name, now, before, last, people, is_given_up)


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
    start, month = day - timedelta(days=found.of.whole), day - timedelta(days=found.of.now)
    last = day - timedelta(days=1)
    means = [(start, month - timedelta(days=1), found.before), (month, last, found.now)]
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
        return f"{found.label}: nothing is known of the last {len(found.days)} days."
    return (
        f"{found.label} by day over {len(found.days)} days: {len(known)} days known, lowest {min(known):g}, highest "
        f"{max(known):g}. The table has every day."
    )
