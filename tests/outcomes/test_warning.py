"""Warning: whether the band or the chance had flagged, which scorings were made in time, and how days spread."""

from datetime import timedelta
from decimal import Decimal

import pytest

from scoring.models import ChanceSettings
from scoring.outcomes import lost, queries
from scoring.outcomes.words import CAUSE_LABELS
from tests.outcomes.test_lost import KNOWN, LEFT, QUARTER, deed, found, leave, scored, with_deeds

pytestmark = pytest.mark.django_db

UP, DOWN = "0.310000", "0.100000"


@pytest.mark.parametrize(
    ("letters", "chances", "cause", "days"),
    [
        ("hhhhhh", [DOWN, UP, UP, UP, UP, UP], "chance_alone", 28),
        ("hhhhhh", [UP, UP, UP, DOWN, DOWN, DOWN], "nothing_visible", 0),  # lifted before the end
        (
            "hhhhhh",
            [UP, UP, "0.250000", "0.250000", "0.250000", DOWN],
            "chance_alone",
            35,
        ),  # between lifts nothing
        ("hhhhhh", [UP, DOWN, UP, DOWN, UP, DOWN], "nothing_visible", 0),  # never two running
        ("rrrrrr", [UP, UP, UP, UP, UP, UP], "no_play", 35),  # the band had flagged it, too
        ("??????", [DOWN, UP, UP, UP, UP, UP], "chance_alone", 28),
    ],
)
def test_a_flag_by_the_chance_alone_is_a_cause_of_its_own(acme, client, letters, chances, cause, days):
    account = leave(acme, "Halden")
    scored(acme, account, letters, p90=chances)
    each = found(acme, account)
    assert (each.by_rule, each.warning_by_chance) == (cause, days)
    client.force_login(acme.manager.user)
    text = client.get(acme.url(f"outcomes/lost/{account.pk}/")).text
    tile = text[text.index("Flag by chance went up") :]
    assert (f"{days} days of warning" if days else ">None<") in tile[: tile.index("</div>")]
    assert CAUSE_LABELS[cause] in client.get(acme.url("outcomes/lost/")).text


@pytest.mark.parametrize(
    ("kind", "state", "begun", "ended", "ups", "cause", "ran"),
    [
        ("play", "done", 4, 2, 6, "not_missed", 1),
        ("play", "running", 9, None, 6, "not_missed", 1),
        ("play", "done", 2, 1, 4, "too_late", 1),  # 14 days of warning
        ("play", "done", 104, 100, 6, "chance_alone", 0),  # long over when the flag went up
        ("suggestion", "dismissed", 4, 3, 6, "play_dismissed", 0),
        ("suggestion", "dismissed", 104, 100, 6, "chance_alone", 0),
    ],
)
def test_what_was_done_under_the_chances_flag_decides_too(
    acme, client, monkeypatch, kind, state, begun, ended, ups, cause, ran
):
    account = leave(acme, "Halden")
    scored(acme, account, "h" * 6, p90=[DOWN] * (6 - ups) + [UP] * ups)
    with_deeds(monkeypatch, deed(account, kind, state, weeks=begun, ended=ended))
    each = found(acme, account)
    assert (each.by_rule, len(each.plays_while_flagged)) == (cause, ran)
    if kind == "play":
        client.force_login(acme.manager.user)
        text = client.get(acme.url(f"outcomes/lost/{account.pk}/")).text
        assert f"{ran} ran while the flag by the chance stood" in text


def test_the_threshold_is_told_to_the_tenth_and_who_was_left_out_by_the_chance(acme, client):
    with acme.here():
        ChanceSettings.objects.create(tenant=acme.tenant, high_from=Decimal("0.305"))
    early, late = leave(acme, "in time"), leave(acme, "afterwards")
    scored(acme, late, "h" * 11, late=180, p90=[UP] * 11)
    scored(acme, early, "h" * 11, late=0, last=LEFT - timedelta(days=8), p90=[UP] * 11)
    client.force_login(acme.manager.user)
    text = client.get(acme.url("outcomes/lost/")).text
    tile = text[text.index("Seen 60 days ahead, by the chance") :].partition("</div>")[0]
    assert "1 of 1 that had a chance for at least 60 days before; 1 worked out afterwards left out" in tile
    for page in (tile, client.get(acme.url(f"outcomes/lost/{early.pk}/")).text):
        assert "30.5% or more within 90 days" in page


def test_the_chances_flag_follows_the_threshold_that_is_set(acme):
    account = leave(acme, "Halden")
    scored(acme, account, "hhhhhh", p90=[UP] * 6)
    with acme.here():
        ChanceSettings.objects.create(tenant=acme.tenant, high_from=Decimal("0.320"))
    assert found(acme, account).by_rule == "nothing_visible"


