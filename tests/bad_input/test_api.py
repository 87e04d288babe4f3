"""What programs send that is no request: inputs 37, 40 and 42, at every address that takes a token.

A refusal is always in the address's own format, never a page, never a 500, and nothing is written.
"""

import gzip
import json

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim import bodies
from scim.exceptions import ScimError
from scim.models import ScimGroup
from tenants.models import KeptAnswer, Membership, User
from tests.services import Program

pytestmark = [pytest.mark.bad_input, pytest.mark.django_db]

USERS, GROUPS = "scim/v2/Users", "scim/v2/Groups"
TYPE = "application/scim+json"


@pytest.fixture
def scim(acme):
    return Program(acme, "scim")


def is_refused(answer, *statuses):
    assert answer.status_code in (statuses or (400,)), (answer.status_code, answer.content[:300])
    assert answer.headers["Content-Type"].startswith(TYPE)
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


# --- input 37: JSON that is none ------------------------------------------------------------------

DEEP = b"[" * 10_000 + b"]" * 10_000
NO_JSON = {
    "empty": b"",
    "text": b"userName=ada",
    "cut": b'{"userName": "ada@acme.exa',
    "trailing": b'{"userName": "ada@acme.example"} x',
    "single quotes": b"{'userName': 'ada@acme.example'}",
    "comment": b'{"userName": "ada@acme.example" /* x */}',
    "bom": b'\xef\xbb\xbf{"userName": "ada@acme.example"}',
    "utf-16": '{"userName": "ada@acme.example"}'.encode("utf-16"),
    "not utf-8": b'{"userName": "\xff\xfe@acme.example"}',
    "10,000 deep": DEEP,
    "10,000 deep inside": b'{"userName": "ada@acme.example", "x": ' + DEEP + b"}",
    "13 deep": b'{"userName": "ada@acme.example", "x": ' + b"[" * 13 + b"]" * 13 + b"}",
    "a name twice": b'{"userName": "ada@acme.example", "userName": "eve@acme.example"}',
    "a huge number": b'{"userName": "ada@acme.example", "x": ' + b"9" * 5000 + b"}",
    "NaN": b'{"userName": "ada@acme.example", "x": NaN}',
    "Infinity": b'{"userName": "ada@acme.example", "x": -Infinity}',
    "NUL": b'{"userName": "ada@acme.example", "displayName": "a\\u0000b"}',
    "NUL in a name": b'{"userName": "ada@acme.example", "a\\u0000b": 1}',
    "half a character": b'{"userName": "ada@acme.example", "displayName": "\\ud800"}',
    "array for object": b'[{"userName": "ada@acme.example"}]',
    "text for object": b'"ada@acme.example"',
    "null": b"null",
    "number for text": b'{"userName": 7}',
    "list for text": b'{"userName": ["ada@acme.example"]}',
    "object for text": b'{"userName": {"$gt": ""}}',
    "no address": b'{"userName": "ada"}',
    "no userName": b'{"active": true}',
    "two addresses": b'{"userName": "ada@acme.example,eve@acme.example"}',
    "line break": b'{"userName": "ada@acme.example\\r\\nBcc: eve@acme.example"}',
    "long": b'{"userName": "' + b"a" * 5000 + b'@acme.example"}',
    "long name": b'{"userName": "ada@acme.example", "displayName": "' + b"a" * 1000 + b'"}',
    "name as text": b'{"userName": "ada@acme.example", "name": "Ada"}',
    "active as number": b'{"userName": "ada@acme.example", "active": 1}',
    "unknown attribute": b'{"userName": "ada@acme.example", "isSuperuser": true}',
    "another's tenant": b'{"userName": "ada@acme.example", "tenant_id": 2}',
}


@pytest.mark.parametrize("name", NO_JSON)
def test_input_37_a_body_that_cannot_be_a_user(scim, name):
    before = User.objects.count()
    is_refused(scim("POST", USERS, NO_JSON[name]))
    assert User.objects.count() == before


