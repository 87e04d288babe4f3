"""Whether a change is the account's own or its cohort's: medians by hand, hidden when few, of one tenant alone."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Account
from scoring.models import ScoreRun
from scoring.why.change_queries import Pair
from scoring.why.changes import between
from scoring.why.own_or_shared import Beside, beside
from tenants.models import Membership
from tests.scoring.evidence import DAY

pytestmark = pytest.mark.django_db

THEN = DAY - timedelta(days=30)
_INSERT = (
    "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, recorded_at, health, band,"
    " coverage_pct, reasons, policy_id, policy_version, dimensions, indicators, model_version, risk_level, currency)"
    " VALUES (%s, %s, %s, %s, now(), %s, 'watch', 90, '[]', 1, 'all v1', '{}', '[]', '', '', 'USD')"
)


def runs(world):
    """A finished run on each of the two days."""
    with world.here():
        return {
            day: ScoreRun.objects.create(
                tenant=world.tenant, as_of=day, policy_versions={}, fingerprint="x"
            ).pk
            for day in (THEN, DAY)
        }


def stand(world, made, account, was, now):
    with world.here(), connection.cursor() as cursor:
        for day, health in ((THEN, was), (DAY, now)):
            cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [day])
            if health is not None:
                cursor.execute(_INSERT, [world.tenant.pk, account.pk, day, made[day], Decimal(health)])


@pytest.fixture
def crowd(acme, globex):
    """It fell 12. Of its plan five fell 2, three fell 20, two rose, one fell 12; nine of its industry fell 12."""
    made, foreign = runs(acme), runs(globex)
    own = acme.add_account(
        "Own", plan="Pro", industry="logistics", segment="smb", customer_since=date(2026, 8, 1)
    )
    stand(acme, made, own, 62, 50)
    for number, moved in enumerate([-2] * 5 + [-20] * 3 + [4, 6, -12]):
        each = acme.add_account(f"Plan {number}", plan="Pro", customer_since=None)
        stand(acme, made, each, 60, 60 + moved)
        other = globex.add_account(f"Foreign {number}", plan="Pro", industry="logistics")
        stand(globex, foreign, other, 60, 10)
    for number in range(9):
        stand(
            acme, made, acme.add_account(f"Alike {number}", industry="logistics", customer_since=None), 60, 48
        )
    for number in range(5):  # known on one day only: no move
        stand(acme, made, acme.add_account(f"New {number}", industry="logistics", plan="Pro"), None, 1)
    return own


def panel(client, world, account):
    client.force_login(world.csm.user)
    return client.get(reverse("accounts:panel", args=[world.tenant.slug, account.pk, "changes"])).text


def test_the_sentence_by_hand(client, acme, crowd):
    """Sorted, the eleven moved -20 -20 -20 -12 -2 -2 …: the middle one fell 2, four of them at least 12."""
    text = panel(client, acme, crowd)
    assert (
        "Fell 12 points; the middle account of its cohort (plan Pro, n = 11) fell 2 points: mostly its own. "
        "4 of the 11 fell at least as much."
    ) in text
    assert "fewer than 10 others that you may see (industry logistics) have a figure on both days." in text
    assert "fell 12 points: mostly its cohort" not in text  # nine of the industry did: too few to tell of
    assert "because" not in text.lower()


def test_a_tenth_account_of_the_industry_makes_it_shared(client, acme, crowd):
    made = {each.as_of: each.pk for each in _runs_of(acme)}
    tenth = acme.add_account("Tenth", industry="logistics", customer_since=None)
    stand(acme, made, tenth, 60, 48)
    text = panel(client, acme, crowd)
    assert "(industry logistics, n = 10) fell 12 points: mostly its cohort&#x27;s." in text


def test_others_are_only_those_that_the_viewer_may_see(client, acme, crowd):
    """With one of ten out of the region, ten pages of medians and counts would bracket its move."""
    made = {each.as_of: each.pk for each in _runs_of(acme)}
    away = acme.add_account("Away", industry="logistics", region="APAC", customer_since=None)
    stand(acme, made, away, 60, 48)
    with acme.here():
        Account.objects.for_tenant(acme.tenant).exclude(pk=away.pk).update(region="EMEA")
    assert "(industry logistics, n = 10)" in panel(client, acme, crowd)
    with acme.here():
        Membership.objects.filter(pk=acme.csm.pk).update(regions=["EMEA"])
    text = panel(client, acme, crowd)
    assert "fewer than 10 others that you may see (industry logistics)" in text
    assert "(plan Pro, n = 11)" in text  # all of these it sees
    assert "among the accounts that you may see in EMEA" in text


def _runs_of(world):
    with world.here():
        return list(ScoreRun.objects.for_tenant(world.tenant))


def test_overrides_do_not_count(acme, crowd):
    """Figures are the computed ones: an override of the account moves nothing here."""
    from scoring.models import Override

    with acme.here():
        Override.objects.create(
            tenant=acme.tenant, account=crowd, health=90, model_health=50, reason="know_more", note="x",
            until=DAY + timedelta(days=9), author=acme.csm.user, author_label="x",
        )  # fmt: skip
        found = between(acme.tenant, acme.csm, crowd, THEN, DAY)["beside"]
    assert {each.kind: each.own for each in found}["plan"] == -12.0


@pytest.mark.parametrize(
    ("own", "median", "n", "verdict"),
    [
        (-12.0, -6.0, 10, "shared"),
        (-12.0, -5.9, 10, "own"),
        (-12.0, 3.0, 10, "own"),
        (-12.0, -12.0, 9, ""),
        (-1.9, -1.9, 40, ""),
        (8.0, 5.0, 40, "shared"),
        (8.0, -5.0, 40, "own"),
        (-12.0, None, 0, ""),
    ],
)
def test_the_rule(own, median, n, verdict):
    assert Beside("plan", "Pro", own, n, median, 3).verdict == verdict


def test_small_and_no_moves_in_words():
    assert Beside("plan", "Pro", 0.0, 12, 1.0, 3).text == (
        "Did not move; the middle account of its cohort (plan Pro, n = 12) rose 1 point."
    )
    assert Beside("plan", "Pro", 2.5, 12, 0.0, 3).text == (
        "Rose 2.5 points; the middle account of its cohort (plan Pro, n = 12) did not move: mostly its own. "
        "3 of the 12 rose at least as much."
    )


def test_nobody_else_in_words():
    assert Beside("plan", "Pro", -9.0, 12, -1.0, 0).text.endswith("None of the 12 fell at least as much.")


def test_with_one_day_there_is_nothing_beside(acme):
    account = acme.add_account()
    assert beside(acme.tenant, acme.csm, account, Pair()) == []
