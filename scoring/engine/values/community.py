"""Values of the community indicators: taking part is a figure, not taking part is none, so it never counts against."""

from scoring.engine.values.base import Floats, Formula, Raw, needs


def _taken_part(name: str) -> Formula:
    def value(raw: Raw) -> Floats:
        count = raw[f"activities.{name}_365"]
        return needs(count > 0, count)

    return value


FORMULAS: dict[str, Formula] = {
    "engagement.community_posts": _taken_part("posts"),
    "engagement.docs_contributions": _taken_part("docs"),
    "engagement.talks": _taken_part("talks"),
    "engagement.beta_programs": _taken_part("betas"),
}
NEWEST: dict[str, str] = {
    "engagement.community_posts": "activities.posts_ago",
    "engagement.docs_contributions": "activities.docs_ago",
    "engagement.talks": "activities.talks_ago",
    "engagement.beta_programs": "activities.betas_ago",
}
