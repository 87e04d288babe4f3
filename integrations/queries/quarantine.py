"""Reads of the quarantine: the rejected rows of one import, what they may be filtered by, which may come in again."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from integrations.models import BundleFile, BundleImport, QuarantinedRow
from jobs.models import Job
from jobs.paging import COUNT_CAP, PAGE_SIZE, BadPlace, Page
from tenants.models import Tenant

State = QuarantinedRow.State
UNSETTLED = (State.OPEN, State.MENDED)
MOST_GROUPS = 2000  # kinds of faults that are counted; files with more have no filter for the rest
MOST_CHOICES = 50
NEXT_VERSION = F("version") + 1


@dataclass(frozen=True)
class Chosen:
    """The filters of the page; an empty one filters nothing."""

    file: str = ""
    column: str = ""
    reason: str = ""
    state: str = ""

    @property
    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}


def rows(tenant: Tenant, *, bundle_id: int, chosen: Chosen | None = None) -> QuerySet[QuarantinedRow]:
    """In the order of files and lines."""
    found = QuarantinedRow.objects.for_tenant(tenant).filter(bundle_id=bundle_id)
    return found.filter(**(chosen or Chosen()).as_dict).order_by("pk")


def row(tenant: Tenant, *, bundle_id: int, row_id: int) -> QuarantinedRow | None:
    """`lands_alone` says whether its file landed, so that the row can follow by itself."""
    found = rows(tenant, bundle_id=bundle_id).select_related("bundle", "retry__job").filter(pk=row_id)
    landed = landed_files(tenant, bundle_id=bundle_id).filter(file=OuterRef("file"))
    return found.annotate(lands_alone=Exists(landed)).first()


def row_for_update(tenant: Tenant, *, bundle_id: int, row_id: int) -> QuarantinedRow:
    """Raises QuarantinedRow.DoesNotExist."""
    found = rows(tenant, bundle_id=bundle_id).select_related("bundle", "retry__job")
    return found.select_for_update(of=("self",)).get(pk=row_id)


def held() -> Q:
    """Rows that an import which has not ended is to bring in; one whose job died holds nothing."""
    return Q(retry__finished_at=None, retry__job__state__in=[Job.State.QUEUED, Job.State.RUNNING])


def may_return(tenant: Tenant, *, bundle_id: int, chosen: Chosen | None = None) -> QuerySet[QuarantinedRow]:
    """Rows that can be brought in one by one: of files that landed, not settled, not on their way already.

    A row with too many or too few cells needs a person first: nobody knows which cell is which.
    """
    found = rows(tenant, bundle_id=bundle_id, chosen=chosen).filter(state__in=UNSETTLED)
    landed = landed_files(tenant, bundle_id=bundle_id)
    free = found.exclude(pk__in=found.filter(held()).values("pk")).filter(file__in=landed)
    return free.exclude(state=State.OPEN, column="")


def ready(tenant: Tenant, *, bundle_id: int, chosen: Chosen, found: "Overview") -> dict[str, int]:
    """How many rows may come in again, by state; read only where the overview does not know it."""
    if found.is_whole:
        counts: Counter[str] = Counter()
        for group in found.groups_of(chosen):
            counts[group["state"]] += group["returning"]
        return dict(counts)
    rows = may_return(tenant, bundle_id=bundle_id, chosen=chosen).order_by().values("state")
    return {group["state"]: group["rows"] for group in rows.annotate(rows=Count("pk"))}


def claimed_by(tenant: Tenant, *, retry_id: int) -> QuerySet[QuarantinedRow]:
    """What this import is to bring in again."""
    found = QuarantinedRow.objects.for_tenant(tenant).filter(retry_id=retry_id, state__in=UNSETTLED)
    return found.order_by("file", "pk")


def page(
    found: QuerySet[QuarantinedRow], *, before: str = "", after: str = "", total: int | None = None
) -> Page[QuarantinedRow]:
    """One page in the order of lines: `before` goes on after that row, as `older` does elsewhere. Raises BadPlace.

    `total`: how many there are where that is known; else they are counted.
    """
    place = _place(after or before)
    if after:
        part = list(found.filter(pk__lt=place).order_by("-pk")[: PAGE_SIZE + 1])
        has_newer, has_older = len(part) > PAGE_SIZE, True
        part = part[:PAGE_SIZE][::-1]
    else:
        part = list(found.filter(pk__gt=place)[: PAGE_SIZE + 1])
        has_newer, has_older = bool(before), len(part) > PAGE_SIZE
        part = part[:PAGE_SIZE]
    total = counted(found) if total is None else min(total, COUNT_CAP + 1)
    if not part:
        return Page([], 0, 0, total, "", "")
    ahead = found.filter(pk__lt=part[0].pk).order_by()[: COUNT_CAP + 1].count() if has_newer else 0
    newer = str(part[0].pk) if has_newer and ahead else ""
    older = str(part[-1].pk) if has_older else ""
    return Page(part, ahead + 1, ahead + len(part), total, newer, older)


def counted(found: QuerySet[QuarantinedRow]) -> int:
    """How many, up to one more than the highest number that a page shows."""
    return found.order_by()[: COUNT_CAP + 1].count()


def _place(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadPlace(text)
    return int(text or 0)


@dataclass
class Overview:
    """How many rows of each kind; the words to filter by, the most frequent first."""

    total: int = 0
    states: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    groups: list[dict[str, Any]] = field(default_factory=list)  # file, column, reason, state, rows, returning

    @property
    def is_whole(self) -> bool:
        """Whether every row is in one of the groups."""
        return len(self.groups) < MOST_GROUPS

    def groups_of(self, chosen: Chosen) -> list[dict[str, Any]]:
        wanted = chosen.as_dict.items()
        return [group for group in self.groups if all(group[name] == value for name, value in wanted)]

    def total_of(self, chosen: Chosen) -> int | None:
        """How many rows the filters show; None where there are too many kinds to know it from here."""
        return sum(group["rows"] for group in self.groups_of(chosen)) if self.is_whole else None

    @property
    def unsettled(self) -> int:
        return sum(self.states[state] for state in UNSETTLED)

    def choices(self, name: str) -> list[str]:
        counted: Counter[str] = getattr(self, name)
        return [word for word, _ in counted.most_common(MOST_CHOICES) if word]


def overview(tenant: Tenant, *, bundle_id: int) -> Overview:
    """In one query, whatever the number of rows."""
    found = Overview()
    groups = rows(tenant, bundle_id=bundle_id).order_by().values("file", "column", "reason", "state")
    returning = Count("pk", filter=_returns(tenant, bundle_id))
    for group in groups.annotate(rows=Count("pk"), returning=returning).order_by("-rows")[:MOST_GROUPS]:
        found.groups.append(dict(group))
        found.total += group["rows"]
        found.states[group["state"]] += group["rows"]
        found.files[group["file"]] += group["rows"]
        found.columns[group["column"]] += group["rows"]
        found.reasons[group["reason"]] += group["rows"]
    return found


def _returns(tenant: Tenant, bundle_id: int) -> Q:
    """What `may_return` says, as a condition on one row."""
    retry_ended = Q(retry=None) | Q(retry__finished_at__isnull=False) | Q(retry__job=None)
    free = retry_ended | ~Q(retry__job__state__in=[Job.State.QUEUED, Job.State.RUNNING])
    landed = Q(file__in=landed_files(tenant, bundle_id=bundle_id))
    return Q(state__in=UNSETTLED) & free & landed & ~Q(state=State.OPEN, column="")


def landed_files(tenant: Tenant, *, bundle_id: int) -> QuerySet[BundleFile, str]:
    """Files that landed, at the first time or when they were read again with mended rows."""
    files = BundleFile.objects.for_tenant(tenant).filter(status="landed")
    here = files.filter(Q(bundle_id=bundle_id) | Q(bundle__retry_of_id=bundle_id))
    return here.values_list("file", flat=True)


def stopped_files(tenant: Tenant, *, bundle_id: int) -> list[str]:
    """Files of which nothing landed because too many rows were rejected."""
    files = BundleFile.objects.for_tenant(tenant).filter(bundle_id=bundle_id, status="stopped")
    stopped = files.filter(rejected__gt=0).exclude(file__in=landed_files(tenant, bundle_id=bundle_id))
    return list(stopped.order_by("pk").values_list("file", flat=True))


def newest_retry(tenant: Tenant, *, bundle_id: int) -> BundleImport | None:
    """The last import that was to bring rows of this one in again."""
    retries = BundleImport.objects.for_tenant(tenant).filter(retry_of_id=bundle_id)
    return retries.select_related("job").order_by("-pk").first()


def is_under_way(retry: BundleImport | None) -> bool:
    return bool(retry and retry.finished_at is None and retry.job and not retry.job.is_finished)


@dataclass(frozen=True)
class KeptRow:
    """What a row of the quarantine holds, as it stands, and the column that it was rejected for."""

    cells: dict[str, str]
    rejected_for: str
    is_unsettled: bool


def kept_rows(tenant: Tenant, *, file: str, row_ids: list[int]) -> dict[int, KeptRow]:
    """These rows of the quarantine, by id; those of other files are not found."""
    found = QuarantinedRow.objects.for_tenant(tenant).filter(pk__in=row_ids, file=file)
    return {
        row.pk: KeptRow(row.mended or row.row, row.column, row.state in UNSETTLED)
        for row in found.only("mended", "row", "column", "state")
    }


def lines_of(tenant: Tenant, *, bundle_id: int, file: str) -> list[tuple[int, int, str, Any]]:
    """(line, id, state, the mended row or None) of the rows of a stopped file that have not landed since."""
    found = rows(tenant, bundle_id=bundle_id, chosen=Chosen(file=file)).exclude(state=State.RETRIED)
    return list(found.values_list("line", "pk", "state", "mended"))
