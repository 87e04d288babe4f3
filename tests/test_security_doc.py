"""docs/security.md says what tenants/roles.py does."""

from pathlib import Path

from tenants.roles import RIGHTS, Right, Role

PAGE = Path(__file__).resolve().parent.parent / "docs" / "security.md"


def table():
    """The printed rights: {right: {roles}}."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    start = next(number for number, line in enumerate(lines) if line.startswith("| right |"))
    heads = [cell.strip() for cell in lines[start].strip("|").split("|")][1:]
    assert heads == list(Role.values)
    found = {}
    for line in lines[start + 2 :]:
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
