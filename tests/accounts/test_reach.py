"""What was seen, told or kept before: nothing of it outlives the reach it was made with, and nothing goes around it."""

import time
from datetime import UTC, date, datetime
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services as accounts
from accounts.models import Account, Contact, Outcome
from integrations.importing.format import FILES
from integrations.models import BundleFile, QuarantinedRow
from integrations.services import imports
from scoring.bands import BANDS, UNKNOWN
from scoring.growth.models import GrowthReport
from scoring.models import ScoreRun
from scoring.people import notices
from scoring.people.feedback import answer_report
from scoring.people.models import DataReport, Notice, ReasonFeedback, SourceCorrection
from tenants import fields, hooks, reach
from tenants.access import Right, can
from tenants.models import Membership
from tests.playbooks.makers import suggest
from tests.scoring.evidence import add

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


# --- data reports -------------------------------------------------------------------------------


@pytest.fixture
def report(acme, outside):
    """Of a fact about a person outside, and a correction of another one."""
    with acme.here():
        mine = {"tenant": acme.tenant, "account": outside}
        Contact.objects.create(**mine, external_id="C1", name="Sigrun Outside", role="champion")
        given = ReasonFeedback.objects.create(
            **mine, about="reason", key="usage.trend_30d", said="wrong_fact", author_label="csm"
        )
        SourceCorrection.objects.create(
            **mine, source="contact", row_id=1, row_label="Person C1", field="role", old="user", new="champion",
            why="Asked.", author_label="x",
        )  # fmt: skip
        return DataReport.objects.create(**mine, feedback=given)


def test_a_data_report_outside_the_scope_is_neither_shown_nor_answered(acme, outside, report):
    listed, page = acme.url("scores/reports/"), acme.url(f"scores/reports/{report.pk}/")
    wide = signed_in(acme.ops_admin)
    assert wide.get(listed).text.count(HIDDEN) == 2
    assert "Sigrun Outside" in wide.get(page).text
    client = signed_in(narrowed(acme.ops_admin))
    assert HIDDEN not in client.get(listed).text
    assert client.get(page).status_code == 404
    with acme.here():
        person = Contact.objects.get(account=outside)
    correction = {"place": f"contact:{person.pk}:role", "new": "user", "why": "Because."}
    assert client.post(f"{page}correct/", correction).status_code == 404
    assert client.post(f"{page}close/", {"answer": "It is right."}).status_code == 404
    with acme.here():
        person.refresh_from_db()
        report.refresh_from_db()
    assert (person.role, report.state) == ("champion", "open")


# --- rejected rows, and files without a proof ---------------------------------------------------


@pytest.fixture
def rejected(acme, outside):
    """A rejected row of somebody at the account outside; the import."""
    with acme.here():
        bundle = imports.open_import(acme.tenant, file_name="b.zip", path="", by=acme.actor("ops_admin"))
        BundleFile.objects.create(
            tenant=acme.tenant, bundle=bundle, file="contacts.csv", status="landed", read=1, rejected=1
        )
        cells = {
            "external_id": "Q",
            "account_external_id": "SOUTH-1",
            "name": "Sigrun",
            "email": "s@south.example",
        }
        row = QuarantinedRow.objects.create(
            tenant=acme.tenant, bundle=bundle, file="contacts.csv", line=2, column="email", value="s@south.example",
            reason="wrong", row=cells,
        )  # fmt: skip
    return bundle, row


def test_rejected_rows_are_for_whoever_sees_everything(acme, rejected):
    """A row that did not land is of no account yet that could be asked for."""
    bundle, row = rejected
    places = [
        f"imports/{bundle.pk}/{rest}"
        for rest in ("rows/", "rows/list/", f"rows/{row.pk}/", "rejected/contacts/")
    ]
    wide = signed_in(acme.revops)
    for place in (f"imports/{bundle.pk}/", *places):
        answer = wide.get(acme.url(place))
        text = answer.getvalue().decode() if answer.streaming else answer.text
        assert "s@south.example" in text, place
    client = signed_in(narrowed(acme.revops))
    page = client.get(acme.url(f"imports/{bundle.pk}/"))
    assert (page.status_code, "s@south.example" in page.text) == (200, False)
    assert "outside your scope" in page.text
    assert [client.get(acme.url(place)).status_code for place in places] == [403] * 4
    discard = acme.url(f"imports/{bundle.pk}/rows/{row.pk}/discard/")
    assert client.post(discard, {"version": row.version, "why": "x"}).status_code == 403


