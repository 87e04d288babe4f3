"""J21 in a real browser: an admin makes a read-only reviewer for one region, who then tries to get out of it."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import watch
from tests.browser.reading import posted

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE = 90_000
PASSWORD = "a-quiet-harbour-at-dawn"

# what the demo holds: region, name and id of each account, as the database's own command tells it
ACCOUNTS = """
import json
from tenants.models import Tenant
from tenants.scoping import tenant_transaction
from accounts.models import Account
tenant = Tenant.objects.get(slug='demo')
with tenant_transaction(tenant.pk):
    print(json.dumps(list(Account.objects.for_tenant(tenant).values('id', 'name', 'region', 'external_id'))))
"""


def accounts_of(app):
    done = app.manage("shell", "-v", "0", "-c", ACCOUNTS)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_reviewer_of_one_region_stays_in_it(app, sign_in, chromium):
    known = accounts_of(app)
    region = next(each["region"] for each in known if each["region"])
    inside = [each for each in known if each["region"] == region]
    outside = [each for each in known if each["region"] != region]
    assert inside
    assert outside
    link = make_reviewer(app, sign_in("ops_admin"), region)

    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = watch(page)
    page.goto(link)
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    page.get_by_role("button", name="Save password").click()
    page.wait_for_load_state("networkidle")
    if "/login/" in page.url:
        page.fill("input[name=login]", "rae@vendor.example")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
    page.wait_for_url("**/t/demo/**")

    tries_lists(app, page, inside, outside)
    tries_search(app, page, inside, outside)
    tries_addresses(app, page, inside, outside)
    tries_exports_and_changes(app, page)
    context.close()


def make_reviewer(app, admin, region):
    """The admin's People page; the link that it gives once."""
    admin.set_default_timeout(PATIENCE)
    admin.goto(app.url("settings/people/new/"))
    admin.fill("input[name=email]", "rae@vendor.example")
    admin.fill("input[name=name]", "Rae Reviewer")
    admin.select_option("select[name=role]", "reviewer")
    admin.fill("[name=regions]", region)
    admin.get_by_role("button", name="Add", exact=True).click()
    return admin.locator("#invitation-link").input_value()


def tries_lists(app, page, inside, outside):
    names = {each["name"] for each in outside} - {each["name"] for each in inside}
    for path in ("accounts/", "queue/?view=all", "plays/", "scores/"):
        page.goto(app.url(path))
        text = page.locator("main").inner_text()
        assert not [name for name in names if name in text], path
    page.goto(app.url("accounts/"))
    expect(page.locator("main")).to_contain_text(str(len(inside)))
    expect(page.locator("main")).not_to_contain_text(re.compile(rf"of {len(inside) + len(outside)}\b"))
    assert "$" not in page.goto(app.url("queue/?view=all")).text().partition("<main")[2], "no money"


def tries_search(app, page, inside, outside):
    for each in outside[:3]:
        page.goto(app.url(f"search/?q={each['name'].split()[0]}"))
        links = page.eval_on_selector_all(
            "main a[href*='/accounts/']", "all => all.map(each => each.textContent)"
        )
        assert not [text for text in links if each["name"] in text]
    page.goto(app.url(f"search/?q={inside[0]['name']}"))
    expect(page.locator("main")).to_contain_text(inside[0]["name"])


def tries_addresses(app, page, inside, outside):
    """By address: outside looks like what does not exist."""
    nowhere = page.goto(app.url("accounts/999999999/"))
    words = page.locator("main").inner_text()
    assert nowhere.status == 404
    for each in outside[:5]:
        for path in (
            f"accounts/{each['id']}/",
            f"accounts/{each['id']}/panels/people/",
            f"queue/{each['id']}/why/",
        ):
            assert page.goto(app.url(path)).status == 404, path
        page.goto(app.url(f"accounts/{each['id']}/"))
        assert page.locator("main").inner_text() == words
    assert page.goto(app.url(f"accounts/{inside[0]['id']}/?panels=all")).status == 200
    text = page.locator("main").inner_text()
    assert "@" not in text, "no addresses"
    assert "ARR" not in text


def tries_exports_and_changes(app, page):
    """What a form would send, sent without one. It has the token of their pages, so that the role alone refuses it."""
    page.goto(app.url("queue/?view=all"))
    for path in ("queue/export/", "audit/export/", "scores/run/"):
        answer = posted(page, app.url(path), view="all", format="csv")
        assert answer.status == 403, path
        assert "Your role here, Reviewer" in answer.text(), path
    for path in (
        "audit/",
        "imports/",
        "endpoints/",
        "deliveries/",
        "jobs/",
        "settings/people/",
        "approvals/",
    ):
        assert page.goto(app.url(path)).status == 403, path
