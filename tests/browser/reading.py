"""Reads figures off a page as people do, and the pages that browser tests of scenes have in common."""

import json
import re
import time
from decimal import ROUND_HALF_UP, Decimal

from tests.browser.test_loop import until

MINUS = "−"
__all__ = [
    "cells",
    "cents",
    "forbidden",
    "number",
    "post",
    "posted",
    "quiet",
    "signed",
    "under",
    "until",
    "when_done",
]


def number(text: str) -> Decimal:
    """`−3.60`, `$1,234.50`, `12%`, `+4`: the number in it."""
    found = re.search(r"[−+-]?[^\d−+-]{0,4}\d[\d,]*(?:\.\d+)?", text)
    assert found, f"no number in {text!r}"
    digits = re.sub(r"[^\d.]", "", found.group())
    return -Decimal(digits) if found.group()[0] in f"{MINUS}-" else Decimal(digits)


def signed(amount: Decimal, places: int = 2) -> str:
    """How a change reads: `−12.00`, `+3.50`."""
    text = f"{abs(amount):.{places}f}"
    return f"{MINUS}{text}" if amount < 0 else f"+{text}" if amount > 0 else text


def cents(amount) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def cells(row) -> list[str]:
    """The texts of a row's cells, as they are seen."""
    return [each.strip() for each in row.locator("th, td").all_inner_texts()]


def under(page, heading: str):
    """The panel with this heading."""
    return page.locator("section.panel").filter(has=page.get_by_role("heading", name=heading, exact=True))


def quiet(*pages, but: str = "") -> None:
    """The browser complained of nothing, apart from answers with this status that the test asked for."""
    for page in pages:
        assert [each for each in page.problems if not (but and but in each)] == []


def forbidden(page, address: str, status: int = 403) -> str:
    """What somebody reads who may not go there."""
    answer = page.goto(address)
    assert answer.status == status, f"{address}: {answer.status}"
    return page.locator("body").inner_text()


def posted(page, address: str, **form: str):
    """The answer to what a form would send, with the token that forms carry, sent without one."""
    token = json.loads(page.locator("body").get_attribute("hx-headers"))["X-CSRFToken"]
    headers = {"X-CSRFToken": token, "Referer": address}
    return page.request.post(address, form=form, headers=headers, max_redirects=0)


def post(page, address: str, **form: str) -> int:
    return posted(page, address, **form).status


def when_done(scenes, slug: str, job: int, seconds: int = 120) -> None:
    """Wait for a job of the workers."""
    end = time.monotonic() + seconds
    while (state := scenes("ground.job_state", slug=slug, job_id=job)) != "done":
        assert state in ("queued", "running"), state
        assert time.monotonic() < end, f"job {job} is {state}"
        time.sleep(0.2)
