"""Every indicator against figures worked out by hand, with facts of the day itself and later left out."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from accounts import models
from scoring.catalogue import INDICATORS
from tests.scoring.evidence import DAY, add, add_usage, ago, contact, subscribe
from tests.scoring.finding import found, missing, value

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account()


@pytest.fixture
def other(acme):
    """A second customer, so that a source can be there without speaking of `account`."""
    return acme.add_account("Other")


def test_every_indicator_has_a_test_here():
    here = Path(__file__).parent
    source = "".join(
        path.read_text() for path in (*here.glob("test_indicators*.py"), here / "test_sentiment.py")
    )
    untested = [each.key for each in INDICATORS if f'"{each.key}"' not in source]
    assert untested == []


# Usage


def test_active_users_per_seat(acme, account):
    subscribe(acme, account, seats=80)
    subscribe(acme, account, seats=20)
    subscribe(acme, account, seats=500, renewal=date(2026, 9, 30))  # ran out the day before
    add_usage(acme, account, first=30, last=21, active_users=30)
    add_usage(acme, account, first=20, last=11, active_users=60)
    add_usage(acme, account, first=10, last=1)  # rows without the metric are unknown, not zero
    add_usage(acme, account, first=0, last=-3, active_users=900)
    add_usage(acme, account, first=40, last=31, active_users=900)
    assert value(acme, account, "usage.active_users_per_seat") == 0.45


def test_active_users_need_seven_days_and_seats(acme, account, other):
    subscribe(acme, account, seats=100)
    add_usage(acme, account, first=6, last=1, active_users=50)
    add_usage(acme, other, first=30, last=1, active_users=50)
    assert missing(acme, account, "usage.active_users_per_seat") == "not_yet"
    assert missing(acme, other, "usage.active_users_per_seat") == "not_yet"


def test_usage_trend_prefers_core_events(acme, account):
    add_usage(acme, account, first=90, last=31, core_events=200, active_users=10)
    add_usage(acme, account, first=30, last=1, core_events=150, active_users=10)
    add_usage(acme, account, first=0, last=-5, core_events=9000, active_users=10)
    assert value(acme, account, "usage.trend_30d") == -0.25
    assert found(acme, account, "usage.trend_30d")["text"] == "Usage down 25% against the 60 days before"


def test_usage_trend_falls_back_to_active_users(acme, account):
    add_usage(acme, account, first=60, last=31, active_users=10)
    add_usage(acme, account, first=30, last=1, active_users=12)
    assert value(acme, account, "usage.trend_30d") == pytest.approx(0.2)


def test_usage_trend_needs_enough_days_of_both(acme, account):
    add_usage(acme, account, first=49, last=31, core_events=10)  # 19 of 20
    add_usage(acme, account, first=30, last=1, core_events=10)
    assert missing(acme, account, "usage.trend_30d") == "not_yet"
    add_usage(acme, account, first=50, last=50, core_events=10)
    assert value(acme, account, "usage.trend_30d") == 0


def test_days_since_last_use(acme, account):
    add_usage(acme, account, first=20, last=9, active_users=3)
    add_usage(acme, account, first=8, last=1, active_users=0, core_events=0)
    assert value(acme, account, "usage.days_since_last") == 9
    assert found(acme, account, "usage.days_since_last")["latest"] == "2026-09-22"


def test_rows_without_use_are_quiet_and_no_rows_are_not_tracked(acme, account, other):
    add_usage(acme, account, first=25, last=1, active_users=0)
    assert value(acme, account, "usage.days_since_last") == 25
    assert missing(acme, other, "usage.days_since_last") == "not_tracked"


def test_a_silent_usage_feed_is_late_not_a_fall(acme, account, other):
    add_usage(acme, account, first=60, last=15, active_users=5)
    assert missing(acme, account, "usage.days_since_last") == "late"
    # it never sent any that could be late
    assert missing(acme, other, "usage.days_since_last") == "not_tracked"
    add_usage(acme, other, first=60, last=1, active_users=5)
    assert value(acme, account, "usage.days_since_last") == 15


def test_usage_breadth_against_the_broadest_accounts(acme, account):
    add_usage(acme, account, first=30, last=1, features_used=3)
    for number, features in enumerate((2, 4, 6, 12, 30)):
        each = acme.add_account(f"Peer {number}")
        add_usage(acme, each, first=30, last=1, features_used=features)
    # sorted 2 3 4 6 12 30: the value at place int(0.9 * 5) = 4 is 12
    assert value(acme, account, "usage.breadth") == 0.25


# Engagement


def test_last_two_way_contact(acme, account):
    add(acme, account, models.Activity, kind="meeting", occurred_at=ago(40))
    add(acme, account, models.Activity, kind="email", direction="inbound", occurred_at=ago(23, hours=-3))
    add(acme, account, models.Activity, kind="email", direction="outbound", occurred_at=ago(2))
    add(acme, account, models.Activity, kind="note", direction="inbound", occurred_at=ago(1))
    add(acme, account, models.Activity, kind="call", occurred_at=ago(0))
    assert value(acme, account, "engagement.last_two_way_contact") == 23


def test_contact_that_was_never_recorded_counts_from_the_first_record(acme, account, other):
    assert missing(acme, account, "engagement.last_two_way_contact") == "not_tracked"
    add(acme, other, models.Activity, kind="email", direction="outbound", occurred_at=ago(150))
    add(acme, other, models.Activity, kind="meeting", occurred_at=ago(3))
    assert value(acme, account, "engagement.last_two_way_contact") == 150
    young = acme.add_account("Young", customer_since=DAY - timedelta(days=12))
    assert value(acme, young, "engagement.last_two_way_contact") == 12


def test_meetings_in_90_days(acme, account, other):
    for kind, days in (("meeting", 90), ("call", 10), ("qbr", 40), ("training", 1), ("email", 5)):
        add(acme, account, models.Activity, kind=kind, occurred_at=ago(days))
    add(acme, account, models.Activity, kind="meeting", occurred_at=ago(90, hours=1))
    add(acme, account, models.Activity, kind="meeting", occurred_at=ago(0))
    assert value(acme, account, "engagement.meetings_90d") == 4
    assert value(acme, other, "engagement.meetings_90d") == 0
    assert found(acme, other, "engagement.meetings_90d")["text"] == "No call or meeting in 90 days"


def test_inbound_share_needs_three_mails(acme, account):
    add(acme, account, models.Activity, kind="email", direction="inbound", occurred_at=ago(10))
    add(acme, account, models.Activity, kind="email", direction="outbound", occurred_at=ago(11))
    add(acme, account, models.Activity, kind="email", occurred_at=ago(11))  # without a direction
    assert missing(acme, account, "engagement.inbound_share") == "not_yet"
    for days in (12, 13):
        add(acme, account, models.Activity, kind="email", direction="outbound", occurred_at=ago(days))
    assert value(acme, account, "engagement.inbound_share") == 0.25


# Satisfaction


def test_nps_latest_is_the_newest_day(acme, account, other):
    for score, days in ((2, 50), (6, 20), (9, 20), (10, 0)):
        add(acme, account, models.Survey, kind="nps", score=score, responded_at=ago(days, hours=-1))
    add(acme, account, models.Survey, kind="csat", score=1, responded_at=ago(5))
    assert value(acme, account, "satisfaction.nps_latest") == 7.5
    assert found(acme, account, "satisfaction.nps_latest")["latest"] == "2026-09-11"
    assert missing(acme, other, "satisfaction.nps_latest") == "not_yet"


def test_an_answer_older_than_a_year_is_not_the_latest(acme, account):
    add(acme, account, models.Survey, kind="nps", score=9, responded_at=ago(366))
    assert missing(acme, account, "satisfaction.nps_latest") == "not_yet"


def test_csat_counts_from_the_ticket_closing(acme, account):
    add(acme, account, models.Ticket, opened_at=ago(120), closed_at=ago(60), csat=5)
    add(acme, account, models.Ticket, opened_at=ago(120), closed_at=ago(95), csat=1)  # closed too long ago
    add(acme, account, models.Ticket, opened_at=ago(20), closed_at=ago(0), csat=1)  # closed on the day
    add(acme, account, models.Ticket, opened_at=ago(20), csat=1)  # a rating without a closing never counts
    add(acme, account, models.Ticket, opened_at=ago(20), closed_at=ago(10))
    add(acme, account, models.Survey, kind="csat", score=2, responded_at=ago(30))
    assert value(acme, account, "satisfaction.csat_90d") == 3.5


def test_change_in_satisfaction_over_all_ratings(acme, account):
    # before: nps 9 = 90, csat survey 5 = 100 -> 95; now: nps 4 = 40, ticket csat 2 = 25 -> 32.5
    add(acme, account, models.Survey, kind="nps", score=9, responded_at=ago(200))
    add(acme, account, models.Survey, kind="csat", score=5, responded_at=ago(91))
    add(acme, account, models.Survey, kind="nps", score=4, responded_at=ago(90))
    assert missing(acme, account, "satisfaction.change") == "not_yet"
    add(acme, account, models.Ticket, opened_at=ago(30), closed_at=ago(20), csat=2)
    assert value(acme, account, "satisfaction.change") == pytest.approx(-62.5)
    assert "Satisfaction down 62 points" in found(acme, account, "satisfaction.change")["text"]


def test_effort_and_reviews_are_ratings_too(acme, account):
    for days in (200, 100):
        add(acme, account, models.Survey, kind="ces", score=7, responded_at=ago(days))  # 100
        add(acme, account, models.Survey, kind="review", score=4, responded_at=ago(days - 80))  # 75
    # before: 100, 100, 75 (120 days ago) = 91.67; now: 75 alone is one answer too few
    assert missing(acme, account, "satisfaction.change") == "not_yet"
    add(acme, account, models.Survey, kind="ces", score=4, responded_at=ago(10))  # 50
    assert value(acme, account, "satisfaction.change") == pytest.approx(62.5 - 275 / 3, abs=1e-6)


def test_ticket_spike_against_the_accounts_own_usual(acme, account):
    for days in (209, 150, 130, 100, 80, 40):  # 6 in 180 days: 1 in 30
        add(acme, account, models.Ticket, opened_at=ago(days))
    add(acme, account, models.Ticket, opened_at=ago(300))
    for days in (30, 20, 10, 5, 1):
        add(acme, account, models.Ticket, opened_at=ago(days))
    add(acme, account, models.Ticket, opened_at=ago(0))
    assert value(acme, account, "satisfaction.ticket_spike") == 3  # (5 + 1) / (1 + 1)


def test_ticket_spike_knows_how_long_it_could_have_looked(acme, account, other):
    add(acme, other, models.Ticket, opened_at=ago(120))  # records begin: 90 days of baseline
    add(acme, account, models.Ticket, opened_at=ago(60))
    add(acme, account, models.Ticket, opened_at=ago(10))
    add(acme, account, models.Ticket, opened_at=ago(11))
    assert value(acme, account, "satisfaction.ticket_spike") == pytest.approx(3 / (1 + 30 / 90), abs=1e-6)
    young = acme.add_account("Young", customer_since=DAY - timedelta(days=80))
    assert missing(acme, young, "satisfaction.ticket_spike") == "not_yet"


def test_open_escalations(acme, account, other):
    add(acme, account, models.Ticket, opened_at=ago(20), escalated_at=ago(10))
    add(acme, account, models.Ticket, opened_at=ago(20), escalated_at=ago(12), closed_at=ago(0))
    add(acme, account, models.Ticket, opened_at=ago(20), escalated_at=ago(12), closed_at=ago(1))
    add(acme, account, models.Ticket, opened_at=ago(20), escalated_at=ago(0))
    assert value(acme, account, "satisfaction.open_escalations") == 2
    assert found(acme, account, "satisfaction.open_escalations")["latest"] == "2026-09-21"
    assert value(acme, other, "satisfaction.open_escalations") == 0


def test_slow_replies(acme, account, other):
    add(acme, account, models.Ticket, opened_at=ago(80), first_response_at=ago(79, hours=1))  # 23 h
    add(acme, account, models.Ticket, opened_at=ago(80), first_response_at=ago(78))  # 48 h: slow
    add(acme, account, models.Ticket, opened_at=ago(3), first_response_at=ago(-1))  # unanswered: slow
    add(acme, account, models.Ticket, opened_at=ago(0, hours=5))  # may still be answered in time
    add(acme, account, models.Ticket, opened_at=ago(0, hours=9), first_response_at=ago(0, hours=8))
    add(acme, account, models.Ticket, opened_at=ago(91), first_response_at=ago(60))
    assert value(acme, account, "satisfaction.slow_replies") == 0.5
    assert missing(acme, other, "satisfaction.slow_replies") == "not_yet"


# Business


def bill(world, account, *, due, paid=None, **values):
    paid_at = None if paid is None else ago(paid)
    return add(
        world, account, models.Invoice, issued_at=ago(due + 30), due_at=ago(due), paid_at=paid_at, amount=1,
        currency="USD", **values,
    )  # fmt: skip


def test_overdue_days(acme, account, other):
    bill(acme, account, due=50, paid=49)
    bill(acme, account, due=33, paid=0)  # paid on the day: not known yet
    bill(acme, account, due=12)
    bill(acme, account, due=70, voided_at=ago(60))
    assert value(acme, account, "business.overdue_days") == 33
    assert missing(acme, other, "business.overdue_days") == "not_yet"
    bill(acme, other, due=-5)
    assert value(acme, other, "business.overdue_days") == 0


def test_late_payments(acme, account, other):
    bill(acme, account, due=300, paid=294)  # 6 days late
    bill(acme, account, due=200, paid=195)  # 5 days: still fine
    bill(acme, account, due=100, paid=110)
    bill(acme, account, due=40)  # unpaid for 40 days
    bill(acme, account, due=4)  # too young to be late
    bill(acme, account, due=366)
    assert value(acme, account, "business.late_payments") == 0.5
    bill(acme, other, due=40)
    assert missing(acme, other, "business.late_payments") == "not_yet"


def test_notice_given(acme, account, other):
    subscribe(acme, account, cancelled_at=ago(7))
    subscribe(acme, account)
    assert value(acme, account, "business.notice_given") == 1
    assert found(acme, account, "business.notice_given")["latest"] == "2026-09-24"
    subscribe(acme, other, cancelled_at=ago(0))
    subscribe(acme, other, cancelled_at=ago(50), renewal=date(2026, 9, 20))
    assert value(acme, other, "business.notice_given") == 0


def test_days_to_renewal(acme, account, other):
    subscribe(acme, account, renewal=date(2026, 10, 11), auto_renew=True)
    subscribe(acme, account, renewal=date(2026, 12, 30), auto_renew=False)
    assert value(acme, account, "business.days_to_renewal") == 90
    subscribe(acme, other, renewal=date(2026, 10, 11), auto_renew=True)
    assert value(acme, other, "business.days_to_renewal") == 365
    ended = acme.add_account("Ended")
    subscribe(acme, ended, renewal=DAY - timedelta(days=8))
    assert value(acme, ended, "business.days_to_renewal") == -8
    assert found(acme, ended, "business.days_to_renewal")["text"] == "The last term ran out 8 days ago"


def test_a_term_is_active_on_its_renewal_date_and_not_on_its_first_day(acme, account, other):
    subscribe(acme, account, renewal=DAY)
    assert value(acme, account, "business.days_to_renewal") == 0
    subscribe(acme, other, started_at=ago(0))
    assert missing(acme, other, "business.days_to_renewal") == "not_yet"


def test_notice_makes_an_automatic_renewal_a_decision(acme, account):
    subscribe(acme, account, renewal=date(2026, 10, 31), auto_renew=True, cancelled_at=ago(3))
    assert value(acme, account, "business.days_to_renewal") == 30


def test_adverse_news(acme, account, other):
    for kind, days in (
        ("layoffs", 90),
        ("funding", 10),
        ("restructuring", 1),
        ("layoffs", 91),
        ("layoffs", 0),
    ):
        add(acme, account, models.CompanyEvent, kind=kind, published_at=ago(days))
    assert value(acme, account, "business.adverse_news_90d") == 2
    assert value(acme, other, "business.adverse_news_90d") == 0


# Stakeholders


def test_champion_present(acme, account, other):
    contact(acme, account, "champion", departed_at=ago(9))
    contact(acme, account, "champion", joined_at=ago(0))  # joins on the day: not known yet
    contact(acme, account, "user")
    assert value(acme, account, "stakeholders.champion_present") == 0
    assert found(acme, account, "stakeholders.champion_present")["latest"] == "2026-09-22"
    assert missing(acme, other, "stakeholders.champion_present") == "not_yet"
    contact(acme, other, "champion", departed_at=ago(0))  # leaves on the day: still there
    assert value(acme, other, "stakeholders.champion_present") == 1


def test_active_contacts(acme, account, other):
    here, gone = contact(acme, account), contact(acme, account, departed_at=ago(5))
    both = [here.external_id, gone.external_id]
    add(acme, account, models.Activity, kind="email", occurred_at=ago(30), contact_external_ids=both)
    add(
        acme, account, models.Activity, kind="call", occurred_at=ago(9), contact_external_ids=[both[0], "new"]
    )
    add(acme, account, models.Activity, kind="note", occurred_at=ago(9), contact_external_ids=["noted"])
    add(acme, account, models.Activity, kind="call", occurred_at=ago(91), contact_external_ids=["old"])
    add(acme, account, models.Activity, kind="call", occurred_at=ago(0), contact_external_ids=["later"])
    assert value(acme, account, "stakeholders.active_contacts") == 2
    assert value(acme, other, "stakeholders.active_contacts") == 0


def test_sponsor_contact(acme, account, other):
    boss = contact(acme, account, "executive_sponsor")
    chief = contact(acme, account, "user", seniority="c_level", departed_at=ago(20))
    user = contact(acme, account, "user", seniority="manager")
    for person, kind, direction, days in (
        (boss, "meeting", "", 96),
        (boss, "email", "outbound", 4),
        (chief, "meeting", "", 30),
        (user, "meeting", "", 2),
        (boss, "meeting", "", 0),
    ):
        add(
            acme, account, models.Activity, kind=kind, direction=direction, occurred_at=ago(days),
            contact_external_ids=[person.external_id],
        )  # fmt: skip
    assert value(acme, account, "stakeholders.sponsor_contact_days") == 96
    assert missing(acme, other, "stakeholders.sponsor_contact_days") == "not_yet"
    contact(acme, other, "economic_buyer")
    assert value(acme, other, "stakeholders.sponsor_contact_days") == 96  # as long as there are records


# Outcomes


def test_objectives_overdue(acme, account, other):
    def objective(due, achieved=None, declared=500):
        achieved_at = None if achieved is None else ago(achieved)
        add(
            acme, account, models.Objective, name="Goal", declared_at=ago(declared), due_at=ago(due),
            achieved_at=achieved_at,
        )  # fmt: skip

    objective(due=100, achieved=120)
    objective(due=90, achieved=10)  # late, but reached
    objective(due=80, achieved=0)  # reached on the day: not known yet
    objective(due=30)
    objective(due=-10)  # not due yet
    objective(due=366)
    objective(due=5, declared=0)
    assert value(acme, account, "outcomes.objectives_overdue") == 0.5
    assert missing(acme, other, "outcomes.objectives_overdue") == "not_yet"


def test_milestones_late(acme, account, other):
    for due, completed in ((100, 90), (50, None), (20, 0), (-1, None), (366, None), (40, 50)):
        completed_at = None if completed is None else ago(completed)
        add(acme, account, models.Milestone, name="Step", due_at=ago(due), completed_at=completed_at)
    add(acme, account, models.Milestone, name="Without a date")
    assert value(acme, account, "outcomes.milestones_late") == 0.5
    assert missing(acme, other, "outcomes.milestones_late") == "not_yet"


def test_another_tenants_evidence_changes_nothing(acme, globex, account):
    add(acme, account, models.Activity, kind="meeting", occurred_at=ago(10))
    theirs = globex.add_account("Theirs")
    add(globex, theirs, models.Activity, kind="meeting", occurred_at=ago(2))
    add(globex, theirs, models.Ticket, opened_at=ago(2), escalated_at=ago(1))
    assert value(acme, account, "engagement.meetings_90d") == 1
    assert missing(acme, account, "satisfaction.open_escalations") == "not_tracked"
