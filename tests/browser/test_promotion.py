"""J18 on the versions of scenes/candidates.py: a candidate in the shadow earns what it may do.

The product has nine gates of automation where the scenario speaks of four; all of them are computed by the nightly
check, asked for by its button, from rows. Time passes by the rows of later days.
"""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from tests.browser.reading import cells, forbidden, post, quiet, under, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG = "candidates"
GATES = """
SELECT model_id, as_of, key, passed FROM scoring_modelgate WHERE tenant_id = %(tenant)s AND key <> 'own_chance'
"""
STATES = "SELECT id, state FROM scoring_churnmodel WHERE tenant_id = %(tenant)s"
WATCHED = re.compile(r"Watched without acting by itself: 0\.\d+ months, at least 3 months needed")


@pytest.fixture(scope="module")
def versions(scenes):
    return scenes("candidates.build")


def test_j18_a_candidate_is_refused_and_later_allowed(app, scenes, sign_in, versions):
    """Candidate in shadow; gates show some met; automatic is refused with the reason; later it is allowed."""
    page, candidate = sign_in("ops_admin", to=SLUG), versions["candidate"]
    version = app.at(SLUG, f"models/{candidate}/")
    page.goto(app.at(SLUG, "models/"))
    row = page.locator("tr").filter(has=page.get_by_role("link", name="churn v2", exact=True))
    expect(row).to_contain_text("Shadow")
    check_gates(page)
    until(lambda: gates(page, version), seconds=240, what="the gates were checked")
    met = gates(page, version)
    assert met == {"Sources fresh", "Better than the base rate"}
    assert_gates_are_those_of_the_database(page, scenes, candidate, met)
    expect(under(page, "Gates of automation")).to_contain_text(WATCHED)

    expect(page.get_by_role("link", name="Promote to automatic")).to_have_count(0)
    page.goto(f"{version}automatic/")
    expect(page.get_by_role("alert")).to_contain_text(
        "churn v2 is shadow: “Promote to automatic” is not for it"
    )
    take(page, version, "advisory", "It ranks as well as the one in force and is better calibrated.")
    until(lambda: state(page, version) == "Advisory", seconds=120, what="the promotion")
    assert states(scenes) == {versions["standing"]: "retired", candidate: "advisory"}

    refused_with_its_reason(page, version)
    assert states(scenes)[candidate] == "advisory"
    later = scenes("candidates.months_later", candidate=candidate)
    page.goto(f"{version}automatic/")
    expect(page.get_by_role("alert")).to_contain_text(
        "Check them again"
    )  # gates of an older day allow nothing
    page.goto(app.at(SLUG, "models/"))
    check_gates(page)
    day = date.fromisoformat(later["as_of"])
    until(
        lambda: f"{day.day} {day:%b %Y}" in gates_head(page, version),
        seconds=120,
        what="gates of the later day",
    )
    assert len(gates(page, version)) == 9, gates_head(page, version)
    assert_gates_are_those_of_the_database(page, scenes, candidate, gates(page, version))
    take(page, version, "automatic", "All gates are met.")
    until(lambda: state(page, version) == "Automatic", seconds=120, what="the promotion")
    assert states(scenes)[candidate] == "automatic"
    the_reasons_are_on_record(app, page)
    quiet(page, but="422")


def check_gates(page):
    """Ask for the nightly check now."""
    with page.expect_response(lambda answer: answer.url.endswith("/models/check/")) as answered:
        page.get_by_role("button", name="Check gates").click()
    assert answered.value.status == 200


def gates_head(page, version):
    page.goto(version)
    return under(page, "Gates of automation").inner_text()


def gates(page, version):
    """The labels of the gates that are met; nothing while none was checked."""
    page.goto(version)
    rows = [cells(row) for row in under(page, "Gates of automation").locator("tbody tr").all()]
    return {label for label, _, met in rows if met == "Met"}


def assert_gates_are_those_of_the_database(page, scenes, candidate, met):
    """The count in the head is that of the newest day's rows."""
    stored = [
        each for each in scenes("ground.rows", slug=SLUG, statement=GATES) if each["model_id"] == candidate
    ]
    newest = [each for each in stored if each["as_of"] == max(each["as_of"] for each in stored)]
    assert sum(each["passed"] for each in newest) == len(met)
    expect(under(page, "Gates of automation")).to_contain_text(f"{len(met)} of {len(newest)} met")


def state(page, version):
    page.goto(version)
    return page.locator("header.head .tag").first.inner_text().strip()


def states(scenes):
    return {each["id"]: each["state"] for each in scenes("ground.rows", slug=SLUG, statement=STATES)}


def take(page, version, step, why):
    page.goto(f"{version}{step}/")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.fill("#why", why)
    with page.expect_navigation():
        page.locator("form.panel button.main").click()


def refused_with_its_reason(page, version):
    """The page says so before anybody asks, and again to whoever asks all the same."""
    page.goto(f"{version}automatic/")
    for _ in range(2):
        expect(page.get_by_role("alert")).to_contain_text("Refused: 2 of 9 gates met")
        expect(page.get_by_role("alert")).to_contain_text(WATCHED)
        page.fill("#why", "We cannot wait.")
        with page.expect_navigation():
            page.locator("form.panel button.main").click()
    expect(page).to_have_title("Refused: Promote to automatic, churn v2 · Holdfast")


def the_reasons_are_on_record(app, page):
    page.goto(app.at(SLUG, "audit/"))
    expect(page.locator("main")).to_contain_text("All gates are met.")
    expect(page.locator("main")).not_to_contain_text("We cannot wait.")


@pytest.mark.parametrize("role", ["manager", "executive"])
def test_j18_others_look_and_change_nothing(app, scenes, sign_in, versions, role):
    page, before = sign_in(role, to=SLUG), states(scenes)
    version = app.at(SLUG, f"models/{versions['candidate']}/")
    page.goto(version)
    expect(under(page, "Gates of automation")).to_be_visible()
    expect(page.locator("header.head a.btn")).to_have_count(0)
    for step in ("advisory", "automatic", "take_back"):
        assert post(page, f"{version}{step}/", why="Now.", row_version="1") == 403
        forbidden(page, f"{version}{step}/")
        page.goto(version)
    assert states(scenes) == before


def test_j18_a_csm_does_not_see_the_versions(app, sign_in, versions):
    forbidden(sign_in("csm", to=SLUG), app.at(SLUG, f"models/{versions['candidate']}/"))
