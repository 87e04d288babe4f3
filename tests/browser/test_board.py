"""J23 on the customers of scenes/books.py: the board's figures, worked out anew from rows, and what stands behind them.

"At-risk ARR with interval" is two tiles: At-risk ARR now is a sum of what is known, with what of it is expected to
leave and its interval; At stake now rests on chances and carries the interval that the scoring run simulated.
"""

import re
from datetime import date
from decimal import Decimal
from math import sqrt

import pytest
from playwright.sync_api import expect

from tests.browser.reading import cells, cents, forbidden, number, post, quiet

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SLUG, OWN = "books", "USD"
DAY = "(%s AT TIME ZONE 'UTC')::date"
TABLES = {
    "accounts": f"""SELECT a.id, a.customer_since AS since, (SELECT min({DAY % "o.effective_at"})
        FROM accounts_outcome o WHERE o.account_id = a.id AND o.kind = 'churned') AS left
        FROM accounts_account a WHERE a.tenant_id = %(tenant)s""",
    "terms": f"""SELECT account_id, arr, currency, {DAY % "started_at"} AS since, renewal_date AS until
        FROM accounts_subscription WHERE tenant_id = %(tenant)s""",
    "rates": "SELECT currency, day, rate FROM accounts_fxrate WHERE tenant_id = %(tenant)s ORDER BY day",
    "answers": f"""SELECT account_id, contact_external_id AS who, score, {DAY % "responded_at"} AS day
        FROM accounts_survey WHERE tenant_id = %(tenant)s AND kind = 'nps' ORDER BY responded_at""",
    "health": """SELECT account_id, coalesce(nullif(override_band, ''), band) AS band, arr, currency, p90, p90_low,
        p90_high FROM scoring_accounthealth WHERE tenant_id = %(tenant)s""",
}


def day_of(text):
    return None if text is None else date.fromisoformat(text)


class Books:
    """Every figure by the definitions of docs/outcomes.md, from the tables alone."""

    def __init__(self, tables, start, end):
        self.tables, self.start, self.end = tables, start, end
        self.people = {each["id"]: each for each in tables["accounts"]}
        first = {who: self.arr(who, start, start) for who in self.people if self.is_customer(who, start)}
        self.first = {who: amount for who, amount in first.items() if amount}
        self.last = {who: self.arr(who, end, end) for who in self.people if self.is_customer(who, end)}
        self.same = {
            who: self.arr(who, end, start) if self.is_customer(who, end) else 0 for who in self.first
        }
        self.at_start = [who for who in self.people if self.is_customer(who, start)]
        self.lost = [who for who in self.at_start if not self.is_customer(who, end)]

    def is_customer(self, who, day):
        left = day_of(self.people[who]["left"])
        return day_of(self.people[who]["since"]) < day and (left is None or left >= day)

    def rate(self, currency, day):
        known = [
            each
            for each in self.tables["rates"]
            if each["currency"] == currency and day_of(each["day"]) <= day
        ]
        return Decimal(1) if currency == OWN else Decimal(known[-1]["rate"])

    def arr(self, who, day, rates_of):
        """What the terms of the account that run on the day are worth, at the rates of another day."""
        running = [
            each
            for each in self.tables["terms"]
            if each["account_id"] == who and day_of(each["since"]) < day <= day_of(each["until"])
        ]
        return cents(sum(Decimal(each["arr"]) * self.rate(each["currency"], rates_of) for each in running))

    def renewals(self):
        """(renewed, decided) of the terms that came due."""
        terms = self.tables["terms"]
        due = [each for each in terms if self.start <= day_of(each["until"]) < self.end]
        renewed = [
            each
            for each in due
            if any(o["account_id"] == each["account_id"] and o["until"] > each["until"] for o in terms)
        ]
        gone = [each for each in due if each not in renewed and self.people[each["account_id"]]["left"]]
        return len(renewed), len(renewed) + len(gone)

    def answers(self):
        """The last answer of each person within the period."""
        last = {}
        for each in self.tables["answers"]:
            if self.start <= day_of(each["day"]) < self.end:
                last[each["account_id"], each["who"]] = each["score"]
        return list(last.values())

    def now(self, key):
        """The sum over all customers of today of ARR times a stored chance, to the cent each."""
        return sum(cents(self.worth(each) * Decimal(each[key])) for each in self.tables["health"])

    def worth(self, each):
        return Decimal(each["arr"]) * self.rate(each["currency"], date.max)

    def at_risk(self):
        return [
            cents(self.worth(each))
            for each in self.tables["health"]
            if each["band"] in ("critical", "at_risk")
        ]


@pytest.fixture(scope="module")
def books(scenes):
    period = scenes("books.build")
    tables = {
        name: scenes("ground.rows", slug=SLUG, statement=statement) for name, statement in TABLES.items()
    }
    return Books(tables, day_of(period["start"]), day_of(period["end"]))


def expected(books):
    """By tile: (value, what its rows add up to by column, number of rows)."""
    start, end, kept = sum(books.first.values()), sum(books.last.values()), sum(books.same.values())
    kept_at_most = sum(min(books.same[who], amount) for who, amount in books.first.items())
    renewed, decided = books.renewals()
    answers, risk, stake = books.answers(), books.at_risk(), books.now("p90")
    net = sum(each >= 9 for each in answers) - sum(each <= 6 for each in answers)
    lost, there = len(books.lost), len(books.at_start)
    paying, known = len(books.first), len(books.tables["health"])
    return {
        "churn": (share(lost, there), {"Left": lost}, there),
        "renewal": (share(renewed, decided), {"Decided": decided, "Renewed": renewed}, decided),
        "grr": (share(kept_at_most, start), {"At the start": start, "Kept": kept_at_most}, paying),
        "nrr": (share(kept, start), {"At the start": start, "At the end, same rates": kept}, paying),
        "start": (start, {"ARR at the start": start}, paying),
        "end": (end, {"ARR at the end": end}, sum(1 for each in books.last.values() if each)),
        "risk": (sum(risk), {"ARR": sum(risk)}, len(risk)),
        "stake": (stake, {"At stake": stake}, known),
        "nps": (100 * Decimal(net) / len(answers), {"Answers": len(answers), "Net": net}, None),
    }  # fmt: skip


