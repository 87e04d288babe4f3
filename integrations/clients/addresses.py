"""Where a webhook may go: the guard against requests to our own network (docs/webhooks.md).

Two steps. `check_url` looks at the address as written and asks nobody, so a form can use it. `pin` resolves the name
when something is sent and returns the one address that the connection is then made to; the name is not asked
again, so a name that changes its answer in between (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from integrations.clients.errors import Forbidden, Retryable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

MAX_URL = 1000
# names that never mean a public receiver, whatever a resolver says of them
PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")
# an IPv4 address wrapped into IPv6: the wrapped one is what is reached (6to4, Teredo, NAT64)
WRAPPERS = [
    ipaddress.IPv6Network(text) for text in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")
]


@dataclass(frozen=True)
class Target:
    """A receiver that may be reached: the name it is asked for by, and the one address to connect to."""

    url: str
    host: str
    port: int
    address: str


def parse_networks(words: Sequence[str]) -> list[Network]:
    """Networks from the settings; raises ValueError for what is none."""
    return [ipaddress.ip_network(word, strict=False) for word in words]


def check_url(url: str, *, allowed: Sequence[Network] = ()) -> SplitResult:
    """The parts of an address that may be tried; raises Forbidden with words for the person who typed it."""
    parts, port = _split(url)
    literal = _literal(parts.hostname or "")
    if literal is not None:
        _check_address(literal, allowed)
    elif not allowed and _is_private_name(parts.hostname or ""):
        raise Forbidden(f"{parts.hostname} is a name of a private network. Use a public address.")
    if parts.scheme == "http" and not (allowed and (literal is None or _inside(literal, allowed))):
        raise Forbidden("The address must start with https://.")
    if port not in (80, 443) and port < 1024:
        raise Forbidden(f"Port {port} is not allowed: use 443, or a port from 1024 on.")
    return parts


def pin(url: str, *, allowed: Sequence[Network] = (), resolver: Resolver | None = None) -> Target:
    """The address to connect to. Every address of the name must be allowed, or none is used."""
    parts = check_url(url, allowed=allowed)
    host, port = parts.hostname or "", _port(parts)
    literal = _literal(host)
    found = [literal] if literal is not None else _resolved(host, port, resolver or system_resolver)
    for address in found:
        _check_address(address, allowed, host=host)
        if parts.scheme == "http" and not _inside(address, allowed):
            raise Forbidden("The address must start with https://.")
    return Target(url, host, port, str(found[0]))


def system_resolver(host: str, port: int) -> list[str]:
    """All addresses of a name, in the system's order of preference."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _split(url: str) -> tuple[SplitResult, int]:
    if len(url) > MAX_URL or any(ord(character) <= 32 or character == "\\" for character in url):
        raise Forbidden("This is not an address: it is too long, or holds blanks or backslashes.")
    try:
        parts = urlsplit(url)
        port = _port(parts)
        host = parts.hostname or ""
        host.encode("ascii")
    except UnicodeEncodeError as error:
        raise Forbidden("Write the name of the receiver in plain letters (its xn-- form).") from error
    except ValueError as error:
        raise Forbidden("This is not an address.") from error
    if parts.scheme not in ("http", "https"):
        raise Forbidden("The address must start with https://.")
    if not host:
        raise Forbidden("The address names no receiver.")
    if parts.username is not None or parts.password is not None:
        raise Forbidden("Leave user name and password out of the address; the signature proves who sends.")
    if parts.fragment:
        raise Forbidden("Leave out the part after #; it would not be sent.")
    return parts, port


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else {"http": 80}.get(parts.scheme, 443)


def _literal(host: str) -> Address | None:
    """The address that is written out in the host, or None for a name. Odd spellings of numbers are refused."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    last = host.rstrip(".").rpartition(".")[2].lower()
    # 0x7f.1, 2130706433, 0177.0.0.1 and 127.1 mean 127.0.0.1 to many resolvers; a real top-level name is no number
    if ":" in host or last.isdigit() or last.startswith("0x") or not last:
        raise Forbidden(
            f"{host} is an unusual spelling of an address. Write it as a name or as four numbers."
        )
    return None


def _is_private_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return "." not in name or any(name == each or name.endswith(f".{each}") for each in PRIVATE_NAMES)


def _resolved(host: str, port: int, resolver: Resolver) -> list[Address]:
    try:
        answers = resolver(host, port)
    except OSError as error:
        raise Retryable(f"The name {host} could not be looked up: {error.strerror or error}.") from error
    if not answers:
        raise Retryable(f"The name {host} has no address.")
    return [ipaddress.ip_address(answer) for answer in answers]


def _check_address(address: Address, allowed: Sequence[Network], *, host: str = "") -> None:
    if _inside(address, allowed) or _is_public(address):
        return
    what = f"{host} leads to {address}, which" if host and host != str(address) else str(address)
    raise Forbidden(f"{what} is in a private network. Use a public address.")


def _inside(address: Address, allowed: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in allowed)


def _is_public(address: Address) -> bool:
    """Loopback, private, link-local, shared, reserved and multicast are all not public."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return False  # no receiver publishes ::ffff:a.b.c.d; refusing it costs nothing
        if address.scope_id or address.is_site_local or any(address in network for network in WRAPPERS):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
