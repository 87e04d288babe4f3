"""The linter of migrations: planted unsafe ones must be found, safe ones must pass."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import check_migrations  # noqa: E402  a script, no package

COLUMN = migrations.AddField("job", "planted", models.IntegerField(null=True))
NEW_TABLE = [
    migrations.CreateModel(
        "Planted", [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField())]
    ),
    migrations.AddIndex("planted", models.Index(fields=["n"], name="planted_ix")),
    migrations.AddConstraint("planted", models.UniqueConstraint(fields=["n"], name="planted_once")),
]
UNSAFE = {
    "an index that blocks writes": (
        "require-concurrent-index-creation",
        [migrations.AddIndex("job", models.Index(fields=["message"], name="planted_ix"))],
    ),
    "a column that must be filled": (
        "adding-required-field",
        [migrations.RunSQL("ALTER TABLE jobs_job ADD COLUMN planted integer NOT NULL")],
    ),
    "a column that old code still reads": ("ban-drop-column", [migrations.RemoveField("job", "message")]),
    "another name": ("renaming-column", [migrations.RenameField("job", "message", "said")]),
    "another type": (
        "changing-column-type",
        [migrations.AlterField("job", "done", models.CharField(max_length=20))],
    ),
    "a unique key over a big table": (
        "disallowed-unique-constraint",
        [
            migrations.AddConstraint(
                "job", models.UniqueConstraint(fields=["tenant", "message"], name="planted")
            )
        ],
    ),
    "a check of all rows under a lock": (
        "constraint-missing-not-valid",
        [
            migrations.AddConstraint(
                "job", models.CheckConstraint(name="planted", condition=models.Q(done__gte=0))
            )
        ],
    ),
    "a table that is gone": ("ban-drop-table", [migrations.DeleteModel("ScheduleTick")]),
}


def troubles(operations, *, atomic=True, name="9999_planted"):
    loader = MigrationLoader(None, replace_migrations=False)
    newest = max(key for key in loader.disk_migrations if key[0] == "jobs")
    planted = type("Migration", (migrations.Migration,), {
        "operations": operations, "dependencies": [newest], "atomic": atomic, "__module__": "tests.platform.conftest",
    })(name, "jobs")  # fmt: skip
    loader.graph.add_node(("jobs", name), planted)
    loader.graph.add_dependency(planted, ("jobs", name), newest)
    loader.disk_migrations["jobs", name] = planted
    return check_migrations.check(loader, [f"jobs.{name}"])


@pytest.mark.parametrize("what", UNSAFE)
def test_an_unsafe_migration_is_found(what):
    rule, operations = UNSAFE[what]
    found = troubles(operations)
    assert rule in {trouble.rule for trouble in found}, [str(trouble) for trouble in found]
    assert "9999_planted" in str(found[0])


@pytest.mark.parametrize(
    ("operations", "atomic"),
    [
        ([COLUMN], True),
        (NEW_TABLE, True),
        ([AddIndexConcurrently("job", models.Index(fields=["message"], name="planted_ix"))], False),
        ([migrations.RunSQL("ALTER TABLE jobs_job ADD CONSTRAINT p CHECK (done >= 0) NOT VALID")], True),
        ([migrations.RunSQL("ALTER TABLE jobs_job VALIDATE CONSTRAINT job_attempts_within_bounds")], True),
    ],
)
def test_the_safe_way_passes(operations, atomic):
    assert [str(trouble) for trouble in troubles(operations, atomic=atomic)] == []


def test_concurrently_inside_a_transaction_is_found():
    operations = [migrations.RunSQL("CREATE INDEX CONCURRENTLY p ON jobs_job (message)")]
    assert troubles(operations)


def test_what_is_allowed_needs_a_reason():
    assert check_migrations.ALLOW.findall("# squawk: allow ban-drop-column because nobody reads it") == [
        "ban-drop-column"
    ]
    assert check_migrations.ALLOW.findall("# squawk: allow ban-drop-column") == []


def test_released_migrations_still_exist():
    """Whoever edits or squashes a released migration changes what installations have run."""
    released = set(check_migrations.RELEASED.read_text().split())
    on_disk = {f"{path.parent.parent.name}.{path.stem}" for path in ROOT.glob("*/migrations/[0-9]*.py")}
    assert released <= on_disk


def test_the_owner_waits_two_seconds_for_a_lock_and_nobody_else_does(tmp_path):
    code = "from config import settings; print(settings.DATABASES['default'].get('OPTIONS', {}).get('options', ''))"
    said = {
        role: subprocess.run(
            [sys.executable, "-c", code],
            env={
                "PATH": "",
                "PYTHONPATH": str(ROOT),
                "HOLDFAST_DB_ROLE": role,
                "HOLDFAST_VAR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for role in ("owner", "app")
    }
    assert "lock_timeout=2000" in said["owner"]
    assert "lock_timeout" not in said["app"]
