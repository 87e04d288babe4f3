"""What to read with care: written by rule from the sums, never by hand, and never left out."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from scoring.models import ScoreRun
from scoring.outcomes.queries import Asked
from scoring.outcomes.words import LEAST
from scoring.queries import freshness
from tenants.access import Right, can, sees_everything
from tenants.models import Membership

Row = dict[str, Any]


@dataclass(frozen=True)
class Care:
    """One remark; `rows` names the figure whose rows show what is meant."""

    text: str
    tone: str = "info"
    rows: str = ""

    @property
    def icon(self) -> str:
        return "info" if self.tone == "info" else self.tone


def scope_words(viewer: Membership) -> str:
    """Whose accounts the figures cover, in words."""
    parts = [", ".join(getattr(viewer, name)) for name in ("regions", "segments", "programmes", "products")]
    narrowed = "; ".join(part.replace("_", " ") for part in parts if part)
    reach = "all accounts" if can(viewer, Right.VIEW_ALL_ACCOUNTS) else "the accounts that you may see"
    return f"{reach} in {narrowed}" if narrowed else reach


def cares(sums: Row, asked: Asked, run: ScoreRun | None, viewer: Membership, *, sees_arr: bool) -> list[Care]:
    """Every remark that holds, the ones that weigh most first."""
    found = [*_missing_rates(sums, sees_arr), *_open_terms(sums, sees_arr), *_late(run), *_small(sums)]
    found += [*_scope(viewer), *_then(sums, asked), *_others(sums, asked)]
    return found


def _missing_rates(sums: Row, sees_arr: bool) -> list[Care]:
    if not sees_arr:
        return []
    found = []
    if sums["missing_rates"]:
        names = ", ".join(sums["missing_rates"])
        text = f"No exchange rate for {names} on the first or the last day: {sums['unrated']:,} accounts are left "
        found.append(
            Care(text + "out of all amounts, GRR and NRR. They are never counted one to one.", "high")
        )
    if sums["unrated_now"]:
        text = (
            f"{sums['unrated_now']:,} accounts had no exchange rate at the last scoring and are left out of "
        )
        found.append(Care(text + "at-risk ARR and what is at stake.", "high"))
    return found


def _open_terms(sums: Row, sees_arr: bool) -> list[Care]:
    if not sums["open_terms"]:
        return []
    text = f"{int(sums['open_terms']):,} terms that came due are not decided: no following term, no outcome."
    more = " Until they are, their ARR counts as contraction." if sees_arr else ""
    return [Care(text + more, "watch", "open" if sees_arr else "")]


def _late(run: ScoreRun | None) -> list[Care]:
    late = [source.label for source in freshness(run) if source.is_late]
    if not late:
        return []
    return [
        Care(
            f"Late at the last scoring: {', '.join(late)}. Bands of now may be better than they should be.",
            "high",
        )
    ]


def _small(sums: Row) -> list[Care]:
    counts = {"customers": sums["customers"], "terms decided": sums["decided"], "answers": sums["answers"]}
    few = [f"{int(count)} {name}" for name, count in counts.items() if count < LEAST]
    if not few:
        return []
    return [Care(f"Small counts: {', '.join(few)}. Shares of fewer than {LEAST} are not shown.", "watch")]


def _scope(viewer: Membership) -> list[Care]:
    return (
        [Care(f"These figures cover {scope_words(viewer)}, not the whole workspace.", "watch")]
        if not sees_everything(viewer)
        else []
    )


def _then(sums: Row, asked: Asked) -> list[Care]:
    day: date | None = sums["then_day"]
    if day is None:
        return [
            Care("Nothing was scored in the week before the period's first day, so health then is not known.")
        ]
    if day != asked.period.start:
        return [Care(f"Health at the start is that of {day.day} {day:%b %Y}, the last scoring before.")]
    return []


def _others(sums: Row, asked: Asked) -> list[Care]:
    found = []
    if sums["came_and_left"]:
        found.append(
            Care(
                f"{int(sums['came_and_left'])} customers joined and left within the period; no rate counts them."
            )
        )
    if asked.period.end == asked.known and asked.period.key in ("running", "custom"):
        found.append(Care("The period ends with the last known day; what comes in late can still change it."))
    found.append(Care("Segment, plan, region and industry are those of today; they have no history."))
    return found
