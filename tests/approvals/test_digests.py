"""One content, one fingerprint: whatever the order of its names, however often it went through the database."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from approvals.digests import canonical, digest_of, plain
from tests.approvals.conftest import ask


def test_the_order_of_names_does_not_matter_and_the_order_of_a_list_does():
    assert digest_of({"a": 1, "b": {"c": 2, "d": 3}}) == digest_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})


@pytest.mark.parametrize(
    ("one", "other"),
    [("15", "15.0"), (1, "1"), (1, True), (None, ""), (Decimal("15"), Decimal("15.01")), ("é", "e")],
)
def test_another_content_has_another_fingerprint(one, other):
    assert digest_of({"value": one}) != digest_of({"value": other})


def test_money_and_days_are_exact_text():
    content = {"cost": Decimal("1E+3"), "day": date(2027, 2, 14), "at": datetime(2027, 2, 14, 9, tzinfo=UTC)}
    assert plain(content) == {"cost": "1000", "day": "2027-02-14", "at": "2027-02-14T09:00:00+00:00"}


@pytest.mark.parametrize(
    "value", [0.1, {"deep": [1, {"pct": 15.0}]}, object(), b"bytes", {1: "number as a name"}]
)
def test_what_has_no_exact_form_is_refused(value):
    with pytest.raises(TypeError):
        canonical({"value": value})


def test_the_fingerprint_survives_the_database(acme):
    request = ask(acme, acme.add_account("Ærø & Søn"), pct="12.50")
    with acme.here():
        request.refresh_from_db()
    assert digest_of(request.payload) == request.digest
