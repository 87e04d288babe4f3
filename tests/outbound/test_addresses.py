"""Where webhooks may go. Names are answered by the test; nothing is looked up."""

import pytest

from integrations.clients.addresses import check_url, parse_networks, pin
from integrations.clients.errors import Forbidden, Retryable

LOOPBACK = parse_networks(["127.0.0.0/8"])


def answering(*addresses):
    return lambda host, port: list(addresses)


def never(host, port):
    raise AssertionError(f"{host} was looked up")


FORBIDDEN_AS_WRITTEN = [
    "https://127.0.0.1/hook",
    "https://[::1]/hook",
    "https://[::]/hook",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",  # shared address space of providers
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::7f00:1]/",  # NAT64 of 127.0.0.1
    "https://[2002:7f00:1::]/",  # 6to4 of 127.0.0.1
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://1.2.3.4.5/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://db.internal/",
    "https://printer.local/",
    "https://intranet/",
    "http://crm.example/hook",
    "file:///etc/passwd",
    "ftp://crm.example/",
    "gopher://crm.example/",
    "javascript:alert(1)",
    "//crm.example/hook",
    "crm.example/hook",
    "https://",
    "https:///hook",
    "https://crm.example:22/",
    "https://crm.example:25/",
    "https://crm.example:0/",
    "https://crm.example:99999/",
    "https://crm.example:x/",
    "https://user:secret@crm.example/",
    "https://crm.example@127.0.0.1/",
    "https://crm.example/#part",
    "https://crm.example/a b",
    "https://crm.example\\@127.0.0.1/",
    "https://crm.example/\nhost: other",
    "https://bücher.example/",
    "https://①②⑦.0.0.1/",
    "https://crm.example/" + "x" * 1000,
    "",
]


@pytest.mark.parametrize("url", FORBIDDEN_AS_WRITTEN)
def test_these_are_refused_as_written_and_never_looked_up(url):
    with pytest.raises(Forbidden) as refused:
        check_url(url)
    assert refused.value.words.endswith(".")
    with pytest.raises(Forbidden):
        pin(url, resolver=never)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/hook",
        "https://crm.example:8443/hook?key=1",
        "https://xn--bcher-kva.example/",
        "https://1.1.1.1/hook",
        "https://[2606:4700::1111]/hook",
    ],
)
def test_public_addresses_pass(url):
    assert check_url(url).hostname


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "::1", "169.254.169.254", "::ffff:10.0.0.7"])
def test_a_public_name_that_leads_inside_is_refused(address):
    with pytest.raises(Forbidden, match=r"crm\.example leads to"):
        pin("https://crm.example/hook", resolver=answering(address))


def test_one_inner_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(Forbidden):
        pin("https://crm.example/", resolver=answering("1.1.1.1", "10.0.0.7"))


def test_a_public_name_is_pinned_to_its_first_address():
    target = pin("https://crm.example:8443/hook", resolver=answering("1.1.1.1", "1.0.0.1"))
    assert (target.host, target.port, target.address) == ("crm.example", 8443, "1.1.1.1")


def test_a_name_that_cannot_be_looked_up_may_come_back():
    def fails(host, port):
        raise OSError(-2, "Name or service not known")

    with pytest.raises(Retryable, match="Name or service not known"):
        pin("https://crm.example/", resolver=fails)
    with pytest.raises(Retryable):
        pin("https://crm.example/", resolver=answering())


def test_http_and_private_addresses_pass_only_inside_the_allowed_networks():
    assert pin("http://127.0.0.1:9000/hook", allowed=LOOPBACK).address == "127.0.0.1"
    assert pin("http://receiver.test/", allowed=LOOPBACK, resolver=answering("127.0.0.2")).port == 80
    for url, addresses in [
        ("http://10.0.0.1/", []),
        ("http://1.1.1.1/", []),
        ("http://crm.example/", ["1.1.1.1"]),
        ("http://receiver.test/", ["127.0.0.1", "10.0.0.1"]),
    ]:
        with pytest.raises(Forbidden):
            pin(url, allowed=LOOPBACK, resolver=answering(*addresses))


@pytest.mark.parametrize(
    ("words", "good"), [([], True), (["127.0.0.0/8", "fd00::/8", "10.0.0.7"], True), (["here"], False)]
)
def test_a_slip_in_the_allowed_networks_is_found_at_start_up(settings, words, good):
    from integrations.checks import outbound_networks_are_networks

    settings.OUTBOUND_ALLOWED_NETWORKS = words
    found = outbound_networks_are_networks(None)
    assert (found == []) is good
