"""What a version has shown since it is watched, counted on days that are over: the gates of automation, and drift.

Sources: issue 4 point 3, DECISIONS 24 (the months in shadow gate automation alone), SCORING.md f. Loaded by the
workers alone; pages read the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from scoring import strength
from scoring.automation import holds, report
from scoring.automation.limits import asked, limits
from scoring.automation.models import DriftCheck, TrainingSample
from scoring.automation.words import OWN_CHANCE
from scoring.engine.churn.data import SHOWN, blank
from scoring.engine.churn.model import Fitted, without
from scoring.engine.validation import HORIZONS, Exposures, RiskSets, drift, exposures, measure, risk_sets
from scoring.engine.validation.foresight import AHEAD, LATEST
from scoring.engine.validation.gates import gates
from scoring.learning import labels, landmarks, registry, samples, scorings
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel, ScoreRun
from scoring.windows import in_force, of_version, off_in_force
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

HORIZON = 90
AT = HORIZONS.index(HORIZON)
MONTH_DAYS = 30  # windows are counted on days so far apart
WINDOW_DAYS = 60  # outcomes that drift looks back on
EARLIER = AHEAD + LATEST  # days before them whose scorings spoke of them
WEEK_DAYS = 7  # scored days of that window that are read
LEAST_FLAGS, LEAST_FLAGGED = 10, 5  # scored days that were flagged, and accounts, behind a precision
OUTCOME_CHECKS = {"observed_expected": "who left against who was expected to", "slope": "the features' slope"}
LASTING_DAYS = 28  # a shift counts when it lasted: a holiday stays in figures of 30 days for weeks, and goes
OF_OUTCOMES = ("observed_expected", "by_fifths", "slope")
DRAWS = 300
MOST_APART = 21  # days between two looks of one shift: beyond, nobody knows what was in between
LOOKS_BACK = 60  # more than there are in LASTING_DAYS, even with one a day
NEVER = 10**9  # leavers that no segment has: figures by segment are not made here


@dataclass(frozen=True)
class Watched:
    """What was said on closed windows, and when it was said."""

    said_on: list[date]  # by the clock of the runs
    windows: list[date]  # days that were scored in time, a month apart, whose 90 days are over
    said: scorings.Said | None  # the rows of those days


def watched(tenant: Tenant, model: ChurnModel, *, as_of: date) -> Watched:
    """The scored days of a version and its line up to `as_of`. Needs the tenant's transaction."""
    line = scorings.line_of(tenant, model)
    days = {day: each for day, each in scorings.scored_days(tenant, model, line).items() if day <= as_of}
    if not days:
        return Watched([], [], None)
    chosen = landmarks.plan(tenant, as_of=as_of)
    over = [day for day in days if day + timedelta(days=HORIZON) <= chosen.until]
    windows = scorings.spaced(over, apart=MONTH_DAYS)
    runs = {day: days[day].run for day in windows}
    said = scorings.read(tenant, model, line, runs, chosen).closed(HORIZON) if windows else None
    said_on = sorted({each.on for each in days.values()})
    return Watched(said_on, windows, said if said is not None and len(said) else None)


def gate_rows(tenant: Tenant, model: ChurnModel, *, run: ScoreRun) -> list[dict[str, Any]]:
    """One row a gate of automation, {key, needed, found, passed, words, details}; last, what stands beside them.

    `run`: the scoring that they are counted up to, also where a newer one ended meanwhile.
    """
    with tenant_transaction(tenant.pk):
        settings = chance_settings(tenant)
        seen = watched(tenant, model, as_of=run.as_of)
        late = holds.reasons_of(tenant, run)
        checked = DriftCheck.objects.for_tenant(tenant).filter(model=model).order_by("-as_of", "-pk").first()
    used = report.threshold_of(model, wanted=float(settings.precision_wanted))
    figures = _figures(seen, used, late, checked) | {"skill": strength.skill(model.report) or None}
    rows = gates(figures, limits(settings))
    kept = asked(settings, run_id=run.pk)
    beside: dict[str, dict[str, Any]] = {
        "freshness": {"sources": [each.words for each in late]},
        "closed_windows": {"days": [str(day) for day in seen.windows]},
    }
    for row in rows:
        given = figures.get(row["key"])
        told = dict(given) if isinstance(given, dict) else beside.get(row["key"], {})
        row["words"] = f"{row['words']} {told.pop('why', '')}".strip()
        row["details"] = told | kept[row["key"]]
    return [*rows, own_chance(seen, settings)]


def months_watched(said_on: list[date]) -> dict[str, Any]:
    """Months without a gap between scorings, put together, and what they are counted on."""
    months = sum(months_between(first, last) for first, last in scorings.stretches(said_on))
    days = f"{len(said_on)} day{'' if len(said_on) == 1 else 's'}"
    note = (
        f"Scored on {days}{f', since {said_on[0]}' if said_on else ''}. More than {scorings.MOST_BETWEEN.days} days "
        f"between two of them do not count, nor a day scored more than {scorings.AHEAD.days} days after it."
    )
    return {"value": round(months, 2), "scored_on": len(said_on), "note": note}


