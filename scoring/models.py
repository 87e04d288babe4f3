"""Health policies as versioned rows, score runs, and snapshots that are never rewritten."""

from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring.breakdown import Breakdown
from scoring.versioned import Versioned
from tenants.scoping import TenantForeignKey, TenantModel


class HealthPolicy(Versioned):
    """One version of how health is computed for one segment (empty: every segment without its own)."""

    class MissingRule(models.TextChoices):
        RENORMALISE = "renormalise", "Leave it out and share its weight among the others"
        NEUTRAL = "neutral", "Count it as 50 points"

    rows: "list[PolicyIndicator]"  # filled by queries.with_rows

    segment = models.CharField(max_length=20, blank=True)
    missing_rule = models.CharField(max_length=20, choices=MissingRule, default=MissingRule.RENORMALISE)
    min_coverage_pct = models.PositiveSmallIntegerField(default=50)
    # half-open cuts: critical [0, at_risk_from), at_risk [at_risk_from, watch_from), watch, healthy [healthy_from, 100]
    at_risk_from = models.DecimalField(max_digits=5, decimal_places=2, default=40)
    watch_from = models.DecimalField(max_digits=5, decimal_places=2, default=60)
    healthy_from = models.DecimalField(max_digits=5, decimal_places=2, default=75)

    class Meta(Versioned.Meta):
        verbose_name_plural = "health policies"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "segment", "version"], name="policy_version_once"),
            models.UniqueConstraint(
                fields=["tenant", "segment"], condition=Q(state="published"), name="policy_one_published"
            ),
            models.CheckConstraint(
                name="policy_bands_meet_in_order",
                condition=Q(
                    at_risk_from__gt=0,
                    watch_from__gt=models.F("at_risk_from"),
                    healthy_from__gt=models.F("watch_from"),
                    healthy_from__lt=100,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.segment or 'all segments'} v{self.version}"


class PolicyIndicator(TenantModel):
    """The weight and curve of one catalogue indicator in one policy version."""

    policy = TenantForeignKey(HealthPolicy, on_delete=models.CASCADE)
    indicator = models.CharField(max_length=80)  # a key of scoring.catalogue
    weight = models.DecimalField(max_digits=5, decimal_places=2)
    # piecewise linear: value xs[i] gives ys[i] points; flat beyond both ends
    xs = ArrayField(models.FloatField())
    ys = ArrayField(models.FloatField())
    window_days = models.PositiveSmallIntegerField(null=True)
    enabled = models.BooleanField(default=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "policy", "indicator"], name="policy_indicator_once"),
            models.CheckConstraint(
                name="policy_weight_is_a_share", condition=Q(weight__gte=0, weight__lte=100)
            ),
        ]

    @property
    def points(self) -> list[tuple[float, float]]:
        """The curve as (value, points) pairs."""
        return list(zip(self.xs, self.ys, strict=True))


class ScoreRun(TenantModel):
    """One computation of one day's scores; snapshots point at it."""

    as_of = models.DateField()
    policy_versions = models.JSONField()  # segment -> policy id and version
    fingerprint = models.CharField(max_length=64)  # of policies and inputs: the same again adds no snapshot
    accounts = models.IntegerField(default=0)
    is_unchanged = models.BooleanField(default=False)
    # what the scores page tells of the run: bands, coverage by indicator, sources, currencies without a rate
    summary = models.JSONField(default=dict)
    seconds = models.FloatField(default=0)
    started_by_label = models.CharField(max_length=300, default="Holdfast")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-as_of", "-id"], name="run_newest_ix")]

    @property
    def model_version(self) -> str:
        """The version whose chances stand in it; empty without one."""
        told: str = self.summary.get("chances", {}).get("model", "")
        return told


