"""Parts of levels and of changes add up over every account of stored runs, whatever changed in between."""

import pytest

from tests.scoring import crowd

pytestmark = pytest.mark.django_db
ACCOUNTS = 300  # `make bench` asks the same of 10,000
CHANGED_BY = {
    "health policy", "health values", "health missing", "health override", "chance values", "chance missing",
    "chance model", "chance timing", "chance unmoved",
}  # fmt: skip


def test_parts_add_up_for_every_account_of_stored_runs(acme):
    crowd.crowd(acme, ACCOUNTS)
    found = crowd.sums(acme)
    chances, worst, broken = found.level
    assert (chances, broken) == (3 * ACCOUNTS, 0)
    assert worst < 1e-9
    pairs, worst, points = found.changes
    assert pairs == 2 * ACCOUNTS
    assert worst < 1e-9
    assert points < 1e-9
    healths, broken = found.health
    assert healths > 1.8 * ACCOUNTS
    assert broken == 0
    assert found.kinds >= CHANGED_BY
