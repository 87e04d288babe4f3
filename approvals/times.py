"""How moments and clocks of a request read, in the tenant's time zone (UX 11)."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from approvals.models import ApprovalRequest
from config.templatetags import words
from tenants.models import Tenant

SOON = timedelta(hours=4)
IN_HOURS = timedelta(hours=12)  # nearer than this the wait is told, further away the hour of the day


@dataclass(frozen=True)
class Clock:
    """When an answer is due: words, and a tone that never stands without them."""

    text: str
    css: str = ""


@dataclass(frozen=True)
class Reader:
    """The moment of reading and the zone to read in."""

    now: datetime
    zone: tzinfo

    @classmethod
    def at(cls, now: datetime, tenant: Tenant) -> "Reader":
        return cls(now, ZoneInfo(tenant.time_zone))

    def clock(self, request: ApprovalRequest) -> Clock:
        left = request.due_at - self.now
        if left < timedelta(0):
            return Clock(f"Overdue {span(-left)}", "t-crit")
        if left < IN_HOURS:
            return Clock(f"Due in {span(left)}", "t-high" if left < SOON else "")
        return Clock(f"Due {self.moment(request.due_at)}")

    def moment(self, when: datetime) -> str:
        """`today 10:40`, `tomorrow 11:00`, `18 Nov 16:00`."""
        local, today = when.astimezone(self.zone), self.now.astimezone(self.zone).date()
        away = (local.date() - today).days
        named = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(away)
        return f"{named or words.day(local.date(), today)} {local:%H:%M}"

    def day(self, when: datetime) -> str:
        return words.day(when.astimezone(self.zone).date(), self.now.astimezone(self.zone).date())

    def hour(self, when: datetime) -> str:
        return f"{when.astimezone(self.zone):%H:%M}"


def span(length: timedelta) -> str:
    """`2 h 05 min`, `40 min`, `3 days`."""
    minutes = int(length.total_seconds()) // 60
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min"
