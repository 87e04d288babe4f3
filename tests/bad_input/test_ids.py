"""Ids, routes and fields that nobody honest sends, at every address of the permission table (inputs 1 to 12)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input import ground as g
from tests.bad_input.conftest import EXAMPLES
from tests.permission_table import OUTSIDE, TABLE

pytestmark = [pytest.mark.bad_input, pytest.mark.xdist_group("bad_input_ids")]

WITH_ARGUMENTS = [row for row in TABLE if row.make is not None]
WRITING = [row for row in TABLE if row.method == "POST"]
READING = [row for row in TABLE if row.method == "GET"]
METHODS = {}
for _row in TABLE:
    METHODS.setdefault(_row.name, set()).add(_row.method)

NUMBERS = [
    "0", "-1", "+1", " 1", "1 ", str(2**31), str(2**63 - 1), str(2**63), str(2**63 + 1), "1e3", "1.0", "0x1", "०१", "१",
    "9" * 400, "9" * 5000, "", "null", "NaN", "1,2", "1;2", "00000001", "1_000", "true", "[1]", "²",
]  # fmt: skip
UUIDS = [
    "00000000-0000-0000-0000-000000000000",
    "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
    "6ba7b810-9dad-11d1",
    "{}",
]
BYTES = [
    b"\x00",
    b"1\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"%00",
    b"..",
    b"../../x",
    b"%2e%2e",
    b"\r\nX: y",
    b"\xe2\x80\xae1",
]
ODD_IDS = st.one_of(
    st.sampled_from([*NUMBERS, *UUIDS, *BYTES]),
    st.integers(min_value=-(2**70), max_value=2**70).filter(lambda number: not 0 < number < 10**6).map(str),
    st.text(min_size=1, max_size=20).filter(lambda text: not text.strip().isdigit()),
)


def quiet(before, after, *, but=()):
    """No table changed, but for those named, in the asker's own tenant (a refusal leaves its event)."""
    found = [key for key in g.changed(before, after) if key not in but]
    assert not found, f"changed: {found}"


REFUSED = (("acme", "audit_event"),)


def is_the_same(odd, right):
    """Written oddly, and yet the right id: `00000001` in a fresh database is the first row, and may change it."""
    return str(odd).lstrip("0") == str(right)


def test_the_picture_sees_every_change(ground):
    """The tests below stand on it: an insert, an update of one column and a delete each change it."""
    acme, globex = ground
    account, seen = acme.add_account(), [g.picture(acme, globex)]
    with acme.here():
        type(account).objects.filter(pk=account.pk).update(name=account.name)
        seen.append(g.picture(acme, globex))
    acme.add_account("Another")
    seen.append(g.picture(acme, globex))
    for before, after in itertools.pairwise(seen):
        assert ("acme", "accounts_account") in g.changed(before, after)
        assert not [key for key in g.changed(before, after) if key[0] == "globex"]
    assert len({table for _, table in seen[0]}) > 40


# --- ids in the path ------------------------------------------------------------------------------


@pytest.mark.parametrize("row", WITH_ARGUMENTS, ids=g.row_id)
def test_odd_ids_in_the_path(row, ground):
    """Inputs 2 and 3: an id that is none is refused, never a 500, and changes nothing."""
    acme, globex = ground
    made = g.make(row, acme)
    client = g.sign_in(g.somebody_for(row, acme))
    before = g.picture(acme, globex)

    @EXAMPLES
    @given(data=st.data())
    def ask(data):
        name = data.draw(st.sampled_from(sorted(made)))
        odd = data.draw(ODD_IDS)
        url = g.own_address(row, acme, {**made, name: odd})
        if is_the_same(odd, made[name]) or not g.leads_to(url, row.name):
            return
        answer = g.send(client, row, url, g.body_of(row, made))
        assert answer.status_code < 500, (url, g.why(answer))
        if name not in row.forgives:
            assert answer.status_code in (400, 404, 405), (url, answer.status_code)

    ask()
    quiet(before, g.picture(acme, globex), but=REFUSED)