@pytest.mark.parametrize("what", ["usage", "rejects"])
def test_a_file_that_is_read_asks_again_too(acme, rejected, what):
    place = {"usage": "usage.csv", "rejects": f"imports/{rejected[0].pk}/rejected/contacts/"}[what]
    url = reverse("tenants:usage_csv", args=["acme"]) if what == "usage" else acme.url(place)
    client = signed_in(acme.ops_admin)
    assert "attachment" in client.get(url).headers["Content-Disposition"]
    session = client.session
    for step in session["account_authentication_methods"]:
        step["at"] = time.time() - 24 * 3600
    session.save()
    asked = client.get(url)
    assert (asked.status_code, asked.headers["Location"].split("?")[0]) == (302, "/auth/reauthenticate/")
    assert url in unquote(asked.headers["Location"]), "and back to the file afterwards"


# --- figures of the whole workspace -------------------------------------------------------------


WIDE = {  # page: what only those read on it who see everything
    "scores/": ("4,711", "1,234", "3,333"),
    "scores/indicators/": ("4,711",),
    "models/readiness/": ("3,333", "2,222", "Seen to leave"),
    "models/pool/": ("2 accounts of this workspace",),
}
OF_QUALITY = ("models/readiness/", "models/pool/", "models/quality/")


@pytest.fixture
def counted(acme):
    """A scoring of thousands, which names a source's customers and rows, and two accounts that left."""
    usage = {"accounts": 3333, "rows": 2222, "late": False, "latest": "2026-10-31"}
    summary = {
        "coverage": {"usage.trend_30d": 50}, "sources": {"usage": usage},
        "bands": dict.fromkeys((*BANDS, UNKNOWN), 1234),
    }  # fmt: skip
    gone = [acme.add_account(f"Gone {number}", region="north") for number in range(2)]
    with acme.here():
        ScoreRun.objects.create(
            tenant=acme.tenant, as_of=date(2026, 11, 1), policy_versions={}, fingerprint="x", accounts=4711,
            summary=summary,
        )  # fmt: skip
    for account in gone:
        add(acme, account, Outcome, kind="churned", effective_at=datetime(2026, 10, 1, tzinfo=UTC))
    return acme


@pytest.mark.parametrize("role", ["reviewer", "executive", "auditor", "support", "ops_admin"])
def test_counts_of_the_whole_workspace_are_not_for_a_scope(counted, role):
    member = counted.people[role]
    wide, opens = signed_in(member), can(member, Right.VIEW_QUALITY)
    expected = {place: 200 if opens or place not in OF_QUALITY else 403 for place in (*WIDE, *OF_QUALITY)}
    for place, status in expected.items():
        answer = wide.get(counted.url(place))
        assert answer.status_code == status, place
        if status == 200:
            assert not [words for words in WIDE.get(place, ()) if words not in answer.text], place
    client = signed_in(narrowed(member))
    secret = {words for each in WIDE.values() for words in each}
    for place, status in expected.items():
        answer = client.get(counted.url(place))
        assert (answer.status_code, [words for words in secret if words in answer.text]) == (status, []), (
            place
        )


def test_the_state_of_the_log_is_not_for_a_scope(acme):
    assert "Check the seals now" in signed_in(acme.auditor).get(acme.url("audit/")).text
    client = signed_in(narrowed(acme.auditor))
    assert "Check the seals now" not in client.get(acme.url("audit/")).text
    assert client.post(acme.url("audit/verify/")).status_code == 403


@pytest.mark.parametrize("role", ["reviewer", "executive", "csm"])
def test_what_followed_signs_in_the_whole_workspace_is_not_for_a_part_of_it(acme, role):
    horizons = {"90": {"events": 3, "expected": 2.0}}
    figures = {
        "patterns": {"seats": {"hits": 321, "cases": 987, "chance": 0.3, "low": 0.2, "high": 0.4, "days": 14}},
        "milestones": {"milestone": {"judged": {"n": 7654, "horizons": horizons, "dates": {"n": 0}}}},
    }  # fmt: skip
    with acme.here():
        GrowthReport.objects.create(
            tenant=acme.tenant, as_of=date(2026, 11, 1), run_id=1, figures=figures, seconds=1
        )
    wide, client = signed_in(acme.auditor), signed_in(narrowed(acme.people[role]))
    for query, count in (("", "321 of 987"), ("?kind=lead", "321 of 987"), ("?kind=milestone", "7,654")):
        assert count in wide.get(acme.url(f"growth/{query}")).text
        assert count not in client.get(acme.url(f"growth/{query}")).text


# --- covered fields -----------------------------------------------------------------------------


def test_every_amount_that_an_import_brings_is_covered_by_its_name(acme):
    """A rejected row is stored as it was sent; a new column of money has to stand in the rule too."""
    amounts = {column.name for file in FILES.values() for column in file.columns if column.kind == "money"}
    assert {"arr", "arr_before", "arr_after", "amount"} <= amounts
    assert not [name for name in amounts if not fields.is_covered(acme.support, name)]
