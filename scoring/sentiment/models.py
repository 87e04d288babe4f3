"""What reading texts leaves behind: how each sounds, and which competitors it names. Never the text itself."""

from django.db import models

from tenants.scoping import TenantForeignKey, TenantModel


class TextKind(models.TextChoices):
    TICKET = "ticket", "Support ticket"
    RESOLUTION = "resolution", "Resolution of a ticket"
    ACTIVITY = "activity", "Mail, call or meeting"
    SURVEY = "survey", "Survey comment"


class TextReading(TenantModel):
    """How one text of a customer sounds to one version of the word list. `row_id` is the evidence row's own id."""

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=TextKind)
    row_id = models.BigIntegerField()
    version = models.CharField(max_length=40)
    compound = models.SmallIntegerField()  # ten-thousandths: -10,000 all bad, 10,000 all good
    confidence = models.SmallIntegerField()  # hundredths: 0 when the list knows no word of it
    recorded_at = models.DateTimeField()  # of the evidence row as it was read: a later one is read again

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "row_id", "version"], name="text_read_once"),
            models.CheckConstraint(
                name="text_reading_within_its_scale",
                condition=models.Q(
                    compound__gte=-10_000, compound__lte=10_000, confidence__gte=0, confidence__lte=100
                ),
            ),
        ]


class Competitor(TenantModel):
    """A name to look for in what customers write, as a whole word, whatever its capitals."""

    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    # texts recorded before this moment were searched; empty: none yet
    searched_to = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint("tenant", models.functions.Lower("name"), name="competitor_once"),
            models.CheckConstraint(name="competitor_has_a_name", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class CompetitorMention(TenantModel):
    """A text that names a competitor, and when it became known (a resolution: when its ticket was closed)."""

    account = TenantForeignKey("accounts.Account", on_delete=models.CASCADE)
    competitor = TenantForeignKey(Competitor, on_delete=models.CASCADE)
    kind = models.CharField(max_length=10, choices=TextKind)
    row_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "competitor", "kind", "row_id"], name="competitor_mention_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "account", "-at"], name="competitor_mention_ix")]
