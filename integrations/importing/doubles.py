"""Remembers the key of every row of a file as a 64-bit hash, to find rows that share one."""

from typing import Any

import numpy as np

from integrations.importing.validate import Checked

Array = np.ndarray[Any, Any]


class Keys:
    """16 bytes a row. Which rows truly agree is decided on the staged rows themselves (Stage.sort_out_doubles)."""

    def __init__(self) -> None:
        self._good: list[tuple[Array, Array]] = []
        self._bad: list[tuple[Array, Array]] = []

    def add(self, checked: Checked) -> None:
        self._good.append((checked.good_keys, checked.good["line"].to_numpy()))
        if len(checked.bad_keys):
            self._bad.append((checked.bad_keys, checked.bad_lines))

    def doubles(self) -> tuple[Array, Array]:
        """(keys, lines) of all rows whose key another row has too, rejected rows among them."""
        parts = self._good + self._bad
        if not parts:
            return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        keys = np.concatenate([keys for keys, _ in parts])
        lines = np.concatenate([lines for _, lines in parts])
        order = np.argsort(keys, kind="stable")
        keys, lines = keys[order], lines[order]
        same = keys[1:] == keys[:-1]
        shared = np.zeros(len(keys), dtype=bool)
        shared[1:] |= same
        shared[:-1] |= same
        return keys[shared], lines[shared]
