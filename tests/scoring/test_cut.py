"""The cut test: day D scores the same from a bundle cut at D and from one that runs on past it, to the last digit."""

import gzip
import subprocess
import sys
from datetime import date
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from scoring import pipeline, queries
from scoring.breakdown import LAYOUT, LAYOUTS
from scoring.catalogue import BY_KEY, INDICATORS
from scoring.models import HealthSnapshot, PolicyIndicator
from scoring.sentiment.models import Competitor
from tenants.scoping import tenant_context
from tests.scoring import models_by_hand
from tests.scoring.cut import cut_bundle
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db

CONTRACT = Path(__file__).resolve().parents[2].parent / "shared" / "contract"
LEARNT = date(2025, 10, 1)
VALUES, P90 = 10, 18  # places in a row of `everything`
NAMED = "CRM"  # a word of both bundles, looked for as if it were a competitor
SAMPLE_DAYS = ["2026-05-01", "2025-11-12"]


def tenant(slug):
    from tenants import services

    made, _ = services.create_tenant(
        organization=slug, slug=slug, environment="production", currency="USD", time_zone="UTC", by=MAKER
    )
    return made


def imported(slug, bundle):
    made = tenant(slug)
    call_command("import_bundle", str(bundle), "--tenant", slug, stdout=StringIO(), stderr=StringIO())
    with tenant_context(made.pk):
        Competitor.objects.create(tenant=made, name=NAMED)
    models_by_hand.register(
        SimpleNamespace(tenant=made, here=lambda: tenant_context(made.pk)), of_every_indicator(), as_of=LEARNT
    )
    return made


def of_every_indicator():
    """A version whose chances move with every indicator, and with whether it has a value at all."""
    steps = [-100.0, 0.0, 1.0, 100.0, 1_000.0]
    return models_by_hand.by_hand(
        *(
            models_by_hand.curve(
                key, steps, [0.02 * at * (-1) ** n for at in range(5)], missing=0.01 * (n % 7 - 3)
            )
            for n, key in enumerate(sorted(BY_KEY))
        )
    )


def exported(tenant, day, tmp_path):
    path = tmp_path / f"{tenant.slug}-{day}.csv"
    call_command(
        "export_scores", "--tenant", tenant.slug, "--as-of", day, "--output", str(path),
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    return path.read_text()


def everything(tenant, day):
    """All that a snapshot holds, by account: far more than the export shows."""
    with tenant_context(tenant.pk):
        run = queries.run_of_day(tenant, day)
        rows = HealthSnapshot.objects.filter(tenant=tenant, as_of=day, run_id=run.pk).select_related(
            "account"
        )
        return {
            row.account.external_id: (
                row.health, row.band, row.coverage_pct, row.dimensions, row.indicators, row.reasons, row.arr,
                # every indicator, also those without a weight; NaN is not equal to itself
                row.scores, row.why, row.newest_ago, [None if each != each else each for each in row.values],
                row.currency, row.arr_reporting, row.priority, row.renewal_date, row.policy_version,
                row.p30, row.p60, row.p90, row.p_renew, row.leaves, row.logit_base, row.logit_parts,
                row.risk_level,
            )
            for row in rows
        }  # fmt: skip


def check_equal(whole, cut, day, tmp_path):
    assert exported(whole, day, tmp_path) == exported(cut, day, tmp_path)
    both = everything(whole, day), everything(cut, day)
    assert both[0] == both[1]
    assert len(both[0]) > 20
    assert {row[1] for row in both[0].values()} - {"unknown"}
    assert len({row[P90] for row in both[0].values()} - {None}) > 20  # chances, and not one for all
    return both[0]


def with_a_value(found):
    """The indicators that some account of the day has a value of."""
    rows = [row[VALUES] for row in found.values()]
    return {key for at, key in enumerate(LAYOUTS[LAYOUT]) if any(row[at] is not None for row in rows)}


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """A made-up customer base of 60 accounts and 400 days, ending on 2026-09-30."""
    path = tmp_path_factory.mktemp("simulated") / "bundle"
    sizes = ("--accounts", "60", "--days", "400", "--seed", "11", "--end", "2026-09-30")
    call_command("simulate_bundle", str(path), *sizes, stdout=StringIO(), stderr=StringIO())
    return path


def test_a_simulated_bundle_cut_at_a_day_scores_the_same(simulated, tmp_path):
    whole = imported("whole", simulated)
    seen = set()
    for day in ("2026-09-20", "2026-02-01"):  # use by feature is there from August on
        cut_bundle(simulated, day, tmp_path / day)
        cut = imported(f"cut-{day}", tmp_path / day)
        seen |= with_a_value(check_equal(whole, cut, day, tmp_path))
    assert seen == set(BY_KEY)
    check_equal_over_other_windows(whole, cut, day)


def check_equal_over_other_windows(whole, cut, day):
    """Every window that can be set at its longest, so that the day is read as far back as it can be."""
    usual = everything(whole, day)
    for made in (whole, cut):
        with tenant_context(made.pk):
            for each in (each for each in INDICATORS if each.has_window):
                PolicyIndicator.objects.filter(
                    policy__state="published", policy__segment="", indicator=each.key
                ).update(window_days=each.longest)
        pipeline.score_day(made, as_of=date.fromisoformat(day), by=MAKER)
    both = everything(whole, day), everything(cut, day)
    assert both[0] == both[1] != usual


def test_what_came_later_really_is_in_the_whole_bundle(simulated, tmp_path):
    """Or the test above would compare a bundle with itself."""
    whole = imported("whole", simulated)
    cut_bundle(simulated, "2026-06-17", tmp_path / "cut")
    cut = imported("cut", tmp_path / "cut")
    assert exported(whole, "2026-08-01", tmp_path) != exported(cut, "2026-08-01", tmp_path)
    for name in ("tickets", "activities", "usage_daily", "outcomes"):
        assert size(simulated, name) > size(tmp_path / "cut", name)


def size(folder, name):
    path = next(folder.glob(f"{name}.csv*"))
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).count(b"\n")


@pytest.mark.skipif(
    not (CONTRACT / "sample").is_dir(), reason="the sample bundle is not beside this repository"
)
def test_the_sample_bundle_cut_at_a_day_scores_the_same(tmp_path):
    whole = imported("harbor", CONTRACT / "sample")
    for day in SAMPLE_DAYS:
        cut = tmp_path / day
        checker = [
            sys.executable,
            str(CONTRACT / "check" / "cut.py"),
            str(CONTRACT / "sample"),
            day,
            str(cut),
        ]
        subprocess.run(checker, check=True, capture_output=True)
        check_equal(whole, imported(f"cut-{day}", cut), day, tmp_path)
