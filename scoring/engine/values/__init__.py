"""From raw figures to indicator values: one function a key, arrays in, arrays out, NaN where there is no value.

One module a dimension. `raw` holds one array a figure, aligned by account, NaN where the evidence has nothing. `*_ago`
figures are whole days before the scored day (1 is the day before). `window.<key>` are the days of a window in force,
`window.<key>.now` of its last part, where now is compared with before; one number each. Nothing here knows a
database, a tenant or today's date.
"""

from scoring.engine.values import (
    business,
    community,
    engagement,
    feedback,
    outcomes,
    satisfaction,
    stakeholders,
    usage,
)  # fmt: skip
from scoring.engine.values.base import Formula

_MODULES = (usage, engagement, community, satisfaction, feedback, business, stakeholders, outcomes)
FORMULAS: dict[str, Formula] = {key: formula for each in _MODULES for key, formula in each.FORMULAS.items()}
# the raw figure that dates the newest evidence behind an indicator, where it is not its source's newest row
NEWEST: dict[str, str] = {key: figure for each in _MODULES for key, figure in each.NEWEST.items()}
