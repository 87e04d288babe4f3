"""Parent accounts: a row may name only an account that is there, and nobody may be their own ancestor."""

from collections.abc import Iterable

UNKNOWN = "names no account, now or earlier. Send the parent's row too, or mend the id."
CYCLE = "makes the account its own ancestor. Break the circle of parents."


def wrong_parents(rows: Iterable[tuple[int, str, str | None]], known: dict[str, str]) -> dict[int, str]:
    """Line and reason of the rows that cannot land; `rows` are (line, id, parent), `known` id to parent.

    Turning one row away can leave another without its parent, or close a circle through what was known before, so
    this goes on until nothing more falls out. An empty parent keeps the known one.
    """
    left = {external_id: (line, parent) for line, external_id, parent in rows}
    wrong: dict[int, str] = {}
    while True:
        unknown = [
            external_id
            for external_id, (_, parent) in left.items()
            if parent is not None and parent not in left and parent not in known
        ]
        reason = UNKNOWN
        if not unknown:
            parents = known | {id_: parent for id_, (_, parent) in left.items() if parent is not None}
            unknown = [id_ for id_ in _in_circles(parents) if id_ in left and left[id_][1] is not None]
            reason = CYCLE
        if not unknown:
            return wrong
        for external_id in unknown:
            wrong[left.pop(external_id)[0]] = reason


def _in_circles(parents: dict[str, str]) -> list[str]:
    """All that lie on a circle; each is walked once."""
    done: set[str] = set()
    circles: list[str] = []
    for start in parents:
        path: dict[str, int] = {}
        at = start
        while at and at not in done and at not in path:
            path[at] = len(path)
            at = parents.get(at, "")
        if at in path:
            circles += list(path)[path[at] :]
        done.update(path)
    return circles
