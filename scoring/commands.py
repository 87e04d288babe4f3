"""What the commands of this app share: finding the tenant, reading the day, saying how far they are."""

import json
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scoring import features, follow_up, pipeline, queries
from scoring.clock import utc_today
from scoring.exceptions import ScoringError
from scoring.model_queries import model_for
from scoring.models import ScoreRun
from tenants import queries as tenants
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

SAY_EVERY = 2.0  # seconds
# A day far ahead would stay the newest one for good, and every countdown would run from it.
FURTHEST_AHEAD_DAYS = 31
WRONG_USAGE = 2


def wrong_usage(words: str) -> CommandError:
    return CommandError(words, returncode=WRONG_USAGE)


def the_tenant(slug: str) -> Tenant:
    tenant = tenants.tenant_by_slug(slug)
    if tenant is None:
        raise wrong_usage(f"No workspace has the slug {slug}. create_tenant makes one.")
    return tenant


def the_day(tenant: Tenant, text: str | None) -> date:
    """The day given, or the day after the newest evidence."""
    with tenant_transaction(tenant.pk):
        default = features.default_day(tenant)
    if text is None:
        if default is None:
            raise CommandError(
                f"{tenant.slug} has no evidence yet, so there is no day to score. Import a bundle first."
            )
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise wrong_usage(f"{text} is not a day. Write it as 2026-11-01.") from error
    furthest = max(utc_today(), default or utc_today()) + timedelta(days=FURTHEST_AHEAD_DAYS)
    if not date(1990, 1, 1) <= day <= furthest:
        raise wrong_usage(f"{day} cannot be scored: give a day from 1990-01-01 to {furthest}.")
    return day


def score(command: BaseCommand, tenant: Tenant, day: date, *, by: Actor) -> ScoreRun:
    """Score the day, with words for the reader on standard error; a refusal becomes exit 1."""
    try:
        run = pipeline.score_day(tenant, as_of=day, by=by, progress=_Said(command))
    except ScoringError as error:
        raise CommandError(str(error)) from error
    follow_up.ask(tenant, by=by)
    for currency in run.summary.get("missing_rates", []):
        command.stderr.write(
            f"No rate from {currency} to {tenant.currency} on {day}: accounts that pay in {currency} are listed "
            "last. Add the rate in the admin, under Accounts.",
            str,
        )
    return run


def score_newest_again(command: BaseCommand, tenant: Tenant, *, by: Actor) -> ScoreRun | None:
    """Score the newest scored day once more, or its chances would stay those of the version before until the night."""
    with tenant_transaction(tenant.pk):
        newest = queries.latest_as_of(tenant)
    return None if newest is None else score(command, tenant, newest, by=by)


def needs_scoring(tenant: Tenant, day: date) -> bool:
    """Whether the day has no scores, or none by the version that holds for it."""
    with tenant_transaction(tenant.pk):
        run, model = queries.run_of_day(tenant, day), model_for(tenant, as_of=day)
    return run is None or (model is not None and run.model_version != str(model))


class _Said:
    """Progress on standard error: each new stage, and every now and then how far it is."""

    def __init__(self, command: BaseCommand) -> None:
        self._command, self._at, self._stage = command, 0.0, ""

    def __call__(self, done: int, total: int | None = None, message: str = "") -> None:
        now = time.monotonic()
        if message == self._stage and now - self._at < SAY_EVERY:
            return
        self._at, self._stage = now, message
        share = f"{done:,} of {total:,} accounts  " if total and done else ""
        self._command.stderr.write(f"{share}{message}", str)


def check_can_write(path: str | None) -> None:
    """Before the work, not after it: the folder of an output file must be there."""
    if path is not None and path != "-" and not Path(path).absolute().parent.is_dir():
        raise wrong_usage(f"There is no folder for {path}.")
    if path is not None and Path(path).is_dir():
        raise wrong_usage(f"{path} is a folder. Give the name of a file.")


def write_json(command: BaseCommand, found: dict[str, Any], path: str) -> None:
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    if path == "-":
        command.stdout.write(text, ending="")
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} could not be written: {error.strerror}.") from error
