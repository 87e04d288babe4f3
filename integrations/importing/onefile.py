"""One file of a bundle: read, check and stage it; sort out what only shows when all of it was seen; land it or stop it.

Staging happens outside of any transaction. What lands, the report and the quarantine commit together (DECISIONS 5).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from django.db import DataError, IntegrityError

from accounts import grants
from integrations.importing import mended, merge
from integrations.importing.columns import PASSED_OVER, ROW_ID
from integrations.importing.doubles import Keys
from integrations.importing.format import FILES
from integrations.importing.known import KnownIds
from integrations.importing.mended import Replaced
from integrations.importing.parents import wrong_parents
from integrations.importing.people import People
from integrations.importing.problems import FileStopped
from integrations.importing.reading import Bytes, Chunk, CsvReader
from integrations.importing.report import MOST_REJECTED, FileReport, Say
from integrations.importing.source import SourceFile
from integrations.importing.stage import Stage, clear_stage
from integrations.importing.targets import target_for
from integrations.importing.validate import LONGEST_SHOWN, Checker, Reject
from integrations.models import BundleImport
from integrations.queries import imports as queries
from integrations.services import imports as services
from integrations.services import quarantine
from tenants import hooks, statistics
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

# what grants.sync wrote besides, when the file was the accounts
GRANTS = {True: ("accounts_accountuserperm", "accounts_accountgroupperm"), False: ()}
# Statistics of a partitioned table take seconds, however few rows are new: a day's usage does not mislead the planner.
MANY_ROWS = 20_000
Lines = np.ndarray[Any, Any]


@dataclass
class Order:
    """What is imported where, and by whom; the same for every file of the bundle."""

    tenant: Tenant
    by: Actor
    say: Say
    size: int  # bytes of the whole bundle
    known: KnownIds
    record: BundleImport | None
    dry_run: bool
    behind: int = 0  # bytes of the files before this one
    one_by_one: bool = False  # rows that a person mended: a bad one stops no other


class OneFile:
    def __init__(self, order: Order, source: SourceFile) -> None:
        self.order = order
        self.source = source
        self.file = FILES[source.name]
        self.report = FileReport(self.file.file_name)
        self.started = time.perf_counter()
        self.stage: Stage | None = None
        self.again = Replaced()
        self.people = People(order.tenant, self.file)

    def bring_in(self) -> FileReport:
        clear_stage()
        try:
            self._check_accounts_are_there()
            self._import()
        except FileStopped as problem:
            self._stop(str(problem))
        return self.report

    def _import(self) -> None:
        self._say(0, "opening")
        with self.source.open() as stream:
            reader = _reader(stream)
            self.missing = mended.covered_columns(self.file, reader.header)
            checker = Checker(self.file, [*reader.header, *self.missing], self.order.known.frame)
            stage = Stage(target_for(checker))
            self.stage = stage
            keys = Keys()
            again = self._replaced(stage)
            for chunk in self._chunks(reader, again):
                if ROW_ID in chunk.cells:
                    stage.remember(mended.ids_of(chunk))
                self.report.read += chunk.rows_read
                checked = checker.check(chunk)
                keys.add(checked)
                stage.add(checked.good)
                stage.reject(checked.rejects)
                self._say(stream.done(), f"{self.report.read:,} rows read")
        self.again = again
        passed_over = self.people.ignored  # what is read once more below is counted once
        repeats = self._sort_out_doubles(stage, keys)
        if self.file.name == "accounts" and "parent_external_id" in checker.header:
            self._sort_out_parents(stage)
        self._check_limit(stage)
        self._land(stage, _remarks(checker.ignored, passed_over), repeats)

    def _replaced(self, stage: Stage) -> Replaced:
        """For a file that was stopped before: what people made of its rejected rows."""
        record = self.order.record
        if record is None or self.order.one_by_one:
            return Replaced()
        found = mended.replaced(self.order.tenant, record, self.file.file_name)
        stage.remember(pl.DataFrame({"line": list(found.ids), "id": list(found.ids.values())}))
        return found

    def _chunks(self, reader: CsvReader, again: Replaced) -> Iterator[Chunk]:
        found = map(mended.as_meant, mended.with_replaced(reader.chunks(), reader.header, again))
        return map(self.people.of, map(self._with_covered, found))

    def _with_covered(self, chunk: Chunk) -> Chunk:
        return mended.with_covered(self.order.tenant, self.file, chunk, self.missing)

    def _say(self, done: int, words: str) -> None:
        self.order.say(self.order.behind + done, self.order.size, f"{self.file.file_name}: {words}")

    # --- what shows only when the whole file was seen ---------------------------------------------

    def _check_accounts_are_there(self) -> None:
        """After accounts.csv was stopped in a first import, every row of every file would be rejected for it."""
        needs = any(column.names == "accounts" and column.required for column in self.file.columns)
        if needs and not self.order.known.frame("accounts").height:
            raise FileStopped(
                "Not read: no account is known yet, because accounts.csv did not land. Mend that file first."
            )

    def _sort_out_doubles(self, stage: Stage, keys: Keys) -> int:
        """Set contradicting rows aside; returns how many rows only repeat another one."""
        shared, lines = keys.doubles()
        if not len(shared):
            return 0
        contradicting, repeats = stage.sort_out_doubles(shared, lines)
        named = " and ".join(self.file.key)
        reason = f"Another row with the same {named} says something else. Keep the right one."
        self._set_aside(stage, contradicting, lambda line: (self.file.key[0], reason))
        return repeats

    def _sort_out_parents(self, stage: Stage) -> None:
        with tenant_transaction(self.order.tenant.pk):
            known = queries.parents_of_accounts(self.order.tenant)
        wrong = wrong_parents(stage.rows_of("line", "external_id", "parent_external_id"), known)
        lines = np.array(sorted(wrong), dtype=np.int64)
        stage.remove(lines)
        self._set_aside(stage, lines, lambda line: ("parent_external_id", wrong[line]))

    def _set_aside(self, stage: Stage, lines: Lines, fault: Callable[[int], tuple[str, str]]) -> None:
        """Reject rows that were staged and taken out again; what they said is read from the file once more.

        `lines` are sorted, `fault` gives the column and the reason.
        """
        if not len(lines):
            return
        self._say(self.source.size, f"{len(lines):,} rows cannot land together")
        with self.source.open() as stream:
            for chunk in self._chunks(_reader(stream), self.again):
                stage.reject(_rejects(chunk, lines, fault))

    def _check_limit(self, stage: Stage) -> None:
        limit = Decimal(100 if self.order.one_by_one else self.order.tenant.rejected_rows_limit_pct)
        rejected, read = stage.rejected, self.report.read
        if rejected * 100 > limit * read:
            raise FileStopped(
                f"{rejected:,} of {read:,} rows are rejected ({rejected * 100 / read:.1f} %); "
                f"more than {limit.normalize():f} % stops a file. Nothing of it landed."
            )

    # --- how it ends ------------------------------------------------------------------------------

    def _land(self, stage: Stage, remarks: str | None, repeats: int) -> None:
        self._say(self.source.size, "comparing" if self.order.dry_run else "merging")
        stage.ready()
        self.report.message = remarks
        self.report.rejected = stage.rejected
        self.report.rejected_rows = stage.first_rejects(MOST_REJECTED)
        try:
            if self.order.dry_run:
                self._compare(stage, repeats)
            else:
                self._merge(stage, repeats)
        except (DataError, IntegrityError) as error:
            words = str(error).splitlines()[0]
            raise FileStopped(
                f"The database did not take the file, and kept nothing of it: {words}"
            ) from error

    def _merge(self, stage: Stage, repeats: int) -> None:
        tenant = self.order.tenant
        merge.ensure_partitions(stage.target)
        with tenant_transaction(tenant.pk):
            self._count(merge.merge(tenant, stage.target, staged=stage.staged), repeats)
            if self.file.name == "accounts":
                grants.sync(tenant)
            hooks.file_imported(tenant, self.file.name)
            self._keep_report()
        if self.report.created and (not stage.target.is_partitioned or self.report.created >= MANY_ROWS):
            statistics.refresh(stage.target.table, *GRANTS[self.file.name == "accounts"])
        self.order.known.forget(self.file.name)

    def _compare(self, stage: Stage, repeats: int) -> None:
        """The trial run: the same counts, nothing written. Later files may name the rows that would have landed."""
        tenant = self.order.tenant
        with tenant_transaction(tenant.pk):
            self._count(merge.count(tenant, stage.target, staged=stage.staged), repeats)
            self._keep_report()
        if self.file.key == ("external_id",):
            self.order.known.pretend(self.file.name, [row[0] for row in stage.rows_of("external_id")])

    def _count(self, counts: merge.Counts, repeats: int) -> None:
        self.report.created, self.report.updated = counts.created, counts.updated
        self.report.unchanged = counts.unchanged + repeats

    def _stop(self, why: str) -> None:
        report = self.report
        report.status, report.message = "stopped", why
        report.created = report.updated = report.unchanged = 0
        if self.stage is not None:
            report.rejected, report.rejected_rows = Stage.rejects(MOST_REJECTED)
        with tenant_transaction(self.order.tenant.pk):
            self._keep_report()

    def _keep_report(self) -> None:
        """In the transaction that lands the file: its report, and the rows that did not land."""
        self.report.seconds = round(time.perf_counter() - self.started, 3)
        if self.order.record is None:
            return
        bundle_id = self.order.record.pk
        services.report_file(self.order.tenant, bundle_id=bundle_id, report=self.report, by=self.order.by)
        if self.stage is not None and self.stage.knows_rows and not self.order.dry_run:
            quarantine.settle_staged(
                self.order.tenant,
                bundle_id=bundle_id,
                report=self.report,
                notes=tuple(PASSED_OVER),
                by=self.order.by,
            )
        if self.report.rejected:
            # rows of a file that is read again stay with the import that sent it
            home = self.order.record.retry_of_id or bundle_id
            services.quarantine_staged(self.order.tenant, bundle_id=home, report=self.report)


def _reader(stream: Bytes) -> CsvReader:
    reader = CsvReader(stream)
    reader.header = mended.header_as_meant(reader.header)
    return reader


def _rejects(chunk: Chunk, lines: Lines, fault: Callable[[int], tuple[str, str]]) -> Iterator[Reject]:
    for line, cells in chunk.rows_on(lines):
        column, reason = fault(line)
        yield Reject(line, column, cells.get(column, "")[:LONGEST_SHOWN], reason, cells)


def _remarks(ignored: list[str], passed_over: int) -> str | None:
    """What a person should know of a file that landed."""
    said = []
    if ignored:
        said.append(f"Columns that are not known and were not read: {', '.join(ignored)}.")
    if passed_over:
        rows = "row is" if passed_over == 1 else "rows are"
        said.append(
            f"{passed_over:,} more {rows} about people who were erased on request: ignored, and not kept."
        )
    return " ".join(said) or None