def test_input_37_the_same_for_changes_and_groups(acme, scim):
    row = ScimGroup
    with acme.here():
        group = row.objects.create(tenant=acme.tenant, display_name="G")
    places = [("PUT", f"{USERS}/{acme.csm.pk}"), ("PATCH", f"{USERS}/{acme.csm.pk}"), ("POST", GROUPS),
              ("PUT", f"{GROUPS}/{group.pk}"), ("PATCH", f"{GROUPS}/{group.pk}")]  # fmt: skip
    for method, path in places:
        for name in ("empty", "cut", "10,000 deep", "a name twice", "a huge number", "NUL", "half a character",
                     "array for object", "null", "utf-16", "number for text", "unknown attribute"):  # fmt: skip
            is_refused(scim(method, path, NO_JSON[name]))
    membership = Membership.objects.get(pk=acme.csm.pk)
    assert (membership.is_active, membership.user.email) == (True, acme.csm.user.email)


@pytest.mark.parametrize(
    "operations",
    [
        [],
        {},
        "x",
        [{}],
        [{"op": "drop", "path": "active"}],
        [{"op": "replace"}],
        [{"op": "replace", "value": True}],
        [{"op": "remove"}],
        [{"op": "replace", "path": "active", "value": "no"}],
        [{"op": "replace", "path": "active", "value": None}],
        [{"op": "replace", "path": "is_superuser", "value": True}],
        [{"op": "replace", "path": "user__password", "value": "x"}],
        [{"op": "replace", "path": "x" * 5000, "value": "x"}],
        [{"op": "replace", "path": "userName", "value": "not an address"}],
        [{"op": "replace", "path": "userName", "value": None}],
        [{"op": ["replace"], "path": "active", "value": False}],
        [{"op": "replace", "path": "displayName", "value": "x"}] * 1001,
    ],
    ids=lambda value: str(value)[:40],
)
def test_input_37_a_patch_that_says_nothing_sensible(acme, scim, operations):
    is_refused(scim("PATCH", f"{USERS}/{acme.csm.pk}", {"Operations": operations}))
    assert Membership.objects.get(pk=acme.csm.pk).is_active


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                  "text/html", "application/xml"])  # fmt: skip
def test_input_37_another_content_type(scim, kind):
    is_refused(scim("POST", USERS, b'{"userName": "ada@acme.example"}', content_type=kind), 415)


def test_input_37_a_gzip_bomb_is_not_unpacked(scim):
    bomb = gzip.compress(b'{"userName": "' + b"a" * 50_000_000 + b'"}')
    is_refused(scim("POST", USERS, bomb, **{"Content-Encoding": "gzip"}), 415)
    is_refused(scim("POST", USERS, bomb), 400)


def test_input_37_too_large_with_and_without_saying_so(scim):
    body = b'{"userName": "' + b"a" * (bodies.LARGEST + 1) + b'"}'
    is_refused(scim("POST", USERS, body), 413)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_input_37_any_bytes_are_json_or_refused(raw):
    """Without a database: parse() gives values that PostgreSQL can hold, or a ScimError."""
    try:
        value = bodies.parse(raw)
    except ScimError:
        return
    assert "\\u0000" not in json.dumps(value)


NAMES = ["userName", "active", "name", "value", "members", "externalId", "op", "path", "Operations", "emails",
         "displayName", "schemas", "id", "givenName"]  # fmt: skip
KEYS = st.sampled_from(NAMES) | st.text(max_size=5)
SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
PLACES = [("POST", USERS), ("POST", GROUPS), ("PATCH", f"{USERS}/%d"), ("PUT", f"{USERS}/%d")]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=JSON, where=st.sampled_from(PLACES))
def test_input_37_any_json_is_taken_or_refused_in_scims_own_words(acme, scim, body, where):
    method, path = where
    if method == "PATCH":
        body = {"Operations": [{"op": "replace", "value": body}]}
    answer = scim(method, path.replace("%d", str(acme.csm.pk)), json.dumps(body).encode())
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        is_refused(answer, 400, 409, 413)
    assert not User.objects.filter(is_superuser=True).exists()
    assert Membership.objects.filter(role="ops_admin", tenant=acme.tenant).count() == 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=40).filter(lambda text: "\x00" not in text))
