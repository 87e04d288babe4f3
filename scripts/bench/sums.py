"""Whether the parts of every level and every change add up, over all accounts of stored runs."""

import json

from scripts.bench.installation import Installation
from scripts.bench.table import Line

LIMIT = 1e-9


def measure(made: Installation, *, accounts: int) -> list[Line]:
    """Three scored days with policies, model, overrides and missing data changing in between (tests.scoring.crowd)."""
    made.manage("create_tenant", "--organization", "sums", "--slug", "sums")
    found = json.loads(made.manage("bench_sums", "--tenant", "sums", "--accounts", str(accounts)))
    chances, level, levels_broken = found["level"]
    pairs, logits, points = found["changes"]
    healths, broken = found["health"]
    took = f"{found['write']:.0f} s to write, {found['read']:.0f} s to read and split"

    def line(what: str, worst: float) -> Line:
        return Line(what, took, "the limit", f"{LIMIT:g}", f"{worst:.1e}", f"under {LIMIT:g}")

    return [
        line(f"parts of {chances:,} stored chances against their log-odds, worst", level),
        line(f"parts of the change of {pairs:,} chances against the stored chances, log-odds, worst", logits),
        line(f"the same in points of the chance, worst, {', '.join(found['kinds'])}", points),
        line(
            f"healths and their changes ({healths:,}) whose hundredths do not add up", levels_broken + broken
        ),
    ]
