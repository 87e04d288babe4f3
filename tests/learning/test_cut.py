"""What is learnt as of a day is learnt alike from a bundle cut at that day, to the last digit.

Everything that training reads is in the landmarks and in who left; that the same landmarks give the same model, in
whatever order they come, is tested in test_training.
"""

from dataclasses import replace
from datetime import date, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command

from scoring.learning import labels, landmarks, leakage
from tenants import services
from tenants.scoping import tenant_transaction
from tests.scoring.cut import cut_bundle
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
END, DAY = "2026-09-30", date(2026, 7, 14)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulated") / "bundle"
    sizes = ("--accounts", "36", "--days", "320", "--seed", "5", "--end", END)
    call_command(
        "simulate_bundle", str(path), "--world", "stormy", *sizes, stdout=StringIO(), stderr=StringIO()
    )
    return path


def imported(slug, path):
    tenant, _ = services.create_tenant(
        organization=slug, slug=slug, environment="production", currency="USD", time_zone="UTC", by=MAKER
    )
    call_command("import_bundle", str(path), "--tenant", slug, stdout=StringIO(), stderr=StringIO())
    return tenant


def learnt_from(tenant, as_of):
    return landmarks.gather(tenant, as_of=as_of, said=lambda *_: None)


def test_a_cut_bundle_gives_the_same_landmarks_and_leavers(bundle, tmp_path):
    cut_bundle(bundle, str(DAY), tmp_path / "cut")
    whole, cut = imported("whole", bundle), imported("cut", tmp_path / "cut")
    (plan, stack), (cut_plan, cut_stack) = learnt_from(whole, DAY), learnt_from(cut, DAY)
    known, cut_known = plan.known, cut_plan.known
    assert replace(plan, known=None) == replace(cut_plan, known=None)
    assert len(plan.days) >= 4
    for name in ("account", "day", "kind", "notice"):
        assert getattr(known, name).tobytes() == getattr(cut_known, name).tobytes(), name
    for name in landmarks.PER_ROW:
        assert getattr(stack, name).tobytes() == getattr(cut_stack, name).tobytes(), name
    assert np.isfinite(stack.leaves_in).any()
    again = leakage.read_again(
        whole, stack, plan.days
    )  # and what training reads again to find leaks is the cut too
    assert len(again) > len(stack.names)
    assert not [row["words"] for row in again if row["tripped"]]
    with tenant_transaction(whole.pk):
        later = landmarks.plan(whole, as_of=DAY + timedelta(days=60))
    assert len(later.known) > len(known)  # or a bundle would have been compared with itself
    relabelled = labels.label(stack, known=later.known, until=later.until)
    assert np.isfinite(relabelled.leaves_in).sum() > np.isfinite(stack.leaves_in).sum()
