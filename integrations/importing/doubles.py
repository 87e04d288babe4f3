"""Remembers the key of every row of a file as a 64-bit hash, to find rows that share one.

They wait in a temporary file, 16 bytes a row, so that a file of any length takes the same memory.
"""

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from integrations.importing.validate import Checked

Array = np.ndarray[Any, Any]
_ROW = np.dtype([("key", np.uint64), ("line", np.int64)])
AT_ONCE = 500_000  # rows read back at a time
A_PASS = 8_000_000  # keys sorted at a time: 64 MB


class Keys:
    """Which rows truly agree is decided on the staged rows themselves (Stage.sort_out_doubles)."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed, and so deleted, with this object
        self._rows = 0

    def add(self, checked: Checked) -> None:
        self._keep(checked.good_keys, checked.good["line"].to_numpy())
        self._keep(checked.bad_keys, checked.bad_lines)

    def _keep(self, keys: Array, lines: Array) -> None:
        rows = np.empty(len(keys), dtype=_ROW)
        rows["key"], rows["line"] = keys, lines
        self._file.write(rows.tobytes())
        self._rows += len(rows)

    def doubles(self) -> tuple[Array, Array]:
        """(keys, lines) of all rows whose key another row has too, rejected rows among them."""
        shared = self._shared()
        if not len(shared):
            return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        found = [rows[_isin(rows["key"], shared)] for rows in self._pieces()]
        rows = np.concatenate(found)
        return rows["key"].copy(), rows["line"].copy()

    def _shared(self) -> Array:
        """The keys that more than one row has, sorted. Every pass takes its share of all keys."""
        passes = self._rows // A_PASS + 1
        found = []
        for turn in range(passes):
            parts = [rows["key"][rows["key"] % passes == turn] for rows in self._pieces()]
            keys = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
            del parts
            keys.sort()
            found.append(np.unique(keys[1:][keys[1:] == keys[:-1]]))
        return np.sort(np.concatenate(found))

    def _pieces(self) -> Iterator[Array]:
        self._file.seek(0)
        while piece := self._file.read(AT_ONCE * _ROW.itemsize):
            yield np.frombuffer(piece, dtype=_ROW)


def _isin(keys: Array, wanted: Array) -> Array:
    """Which of the keys are among `wanted`, which is sorted."""
    places = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    found: Array = wanted[places] == keys
    return found
