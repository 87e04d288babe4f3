"""Receivers whose address leads inside: at the form, at the sending, behind a name (input 41); keys (input 40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.clients import addresses
from integrations.clients.errors import Forbidden, Retryable
from tenants.roles import Right
from tests.bad_input import ground as g
from tests.bad_input import nasty
from tests.bad_input.conftest import EXAMPLES

pytestmark = [pytest.mark.bad_input, pytest.mark.xdist_group("bad_input_http")]

INSIDE = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://192.168.0.1/",
    "https://172.16.0.1/",
    "https://100.64.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://localhost/",
    "https://x.localhost/",
    "https://db.internal/",
    "https://printer.local/",
    "https://intranet/",
    "https://127.0.0.1./",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://metadata.google.internal/",
]
NOT_WEB = [
    "file:///etc/passwd",
    "ftp://crm.example/",
    "gopher://127.0.0.1:6379/_x",
    "http://crm.example/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//crm.example/",
    "crm.example",
    "https://",
    "https:///x",
    "https://crm.example:22/",
    "https://crm.example:0/",
    "https://crm.example:99999/",
    "https://crm.example:25/",
    "https://user:pw@crm.example/",
    "https://crm.example@127.0.0.1/",
    "https://crm.example\\@127.0.0.1/",
    "https://crm.example/ x",
    "https://crm.example/\r\nHost: x",
    "https://[::1",
    "https://crm.example#@x",
    "https://" + "a" * 1000 + ".example/",
    "https://крм.example/",
]


@pytest.mark.parametrize("url", [*INSIDE, *NOT_WEB])
def test_the_form_refuses_it_with_words(url, ground):
    """Input 41: 422 with a sentence at the field, nothing kept, and no name is looked up for it."""
    acme, globex = ground
    client, before = g.sign_in(g.somebody_with(Right.INTEGRATIONS, acme)), g.picture(acme, globex)
    answer = client.post(acme.url("endpoints/new/"), {"name": "CRM", "url": url})
    assert answer.status_code == 422, g.why(answer)
    assert "aria-invalid" in answer.text
    assert g.picture(acme, globex) == before


@pytest.mark.parametrize("url", [*INSIDE, *NOT_WEB])
def test_past_the_form_it_is_still_not_sent(url):
    """Input 41: an address that came into the table some other way is refused when something is to be sent."""
    with pytest.raises(Forbidden):
        addresses.pin(url, resolver=lambda host, port: ["127.0.0.1"])


def test_a_name_that_changes_its_answer_gains_nothing():
    """Input 41: DNS rebinding; the name is asked once, and the connection goes to what was checked."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    target = addresses.pin("https://crm.example/", resolver=lambda host, port: next(answers))
    assert target.address == "93.184.216.34"
    with pytest.raises(Forbidden):
        addresses.pin("https://crm.example/", resolver=lambda host, port: next(answers))


@EXAMPLES
@given(
    inner=st.one_of(
        st.ip_addresses(v=4, network="10.0.0.0/8"),
        st.ip_addresses(v=4, network="127.0.0.0/8"),
        st.ip_addresses(v=4, network="169.254.0.0/16"),
        st.ip_addresses(v=6, network="fc00::/7"),
        st.ip_addresses(v=6, network="fe80::/10"),
        st.ip_addresses(v=6, network="::ffff:0:0/96"),
    ),
    outer=st.lists(st.just("93.184.216.34"), max_size=3),
    at=st.integers(0, 3),
)
def test_one_inner_address_spoils_a_name(inner, outer, at):
    """Input 41: wherever it stands among public ones."""
    found = [*outer]
    found.insert(at, str(inner))
    with pytest.raises(Forbidden):
        addresses.pin("https://crm.example/", resolver=lambda host, port: found)


@EXAMPLES
@given(text=nasty.anything)
def test_anything_is_refused_or_an_address(text):
    """Input 41: whatever is typed is parts of an address or refused with words; never another error."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for url in (text, f"https://{text}/", f"https://crm.example:{text}/"):
        try:
            addresses.pin(url, resolver=lambda host, port: ["93.184.216.34"])
        except (Forbidden, Retryable):
            continue


# --- keys of requests -------------------------------------------------------------------------------------

BAD_KEYS = ["", " ", "k" * 201, "k" * 1024, "a b", "ключ", "a\tb"]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_are_none(key, ground):
    """Input 40: an empty, blank, too long or unprintable key is 400, or none; nothing is changed under it twice."""
    acme, _ = ground
    account = acme.add_account()
    client, url = g.sign_in(acme.csm), acme.url(f"accounts/{account.pk}/notes/")
    before = g.picture(acme)
    answer = client.post(url, {"text": "Called."}, headers={"Idempotency-Key": key})
    assert answer.status_code == 400, g.why(answer)
    assert not g.changed(before, g.picture(acme))


def test_a_key_used_again(ground):
    """Input 40: the same key is the same answer; with another body it is refused; another tenant's is another key."""
    from accounts.models import Note

    acme, globex = ground
    key = {"Idempotency-Key": "one-key"}
    numbers = []
    for world in (acme, globex):
        client, url = g.sign_in(world.csm), world.url(f"accounts/{world.add_account('Keyed').pk}/notes/")
        first = client.post(url, {"text": "Called."}, headers=key)
        again = client.post(url, {"text": "Called."}, headers=key)
        other = client.post(url, {"text": "Mailed."}, headers=key)
        assert [first.status_code, again.status_code, other.status_code] == [303, 303, 422]
        with world.here():
            numbers.append(Note.objects.for_tenant(world.tenant).count())
    assert numbers == [1, 1]
