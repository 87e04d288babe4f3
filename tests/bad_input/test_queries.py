"""Query strings at every address: cursors, sorting, filters, searches and where to go next (inputs 9 to 14, 20)."""

from urllib.parse import quote, urlencode

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input import ground as g
from tests.bad_input import nasty
from tests.bad_input.conftest import EXAMPLES
from tests.permission_table import TABLE

pytestmark = [pytest.mark.bad_input, pytest.mark.xdist_group("bad_input_queries")]

READING = [row for row in TABLE if row.method == "GET"]
LISTS = [row for row in READING if row.make is None]
FORM = "application/x-www-form-urlencoded"


def encoded(pairs):
    """A query string; bytes and lone surrogates go in as they are."""
    return "&".join(
        f"{quote(name)}={quote(value if isinstance(value, bytes) else value.encode(errors='surrogatepass'))}"
        for name, value in pairs
    )


def is_sane(answer):
    assert answer.status_code < 500, g.why(answer)
    return answer.status_code


# --- anything anywhere --------------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=g.row_id)
def test_anything_in_every_field(row, ground):
    """Inputs 10, 11, 13, 14, 15, 17 to 21 and 23: whatever stands in whatever field is an answer below 500."""
    acme, globex = ground
    made = g.make(row, acme)
    client, url, body = (
        g.sign_in(g.somebody_for(row, acme)),
        g.own_address(row, acme, made),
        g.body_of(row, made),
    )
    names, before = g.field_names(), g.picture(globex)

    @EXAMPLES
    @given(
        sent=st.dictionaries(st.sampled_from(names), nasty.anything, min_size=1, max_size=12),
        own=st.lists(nasty.anything, min_size=len(body), max_size=len(body)),
        keep=st.sets(st.sampled_from(sorted(body) or ["-"])),
        htmx=st.booleans(),
    )
    def ask(sent, own, keep, htmx):
        kept = {name: str(value) for name, value in body.items() if name in keep}
        mine = dict(zip(sorted(body), own, strict=True))
        headers = {"HX-Request": "true"} if htmx else {}
        text = encoded({**sent, **mine, **kept}.items())
        if row.method == "GET":
            g.rolled_back(lambda: is_sane(client.get(f"{url}?{text}", headers=headers)))
        else:
            g.rolled_back(lambda: is_sane(client.post(url, text, content_type=FORM, headers=headers)))

    ask()
    assert g.picture(globex) == before


@pytest.mark.parametrize("row", TABLE, ids=g.row_id)
def test_bad_texts_in_own_fields(row, ground):
    """Inputs 10 to 21 without chance: texts of the list, one after the other, in the address's own fields."""
    acme, _ = ground
    made = g.make(row, acme)
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, made)
    body = {name: str(value) for name, value in g.body_of(row, made).items()}
    names = sorted({*body, *g.own_fields(row.name), "q", "after", "before", "sort"})
    short, start = [text for text in nasty.ALL if len(text) < 3000], TABLE.index(row)
    for turn in range(
        5
    ):  # each field of each address gets five of them; all stand somewhere in the whole table
        sent = encoded(
            (name, short[(start * 5 + turn + at * 11) % len(short)]) for at, name in enumerate(names)
        )
        if row.method == "GET":
            is_sane(client.get(f"{url}?{sent}"))
        else:
            g.rolled_back(lambda sent=sent: is_sane(client.post(url, sent, content_type=FORM)))


# --- cursors, page sizes, sorting -----------------------------------------------------------------------


def crowded(world, number=30):
    """A world whose lists have a second page."""
    from accounts.services import add_note
    from jobs.services import enqueue

    word = world.tenant.slug.title()
    for at in range(number):
        account = world.add_account(f"{word} {at:02}")
        with world.here():
            add_note(world.tenant, account_id=account.pk, text=word, by=world.actor("csm"))
            args = {"membership_id": world.ops_admin.pk, "at": at}
            enqueue(world.tenant, kind="audit.verify", args=args, by=world.actor("ops_admin"))


CURSORS = ["accounts:list", "accounts:rows", "audit:log", "audit:rows", "jobs:list", "jobs:rows"]


@pytest.fixture
def two_crowds(ground):
    for world in ground:
        crowded(world)
    return ground