class HealthSnapshot(models.Model):
    """One account's health on one day as one run computed it; partitioned by month of as_of, append-only."""

    pk = models.CompositePrimaryKey("tenant_id", "account_id", "as_of", "run_id")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.DO_NOTHING, related_name="+")
    account = models.ForeignKey("accounts.Account", on_delete=models.DO_NOTHING, related_name="+")
    run = models.ForeignKey(ScoreRun, on_delete=models.DO_NOTHING, related_name="+")
    as_of = models.DateField()
    health = models.DecimalField(max_digits=5, decimal_places=2, null=True)  # NULL: band unknown
    band = models.CharField(max_length=10)
    coverage_pct = models.DecimalField(max_digits=5, decimal_places=2)
    # one entry an indicator, in the order of breakdown.LAYOUTS[layout]; see breakdown.Breakdown. A constraint of the
    # table has all of them there with a layout, and the old_ ones without
    layout = models.SmallIntegerField(null=True)
    weights = ArrayField(models.IntegerField())
    scores = ArrayField(models.IntegerField())
    points = ArrayField(models.IntegerField())
    lost = ArrayField(models.IntegerField())
    values = ArrayField(models.FloatField())
    why = ArrayField(models.SmallIntegerField())
    newest_ago = ArrayField(models.IntegerField())
    about: Any = models.JSONField(null=True)  # what sentences need beyond values; see breakdown.Breakdown
    # what snapshots without a layout carry instead, as it is read from the others (ADR 0013)
    old_dimensions: Any = models.JSONField(null=True, db_column="dimensions")
    old_indicators: Any = models.JSONField(null=True, db_column="indicators")
    # the worst first: [{"key", "dimension", "text", "points_lost", "day"}, …]
    reasons = models.JSONField()
    arr = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    currency = models.CharField(max_length=3)
    arr_reporting = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    priority = models.FloatField(null=True)  # arr_reporting x (100 - health) / 100; never shown as money
    renewal_date = models.DateField(null=True)
    policy_id = models.BigIntegerField()
    policy_version = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()
    # the chance of leaving, all empty without a calibrated model; p to six decimals, low and high are the 80 % interval
    p30 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p60 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p90 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p90_low = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p90_high = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p_renew = models.DecimalField(
        max_digits=7, decimal_places=6, null=True
    )  # to be there after the next renewal
    # chance to have left by each end of engine.churn.PERIODS
    leaves = ArrayField(models.FloatField(), null=True)
    risk_level = models.CharField(
        max_length=10, blank=True
    )  # low, medium, high, critical; empty without a chance
    model_id = models.BigIntegerField(null=True)
    model_version = models.CharField(max_length=80, blank=True)
    # logit_base + the sum of logit_parts is the log-odds of p90; one part a name of the model's document
    logit_base = models.FloatField(null=True)
    logit_parts = ArrayField(models.FloatField(), null=True)

    BREAKDOWN = (
        "layout", "weights", "scores", "points", "lost", "values", "why", "newest_ago", "about",
        "old_dimensions", "old_indicators",
    )  # fmt: skip

    class Meta:
        managed = False
        db_table = "scoring_health_snapshot"

    @cached_property
    def breakdown(self) -> Breakdown | None:
        """The figures of each indicator; None for a snapshot from before layouts."""
        if self.layout is None:
            return None
        return Breakdown(
            self.as_of, self.layout, self.weights, self.scores, self.points, self.lost, self.values, self.why,
            self.newest_ago, self.about,
        )  # fmt: skip

    @cached_property
    def indicators(self) -> list[dict[str, Any]]:
        """One each with weight; points add up to health, lost to 100 - health."""
        kept: list[dict[str, Any]] = self.old_indicators
        return kept if self.breakdown is None else self.breakdown.indicators()

    @cached_property
    def dimensions(self) -> dict[str, dict[str, Any]]:
        """Subtotals by dimension; points add up to health."""
        kept: dict[str, dict[str, Any]] = self.old_dimensions
        return kept if self.breakdown is None else self.breakdown.dimensions()


