"""The loop of the product, by three people in three browsers: J1, J3 (as far as it goes), J4, J9, J29."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def until(check, seconds=60, what=""):
    """Wait for something outside of the browser, such as the receiver's ledger."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.25)
    raise AssertionError(f"not within {seconds} s: {what}")


def quiet(*pages):
    for page in pages:
        assert page.problems == [], page.problems


def test_a_save_play_from_queue_to_writeback_to_audit(app, sign_in):
    csm, manager = sign_in("csm"), sign_in("manager")
    name, play_url = accept_the_first(app, csm)
    assert name not in csm_queue_names(app, csm)

    ref = ask_for_a_concession(csm, play_url)
    assert csm.locator("body").inner_text().count("Waiting for approval") >= 1
    # nobody answers their own request: the one who asked has no form
    csm.goto(app.url(f"approvals/{ref}/"))
    expect(csm.get_by_role("button", name="Send answer")).to_have_count(0)

    before = len(app.ledger())
    approve(app, manager, ref, name)
    line = until(
        lambda: [each for each in app.ledger()[before:] if "took" in each], what="the receiver took the write"
    )
    assert "concession" in line[0]

    csm.goto(play_url)
    until(lambda: "Done" in reload(csm).locator(f"#ask-{step_of(csm)}").inner_text(), what="the step is done")
    assert_every_step_is_in_the_log(app, sign_in("auditor"), ref)
    quiet(csm, manager)


def accept_the_first(app, page):
    """J1: the queue in order of priority, the first account with its reasons; accept it and open its play."""
    page.goto(app.url("queue/"))
    first = page.locator("tr.item").first
    name = first.locator("a.acct").inner_text()
    expect(first.locator(".why li").first).to_be_visible()
    with page.expect_response(lambda answer: "/accept/" in answer.url and answer.status == 200):
        first.get_by_role("button", name=re.compile("^Accept")).click()
    expect(page.locator("#toasts")).to_contain_text(name)
    page.goto(app.url("plays/"))
    page.get_by_role("link", name=name).first.wait_for()
    link = page.locator("a[href*='/plays/']").filter(has_text=name)
    href = (
        link if link.count() else page.locator("tr, li").filter(has_text=name).locator("a[href*='/plays/']")
    ).first
    play_url = f"{app.base}{href.get_attribute('href')}"
    page.goto(play_url)
    until(
        lambda: reload(page).locator("[name=discount_pct]").count() > 0,
        what="the play started after its 8 s of Undo",
    )
    page.goto(app.url("plays/"))
    expect(
        page.get_by_role("button", name=re.compile("^Mark done")).first
    ).to_be_visible()  # a task of the play
    return name, play_url


def csm_queue_names(app, page):
    page.goto(app.url("queue/"))
    return page.locator("tr.item a.acct").all_inner_texts()


def reload(page):
    page.reload()
    return page


def step_of(page):
    return page.locator("section[id^='ask-']").first.get_attribute("id").removeprefix("ask-")


def ask_for_a_concession(page, play_url):
    page.goto(play_url)
    panel = page.locator("section[id^='ask-']").first
    if panel.locator("details:not([open]) > summary").count():  # folded while its turn has not come
        panel.locator("details:not([open]) > summary").first.click()
    panel.locator("[name=discount_pct]").fill("10")
    panel.locator("[name=months]").fill("12")
    panel.locator("[name=text]").fill("10 % off the next term for a reset plan.")
    panel.locator("[name=why]").fill("Their team asked for a gesture after a hard quarter.")
    panel.get_by_role("button", name="Ask for approval").click()
    link = page.locator("a[href*='/approvals/']").filter(has_text=re.compile("A-")).first
    link.wait_for()
    return re.search(r"A-\d+", link.get_attribute("href") or link.inner_text()).group()


def approve(app, page, ref, name):
    """J9: context, policy line and the exact payload are there; the decision is sent."""
    page.goto(app.url(f"approvals/{ref}/"))
    text = page.locator("main").inner_text()
    for words in (name, "10", "manager"):
        assert words.lower() in text.lower(), words
    page.get_by_label("Approve", exact=False).first.check()
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("main")).to_contain_text("Approved")