@pytest.fixture
def some_rows(ground):
    """acme with a few rows in each list; a list of two pages takes a second to make."""
    crowded(ground[0], 3)
    return ground


def older(client, url):
    """The cursor of the page's own link to the next page."""
    import re
    from html import unescape
    from urllib.parse import parse_qs, urlsplit

    page = client.get(url).text
    links = [unescape(link) for link in re.findall(r'href="([^"]*)"', page)]
    found = [parse_qs(urlsplit(link).query) for link in links]
    return next(
        ((side, query[side][0]) for query in found for side in ("after", "before") if query.get(side)), None
    )


@pytest.mark.parametrize("name", CURSORS)
def test_cursors(name, two_crowds):
    """Input 9: cut, turned round, foreign or another list's cursors show own rows or are refused, never a 500."""
    acme, globex = two_crowds
    row = next(row for row in TABLE if row.name == name)
    client, stranger = g.sign_in(acme.ops_admin), g.sign_in(globex.ops_admin)
    page_name = name.replace(":rows", ":log" if name.startswith("audit") else ":list")
    page = g.own_address(row, acme, {}) if page_name == name else g.address(page_name, {"slug": "acme"})
    side, cursor = older(client, page)
    url = g.own_address(row, acme, {})
    assert client.get(url, {side: cursor}).status_code == 200, "the honest one"
    foreign = older(stranger, g.address(page_name, {"slug": "globex"}))[1]
    others = [
        older(client, g.address(each, {"slug": "acme"}))[1] for each in CURSORS[::2] if each != page_name
    ]
    bent = [
        cursor[:-1],
        cursor[1:],
        cursor[::-1],
        cursor + "A",
        cursor.swapcase(),
        cursor * 50,
        "-",
        "~",
        ":",
        "0",
        "-1",
        "9" * 400,
        f"{2**63}-1",
        "1-2-3",
        "١-1",
        signing.dumps({"name": "x"}),
        *nasty.NUL,
        *nasty.SQL,
    ]
    for place in (cursor, foreign, *others, *bent):
        for side in ("after", "before"):
            answer = client.get(url, {side: place})
            assert answer.status_code in (200, 400, 404), (side, place, g.why(answer))
            assert "Globex" not in answer.text
        assert client.get(url, {"after": place, "before": cursor}).status_code in (200, 400, 404)


@pytest.mark.parametrize(
    "name",
    [
        "playbooks:queue_rows",
        "playbooks:plays_rows",
        "approvals:rows",
        "integrations:imports",
        "integrations:delivery_rows",
    ],
)
def test_cursors_of_other_lists(name, ground):
    """Input 9: the same for lists that are empty, whose anchors are ids."""
    acme, globex = ground
    row = next(row for row in TABLE if row.name == name)
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, {})
    strange = str(globex.add_account().pk)
    for place in (
        strange,
        "0",
        "-1",
        "9" * 400,
        str(2**63),
        "१",
        "x",
        "2026-11-22T00:00:00+00:00~1",
        "~",
        "infinity~1",
        *nasty.NUL,
    ):
        for side in ("after", "before"):
            assert client.get(url, {side: place}).status_code in (200, 400, 404), (side, place)


@pytest.mark.parametrize("row", LISTS, ids=g.row_id)
def test_page_sizes_are_not_the_askers(row, some_rows):
    """Input 10: no address lets its asker choose how many rows it shows."""
    acme, _ = some_rows
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, {})
    usual = client.get(url)
    for size in ("0", "-1", "1000000000", "abc"):
        query = dict.fromkeys(("size", "page_size", "limit", "per_page", "page", "offset", "n"), size)
        answer = client.get(url, query)
        assert answer.status_code == usual.status_code
        assert answer.text.count("<tr") == usual.text.count("<tr")


@pytest.mark.parametrize("row", LISTS, ids=g.row_id)
def test_sorting_and_filtering_by_what_is_not_listed(row, some_rows):
    """Input 11: an unlisted column or a traversal sorts and filters nothing, and tells nothing by its order."""
    acme, _ = some_rows
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, {})
    usual = client.get(url)
    words = {f"{word}{rest}": "a" for word in nasty.NAMES for rest in ("", "__startswith")}
    for query in (*({"sort": word, "order": word, "o": word} for word in nasty.NAMES[:4]), words):
        answer = client.get(url, query)
        assert answer.status_code == usual.status_code, (query, g.why(answer))
        assert answer.text.count("<tr") == usual.text.count("<tr"), query


