"""`import_bundle` against the same rows by COPY and INSERT ... ON CONFLICT, bare (DECISIONS 33)."""

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from scripts.bench.installation import Installation
from scripts.bench.table import Line, timed

METRICS = 8  # the known usage metrics that the baseline's table has as columns
CHUNK = 200_000
_REFERRED_TO = ("accounts", "contacts", "subscriptions", "products", "opportunities")
USAGE_TABLE = """
CREATE TABLE bare_usage (account_id bigint, day date, m0 float8, m1 float8, m2 float8, m3 float8, m4 float8, m5 float8,
                         m6 float8, m7 float8, PRIMARY KEY (account_id, day));
CREATE UNLOGGED TABLE bare_usage_stage (LIKE bare_usage)
"""
USAGE_MERGE = """
INSERT INTO bare_usage SELECT * FROM bare_usage_stage ON CONFLICT (account_id, day) DO UPDATE SET m0 = excluded.m0
"""


def measure(made: Installation, bundle: Path) -> tuple[Line, float]:
    """The whole bundle by the command, then the same rows bare. The command pays for everything it does for a user:
    reading and checking text, quarantine, owners, planner statistics, and its own start. The line, and its seconds."""
    took = timed(lambda: made.manage("import_bundle", str(bundle), "--tenant", "bench"))
    with made.superuser() as connection:
        usage, usage_rows = _bare_usage(connection, bundle / "usage_daily.csv.gz")
        others, other_rows = _bare_others(connection, bundle)
    rows, bare = usage_rows + other_rows, usage + others
    line = Line(
        f"import_bundle, {usage_rows:,} usage rows and {other_rows:,} others",
        f"{took:.1f} s, {rows / took:,.0f} rows/s",
        "COPY of parsed rows into unlogged stages, INSERT ... ON CONFLICT",
        f"{bare:.1f} s, {rows / bare:,.0f} rows/s",
        f"{100 * bare / took:.0f} %",
        "at least 50 %",
    )
    return line, took


def _bare_usage(connection: "psycopg.Connection[Any]", path: Path) -> tuple[float, int]:
    """Seconds of COPY and merge alone: the rows are parsed between the timed parts."""
    connection.execute(USAGE_TABLE)  # type: ignore[arg-type]
    seconds, count = 0.0, 0
    for rows in _usage_rows(path):
        seconds += timed(partial(_copy_usage, connection, rows))
        count += len(rows)
    seconds += timed(lambda: connection.execute(USAGE_MERGE))
    return seconds, count


def _usage_rows(path: Path) -> Iterator[list[tuple[Any, ...]]]:
    ids: dict[str, int] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        while chunk := list(islice(reader, CHUNK)):
            yield [
                (
                    ids.setdefault(row[0], len(ids)),
                    date.fromisoformat(row[1]),
                    *(float(cell) if cell else None for cell in row[2 : 2 + METRICS]),
                )
                for row in chunk
            ]


def _copy_usage(connection: "psycopg.Connection[Any]", rows: list[tuple[Any, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY bare_usage_stage FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["int8", "date", *["float8"] * METRICS])
        for row in rows:
            copy.write_row(row)


def _bare_others(connection: "psycopg.Connection[Any]", bundle: Path) -> tuple[float, int]:
    """Every other file as text columns, keyed by its first; the server reads the CSV."""
    seconds, count = 0.0, 0
    for path in sorted(bundle.glob("*.csv*")):
        if path.name.startswith("usage_daily"):
            continue
        content = _content(path)
        header = content.split(b"\n", 1)[0].decode().strip().split(",")
        name = path.name.split(".")[0]
        key = header[: {"opportunity_changes": 3, "usage_detail": 5}.get(name, 1)]
        connection.execute(_table(name, header, key))
        seconds += timed(partial(_copy_text, connection, name, key, content))
        count += content.count(b"\n") - 1
    return seconds, count


def _table(name: str, header: list[str], key: list[str]) -> Any:
    columns = ", ".join(f'"{column}" text' for column in header)
    quoted = ", ".join(f'"{column}"' for column in key)
    return (
        f"CREATE TABLE bare_{name} ({columns}, PRIMARY KEY ({quoted}));"
        f"CREATE UNLOGGED TABLE bare_{name}_stage ({columns})"
    )


def _copy_text(connection: "psycopg.Connection[Any]", name: str, key: list[str], content: bytes) -> None:
    force = ", ".join(f'"{column}"' for column in key)
    with connection.cursor() as cursor:
        statement: Any = f"COPY bare_{name}_stage FROM STDIN (FORMAT csv, HEADER, FORCE_NOT_NULL ({force}))"
        with cursor.copy(statement) as copy:
            copy.write(content)
        merge: Any = f"INSERT INTO bare_{name} SELECT * FROM bare_{name}_stage ON CONFLICT DO NOTHING"  # noqa: S608
        cursor.execute(merge)


def trim(bundle: Path, others: int) -> None:
    """Cut the files that nothing refers to, all by the same share, until about `others` rows stand beside usage."""
    files = [path for path in bundle.glob("*.csv*") if not path.name.startswith("usage_daily")]
    counts = {path: _content(path).count(b"\n") - 1 for path in files}
    loose = {path: rows for path, rows in counts.items() if path.name.split(".")[0] not in _REFERRED_TO}
    share = (others - sum(counts.values()) + sum(loose.values())) / max(sum(loose.values()), 1)
    for path, rows in loose.items() if share < 1 else ():
        kept = list(
            islice(
                csv.reader(io.StringIO(_content(path).decode(), newline="")), 1 + int(rows * max(share, 0))
            )
        )
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(kept)


def _content(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        found: bytes = file.read()
    return found


def one_more_day(made: Installation, bundle: Path, day: date) -> Path:
    """A bundle of one further day: the last day's usage rows again, a day later."""
    out = made.var / "one_day"
    out.mkdir()
    with (
        gzip.open(bundle / "usage_daily.csv.gz", "rt", encoding="utf-8", newline="") as file,
        open(out / "usage_daily.csv", "w", encoding="utf-8", newline="") as target,
    ):
        reader, writer = csv.reader(file), csv.writer(target)
        writer.writerow(next(reader))
        last = date.fromordinal(day.toordinal() - 1).isoformat()
        writer.writerows([row[0], day.isoformat(), *row[2:]] for row in reader if row[1] == last)
    return out


def drop(made: Installation) -> None:
    """The baseline's tables, so that they do not stand in the cache when pages are measured."""
    with made.superuser() as connection:
        found = connection.execute(
            "SELECT string_agg(relname, ', ') FROM pg_class WHERE relname LIKE 'bare\\_%' AND relkind = 'r'"
        ).fetchone()
        if found and found[0]:
            statement: Any = f"DROP TABLE {found[0]}"
            connection.execute(statement)
