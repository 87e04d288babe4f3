"""What the account page shows of the chance of leaving and of what changed."""

from accounts.panels import Panel, register
from scoring.why.chance import chance_context

CHANCE = "chance"


def register_panels() -> None:
    """Called once at start-up."""
    here = "scoring/why/"
    register(Panel(CHANCE, "Chance of leaving", 7, f"{here}chance.html", chance_context, lazy=True))
