"""The indicators that health can be made of, declared as data: what each measures, from which evidence, in words.

One module a dimension. The arithmetic behind each key is in `scoring.engine.values`, the evidence query in
`scoring.features`. Weights and curves here are only the defaults of a new tenant's first policy: a usual value scores
about 65, so that a fall shows and excellence too. Adding one: docs/scoring.md, "A new indicator".
"""

from scoring.catalogue.base import MISSING_WORDS, SOURCES, Dimension, Indicator, Missing, Source
from scoring.catalogue.business import BUSINESS
from scoring.catalogue.community import COMMUNITY
from scoring.catalogue.engagement import ENGAGEMENT
from scoring.catalogue.feedback import FEEDBACK
from scoring.catalogue.outcomes import OUTCOMES
from scoring.catalogue.satisfaction import SATISFACTION
from scoring.catalogue.stakeholders import STAKEHOLDERS
from scoring.catalogue.usage import USAGE

__all__ = [
    "BY_KEY", "DIMENSION_LABELS", "INDICATORS", "MISSING_WORDS", "SOURCES", "Dimension", "Indicator", "Missing",
    "Source",
]  # fmt: skip

# in the order of the dimensions, which is the order of every page and of the formulas
INDICATORS: tuple[Indicator, ...] = (
    *USAGE,
    *ENGAGEMENT,
    *COMMUNITY,
    *SATISFACTION,
    *FEEDBACK,
    *BUSINESS,
    *STAKEHOLDERS,
    *OUTCOMES,
)
BY_KEY = {indicator.key: indicator for indicator in INDICATORS}
DIMENSION_LABELS = {dimension: dimension.value.capitalize() for dimension in Dimension}
