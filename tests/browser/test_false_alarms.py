"""J12 on the customers of scenes/alarms.py: what a lower number of alerts a week would have cost, before it holds.

A manager tries numbers and reads what they would have done; an operations admin puts them in force (issue 4), with a
reason, as a version that can be compared and rolled back.
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.reading import cells, forbidden, number, post, quiet, until
from tests.browser.scenes.alarms import CUSTOMERS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG, HIGH, NOW, LOWER = "alarms", 0.3, 5, 1
SAID = """
SELECT a.name, a.owner_email, s.as_of, s.p90, s.arr_reporting AS arr
FROM scoring_health_snapshot s JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
WHERE s.tenant_id = %(tenant)s ORDER BY s.as_of
"""
GONE = """
SELECT a.name, (o.effective_at AT TIME ZONE 'UTC')::date AS day
FROM accounts_outcome o JOIN accounts_account a ON a.tenant_id = o.tenant_id AND a.id = o.account_id
WHERE o.tenant_id = %(tenant)s AND o.kind = 'churned'
"""


@pytest.fixture(scope="module")
def alarms(scenes):
    return scenes("alarms.build")


def test_j12_fewer_alerts_and_what_they_miss(app, scenes, sign_in, alarms):
    """Lower alerts per week; the preview shows alerts lost and churn missed before it is published."""
    page = sign_in("ops_admin", to=SLUG)
    page.goto(app.at(SLUG, "scores/policies/"))
    page.get_by_role("link", name="What if: chances").click()
    expect(page.locator("header.head")).to_contain_text(f"at most {NOW} new flags per CSM and week")
    a_level_out_of_order_is_refused(page)
    page.fill("[name=high_from]", str(HIGH))
    page.fill("[name=flags_per_csm_week]", str(LOWER))
    page.get_by_role("button", name="Replay 12 months").click()
    page.wait_for_url("**job=*")
    address = page.url
    until(lambda: shown(page, address), seconds=240, what="the replay")

    before, after = (Replay(scenes, limit) for limit in (NOW, LOWER))
    assert (before.alerts, after.alerts, before.missed, after.missed) == (4, 2, {"Elm"}, {"Birch", "Elm"})
    compare(page, before, after)
    expect(page.locator("header.head")).to_contain_text(f"at most {NOW} new flags")
    assert scenes("alarms.settings") == {}, "nothing is saved by looking"

    page.get_by_label("Why").fill("Two CSMs drown in flags")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("header.head")).to_contain_text(f"at most {LOWER} new flags per CSM and week")
    assert scenes("alarms.settings") == {"high_from": "0.300", "flags": LOWER}
    page.goto(app.at(SLUG, "audit/"))
    expect(page.locator("main")).to_contain_text("Chance settings v2")
    the_version_is_compared_and_rolled_back(page, app, before, after)
    assert scenes("alarms.settings") == {"high_from": "0.300", "flags": NOW}
    quiet(page, but="422")


def the_version_is_compared_and_rolled_back(page, app, before, after):
    """Who, why and what its replay found stand beside it; the diff names the one number; the first one comes back."""
    page.goto(app.at(SLUG, "scores/what-if/"))
    row = page.locator("#versions tbody tr").filter(has_text="Chance settings v2")
    expect(row).to_contain_text("In force")
    expect(row).to_contain_text("Two CSMs drown in flags")
    left = len(before.gone)
    caught = f"caught {left - len(before.missed)} → {left - len(after.missed)} of {left}"
    expect(row).to_contain_text(caught)
    row.get_by_role("link", name="Chance settings v2").click()
    assert page.locator("section[aria-labelledby=h-settings] dl").inner_text().split("\n") == [
        "New flags per CSM and week",
        f"{NOW} → {LOWER}",
    ]
    page.goto(app.at(SLUG, "scores/what-if/"))
    page.get_by_label("Reason to roll back").fill("Their week has room again")
    page.get_by_role("button", name="Roll back to Chance settings v1").click()
    expect(page.locator("header.head")).to_contain_text(f"at most {NOW} new flags per CSM and week")
    expect(page.locator("#versions tbody tr").filter(has_text="Chance settings v1")).to_contain_text(
        "Their week has room again"
    )


def a_level_out_of_order_is_refused(page):
    page.fill("[name=high_from]", "0.7")
    page.get_by_role("button", name="Replay 12 months").click()
    expect(page.locator("main")).to_contain_text("must begin between")
    expect(page.locator("#replay")).to_have_count(0)


def shown(page, address):
    page.goto(address)
    return page.locator("#replay table").count()


class Replay:
    """The rule of docs/scoring.md, worked out anew from the stored rows, for one limit of new flags a CSM and week."""

    def __init__(self, scenes, limit):
        rows = scenes("ground.rows", slug=SLUG, statement=SAID)
        self.gone = {
            each["name"]: date.fromisoformat(each["day"])
            for each in scenes("ground.rows", slug=SLUG, statement=GONE)
        }
        self.days = sorted({each["as_of"] for each in rows})
        self.said = {(each["name"], each["as_of"]): each for each in rows}
        self.raised = [each for name in CUSTOMERS for each in self.flags(name)]
        self.kept = self.largest(limit)
        self.alerts = len(self.kept)
        self.missed = {name for name in self.gone if not self.is_caught(name)}

    def flags(self, name):
        """(name, day) at which a flag goes up: the second scoring running at HIGH or more, until two below it."""
        found, is_up, last = [], False, None
        for day in self.days:
            row = self.said.get((name, day))
            if row is None:
                continue
            is_high = float(row["p90"]) >= HIGH
            if last == is_high != is_up:
                is_up = is_high
                found += [(name, day)] if is_up else []
            last = is_high
        return found

    def largest(self, limit):
        """A CSM gets so many a week, the largest amounts at stake first."""
        told, kept = {}, []
        for flag in sorted(self.raised, key=lambda each: -self.stake(each)):
            week = (self.said[flag]["owner_email"], date.fromisoformat(flag[1]).isocalendar()[:2])
            told[week] = told.get(week, 0) + 1
            kept += [flag] if told[week] <= limit else []
        return kept

    def stake(self, flag):
        row = self.said[flag]
        return Decimal(row["arr"]) * Decimal(row["p90"])

    def is_caught(self, name):
        """A flag that reached somebody, 30 days before the leaving or more; no flag here goes down before one."""
        days = [date.fromisoformat(day) for who, day in self.kept if who == name]
        return any(self.gone[name] - day >= timedelta(30) for day in days)

    def closed(self):
        """Flags whose 90 days are over, and those of them after which nobody left."""
        newest = date.fromisoformat(self.days[-1])
        over = [(name, date.fromisoformat(day)) for name, day in self.kept]
        over = [(name, day) for name, day in over if day + timedelta(90) <= newest]
        far = date(9999, 1, 1)
        return over, [each for each in over if self.gone.get(each[0], far) - each[1] >= timedelta(90)]


def compare(page, before, after):
    """The table and the lists say what was worked out."""
    replay = page.locator("#replay")
    expect(replay).to_contain_text(f"{before.alerts - after.alerts} alerts fewer than now")
    table = {cells(row)[0].splitlines()[0]: cells(row)[1:] for row in replay.locator("tbody tr").all()}
    for column, one in enumerate((before, after)):
        left, over = len(one.gone), one.closed()
        assert f"{left - len(one.missed)} of {left}" in table["Churn caught"][column]
        assert f"{len(over[1])} of {len(over[0])}" in table["False alarms"][column]
        assert f"{one.alerts} in all" in table["Alerts per CSM and week"][column]
        arr = sum(CUSTOMERS[name][1] for name in one.missed)
        assert number(table["ARR of churn caught"][column].splitlines()[1]) * 1000 == arr
    more = after.missed - before.missed
    expect(replay).to_contain_text(f"{len(more)} would be missed and are caught now")
    for name in more:
        line = replay.locator("li").filter(has=page.get_by_role("link", name=name, exact=True))
        expect(line.first).to_contain_text("Missed")


def test_j12_a_manager_tries_and_an_admin_saves(app, scenes, sign_in, alarms):
    page = sign_in("manager", to=SLUG)
    before = scenes("alarms.settings")
    page.goto(app.at(SLUG, "models/quality/"))
    page.get_by_role("link", name="What if", exact=True).click()
    page.fill("[name=high_from]", str(HIGH))
    page.fill("[name=flags_per_csm_week]", "2")
    page.get_by_role("button", name="Replay 12 months").click()
    page.wait_for_url("**job=*")
    address = page.url
    until(lambda: shown(page, address), seconds=240, what="the replay")
    table = {cells(row)[0].splitlines()[0]: cells(row)[1:] for row in page.locator("#replay tbody tr").all()}
    tried = Replay(scenes, 2)
    assert f"{len(tried.gone) - len(tried.missed)} of {len(tried.gone)}" in table["Churn caught"][1]
    assert f"{tried.alerts} in all" in table["Alerts per CSM and week"][1]
    assert "ARR of churn caught" not in table
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    job = address.partition("job=")[2]
    assert post(page, app.at(SLUG, f"scores/what-if/{job}/publish/"), why="Mine") == 403
    assert scenes("alarms.settings") == before
    quiet(page)


def test_j12_is_not_for_csms(app, scenes, sign_in, alarms):
    page = sign_in("csm", to=SLUG)
    assert "operations admin" in forbidden(page, app.at(SLUG, "scores/what-if/")).lower()
    assert post(page, app.at(SLUG, "scores/what-if/try/"), high_from="0.3", flags_per_csm_week="1") == 403
