"""J19 on the customers of scenes/feeds.py: usage falls silent, what would begin by itself waits, and goes on once."""

import re
import zipfile
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.reading import forbidden, quiet, under, until, when_done
from tests.browser.scenes.feeds import SILENT, TRACKED, UNTRACKED
from tests.browser.test_loop import upload

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG = "feeds"
TROUBLED = sorted({*TRACKED, UNTRACKED} - {"Lark Foods"})  # those with open escalations
RESUME = "playbooks.resume_held"


@pytest.fixture(scope="module")
def feeds(scenes):
    return scenes("feeds.build")


def test_j19_a_late_feed_pauses_and_resumes_once(app, scenes, sign_in, feeds, tmp_path):
    """A feed is late: banner, paused automations, affected accounts. It is mended; they go on without doubles."""
    page, csm = sign_in("ops_admin", to=SLUG), sign_in("csm", to=SLUG)
    score_now(app, page)
    until(lambda: scenes("feeds.standing")["waiting"], seconds=240, what="triggers wait")
    the_banner_is_on_every_page(app, page, csm)
    what_waits_is_listed(app, scenes, page)
    affected_accounts_are_marked(app, scenes, csm, feeds)
    nothing_is_suggested(app, scenes, csm)
    when_done(scenes, SLUG, scenes("ground.tick", slug=SLUG, kind=RESUME))
    nothing_is_suggested(app, scenes, csm)  # not even when the schedule asks

    bundle = tmp_path / "usage.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        lines = [",".join(map(str, line)) for line in scenes("feeds.missing_usage")]
        archive.writestr(
            "usage_daily.csv", "\n".join(["account_external_id,date,active_users", *lines]) + "\n"
        )
    assert "Landed" in upload(Tenant(app), page, bundle)
    score_now(app, page)
    for _ in range(2):  # the schedule asks again and again, every five minutes
        when_done(scenes, SLUG, scenes("ground.tick", slug=SLUG, kind=RESUME))
    until(
        lambda: "Automations are paused" not in seen(page, app.at(SLUG, "scores/")),
        seconds=120,
        what="it is back",
    )
    everything_went_on_once(app, scenes, page, csm)
    quiet(page, csm)


class Tenant:
    """What the upload of another test needs to know: the addresses of this tenant."""

    def __init__(self, app):
        self.url = lambda path: app.at(SLUG, path)


def seen(page, address):
    page.goto(address)
    return page.locator("body").inner_text()


def score_now(app, page):
    page.goto(app.at(SLUG, "scores/"))
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name=re.compile("Score now", re.I)).click()
    page.locator("section.progress", has_text="Done").wait_for(timeout=180_000)


def the_banner_is_on_every_page(app, page, csm):
    """Whoever works with figures is told; only those who may look get the link to what waits."""
    for person, path in ((page, "scores/"), (page, "accounts/"), (csm, "queue/"), (csm, "plays/")):
        text = seen(person, app.at(SLUG, path))
        assert "Automations are paused." in text, path
        assert "Product usage late" in text, path
    expect(csm.get_by_role("link", name="See what waits")).to_have_count(0)
    page.goto(app.at(SLUG, "scores/"))
    expect(under(page, "Sources").locator("li", has_text="Product usage")).to_contain_text("late, newest")


def what_waits_is_listed(app, scenes, page):
    page.goto(app.at(SLUG, "scores/"))
    page.get_by_role("link", name="See what waits").first.click()
    expect(page.locator("h1")).to_have_text("Paused automations")
    main = page.locator("main")
    expect(main).to_contain_text("Product usage: late, newest of")
    stored = scenes("feeds.standing")["waiting"]
    assert set(TROUBLED) <= set(stored)
    assert sorted(main.locator("li a[href*='/accounts/']").all_inner_texts()) == stored
    expect(main).to_contain_text(f"{len(stored)} accounts that you may see wait")


def affected_accounts_are_marked(app, scenes, csm, feeds):
    """The notice leads to the list of those that do without the late source; each says so, indicator by indicator."""
    csm.goto(app.at(SLUG, "queue/"))
    csm.get_by_role("link", name="See affected accounts").first.click()
    expect(csm.locator("h1")).to_have_text("Accounts with late data")
    expect(csm.locator("main")).to_contain_text("Product usage: late, newest")
    listed = csm.locator("main a.acct").all_inner_texts()
    assert sorted(listed) == sorted(TRACKED)  # and not who never sent it
    csm.goto(app.at(SLUG, f"accounts/{feeds['Tern Airways']}/?panels=all"))
    expect(csm.locator("#panel-health")).to_contain_text("The source is late")
    since = date.fromisoformat(scenes("ground.newest_day", slug=SLUG)) - timedelta(SILENT - 1)
    csm.goto(app.at(SLUG, f"accounts/{feeds['Tern Airways']}/changes/?from={since}"))
    lost = csm.get_by_role("region", name="Points of health: what the change is made of").locator("tr")
    expect(lost.filter(has_text="Product usage: late on")).to_have_count(1)


def nothing_is_suggested(app, scenes, csm):
    found = scenes("feeds.standing")
    assert (found["recommended"], found["open"]) == ([], [])
    csm.goto(app.at(SLUG, "queue/"))
    expect(csm.locator("tr.item")).to_have_count(0)


def everything_went_on_once(app, scenes, page, csm):
    """One suggestion an account in the queue, in the table and in the event log; nothing waits, no banner is left."""
    until(lambda: scenes("feeds.standing")["open"] == TROUBLED, seconds=240, what="the suggestions")
    found = scenes("feeds.standing")
    assert found["recommended"] == TROUBLED
    assert found["waiting"] == []
    assert [UNTRACKED, "resumed"] in found["ended"]
    assert ["Tern Airways", "overtaken"] in found["ended"]
    csm.goto(app.at(SLUG, "queue/"))
    assert sorted(csm.locator("tr.item a.acct").all_inner_texts()) == TROUBLED
    expect(csm.locator("main")).not_to_contain_text("Automations are paused")
    page.goto(app.at(SLUG, "models/paused/"))
    expect(page.locator("main")).to_contain_text("Nothing is paused")
    expect(page.locator("main li a[href*='/accounts/']")).to_have_count(0)


def test_j19_the_list_is_not_for_csms(app, sign_in, feeds):
    forbidden(sign_in("csm", to=SLUG), app.at(SLUG, "models/paused/"))
