"""gunicorn's own lines in the house's format; the command line of `serve` has the rest."""

import gc
from typing import Any

from config import env, logs

_common = logs.configuration(
    style=env.choice("HOLDFAST_LOG_FORMAT", "json", allowed={"json", "line"}),
    level=env.text("HOLDFAST_LOG_LEVEL", "WARNING"),
    access=False,
)
# gunicorn fills what is missing here with handlers of its own, so its loggers are named
logconfig_dict = {
    **_common,
    "loggers": {
        "gunicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}


def pre_fork(server: Any, worker: Any) -> None:
    """The collector leaves alone what is loaded before a fork, so the processes go on sharing it."""
    gc.collect()
    gc.freeze()
