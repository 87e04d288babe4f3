"""From landmarks to a registered model: the ladder, the candidates, the back-test, the gates, the champion.

`train` and `backtest` take landmarks that were read before (`landmarks.gather`), so that a job can stop in between.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import numpy as np

from accounts.models import Account
from scoring import model_queries, strength, windows
from scoring.chance_models import LEAST_LEAVERS
from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import Stack, leavers, take
from scoring.engine.churn.document import to_document
from scoring.engine.churn.fit import Options
from scoring.engine.churn.model import Fitted, without
from scoring.engine.churn.threads import one_thread
from scoring.engine.validation import HORIZONS, known_at, origins
from scoring.engine.validation.promotion import promote as compare_pair
from scoring.exceptions import ScoringError
from scoring.learning import associated, labels, leakage, pooling, registry, rolling, samples
from scoring.learning import backtest as back
from scoring.learning.gates import advisory_gates
from scoring.learning.landmarks import SPACING_DAYS, Plan, Said
from scoring.learning.recipes import NAMES, final
from scoring.models import ChanceSettings, ChurnModel
from scoring.pooling import services as pool_services
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

OWN_SEGMENTS_FROM = 100
LEAST_TO_COMPARE = 5  # leavers since the champion was learnt, for a comparison to mean anything
SEED = 1


class TooLittle(ScoringError):
    """There is too little to learn from; `figures` are what was found, the text says it in words."""

    def __init__(self, message: str, figures: dict[str, Any]) -> None:
        super().__init__(message)
        self.figures = figures


def backtest(
    tenant: Tenant, *, chosen: Plan, stack: Stack | None, said: Said, names: tuple[str, ...] = NAMES
) -> dict[str, Any]:
    """The rolling-origin report of what was known before the plan's day. Raises TooLittle. Registers nothing.

    `names` are the candidates that are tried; the default one must be among them.
    """
    started = time.monotonic()
    facts = material(tenant, chosen, stack)
    assert stack is not None
    settings = _settings(tenant)
    found = _judged(tenant, chosen, stack, settings, said, names)
    report: dict[str, Any] = plain(
        {"tenant": tenant.slug, **facts, **found, "seconds": round(time.monotonic() - started, 1)}
    )
    return report


def train(
    tenant: Tenant,
    *,
    chosen: Plan,
    stack: Stack | None,
    by: Actor,
    said: Said,
    job_id: int | None = None,
    names: tuple[str, ...] = NAMES,
) -> ChurnModel:
    """Fit, calibrate, back-test and register a version; promoted to advisory where every gate passes.

    Raises TooLittle where the ladder's first rung is not reached. A leak registers a draft that cannot be promoted.
    """
    started = time.monotonic()
    try:
        report = backtest(tenant, chosen=chosen, stack=stack, said=said, names=names)
    except TooLittle as refusal:
        return _pooled(tenant, chosen, stack, refusal, by=by, job_id=job_id)
    assert stack is not None
    said(0, 1, "Fitting")
    with one_thread():
        pooling.contribute(tenant, stack, as_of=chosen.as_of, by=by)
    fitted = _fitted(tenant, chosen, stack, report)
    with one_thread():
        found = plain(associated.associated(fitted, stack))
    report["seconds"] = round(time.monotonic() - started, 1)
    said(1, 1, "Registering")
    with tenant_transaction(tenant.pk):
        row = registry.register(
            tenant, document=to_document(fitted), kind=report["chosen"], as_of=chosen.as_of, report=plain(report),
            by=by, job_id=job_id, over=chosen.windows,
        )  # fmt: skip
        samples.keep(tenant, row, fitted, stack)
        associated.keep(tenant, row, found)
        return _promoted(tenant, row, by=by)


def _fitted(tenant: Tenant, chosen: Plan, stack: Stack, report: dict[str, Any]) -> Fitted:
    """The version on everything that is known; its back-test's report gets what speaks for and against it.

    Raises TooLittle where there is too little to calibrate on.
    """
    try:
        with one_thread():
            fitted = fit_final(
                stack,
                until=labels.day_number(chosen.until),
                name=report["chosen"],
                options=_options_judged(stack, report),
            )
    except ValueError as error:
        raise TooLittle(f"Not yet calibrated: {error}.", report) from error
    done = fitted.calibration
    report["calibration"] = dict(done.facts) | {
        "method": done.method,
        "intercept": done.intercept,
        "slope": done.slope,
    }
    settings = _settings(tenant)
    report["gates"] = advisory_gates(report, settings=settings)
    weak = strength.weakness(report)
    report["strength"] = weak.words if weak else "Shown to beat the base rate."
    report["against_champion"] = against_champion(tenant, chosen, stack, report["chosen"])
    return fitted


def _options_judged(stack: Stack, report: dict[str, Any]) -> Options:
    """How the version is fitted: of many rows with the choices that the back-test judged, and on fewer quiet rows."""
    if len(stack) <= rolling.MANY_ROWS:
        return Options(seed=SEED)
    choice = dict(report.get("choice", {}))
    if "early_names" in choice:
        choice["early_names"] = tuple(choice["early_names"])
    return Options(seed=SEED, most_quiet=rolling.QUIET_ROWS_OF_VERSION, **choice)


def _pooled(
    tenant: Tenant, chosen: Plan, stack: Stack | None, refusal: TooLittle, *, by: Actor, job_id: int | None
) -> ChurnModel:
    """Below the first rung: a version of the pool, or the refusal with what speaks against that as well."""
    if refusal.figures.get("ladder") != "none":
        raise refusal
    if stack is not None:
        with one_thread():  # too small now: what it once gave goes
            pooling.contribute(tenant, stack, as_of=chosen.as_of, by=by)
    why = pooling.refusal(tenant, leavers=refusal.figures["leavers"]["seen"])
    if why or stack is None:
        with tenant_transaction(tenant.pk):
            pool_services.end_pooled(tenant, by=by, why=f"No pool to rest on any more: {why}.")
        raise TooLittle(f"{refusal} From others: {why}.", refusal.figures) from refusal
    with one_thread():
        return pooling.version(
            tenant, stack, as_of=chosen.as_of, facts=plain(refusal.figures), by=by, job_id=job_id,
            over=chosen.windows,
        )  # fmt: skip


def _promoted(tenant: Tenant, row: ChurnModel, *, by: Actor) -> ChurnModel:
    """Advisory where nothing speaks against it, or beside a version that acts by itself; otherwise a draft whose report
    says what does."""
    if refusals(row.report):
        return row
    return registry.promote_learnt(
        tenant, model_id=row.pk, by=by, why="Every gate of advisory passed in its back-test."
    )


def refusals(report: dict[str, Any]) -> list[str]:
    """Why a version of this report is not promoted by itself; empty when it may be."""
    found = [gate["words"] for gate in report["gates"] if not gate["passed"]]
    found += [leak["words"] for leak in report.get("leaks", []) if leak["refuses"]]
    if not report["against_champion"]["not_worse"]:
        found.append(report["against_champion"]["words"])
    return found


def material(tenant: Tenant, chosen: Plan, stack: Stack | None) -> dict[str, Any]:
    """What there is to learn from. Raises TooLittle below the ladder's first rung for a model of one's own."""
    days = [str(day) for day in chosen.days]
    facts: dict[str, Any] = {
        "as_of": str(chosen.as_of),
        "known_until": str(chosen.until),
        "landmarks": {"days": days, "count": len(days), "spacing_days": SPACING_DAYS},
    }
    seen, rows, accounts = 0, 0, 0
    if stack is not None:
        seen, rows, accounts = leavers(stack), len(stack), len(np.unique(stack.account))
    first = chosen.days[0] if chosen.days else chosen.until
    with tenant_transaction(tenant.pk):
        shrunk = labels.downgrades(tenant, since=first, before=chosen.until)
    facts["landmarks"] |= {"rows": rows, "accounts": accounts}
    facts["leavers"] = {
        "seen": seen,
        "by_kind": labels.counts(chosen.known, since=first),
        "downgraded": shrunk,
        "needed": LEAST_LEAVERS,
    }
    facts["ladder"] = ladder(seen)
    if seen < LEAST_LEAVERS:
        raise TooLittle(_too_little(chosen, facts), facts)
    return facts


def ladder(seen: int) -> str:
    """How much a number of leavers allows: none, few (one shrunken model for all segments), many."""
    if seen < LEAST_LEAVERS:
        return "none"
    return "few" if seen < OWN_SEGMENTS_FROM else "many"


def _too_little(chosen: Plan, facts: dict[str, Any]) -> str:
    seen, marks = facts["leavers"]["seen"], facts["landmarks"]
    if not chosen.days:
        return (
            f"Not yet calibrated: there is no past day to learn from before {chosen.as_of}. It takes 90 days of "
            "evidence and outcomes (outcomes.csv) after them."
        )
    return (
        f"Not yet calibrated: {seen} accounts were seen to leave on {marks['count']} past days "
        f"({marks['accounts']:,} accounts), and {LEAST_LEAVERS} are needed for chances of your own. "
        "Import more history of outcomes, or wait."
    )


def fit_final(stack: Stack, *, until: int, name: str, options: Options | None = None) -> Fitted:
    """A candidate on everything known before day `until`: older landmarks train, later closed ones calibrate, and
    then all of them teach what these have chosen."""
    rows = take(stack, stack.day < until)
    with_today = np.append(rows.day, until)
    found = [
        each
        for each in origins(
            with_today, horizon=rolling.HORIZON, least=1, until=until + rolling.HORIZON, at_most=10_000
        )
        if each.day == until
    ]
    if not found:
        raise ValueError(f"no window of {rolling.HORIZON} days to train on and another one to calibrate on")
    origin = found[0]
    train_rows = known_at(take(rows, np.isin(rows.day, origin.train)), origin.trained_at)
    later = known_at(take(rows, np.isin(rows.day, origin.calibrate)), until)
    return final(name, train_rows, later, known_at(rows, until), options or Options(seed=SEED))


def against_champion(tenant: Tenant, chosen: Plan, stack: Stack, kind: str) -> dict[str, Any]:
    """The version in force against the same way to fit, on days after that version was learnt, which neither saw.

    The way to fit gets no more than the champion had: only days known then. So what is compared is whether the new way
    is worse, on the same rows; that it has newer data besides can only help it.
    """
    with tenant_transaction(tenant.pk):
        champion = registry.live(tenant)
    if champion is None:
        return {"not_worse": True, "words": "There is no version in force yet."}
    name = f"version {champion.version}"
    try:
        old = without(registry.load_model(champion), chosen.off)
    except registry.CorruptModel as error:
        return {"not_worse": True, "words": f"{name} cannot be used: {error}"}
    if windows.other_than(champion.report, chosen.windows):
        words = f"{name} was learnt over other windows than are in force now: not to be compared on the same rows."
        return {"not_worse": True, "words": words}
    since = labels.day_number(champion.as_of)
    rows = take(stack, (stack.day >= since) & (stack.seen_for >= HORIZONS[0]))
    left = len(np.unique(rows.account[rows.leaves_in < HORIZONS[0]]))
    if left < LEAST_TO_COMPARE:
        words = f"{left} accounts left since {name} was learnt: too few to compare on ({LEAST_TO_COMPARE} needed)."
        return {"not_worse": True, "words": words, "left": left}
    try:
        known, options = known_at(take(stack, stack.day < since), since), _options_judged(stack, {})
        new = fit_final(known, until=since, name=kind, options=options)
    except ValueError as error:
        return {"not_worse": True, "words": f"Nothing to compare with {name}: {error}.", "left": left}
    found = compare_pair(rows, chances(new, rows).p, chances(old, rows).p, draws=back.DRAWS, seed=SEED)
    worse = [
        words for each in found["horizons"].values() for words in each["against"] if each["log_loss"]["n"] > 0
    ]
    words = (
        f"Worse than {name}: {'; '.join(worse)}."
        if worse
        else f"Not worse than {name} on {len(rows):,} rows."
    )
    return {"not_worse": not worse, "words": words, "left": left, "pair": found}


def _judged(
    tenant: Tenant, chosen: Plan, stack: Stack, settings: ChanceSettings, said: Said, names: tuple[str, ...]
) -> dict[str, Any]:
    until = labels.day_number(chosen.until)
    options = Options(seed=SEED)
    with one_thread():
        forecasts = rolling.forecast(stack, until=until, names=names, options=options, said=said)
    said(0, 1, "Measuring")
    wishes = back.Wishes(
        precision=float(settings.precision_wanted),
        capacity=_capacity(tenant, settings),
    )
    with one_thread(), ThreadPoolExecutor(2) as beside:  # the database answers meanwhile
        looked = beside.submit(leakage.seen, stack, forecasts)
        measured = beside.submit(
            back.report, stack, forecasts, known=chosen.known, until=until, wishes=wishes, seed=SEED
        )
        days = leakage.days_to_read(chosen, stack)
        again = leakage.read_again(tenant, stack, days, windows=chosen.windows, off=chosen.off)
        found = measured.result()
    found["leaks"] = leakage.found([*looked.result(), *again])
    return found


def _settings(tenant: Tenant) -> ChanceSettings:
    with tenant_transaction(tenant.pk):
        return model_queries.chance_settings(tenant)


def _capacity(tenant: Tenant, settings: ChanceSettings) -> int:
    """Accounts that all CSMs together can look at in a week."""
    with tenant_transaction(tenant.pk):
        owners = (
            Account.objects.for_tenant(tenant)
            .exclude(owner_email="")
            .values("owner_email")
            .distinct()
            .count()
        )
    return max(owners, 1) * settings.flags_per_csm_week


def plain(part: Any) -> Any:
    """JSON that a jsonb column takes: no NaN, no numpy, keys as text."""
    if isinstance(part, dict):
        return {str(name): plain(each) for name, each in part.items()}
    if isinstance(part, list | tuple):
        return [plain(each) for each in part]
    if isinstance(part, date):
        return str(part)
    if isinstance(part, np.generic):
        part = part.item()
    return None if isinstance(part, float) and not np.isfinite(part) else part
