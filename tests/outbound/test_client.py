"""One call to a real receiver: what it is signed with, and what each answer means."""

import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import HTTPServer

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from integrations.clients.addresses import parse_networks
from integrations.clients.errors import Forbidden, Gone, Invalid, OutcomeUnknown, Retryable
from integrations.clients.webhook import (
    MAX_BODY,
    MAX_EXCERPT,
    Message,
    deliver,
    retry_after,
    signature_headers,
)
from integrations.services import new_secret
from tests.outbound.receiver import Answer

LOOPBACK = parse_networks(["127.0.0.0/8"])
MESSAGE = Message("k" * 64, '{"type":"holdfast.endpoint.test","data":{"name":"Bücher"}}')


def send(receiver, message=MESSAGE, *, url="", secrets=(), timeout=5.0, resolver=None):
    return deliver(
        url or receiver.url,
        message,
        secrets=secrets or [receiver.secret],
        allowed=LOOPBACK,
        timeout=timeout,
        resolver=resolver,
    )


def test_the_receiver_verifies_it_with_the_standard_library(receiver):
    receipt = send(receiver)
    assert (receipt.status, receipt.excerpt) == (200, "taken")
    call = receiver.calls[0]
    assert call.id == MESSAGE.id
    assert call.body.decode() == MESSAGE.body
    assert Webhook(receiver.secret).verify(call.body, call.headers)["type"] == "holdfast.endpoint.test"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(call.body, call.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(receiver.secret).verify(call.body + b" ", call.headers)


def test_while_a_secret_is_replaced_both_verify(receiver):
    new = new_secret()
    send(receiver, secrets=[new, receiver.secret])
    call = receiver.calls[0]
    assert len(call.headers["webhook-signature"].split()) == 2
    for secret in (new, receiver.secret):
        Webhook(secret).verify(call.body, call.headers)


def test_the_timestamp_is_of_the_try_and_the_id_of_the_message():
    first = signature_headers(MESSAGE, secrets=[new_secret()], now=datetime(2026, 1, 1, tzinfo=UTC))
    later = signature_headers(MESSAGE, secrets=[new_secret()], now=datetime(2026, 1, 2, tzinfo=UTC))
    assert first["webhook-id"] == later["webhook-id"] == MESSAGE.id
    assert int(later["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 86_400


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_success(receiver, status):
    receiver.answers(Answer(status=status, body=b""))
    assert send(receiver).status == status


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, Retryable),
        (301, Invalid),
        (302, Retryable),
        (307, Retryable),
        (308, Invalid),
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, Invalid),
        (408, Retryable),
        (409, Invalid),
        (410, Gone),
        (413, Invalid),
        (422, Invalid),
        (425, Retryable),
        (429, Retryable),
        (500, Retryable),
        (501, Retryable),
        (502, Retryable),
        (503, Retryable),
        (504, Retryable),
    ],
)
def test_what_each_status_means(receiver, status, error):
    receiver.answers(Answer(status=status, body=b"why", headers={"Location": f"{receiver.url}/elsewhere"}))
    with pytest.raises(error) as failed:
        send(receiver)
    assert type(failed.value) is error
    assert (failed.value.status, failed.value.excerpt) == (status, "why")
    assert len(receiver.calls) == 1, "a redirect was followed, or the call repeated"


def test_a_permanent_redirect_says_where_to(receiver):
    receiver.answers(Answer(status=301, headers={"Location": "https://new.example/hook"}))
    with pytest.raises(Invalid, match=r"moved to https://new\.example/hook"):
        send(receiver)


def test_a_receiver_that_says_nothing_leaves_the_outcome_unknown(receiver):
    receiver.answers(Answer(fault="hang"))
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        send(receiver, timeout=0.3)
    assert time.monotonic() - started < 2


def test_a_receiver_that_drips_is_cut_off_at_the_same_time(receiver):
    receiver.answers(Answer(fault="drip"))
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        send(receiver, timeout=0.5)
    assert time.monotonic() - started < 2


def test_a_reset_after_sending_leaves_the_outcome_unknown(receiver):
    receiver.answers(Answer(fault="drop"))
    with pytest.raises(OutcomeUnknown):
        send(receiver)


def test_an_answer_that_breaks_off_after_a_200_is_a_200(receiver):
    receiver.answers(Answer(fault="cut", body=b"half"))
    receipt = send(receiver)
    assert receipt.status == 200
    assert "broke off" in receipt.remark


def test_nobody_at_home_is_known_not_to_have_happened(receiver):
    receiver.__exit__()
    with pytest.raises(Retryable, match="No connection"):
        send(receiver)


def test_only_the_start_of_an_answer_is_kept_and_can_be_stored(receiver):
    receiver.answers(Answer(body=b"\x00\xff" + "ü".encode() * 50_000))
    excerpt = send(receiver).excerpt
    assert len(excerpt.encode()) <= MAX_EXCERPT
    assert "\x00" not in excerpt
    assert set(excerpt) == {"ü"}


def test_a_message_over_the_limit_is_never_sent(receiver):
    with pytest.raises(Invalid, match="20,000"):
        send(receiver, Message("k", "x" * (MAX_BODY + 1)))
    assert receiver.calls == []


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert send(receiver).status == 200


def test_the_pinned_address_is_used_and_the_name_is_kept(receiver):
    asked = []

    def resolver(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    send(receiver, url=f"http://hooks.example:{receiver.port}/in?x=1", resolver=resolver)
    assert asked == ["hooks.example"], "looked up more than once: a second answer could lead inside"
    assert receiver.calls[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert receiver.calls[0].path == "/in?x=1"


def test_tls_asks_for_the_name_and_believes_no_self_made_certificate(tmp_path):
    names = []
    server, port = tls_server(tmp_path, names)
    try:
        with pytest.raises(Retryable, match="certificate"):
            deliver(
                f"https://hooks.example:{port}/",
                MESSAGE,
                secrets=[new_secret()],
                allowed=LOOPBACK,
                resolver=lambda host, port: ["127.0.0.1"],
            )
        assert names == ["hooks.example"]
    finally:
        server.shutdown()
        server.server_close()


def tls_server(folder, names):
    """A server with a certificate for hooks.example that it signed itself; writes down which name was asked for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda connection, asked, context: names.append(asked)

    class Quiet(HTTPServer):
        def handle_error(self, request, client_address):
            """The client breaks off, as it should."""

    server = Quiet(("127.0.0.1", 0), None)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    return server, server.server_address[1]


NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("banana", None),
        ("", None),
        ("٣", None),
        ("99999999999999999999", None),
        ("90000", 86_400.0),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), None),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 86_400.0),
        ("Sun, 99 Foo 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_or_ignored(text, seconds):
    assert retry_after(text, now=NOW) == seconds