def test_seen_ahead_names_what_flagged(acme, client):
    """Ten weeks ahead by the chance, never by the band."""
    scored(acme, leave(acme, "Halden"), "h" * 11, p90=[UP] * 11)
    client.force_login(acme.executive.user)
    text = client.get(acme.url("outcomes/lost/")).text
    for name, said in (("health", "0 of 1 that were scored"), ("the chance", "1 of 1 that had a chance")):
        tile = text[text.index(f"Seen 60 days ahead, by {name}") :]
        assert said in tile[: tile.index("</div>")], name


# --- made in time, or afterwards ------------------------------------------------------------------


def test_a_past_that_was_scored_afterwards_warned_nobody(acme):
    """Flagged for ten weeks by runs made half a year later, and for three by those of the time."""
    account = leave(acme, "Halden")
    scored(acme, account, "r" * 11, late=180)
    assert (found(acme, account).warning, found(acme, account).is_afterwards) == (70, True)
    scored(acme, account, "hhhrrrr", late=14)
    each = found(acme, account)
    assert (each.warning, each.is_afterwards, each.scorings) == (21, False, 7)
    scored(acme, account, "h" * 7, late=15)  # the same days once more, too late
    assert found(acme, account).warning == 21
    scored(acme, account, "hhhhhrr", late=2)  # and in time: the newer one stands for the day
    assert found(acme, account).warning == 7


def lost_text(world, client):
    client.force_login(world.executive.user)
    return client.get(world.url("outcomes/lost/")).text


def test_figures_of_warning_leave_out_who_was_scored_afterwards_and_say_so(acme, client):
    early, late = leave(acme, "in time"), leave(acme, "afterwards")
    scored(acme, late, "r" * 11, late=180)
    with acme.here():
        lead = lost.lead_time(lost.customers_lost(acme.tenant, acme.manager, queries.Asked(QUARTER, KNOWN)))
    assert (lead.observable, lead.is_afterwards, lead.left_out) == (1, True, 0)
    text = lost_text(acme, client)
    assert "Of 2 that left, 1 has no scoring made within 14 days" in text
    assert "1 of 1 that were scored for at least 60 days before, all of them afterwards" in text
    scored(acme, early, "h" * 11, late=0, last=LEFT - timedelta(days=8))  # on days of its own
    with acme.here():
        lead = lost.lead_time(lost.customers_lost(acme.tenant, acme.manager, queries.Asked(QUARTER, KNOWN)))
    assert (lead.observable, lead.early, lead.is_afterwards, lead.left_out) == (1, 0, False, 1)
    text = lost_text(acme, client)
    assert "0 of 1 that were scored for at least 60 days before; 1 scored afterwards left out" in text
    assert "No figure of warning counts them" in text
    page = client.get(acme.url(f"outcomes/lost/{late.pk}/")).text
    assert "Scored afterwards." in page
    assert "11 of 11 points were worked out more than 14 days after" in page


def test_a_workspace_that_scored_in_time_reads_no_remark(acme, client):
    scored(acme, leave(acme, "Halden"), "r" * 11, late=1)
    assert "Scored afterwards" not in lost_text(acme, client)


def test_days_of_warning_are_spread_over_the_customers_of_the_tile(acme, client):
    """None, 7, 28, 35 and 70 days, and one that was scored too short to be counted."""
    for name, letters in (
        ("a", "h" * 11), ("b", "h" * 9 + "rr"), ("c", "h" * 6 + "r" * 5), ("d", "h" * 5 + "r" * 6), ("e", "r" * 11),
        ("f", "rr"),
    ):  # fmt: skip
        scored(acme, leave(acme, name), letters)
    with acme.here():
        lead = lost.lead_time(lost.customers_lost(acme.tenant, acme.manager, queries.Asked(QUARTER, KNOWN)))
    assert lead.spread == [
        ("None", 1), ("1 to 29 days", 2), ("30 to 59 days", 1), ("60 to 89 days", 1), ("90 days or more", 0),
    ]  # fmt: skip
    text = lost_text(acme, client)
    panel = text[text.index("h-spread") :]
    assert "5 customers" in panel[: panel.index("</header>")]
    assert '<th scope="row">1 to 29 days</th><td class="num">2</td>' in panel


def test_the_steps_end_where_the_next_begins():
    lead = lost.Lead((0, 1, 29, 30, 59, 60, 89, 90, 365), is_afterwards=False, left_out=0)
    assert [count for _, count in lead.spread] == [1, 2, 2, 2, 2]
    assert lead.early == 4
