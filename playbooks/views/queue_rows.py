"""What a row of the queue says, put into words once, so that the templates only place it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Account
from playbooks.gains import GAINS
from playbooks.models import Play, Recommendation
from playbooks.queries.queue import midnight
from playbooks.queries.queue_why import first_due
from playbooks.rises import flag_words, is_spoken
from playbooks.services.decisions import UNDO_GRACE_SECONDS, UNDO_SECONDS
from scoring.bands import band_label
from scoring.catalogue import DIMENSION_LABELS
from scoring.models import AccountHealth
from scoring.pooling.words import is_late, pooled_words
from scoring.why.sources import place_of
from tenants.models import Membership, Tenant

State = Recommendation.State
REASONS_SHOWN = 2
SOON, NEAR = 45, 90  # days to the renewal from which it is marked
ICONS = {
    "usage": "use",
    "engagement": "talk",
    "satisfaction": "tool",
    "business": "money",
    "stakeholders": "user",
    "outcomes": "flag",
}


@dataclass(frozen=True)
class Reason:
    text: str
    day: date | None
    icon: str
    dimension: str
    place: str  # query and fragment of the account page that shows the rows it was read from
    key: str = ""  # of the indicator


@dataclass(frozen=True)
class Suggestion:
    """The account's open suggestion, as a row shows it."""

    id: int
    version: int
    playbook: str
    playbook_id: int
    steps: int
    days: int | None
    is_new: bool
    snoozed_until: date | None
    reason: str
    told: str = (
        ""  # why it is suggested, where the reasons of health do not say: good news, a term, a level of risk
    )

    @property
    def is_snoozed(self) -> bool:
        return self.snoozed_until is not None

    @property
    def size(self) -> str:
        steps = f"{self.steps} step{'' if self.steps == 1 else 's'}"
        return f"{steps} over {self.days} days" if self.days else steps

    @property
    def item(self) -> str:
        """How a ticked row is sent: id and the version that was read."""
        return f"{self.id}:{self.version}"


@dataclass(frozen=True)
class Running:
    """The play that runs on the account."""

    id: int
    playbook: str
    is_starting: bool
    next_step: str
    next_due: date | None


@dataclass(frozen=True)
class Row:
    """One account of the list."""

    account: Account
    standing: AccountHealth
    suggestion: Suggestion | None
    running: Running | None
    reasons: list[Reason]
    override: str | None
    as_of: date
    waits: str = ""  # what waits for its turn, in sentences

    @property
    def days_left(self) -> int | None:
        """Days to the renewal, counted from the scored day."""
        renewal = self.standing.renewal_date
        return None if renewal is None else (renewal - self.as_of).days

    @property
    def countdown(self) -> str:
        days = self.days_left
        if days is None:
            return ""
        if days == 0:
            return "today"
        return f"{abs(days)} day{'' if abs(days) == 1 else 's'}{' ago' if days < 0 else ''}"

    @property
    def renewal_tone(self) -> str:
        days = self.days_left
        return "" if days is None or days > NEAR else "crit" if days <= SOON else "high"

    @property
    def is_far(self) -> bool:
        """So far that day and month alone could be taken for this year's."""
        return self.days_left is not None and not -180 < self.days_left < 330

    @property
    def shown_reasons(self) -> list[Reason]:
        return self.reasons[:REASONS_SHOWN]

    @property
    def more_reasons(self) -> int:
        return max(len(self.reasons) - REASONS_SHOWN, 0)

    @property
    def has_chances(self) -> bool:
        """Whether a model speaks of the tenant's accounts: all rows of a list agree."""
        return self.standing.p90 is not None or bool(self.standing.chance_flags)

    @property
    def stake_range(self) -> tuple[Decimal, Decimal] | None:
        """The 80 % interval of what is at stake, in the tenant's currency."""
        standing = self.standing
        if standing.arr_reporting is None or standing.p90_low is None or standing.p90_high is None:
            return None
        return standing.arr_reporting * standing.p90_low, standing.arr_reporting * standing.p90_high

    @property
    def is_stale(self) -> bool:
        """A source that the chance rests on is late, or the model could not be read: the last good figure stands."""
        return is_late(self.standing.chance_flags)

    @property
    def pooled(self) -> str:
        """Said of a chance that other workspaces' experience gave; empty for one's own."""
        return pooled_words(self.standing.chance_flags)

    @property
    def up(self) -> list[dict[str, Any]]:
        return [each for each in self.standing.chance_reasons if each["part"] > 0]

    @property
    def down(self) -> list[dict[str, Any]]:
        return [each for each in self.standing.chance_reasons if each["part"] < 0]

    @property
    def history_label(self) -> str:
        known = [value for value in self.standing.spark if value is not None]
        return f"Twelve-week health: from {known[0]:.0f} to {known[-1]:.0f}" if known else ""