def test_input_37_any_filter_page_and_id(scim, text):
    from urllib.parse import quote

    word = quote(text.encode("utf-8", "replace"))
    for path in (f"{USERS}?filter={word}", f"{USERS}?startIndex={word}&count={word}", f"{GROUPS}?filter={word}",
                 f"{USERS}?attributes={word}", f"scim/v2/{word or 'x'}"):  # fmt: skip
        assert scim("GET", path).status_code in (200, 301, 400, 404), path


def test_input_37_methods_that_an_address_does_not_know(scim):
    for method in ("TRACE", "OPTIONS", "CONNECT", "PROPFIND"):
        assert scim(method, USERS).status_code == 405
    assert scim("POST", "api/v1/usage/").status_code in (403, 405)


# --- input 40: idempotency keys of programs -------------------------------------------------------


def test_input_40_a_key_that_is_none_changes_nothing(scim):
    before = User.objects.count()
    for key in ("", " ", "a b", "k" * 1024, "k\u00e4"):
        answer = scim("POST", USERS, {"userName": "ada@acme.example"}, **{"Idempotency-Key": key})
        is_refused(answer, 400)
    assert User.objects.count() == before


def test_input_40_a_key_of_another_body_token_or_tenant(acme, globex, scim):
    key = {"Idempotency-Key": "night-1"}
    made = scim("POST", USERS, {"userName": "ada@acme.example"}, **key)
    assert made.status_code == 201
    is_refused(scim("POST", USERS, {"userName": "eve@acme.example"}, **key), 422)
    is_refused(scim("POST", GROUPS, {"displayName": "x"}, **key), 422)
    other = Program(acme, "scim")  # the same tenant's other program: a key of its own
    assert other("POST", USERS, {"userName": "bob@acme.example"}, **key).status_code == 201
    theirs = Program(globex, "scim")
    answer = theirs("POST", USERS, {"userName": "ada@globex.example"}, **key)
    assert answer.status_code == 201
    assert answer.json()["userName"] == "ada@globex.example"
    with acme.here():
        assert KeptAnswer.objects.count() == 2


def test_input_40_a_refused_call_may_be_mended_under_its_key(scim):
    key = {"Idempotency-Key": "night-2"}
    is_refused(scim("POST", USERS, {"userName": "no address"}, **key))
    assert scim("POST", USERS, {"userName": "ada@acme.example"}, **key).status_code == 201


# --- input 42: bursts -----------------------------------------------------------------------------


def test_input_42_a_burst_of_a_token_is_cut_and_spoofed_addresses_do_not_help(acme, scim, settings):
    settings.RATE_PER_PRINCIPAL, settings.RATE_PER_ADDRESS, settings.RATE_PER_TENANT = 5, 0, 0
    found = [
        scim("GET", f"{USERS}?count=0", **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(8)
    ]
    assert found == [200] * 5 + [429] * 3
    assert Program(acme, "scim")("GET", f"{USERS}?count=0").status_code == 200, "another token has its own"


def test_input_42_one_address_guessing_tokens_and_tenants_is_cut(acme, globex, settings):
    settings.RATE_PER_ADDRESS = 6
    statuses = []
    for number in range(9):
        world = (acme, globex)[number % 2]
        token = f"hf_production_{'a' * 12}_{number:064x}"
        client = Client(
            headers={"X-Forwarded-For": f"198.51.100.{number}", "Authorization": f"Bearer {token}"}
        )
        statuses.append(client.get(world.url(USERS)).status_code)
    assert statuses == [401] * 6 + [429] * 3


def test_the_buckets_hold_no_address_for_long(acme, settings):
    """What is kept of an address is one row that an hour's silence makes worthless, and the sweep deletes."""
    from tenants import ratelimits

    ratelimits.take([ratelimits.Bucket("address:203.0.113.9", 10)])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_rate_bucket SET at = now() - interval '2 hours'")
        cursor.execute(ratelimits._FORGET)
        cursor.execute("SELECT count(*) FROM tenants_rate_bucket")
        assert cursor.fetchone() == (0,)
