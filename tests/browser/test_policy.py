"""J16 on the customers of scenes/cards.py: a scorecard is built, replayed, published, marked in the chart, rolled back.

Every figure is worked out by hand, in the scene's table for health and here for the replay. Scored eight times, 28 days
apart; a flag goes up at the second flagged scoring, day 28. Aster left on day 117, Bryony on day 94.

| | in force | draft |
| flagged all the time | Bryony, Clover | Aster, Bryony, Erica |
| warning | Aster 0, Bryony 94 - 28 = 66 | Aster 117 - 28 = 89, Bryony 66 |
| caught, of those seen 30 days before | 1 of 2 | 2 of 2 |
| nobody left within 90 days, of flags raised 90 days ago or more | Clover: 1 of 2 | Erica: 1 of 3 |
| a CSM and week, of 2 CSMs and 7 x 28 / 7 = 28 weeks | 2 / 56 = 0.04 | 3 / 56 = 0.05 |
"""

import json
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.reading import cells, forbidden, post, quiet, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG, FIRST, SECOND = "cards", "all segments v1", "all segments v2"
IN_FORCE = {"Clover": ("0.00", "critical"), "Dahlia": ("96.00", "healthy"), "Erica": ("100.00", "healthy")}
DRAFT = {"Clover": ("65.00", "watch"), "Dahlia": ("97.00", "healthy"), "Erica": ("35.00", "at_risk")}
STANDING = """
SELECT a.name, h.as_of, h.health, h.band, h.policy_version
FROM scoring_accounthealth h JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
WHERE h.tenant_id = %(tenant)s AND a.name IN ('Clover', 'Dahlia', 'Erica')
"""


@pytest.fixture(scope="module")
def cards(scenes):
    return scenes("cards.build")


def test_j16_build_replay_publish_mark_and_roll_back(app, scenes, sign_in, cards):
    """Add measures, weights to 100, bands, missing-data rule; replay 12 months; publish as version 2; charts mark the
    change; roll back."""
    newest = date.fromisoformat(cards["days"][-1])
    following = newest + timedelta(1)
    assert standing(scenes) == (IN_FORCE, "all v1", newest)
    page = sign_in("ops_admin", to=SLUG)
    open_version(app, page, FIRST)
    click(page, "New draft from this version")
    expect(page.locator("h1")).to_have_text(SECOND)
    address = page.url
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    build(page)
    was_saved(page)
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)

    click(page, "Preview")
    until(lambda: is_replayed(page, address), seconds=240, what="the draft was replayed")
    what_would_change(page)
    what_would_have_been(page)
    compare_versions(page, address)
    assert standing(scenes) == (IN_FORCE, "all v1", newest), "nothing counts before it is published"

    click(page, "Publish")
    expect(page.locator("header.head")).to_contain_text("In force")
    until(lambda: standing(scenes) == (DRAFT, "all v2", newest), seconds=240, what="scores follow the draft")
    marks(app, page, cards, [(newest, "all v2")])
    points(
        page,
        [
            (newest, "65.00", "Watch", "all v2"),
            (date.fromisoformat(cards["days"][-2]), "0.00", "Critical", "all v1"),
        ],
    )

    scenes("cards.a_day_passes", account=cards["Dahlia"])
    open_version(app, page, FIRST)
    click(page, "Roll back to this version")
    expect(page.locator("header.head")).to_contain_text("In force")
    until(
        lambda: standing(scenes) == (IN_FORCE, "all v1", following),
        seconds=240,
        what="the old health is back",
    )
    marks(app, page, cards, [(newest, "all v2"), (following, "all v1")])
    points(page, [(following, "0.00", "Critical", "all v1"), (newest, "65.00", "Watch", "all v2")])
    versions_and_log(app, page)
    quiet(page)


def standing(scenes):
    """(health and band by name, the version they were computed with, of which day), as stored."""
    rows = scenes("ground.rows", slug=SLUG, statement=STANDING)
    (version,) = {each["policy_version"] for each in rows}
    (day,) = {each["as_of"] for each in rows}
    return {each["name"]: (each["health"], each["band"]) for each in rows}, version, date.fromisoformat(day)


def open_version(app, page, name):
    page.goto(app.at(SLUG, "scores/policies/"))
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text(name)


def click(page, name):
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


# --- the form ---------------------------------------------------------------------------------------


