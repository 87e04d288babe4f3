"""The patterns by which accounts buy more, and their sentences."""

SEATS, GROWING, TRIED, SIMILAR = "seats", "growing", "tried", "similar"
LEAST = 20  # customers with past cases of a pattern, or past trials, before a chance is shown
COMMON, LEAST_SIMILAR = 0.5, 20  # share of similar customers that have a product, of how many at least
FULL, FASTER, KNOWN_DAYS = 0.9, 1.25, 20
TRIAL_AGES = (7, 14, 21, 28)  # days of their lives on which trials are compared
TRIAL_DONE = {  # of the 7 days before, but for the last
    "active_days": "active days",
    "active_users": "active users a day",
    "features": "features used",
    "people": "people by name",
    "joined": "people joined since it began",
}

PATTERNS = {
    SEATS: "At the limit of its seats: on the busiest day of the last 30, active users were 90% of the seats or more",
    GROWING: "Fast growing use: active users of the last 30 days were 25% or more above the 30 days before",
    TRIED: "A product that is not owned was used within the last 30 days",
    SIMILAR: "A product that is not owned, and that half or more of at least 20 similar customers have",
}


def trial_words(done: dict[str, float]) -> str:
    """What a trial has done, in figures; empty where nothing is known."""
    return "; ".join(f"{done[key]:.3g} {words}" for key, words in TRIAL_DONE.items() if key in done)


def sentence(pattern: str, facts: dict[str, float], *, whole: bool) -> str:
    """What was seen, in figures; those of other accounts only for whoever sees the `whole` workspace."""
    if pattern == SEATS:
        return (
            f"{facts['busiest']:,.0f} active users on the busiest day of 30, for {facts['seats']:,.0f} seats"
        )
    if pattern == GROWING:
        return f"{facts['mean']:,.1f} active users a day, {facts['before']:,.1f} in the 30 days before"
    if pattern == SIMILAR:
        alike = "segment and industry" if facts["is_narrow"] else "segment"
        if not whole:
            return f"{COMMON:.0%} or more of the other customers of the same {alike} have it"
        return f"{facts['share']:.0%} of {facts['others']:,.0f} other customers of the same {alike} have it"
    return f"Used {facts['uses']:,.0f} times in 30 days, not owned"
