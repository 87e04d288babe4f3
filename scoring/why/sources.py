"""Where the rows behind an indicator can be seen, and which sources were late on a day."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from scoring.automation.holds import EMPTY, SCORE
from scoring.catalogue import BY_KEY, SOURCES
from scoring.pooling.words import FLAG, sentence
from scoring.why.usage import METRIC_OF

# a source of the catalogue, as the account's timeline calls it; usage and terms have panels of their own
TIMELINE = {
    "activities": "Contacts",
    "tickets": "Support",
    "surveys": "Surveys",
    "invoices": "Billing",
    "outcomes": "Contract",
    "contacts": "People",
    "company_events": "News",
    "texts": "Tone",
    "competitors": "Competitors",
}
# what has no line on the timeline is shown by a panel of the same page; of goals it has a line only when they are met
PANELS = {"subscriptions": "contract", "objectives": "goals", "milestones": "goals"}
_VALUE = "?panels=all#panel-value"
_RATINGS = "?kind=Ratings#panel-evidence"  # of tickets and of surveys beside each other: either gives the value alone
# comings, goings and changes of people are lines of the timeline, from the newest on: the newest contact may come
# before a departure. Who is there and who is silent stands in the panel beside it, also who has no day of coming
_CHANGES = "?panels=all&kind=People#panel-evidence"
_PEOPLE = "?panels=all&kind=People#panel-people"
# indicators whose rows stand elsewhere than their source's
OF_THEIR_OWN = {
    "outcomes.objective_progress": _VALUE,
    "outcomes.value_realised": _VALUE,
    "satisfaction.csat_90d": _RATINGS,
    "satisfaction.change": _RATINGS,
    "stakeholders.champion_present": _PEOPLE,
    "stakeholders.champion_vulnerability": _CHANGES,
}
CONTRACT = "?panels=all#panel-contract"
LATE_FLAG = "source_late:"
DOUBTFUL = ("source_empty:", "source_shifted:")


def place_of(name: str, day: date | None = None) -> str:
    """The query and fragment of the account page that shows the rows behind a name that a model or a policy reads.

    `day`: of the newest of them; the timeline then begins there.
    """
    found = BY_KEY.get(name)
    if found is None:
        return CONTRACT if name.startswith("contract.") or name == "account.log_arr" else ""
    if name in METRIC_OF:
        return f"?metric={METRIC_OF[name]}#panel-usage"
    if name in OF_THEIR_OWN:
        return OF_THEIR_OWN[name]
    kind = TIMELINE.get(found.source)
    if kind is not None:
        return f"?kind={kind}{_until(day)}#panel-evidence"
    return f"?panels=all#panel-{PANELS.get(found.source, 'evidence')}"


def _until(day: date | None) -> str:
    if day is None:
        return ""
    return "&before=" + quote(f"{day + timedelta(days=1)}T00:00:00+00:00~activity~0")


def source_of(name: str) -> str:
    """The key of the source that an indicator is read from; empty for what is no indicator."""
    return BY_KEY[name].source if name in BY_KEY else ""


def late_sources(summary: Mapping[str, Any]) -> frozenset[str]:
    """The sources that had fallen silent for everybody when that run was made."""
    return frozenset(key for key, found in summary.get("sources", {}).items() if found.get("late"))


def doubtful_words(key: str, kind: str) -> str:
    """What is wrong with a source that is empty or shifted, as the beginning of a sentence."""
    if key == SCORE:
        return "Chances: shifted against those of training"
    label = SOURCES[key].label if key in SOURCES else key
    if kind == EMPTY:
        return f"{label}: empty, with customers before; scores do without it"
    return f"{label}: shifted, unlike before"


def flag_words(flags: Iterable[str]) -> list[str]:
    """Why the chances are older or weaker than they look, a sentence a flag."""
    found = []
    for flag in flags:
        if flag.startswith(LATE_FLAG):
            key = flag.removeprefix(LATE_FLAG)
            label = SOURCES[key].label if key in SOURCES else key
            found.append(
                f"{label} is late: the chance does without it, and what would start by itself waits."
            )
        elif flag.startswith(DOUBTFUL):
            kind, _, key = flag.partition(":")
            found.append(
                f"{doubtful_words(key, kind.removeprefix('source_'))}, and what would start by itself waits."
            )
        elif flag.startswith(FLAG):
            found.append(sentence(flag.removeprefix(FLAG)))
        elif flag == "model_missing":
            found.append("The model behind this chance is not there any more: this is the last good figure.")
        elif flag == "model_unreadable":
            found.append("The model could not be read at the last scoring: this is the last good figure.")
        else:
            found.append(flag.replace("_", " ").replace(":", ": ").capitalize() + ".")
    return found
