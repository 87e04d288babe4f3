"""Whatever stands in the cells, an import ends with a report whose counts add up, and lands only what it may."""

import shutil

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integrations.importing.format import FILES
from tests.imports.bundles import VALID, bring_in, bundle, row

pytestmark = pytest.mark.django_db

ODD = [
    "", " ", "0", "-0", "-1", "1e309", "nan", "NaN", "inf", "9" * 40, "1.00005", "true", "TRUE", "null", "None",
    "\\N", "\\", "'", '"', ";", ";;", "C1;", ",", "{}", "[]", "%s", "%(x)s", "{x}", "\t", "\u00a0", "\u2028",
    "é", "名", "😀", "\x7f", "\x01",
    "2026-03-01", "2026-03-01T09:30:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "0000-00-00",
    "2026-03-01T09:30:00+24:00", "2026-03-01T09:30:00." + "9" * 40 + "Z", "١٢٣", "１２", "A1", "C1", "D1",
    "EUR", "nps", "5",
    "Europe/Berlin", "../../etc/passwd", "Robert'); DROP TABLE accounts_account;--", "=1+1", "x" * 201, "x" * 3000,
]  # fmt: skip
CELL = st.sampled_from(ODD) | st.text(
    st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=20
)


@st.composite
def rows_of_a_file(draw):
    """Rows that begin as valid ones and get odd cells, odd columns, and repeats."""
    file = draw(st.sampled_from(list(FILES.values())))
    names = [column.name for column in file.columns]
    base = VALID[file.name]
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        changed = draw(st.dictionaries(st.sampled_from(names), CELL, max_size=4))
        extra = draw(st.dictionaries(st.sampled_from(["odd", 'o"d, d', "m\nn", "é"]), CELL, max_size=2))
        rows.append({**base, **changed, **extra})
    return file.name, rows


@pytest.fixture
def known(acme, tmp_path):
    """What the rows name; once for all examples, which land on top of each other."""
    names = ("accounts", "contacts", "opportunities")
    bring_in(acme, bundle(tmp_path / "known", **{name: [row(name)] for name in names}))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=rows_of_a_file())
@example(sent=("accounts", [row("accounts", é="\u2028")]))
@example(sent=("activities", [row("activities", contact_external_ids=";")]))
@pytest.mark.usefixtures("known")
def test_any_text_ends_in_a_report_that_adds_up(acme, tmp_path, sent):
    name, rows = sent
    acme.tenant.rejected_rows_limit_pct = 100
    folder = tmp_path / "b"
    shutil.rmtree(folder, ignore_errors=True)
    report = bring_in(acme, bundle(folder, **{name: rows}))
    assert [file["file"] for file in report["files"]] == [f"{name}.csv"]
    for file in report["files"]:
        assert file["status"] == "landed", file
        counted = sum(file[count] for count in ("created", "updated", "unchanged", "rejected"))
        assert file["read"] == counted, file
        assert file["rejected"] == len(file["rejected_rows"])


@pytest.mark.parametrize("file", list(FILES))
def test_a_file_of_nothing_but_rows_too_short_is_stopped(acme, tmp_path, file):
    header = ",".join(column.name for column in FILES[file].columns)
    report = bring_in(
        acme, bundle(tmp_path / "b", **{"accounts": [row("accounts")], file: f"{header}\nx\ny\n"})
    )
    found = report["by_file"][f"{file}.csv"]
    assert (found["status"], found["read"], found["rejected"]) == ("stopped", 2, 2)
    assert "The row has 1 cells, the header has" in found["rejected_rows"][0]["reason"]


@pytest.mark.parametrize("file", list(FILES))
def test_a_header_alone_lands_with_nothing(acme, tmp_path, file):
    header = ",".join(column.name for column in FILES[file].columns)
    files = {"accounts": [row("accounts")], file: header}
    found = bring_in(acme, bundle(tmp_path / "b", **files))["by_file"][f"{file}.csv"]
    assert (found["status"], found["read"], found["created"]) == ("landed", 0, 0)
