"""Who sees which account: role, grants and scope; and that the one queryset agrees with guardian object by object."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.utils import timezone
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import assign_perm, get_objects_for_user
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import grants, tasks
from accounts.models import Account, AccountShare, AccountUserPerm, Subscription
from accounts.queries import visible_account, visible_accounts
from audit.models import AuditEvent
from tenants import queries, services
from tenants.models import Membership, User
from tenants.roles import RIGHTS, Right
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
NOTHING_TO_DO = {"resolved": 0, "granted": 0, "revoked": 0}
NO_DRIFT = {"unresolved": 0, "missing": 0, "extra": 0}


def names(world, viewer):
    with world.here():
        return set(visible_accounts(world.tenant, viewer).values_list("name", flat=True))


def fresh(world, role):
    return queries.member(world.tenant, membership_id=world.people[role].pk)


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
    with globex.here(), pytest.raises(ValueError, match="another tenant"):
        visible_accounts(globex.tenant, acme.csm)


def test_a_person_of_two_tenants_sees_in_each_what_that_membership_gives(acme, globex):
    acme.add_account("Ours", owner="csm2")
    globex.add_account("Theirs", owner="csm2")
    with globex.here():
        there, _ = services.ensure_member(globex.tenant, email="csm@acme.example", role="executive", by=MAKER)
    assert names(acme, fresh(acme, "csm")) == set()
    assert names(globex, there) == {"Theirs"}


def test_a_page_of_accounts_is_one_query(acme, query_count):
    for number in range(5):
        acme.add_account(f"Account {number}")
    with acme.here():
        assert query_count(lambda: list(visible_accounts(acme.tenant, acme.csm))) == 1
        inside = Account.objects.for_tenant(acme.tenant).filter(
            pk__in=visible_accounts(acme.tenant, acme.manager)
        )
        assert query_count(lambda: inside.count()) == 1
        assert inside.count() == 5


def test_it_serves_as_a_subquery_with_filters_and_order_on_top(acme):
    acme.add_account("A", segment="smb")
    acme.add_account("B", segment="enterprise")
    with acme.here():
        shown = visible_accounts(acme.tenant, acme.csm).filter(segment="smb").order_by("-name")[:10]
        assert [each.name for each in shown] == ["A"]
        excluded = Account.objects.for_tenant(acme.tenant).exclude(
            pk__in=visible_accounts(acme.tenant, acme.csm).values("pk")
        )
        assert not excluded.exists()


# --- scope --------------------------------------------------------------------------------------


def scoped(world, role, **scope):
    Membership.objects.filter(pk=world.people[role].pk).update(**scope)
    return fresh(world, role)


def test_a_scope_narrows_what_the_role_gives_and_never_widens_it(acme):
    acme.add_account("Here", region="EMEA", segment="smb", attributes={"programme": "gold"})
    acme.add_account("There", region="APAC", segment="smb")
    acme.add_account("Not mine", owner="csm2", region="EMEA")
    assert names(acme, scoped(acme, "csm", regions=["EMEA"])) == {"Here"}
    assert names(acme, scoped(acme, "csm", regions=["EMEA", "APAC"])) == {"Here", "There"}
    assert names(acme, scoped(acme, "csm", regions=["EMEA"], segments=["enterprise"])) == set()
    assert names(acme, scoped(acme, "executive", programmes=["gold"])) == {"Here"}
    assert names(acme, scoped(acme, "manager", segments=["smb"])) == {"Here", "There"}


def test_a_product_counts_while_a_subscription_of_it_runs(acme):
    now = timezone.now()
    for name, starts, ends in (("Running", -30, 30), ("Over", -60, -1), ("Not begun", 5, 60)):
        account = acme.add_account(name)
        with acme.here():
            Subscription.objects.create(
                tenant=acme.tenant, account=account, external_id=f"S-{name}", product="P-1", arr=100, currency="USD",
                started_at=now + timedelta(days=starts), renewal_date=(now + timedelta(days=ends)).date(),
            )  # fmt: skip
    viewer = scoped(acme, "csm", products=["P-1"])
    assert names(acme, viewer) == {"Running"}
    assert names(acme, scoped(acme, "csm", products=["P-2"])) == set()


# --- grants follow ------------------------------------------------------------------------------


def test_a_moved_account_changes_hands_and_the_move_is_on_record(acme):
    account = acme.add_account("Moving")
    with acme.here():
        Account.objects.filter(pk=account.pk).update(owner_email="CSM2@acme.example")
        assert grants.sync(acme.tenant, account_ids=[account.pk])["resolved"] == 1
        event = AuditEvent.objects.get(
            tenant=acme.tenant, verb="accounts.account_moved", account_id=account.pk
        )
    assert event.diff["before"]["owner_id"] == acme.csm.user_id
    assert event.diff["after"]["owner_id"] == acme.csm2.user_id
    assert names(acme, acme.csm) == set()
    assert names(acme, acme.csm2) == {"Moving"}


def test_an_account_with_an_unknown_csm_is_pooled_until_that_person_joins(acme):
    account = acme.add_account("Orphan", owner=None)
    with acme.here():
        Account.objects.filter(pk=account.pk).update(owner_email="late@acme.example")
        grants.sync(acme.tenant)
    assert names(acme, acme.csm) == {"Orphan"}
    with acme.here():
        late, _ = services.ensure_member(
            acme.tenant, email="late@acme.example", role="csm", by=MAKER, team="North"
        )
    assert names(acme, late) == {"Orphan"}
    assert names(acme, acme.csm) == set()
    with acme.here():
        assert Account.objects.get(pk=account.pk).team_id == late.team_id


def test_when_the_csm_leaves_the_account_stands_in_the_teams_pool(acme):
    acme.add_account("Left behind")
    with acme.here():
        services.change_member(
            acme.tenant, membership_id=acme.csm.pk, role="csm", team_id=acme.csm.team_id, is_active=False,
            scope={}, by=acme.actor("ops_admin"),
        )  # fmt: skip
    assert names(acme, fresh(acme, "csm")) == set()
    assert names(acme, acme.csm2) == {"Left behind"}
    assert names(acme, acme.manager) == {"Left behind"}


def test_managers_see_their_team_and_those_below_it_and_follow_the_tree(acme):
    with acme.here():
        north = services.create_team(acme.tenant, name="North", by=MAKER)
        oslo = services.create_team(acme.tenant, name="Oslo", by=MAKER, parent=north)
        lead, _ = services.ensure_member(
            acme.tenant, email="lead@acme.example", role="manager", by=MAKER, team="North"
        )
        csm, _ = services.ensure_member(
            acme.tenant, email="oslo@acme.example", role="csm", by=MAKER, team="Oslo"
        )
        acme.people["oslo"] = csm
    acme.add_account("In Oslo", owner="oslo")
    acme.add_account("Elsewhere")
    assert names(acme, lead) == {"In Oslo"}
    assert names(acme, acme.manager) == {"Elsewhere"}, "the default team is not above North"
    with acme.here():
        services.change_team(
            acme.tenant, team_id=oslo.pk, name="Oslo", parent=None, is_default=False, by=MAKER
        )
    assert names(acme, lead) == set()


def test_drift_is_found_put_right_and_on_record(acme):
    account = acme.add_account("Own")
    acme.add_account("Pooled", owner=None)
    with acme.here():
        assert grants.sync(acme.tenant) == NOTHING_TO_DO
        assert tasks.grants_drift(acme.tenant, None) == NO_DRIFT
        assign_perm("accounts.see_account", acme.csm2.user, account)
        AccountUserPerm.objects.filter(user=acme.csm.user, content_object=account).delete()
        Account.objects.filter(pk=account.pk).update(owner=None)
        assert tasks.grants_drift(acme.tenant, None) == {"unresolved": 1, "missing": 1, "extra": 1}
        assert grants.drift(acme.tenant) == NO_DRIFT
        assert AuditEvent.objects.filter(tenant=acme.tenant, verb="accounts.grants_drifted").count() == 1
    assert names(acme, acme.csm2) == {"Pooled"}


def test_syncing_one_tenant_leaves_the_other_alone(acme, globex):
    ours, theirs = acme.add_account("Same"), globex.add_account("Same")
    with globex.here():
        before = sorted(AccountUserPerm.objects.values_list("user_id", "content_object_id"))
    with acme.here():
        grants.sync(acme.tenant, account_ids=[ours.pk, theirs.pk])
        grants.sync(acme.tenant)
    with globex.here():
        assert sorted(AccountUserPerm.objects.values_list("user_id", "content_object_id")) == before
    assert names(globex, globex.csm) == {"Same"}


def test_guardians_generic_tables_stay_empty(acme):
    acme.add_account("Any")
    for model in ("UserObjectPermission", "GroupObjectPermission"):
        assert apps.get_model("guardian", model).objects.count() == 0


# --- the one queryset against guardian, on random grants ----------------------------------------

PEOPLE = ("csm", "csm2", "manager", "north_csm", "north_lead", "account_executive", "executive", "support")
ROLES_TRIED = ("csm", "manager", "account_executive", "auditor")
STEP = st.one_of(
    st.tuples(st.just("own"), st.integers(0, 4), st.sampled_from([*PEOPLE, "nobody"])),
    st.tuples(st.just("share"), st.integers(0, 4), st.sampled_from(PEOPLE)),
    st.tuples(st.just("unshare"), st.integers(0, 4), st.sampled_from(PEOPLE)),
    st.tuples(st.just("name_ae"), st.integers(0, 4), st.sampled_from(PEOPLE)),
    st.tuples(st.just("active"), st.booleans(), st.sampled_from(PEOPLE)),
    st.tuples(st.just("sign_in"), st.booleans(), st.sampled_from(PEOPLE)),
    st.tuples(st.just("role"), st.sampled_from(ROLES_TRIED), st.sampled_from(PEOPLE)),
    st.tuples(st.just("team"), st.sampled_from(["Customer Success", "North", None]), st.sampled_from(PEOPLE)),
    st.tuples(st.just("scope"), st.sampled_from([[], ["EMEA"], ["APAC"]]), st.sampled_from(PEOPLE)),
    st.tuples(st.just("everything"), st.booleans(), st.sampled_from(PEOPLE)),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=st.lists(STEP, max_size=8))
def test_the_queryset_equals_guardian_asked_account_by_account(acme, steps):
    with transaction.atomic(), acme.here():
        accounts = _random_world(acme)
        for what, *details in steps:
            _STEPS[what](acme, accounts, *details)
        grants_only = {"csm", "manager", "account_executive"}
        for name in PEOPLE:
            viewer = fresh(acme, name)
            seen = set(visible_accounts(acme.tenant, viewer).values_list("pk", flat=True))
            assert seen == _slow_reference(acme, viewer), (name, steps)
            found = visible_account(acme.tenant, viewer, account_id=accounts[0].pk)
            assert (found is not None) == (accounts[0].pk in seen)
            if (
                viewer.role in grants_only
                and viewer.is_active
                and viewer.user.is_active
                and not viewer.regions
            ):
                assert {each.pk for each in _guardians_list(acme, viewer)} <= seen
        assert grants.drift(acme.tenant) == NO_DRIFT
        transaction.set_rollback(True)


def _random_world(world):
    root = queries.default_team(world.tenant)
    if "north_csm" not in world.people or queries.team_named(world.tenant, "North") is None:
        services.create_team(world.tenant, name="North", by=MAKER, parent=root)
        for name, role in (("north_csm", "csm"), ("north_lead", "manager")):
            world.people[name], _ = services.ensure_member(
                world.tenant, email=f"{name}@acme.example", role=role, by=MAKER, team="North"
            )
    return [
        world.add_account(f"Account {number}", owner=owner, region="EMEA" if number % 2 else "APAC")
        for number, owner in enumerate(["csm", "csm2", "north_csm", None, "manager"])
    ]


def _slow_reference(world, viewer):
    """From facts and guardian's own checker, one account at a time."""
    if not viewer.is_active or not viewer.user.is_active:
        return set()
    user = User.objects.get(pk=viewer.user_id)
    seen = set()
    for account in Account.objects.for_tenant(world.tenant):
        reached = (
            Right.VIEW_ALL_ACCOUNTS in RIGHTS[viewer.role]
            or ObjectPermissionChecker(user).has_perm("see_account", account)
            or (viewer.role == "account_executive" and account.ae_email.lower() == user.email)
        )
        if reached and (not viewer.regions or account.region in viewer.regions):
            seen.add(account.pk)
    return seen


