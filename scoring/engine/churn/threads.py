"""One thread for learning: sums come out alike on every machine, and threads of linear algebra and of trees that wait
for each other take ten times as long on a busy one. Fits of several seconds stand side by side in threads of their own.

The limit belongs to the process: what starts threads of its own holds it around all of them, not within each.
"""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    import sklearn.ensemble  # type: ignore[import-untyped]  # noqa: F401  its threads can be bounded once it is loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
