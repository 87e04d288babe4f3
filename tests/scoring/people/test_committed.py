"""Two clicks at the same moment, each on a connection of its own."""

import threading

from django.db import connection, transaction

from scoring.people import feedback
from scoring.people.models import ReasonFeedback
from tenants.access import Actor
from tenants.scoping import tenant_transaction
from tests.worlds import make_world


def test_a_double_click_says_it_once(committed_db):
    with transaction.atomic():
        acme = make_world("acme")
        account = acme.add_account("Northwind")
    ready, failed = threading.Barrier(2), []

    def click():
        try:
            with tenant_transaction(acme.tenant.pk):
                ready.wait(30)
                feedback.give(
                    acme.tenant, account=account, about="reason", key="usage.trend_30d", said="helpful",
                    by=Actor.person(acme.csm),
                )  # fmt: skip
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join(60)
    assert failed == []
    with tenant_transaction(acme.tenant.pk):
        assert ReasonFeedback.objects.filter(account=account).count() == 1
