"""Stakeholders, community and feedback against figures worked out by hand, with later facts left out."""

from datetime import timedelta

import pytest

from accounts import models
from scoring.people.models import SourceCorrection
from tests.scoring.evidence import DAY, add, ago, contact, rich, subscribe
from tests.scoring.readings import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account(customer_since=DAY - timedelta(days=400))


@pytest.fixture
def other(acme):
    """A second customer, so that a source can be there without speaking of `account`."""
    return acme.add_account("Other", customer_since=DAY - timedelta(days=400))


def meet(world, account, days, *people, kind="meeting", **values):
    ids = [each if isinstance(each, str) else each.external_id for each in people]
    add(world, account, models.Activity, kind=kind, occurred_at=ago(days), contact_external_ids=ids, **values)


def test_people_and_departments_in_touch(acme, account, other):
    subscribe(acme, account, seats=100)  # two departments are to be expected
    anna = contact(acme, account, department="IT")
    ben = contact(acme, account, department="it")
    cara = contact(acme, account, department="Finance")
    contact(acme, account, department="Sales")  # never in touch
    gone = contact(acme, account, department="Legal", departed_at=ago(1))
    later = contact(acme, account, department="Risk", joined_at=ago(0))
    meet(acme, account, 10, anna, ben, gone, later, "stranger")
    meet(acme, account, 120, cara)
    meet(acme, account, 0, cara)
    found, none = read(acme, account, other)
    assert found["stakeholders.multi_threading"].value == 0.5  # Anna and Ben of four
    assert found["stakeholders.department_spread"].value == 1.0  # it and finance, in 180 days
    assert found["stakeholders.single_threaded"].value == 0
    assert (
        found["stakeholders.active_contacts"].value == 4
    )  # two known, one not, and one whose joining comes later
    assert [none[f"stakeholders.{each}"].missing for each in ("multi_threading", "department_spread")] == [
        "not_yet"
    ] * 2
    assert none["stakeholders.single_threaded"].value == 1


def test_strength_of_the_champion(acme, account, other):
    champion = contact(acme, account, "champion", seniority="director")
    contact(acme, account, "champion", seniority="c_level", departed_at=ago(3))
    user = contact(acme, account, "user")
    for days in (5, 20, 60):
        meet(acme, account, days, champion if days == 5 else user, user if days != 20 else "stranger")
    # champion 1 of 6 mentions in 90 days: 60 x (1/6) / 0.5 = 20; a director: 30
    meet(acme, account, 91, champion)
    meet(acme, account, 9, champion, kind="note")
    found = read(acme, account)
    assert found["stakeholders.champion_strength"].value == pytest.approx(50)
    contact(acme, other, "user")
    assert read(acme, other)["stakeholders.champion_strength"].value == 0


def test_vulnerability_of_the_champion(acme, account, other):
    champion = contact(acme, account, "champion", joined_at=ago(390))
    meet(acme, account, 60, champion)
    meet(acme, account, 5, champion, kind="email", direction="outbound")  # nobody answered
    assert (
        read(acme, account)["stakeholders.champion_vulnerability"].value == 30
    )  # half way from 30 to 90 days
    contact(acme, account, "champion", departed_at=ago(180))
    found = read(acme, account)["stakeholders.champion_vulnerability"]
    assert (found.value, found.newest_ago) == (70, 60)
    new = contact(acme, account, "champion", joined_at=ago(12))
    assert (
        read(acme, account)["stakeholders.champion_vulnerability"].value == 40
    )  # silence counts from the newest
    assert new.joined_at
    contact(acme, other, "user")
    assert read(acme, other)["stakeholders.champion_vulnerability"].missing == "not_yet"
    contact(acme, other, "champion", departed_at=ago(300))
    assert read(acme, other)["stakeholders.champion_vulnerability"].value == 100


def changed(world, person, field, old, new, days):
    """What an import found changed about a person so many days before."""
    return models.ContactChange.objects.create(
        tenant=world.tenant, contact=person, field=field, old=old, new=new, changed_at=ago(days)
    )


