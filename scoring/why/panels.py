"""What the account page shows of the chance of leaving and of what changed."""

from accounts.panels import Panel, register
from scoring.why.chance import chance_context
from scoring.why.changes import changes_context
from scoring.why.cohorts import cohorts_context
from scoring.why.lines import register_lines
from scoring.why.usage import usage_context

CHANCE, CHANGES, COHORTS, USAGE = "chance", "changes", "cohorts", "usage"


def register_panels() -> None:
    """Called once at start-up."""
    here = "scoring/why/"
    register_lines()
    register(Panel(CHANCE, "Chance of leaving", 7, f"{here}chance.html", chance_context, lazy=True))
    register(Panel(CHANGES, "What changed in 30 days", 15, f"{here}changes.html", changes_context, lazy=True))
    register(Panel(COHORTS, "Among customers like it", 25, f"{here}cohorts.html", cohorts_context, lazy=True))
    register(Panel(USAGE, "Usage", 35, f"{here}usage.html", usage_context, lazy=True, narrows=("metric",)))
