"""Playbooks as rows, recommendations in the queue, plays running on accounts, their steps and tasks."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.scoping import TenantForeignKey, TenantModel


class Playbook(TenantModel):
    """What to do when something goes wrong: a trigger and steps."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ARCHIVED = "archived", "Archived"

    class TriggerOn(models.TextChoices):
        LOW = "low", "An indicator is low"
        IMPROVED = "improved", "Health or the chance of leaving has clearly improved"
        RENEWAL = "renewal", "The main term ends soon"
        RISK = "risk", "The level of risk has risen"

    class RiskLevel(models.TextChoices):
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"
        CRITICAL = "critical", "Critical"

    key = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    summary = models.CharField(max_length=500)
    type = models.CharField(max_length=20, default="risk")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    position = models.PositiveSmallIntegerField(default=0)  # ties between matching playbooks: lower first
    # low: suggested when the score of an indicator named here is below the limit while the account is in one of these
    # bands; a name is a catalogue key, or its beginning with a star: usage.*
    # improved: when an improvement named here is told while the account is in one of these bands; no limit
    trigger_on = models.CharField(max_length=10, choices=TriggerOn, default=TriggerOn.LOW, db_default="low")
    trigger_indicators = models.JSONField(default=list)
    trigger_score_below = models.PositiveSmallIntegerField(default=40)
    # renewal and risk ask for a band only where no chance decides (services.renewals, services.cues)
    trigger_bands = models.JSONField(default=list)
    # renewal: days to the end of the main term, at most so many, once a term; where a chance to renew is known and a
    # share stands here, only below it
    trigger_days = models.PositiveSmallIntegerField(null=True, blank=True)
    trigger_chance_below = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    # risk: when the level crosses up to this one
    trigger_level = models.CharField(max_length=10, choices=RiskLevel, blank=True, db_default="")
    # where a model has earned it (services.unattended); without an earned model it means nothing
    starts_alone = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="playbook_key_once"),
            # health events name the indicators under 50 points; a higher limit would never be met in full
            models.CheckConstraint(
                name="playbook_limit_within_what_events_tell", condition=Q(trigger_score_below__lte=50)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlaybookStep(TenantModel):
    class Kind(models.TextChoices):
        TASK = "task", "Task"
        CONCESSION = "concession", "Concession"

    playbook = TenantForeignKey(Playbook, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.TASK)
    title = models.CharField(max_length=300)
    details = models.TextField(blank=True)
    due_days = models.PositiveSmallIntegerField()
    # a concession's default, e.g. {"discount_pct": 10, "months": 12}
    defaults = models.JSONField(default=dict, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "playbook", "position"], name="playbook_step_position_once"
            ),
        ]


class Recommendation(TenantModel):
    """A suggested play in the queue. One open suggestion an account; decided ones stay for the record."""

    class State(models.TextChoices):
        SUGGESTED = "suggested", "Needs a decision"
        SNOOZED = "snoozed", "Snoozed"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"
        EXPIRED = "expired", "Expired"

    class DismissReason(models.TextChoices):
        HANDLED = "handled", "Already handled"
        NOT_A_RISK = "not_a_risk", "Not a risk"
        DATA_WRONG = "data_wrong", "Data is wrong"
        WRONG_PLAY = "wrong_play", "Wrong play"
        OTHER = "other", "Another reason"

    class SnoozeReason(models.TextChoices):
        MEETING_BOOKED = "meeting_booked", "Meeting already booked"
        WAITING = "waiting", "Waiting for the customer"
        AWAY = "away", "Customer is away"
        OTHER = "other", "Another reason"

    OPEN = ("suggested", "snoozed")

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    playbook = TenantForeignKey(Playbook, on_delete=models.PROTECT)
    state = models.CharField(max_length=12, choices=State, default=State.SUGGESTED)
    cause = models.JSONField()  # the indicators below the limit, with their texts and evidence days
    event_key = models.JSONField(default=list)  # epoch, xid, id of the audit event that triggered it
    snoozed_until = models.DateField(null=True)
    snoozed_health = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    reason = models.CharField(max_length=20, blank=True)
    comment = models.CharField(max_length=1000, blank=True)
    decided_by = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    decided_by_label = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account"],
                condition=Q(state__in=["suggested", "snoozed"]),
                name="recommendation_one_open_an_account",
            ),
            models.CheckConstraint(
                name="recommendation_snooze_has_an_end",
                condition=~Q(state="snoozed") | Q(snoozed_until__isnull=False),
            ),
            models.CheckConstraint(
                name="recommendation_dismissal_has_a_reason", condition=~Q(state="dismissed") | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="recommendation_decision_has_a_time",
                condition=~Q(state__in=["accepted", "dismissed"]) | Q(decided_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "state", "account"], name="recommendation_state_ix"),
            models.Index(fields=["tenant", "state", "decided_at"], name="recommendation_decided_ix"),
        ]