# --- where to go next ---------------------------------------------------------------------------------


def goes_away(answer):
    from urllib.parse import urlsplit

    target = answer.headers.get("Location", "") + answer.headers.get("HX-Redirect", "")
    try:
        parts = urlsplit(target.replace("\\", "/").strip())
    except ValueError:  # no browser goes to half an address
        return False
    return bool(parts.scheme or parts.netloc or target.replace("\\", "/").lstrip().startswith("//"))


@pytest.mark.parametrize("place", nasty.AWAY)
def test_next_leads_nowhere_else(place, ground):
    """Input 12: signing in and out, the admin's chooser and every redirect of a tenant stay on this site."""
    from tests.worlds import PASSWORD

    acme, _ = ground
    client = g.sign_in(acme.ops_admin)
    asked = [
        client.get("/auth/login/", {"next": place}),
        client.post("/auth/logout/", {"next": place}),
        g.Client().get("/auth/login/", {"next": place}),
        g.Client(raise_request_exception=False).post(
            "/auth/login/", {"login": acme.csm.user.email, "password": PASSWORD, "next": place}
        ),
    ]
    client = g.sign_in(acme.ops_admin)
    for path in (
        "/",
        "/queue/",
        "/accounts/7/",
        "/workspaces/",
        "/admin/",
        "/admin/login/",
        "/admin/workspace/",
    ):
        asked.append(client.get(path, {"next": place, "back": place, "slug": place, "workspace": place}))
    asked.append(client.post("/admin/workspace/", {"slug": "acme", "next": place}))
    asked.append(client.post("/workspaces/", {"slug": place, "next": place}))
    for answer in asked:
        assert answer.status_code < 500, g.why(answer)
        assert not goes_away(answer), answer.headers["Location"]


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "POST"], ids=g.row_id)
def test_back_leads_nowhere_else(row, ground):
    """Input 12: `back`, `next`, `on` and Referer of a form never send its sender off the site."""
    acme, _ = ground
    made = g.make(row, acme)
    client, url, body = (
        g.sign_in(g.somebody_for(row, acme)),
        g.own_address(row, acme, made),
        g.body_of(row, made),
    )
    for place in nasty.AWAY[:6]:
        sent = {**body, **dict.fromkeys(("back", "next", "return_to", "here"), place)}
        for headers in (
            {"Referer": "https://evil.example/x"},
            {"HX-Request": "true", "HX-Current-URL": "https://evil.example/x"},
        ):
            answer = g.rolled_back(lambda sent=sent, headers=headers: client.post(url, sent, headers=headers))
            assert answer.status_code < 500, g.why(answer)
            assert not goes_away(answer), answer.headers
            assert "evil.example" not in answer.headers.get("HX-Push-Url", "").split("?")[0]


# --- searching ----------------------------------------------------------------------------------------

SEARCHES = [
    "accounts:search",
    "accounts:search_results",
    "accounts:list",
    "accounts:rows",
    "playbooks:queue_rows",
]


@pytest.mark.parametrize("name", SEARCHES)
def test_search_texts_are_texts(name, some_rows):
    """Inputs 19 and 20: `%`, `_`, `\\`, SQL and 10 kB are looked for as they stand; none of them matches everything."""
    acme, _ = some_rows
    row = next(row for row in TABLE if row.name == name)
    client, url = g.sign_in(acme.ops_admin), g.own_address(row, acme, {})
    for text in [*nasty.PATTERN, *nasty.SQL, *nasty.ODD, "%%%", "___", "A%e", "Ac_e"]:
        answer = client.get(f"{url}?{urlencode({'q': text, 'view': 'all'})}")
        assert answer.status_code == 200, (text[:30], g.why(answer))
        if 1 < len(text.strip()) <= 100:  # a filter takes no more: the list shows as if it were not given
            assert "Acme 0" not in answer.text, text[:30]
    account = acme.add_account("100% _fit_ \\o/")
    for text in ("100%", "_fit_", "\\o/") if name.startswith("accounts") else ():
        assert str(account.pk) in client.get(url, {"q": text}).text, text
