"""What was seen, told or kept before: nothing of it outlives the reach it was made with, and nothing goes around it."""

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.models import Account
from scoring.people import notices
from scoring.people.feedback import answer_report
from scoring.people.models import DataReport, Notice, ReasonFeedback
from tenants import hooks, reach
from tenants.models import Membership
from tests.playbooks.makers import suggest

pytestmark = pytest.mark.django_db
HIDDEN = "Southgate"


def signed_in(membership):
    client = Client()
    client.force_login(membership.user)
    return client


def narrowed(membership, **scope):
    Membership.objects.filter(pk=membership.pk).update(**(scope or {"regions": ["north"]}))
    membership.refresh_from_db()
    return membership


@pytest.fixture
def outside(acme):
    """Of the CSM, in a region that the narrowed do not see."""
    return acme.add_account(HIDDEN, region="south", external_id="SOUTH-1")


# --- notices ------------------------------------------------------------------------------------


def tell(world, account, role="csm"):
    with world.here():
        text = f"Your override of {account.name} ended."
        user = world.people[role].user
        notices.tell(world.tenant, user=user, kind="override_lifted", text=text, account_id=account.pk)


def test_a_notice_of_an_account_that_is_out_of_reach_is_not_shown(acme, outside):
    inside = acme.add_account("Northwind", region="north")
    for account in (outside, inside):
        tell(acme, account)
    with acme.here():
        Notice.objects.create(tenant=acme.tenant, user=acme.csm.user, kind="test", text="Of no account.")
        theirs = Notice.objects.get(account=outside)
    assert HIDDEN in signed_in(acme.csm).get(acme.url("notices/")).text
    client = signed_in(narrowed(acme.csm))
    for place in ("notices/", "queue/"):
        text = client.get(acme.url(place)).text
        assert HIDDEN not in text
        assert ("Northwind" in text, "Of no account." in text) == (True, True)
    with acme.here():
        assert notices.open_for(acme.tenant, acme.csm).count() == 2
    assert client.post(acme.url(f"notices/{theirs.pk}/dismiss/")).status_code == 404


def test_nobody_is_told_of_what_they_do_not_see_any_more(acme, outside):
    """The author of an override moved on; the text would name the account and tell how it stands."""
    narrowed(acme.csm)
    tell(acme, outside)
    Membership.objects.filter(pk=acme.csm2.pk).update(is_active=False)
    tell(acme, acme.add_account("Of the gone", owner="csm2"), role="csm2")
    with acme.here():
        assert not Notice.objects.exists()
        given = ReasonFeedback.objects.create(
            tenant=acme.tenant, account=outside, about="reason", key="usage.trend_30d", said="wrong_fact",
            author=acme.csm.user, author_label="csm",
        )  # fmt: skip
        report = DataReport.objects.create(tenant=acme.tenant, account=outside, feedback=given)
        answer_report(
            acme.tenant, report=report, state="closed", answer="It is right.", by=acme.actor("ops_admin")
        )
        assert not Notice.objects.exists()
    Membership.objects.filter(pk=acme.csm.pk).update(regions=[])
    tell(acme, outside)
    with acme.here():
        assert Notice.objects.get().user_id == acme.csm.user_id


# --- answers that were kept ---------------------------------------------------------------------

SECRET = "What only the owner should know"


def shared(world, account, role="csm2"):
    with world.here():
        member = world.people[role]
        return accounts.share_account(
            world.tenant, account_id=account.pk, member_id=member.pk, reason="Holiday", by=world.actor("csm")
        )


def test_an_ended_share_takes_kept_answers_along(acme, outside):
    """A fragment shows the whole panel: without the share, sending the same note again must not show it again."""
    share = shared(acme, outside)
    with acme.here():
        accounts.add_note(acme.tenant, account_id=outside.pk, text=SECRET, by=acme.actor("csm"))
    client = signed_in(acme.csm2)

    def send():
        data = {"text": "Hello", "idempotency_key": "k1"}
        return client.post(acme.url(f"accounts/{outside.pk}/notes/"), data, headers={"HX-Request": "true"})

    assert SECRET in send().text
    assert send().headers["Idempotent-Replayed"] == "true"
    ended = signed_in(acme.csm).post(acme.url(f"accounts/{outside.pk}/shares/{share.pk}/end/"))
    assert ended.status_code in (200, 303)
    again = send()
    assert (again.status_code, SECRET in again.text) == (409, False)
    shared(acme, outside)
    assert SECRET in send().text


def test_an_account_that_moved_takes_kept_answers_along(acme, outside):
    """Of a suggestion, whose address names no account."""
    narrowed(acme.csm, regions=["south"])
    with acme.here():
        row = suggest(acme, outside)
    client = signed_in(acme.csm)

    def send():
        data = {"version": row.version, "idempotency_key": "k1"}
        return client.post(acme.url(f"queue/items/{row.pk}/accept/"), data, headers={"HX-Request": "true"})

    assert HIDDEN in send().text
    assert send().headers["Idempotent-Replayed"] == "true"
    with acme.here():
        Account.objects.filter(pk=outside.pk).update(region="north")
    again = send()
    assert (again.status_code, HIDDEN in again.text) == (409, False)


def test_an_answer_of_which_nothing_can_be_looked_up_is_not_read_again(acme, outside):
    """Several suggestions at once: the path names none. Whoever sees everything reads it; others reload."""
    with acme.here():
        assert not reach.still_sees(acme.tenant, acme.csm, {"slug": "acme"})
        assert reach.still_sees(acme.tenant, acme.csm, {"slug": "acme", "account_id": outside.pk})
        assert reach.still_sees(acme.tenant, acme.ops_admin, {"slug": "acme"})
        assert not reach.still_sees(acme.tenant, narrowed(acme.ops_admin), {"slug": "acme"})


def test_every_argument_that_names_an_account_or_what_belongs_to_one_can_be_looked_up():
    assert {"account_id", "play_id", "step_id", "task_id", "recommendation_id", "ref"} <= hooks.sees.keys()
