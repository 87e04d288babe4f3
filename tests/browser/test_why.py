"""J2 and J4 by the CSM of scenes/dips.py, where every figure is worked out by hand."""

import math
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.reading import cells, forbidden, number, post, quiet, signed, under, until, when_done

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG = "dips"
LATE = "Mails, calls and meetings: late on"
SNAPSHOTS = """
SELECT account_id, as_of, health, p90, logit_base, logit_parts FROM scoring_health_snapshot
WHERE tenant_id = %(tenant)s ORDER BY as_of, run_id
"""


@pytest.fixture(scope="module")
def dips(scenes):
    return scenes("dips.build")


def long_day(text):
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"


def test_j2_why_did_it_drop(app, scenes, sign_in, dips):
    """An account 12 points down: "what changed" opens, the parts add up to -12, each opens its evidence, and the one
    that is a late feed is marked so."""
    page = sign_in("csm", to=SLUG)
    page.goto(app.at(SLUG, "queue/?view=all"))
    page.get_by_role("link", name="Corvane Textiles", exact=True).first.click()
    page.wait_for_url("**/accounts/**")
    expect(page.locator("#panel-standing")).to_contain_text("−12 in 30 d")
    page.goto(app.at(SLUG, f"accounts/{dips['corvane']}/?panels=all"))
    expect(page.locator("#panel-changes")).to_contain_text("72.00 −12.00 = 60.00")
    page.locator("#panel-changes").get_by_role("link", name="Between any two days").click()
    page.wait_for_url("**/changes/**")
    expect(page.locator("h1")).to_have_text("What changed")

    parts = table_of(page, "Points of health")
    assert parts == {
        "Days overdue": Decimal("-3.60"),
        "Latest NPS answer": Decimal("-2.40"),
        "Calls and meetings": Decimal("-6.00"),
    }
    stored = [
        each
        for each in scenes("ground.rows", slug=SLUG, statement=SNAPSHOTS)
        if each["account_id"] == dips["corvane"]
    ]
    first, last = (next(each for each in stored if each["as_of"] == dips[day]) for day in ("before", "today"))
    assert sum(parts.values()) == Decimal(last["health"]) - Decimal(first["health"]) == Decimal(-12)
    chance_adds_up(page, first, last)
    only_the_late_feed_is_marked(page, dips)
    each_opens_its_evidence(app, page, dips)
    quiet(page)


def table_of(page, caption):
    """The lines of a split by label; groups, the change and the lines themselves add up."""
    table = page.get_by_role("region", name=f"{caption}: what the change is made of").locator("table")
    lines, groups, total = {}, Decimal(0), None
    for row in table.locator("tr").all()[1:]:
        texts = cells(row)
        if row.locator("th[scope=rowgroup]").count():
            groups += number(texts[-1])
        elif texts[0] == "Change":
            total = number(texts[-1])
        else:
            lines[texts[0].splitlines()[0]] = number(texts[-1])
    assert sum(lines.values()) == groups == total
    return lines


def chance_adds_up(page, first, last):
    """The second table splits the chance, whose ends are those of the database and follow from their stored parts."""
    for each in (first, last):
        logit = each["logit_base"] + sum(each["logit_parts"])
        assert 1 / (1 + math.exp(-logit)) == pytest.approx(float(each["p90"]), abs=1e-6)
    moved = sum(table_of(page, "Points of the chance").values())
    said = [round(100 * Decimal(each["p90"]), 2) for each in (first, last)]
    assert moved == said[1] - said[0]
    assert moved > 0
    expect(page.locator("main")).to_contain_text(f"{said[0]}% {signed(moved)} = {said[1]}%")


def only_the_late_feed_is_marked(page, dips):
    region = page.get_by_role("region", name="Points of health: what the change is made of")
    marked = region.locator("tr").filter(has_text="late on")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("Calls and meetings")
    expect(marked).to_contain_text(f"{LATE} {long_day(dips['today'])}")
    group = region.locator("tbody").filter(has=page.locator("th[scope=rowgroup]", has_text="Missing data"))
    expect(group).to_contain_text("Calls and meetings")
    expect(group).to_contain_text("The source is late")


def each_opens_its_evidence(app, page, dips):
    """The link of each part leads to the rows behind it: the unpaid invoice, the answer, the last meeting."""
    address, today = page.url, date.fromisoformat(dips["today"])
    for label, words, back in (
        ("Days overdue", "overdue", None),
        ("Latest NPS answer", "5", 10),
        ("Calls and meetings", "Review", 35),
    ):
        page.goto(address)
        region = page.get_by_role("region", name="Points of health: what the change is made of")
        region.get_by_role("link", name=label, exact=True).click()
        page.wait_for_url(re.compile(r"/accounts/\d+/\?"))
        first = page.locator("#panel-evidence li").first
        expect(first).to_contain_text(words)
        if back is not None:
            day = today - timedelta(back)
            expect(first).to_contain_text(f"{day.day} {day:%b}")


