"""The page "What is associated with leaving": what a training kept, by segment and version."""

import csv
import io

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from scoring.cohorts import associations
from scoring.cohorts.models import AssociationReport
from scoring.learning import associated
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db

NPS, TREND = "satisfaction.nps_latest", "usage.trend_30d"


def side(cut, rate, accounts):
    return {"cut": cut, "rows": 6 * accounts, "accounts": accounts, "leavers": 9, "rate": rate}


def line(name, value, low, high, *, sure, size=(0.4, 0.3, 0.5)):
    sides = {"lower": side(3.0, 0.2, 31), "upper": side(8.0, 0.2 + value, 33)}
    gap = {"value": value, "low": low, "high": high, "sure": sure, **sides}
    return {"name": name, "size": dict(zip(("value", "low", "high"), size, strict=True)), "gap": gap}


DEVIATES = line(NPS, 0.02, -0.05, 0.09, sure=False) | {
    "deviation": {"value": -0.75, "low": -1.2, "high": -0.3}
}
FIGURES = {
    "horizon": 90, "questions": 60, "draws": 300, "from": "2025-10-01", "to": "2026-07-01",
    "segments": [
        {
            "name": "all", "hidden": False, "accounts": 120, "leavers": 30,
            "rows": [
                line(NPS, -0.12, -0.2, -0.05, sure=True),
                line(TREND, 0.03, 0.001, 0.06, sure=False, size=(0.2, 0.1, 0.3)),
                {"name": "contract.timing", "size": {"value": 0.1, "low": 0.05, "high": 0.2}, "gap": None},
                {"name": "usage.seat_use", "size": {"value": 0.0, "low": 0.0, "high": 0.0}, "gap": None},
            ],
        },
        {"name": "smb", "hidden": True, "accounts": 19, "leavers": 4},
        {"name": "public", "hidden": True, "accounts": 41, "leavers": 6},
        {
            "name": "enterprise", "hidden": False, "accounts": 60, "leavers": 20,
            "rows": [DEVIATES],
        },
    ],
}  # fmt: skip


def kept(world, figures=FIGURES):
    row = register(world, by_hand(curve(NPS, [0, 10], [0.5, -0.5])))
    with world.here():
        associated.keep(world.tenant, row, figures)
    return row


def page(client, world, query="", role="executive"):
    client.force_login(world.people[role].user)
    return client.get(world.url(f"models/associated/{query}"))


def test_each_figure_has_its_interval_and_counts_and_claims_only_what_is_clear(client, acme):
    kept(acme)
    text = page(client, acme).text
    assert "120 customers on past days, 30 of them left within 90 days" in text
    assert "1 of 3 indicators are associated with leaving by more than 60 questions bring by chance" in text
    assert "High values: left less often" in text
    assert "Within what chance brings" in text
    assert "−12.0" in text
    assert "−20.0 to −5.0" in text
    assert "n = 31" in text
    assert "0.400" in text
    assert "0.300 to 0.500" in text
    assert "Time to the contract&#x27;s end" in text
    assert "Seats" not in text  # no part and nothing to compare: no line
    assert "because" not in text.lower()


def test_segments_are_told_or_hidden(client, acme):
    kept(acme)
    text = page(client, acme, "?segment=smb").text
    assert "Too few to tell" in text
    assert "Difference, points" not in text
    assert "19 customers" not in text  # its counts are what is too small
    assert "4 of them" not in text
    text = page(client, acme, "?segment=enterprise").text
    assert "No difference shown" in text
    assert "−0.75 against others" in text
    assert "120 customers" in page(client, acme, "?segment=nonsense&version=no").text


def counted(*segments):
    """Figures of these (name, accounts, leavers) and of all of them together, hidden by the rule of the training."""
    rows = [
        {"name": name, "accounts": n, "leavers": gone, "hidden": n < 20 or gone < 10, "rows": [DEVIATES]}
        for name, n, gone in segments
    ]
    whole = {"name": "all", "hidden": False, "rows": [DEVIATES]}
    whole |= {key: sum(each[key] for each in rows) for key in ("accounts", "leavers")}
    return FIGURES | {"segments": [whole, *rows]}


@pytest.mark.parametrize(
    ("segments", "hidden"),
    [
        # 150 - 100 - 35 = 15 customers, 42 - 25 - 12 = 5 of whom left: both would follow
        ([("a", 100, 25), ("b", 35, 12), ("c", 15, 5)], {"b", "c"}),
        ([("a", 100, 25), ("b", 35, 12), ("c", 15, 5), ("d", 12, 3)], {"c", "d"}),  # 27 and 8 of two together
        ([("a", 100, 25), ("b", 35, 12)], set()),
        ([("a", 100, 25), ("b", 15, 5)], {"a", "b"}),
        ([("a", 100, 25), ("b", 35, 12), ("none", 0, 0)], {"none"}),  # nobody is in it
    ],
)
def test_no_hidden_segment_follows_by_subtraction(client, acme, segments, hidden):
    figures = counted(*segments)
    kept(acme, figures)
    told = {each["name"]: each["accounts"] for each in associations.told_segments(figures)}
    assert {name for name, accounts in told.items() if accounts is None} == hidden
    for name, accounts, _ in segments:
        text = page(client, acme, f"?segment={name}").text
        assert ("Too few to tell" in text) == (name in hidden)
        assert (f"{accounts} customers on past days" in text) == (name not in hidden)
        assert ("against others" in text) == (name not in hidden)
    if len(hidden) > 1 and len(segments) < 4:
        assert "whose counts would follow" in page(client, acme, f"?segment={min(hidden)}").text


def test_without_a_model_or_with_an_older_one_it_says_so(client, acme, globex):
    assert "No version yet" in page(client, acme).text
    register(acme, by_hand(curve(NPS, [0, 10], [0.5, -0.5])))
    assert "Not worked out for these versions" in page(client, acme).text
    kept(globex)
    assert "Not worked out for these versions" in page(client, acme).text
    with acme.here():
        assert not AssociationReport.objects.for_tenant(acme.tenant).exists()


def test_the_export_holds_every_line_and_is_on_record(client, acme):
    kept(acme)
    client.force_login(acme.executive.user)
    answer = client.post(reverse("scoring:associated_export", args=["acme"]))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    (found,) = [row for row in rows if (row["segment"], row["key"]) == ("All customers", NPS)]
    assert (found["difference"], found["low_third_up_to"], found["reading"]) == ("-0.12", "3.0", "less")
    assert [
        (row["customers"], row["leavers"], row["indicator"]) for row in rows if "hidden" in row["indicator"]
    ] == [("", "", "hidden: needs 20 customers and 10 leavers")] * 2
    with acme.here():
        assert AuditEvent.objects.filter(verb="accounts.exported", object_id="associated").exists()
    client.force_login(acme.csm.user)
    assert client.post(reverse("scoring:associated_export", args=["acme"])).status_code == 403