def row_of(tenant: Tenant, viewer: Membership, standing: AccountHealth, *, as_of: date | None) -> Row:
    """The row of one standing that `queue_page` read with its details."""
    return Row(
        account=standing.account,
        standing=standing,
        suggestion=_suggestion(tenant, standing.suggestion),  # type: ignore[attr-defined]
        running=_running(standing.running),  # type: ignore[attr-defined]
        reasons=[_reason(each) for each in standing.reasons],
        override=_override(viewer, standing, today=midnight(tenant).date()),
        as_of=as_of or standing.as_of,
        waits=flag_words(standing.waits),  # type: ignore[attr-defined]
    )


def _reason(found: dict[str, Any]) -> Reason:
    dimension = str(found["dimension"])
    key, day = str(found.get("key", "")), _day(found.get("day"))
    return Reason(
        text=str(found["text"]),
        day=day,
        icon=ICONS.get(dimension, "info"),
        dimension=DIMENSION_LABELS.get(dimension, dimension),  # type: ignore[call-overload]
        place=place_of(key, day) or "#panel-evidence",
        key=key,
    )


def _suggestion(tenant: Tenant, found: dict[str, Any] | None) -> Suggestion | None:
    if found is None:
        return None
    reasons = dict(Recommendation.SnoozeReason.choices)
    return Suggestion(
        id=found["id"],
        version=found["version"],
        playbook=found["playbook"],
        playbook_id=found["playbook_id"],
        steps=found["steps"],
        days=found["days"],
        is_new=datetime.fromisoformat(found["created_at"]) >= midnight(tenant),
        snoozed_until=_day(found["snoozed_until"]),
        reason=str(reasons.get(found["reason"], "")),
        told="; ".join(
            str(each.get("text", "")) for each in found["cause"] if _is_told(str(each.get("key")))
        ),
    )


def _is_told(key: str) -> bool:
    return key in GAINS or is_spoken(key)


def _running(found: dict[str, Any] | None) -> Running | None:
    if found is None:
        return None
    step = found["next"] or {}
    return Running(
        id=found["id"],
        playbook=found["playbook"],
        is_starting=found["state"] == Play.State.STARTING,
        next_step=step.get("title", ""),
        next_due=_day(step.get("due")),
    )


def _override(viewer: Membership, standing: AccountHealth, *, today: date) -> str | None:
    """A person's number beside the computed one, while it is in force."""
    if standing.override_health is None:
        return None
    if standing.override_until is not None and standing.override_until < today:
        return None
    author = standing.override_author or {}  # type: ignore[attr-defined]
    who = "you" if author.get("id") == viewer.user_id else author.get("name") or "somebody"
    said = band_label(author["band"]) if author.get("band") else standing.override_health.quantize(Decimal(1))
    return f"Set by {who}: {said}"


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


# --- the line that a decided row becomes ------------------------------------------------------------------

WORDS = {"accepted": ("good", "good"), "snoozed": ("", "clock"), "dismissed": ("", "cross")}


@dataclass(frozen=True)
class Line:
    """What was decided, in a sentence, and how to take it back."""

    suggestion: Recommendation
    tone: str
    icon: str
    word: str
    text: str
    undo: str

    @property
    def undo_for(self) -> int:
        """Seconds that Undo is shown; the service takes it back a little longer."""
        return UNDO_SECONDS if self.suggestion.state == State.ACCEPTED else UNDO_GRACE_SECONDS

    @property
    def message(self) -> str:
        return f"{self.word}: {self.suggestion.account.name}. {self.text}"


def line_of(tenant: Tenant, row: Recommendation, *, back: str = "") -> Line:
    """The line of a suggestion that was just answered; `back` is the list's query string."""
    tone, icon = WORDS.get(row.state, ("", "info"))
    undo = reverse("playbooks:undo", args=[tenant.slug, row.pk])
    query = urlencode({"version": row.version, "from": "toast", "back": back})
    return Line(row, tone, icon, State(row.state).label, _line_text(tenant, row), f"{undo}?{query}")


def _line_text(tenant: Tenant, row: Recommendation) -> str:
    if row.state == State.ACCEPTED:
        due = first_due(tenant, row)
        task = f" First task is due {due.day} {due:%b}." if due else ""
        return f"{row.playbook.name} starts.{task}"
    if row.state == State.SNOOZED and row.snoozed_until:
        reason = Recommendation.SnoozeReason(row.reason).label
        return f"Until {row.snoozed_until.day} {row.snoozed_until:%b}. {reason}."
    if row.state == State.DISMISSED:
        return f"{Recommendation.DismissReason(row.reason).label}."
    return ""
