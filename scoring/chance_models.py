"""Versions of the chance of leaving, what a tenant has decided about chances, and what nobody is shown yet."""

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring import strength
from scoring.versioned import Versioned
from tenants.scoping import TenantModel

LEAST_LEAVERS = (
    20  # below: no chance of leaving without a pool that other tenants consented to (DECISIONS 24)
)


class ChurnModel(TenantModel):
    """One trained version of the chance of leaving: coefficients as JSON, what the back-test said, where it stands."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SHADOW = "shadow", "Shadow"
        ADVISORY = "advisory", "Advisory"
        AUTOMATIC = "automatic", "Automatic"
        RETIRED = "retired", "Retired"

    LIVE = (State.ADVISORY, State.AUTOMATIC)

    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)  # additive, boosted, parts
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    as_of = models.DateField()  # learnt from what was known before this day
    document = models.JSONField()  # engine.churn.document: curves, timing, calibration
    digest = models.CharField(max_length=64)  # of the document
    report = models.JSONField(default=dict)  # the back-test, the candidates, the gates when it was trained
    # was shown once and may score days from `as_of` on; a version that was rolled back may not
    is_usable = models.BooleanField(default=False)
    promoted_at = models.DateTimeField(null=True)
    promoted_by_label = models.CharField(max_length=300, blank=True)
    retired_at = models.DateTimeField(null=True)
    retired_why = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_label = models.CharField(max_length=300, default="Holdfast")
    job_id = models.BigIntegerField(null=True)
    row_version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "version"], name="churn_model_version_once"),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(state__in=["advisory", "automatic"]),
                name="churn_model_one_live",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-as_of", "-id"], name="churn_model_newest_ix")]

    def __str__(self) -> str:
        return f"churn v{self.version}"

    @property
    def weakness(self) -> strength.Weakness | None:
        """What must be said wherever its chances are shown; None: they were shown to beat the base rate."""
        told = self.__dict__.get("tested")  # read in the report's place where that is not
        if told is not None:
            return strength.weakness_of(told["skill"] or {}, told["method"])
        return strength.weakness(self.report)


def _share(default: str) -> Any:
    return models.DecimalField(max_digits=4, decimal_places=3, default=Decimal(default))


class Cuts(models.Model):
    """The numbers that decide who is flagged; put in force by publishing a version of them, after a replay."""

    # half-open cuts of p90: low [0, medium_from), medium [medium_from, high_from), high, critical [critical_from, 1]
    medium_from = _share("0.100")
    high_from = _share("0.300")
    critical_from = _share("0.600")
    # a level changes at once when p90 lies this far beyond the cut, else when a second scoring agrees
    margin = _share("0.020")
    # of the accounts that are flagged: the share that should really leave; the back-test says what it costs in recall
    precision_wanted = _share("0.800")
    flags_per_csm_week = models.PositiveSmallIntegerField(default=5)

    class Meta:
        abstract = True


CUTS = tuple(field.name for field in Cuts._meta.local_fields)
IN_ORDER = Q(
    medium_from__gt=0,
    high_from__gt=models.F("medium_from"),
    critical_from__gt=models.F("high_from"),
    critical_from__lt=1,
)


class ChanceVersion(Cuts, Versioned):
    """One version of the numbers that decide who is flagged. `preview`: the figures of its replay, naming nobody."""

    class Meta(Versioned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "version"], name="chance_version_once"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="published"), name="chance_version_one_published"
            ),
            models.CheckConstraint(name="chance_version_cuts_in_order", condition=IN_ORDER),
        ]

    def __str__(self) -> str:
        return f"Chance settings v{self.version}"


class ChanceSettings(Cuts, TenantModel):
    """What a tenant has decided about chances of leaving; one row a tenant, the defaults where there is none.

    Its cuts are those of the published ChanceVersion: `scoring.whatif.services` alone writes them.
    """

    pools_across_tenants = models.BooleanField(default=False)
    # what a model must have shown before it may start plays by itself, and what an account must show beside it
    months_in_shadow = models.PositiveSmallIntegerField(default=3)
    least_leavers = models.PositiveSmallIntegerField(
        default=LEAST_LEAVERS, validators=[MinValueValidator(LEAST_LEAVERS)]
    )
    most_calibration_error = _share("0.030")
    own_chance_from = _share("0.700")
    row_version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "chance settings"
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="chance_settings_once"),
            models.CheckConstraint(name="risk_cuts_in_order", condition=IN_ORDER),
            models.CheckConstraint(
                name="chance_settings_are_shares",
                condition=Q(
                    margin__lt=Decimal("0.1"),
                    precision_wanted__gt=0,
                    precision_wanted__lt=1,
                    most_calibration_error__gt=0,
                    own_chance_from__lte=1,
                ),
            ),
        ]

    def __str__(self) -> str:
        return "Chance settings"


class ShadowScore(models.Model):
    """What a model that nobody sees would have said; partitioned by month of as_of, append-only."""

    pk = models.CompositePrimaryKey("tenant_id", "account_id", "as_of", "run_id", "model_id")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.DO_NOTHING, related_name="+")
    account = models.ForeignKey("accounts.Account", on_delete=models.DO_NOTHING, related_name="+")
    run = models.ForeignKey("scoring.ScoreRun", on_delete=models.DO_NOTHING, related_name="+")
    as_of = models.DateField()
    model_id = models.BigIntegerField()
    p30 = models.DecimalField(max_digits=7, decimal_places=6)
    p60 = models.DecimalField(max_digits=7, decimal_places=6)
    p90 = models.DecimalField(max_digits=7, decimal_places=6)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "scoring_shadow_score"