@pytest.mark.parametrize("row", WITH_ARGUMENTS, ids=g.row_id)
def test_another_tenants_ids_in_the_path(row, ground):
    """Input 1: every argument alone replaced by another tenant's is 404, and neither tenant changes."""
    acme, globex = ground
    made, foreign = g.make(row, acme), g.make(row, globex)
    client = g.sign_in(g.somebody_for(row, acme))
    before = g.picture(acme, globex)
    for name in [name for name in made if made[name] != foreign[name] and name not in row.forgives]:
        answer = g.send(
            client, row, g.own_address(row, acme, {**made, name: foreign[name]}), g.body_of(row, made)
        )
        assert answer.status_code == 404, (name, answer.status_code)
    for values, world in ((made, globex), (foreign, globex)):
        answer = g.send(client, row, g.own_address(row, world, values), g.body_of(row, made))
        assert answer.status_code == 404, (world.tenant.slug, answer.status_code)
    quiet(before, g.picture(acme, globex), but=REFUSED)


# --- ids in bodies and queries ----------------------------------------------------------------------


def foreign_ids(world):
    """One id of every kind that a field could name, of `world`."""
    from tests.permission_table import a_suggestion

    made = g.make(next(row for row in TABLE if row.make is a_suggestion), world)
    return {
        "tenant": world.tenant.pk,
        "tenant_id": world.tenant.pk,
        "slug": world.tenant.slug,
        "owner": world.csm.user_id,
        "owner_id": world.csm.user_id,
        "user_id": world.csm.user_id,
        "member": world.csm.pk,
        "membership_id": world.csm.pk,
        "team": world.csm.team_id or 10**9,
        "item": f"{made['recommendation_id']}:1",
        "recommendation_id": made["recommendation_id"],
        "id": made["recommendation_id"],
        "pk": made["recommendation_id"],
        "is_superuser": "1",
        "is_staff": "1",
        "state": "approved",
        "decided_by_id": world.csm.user_id,
    }


@pytest.mark.parametrize("row", WRITING, ids=g.row_id)
def test_posted_tenant_owner_and_unknown_fields(row, ground):
    """Inputs 1, 4 and 5: another tenant's ids in fields that a form has or has not write nothing there."""
    acme, globex = ground
    made, strange = g.make(row, acme), foreign_ids(globex)
    asker = g.somebody_for(row, acme)
    client, url, body = g.sign_in(asker), g.own_address(row, acme, made), g.body_of(row, made)
    before = g.picture(globex)
    for extra in (
        {**strange, "no_such_field": "x"},
        {name: [str(value)] * 2 for name, value in strange.items()},
    ):
        taken = {**extra, **body} if extra.get("no_such_field") else {**body, **extra}
        answer = g.rolled_back(lambda taken=taken: g.send(client, row, url, taken))
        assert answer.status_code < 500, g.why(answer)
        if "no_such_field" in extra and not set(strange) & g.own_fields(row.name):
            assert answer.status_code == g.expected(row, asker), "an unknown field changes nothing"
        g.rolled_back(lambda taken=taken: untouched(client, row, url, taken, acme, globex, before))


def untouched(client, row, url, taken, acme, globex, before):
    """After the same request: globex as it was, and no row of acme names a person or an account of globex."""
    g.send(client, row, url, taken)
    quiet(before, g.picture(globex))
    assert not g.rows_naming(acme, users=[each.user_id for each in globex.people.values()])