def months_between(first: date, last: date) -> float:
    """Calendar months and the days beyond them: from 1 February to 1 May is three."""
    whole = (last.year - first.year) * 12 + last.month - first.month
    return round(whole + (last.day - first.day) / 30, 2)


def _figures(
    seen: Watched, used: float | None, late: list[holds.Reason], checked: DriftCheck | None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "months_in_shadow": months_watched(seen.said_on),
        "closed_windows": len(seen.windows),
        "leavers": 0,
        "freshness": len(late),
        "drift": _drifted(checked),
    }
    if seen.said is None:
        return found
    whole = measure(
        seen.said, seen.said.p, threshold=1.0 if used is None else used, capacity=1, draws=DRAWS, seed=1,
        least_events=NEVER,
    )["horizons"][str(HORIZON)]["all"]  # fmt: skip
    left = np.unique(seen.said.account[seen.said.leaves_in < HORIZON]).size
    found |= {"leavers": int(left), "calibration": whole.get("ece"), "slope": whole.get("slope")}
    if used is not None:
        found["precision"] = _precision(seen.said, used, whole.get("precision") or {})
    return found


def _precision(said: scorings.Said, used: float, figure: dict[str, Any]) -> dict[str, Any]:
    """Not known where so few were flagged that one of them decides."""
    flagged = said.p[:, AT] >= used
    flags, accounts = int(flagged.sum()), int(np.unique(said.account[flagged]).size)
    if flags < LEAST_FLAGS or accounts < LEAST_FLAGGED:
        note = f"{flags} flags at {accounts} accounts: known from {LEAST_FLAGS} at {LEAST_FLAGGED} on."
        return {"value": None, "threshold": used, "why": note}
    return figure | {"threshold": used}


def _drifted(checked: DriftCheck | None) -> dict[str, Any]:
    """How many checks of a look lie beyond their limits: not known where inputs or chances could not be compared.

    Also those that have not lasted yet: nothing begins to act by itself on a shift that may be one.
    """
    if checked is None:
        return {"value": None}
    rows = {row["key"]: row for row in checked.figures}
    known = {key for key, row in rows.items() if row.get("value") is not None}
    skipped = [words for key, words in OUTCOME_CHECKS.items() if key not in known]
    why = f"Too little was seen to judge {' and '.join(skipped)}." if skipped else ""
    if checked.beyond:
        return {"value": len(checked.beyond), "why": why}
    if holds.SCORE not in known or not any(key.startswith(holds.INPUT_CHECKS) for key in rows):
        return {"value": None, "why": checked.remark or "Inputs and chances were not compared with training."}
    return {"value": 0, "why": why}


def own_chance(seen: Watched, settings: ChanceSettings) -> dict[str, Any]:
    """Of the accounts that left in closed windows, how many had an own chance that high before; no gate."""
    cut = float(settings.own_chance_from)
    row = {"key": OWN_CHANCE, "needed": f"at least {cut:.0%}", "found": None, "passed": None}
    if seen.said is None:
        return row | {"words": "Share of past churn: not enough closed windows yet.", "details": {"cut": cut}}
    left = seen.said.leaves_in < HORIZON
    high = seen.said.p[:, AT] >= cut
    gone, caught = (np.unique(seen.said.account[rows]).size for rows in (left, left & high))
    flagged = np.unique(seen.said.account[high]).size
    details = {"cut": cut, "left": int(gone), "caught": int(caught), "flagged": int(flagged)}
    if not gone:
        words = "Share of past churn: nobody left in the closed windows."
        return row | {"words": words, "details": details}
    words = f"{caught} of the {gone} accounts that left in closed windows had a chance of {cut:.0%} or more before."
    return row | {"found": caught / gone, "words": words, "details": details}


# --- drift -----------------------------------------------------------------------------------------


