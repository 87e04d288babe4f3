"""Imports a bundle: a file is read, checked and staged, then one transaction merges it with its report (ADR 0006)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import DataError, IntegrityError, connection

from accounts import grants
from integrations.importing import merge
from integrations.importing.doubles import Keys
from integrations.importing.format import FILES
from integrations.importing.known import KnownIds
from integrations.importing.parents import wrong_parents
from integrations.importing.problems import AnotherImportRuns, BundleRefused, FileStopped
from integrations.importing.reading import CsvReader
from integrations.importing.report import MOST_REJECTED, BundleReport, FileReport
from integrations.importing.source import Bundle, Limits, SourceFile, open_bundle
from integrations.importing.stage import PATIENCE, Stage, drop_tables, patient_cursor
from integrations.importing.targets import target_for
from integrations.importing.validate import LONGEST_SHOWN, Checker, Reject
from integrations.models import BundleImport
from integrations.queries import imports as queries
from integrations.services import imports as services
from jobs.lease import lease
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

_LOCK = 7320  # of advisory locks: one import a tenant
_REJECTS_A_TURN = 5_000

# said(bytes done, bytes in all, words)
Say = Callable[[int, int, str], None]


def import_bundle(
    tenant: Tenant,
    path: Path,
    *,
    by: Actor,
    say: Say,
    record: BundleImport | None,
    dry_run: bool = False,
    until: float | None = None,
    limits: Limits | None = None,
) -> BundleReport:
    """Bring the bundle in. `record` keeps the report; without one (a command's trial run) nothing at all is written.

    Files that `record` already reports are passed over, and after `until` (time.monotonic) no new file is begun: that
    is how a job goes on where an earlier one ended.
    """
    report = BundleReport(tenant.slug, dry_run)
    with _alone(tenant):
        try:
            with open_bundle(path, limits=limits, scratch=settings.UPLOAD_DIR / "unpacked") as bundle:
                _Import(tenant, bundle, report, by, say, record).run(until)
        except BundleRefused as error:
            report.refused = str(error)
        if record is not None and not report.unfinished:
            with tenant_transaction(tenant.pk):
                services.finish_import(tenant, bundle_id=record.pk, refused=report.refused or "", by=by)
    return report


@contextmanager
def _alone(tenant: Tenant) -> Iterator[None]:
    with lease(tenant.pk, of_class=_LOCK) as obtained:
        if not obtained:
            raise AnotherImportRuns(
                f"Another import into {tenant.slug} is running. Start this one when it has ended."
            )
        try:
            yield
        finally:
            if not connection.needs_rollback:
                with connection.cursor() as cursor:
                    drop_tables(cursor)


@dataclass
class _Import:
    """One bundle on its way in."""

    tenant: Tenant
    bundle: Bundle
    report: BundleReport
    by: Actor
    say: Say
    record: BundleImport | None
    known: KnownIds = field(init=False)
    behind: int = 0  # bytes of the files before this one

    def __post_init__(self) -> None:
        self.known = KnownIds(self.tenant)

    @property
    def dry_run(self) -> bool:
        return self.report.dry_run

    def run(self, until: float | None) -> None:
        self._check_first_import()
        done = self._already_done()
        for name, source in self.bundle.files.items():
            if FILES[name].file_name not in done:
                if until is not None and time.monotonic() > until and self.report.files:
                    self.report.unfinished = True
                    return
                self.report.files.append(_File(self, source).bring_in())
            self.behind += source.size
        for name in self.bundle.unknown:
            if name not in done:
                self._ignore(name)

    def _check_first_import(self) -> None:
        if not self.bundle.files:
            names = ", ".join(self.bundle.unknown[:5])
            found = f"It holds: {names}." if names else "It is empty."
            raise BundleRefused(f"No file of the import format is in the bundle. {found}")
        if "accounts" not in self.bundle.files and not self.known.frame("accounts").height:
            raise BundleRefused(
                "accounts.csv is missing. The first import of a workspace needs it; later ones may leave it out."
            )

    def _already_done(self) -> set[str]:
        if self.record is None:
            return set()
        with tenant_transaction(self.tenant.pk):
            return queries.reported_files(self.tenant, bundle_id=self.record.pk)

    def _ignore(self, name: str) -> None:
        report = FileReport(name, "ignored", message="The import format knows no such file. It was not read.")
        self.report.files.append(report)
        if self.record is not None:
            with tenant_transaction(self.tenant.pk):
                services.report_file(self.tenant, bundle_id=self.record.pk, report=report, by=self.by)


class _File:
    """One file: check and stage it, sort out what only shows when all of it was seen, then land it or stop it."""

    def __init__(self, whole: _Import, source: SourceFile) -> None:
        self.whole = whole
        self.source = source
        self.file = FILES[source.name]
        self.report = FileReport(self.file.file_name)
        self.stage: Stage | None = None
        self.checker: Checker | None = None

    def bring_in(self) -> FileReport:
        started = time.perf_counter()
        try:
            self._check_accounts_are_there()
            keys = self._read()
            self._sort_out_doubles(keys)
            self._sort_out_parents()
            self._check_limit()
            self._land(started)
        except FileStopped as problem:
            self._stop(str(problem), started)
        return self.report

    def _say(self, done: int, words: str) -> None:
        self.whole.say(self.whole.behind + done, self.whole.bundle.size, f"{self.file.file_name}: {words}")

    def _check_accounts_are_there(self) -> None:
        """After accounts.csv was stopped in a first import, every row of every file would be rejected for it."""
        needs = any(column.names == "accounts" and column.required for column in self.file.columns)
        if needs and not self.whole.known.frame("accounts").height:
            raise FileStopped(
                "Not read: accounts.csv did not land, so no account is known yet. Mend that file first."
            )

    # --- reading --------------------------------------------------------------------------------

    def _read(self) -> Keys:
        keys = Keys()
        self._say(0, "opening")
        with self.source.open() as stream:
            reader = CsvReader(stream)
            self.checker = checker = Checker(self.file, reader.header, self.whole.known.frame)
            self.stage = stage = Stage(target_for(checker))
            for chunk in reader.chunks():
                self.report.read += chunk.rows_read
                checked = checker.check(chunk)
                keys.add(checked)
                stage.add(checked.good)
                stage.reject(checked.rejects)
                self._say(stream.done(), f"{self.report.read:,} rows read")
        return keys

    def _sort_out_doubles(self, keys: Keys) -> None:
        assert self.stage is not None
        shared, lines = keys.doubles()
        if not len(shared):
            return
        contradicting, repeats = self.stage.sort_out_doubles(shared, lines)
        self.report.unchanged += repeats
        column, named = self.file.key[0], " and ".join(self.file.key)
        reason = f"Another row with the same {named} says something else. Keep the right one."
        self._set_aside(dict.fromkeys(contradicting, (column, reason)))

    def _sort_out_parents(self) -> None:
        if self.file.name != "accounts" or self.stage is None or self.checker is None:
            return
        if "parent_external_id" not in self.checker.header:
            return
        with tenant_transaction(self.whole.tenant.pk):
            known = queries.parents_of_accounts(self.whole.tenant)
        rows = self.stage.rows_of("line", "external_id", "parent_external_id")
        wrong = wrong_parents(rows, known)
        self._set_aside({line: ("parent_external_id", reason) for line, _, reason in wrong})

    def _set_aside(self, wrong: dict[int, tuple[str, str]]) -> None:
        """Reject rows that are staged already; what they said is read from the file once more."""
        if not wrong:
            return
        assert self.stage is not None
        self._say(self.source.size, f"{len(wrong):,} rows that cannot land together")
        self.stage.remove(list(wrong))
        rejects: list[Reject] = []
        with self.source.open() as stream:
            for chunk in CsvReader(stream).chunks():
                for line, cells in chunk.rows_on(wrong):
                    column, reason = wrong[line]
                    rejects.append(Reject(line, column, cells.get(column, "")[:LONGEST_SHOWN], reason, cells))
                if len(rejects) >= _REJECTS_A_TURN:
                    self.stage.reject(rejects)
                    rejects = []
        self.stage.reject(rejects)

    # --- landing --------------------------------------------------------------------------------

    def _check_limit(self) -> None:
        assert self.stage is not None
        self.report.rejected = self.stage.rejected
        limit = self.whole.tenant.rejected_rows_limit_pct
        if self.stage.rejected * 100 > limit * self.report.read:
            share = self.stage.rejected * 100 / self.report.read
            raise FileStopped(
                f"{self.stage.rejected:,} of {self.report.read:,} rows are rejected ({share:.1f} %); "
                f"more than {limit.normalize():f} % stops a file. Nothing of it landed."
            )

    def _land(self, started: float) -> None:
        assert self.stage is not None
        assert self.checker is not None
        self._say(self.source.size, "merging" if not self.whole.dry_run else "comparing")
        self.stage.ready()
        repeats, self.report.unchanged = self.report.unchanged, 0
        if self.checker.ignored:
            self.report.message = (
                f"Columns that are not known and were not read: {', '.join(self.checker.ignored)}."
            )
        self.report.rejected_rows = self.stage.first_rejects(MOST_REJECTED)
        try:
            self._merge(started, repeats)
        except (DataError, IntegrityError) as error:
            words = str(error).splitlines()[0]
            raise FileStopped(
                f"The database did not take the file, and kept nothing of it: {words}"
            ) from error

    def _merge(self, started: float, repeats: int) -> None:
        assert self.stage is not None
        tenant, target, staged = self.whole.tenant, self.stage.target, self.stage.staged
        if not self.whole.dry_run:
            merge.ensure_partitions(target)
        with tenant_transaction(tenant.pk), connection.cursor() as cursor:
            cursor.execute(PATIENCE)
            counts = (merge.count if self.whole.dry_run else merge.merge)(tenant, target, staged=staged)
            self.report.created, self.report.updated = counts.created, counts.updated
            self.report.unchanged = counts.unchanged + repeats
            if self.file.name == "accounts" and not self.whole.dry_run:
                grants.sync(tenant)
            self._keep_report(started)
        if self.whole.dry_run:
            self._pretend()
        else:
            self.whole.known.forget(self.file.name)

    def _pretend(self) -> None:
        """Later files of a trial run may name the rows of this one."""
        import polars as pl

        assert self.stage is not None
        if self.file.key == ("external_id",):
            ids = [row[0] for row in self.stage.rows_of("external_id")]
            self.whole.known.pretend(self.file.name, pl.Series("external_id", ids, dtype=pl.String))

    def _stop(self, why: str, started: float) -> None:
        self.report.status, self.report.message = "stopped", why
        self.report.created = self.report.updated = self.report.unchanged = 0
        if self.stage is not None:
            self.report.rejected = self.stage.rejected
            self.report.rejected_rows = self.stage.first_rejects(MOST_REJECTED)
        else:
            with patient_cursor() as cursor:
                drop_tables(cursor)
        with tenant_transaction(self.whole.tenant.pk):
            self._keep_report(started)

    def _keep_report(self, started: float) -> None:
        self.report.seconds = round(time.perf_counter() - started, 3)
        record = self.whole.record
        if record is not None:
            services.report_file(self.whole.tenant, bundle_id=record.pk, report=self.report, by=self.whole.by)
            if self.stage is not None and self.stage.rejected:
                services.quarantine_staged(self.whole.tenant, bundle_id=record.pk, report=self.report)
