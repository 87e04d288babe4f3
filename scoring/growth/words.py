"""The patterns by which accounts buy more, and their sentences."""

SEATS, GROWING, TRIED = "seats", "growing", "tried"
LEAST = 20  # past cases of a pattern before its chance is shown
FULL, FASTER, KNOWN_DAYS = 0.9, 1.25, 20

PATTERNS = {
    SEATS: "At the limit of its seats: on the busiest day of the last 30, active users were 90% of the seats or more",
    GROWING: "Fast growing use: active users of the last 30 days were 25% or more above the 30 days before",
    TRIED: "A product that is not owned was used within the last 30 days",
}


def sentence(pattern: str, facts: dict[str, float]) -> str:
    """What was seen, in figures."""
    if pattern == SEATS:
        return (
            f"{facts['busiest']:,.0f} active users on the busiest day of 30, for {facts['seats']:,.0f} seats"
        )
    if pattern == GROWING:
        return f"{facts['mean']:,.1f} active users a day, {facts['before']:,.1f} in the 30 days before"
    return f"Used {facts['uses']:,.0f} times in 30 days, not owned"