def build(page):
    """A third measure, weights that first total 105, bands that first fall, a curve that is none."""
    page.get_by_role("link", name="Edit draft").click()
    total = page.locator("#weights-total")
    expect(total).to_have_text("Weights total 100.")
    weigh(page, "Days overdue", "25")
    weigh(page, "Latest NPS answer", "30")
    expect(total).to_have_text("Weights total 55, not 100: add 45.")
    meetings = measure(page, "Calls and meetings")
    meetings.locator("input[name$=-enabled]").check()
    weigh(page, "Calls and meetings", "50")
    expect(total).to_have_text("Weights total 105, not 100: take away 5.")
    meetings.locator("input[name$=-curve]").fill("0:0, 5:100")
    for name, value in (("at_risk_from", "35"), ("watch_from", "65"), ("healthy_from", "60")):
        page.fill(f"[name={name}]", value)
    page.select_option("[name=missing_rule]", "neutral")
    click(page, "Save")
    expect(page.locator("body")).to_contain_text("The bands must rise from 0 to 100")
    page.fill("[name=healthy_from]", "80")
    click(page, "Save")
    expect(page.locator("body")).to_contain_text("The weights total 105, not 100: take away 5.")
    weigh(page, "Days overdue", "20")
    expect(total).to_have_text("Weights total 100.")
    click(page, "Save")


def measure(page, label):
    """The line of an indicator in the form."""
    return page.locator("tr.form-row").filter(
        has=page.locator("td.field-about").get_by_text(f"{label} (", exact=False)
    )


def weigh(page, label, weight):
    measure(page, label).locator("input[name$=-weight]").fill(weight)


def was_saved(page):
    """The version's page says what was typed."""
    bands = dict(
        zip(*(page.locator(f"main dl.kv {each}").all_inner_texts() for each in ("dt", "dd")), strict=True)
    )
    assert {name.strip(): words for name, words in bands.items()} == {
        "Critical": "0 to under 35",
        "At risk": "35 to under 65",
        "Watch": "65 to under 80",
        "Healthy": "80 to 100",
        "Missing data": "Count it as 50 points. Under 50% of the weight known: no health.",
    }
    lines = [
        cells(row) for row in page.get_by_role("region", name="Table of indicators").locator("tbody tr").all()
    ]
    assert {line[0].splitlines()[0]: line[2:] for line in lines if line[2] != "off"} == {
        "Days overdue": ["20.0", "0.0: 100, 100.0: 0"],
        "Latest NPS answer": ["30.0", "0.0: 0, 10.0: 100"],
        "Calls and meetings": ["50.0", "0.0: 0, 5.0: 100"],
    }


# --- the preview ------------------------------------------------------------------------------------


def is_replayed(page, address):
    page.goto(address)
    return page.get_by_text("Churn caught").count()


def what_would_change(page):
    """Of the three that are customers on the newest day."""
    preview = page.locator("#preview")
    expect(preview).to_contain_text("2 of 3 accounts would change their band.")
    bands = page.get_by_role("region", name="Accounts by band, now and after").locator("tbody tr")
    assert [cells(row) for row in bands.all()] == [
        ["Critical", "1", "0"],
        ["At risk", "0", "1"],
        ["Watch", "0", "1"],
        ["Healthy", "2", "1"],
        ["— No data", "0", "0"],
    ]
    moves = preview.locator("ul.lines").first.locator("li")
    assert [words(each) for each in moves.all()] == [
        "Clover 0 Critical → 65 Watch",
        "Erica 100 Healthy → 35 At risk",
    ]


