"""Would a new migration stop the pages? Asks squawk about the SQL of every migration that no installation has yet.

What was released is in scripts/released_migrations.txt; `--release` writes it anew when a release is made. An unsafe
statement that is meant so says why, in the migration, as in
    # squawk: allow ban-drop-column because no code reads it since 1.4
The rules and how to follow them: docs/migrations.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RELEASED = ROOT / "scripts" / "released_migrations.txt"
POSTGRES = "18"
# Taste, or held elsewhere: the owner's connection sets lock_timeout (config/settings.py)
NOT_ASKED = [
    "prefer-text-field", "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity",
    "prefer-robust-stmts", "prefer-timestamp-tz", "require-lock-timeout", "require-statement-timeout",
    "require-timeout-settings", "ban-char-field",
]  # fmt: skip
ALLOW = re.compile(r"#\s*squawk:\s*allow\s+([\w-]+)\s+because\s+\S+")
CREATED = re.compile(r'^\s*CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)"?', re.IGNORECASE | re.MULTILINE)
CONCERNS = re.compile(r'(?:ALTER TABLE(?: ONLY)?|\bON)\s+"?(?:public\.)?"?(\w+)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Trouble:
    migration: str
    rule: str
    message: str
    statement: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.rule}: {self.message}\n    {self.statement[:200]}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="everything that exists now is released")
    options = parser.parse_args(arguments)
    loader = _loader()
    names = sorted(f"{app}.{name}" for app, name in loader.disk_migrations if _is_ours(app))
    if options.release:
        RELEASED.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        return 0
    released = set(RELEASED.read_text(encoding="utf-8").split())
    found = check(loader, [name for name in names if name not in released])
    for trouble in found:
        print(trouble, file=sys.stderr)
    if found:
        print("How to do it without stopping the pages: docs/migrations.md", file=sys.stderr)
    return 1 if found else 0


def check(loader: Any, names: list[str]) -> list[Trouble]:
    """What squawk says about these migrations, but for tables that they make themselves: nobody reads those yet."""
    texts = {name: sql_of(loader, name) for name in names}
    new_tables = {table.lower() for text in texts.values() for table in CREATED.findall(text)}
    return [
        trouble
        for name, text in texts.items()
        for trouble in _ask(name, text)
        if not _concerns_only(trouble.statement, new_tables) and trouble.rule not in _allowed(loader, name)
    ]


def sql_of(loader: Any, name: str) -> str:
    """As `sqlmigrate` prints it; no database is asked."""
    app, _, migration = name.partition(".")
    node = loader.graph.nodes[app, migration]
    editor = _collector()
    node.apply(loader.project_state((app, migration), at_end=False), editor, collect_sql=True)
    for statement in editor.deferred_sql:
        editor.execute(statement)
    lines = [str(each) for each in editor.collected_sql]
    return "\n".join(["BEGIN;", *lines, "COMMIT;"] if node.atomic else lines)


def _collector() -> Any:
    """Django's editor, which only writes down. Never entered, because that would open a transaction."""
    from django.db import connections

    connection = connections["default"]

    class Collector(connection.SchemaEditorClass):  # type: ignore[misc,name-defined]
        def execute(self, sql: Any, params: Any = ()) -> None:
            text = str(sql)
            text = text % tuple(self.quote_value(each) for each in params) if params else text
            self.collected_sql.append(text.rstrip().removesuffix(";") + ";")

    connection.__dict__["pg_version"] = int(POSTGRES) * 10000  # Django would ask the server
    editor = Collector(connection, collect_sql=True, atomic=True)
    editor.deferred_sql = []
    return editor


def _ask(name: str, text: str) -> list[Trouble]:
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("squawk")), "--reporter", "json", "--pg-version", POSTGRES),
            *(part for rule in NOT_ASKED for part in ("--exclude", rule)),
            *("--stdin-filepath", f"{name}.sql"),
        ],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise SystemExit(f"squawk failed on {name}: {done.stderr or done.stdout}")
    return [
        Trouble(name, each["rule_name"], each["message"], _statement(text, each["line"]))
        for each in json.loads(done.stdout)
    ]


def _statement(text: str, line: int) -> str:
    """The statement around a line: from after the last `;` to the next one."""
    lines = text.splitlines()
    first = last = min(line, len(lines) - 1)
    while first > 0 and not lines[first - 1].rstrip().endswith(";"):
        first -= 1
    while last < len(lines) - 1 and not lines[last].rstrip().endswith(";"):
        last += 1
    return " ".join(each for each in lines[first : last + 1] if not each.startswith("--"))


def _concerns_only(statement: str, tables: set[str]) -> bool:
    concerned = CONCERNS.search(statement)
    return concerned is not None and concerned[1].lower() in tables


def _allowed(loader: Any, name: str) -> set[str]:
    app, _, migration = name.partition(".")
    module = sys.modules[loader.disk_migrations[app, migration].__module__]
    return set(ALLOW.findall(Path(str(module.__file__)).read_text(encoding="utf-8")))


def _is_ours(app: str) -> bool:
    return (ROOT / app / "migrations").is_dir()


def _loader() -> Any:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")  # the SQL needs no server
    import django
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    return MigrationLoader(None, replace_migrations=False)


if __name__ == "__main__":
    sys.exit(main())