class Cue(TenantModel):
    """What asks for a play: a term that ends, told once a playbook, or a level of risk that rose.

    A cue that rests on a chance is a flag: a CSM gets so many a week, and the others wait here for their turn.
    """

    class Kind(models.TextChoices):
        RENEWAL = "renewal", "A term ends"
        RISK = "risk", "The level of risk rose"

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for its turn"
        GIVEN = "given", "Given"
        DROPPED = "dropped", "No longer so"  # also one that was given and gave way: its turn stays taken

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State)
    playbook = TenantForeignKey(Playbook, null=True, on_delete=models.CASCADE)
    is_flag = models.BooleanField()  # rests on a chance: counts against the week's number
    term = models.CharField(max_length=300, blank=True)  # renewal: the term's external id, or its last day
    ends = models.DateField(null=True)
    was = models.CharField(max_length=10, blank=True)  # risk: the level before it rose; empty: none was known
    level = models.CharField(max_length=10, blank=True)
    as_of = models.DateField()  # the scored day that said so
    event_key = models.JSONField(default=list)
    raised_at = models.DateTimeField(default=timezone.now)
    # whose week it counts in; nobody's for a pooled account
    given_to = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=200, blank=True)
    recommendation = TenantForeignKey(Recommendation, null=True, on_delete=models.SET_NULL)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "playbook", "term"],
                condition=Q(kind="renewal") & ~Q(state="dropped"),
                name="cue_once_a_term",
            ),
            models.UniqueConstraint(
                fields=["tenant", "account"],
                condition=Q(kind="risk", state="waiting"),
                name="cue_one_rise_waits",
            ),
            models.CheckConstraint(
                name="cue_waits_or_has_ended",
                condition=Q(state="waiting", ended_at=None) | ~Q(state="waiting") & Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="cue_of_a_term_or_a_level",
                condition=Q(kind="renewal", ends__isnull=False, playbook__isnull=False) & ~Q(term="")
                | Q(kind="risk") & ~Q(level=""),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "account"], condition=Q(state="waiting"), name="cue_waiting_ix"),
            models.Index(
                fields=["tenant", "ended_at"],
                condition=Q(state__in=["given", "dropped"], is_flag=True),
                name="cue_given_ix",
            ),
        ]


class Play(TenantModel):
    """One playbook running on one account."""

    class State(models.TextChoices):
        # the 8 seconds of Undo: accepted, not yet started
        STARTING = "starting", "Starting"
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    class Outcome(models.TextChoices):
        SAVED = "saved", "Saved"
        PARTLY_SAVED = "partly_saved", "Partly saved"
        LOST = "lost", "Lost"
        NO_RESPONSE = "no_response", "No response"
        TOO_EARLY = "too_early", "Too early to say"

    OPEN = ("starting", "in_progress")
    UNDONE = "undone"  # stands in `outcome` of a play that was taken back before it started

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    playbook = TenantForeignKey(Playbook, on_delete=models.PROTECT)
    recommendation = TenantForeignKey(Recommendation, null=True, on_delete=models.SET_NULL)
    state = models.CharField(max_length=12, choices=State, default=State.STARTING)
    owner = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    outcome = models.CharField(max_length=20, blank=True)
    starts_at = models.DateTimeField()
    is_unattended = models.BooleanField(
        default=False, db_default=False
    )  # nobody clicked (services.unattended)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "playbook"],
                condition=Q(state__in=["starting", "in_progress"]),
                name="play_one_open_a_playbook",
            ),
            models.CheckConstraint(
                name="play_closed_fields_agree",
                condition=Q(state__in=["starting", "in_progress"], closed_at=None)
                | Q(state__in=["completed", "cancelled"], closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="play_completed_has_an_outcome", condition=~Q(state="completed") | ~Q(outcome="")
            ),
        ]
        indexes = [models.Index(fields=["tenant", "state", "-id"], name="play_state_ix")]


class PlayStep(TenantModel):
    class State(models.TextChoices):
        OPEN = "open", "Open"
        PENDING_APPROVAL = "pending_approval", "Waiting for approval"
        APPROVED = "approved", "Approved, being written back"
        DONE = "done", "Done"
        REJECTED = "rejected", "Rejected"
        CHANGES_REQUESTED = "changes_requested", "Changes asked for"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Write-back refused"

    UNFINISHED = ("open", "changes_requested")  # somebody has to do something

    play = TenantForeignKey(Play, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=300)
    details = models.TextField(blank=True)
    due_date = models.DateField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    proposal = models.JSONField(default=dict)  # a concession's content, as last asked for
    approval_ref = models.CharField(max_length=40, blank=True)
    intent_id = models.BigIntegerField(null=True)
    # the last word on it: an approver's comment, why it was skipped, what the write-back said
    remark = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)
    done_by_label = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "play", "position"], name="play_step_position_once"),
            models.CheckConstraint(
                name="play_step_done_has_a_time", condition=~Q(state="done") | Q(done_at__isnull=False)
            ),
            models.CheckConstraint(
                name="play_step_waiting_has_a_request",
                condition=~Q(state="pending_approval") | ~Q(approval_ref=""),
            ),
        ]
        indexes = [
            # a write's outcome finds its step by it
            models.Index(
                fields=["tenant", "intent_id"],
                condition=Q(intent_id__isnull=False),
                name="play_step_intent_ix",
            ),
        ]


class Task(TenantModel):
    """Something a person shall do by a day; from a play's step, or made by hand."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    step = TenantForeignKey(PlayStep, null=True, on_delete=models.CASCADE)
    title = models.CharField(max_length=300)
    assignee = models.ForeignKey(
        "tenants.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    due_date = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    done_at = models.DateTimeField(null=True)
    done_by_label = models.CharField(max_length=300, blank=True)
    # one form makes one task, however often it is sent
    form_key = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "form_key"], condition=~Q(form_key=""), name="task_once_a_form"
            ),
            models.CheckConstraint(
                name="task_done_has_a_time",
                condition=Q(state="done", done_at__isnull=False) | (~Q(state="done") & Q(done_at=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "assignee", "state", "due_date"], name="task_assignee_ix"),
            models.Index(fields=["tenant", "account", "state", "due_date"], name="task_account_ix"),
        ]
