"""Every page, light and dark, wide and narrow: axe finds nothing, the browser complains of nothing, nothing spills."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SHAPES = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = {
    "csm": [
        "queue/", "queue/?view=all", "queue/?view=snoozed", "accounts/", "search/?q=a", "plays/",
        "approvals/", "scores/",
    ],
    "manager": ["queue/", "approvals/", "audit/", "scores/"],
    "ops_admin": [
        "imports/", "scores/", "scores/policies/", "settings/people/", "endpoints/", "deliveries/", "jobs/",
    ],
    "executive": ["queue/?view=all", "accounts/", "models/quality/"],
    "auditor": ["audit/"],
}  # fmt: skip


def violations(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=AXE).response["violations"]
    return [
        f"{each['id']}: {each['help']} {[node['target'] for node in each['nodes'][:3]]}" for each in found
    ]


@pytest.mark.parametrize(("theme", "width"), SHAPES, ids=lambda value: str(value))
@pytest.mark.parametrize("role", PAGES)
def test_pages_are_sound(app, sign_in, role, theme, width):
    page = sign_in(role, color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    faults = []
    for path in [*PAGES[role], *linked(app, page, role)]:
        answer = page.goto(app.url(path) if not path.startswith("/") else f"{app.base}{path}")
        page.wait_for_load_state("networkidle")
        if answer.status != 200:
            faults.append(f"{path}: {answer.status}")
            continue
        faults += [f"{path}: {each}" for each in violations(page)]
        across = page.evaluate("document.documentElement.scrollWidth")
        if across > width:
            faults.append(f"{path}: {across} pixels wide")
    assert faults == []
    assert page.problems == []


def linked(app, page, role) -> list[str]:
    """Pages of single things, found where a person finds them: an account, a play, a policy."""
    where = {"csm": [("accounts/", "/accounts/")], "ops_admin": [("scores/policies/", "/policies/")]}.get(
        role, []
    )
    found = []
    for start, part in where:
        page.goto(app.url(start))
        hrefs = page.eval_on_selector_all(
            "main a[href]", "links => links.map(link => link.getAttribute('href'))"
        )
        one = next((href for href in hrefs if re.search(rf"{part}\d+/$", href)), None)
        assert one, f"no link to a {part} page on {start}"
        found += [one, f"{one}?panels=all"] if part == "/accounts/" else [one]
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/auth/login/", "/auth/password/reset/", "/nowhere/"])
def test_pages_without_a_person_are_sound(app, chromium, path, theme):
    context = chromium.new_context(color_scheme=theme, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{app.base}{path}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_an_admin_enters_a_bad_total_mends_it_previews_publishes_and_rolls_back(app, sign_in):
    page = sign_in("ops_admin")
    page.goto(app.url("scores/policies/"))
    page.get_by_role("link", name="all segments v1").click()
    page.get_by_role("button", name="New draft from this version").click()
    page.get_by_role("link", name="Edit draft").click()
    weights = page.locator("input[name$='-weight']")
    first, second = (float(weights.nth(at).input_value()) for at in (0, 1))
    weights.nth(0).fill(str(first + 5))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("total 105, not 100: take away 5")
    weights.nth(1).fill(str(second - 5))
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/scores/policies/*/")
    with page.expect_navigation():
        page.get_by_role("button", name="Preview").click()
    address = page.url
    for _ in range(120):
        page.goto(address)
        if page.get_by_role("button", name="Publish").count():
            break
        page.wait_for_timeout(500)
    expect(page.locator("#preview")).to_contain_text("accounts would change their band")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("header.head")).to_contain_text("In force")
    page.goto(app.url("scores/policies/"))
    page.get_by_role("link", name="all segments v1").click()
    page.get_by_role("button", name="Roll back to this version").click()
    expect(page.locator("header.head")).to_contain_text("In force")
    assert page.problems == []