def test_j2_usage_down_opens_its_days(app, sign_in, dips):
    """A reason "usage down 40%" leads to its days: means, chart and table; another metric takes its place."""
    page = sign_in("csm", to=SLUG)
    page.goto(app.at(SLUG, f"accounts/{dips['brask']}/?panels=all"))
    page.locator("#panel-chance").get_by_role("link", name="Usage down 40%").click()
    page.wait_for_url("**metric=core_events**")
    usage = page.locator("#panel-usage")
    expect(usage).to_be_in_viewport()
    expect(usage.locator("select[name=metric]")).to_have_value("core_events")
    expect(usage).to_contain_text("−40%")
    expect(usage.locator("[data-chart] svg").first).to_be_visible()
    usage.get_by_text("Show as table").click()
    rows = usage.get_by_role("region", name="Core events by day").locator("tbody tr")
    expect(rows).to_have_count(90)
    assert [cells(row)[-1] for row in (rows.nth(29), rows.nth(30))] == ["24", "40"]
    quiet(page)


def test_j2_is_not_for_strangers(app, sign_in, dips):
    """Another CSM finds no such page, and days that are none are told, not guessed."""
    stranger, page = sign_in("csm2", to=SLUG), sign_in("csm", to=SLUG)
    forbidden(stranger, app.at(SLUG, f"accounts/{dips['corvane']}/changes/"), 404)
    text = forbidden(page, app.at(SLUG, f"accounts/{dips['corvane']}/changes/?from=2026-13-40"), 422)
    assert "These days cannot be compared" in text


def test_j4_disagree_until_it_lifts(app, scenes, sign_in, dips):
    """Override Critical to Watch with reason and 30-day expiry; a recalculation keeps it; on day 31 it lifts and the
    CSM is told. The 31st day is reached by setting the override's dates back, and asking for the hourly job now."""
    page, manager = sign_in("csm", to=SLUG), sign_in("manager", to=SLUG)
    account = app.at(SLUG, f"accounts/{dips['brask']}/?panels=all")
    page.goto(account)
    standing = page.locator("#panel-standing")
    expect(standing).to_contain_text("Critical")
    assert number(standing.locator("dd.v").first.inner_text()) == 33
    last = date.fromisoformat(dips["today"]) + timedelta(30)
    too_long_or_without_words_is_refused(page, last)
    disagree(page, last)
    expect(standing).to_contain_text("Override: Watch")
    assert_both_stand(page, account, computed=33)

    scenes("dips.worse_news", account=dips["brask"])
    manager.goto(app.at(SLUG, "scores/"))
    manager.get_by_role("button", name=re.compile("Score now", re.I)).click()
    until(lambda: computed(page, account) == 30, seconds=240, what="the recalculation")
    assert_both_stand(page, account, computed=30)
    page.goto(app.at(SLUG, "notices/"))
    expect(page.locator("main")).to_contain_text("No notices")

    scenes("dips.a_month_passes", account=dips["brask"])
    when_done(scenes, SLUG, scenes("ground.tick", slug=SLUG, kind="scoring.expire_overrides"))
    page.goto(app.at(SLUG, "queue/"))
    expect(page.locator("main")).to_contain_text("Your override of Brask Forge (Watch) ended on")
    page.goto(account)
    expect(standing).not_to_contain_text("Override")
    expect(standing).to_contain_text("Critical")
    manager.goto(app.at(SLUG, "notices/"))
    expect(manager.locator("main")).to_contain_text("No notices")  # whose it was is told, nobody else
    quiet(page, manager, but="422")


def fill(page, *, until_day, note):
    form = page.locator("#panel-override form[action$='/override/']").first
    form.locator("[name=band]").select_option("watch")
    form.locator("[name=reason]").select_option("know_more")
    form.locator("[name=until]").fill(str(until_day))
    form.locator("[name=note]").fill(note)
    with page.expect_response(lambda answer: answer.url.endswith("/override/")) as answered:
        form.get_by_role("button", name="Save override").click()
    return answered.value.status


def too_long_or_without_words_is_refused(page, last):
    assert fill(page, until_day=last + timedelta(1), note="They pay next week.") == 422
    expect(page.locator("#panel-override")).to_contain_text("from today to 30 days ahead")
    assert fill(page, until_day=last, note="") == 422


def disagree(page, last):
    page.goto(page.url)
    until_field = page.locator("#panel-override [name=until]").first
    expect(until_field).to_have_value(str(last))  # 30 days are what is offered
    assert fill(page, until_day=last, note="They pay next week; their director told me.") == 200


def computed(page, account):
    page.goto(account)
    return number(page.locator("#panel-standing dd.v").first.inner_text())


def assert_both_stand(page, account, *, computed):
    """The person's band and the computed number, with reason and words, side by side."""
    page.goto(account)
    panel, standing = page.locator("#panel-override"), page.locator("#panel-standing")
    expect(standing).to_contain_text("Override: Watch")
    expect(standing).to_contain_text("Critical")
    assert number(panel.locator(".field", has_text="Computed").locator(".big").first.inner_text()) == computed
    expect(panel).to_contain_text("Watch")
    expect(panel).to_contain_text("I know something the data does not")
    expect(panel).to_contain_text("their director told me")


def test_j4_is_for_those_who_work_with_the_account(app, sign_in, dips):
    """Executives read overrides and make none, by the form nor by its address."""
    page = sign_in("executive", to=SLUG)
    page.goto(app.at(SLUG, f"accounts/{dips['brask']}/?panels=all"))
    expect(under(page, "Override the score")).to_be_visible()
    expect(page.locator("#panel-override form")).to_have_count(0)
    assert post(page, app.at(SLUG, f"accounts/{dips['brask']}/override/"), band="watch", note="No.") == 403
