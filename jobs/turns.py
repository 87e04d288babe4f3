"""Whose turn it is: one tenant's thousand jobs must not keep another's first one waiting (ADR 0004).

A doorbell says that there is work, not which. Whoever answers takes the oldest due job of the tenant with the fewest
jobs running, and among equals of the one that this process has served longest ago: each tenant that waits gets every
n-th turn, however long the others' lines are. Bells and jobs are equally many, so none is left over.
"""

from collections.abc import Iterator
from itertools import count

from jobs import clock, queries

_served: dict[int, int] = {}  # tenant: when this process last worked for it, counted in turns
_turn = count(1)


def in_order() -> Iterator[int]:
    """Ids of due jobs, best first; some of them may be taken by another worker meanwhile."""
    heads = queries.heads_of_lines(now=clock.now())
    for head in sorted(heads, key=lambda each: (each.place, each.running, _served.get(each.tenant_id, 0))):
        yield head.job_id


def note_served(tenant_id: int) -> None:
    _served[tenant_id] = next(_turn)
