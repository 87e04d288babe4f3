"""A believable, made-up customer base in the public import format, for demos, development and tests.

Pure numpy and polars: no Django, and neither code nor constants of the scoring. See `worlds` for the parameters and
`causes` for what makes customers leave.
"""

from .engine import FILES, SimulationError, UnusableParameter, check_parameters, simulate, truth_folder
from .worlds import WORLDS

__all__ = [
    "FILES",
    "WORLDS",
    "SimulationError",
    "UnusableParameter",
    "check_parameters",
    "simulate",
    "truth_folder",
]
