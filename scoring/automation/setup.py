"""What earned automation registers at start-up: jobs, the navigation, the thresholds page."""

from datetime import timedelta

from jobs import registry
from scoring.automation import earned, rounds, services
from scoring.model_queries import chance_settings
from tenants import nav, thresholds
from tenants.models import Tenant
from tenants.roles import Right

ADMIN, TRIED = "admin:scoring_chancesettings_changelist", "scoring:whatif_chances"


def register() -> None:
    """Called from ScoringConfig.ready."""
    registry.register(
        rounds.DRIFT,
        rounds.watch,
        mode="stepwise",
        label="Checking drift and gates",
        max_attempts=3,
        seconds=1800,
    )
    registry.schedule(rounds.DRIFT, kind=rounds.DRIFT, at_hour=6)  # after the nightly scoring
    registry.schedule(
        rounds.GATES_AGAIN, kind=rounds.DRIFT, every=timedelta(minutes=15), when=earned.are_gates_behind
    )
    registry.register(
        services.CHANGE, rounds.change_model, mode="transactional", label="Changing a version", max_attempts=2
    )
    nav.register(nav.Destination("Models", "scoring:models", 75, Right.VIEW_QUALITY, place="menu"))
    for label, where, value, words in (
        (
            "Chances: levels", TRIED, _levels,
            "Medium, high and critical begin at these chances within 90 days.",
        ),
        (
            "Chances: precision wanted", TRIED, _precision,
            "Of the accounts flagged, the share that should really leave.",
        ),
        ("Chances: flags", TRIED, _flags, "Accounts that a CSM can look at in a week."),
        (
            "Chances: gates of automation", ADMIN, _gates,
            "What a version must have shown before it acts by itself.",
        ),
        (
            "Chances: own chance of an account", ADMIN, _own,
            "Beside the gates: what the account itself must show.",
        ),
    ):  # fmt: skip
        thresholds.register(label, where, value=value, help=words)


def _levels(tenant: Tenant) -> str:
    row = chance_settings(tenant)
    cuts = " / ".join(f"{each:.1%}" for each in (row.medium_from, row.high_from, row.critical_from))
    return f"{cuts}, margin {row.margin:.1%}"


def _precision(tenant: Tenant) -> str:
    return f"{chance_settings(tenant).precision_wanted:.0%}"


def _gates(tenant: Tenant) -> str:
    row = chance_settings(tenant)
    return (
        f"{row.months_in_shadow} months watched, {row.least_leavers} leavers, "
        f"calibration error at most {row.most_calibration_error:.1%}"
    )


def _own(tenant: Tenant) -> str:
    return f"{chance_settings(tenant).own_chance_from:.0%} within 90 days"


def _flags(tenant: Tenant) -> str:
    return f"{chance_settings(tenant).flags_per_csm_week} a CSM and week"