def what_would_have_been(page):
    """The replay's table and lists, against the figures above."""
    region = page.get_by_role("region", name="The last 12 months, in force and proposed")
    table = {cells(row)[0].splitlines()[0]: cells(row)[1:] for row in region.locator("tbody tr").all()}
    expected = {
        "Churn caught": (["50%", "1 of 2"], ["100%", "2 of 2"]),
        "Caught 60 days before": (["50%", "1 of 2", "33 days"], ["100%", "2 of 2", "78 days"]),
        "False alarms": (["50%", "1 of 2"], ["33%", "1 of 3"]),
        "Alerts per CSM and week": (["0.04", "2 in all"], ["0.05", "3 in all"]),
        "ARR of churn caught": (["$50k", "$100k missed"], ["$150k", "$0 missed"]),
        "ARR of false alarms": (["$80k"], ["$20k"]),
    }
    assert table.keys() == expected.keys()
    for name, columns in expected.items():
        for said, parts in zip(table[name], columns, strict=True):
            assert all(part in said for part in parts), f"{name}: {said}"
    preview = page.locator("#preview")
    expect(preview).to_contain_text("8 scored days")
    expect(preview).to_contain_text("5 accounts, 2 that left, 2 CSMs")
    expect(preview).to_contain_text("1 that left would be caught and are missed now; 0 would be missed")
    lists = [
        [words(each) for each in one.locator("li").all()] for one in preview.locator("ul.lines").all()[1:]
    ]
    (aster, bryony), (newly,), (cleared,) = lists
    assert aster.startswith("Aster")
    assert aster.endswith("0 → 89 days Caught")
    assert bryony.startswith("Bryony")
    assert bryony.endswith("66 → 66 days")
    assert (newly, cleared) == ("Erica $20k", "Clover $80k")


def words(item):
    return " ".join(item.inner_text().split())


def compare_versions(page, address):
    page.get_by_role("link", name="Compare versions").click()
    expect(page.locator("h1")).to_have_text(f"{FIRST} → {SECOND}")
    settings = zip(
        *(page.locator(f"main dl.kv {each}").all_inner_texts() for each in ("dt", "dd")), strict=True
    )
    assert dict(settings) == {
        "At risk from": "40 → 35",
        "Watch from": "60 → 65",
        "Healthy from": "75 → 80",
        "Missing data": "Leave it out and share its weight among the others → Count it as 50 points",
    }
    rows = page.get_by_role("region", name="Indicators that differ").locator("tbody tr")
    assert {tuple(cells(row)) for row in rows.all()} == {
        ("Days overdue", "Weight", "60", "20"),
        ("Latest NPS answer", "Weight", "40", "30"),
        ("Calls and meetings", "Weight", "0", "50"),
        ("Calls and meetings", "Curve", "—", "0: 0, 5: 100"),
        ("Calls and meetings", "Window", "—", "usual"),
    }
    page.goto(address)


# --- the chart --------------------------------------------------------------------------------------


def marks(app, page, cards, expected):
    """The chart of Clover has a dotted line and a label on each day from which another version counts, and no other."""
    page.goto(app.at(SLUG, f"accounts/{cards['Clover']}/?panels=all"))
    panel = page.locator("#panel-history")
    drawn = panel.locator("[data-chart] svg .annotation-text")
    expect(drawn).to_have_count(len(expected))
    assert drawn.all_text_contents() == [f"Policy {version}" for _, version in expected]
    layout = json.loads(page.locator("#history-chart").text_content())["layout"]
    days = [str(day) for day, _ in expected]
    assert [each["x"] for each in layout["annotations"]] == days
    assert [each["x0"] for each in layout["shapes"] if each["line"].get("dash") == "dot"] == days
    for _, version in expected:
        expect(panel).to_contain_text(f"Policy {version} counts since")


def points(page, expected):
    """The newest points of the table behind the chart; the tile above says the first one."""
    panel = page.locator("#panel-history")
    panel.get_by_text("Show as table").click()
    rows = panel.get_by_role("region", name="Health by day").locator("tbody tr")
    for at, (day, *rest) in enumerate(expected):
        said = cells(rows.nth(at))
        assert said[0].startswith(f"{day.day} {day:%b}")
        assert said[1:] == rest
    health, band = (expected[0][1].split(".")[0], expected[0][2])
    tile = page.locator("#panel-standing > div").first
    assert tile.locator("dd.v").inner_text().split()[0] == health
    expect(tile).to_contain_text(band)


def versions_and_log(app, page):
    page.goto(app.at(SLUG, "scores/policies/"))
    table = page.get_by_role("region", name="Table of versions").locator("tbody tr")
    assert {cells(row)[0]: cells(row)[1] for row in table.all()} == {FIRST: "In force", SECOND: "Retired"}
    page.goto(app.at(SLUG, "audit/?verb=scoring.policy_rolled_back"))
    expect(page.locator("main")).to_contain_text("ops_admin cards")


def test_j16_is_not_for_managers(app, sign_in, cards):
    page = sign_in("manager", to=SLUG)
    address = app.at(SLUG, "scores/policies/")
    assert "operations admin" in forbidden(page, address).lower()
    for step in ("draft", "publish", "rollback"):
        assert post(page, f"{address}1/{step}/") == 403
