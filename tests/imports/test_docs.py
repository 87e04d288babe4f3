"""docs/import.md says what the code does: its tables against the format, its example against a real import."""

import re
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from integrations.importing.columns import LARGEST_MONEY, LONGEST_ID, LONGEST_SHORT, LONGEST_TEXT
from integrations.importing.format import FILES

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "import.md").read_text()
CHECK = ROOT.parent / "shared" / "contract" / "check"


def documented():
    """{file: its cell of columns} of the table of files."""
    section = DOCS.split("## The files")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)\.csv` \| (.*) \|$", section, re.M))


def test_every_file_stands_in_the_docs_in_the_order_of_landing():
    assert list(documented()) == list(FILES)


@pytest.mark.parametrize("file", FILES.values(), ids=lambda file: file.name)
def test_every_column_stands_there_with_its_marks_and_words(file):
    text = documented()[file.name]
    for column in file.columns:
        marks = re.search(rf"`{column.name}`((?:\\\*)?\^?)", text)
        assert marks, f"{column.name} is not in the docs"
        assert ("*" in marks[1]) == column.required, column.name
        if file.key != ("external_id",):
            assert ("^" in marks[1]) == (column.name in file.key), column.name
        for word in column.words:
            assert f"`{word}`" in text, f"{column.name}: {word}"
    known = {column.name for column in file.columns} | {
        word for column in file.columns for word in column.words
    }
    known |= {"usage_daily.csv", "external_id", ";"}
    assert set(re.findall(r"`([^`]+)`", text)) <= known


def test_limits_are_the_codes():
    assert f"1 to {LONGEST_ID} characters" in DOCS
    assert f"comments {LONGEST_TEXT:,}; see" in DOCS
    assert f"at most {LONGEST_SHORT:,} characters" in DOCS
    assert f"{LARGEST_MONEY:,.0f}" in DOCS


@pytest.mark.django_db
def test_the_worked_example_is_what_happens(acme, tmp_path, capsys):
    example = DOCS.split("## A worked example")[1].split("## Files and rows")[0]
    for name, content in re.findall(r"`(\w+\.csv)`\n\n((?:    .*\n)+)", example):
        (tmp_path / name).write_text("".join(line[4:] + "\n" for line in content.splitlines()))
    shown = re.search(r"import_bundle --tenant acme bundle/\n((?:    .*\n)+)", example)[1]
    with pytest.raises(SystemExit) as ended:
        call_command("import_bundle", "--tenant", "acme", str(tmp_path))
    assert ended.value.code == 1
    assert capsys.readouterr().out == "".join(line[4:] + "\n" for line in shown.splitlines())


@pytest.mark.skipif(not CHECK.is_dir(), reason=f"the contract's checker is not there: {CHECK}")
def test_the_format_is_the_contracts(monkeypatch):
    monkeypatch.syspath_prepend(str(CHECK))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import contract
    import validate

    assert set(FILES) == set(contract.SCHEMA)
    for name, columns in contract.SCHEMA.items():
        ours = FILES[name].by_name
        extra = set(ours) - set(columns)
        assert set(columns) <= set(ours)
        assert not extra or name == "usage_daily", extra
        for column, kind in columns.items():
            # IMPORT.md, which is the authority, marks due_at of invoices with a star
            required = contract.is_required(kind) or (name, column) == ("invoices", "due_at")
            assert ours[column].required == required, (name, column)
            if isinstance(kind, list):
                assert list(ours[column].words) == [word for word in kind if word != "*"]
        if name in contract.KEYS:
            assert list(FILES[name].key) == contract.KEYS[name]
        assert list(FILES[name].in_order) == validate.ORDER.get(name, [])