class AccountHealth(TenantModel):
    """Where an account stands now: the projection of its newest snapshot that queue and lists read."""

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    as_of = models.DateField()
    health = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    band = models.CharField(max_length=10)
    coverage_pct = models.DecimalField(max_digits=5, decimal_places=2)
    delta_30 = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    # up to 12 weekly points, oldest first, the last one is `health`; NULL where unknown
    spark = ArrayField(models.FloatField(null=True), default=list)
    reasons = models.JSONField()
    dimensions = models.JSONField()
    arr = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)
    arr_reporting = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    priority = models.FloatField(default=-1)  # -1: no rate or no health, sorts last
    renewal_date = models.DateField(null=True)
    run_id = models.BigIntegerField()
    policy_version = models.CharField(max_length=80)
    # the override in force, copied here so that a row needs no join
    override_health = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    override_band = models.CharField(max_length=10, blank=True)
    override_until = models.DateField(null=True)
    # the chance of leaving, all empty without a calibrated model; p to six decimals, low and high are the 80 % interval
    p30 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p60 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p90 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p90_low = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p90_high = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    p_renew = models.DecimalField(
        max_digits=7, decimal_places=6, null=True
    )  # to be there after the next renewal
    # chance to have left by each end of engine.churn.PERIODS
    leaves = ArrayField(models.FloatField(), null=True)
    risk_level = models.CharField(
        max_length=10, blank=True, db_default=""
    )  # low, medium, high, critical; empty without a chance
    # the level of the last scoring, not yet confirmed by a second one
    risk_pending = models.CharField(max_length=10, blank=True, db_default="")
    at_stake = models.DecimalField(max_digits=16, decimal_places=4, null=True)  # arr_reporting x p90
    p90_delta_30 = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    # what is associated with the chance: [{"key", "text", "part", "points", "day"}, …], upward ones first
    chance_reasons = models.JSONField(default=list, db_default=[])
    model_id = models.BigIntegerField(null=True)
    model_version = models.CharField(max_length=80, blank=True, db_default="")
    # why the chances are older or weaker than they look: model_missing, source_late:<key>, …
    chance_flags = ArrayField(models.CharField(max_length=60), default=list, db_default=[])
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "account"], name="account_health_once")]
        indexes = [
            models.Index(fields=["tenant", "-priority", "account"], name="health_priority_ix"),
            models.Index(fields=["tenant", "renewal_date", "account"], name="health_renewal_ix"),
            models.Index(fields=["tenant", "band", "-priority", "account"], name="health_band_ix"),
        ]


class Override(TenantModel):
    """A person's number next to the computed one, with reason and end; both stay visible."""

    class Reason(models.TextChoices):
        KNOW_MORE = "know_more", "I know something the data does not"
        DATA_WRONG = "data_wrong", "The data is wrong"
        TEMPORARY = "temporary", "A temporary effect"
        OTHER = "other", "Another reason"

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    # a person's band in their own words, empty where they gave a number; then `health` is that band's number nearest
    # to the computed one, so that lists and comparisons go on with numbers
    band = models.CharField(max_length=10, blank=True, db_default="")
    health = models.DecimalField(max_digits=5, decimal_places=2)
    model_health = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    reason = models.CharField(max_length=20, choices=Reason)
    note = models.TextField()
    until = models.DateField()
    author = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    author_label = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_by_label = models.CharField(max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account"], condition=Q(ended_at=None), name="override_one_in_force"
            ),
            models.CheckConstraint(
                name="override_health_within_0_100", condition=Q(health__gte=0, health__lte=100)
            ),
        ]


from scoring.automation.models import DriftCheck, ModelGate, PausedAutomation, TrainingSample  # noqa: E402, F401
from scoring.chance_models import ChanceSettings as ChanceSettings  # noqa: E402  told to others from here
from scoring.chance_models import ChanceVersion as ChanceVersion  # noqa: E402
from scoring.chance_models import ChurnModel as ChurnModel  # noqa: E402
from scoring.chance_models import ShadowScore as ShadowScore  # noqa: E402
from scoring.cohorts.models import AssociationReport, CohortReport  # noqa: E402, F401
from scoring.growth.models import (  # noqa: E402, F401
    GrowthItem,
    GrowthReport,
    RenewalForecast,
    RenewalTarget,
    RenewalTerm,
)
from scoring.outcomes.models import OutcomeTarget, PostMortem  # noqa: E402, F401
from scoring.people.models import (  # noqa: E402, F401
    CsmSentiment,
    DataReport,
    Notice,
    PersonObservation,
    ReasonFeedback,
    SourceCorrection,
)
from scoring.pooling.models import PoolContribution, SharedPool  # noqa: E402, F401
from scoring.quality.models import QualityReport  # noqa: E402, F401
from scoring.sentiment.models import Competitor, CompetitorMention, TextReading  # noqa: E402, F401