@pytest.fixture
def champion(acme, account):
    """One whose silence alone makes 30 of 100 points: half way from 30 to 90 days."""
    champion = contact(acme, account, "champion", joined_at=ago(390), title="Head of IT")
    meet(acme, account, 60, champion)
    meet(acme, account, 5, champion, kind="email", direction="outbound")  # nobody answered
    return champion


def vulnerability(world, account):
    return read(world, account)["stakeholders.champion_vulnerability"].value


@pytest.mark.parametrize(("days", "wanted"), [(0, 30), (1, 50), (180, 50), (181, 30)])
def test_another_title_of_the_champion_counts_for_its_window(acme, account, champion, days, wanted):
    with acme.here():
        changed(acme, champion, "title", "IT Manager", "Head of IT", days)
    assert vulnerability(acme, account) == wanted  # 30 of silence, 20 of the title


@pytest.mark.parametrize(("days", "wanted"), [(0, 30), (1, 70), (180, 70), (181, 30)])
def test_a_champion_who_got_another_role_counts_as_one_who_left(acme, account, champion, days, wanted):
    moved = contact(acme, account, "user", joined_at=ago(390))
    with acme.here():
        changed(acme, moved, "role", "champion", "user", days)
    assert vulnerability(acme, account) == wanted  # 30 of silence, 40 of the role


def test_role_title_and_departure_together(acme, account, other, champion):
    moved = contact(acme, account, "user", joined_at=ago(390))
    with acme.here():
        changed(acme, moved, "role", "champion", "user", 10)
        changed(acme, champion, "title", "IT Manager", "Head of IT", 20)
    assert vulnerability(acme, account) == 90  # 30 of silence, 40 and 20
    contact(acme, account, "champion", departed_at=ago(5))
    assert vulnerability(acme, account) == 90  # losing one is counted once
    last = contact(acme, other, "executive_sponsor")
    assert vulnerability(acme, other) is None
    with acme.here():
        changed(acme, last, "role", "champion", "executive_sponsor", 300)
    assert vulnerability(acme, other) == 100  # nobody is champion any more, however long ago


def test_who_became_champion_or_is_it_again_is_no_loss(acme, account, champion):
    with acme.here():
        changed(acme, champion, "title", "IT Manager", "Head of IT", 40)
        changed(acme, champion, "role", "user", "champion", 40)  # with the title, in one import
        assert vulnerability(acme, account) == 30
        changed(acme, champion, "role", "champion", "admin", 20)
        changed(acme, champion, "role", "admin", "champion", 19)
        assert vulnerability(acme, account) == 30


def put_right(world, person, old, new, days):
    """A role as somebody corrected it so many days before."""
    models.Contact.objects.filter(pk=person.pk).update(role=new)
    return SourceCorrection.objects.create(
        tenant=world.tenant, account_id=person.account_id, source="contact", row_id=person.pk, row_label="P",
        field="role", old=old, new=new, why="She told us.", created_at=ago(days),
        superseded_at=ago(0),  # one in force a row; that an older one was overtaken alters nothing
    )  # fmt: skip


@pytest.mark.parametrize("days", [0, 1, 300])
def test_who_never_was_a_champion_is_none_that_was_lost(acme, account, champion, days):
    with acme.here():
        put_right(acme, champion, "champion", "user", days)
        assert vulnerability(acme, account) is None  # the role stands corrected at once, for every day
        changed(acme, champion, "role", "user", "champion", days + 5)  # even where an import had brought it
        assert vulnerability(acme, account) is None


def test_a_click_that_was_put_right_is_no_loss(acme, account, other, champion):
    person, there = contact(acme, other, "user"), contact(acme, account, "user")
    with acme.here():
        for each in (person, there):
            put_right(acme, each, "user", "champion", 9)
            put_right(acme, each, "champion", "user", 8)
    assert vulnerability(acme, other) is None
    assert vulnerability(acme, account) == 30  # of the champion's silence alone


def test_who_was_put_right_to_be_champion_is_one_from_then_on(acme, account, champion):
    with acme.here():
        changed(acme, champion, "title", "IT Manager", "Head of IT", 40)
        assert vulnerability(acme, account) == 50
        put_right(acme, champion, "user", "champion", 30)
        assert vulnerability(acme, account) == 30  # the title is older
        changed(acme, champion, "role", "champion", "user", 10)
        models.Contact.objects.filter(pk=champion.pk).update(role="user")
        assert vulnerability(acme, account) == 100  # that an import took it away is a loss