def assert_every_step_is_in_the_log(app, page, ref):
    page.goto(app.url(f"audit/?decision={ref}"))
    text = page.locator("main").inner_text()
    for verb in ("requested", "decided", "write planned", "write done"):
        assert verb in text.lower().replace("_", " "), (verb, text[:3000])
    done = app.manage("audit_verify", "--tenant", "demo", "--json", "-")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_override_survives_the_next_run(app, sign_in):
    """J4: disagree with the number; a recalculation keeps it, and both numbers stay visible."""
    csm, manager = sign_in("csm2"), sign_in("manager")
    csm.goto(app.url("queue/?view=all"))
    csm.locator("tr.item a.acct").first.click()
    csm.wait_for_url("**/accounts/**")
    account = csm.url.split("?")[0]
    csm.goto(f"{account}?panels=all")
    form = csm.locator("#panel-override form, form[action*='override']").first
    form.locator("[name=health]").fill("91")
    form.locator("[name=note]").fill("Their new director renewed by phone yesterday.")
    form.locator("select[name=reason]").select_option("know_more")
    form.get_by_role("button", name=re.compile("Save override", re.I)).click()
    expect(csm.locator("main")).to_contain_text("91")

    manager.goto(app.url("scores/"))
    manager.get_by_role("button", name=re.compile("Score now", re.I)).click()
    until(lambda: no_job_runs(app), seconds=90, what="the run ended")
    csm.goto(f"{account}?panels=all")
    text = csm.locator("main").inner_text()
    assert "91" in text
    assert "new director" in text or "renewed by phone" in text
    quiet(csm, manager)


def test_a_band_is_set_and_a_reason_is_answered(app, sign_in):
    """J4 with a band in place of a number, and one click on a reason with its undo."""
    csm = sign_in("csm2")
    csm.goto(app.url("queue/?view=all"))
    csm.locator("tr.item a.acct").nth(1).click()
    csm.wait_for_url("**/accounts/**")
    csm.goto(f"{csm.url.split('?')[0]}?panels=all")
    form = csm.locator("#panel-override form[action$='/override/']").first
    form.locator("[name=band]").select_option("watch")
    form.locator("[name=note]").fill("Their team told us more.")
    form.get_by_role("button", name="Save override").click()
    expect(csm.locator("#panel-standing")).to_contain_text("Override: Watch")

    csm.get_by_text("Say what you think of the reasons").click()
    answer = csm.locator("#panel-health form[action$='/feedback/']").first
    answer.get_by_role("button", name="Helpful", exact=True).click()
    expect(csm.locator("#panel-health form[action$='/feedback/']").first).to_contain_text("Undo")
    csm.locator("#panel-health form[action$='/feedback/']").first.get_by_role("button", name="Undo").click()
    expect(csm.locator("#panel-health form[action$='/feedback/']").first).to_contain_text("Not helpful")
    quiet(csm)


def no_job_runs(app):
    done = app.manage("shell", "-c", WAITING)
    return done.stdout.strip().endswith("0")


WAITING = """
from tenants.queries import tenant_by_slug
from tenants.scoping import tenant_transaction
from jobs.models import Job
t = tenant_by_slug('demo')
with tenant_transaction(t.pk):
    print(Job.objects.filter(kind='scoring.score', state__in=['queued', 'running']).count())
"""


def test_first_data_with_a_fault_mended_and_sent_again(app, sign_in, tmp_path):
    """J29: upload a bundle with bad rows, read why, mend it, send it again; a second time nothing changes."""
    page = sign_in("ops_admin")
    bad = tickets(tmp_path / "bad", [("T-1", "2026-11-01T09:00:00Z"), ("T-2", "03/04/2026"), *good(30)])
    report = upload(app, page, bad)
    assert "rejected" in report.lower()
    for words in ("opened_at", "03/04/2026"):
        assert words in report, words
    mended = tickets(
        tmp_path / "good", [("T-1", "2026-11-01T09:00:00Z"), ("T-2", "2026-11-03T09:00:00Z"), *good(30)]
    )
    assert "landed" in upload(app, page, mended).lower()
    assert "landed" in upload(app, page, mended).lower()
    third = app.manage("import_bundle", str(mended), "--tenant", "demo", "--json", "-")
    assert third.returncode == 0, third.stderr
    counts = json.loads(third.stdout)["files"][0]
    assert {key: counts[key] for key in ("read", "created", "updated", "unchanged", "rejected")} == {
        "read": 32, "created": 0, "updated": 0, "unchanged": 32, "rejected": 0,
    }  # fmt: skip
    quiet(page)


def good(number):
    return [(f"T-G{at}", "2026-11-02T10:00:00Z") for at in range(number)]


def tickets(folder, rows):
    import zipfile

    folder.mkdir()
    lines = ["external_id,account_external_id,opened_at,subject"]
    lines += [f"{key},ACC-00001,{at},A browser test's ticket" for key, at in rows]
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tickets.csv", "\n".join(lines) + "\n")
    return path


def upload(app, page, path):
    page.goto(app.url("imports/"))
    page.set_input_files("input[type=file]", str(path))
    page.get_by_role("button", name=re.compile("Upload|Import", re.I)).first.click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    until(
        lambda: re.search("Landed|Refused|Stopped", reload(page).locator("main").inner_text()),
        what="the import ended",
    )
    return page.locator("main").inner_text()
