"""The usage panel: the rows behind what is said of usage, and the links that lead to it."""

import math
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import UsageDetail
from scoring.catalogue import INDICATORS
from scoring.models import AccountHealth
from scoring.why.sources import place_of
from scoring.why.usage import LABELS, METRIC_OF, figure, usage_context
from tests.scoring.evidence import DAY, add_usage, contact, rich, score
from tests.scoring.readings import read
from tests.test_query_counts import FRAME, baseline

pytestmark = pytest.mark.django_db


def use(world, account, person, feature, *, last=1, first=None, every=1):
    """One row each `every` days from `first` to `last` days before DAY."""
    with world.here():
        days = [DAY - timedelta(days=each) for each in range(last, (first or last) + 1, every)]
        with connection.cursor() as cursor:
            for month in {day.replace(day=1) for day in days}:
                cursor.execute("SELECT ensure_partition('accounts_usage_detail', %s)", [month])
        UsageDetail.objects.bulk_create(
            UsageDetail(
                tenant=world.tenant, account=account, day=day, contact_external_id=person, product="Desk",
                feature=feature, count=2, source="test", recorded_at=timezone.now(),
            )
            for day in days
        )  # fmt: skip


def shown(client, world, account, query="", role="csm"):
    client.force_login(world.people[role].user)
    return client.get(reverse("accounts:panel", args=[world.tenant.slug, account.pk, "usage"]) + query)


@pytest.fixture
def fallen(acme):
    """40 core events a day until 31 days ago, 24 a day since: 40 % down. 170 days are known."""
    account = rich(acme, "Fallen Freight", usage=False, owner="csm")
    add_usage(acme, account, first=170, last=31, core_events=40, active_users=8)
    add_usage(acme, account, first=30, last=1, core_events=24, active_users=8)
    return account


def context(world, account, metric="", role="csm"):
    with world.here():
        return usage_context(world.tenant, world.people[role], account, metric)


def test_the_series_is_that_of_the_indicator(acme, fallen):
    """Means, n and the change are those that the trend was made of; the usual range is of the days before."""
    rich(acme)
    score(acme)
    found = context(acme, fallen, METRIC_OF["usage.trend_30d"])["series"]
    assert (found.metric, len(found.days)) == ("core_events", 90)
    assert (found.now.value, found.now.n, found.before.value, found.before.n) == (24, 30, 40, 60)
    assert math.isclose(found.change, -40)
    assert (found.usual.low, found.usual.high, found.usual.n) == (40, 40, 80)
    assert found.days[0] == (DAY - timedelta(days=90), 40)
    assert found.days[-1] == (DAY - timedelta(days=1), 24)
    assert round(100 * read(acme, fallen)["usage.trend_30d"].value) == round(found.change)


def test_what_is_not_known_is_no_zero_and_another_metric_stands_in(acme, fallen):
    rich(acme)
    score(acme)
    found = context(acme, fallen, "api_calls")
    assert (found["series"].metric, found["asked"]) == ("active_users", "API calls")
    account = acme.add_account("Gaps", owner="csm")
    add_usage(acme, account, first=40, last=39, core_events=0, active_users=None)
    series = context(acme, account)["series"]
    assert [value for _, value in series.days if value is not None] == [0, 0]
    assert series.change is None
    assert series.usual is None
    none = context(acme, acme.add_account("Nothing known"))
    assert (none["series"], none["features"]) == (None, [])


def test_users_stand_in_where_events_give_no_trend(acme):
    """As in the indicator: core events of a few days do not hide the active users."""
    account = acme.add_account("Few events", owner="csm")
    add_usage(acme, account, first=95, last=6, active_users=8)
    add_usage(acme, account, first=5, last=1, core_events=3, active_users=8)
    rich(acme)
    score(acme)
    assert context(acme, account, "core_events")["series"].metric == "active_users"


def test_plotly_takes_the_figure(acme, fallen):
    import plotly.graph_objects as go

    rich(acme)
    score(acme)
    drawn = figure(context(acme, fallen)["series"], day=DAY)
    plain = re.sub(r'"--[\w-]+(/\d+)?"', '"#123456"', __import__("json").dumps(drawn))
    go.Figure(__import__("json").loads(plain))


