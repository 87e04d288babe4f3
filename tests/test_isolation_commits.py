"""The tenant boundary with real commits: what one request leaves on the connection for the next."""

import pytest
from django.db import DataError, ProgrammingError, connection, transaction
from django.test import override_settings

from accounts.models import Note
from tenants.scoping import tenant_context, tenant_transaction
from tests.test_isolation import client_of, rows
from tests.worlds import make_world


def test_commits_and_rollbacks_leave_no_tenant_on_the_connection(committed_db):
    with transaction.atomic():
        acme, globex = make_world("acme"), make_world("globex")
        for world in (acme, globex):
            world.add_account(f"{world.tenant.slug} account")
    with override_settings(ROOT_URLCONF="tests.test_isolation"):
        ours, theirs = client_of(acme.csm), client_of(globex.csm)
        assert ours.get("/t/acme/try/lazy/").text == "[acme account]"
        assert ours.get("/t/acme/try/write/raise/").status_code == 500
        assert ours.get("/t/acme/try/write/200/").status_code == 200
        assert theirs.get("/t/globex/try/lazy/").text == "[globex account]"
        assert ours.get("/t/acme/try/own/").text == "['acme account'] False"

    assert not connection.in_atomic_block
    with pytest.raises((ProgrammingError, DataError)):
        rows("SELECT count(*) FROM accounts_account")
    with tenant_transaction(acme.tenant.pk):
        assert [each.text for each in Note.objects.all()] == ["written before 200"]


def test_a_tenant_set_outside_a_transaction_is_refused(committed_db):
    """PostgreSQL would forget it at the end of the statement, and the next one would see nothing or fail."""
    with pytest.raises(transaction.TransactionManagementError), tenant_context(1):
        pass