def _guardians_list(world, viewer):
    return get_objects_for_user(
        viewer.user, "accounts.see_account", klass=Account.objects.for_tenant(world.tenant),
        with_superuser=False, accept_global_perms=False,
    )  # fmt: skip


def _own(world, accounts, number, name):
    email = fresh(world, name).user.email if name != "nobody" else "nobody@acme.example"
    Account.objects.filter(pk=accounts[number].pk).update(owner_email=email)
    grants.sync(world.tenant, account_ids=[accounts[number].pk])


def _share(world, accounts, number, name):
    user_id = fresh(world, name).user_id
    AccountShare.objects.get_or_create(
        tenant=world.tenant, account=accounts[number], user_id=user_id,
        defaults={"reason": "test", "shared_by_label": "test"},
    )  # fmt: skip
    grants.sync(world.tenant, account_ids=[accounts[number].pk])


def _unshare(world, accounts, number, name):
    AccountShare.objects.filter(account=accounts[number], user_id=fresh(world, name).user_id).delete()
    grants.sync(world.tenant, account_ids=[accounts[number].pk])


def _name_ae(world, accounts, number, name):
    Account.objects.filter(pk=accounts[number].pk).update(ae_email=fresh(world, name).user.email.upper())


def _change(world, name, **values):
    now = fresh(world, name)
    wanted = {"role": now.role, "team_id": now.team_id, "is_active": now.is_active, "scope": {}} | values
    services.change_member(world.tenant, membership_id=now.pk, by=MAKER, **wanted)


