"""How many requests a principal, a workspace and an address may make: token buckets in one table (PLATFORM 7).

All buckets that a request draws from are raised in one statement, on the request's own connection before its
transaction opens: so it stays when the request fails, and costs no second connection. The table is unlogged, so the
statement waits for no disk. A workspace's bucket is drawn from by its members and tokens alone: nobody outside can
use it up.

When the table cannot be asked, requests pass and the log says so: a limit guards against excess, and refusing
everybody would be the larger harm. Sign-in has limits of its own.
"""

import ipaddress
import logging
import math
import random
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest

LOG = logging.getLogger(__name__)
MINUTE = 60.0

_TAKE = """\
INSERT INTO tenants_rate_bucket AS b (key, tokens, capacity, rate, allowed, at)
SELECT key, capacity - 1, capacity, rate, true, clock_timestamp()
  FROM unnest(%s::text[], %s::float8[], %s::float8[]) AS wanted (key, capacity, rate)
 ORDER BY key  -- always in this order, so that two requests never wait for each other
    ON CONFLICT (key) DO UPDATE SET
       tokens = {filled} - CASE WHEN {filled} >= 1 THEN 1 ELSE 0 END,
       allowed = {filled} >= 1,
       capacity = EXCLUDED.capacity, rate = EXCLUDED.rate, at = greatest(b.at, EXCLUDED.at)
RETURNING key, allowed, tokens, rate
""".format(
    filled="least(EXCLUDED.capacity,"
    " b.tokens + EXCLUDED.rate * greatest(0, extract(epoch FROM EXCLUDED.at - b.at)))"
)
_FORGET = "DELETE FROM tenants_rate_bucket WHERE at < now() - interval '1 hour'"
_FORGET_ONE_IN = 2000  # takes; a bucket untouched for an hour is full again


@dataclass(frozen=True)
class Bucket:
    """One limit: so many a minute, all of which may come at once."""

    key: str
    a_minute: int


@dataclass(frozen=True)
class Refusal:
    """Which bucket is empty, and in how many seconds there is a place again."""

    key: str
    seconds: int

    @property
    def words(self) -> str:
        whose = {
            "user": "you have sent",
            "token": "this token has sent",
            "tenant": "this workspace has received",
            "address": "your address has sent",
        }[self.key.partition(":")[0]]
        wait = "1 second" if self.seconds == 1 else f"{self.seconds} seconds"
        return f"That is more requests than {whose} a share for. Nothing was changed; try again in {wait}."


def take(buckets: list[Bucket]) -> Refusal | None:
    """Draw from all of them; the refusal with the longest wait, or None. A limit of 0 means none."""
    wanted = [each for each in buckets if each.a_minute > 0]
    if not wanted:
        return None
    try:
        # a request has no transaction yet; inside of one, a failed statement must not spoil it
        alone = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with alone, connection.cursor() as cursor:
            cursor.execute(
                _TAKE,
                [
                    [each.key for each in wanted],
                    [float(each.a_minute) for each in wanted],
                    [each.a_minute / MINUTE for each in wanted],
                ],
            )
            rows = cursor.fetchall()
            if random.randrange(_FORGET_ONE_IN) == 0:  # noqa: S311  housekeeping now and then
                cursor.execute(_FORGET)
    except Error:
        LOG.exception("rate limits cannot be asked, so the request passes")
        return None
    refused = [
        Refusal(key, max(1, math.ceil((1 - left) / rate))) for key, allowed, left, rate in rows if not allowed
    ]
    return max(refused, key=lambda each: each.seconds, default=None)


def address_of(request: HttpRequest) -> str:
    """Who sent it. A proxy's word counts only where HOLDFAST_BEHIND_PROXY says that there is one.

    The proxy appends whom it saw, so only the last entry is its own; those before it are the sender's claims. Of an
    IPv6 address the network counts: whoever has one has 2^64 addresses.
    """
    text: str = request.META.get("REMOTE_ADDR") or ""
    if settings.BEHIND_PROXY:
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or text
    try:
        address: Any = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address)
