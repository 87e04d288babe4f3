"""The same with a wall between the product and its client: see tests/faults/kinds/wall.py."""

from tests.faults.settings import *  # noqa: F403
from tests.faults.settings import MIDDLEWARE

MIDDLEWARE = ["tests.faults.kinds.wall.Wall", *MIDDLEWARE]