def _sign_in(world, accounts, may, name):
    User.objects.filter(pk=fresh(world, name).user_id).update(is_active=may)
    grants.sync(world.tenant)


def _team(world, accounts, team, name):
    row = queries.team_named(world.tenant, team) if team else None
    _change(world, name, team_id=row.pk if row else None)


def _everything(world, accounts, granted, name):
    """A model-wide permission, which crosses tenants and must count for nothing."""
    change = fresh(world, name).user.user_permissions
    permission = Permission.objects.get(codename="see_account")
    change.add(permission) if granted else change.remove(permission)


_STEPS = {
    "own": _own,
    "share": _share,
    "unshare": _unshare,
    "name_ae": _name_ae,
    "active": lambda world, accounts, may, name: _change(world, name, is_active=may),
    "sign_in": _sign_in,
    "role": lambda world, accounts, role, name: _change(world, name, role=role),
    "team": _team,
    "scope": lambda world, accounts, regions, name: _change(world, name, scope={"regions": regions}),
    "everything": _everything,
}


def test_sync_of_many_accounts_is_a_handful_of_statements(acme, query_count):
    for number in range(3):
        acme.add_account(f"Account {number}")
    with acme.here():
        assert (
            query_count(lambda: grants.sync(acme.tenant))
            == query_count(lambda: grants.sync(acme.tenant))
            <= 8
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM accounts_accountuserperm WHERE tenant_id = %s", [acme.tenant.pk]
            )
            assert cursor.fetchone() == (3,)