def test_a_bulk_list_with_another_tenants_rows(ground):
    """Input 1: a foreign row among own ones is refused like one that is not there, and stays as it was."""
    from tests.permission_table import a_suggestion

    acme, globex = ground
    with acme.here():
        own = a_suggestion(acme)["recommendation_id"]
    with globex.here():
        foreign = a_suggestion(globex)["recommendation_id"]
    client, before = g.sign_in(acme.csm), g.picture(globex)
    for action in ({"action": "accept"}, {"action": "dismiss", "reason": "handled"}):
        items = [f"{own}:1", f"{foreign}:1", f"{10**17}:1"]
        answer = g.rolled_back(lambda action=action, items=items: client.post(
            acme.url("queue/bulk/"), {**action, "item": items}, headers={"HX-Request": "true"}
        ))  # fmt: skip
        assert answer.status_code == 200, g.why(answer)
        assert answer.text.count("One account") == 2, (
            "both are refused, and nobody learns which of them exists"
        )
        assert "globex" not in answer.text.lower()
        quiet(before, g.picture(globex))
    for items in (["x"], ["1:2:3"], [f"{'9' * 400}:1"], ["०१:१"], ["1:\x00"], ["-1:1"]):
        for ask in (client.get, client.post):
            answer = ask(acme.url("queue/bulk/"), {"action": "accept", "item": items})
            assert answer.status_code == 400, (items, g.why(answer))
    quiet(before, g.picture(globex))


@pytest.mark.parametrize("row", WRITING, ids=g.row_id)
def test_repeated_keys(row, ground):
    """Input 6: `a=1&a=2` is never a 500; the last one counts, as everywhere in Django."""
    acme, _ = ground
    made = g.make(row, acme)
    client, url, body = (
        g.sign_in(g.somebody_for(row, acme)),
        g.own_address(row, acme, made),
        g.body_of(row, made),
    )
    for twice in (
        {name: ["", value] for name, value in body.items()},
        {name: [value, "१\n"] for name, value in body.items()},
    ):
        answer = g.rolled_back(lambda twice=twice: g.send(client, row, url, twice))
        assert answer.status_code < 500, g.why(answer)


# --- methods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_methods_that_no_address_takes(name, ground):
    """Inputs 7 and 8: PUT, DELETE, PATCH and TRACE are 405 everywhere, POST too where only reading is possible."""
    acme, globex = ground
    row = next(row for row in TABLE if row.name == name)
    made = g.make(row, acme)
    client, url = g.sign_in(g.somebody_for(row, acme)), g.own_address(row, acme, made)
    before = g.picture(acme, globex)
    for method in sorted({"PUT", "DELETE", "PATCH", "TRACE", "GET", "POST", "BREW"} - METHODS[name]):
        answer = client.generic(method, url)
        assert answer.status_code == 405, (method, answer.status_code)
    quiet(before, g.picture(acme, globex), but=REFUSED)


@pytest.mark.parametrize("row", [each for each in OUTSIDE if each.make is None], ids=lambda row: row.name)
def test_methods_outside_of_tenants(row, ground):
    """Input 7: the addresses without a tenant take no PUT, DELETE, PATCH or TRACE either."""
    acme, _ = ground
    client, url = g.sign_in(acme.csm), g.address(row.name, {})
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        assert client.generic(method, url).status_code == 405, method


@pytest.mark.parametrize("row", READING, ids=g.row_id)
def test_reading_changes_nothing(row, ground):
    """Input 8: GET and HEAD, with every field of every form in the query, write no row of any tenant."""
    acme, globex = ground
    made = g.make(row, acme)
    asker = g.somebody_for(row, acme)
    client, url, expected = g.sign_in(asker), g.own_address(row, acme, made), g.expected(row, asker)
    query = {
        **dict.fromkeys(g.field_names(), "1"),
        "action": "accept",
        "verdict": "approved",
        "reason": "handled",
    }
    before = g.picture(acme, globex)
    assert client.get(url).status_code == expected
    head = client.head(url)
    assert (head.status_code, head.getvalue()) == (expected, b"")
    assert client.get(url, query).status_code < 500
    assert (
        client.get(url, {"_method": "DELETE"}, headers={"X-HTTP-Method-Override": "DELETE"}).status_code
        == expected
    )
    quiet(before, g.picture(acme, globex), but=(("acme", "audit_event"),) if row.name in TELLS else ())


# reading these leaves an event on purpose
TELLS: set[str] = set()
