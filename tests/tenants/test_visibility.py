"""Who sees which account: role, grants and scope; and that the one queryset agrees with guardian object by object."""

import pytest

from accounts import grants
from accounts.queries import visible_account, visible_accounts

pytestmark = pytest.mark.django_db


def names(world, viewer):
    with world.here():
        return set(visible_accounts(world.tenant, viewer).values_list("name", flat=True))


def test_each_role_sees_what_it_should(acme):
    acme.add_account("Own")
    acme.add_account("Other", owner="csm2")
    acme.add_account("Pooled", owner=None)
    acme.add_account("Named", owner="csm2", ae_email="Account_Executive@acme.example")
    everything = {"Own", "Other", "Pooled", "Named"}
    assert names(acme, acme.csm) == {"Own", "Pooled"}
    assert names(acme, acme.csm2) == {"Other", "Pooled", "Named"}
    assert names(acme, acme.account_executive) == {"Named"}
    for role in ("manager", "executive", "finance", "revops", "ops_admin", "auditor", "support"):
        assert names(acme, acme.people[role]) == everything, role


def test_the_other_tenants_accounts_are_never_there(acme, globex):
    theirs = globex.add_account("Theirs")
    for viewer in acme.people.values():
        assert names(acme, viewer) == set()
        with acme.here():
            assert visible_account(acme.tenant, viewer, account_id=theirs.pk) is None
    with globex.here(), pytest.raises(ValueError):
        visible_accounts(globex.tenant, acme.csm)


def test_a_page_of_accounts_is_one_query(acme, query_count):
    for number in range(5):
        acme.add_account(f"Account {number}")
    with acme.here():
        assert query_count(lambda: list(visible_accounts(acme.tenant, acme.csm))) == 1
        assert query_count(lambda: visible_accounts(acme.tenant, acme.manager).filter(pk__gt=0).count()) == 1


def test_sync_of_everything_finds_nothing_to_do(acme):
    acme.add_account("Own")
    acme.add_account("Pooled", owner=None)
    with acme.here():
        assert grants.sync(acme.tenant) == {"resolved": 0, "granted": 0, "revoked": 0}
        assert grants.drift(acme.tenant) == {"unresolved": 0, "missing": 0, "extra": 0}
