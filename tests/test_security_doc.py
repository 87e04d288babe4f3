"""docs/security.md says what tenants/roles.py does."""

import re
from itertools import takewhile
from pathlib import Path

from tenants.roles import RIGHTS, Right, Role

PAGE = Path(__file__).resolve().parent.parent / "docs" / "security.md"


def table():
    """The printed rights: {right: {roles}}."""
    lines = PAGE.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| right |"))
    lines = list(takewhile(lambda line: line.startswith("|"), lines[start:]))  # further tables follow
    heads = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
    assert heads == list(Role.values)
    found = {}
    for line in lines[2:]:
        first, *cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        assert set(cells) <= {"yes", ""}, line
        right = first.split(":")[0].strip("`")
        found[right] = {role for role, cell in zip(heads, cells, strict=True) if cell == "yes"}
    return found


def test_the_printed_table_is_the_one_that_counts():
    said = table()
    assert set(said) == {right.value for right in Right}
    for right in Right:
        assert said[right.value] == {role for role in Role.values if right in RIGHTS[role]}, right


def test_every_role_says_which_accounts_it_sees():
    text = PAGE.read_text()
    for role in Role.values:
        assert f"`{role}`" in text.split("## Owners")[0], role


# --- docs/asvs.md ---------------------------------------------------------------------------------

ASVS = PAGE.with_name("asvs.md")
# levels 1 and 2 of OWASP ASVS 5.0: section, then how many requirements it has there, counted from 1; V3 has gaps
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip


def asvs_rows():
    for line in ASVS.read_text().splitlines():
        if line.startswith("| ") and line[2].isdigit():
            yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def ids_of(cell):
    """`1.2.6–1.2.8, 2.1.1` as single numbers."""
    for part in cell.split(", "):
        first, _, last = part.partition("–")
        section, _, start = first.rpartition(".")
        for number in range(int(start), int((last or first).rpartition(".")[2]) + 1):
            yield f"{section}.{number}"


def test_every_requirement_of_level_two_has_its_line_once():
    wanted = [f"{section}.{number}" for section, most in SECTIONS.items() for number in range(1, most + 1)]
    assert len(wanted) == 253
    said = [number for row in asvs_rows() for number in ids_of(row[0])]
    assert sorted(said) == sorted(wanted)


def test_every_line_says_how_and_names_a_test_that_exists_or_a_reason():
    root = PAGE.parent.parent
    for cells in asvs_rows():
        assert len(cells) == 4, cells
        _, what, held, shown = cells
        assert what, cells
        assert held, cells
        named = re.findall(r"`(tests/[\w/]+\.py)`", shown)
        assert named or shown.startswith(("**n/a**", "**operator**", "**gap**")), cells
        for path in named:
            assert (root / path).exists(), f"{cells[0]}: {path}"
