"""What differs between two versions of a policy or of the chance settings, in words; no query."""

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.catalogue import BY_KEY
from scoring.chance_models import CUTS, Cuts
from scoring.models import HealthPolicy, PolicyIndicator
from scoring.whatif.cuts import LABELS, shown

SETTINGS = (
    ("at_risk_from", "At risk from"),
    ("watch_from", "Watch from"),
    ("healthy_from", "Healthy from"),
    ("min_coverage_pct", "Least weight known, %"),
)
NOTHING = "—"


@dataclass(frozen=True)
class Diff:
    settings: list[tuple[str, str, str]]  # what, before, after
    indicators: list[tuple[str, str, str, str]]  # indicator, what, before, after

    @property
    def is_empty(self) -> bool:
        return not self.settings and not self.indicators


def diff(
    before: HealthPolicy,
    after: HealthPolicy,
    rows_before: Sequence[PolicyIndicator],
    rows_after: Sequence[PolicyIndicator],
) -> Diff:
    settings = [
        (label, f"{float(getattr(before, name)):g}", f"{float(getattr(after, name)):g}")
        for name, label in SETTINGS
        if getattr(before, name) != getattr(after, name)
    ]
    if before.missing_rule != after.missing_rule:
        settings.append(("Missing data", before.get_missing_rule_display(), after.get_missing_rule_display()))
    old, new = ({row.indicator: row for row in rows} for rows in (rows_before, rows_after))
    indicators = []
    for key in dict.fromkeys([*new, *old]):
        label = BY_KEY[key].label if key in BY_KEY else key
        told = _words(old.get(key)), _words(new.get(key))
        indicators += [
            (label, what, told[0][what], told[1][what]) for what in told[0] if told[0][what] != told[1][what]
        ]
    return Diff(settings, indicators)


def diff_cuts(before: Cuts, after: Cuts) -> Diff:
    """Of two versions of the chance settings."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in CUTS]
    return Diff(
        [(LABELS[name], shown(name, old), shown(name, new)) for name, old, new in pairs if old != new], []
    )


def _words(row: PolicyIndicator | None) -> dict[str, str]:
    """A row that counts for nothing says nothing: an indicator that is off is as one that is not there."""
    if row is None or not row.enabled or row.weight == 0:
        return {"Weight": "0", "Curve": NOTHING, "Window": NOTHING}
    return {
        "Weight": f"{float(row.weight):g}",
        "Curve": ", ".join(f"{x:g}: {y:g}" for x, y in row.points),
        "Window": f"{row.window_days} days" if row.window_days else "usual",
    }
