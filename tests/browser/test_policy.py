"""J16: build a scorecard in the browser, replay 12 months, publish it as the next version, see it marked, roll back."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_loop import quiet, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_scorecard_from_draft_to_publish_and_back(app, sign_in):
    page = sign_in("ops_admin")
    first = open_the_one_in_force(app, page)
    page.get_by_role("button", name="New draft from this version").click()
    page.get_by_role("link", name="Edit draft").wait_for()
    draft = page.locator("h1").inner_text()
    assert draft != first
    address = page.url

    edit(page)
    expect(page.locator("h1")).to_contain_text(draft)
    with page.expect_navigation():
        page.get_by_role("button", name="Preview", exact=True).click()
    until(lambda: replayed(page, address), seconds=240, what="the draft was replayed")
    text = page.locator("#preview").inner_text()
    for words in ("False alarms", "Alerts per CSM and week", "ARR of churn caught", "Newly flagged now"):
        assert words in text, words

    page.get_by_role("link", name="Compare versions").click()
    expect(page.locator("main")).to_contain_text("40 → 50")
    page.goto(address)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("header.head")).to_contain_text("In force")
    until(lambda: marked(app, page, draft.rpartition(" ")[2]), seconds=240, what="the chart marks the change")

    open_version(app, page, first)
    page.get_by_role("button", name="Roll back to this version").click()
    expect(page.locator("header.head")).to_contain_text("In force")
    quiet(page)


def replayed(page, address):
    page.goto(address)
    return page.get_by_text("Churn caught").count()


def open_the_one_in_force(app, page):
    page.goto(app.url("scores/policies/"))
    row = page.locator("tbody tr").filter(has_text="In force").filter(has_text="all segments").first
    name = row.locator("th a").inner_text()
    row.locator("th a").click()
    return name


def open_version(app, page, name):
    page.goto(app.url("scores/policies/"))
    page.get_by_role("link", name=name, exact=True).click()


def edit(page):
    """Another weight refuses with the sum, another one mends it; a band and the missing-data rule change as well."""
    page.get_by_role("link", name="Edit draft").click()
    total = page.locator("#weights-total")
    expect(total).to_have_text("Weights total 100.")
    weights = page.locator("input[name$='-weight']")
    used = [at for at in range(weights.count()) if float(weights.nth(at).input_value()) >= 5][:2]
    values = [float(weights.nth(at).input_value()) for at in used]
    weights.nth(used[0]).fill(str(values[0] + 5))
    expect(total).to_contain_text("105, not 100: take away 5")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("total 105, not 100")
    weights.nth(used[1]).fill(str(values[1] - 5))
    expect(total).to_have_text("Weights total 100.")
    page.locator("[name=watch_from]").fill("55")
    page.locator("[name=at_risk_from]").fill("50")
    page.locator("[name=missing_rule]").select_option("neutral")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("/scores/policies/"))


def marked(app, page, version):
    """The chart of an account says where another version began to count."""
    page.goto(app.url("queue/?view=all"))
    page.goto(app.base + page.locator("tr.item a.acct").first.get_attribute("href") + "?panels=all")
    return f"Policy all {version}" in page.content()
