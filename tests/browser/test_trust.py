"""J25 on the customers of scenes/truths.py: was the number true, by horizon, and whose overrides came true."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.reading import cells, forbidden, number, post, quiet, under, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG, HORIZONS = "truths", (30, 60, 90)
SAID = """
SELECT account_id, as_of, p30, p60, p90 FROM scoring_health_snapshot WHERE tenant_id = %(tenant)s AND p90 IS NOT NULL
"""
GONE = """
SELECT account_id, (effective_at AT TIME ZONE 'UTC')::date AS day FROM accounts_outcome
WHERE tenant_id = %(tenant)s AND kind = 'churned'
"""
OVERRIDES = """
SELECT o.account_id, o.author_label, o.health, o.model_health, (o.created_at AT TIME ZONE 'UTC')::date AS day
FROM scoring_override o WHERE o.tenant_id = %(tenant)s
"""


class Judged:
    """The first scoring of each month whose window is over on the last known day, and who left within it."""

    def __init__(self, scenes, known):
        self.known = date.fromisoformat(known)
        self.gone = {each["account_id"]: date.fromisoformat(each["day"]) for each in rows(scenes, GONE)}
        self.said = [each | {"day": date.fromisoformat(each["as_of"])} for each in rows(scenes, SAID)]
        self.overrides = [each | {"day": date.fromisoformat(each["day"])} for each in rows(scenes, OVERRIDES)]
        months = {}
        for each in self.said:
            month = (each["day"].year, each["day"].month)
            months[month] = min(months.get(month, each["day"]), each["day"])
        self.days = set(months.values())

    def left(self, account, day, horizon):
        gone = self.gone.get(account)
        return gone is not None and day <= gone < day + timedelta(horizon)

    def pairs(self, horizon):
        """(chance, left) of every closed row."""
        return [
            (float(each[f"p{horizon}"]), self.left(each["account_id"], each["day"], horizon))
            for each in self.said
            if each["day"] in self.days and each["day"] + timedelta(horizon) <= self.known
        ]

    def brier(self, horizon):
        found = self.pairs(horizon)
        return sum((p - left) ** 2 for p, left in found) / len(found)


def half_up(value, step):
    """As figures are written: a five rounds up."""
    return Decimal(f"{value:.9f}").quantize(Decimal(step), ROUND_HALF_UP)


def rows(scenes, statement):
    return scenes("ground.rows", slug=SLUG, statement=statement)


@pytest.fixture(scope="module")
def truths(app, scenes):
    return Judged(scenes, scenes("truths.build")["known"])


def test_j25_reliability_error_by_horizon_and_who_overrides_well(app, sign_in, truths):
    """Before anything is worked out the page says so; then the executive reads diagram, errors and overrides."""
    page, manager = sign_in("executive", to=SLUG), sign_in("manager", to=SLUG)
    address = app.at(SLUG, "models/quality/")
    page.goto(address)
    expect(page.locator("main")).to_contain_text("Not worked out yet")
    expect(page.get_by_role("button", name="Work out now")).to_have_count(0)
    assert post(page, f"{address}run/") == 403
    manager.goto(address)
    manager.get_by_role("button", name="Work out now").click()
    until(lambda: worked_out(page, address), seconds=180, what="the figures")

    errors = [error_of(page, truths, horizon) for horizon in HORIZONS]
    assert len(set(errors)) == len(errors), "each horizon has its own"
    diagram_is_that_of_the_rows(page, truths)
    overrides_are_judged(page, truths)
    assert page.locator("main").inner_text().lower().replace("missed because", "").count("because") == 0
    quiet(page, manager, but="403")


def worked_out(page, address):
    page.goto(address)
    return page.get_by_role("heading", name="Said and happened").count()


def error_of(page, truths, horizon):
    """The horizon is chosen as a person does; n, leavers and Brier score are those of the closed rows."""
    page.get_by_label("Horizon").select_option(str(horizon))
    with page.expect_navigation():
        page.get_by_role("button", name="Show", exact=True).click()
    found = truths.pairs(horizon)
    table = {
        cells(row)[0]: cells(row)[1:]
        for row in under(page, "How good the chances are").locator("tbody tr").all()
    }
    brier, error = table["Brier score"][0], table["Calibration error"][0]
    assert number(brier) == half_up(truths.brier(horizon), "0.01")
    assert f"n {len(found)}, {sum(left for _, left in found)} left" in brier
    assert f"n {len(found)}" in error
    return error.splitlines()[0]


def diagram_is_that_of_the_rows(page, truths):
    """At 90 days: drawn, and its table has each bin's count, what was said of it and what happened."""
    panel = under(page, "Said and happened")
    expect(panel.locator("[data-chart=reliability-chart] .lines path").first).to_be_attached()
    panel.get_by_text("Show as table").click()
    drawn = [cells(row) for row in panel.get_by_role("region", name="As observed").locator("tbody tr").all()]
    groups = {}
    for p, left in truths.pairs(90):
        groups.setdefault(p, []).append(left)
    assert len(drawn) == len(groups) == 2
    for line, (p, left) in zip(drawn, sorted(groups.items()), strict=True):
        said, happened, _, events, expected, n = line
        assert number(said) == half_up(100 * p, "0.1")
        assert number(happened) == half_up(100 * sum(left) / len(left), "0.1")
        assert (number(events), number(n.splitlines()[0])) == (sum(left), len(left))
        assert float(number(expected)) == pytest.approx(p * len(left), abs=0.05)


def overrides_are_judged(page, truths):
    """Of each person: how many left, how many the model expected, and who was nearer; one knew, one did not."""
    panel = under(page, "Who overrides well")
    verdicts = {}
    for person in ("csm truths", "csm2 truths"):
        row = panel.locator("tr").filter(has=page.locator("th", has_text=person)).first
        name, _, left, expected, verdict = cells(row)
        mine = [each for each in truths.overrides if each["author_label"] == author(truths, name)]
        gone = sum(truths.left(each["account_id"], each["day"], 90) for each in mine)
        assert f"{gone} of {len(mine)}" in left
        assert float(number(expected)) == pytest.approx(sum(chance(truths, each) for each in mine), abs=0.05)
        verdicts[person] = verdict
    assert verdicts == {"csm truths": "Knew better than the model", "csm2 truths": "The model was nearer"}


def author(truths, name):
    """The label of the author whose name stands in the first line of the cell."""
    return next(
        each["author_label"] for each in truths.overrides if name.splitlines()[0] in each["author_label"]
    )


def chance(truths, override):
    """What was said of the account on the day of the override, or last before it."""
    mine = [
        each
        for each in truths.said
        if each["account_id"] == override["account_id"] and each["day"] <= override["day"]
    ]
    return float(max(mine, key=lambda each: each["day"])["p90"])


def test_j25_is_not_for_csms(app, sign_in, truths):
    page = sign_in("csm", to=SLUG)
    assert "overrides" not in forbidden(page, app.at(SLUG, "models/quality/")).lower()
