"""Where a customer stands in its life, and the words for it; the stages are those of its milestones (IMPORT.md)."""

from datetime import date

STAGES = ("onboarding", "adoption", "expansion", "renewal", "advocacy")
LABELS = {each: each.capitalize() for each in STAGES}
NEW_DAYS, RENEWAL_DAYS = 90, 90
LEAST_REACHED, LEAST_ORIGINS = 20, 4  # below: no chance and no date (docs/growth.md)

MILESTONE, OBJECTIVE, RENEWAL = "milestone", "objective", "renewal"
KINDS = {MILESTONE: "Milestone", OBJECTIVE: "Objective", RENEWAL: "Renewal"}


def stage_of(
    *,
    next_stage: str | None,
    last_stage: str | None,
    has_milestones: bool,
    since: date,
    renewal: date | None,
    day: date,
) -> tuple[str, str]:
    """(stage, how it is known).

    That of the next open milestone; with none open, renewal where a term ends within 90 days, else that of the last
    one that was reached; a customer without milestones is in onboarding for 90 days, then in adoption or renewal.
    """
    if next_stage in STAGES:
        return str(next_stage), "by its next milestone"
    renews = renewal is not None and 0 <= (renewal - day).days <= RENEWAL_DAYS
    if has_milestones and renews:
        return "renewal", "its term ends within 90 days"
    if has_milestones and last_stage in STAGES:
        return str(last_stage), "by the last milestone it reached"
    if not has_milestones and (day - since).days <= NEW_DAYS:
        return "onboarding", "a customer for 90 days or less, without milestones"
    if renews:
        return "renewal", "its term ends within 90 days"
    return "adoption", "a customer for over 90 days, without milestones that say more"
