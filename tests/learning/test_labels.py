"""Who left, when and how, by hand: whole days, kinds kept apart, and nothing that was not yet known."""

from datetime import date, timedelta

import numpy as np
import pytest

from accounts.models import Invoice, Outcome
from scoring import leaving
from scoring.learning import labels
from scoring.learning.observations import observe
from scoring.pipeline import values_of_day
from tests.scoring.evidence import DAY, add, ago, subscribe

pytestmark = pytest.mark.django_db


def leave(world, account, days_ago, *, kind="churned", reason=""):
    return add(world, account, Outcome, kind=kind, effective_at=ago(days_ago), reason=reason)


def known(world, before=DAY):
    with world.here():
        return labels.leavers(world.tenant, before=before)


def test_days_run_from_the_morning_of_the_day(acme):
    """A churn on D 00:00 counts as day 0 of D; the last day of a window of 30 is day 29."""
    ids = []
    for at, days_ago in enumerate((30, 1, 31)):
        account = acme.add_account(f"Account {at}")
        subscribe(acme, account)
        leave(acme, account, days_ago)
        ids.append(account.external_id)
    stays = acme.add_account("Stays")
    subscribe(acme, stays)
    day = DAY - timedelta(days=30)
    with acme.here():
        features, values = values_of_day(acme.tenant, as_of=day)
    stack = labels.label(observe(features, values), known=known(acme), until=DAY)
    found = dict(zip(stack.account.tolist(), stack.leaves_in.tolist(), strict=True))
    numbers = labels.account_numbers([*ids, stays.external_id]).tolist()
    assert [found.get(number) for number in numbers] == [0.0, 29.0, None, np.inf]
    assert set(stack.seen_for) == {30.0}


def test_what_is_not_known_yet_is_nobodys_outcome(acme):
    account = acme.add_account()
    subscribe(acme, account)
    leave(acme, account, 10)
    assert len(known(acme)) == 1
    assert len(known(acme, before=DAY - timedelta(days=10))) == 0
    assert len(known(acme, before=DAY - timedelta(days=9))) == 1


END = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("left", "reason", "term_end", "noticed", "arrears", "kind"),
    [
        (END, "", END, None, None, "non_renewal"),
        (
            END,
            "too expensive",
            END,
            END,
            None,
            "non_renewal",
        ),  # told on the last day: no notice before the end
        (END, "", END, date(2026, 6, 1), None, "voluntary"),
        (date(2026, 5, 1), "", END, None, None, "voluntary"),  # gone before the term ended
        (END, "non-payment", END, date(2026, 6, 1), None, "payment_failure"),
        (END, "", END, None, 60, "payment_failure"),
        (END, "", END, None, 59, "non_renewal"),
        (END, "", None, None, None, "unknown"),
    ],
)
def test_kinds_of_leaving(left, reason, term_end, noticed, arrears, kind):
    assert leaving.kind_of(left, reason, term_end, noticed, arrears) == kind


def test_kinds_from_rows_and_downgrades_apart(acme):
    """Arrears, notice and term come from their rows; a downgrade is counted, and nobody's leaving."""
    unpaid, gave_notice, shrank = (acme.add_account(name) for name in ("Unpaid", "Notice", "Shrank"))
    for account in (unpaid, shrank):
        subscribe(acme, account, renewal=ago(5).date())
    subscribe(acme, gave_notice, renewal=ago(5).date(), cancelled_at=ago(40))
    add(acme, unpaid, Invoice, issued_at=ago(120), due_at=ago(90), amount=100, currency="USD")
    leave(acme, unpaid, 5)
    leave(acme, gave_notice, 5)
    leave(acme, shrank, 5, kind="downgraded")
    found = known(acme)
    kinds = dict(zip(found.account.tolist(), (leaving.KINDS[at] for at in found.kind), strict=True))
    numbers = labels.account_numbers([unpaid.external_id, gave_notice.external_id])
    assert [kinds[number] for number in numbers.tolist()] == ["payment_failure", "voluntary"]
    assert found.notice[found.account == numbers[1]] == labels.day_number(ago(40).date())
    assert labels.counts(found, since=DAY - timedelta(days=30)) == {
        "voluntary": 1, "non_renewal": 0, "payment_failure": 1, "unknown": 0,
    }  # fmt: skip
    with acme.here():
        assert labels.downgrades(acme.tenant, since=DAY - timedelta(days=30), before=DAY) == 1


def test_a_payment_that_came_later_does_not_heal_the_arrears(acme):
    account = acme.add_account()
    subscribe(acme, account, renewal=ago(5).date())
    add(
        acme, account, Invoice, issued_at=ago(120), due_at=ago(90), paid_at=ago(1), amount=100, currency="USD"
    )
    leave(acme, account, 5)
    assert leaving.KINDS[known(acme).kind[0]] == "payment_failure"


def test_another_tenants_leavers_stay_there(acme, globex):
    account = globex.add_account()
    subscribe(globex, account)
    leave(globex, account, 5)
    assert len(known(acme)) == 0
    assert len(known(globex)) == 1