class TestDetail:
    @pytest.fixture
    def used(self, acme):
        account = rich(acme, owner="csm")
        named = contact(acme, account, "champion", name="Ingrid Solberg", title="Head of Desk")
        gone = contact(acme, account, name="Erased Name", erased_at=timezone.now())
        use(acme, account, named.external_id, "Reports", first=90, last=40, every=2)  # given up
        use(acme, account, named.external_id, "Boards", first=20, last=3)
        use(acme, account, gone.external_id, "Boards", last=5)
        use(acme, account, "mail.as.id@customer.example", "Boards", last=1)
        score(acme)
        return account

    def test_features_and_people_have_their_days(self, acme, used):
        found = context(acme, used)
        features = {each.name: each for each in found["features"]}
        assert found["features"][0].name == "Reports"
        assert [each.is_given_up for each in found["features"]] == [True, False]
        assert (features["Reports"].now, features["Reports"].before) == (0, 26)
        assert features["Reports"].last == DAY - timedelta(days=40)
        assert (features["Boards"].now, features["Boards"].people) == (19, 3)
        people = {each.name: each for each in found["people"]}
        assert (people["Ingrid Solberg"].now, people["Ingrid Solberg"].features) == (18, 2)
        assert people["Ingrid Solberg"].last == DAY - timedelta(days=3)
        assert read(acme, used)["usage.features_abandoned"].value == 1

    def test_erased_people_have_no_name_and_addresses_follow_their_rule(self, client, acme, used):
        csm = shown(client, acme, used).text
        assert "Ingrid Solberg" in csm
        assert "Erased Name" not in csm
        assert "A person whose data was erased" in csm
        assert "mail.as.id@customer.example" in csm
        executive = shown(client, acme, used, role="support").text
        assert "mail.as.id@customer.example" not in executive
        assert "A person without a name" in executive

    def test_another_tenant_and_another_csm_find_nothing(self, client, acme, globex, used):
        assert shown(client, globex, used).status_code == 404
        hidden = acme.add_account("Hidden", owner="manager")
        assert shown(client, acme, hidden).status_code == 404
        client.force_login(globex.csm.user)
        with globex.here():
            found = usage_context(globex.tenant, globex.csm, used)
        assert (found["series"], found["features"], found["people"]) == (None, [], [])


def test_the_panel_costs_as_little_with_many_rows(client, acme, fallen):
    rich(acme)
    score(acme)
    for number in range(20):
        use(acme, fallen, f"P{number}", f"F{number}", first=12, last=1)
    shown(client, acme, fallen)
    address = reverse("accounts:panel", args=[acme.tenant.slug, fallen.pk, "usage"])
    with CaptureQueriesContext(connection) as captured:
        text = client.get(f"{address}?metric=core_events").text
    assert (
        len([each for each in captured if not each["sql"].startswith(FRAME)])
        <= baseline()["accounts:panel"] + 2
    )
    assert "8 more features and 8 more people are not shown" in text
    assert "−40%" in text
    assert text.count("<tr>") > 90  # a row for each day, as the chart has them


class TestLinks:
    def test_every_indicator_of_usage_leads_to_its_metric(self):
        for each in INDICATORS:
            if each.source in ("usage", "usage_detail") and each.key.startswith("usage."):
                assert place_of(each.key) == f"?metric={METRIC_OF[each.key]}#panel-usage"
                assert METRIC_OF[each.key] in LABELS

    def test_the_page_opens_the_panel_at_the_asked_metric(self, client, acme, fallen):
        rich(acme)
        score(acme)
        client.force_login(acme.csm.user)
        page = reverse("accounts:account", args=[acme.tenant.slug, fallen.pk])
        asked = client.get(f"{page}?metric=active_users").text
        assert '<option value="active_users" selected>' in asked
        assert "Usual on a day" not in client.get(page).text  # else it comes when it is scrolled to
        assert client.get(f"{page}?metric=nonsense").status_code == 200

    def test_queue_and_breakdown_lead_there(self, client, acme, fallen):
        rich(acme)
        score(acme)
        client.force_login(acme.csm.user)
        with acme.here():
            reasons = AccountHealth.objects.get(account=fallen).reasons
        assert any(each["key"].startswith("usage.") for each in reasons)
        queue = client.get(reverse("playbooks:queue", args=[acme.tenant.slug]), {"view": "all"}).text
        page = reverse("accounts:account", args=[acme.tenant.slug, fallen.pk])
        assert f"{page}?metric=core_events#panel-usage" in queue
        health = client.get(reverse("accounts:panel", args=[acme.tenant.slug, fallen.pk, "health"])).text
        assert f"{page}?metric=core_events#panel-usage" in health
