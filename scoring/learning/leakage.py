"""Looks for features that know the outcome, before a version is accepted: which findings refuse it, which only warn.

A feature that tells nearly everything alone, or an account twice on a day, refuses. That a feature loses much when it
is read one horizon earlier is a warning: notice, arrears and silence do so honestly. It refuses only where the feature
alone also tells suspiciously much.
"""

from typing import Any

from scoring.engine.churn.data import Stack
from scoring.engine.validation.leaks import leaks

REFUSING = ("alone", "duplicates", "apart", "read_later")
SUSPICIOUS = 0.9  # AUC of one feature alone from which a large fall is no honest news any more
# what a contract says of its own end is known in advance, and so is the length of a relation
HONEST = ("business.notice_given", "business.days_to_renewal", "account.tenure_days")


def found(stack: Stack) -> list[dict[str, Any]]:
    """The checks that tripped: {key, feature, value, limit, words, refuses}."""
    tenure = stack.x[:, stack.names.index("account.tenure_days")]
    rows = leaks(stack, tenure=tenure, exempt=HONEST)
    alone = {row["feature"]: row["value"] or 0.0 for row in rows if row["key"] == "alone"}
    tripped = [row for row in rows if row["tripped"]]
    return [
        {
            **{name: row[name] for name in ("key", "feature", "value", "limit", "words")},
            "refuses": row["key"] in REFUSING
            or (row["key"] == "shift_one" and alone.get(row["feature"], 0.0) >= SUSPICIOUS),
        }
        for row in tripped
    ]