def share(part, whole):
    return 100 * Decimal(part) / Decimal(whole)


def test_j23_every_tile_opens_rows_that_add_up_to_it(app, sign_in, books):
    """The executive's ARR, GRR, NRR and at-risk ARR; each tile's rows, on all of their pages, are its figure."""
    page = sign_in("executive", to=SLUG)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Outcomes").click()
    expect(page.locator("h1")).to_have_text("Outcomes")
    expect(page.locator("#panels")).to_contain_text(
        f"{len(books.lost)} of {len(books.at_start)} customers left"
    )
    wanted, links = expected(books), {}
    assert page.locator("dl.metrics > div").count() == len(wanted)
    for key, (value, _, _) in wanted.items():
        tile = page.locator(f"#tile-{key}")
        assert_reads(tile.locator("dd.v").inner_text(), value)
        links[key] = tile.get_by_role("link", name=re.compile("^Rows")).get_attribute("href")
    for key, (_, sums, count) in wanted.items():
        page.goto(app.base + links[key])
        assert_rows(app, page, sums, count)
    quiet(page)


def scale_of(text):
    return {"k": 1000, "M": 1_000_000}.get(text.strip()[-1], 1)


def amount(text):
    return number(text) * scale_of(text)


def assert_reads(text, value):
    """The figure is the value, rounded as far as it is written."""
    scale = scale_of(text)
    shown = number(text)
    unit = scale * Decimal(1).scaleb(shown.as_tuple().exponent)
    assert abs(shown * scale - value) <= unit / 2, (text, value)


def assert_rows(app, page, sums, count):
    """What stands on all pages of the table, and in its last line."""
    heads = [each.strip() for each in page.locator("thead th").all_inner_texts()]
    foot = dict(zip(heads, cells(page.locator("tfoot tr")), strict=True))
    rows = []
    while True:
        rows += [dict(zip(heads, cells(row), strict=True)) for row in page.locator("tbody tr").all()]
        older = page.get_by_role("link", name="Next")
        if not older.count():
            break
        page.goto(app.base + older.get_attribute("href"))
    assert len({row["Account"] for row in rows}) == len(rows)
    assert number(foot["Account"]) == len(rows)
    assert count in (None, len(rows))
    for head, total in sums.items():
        found = sum(number(row[head]) for row in rows if re.search(r"\d", row[head]))
        assert found == number(foot[head]) == total, head


def test_j23_rates_and_what_is_at_stake_carry_their_intervals(app, sign_in, books):
    page = sign_in("executive", to=SLUG)
    page.goto(app.at(SLUG, "outcomes/"))
    for key, (part, n) in {
        "churn": (len(books.lost), len(books.at_start)),
        "renewal": books.renewals(),
    }.items():
        low, high = (round(100 * end) for end in wilson(part, n))
        expect(page.locator(f"#tile-{key}")).to_contain_text(f"{low}–{high}, 95% interval; {part} of {n}")
    text = page.locator("#tile-stake").inner_text()
    bounds = re.search(r"([\d.]+[kM]?)–([\d.]+[kM]?), 80% interval by simulation", text)
    low, high = (amount(each) for each in bounds.groups())
    assert low < books.now("p90") < high
    luck = sum(
        (books.worth(each) * Decimal(each["p90"])) ** 2 * (1 / Decimal(each["p90"]) - 1)
        for each in books.tables["health"]
    )
    assert float(high - low) > 2 * 1.28 * 0.8 * sqrt(luck)  # at least who happens to leave
    expect(page.locator("#tile-risk")).to_contain_text("Of it expected to leave within 90 days")


def wilson(part, n):
    """Wilson (1927), z = 1.96."""
    z, p = 1.959964, part / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def test_j23_the_waterfall_and_a_segments_rows_add_up(app, sign_in, books):
    """From start to end to the cent; filtered to a segment the page and its rows speak of that segment alone."""
    page = sign_in("executive", to=SLUG)
    page.goto(app.at(SLUG, "outcomes/"))
    steps = [
        cells(row)
        for row in page.get_by_role("region", name="Steps from start to end").locator("tbody tr").all()
    ]
    amounts = [number(text) for _, text in steps]
    assert amounts[0] == sum(books.first.values())
    assert sum(amounts[:-1]) == amounts[-1] == sum(books.last.values())
    page.goto(app.at(SLUG, "outcomes/?segment=smb"))
    whole = page.locator("#tile-start dd.v").inner_text()
    page.locator("#tile-start").get_by_role("link", name=re.compile("^Rows")).click()
    page.wait_for_url("**segment=smb**")
    assert {cells(row)[1] for row in page.locator("tbody tr").all()} == {"SMB"}
    assert_reads(whole, number(cells(page.locator("tfoot tr"))[-1]))


def test_j23_is_not_for_those_who_work_the_queue(app, sign_in, books):
    page = sign_in("csm", to=SLUG)
    for path in ("outcomes/", "outcomes/rows/?figure=grr"):
        assert "$" not in forbidden(page, app.at(SLUG, path))
    assert post(page, app.at(SLUG, "outcomes.csv")) == 403
