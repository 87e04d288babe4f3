"""A development tool: takes the pictures of the tour from a running demo.

    .venv/bin/python -m tests.browser.pictures http://127.0.0.1:8000 docs/pictures

Accepts a play and asks for a concession first, if none is open, so that the inbox has something to show.
"""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import PASSWORD, PEOPLE
from tests.browser.test_loop import accept_the_first, ask_for_a_concession

SHAPES = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]


class Demo(NamedTuple):
    """What the loop's steps need to know of the running demo."""

    base: str

    def url(self, path: str) -> str:
        return f"{self.base}/t/demo/{path}"


def main(base: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    demo = Demo(base.rstrip("/"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        csm = entered(browser, demo, "csm", "light", 1280)
        play = open_play(demo, csm)
        account = csm_account(demo, csm)
        shots = [
            ("csm", "queue", demo.url("queue/")),
            ("csm", "account", account),
            ("csm", "play", play),
            ("manager", "approvals", demo.url("approvals/")),
            ("auditor", "audit", demo.url("audit/")),
            ("ops_admin", "imports", demo.url("imports/")),
            ("ops_admin", "policy", demo.url("scores/policies/1/")),
        ]
        for theme, width in SHAPES:
            pages: dict[str, Page] = {}
            for role, name, address in shots:
                page = pages.setdefault(role, entered(browser, demo, role, theme, width))
                page.goto(address)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=out / f"{name}-{width}-{theme}.png")
                print(out / f"{name}-{width}-{theme}.png")
        browser.close()


def entered(browser: Browser, demo: Demo, role: str, theme: str, width: int) -> Page:
    page = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
    page.goto(f"{demo.base}/auth/login/")
    page.fill("input[name=login]", PEOPLE[role])
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/t/demo/**")
    return page


def open_play(demo: Demo, page: Page) -> str:
    """The address of a running play with an open request."""
    page.goto(demo.url("plays/"))
    running = page.locator("main a[href*='/plays/']")
    hrefs = [
        href
        for href in running.evaluate_all("links => links.map(l => l.getAttribute('href'))")
        if is_play(href)
    ]
    if hrefs:
        play = f"{demo.base}{hrefs[0]}"
    else:
        _, play = accept_the_first(demo, page)
    page.goto(play)
    if (
        page.get_by_role("button", name="Ask for approval").count()
        or page.get_by_text("Prepare the request").count()
    ):
        ask_for_a_concession(page, play)
    return play


def is_play(href: str) -> bool:
    return href.rstrip("/").rsplit("/", 1)[-1].isdigit()


def csm_account(demo: Demo, page: Page) -> str:
    page.goto(demo.url("queue/"))
    return f"{demo.base}{page.locator('tr.item a.acct').first.get_attribute('href')}"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
