"""One thread for learning: on a machine that does other work, threads of linear algebra and of trees wait for each
other many times over, and the number of threads changes the last digits. A fit takes seconds; workers run side by side.
"""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield
