"""What is at stake over all customers: simulated when scored, stored with the run, and its interval for any part."""

from decimal import Decimal

import numpy as np
import pytest

from accounts.models import Account, Subscription
from scoring.learning import stake as job
from scoring.models import AccountHealth, ScoreRun
from scoring.outcomes.stake import Z80, stake_of
from tests.scoring.evidence import DAY, ago, score
from tests.scoring.models_by_hand import by_hand, curve, register

CUSTOMERS = 40


def book(n=400, seed=2):
    rng = np.random.default_rng(seed)
    p, arr = rng.uniform(0.01, 0.4, n), rng.lognormal(9, 1, n)
    low, high = (np.clip(p * each, 1e-6, 0.99) for each in (0.7, 1.4))
    return p, low, high, arr


def sums(p, arr, mask=None):
    """As the page's statement adds them up."""
    p, arr = (each if mask is None else each[mask] for each in (p, arr))
    return {
        "stake": Decimal(str(round(float((p * arr).sum()), 2))), "with_chance": len(p), "stake_arr": float(arr.sum()),
        "stake_slope": float((arr * p * (1 - p)).sum()), "stake_luck": float((arr**2 * p * (1 - p)).sum()),
    }  # fmt: skip


def test_the_whole_has_the_simulated_interval_and_a_part_one_like_its_own_simulation():
    p, low, high, arr = book()
    told = job.simulated(p, low, high, arr)
    whole = stake_of(sums(p, arr), told)
    assert whole.is_simulated
    assert [whole.low, whole.high] == told["intervals"]["80"]
    assert whole.low < float(whole.value) < whole.high
    half = np.arange(len(p)) % 2 == 0
    part = stake_of(sums(p, arr, half), told)
    own = job.simulated(p[half], low[half], high[half], arr[half])["intervals"]["80"]
    assert not part.is_simulated
    assert part.high - part.low == pytest.approx(own[1] - own[0], rel=0.1)


def test_the_interval_holds_what_all_share_and_who_happens_to_leave():
    """Wider than luck alone, and narrower than if every account's bounds were reached at once and luck came on top."""
    p, low, high, arr = book()
    ends = job.simulated(p, low, high, arr)["intervals"]["80"]
    luck = Z80 * np.sqrt((arr**2 * p * (1 - p)).sum())
    assert (ends[1] - ends[0]) / 2 > 1.2 * luck
    assert (
        ends[1] - ends[0] < ((high - low) * arr).sum() + 2 * luck + 2 * 0.25 * Z80 * (arr * p * (1 - p)).sum()
    )


def test_without_a_stored_shock_there_is_a_sum_and_no_interval():
    p, _, _, arr = book(5)
    found = stake_of(sums(p, arr), None)
    assert (found.n, found.low, found.high) == (5, None, None)


def test_unknown_amounts_are_left_out_and_counted():
    p, low, high, arr = book(10)
    arr[:3] = np.nan
    told = job.simulated(p, low, high, arr)
    assert told["accounts"] == 7
    assert told["expected"] == pytest.approx((p[3:] * arr[3:]).sum())


@pytest.fixture
def scored(acme):
    """Customers on terms of their own size, whose chance hangs on it; the newest run."""
    with acme.here():
        accounts = Account.objects.bulk_create(
            Account(
                tenant=acme.tenant, external_id=f"S-{n}", name=f"Stake {n}", customer_since=ago(400).date(),
                segment="smb" if n % 2 else "enterprise",
            )
            for n in range(CUSTOMERS)
        )  # fmt: skip
        Subscription.objects.bulk_create(
            Subscription(
                tenant=acme.tenant, account=account, external_id=f"T-{n}", arr=Decimal(1000 + 100 * n), currency="USD",
                started_at=ago(200), renewal_date=DAY.replace(year=2027),
            )
            for n, account in enumerate(accounts)
        )  # fmt: skip
    register(acme, by_hand(curve("account.log_arr", [6, 9], [0, 2])))
    score(acme)
    return acme


@pytest.mark.django_db
def test_each_run_stores_the_interval_and_outcomes_shows_it(scored, client):
    with scored.here():
        told = ScoreRun.objects.get().summary["chances"]["stake"]
        AccountHealth.objects.filter(account__segment="smb").update(band="at_risk")
    assert told["accounts"] == CUSTOMERS
    low, high = told["intervals"]["80"]
    assert low < told["expected"] < high
    client.force_login(scored.executive.user)
    text = client.get(scored.url("outcomes/")).text
    assert "80% interval by simulation" in text
    assert "bounds added up" not in text
    assert "Of it expected to leave within 90 days" in text
    part = client.get(scored.url("outcomes/?segment=smb")).text
    assert "80% interval by approximation" in part
    rows = client.get(scored.url("outcomes/rows/?figure=stake"))
    assert rows.context["page"].sums.keys() == {"now_arr", "stake"}


@pytest.mark.django_db
def test_a_run_of_an_older_release_says_when_the_interval_comes(scored, client):
    with scored.here():
        run = ScoreRun.objects.get()
        run.summary["chances"].pop("stake")
        run.save()
    client.force_login(scored.executive.user)
    text = client.get(scored.url("outcomes/")).text
    assert "its interval comes with the next scoring" in text


def test_the_words_of_a_tile_need_no_maths():
    """The page's side knows no engine: the sums alone decide."""
    told = {"accounts": 2, "expected": 10.0, "common": 0.5, "intervals": {"80": [4.0, 18.0]}}
    seen = {"stake": Decimal(10), "with_chance": 2, "stake_luck": 9.0, "stake_slope": 4.0, "stake_arr": 11.0}
    assert stake_of(seen, told).low == 4.0
    other = stake_of(seen | {"with_chance": 1}, told)
    half = Z80 * np.sqrt(9.0 + 4.0)
    assert (other.low, other.high) == pytest.approx((10 - half, 11.0))  # never above the ARR itself