def test_a_later_change_of_a_role_alters_no_figure_of_the_day(acme):
    """The cut: what an import brings on the day or after it is not known before it, for any indicator."""
    account = rich(acme)
    with acme.here():
        person = models.Contact.objects.get(account=account)
        models.Survey.objects.update(
            contact_external_id=person.external_id, comment="A terrible, awful loss."
        )
    sponsor = contact(acme, account, "user", joined_at=ago(200))
    meet(acme, account, 12, sponsor)
    before = evaluated(acme)
    assert before["stakeholders.champion_present"].value == 1
    with acme.here():
        for row, old, new in ((person, "champion", "executive_sponsor"), (sponsor, "user", "economic_buyer")):
            models.Contact.objects.filter(pk=row.pk).update(role=new, title="New")
            changed(acme, row, "role", old, "admin", 0)
            changed(acme, row, "role", "admin", new, -3)
            changed(acme, row, "title", "Old", "New", 0)
    assert evaluated(acme) == before
    with acme.here():
        models.ContactChange.objects.update(changed_at=ago(1))
    after = evaluated(acme)
    names = ("champion_present", "champion_vulnerability", "sponsor_contact_days")
    assert all(after[f"stakeholders.{name}"] != before[f"stakeholders.{name}"] for name in names)


def evaluated(world):
    """Every indicator of the one account, texts read."""
    from scoring.sentiment.reading import read_new

    read_new(world.tenant)
    with world.here():
        return read(world, models.Account.objects.get())


def test_depth_of_the_executives(acme, account, other):
    chief = contact(acme, account, "executive_sponsor", seniority="c_level")
    left = contact(acme, account, "user", seniority="c_level", departed_at=ago(10))
    director = contact(acme, account, "executive_sponsor", seniority="director")
    meet(acme, account, 300, chief, kind="qbr")
    meet(acme, account, 40, chief, left, kind="advisory_council")
    meet(acme, account, 39, director, kind="planning_session")
    meet(acme, account, 20, chief, kind="meeting")
    meet(acme, account, 366, chief, kind="qbr")
    meet(acme, account, 0, chief, kind="qbr")
    found = read(acme, account)["stakeholders.executive_depth"]
    assert (found.value, found.newest_ago) == (2, 40)
    assert read(acme, other)["stakeholders.executive_depth"].missing == "not_yet"  # no chief is known
    contact(acme, other, seniority="c_level")
    assert read(acme, other)["stakeholders.executive_depth"].value == 0


def test_community_is_a_figure_only_for_who_takes_part(acme, account, other):
    for kind, days in (
        ("community_post", 365), ("community_post", 3), ("community_post", 366), ("community_post", 0),
        ("docs_contribution", 50), ("conference_talk", 60), ("beta_program", 400),
    ):  # fmt: skip
        add(acme, account, models.Activity, kind=kind, occurred_at=ago(days))
    found, none = read(acme, account, other)
    keys = (
        "engagement.community_posts", "engagement.docs_contributions", "engagement.talks", "engagement.beta_programs",
    )  # fmt: skip
    assert [found[each].value for each in keys] == [2, 1, 1, None]
    assert [found[each].newest_ago for each in keys[:3]] == [3, 50, 60]
    assert [none[each].missing for each in keys] == ["not_yet"] * 4
    assert found["engagement.community_posts"].text == "2 community posts in 365 days"


def test_answers_and_feedback(acme, account, other):
    for kind, comment, days in (
        ("nps", "Fine", 10), ("nps", "", 20), ("review", "", 30), ("csat", "Good", 366), ("csat", "Good", 0),
    ):  # fmt: skip
        add(acme, account, models.Survey, kind=kind, score=4, comment=comment, responded_at=ago(days))
    found, none = read(acme, account, other)
    assert found["satisfaction.answers_365d"].value == 3
    assert found["satisfaction.feedback_365d"].value == 2
    assert none["satisfaction.answers_365d"].value == 0
    assert none["satisfaction.feedback_365d"].value == 0