def drift_rows(tenant: Tenant, model: ChurnModel, *, as_of: date) -> tuple[list[dict[str, Any]], str]:
    """(rows of `validation.drift`, what could not be checked). Reads the day through the one code path of scoring.

    Raises registry.CorruptModel where the version cannot be opened.
    """
    fitted = registry.load_model(model)
    with tenant_transaction(tenant.pk):
        kept = TrainingSample.objects.for_tenant(tenant).filter(model=model).first()
        seen, sets = _outcomes(tenant, model, as_of=as_of)
        line = scorings.line_of(tenant, model)  # a shift goes on while versions replace each other each month
        checks = DriftCheck.objects.for_tenant(tenant).filter(model__in=line, as_of__lt=as_of)
        before = [(each.as_of, each.figures) for each in checks.order_by("-as_of")[:LOOKS_BACK]]
        over, off = of_version(model.report, in_force(tenant)), off_in_force(tenant)
    slope = promised(model.report) * left_by_then(fitted)
    if kept is None:
        nothing = samples.nothing()
        rows = drift((), nothing, nothing, seen, sets, promised=slope)
        remark = "Inputs were not checked: this version kept no sample of its training."
        return [row for row in rows if row["key"] != "score"], remark
    stack = landmarks.read(tenant, day=as_of, windows=over)  # other windows are no shift of the world
    if stack is None:
        return [], "Nobody is a customer."
    used = set(fitted.names) - set(off)
    is_whole = used == set(fitted.names)
    fitted, stack = without(fitted, off), blank(stack, off)
    names = [name for name in kept.names if name in stack.names and name in used]
    training = samples.sample_of(kept)
    wanted = [kept.names.index(name) for name in names]
    training = samples.only(training, wanted)
    now = samples.now_of(names, fitted, stack)
    rows = drift(
        tuple(names), training, now, seen, sets, ordinary=samples.ordinary(kept, wanted, as_of=as_of),
        reach=samples.reach(fitted, names, training, now), promised=slope,
    )  # fmt: skip
    remark = (
        "" if is_whole else "The score was not checked: in training it knew indicators that are switched off."
    )
    checked = [row for row in rows if is_whole or row["key"] != "score"]
    return [lasting(row, before, as_of=as_of) for row in checked], remark


def lasting(row: dict[str, Any], before: Sequence[tuple[date, Any]], *, as_of: date) -> dict[str, Any]:
    """The row of one look with `beyond`: outside its limit now. A shift trips where it lasted LASTING_DAYS.

    `before`: (day, rows) of earlier looks, newest first. Inputs and scores also shift for a season that a young
    workspace has not seen yet; what lasts is another world, what passes was ordinary (issue 4 point 3: a crossing
    needs two scorings). Automation waits in the meantime (`holds`). Outcomes have been gathered over 60 days.
    """
    if not row["tripped"] or row["key"] in OF_OUTCOMES:
        return row | {"beyond": row["tripped"]}
    since = as_of
    for day, rows in before:
        is_beyond = any(each["key"] == row["key"] and each.get("beyond", each["tripped"]) for each in rows)
        if not is_beyond or (since - day).days > MOST_APART:
            break
        since = day
    if (as_of - since).days >= LASTING_DAYS:
        return row | {"beyond": True}
    words = f"{row['words']} So since {since}: it counts when it has lasted {LASTING_DAYS} days."
    return row | {"beyond": True, "tripped": False, "watch": True, "words": words}


def _outcomes(tenant: Tenant, model: ChurnModel, *, as_of: date) -> tuple[Exposures | None, RiskSets | None]:
    """Of the last 60 known days, as this version's line said of them: accounts between two scorings, and who could
    have left by what was said a month before. None where nothing was said in them.
    """
    chosen = landmarks.plan(tenant, as_of=as_of)
    line = scorings.line_of(tenant, model)
    since = chosen.until - timedelta(days=WINDOW_DAYS)
    first, end = labels.day_number(since), labels.day_number(chosen.until)
    days = {
        day: scoring.run
        for day, scoring in scorings.scored_days(tenant, model, line).items()
        if since - timedelta(days=EARLIER) <= day < chosen.until
    }
    if not days:
        return None, None
    picked = {day: days[day] for day in _weekly(list(days), since)}
    said = scorings.read(tenant, model, line, picked, chosen)
    seen = exposures(said, said.p[:, 0], since=first, until=end) if max(days) >= since else None
    return seen, risk_sets(said, said.features, said.timing, since=first, until=end)


def _weekly(days: list[date], since: date) -> list[date]:
    """Days a week apart from `since` on, and before it those that speak of days from then on: no more are read."""
    later = scorings.spaced([day for day in days if day >= since], apart=WEEK_DAYS)
    earlier = scorings.spaced([day for day in days if day < since], apart=WEEK_DAYS)
    covers = [day for day in earlier if day <= since - timedelta(days=AHEAD)]
    return [day for day in earlier if not covers or day >= covers[-1]] + later


def left_by_then(fitted: Fitted) -> float:
    """What of the features' slope is left of a version that fades: the promise is of 90 days, asked is about the second
    month after a scoring."""
    near = fitted.fade[:SHOWN]
    return min(1.0, SHOWN * float(near[1]) / float(near.sum()))


def promised(report: dict[str, Any]) -> float:
    """The slope of the features that the back-test found, at most 1, which is what chances claim by themselves.

    Where the features said too little there, the claim itself: what a version says now is what it is held to. Of a
    version from before that was kept, the slope of the chance as a whole.
    """
    if "features_slope" in report:
        found = (report["features_slope"] or {}).get("value")
    else:
        whole = report.get("horizons", {}).get(str(HORIZON), {}).get("all", {})
        found = (whole.get("slope") or {}).get("value")
    return 1.0 if found is None else min(float(found), 1.0)
