"""The later indicators of engagement, support and surveys against figures worked out by hand."""

import pytest

from accounts import models
from tests.scoring.evidence import add, ago
from tests.scoring.finding import found, missing, value

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return acme.add_account()


@pytest.fixture
def other(acme):
    return acme.add_account("Other")


def mail(world, account, direction, days, hours=0, kind="email"):
    return add(
        world, account, models.Activity, kind=kind, direction=direction, occurred_at=ago(days, hours=hours)
    )


def test_hours_until_the_customer_answers(acme, account, other):
    mail(acme, other, "outbound", 2)  # the source is alive
    mail(acme, account, "outbound", 80)
    mail(acme, account, "inbound", 79)  # 24 h
    assert missing(acme, account, "engagement.reply_hours") == "not_yet"
    mail(acme, account, "outbound", 60)
    mail(acme, account, "outbound", 59)
    mail(acme, account, "", 58)  # of no direction: neither asks nor answers
    mail(acme, account, "inbound", 57)  # 48 h after the later of the two
    mail(acme, account, "inbound", 56)  # nothing was asked
    mail(acme, account, "outbound", 50)
    mail(acme, account, "inbound", 35)  # 15 days later is no answer
    mail(acme, account, "outbound", 10)
    mail(acme, account, "inbound", 10, hours=-2)  # 2 h
    mail(acme, account, "outbound", 1)
    mail(acme, account, "inbound", 0)  # on the day: not known yet
    mail(acme, account, "outbound", 95)
    mail(acme, account, "inbound", 94)
    assert value(acme, account, "engagement.reply_hours") == 24  # of 2, 24 and 48
    assert found(acme, account, "engagement.reply_hours")["text"] == "Answers our mails after 24 hours"
    assert missing(acme, other, "engagement.reply_hours") == "not_yet"


def test_mails_without_an_answer(acme, account, other):
    mail(acme, account, "outbound", 40)
    mail(acme, account, "inbound", 30)
    mail(acme, account, "outbound", 20)
    mail(acme, account, "outbound", 5)
    mail(acme, account, "inbound", 4, kind="note")  # a note is no answer
    mail(acme, account, "outbound", 0)
    assert value(acme, account, "engagement.unanswered") == 2
    mail(acme, account, "", 3, kind="meeting")
    assert value(acme, account, "engagement.unanswered") == 0
    mail(acme, other, "outbound", 91)
    mail(acme, other, "outbound", 90)
    assert value(acme, other, "engagement.unanswered") == 1
    assert found(acme, other, "engagement.unanswered")["text"] == "Our last 1 mail had no answer"


def test_trainings_in_a_year(acme, account, other):
    for days in (366, 365, 20, 0):
        mail(acme, account, "", days, kind="training")
    mail(acme, account, "", 5, kind="meeting")
    assert value(acme, account, "engagement.trainings_365d") == 2
    assert found(acme, account, "engagement.trainings_365d")["latest"] == "2026-09-11"
    assert value(acme, other, "engagement.trainings_365d") == 0


def test_escalations_of_90_days(acme, account, other):
    add(acme, account, models.Ticket, opened_at=ago(200), escalated_at=ago(90), closed_at=ago(80))
    add(acme, account, models.Ticket, opened_at=ago(95), escalated_at=ago(91))
    add(acme, account, models.Ticket, opened_at=ago(9), escalated_at=ago(8))
    add(acme, account, models.Ticket, opened_at=ago(9), escalated_at=ago(0))  # on the day
    assert value(acme, account, "satisfaction.escalations_90d") == 2
    assert value(acme, other, "satisfaction.escalations_90d") == 0


def test_tickets_left_open(acme, account, other):
    add(acme, account, models.Ticket, opened_at=ago(7, hours=1))
    add(acme, account, models.Ticket, opened_at=ago(7))  # not over a week yet
    add(acme, account, models.Ticket, opened_at=ago(30), closed_at=ago(0))  # closed on the day
    add(acme, account, models.Ticket, opened_at=ago(30), closed_at=ago(1))
    assert value(acme, account, "satisfaction.backlog") == 2
    assert value(acme, other, "satisfaction.backlog") == 0


def test_time_to_resolve(acme, account, other):
    add(acme, other, models.Ticket, opened_at=ago(2))  # the source is alive
    add(acme, account, models.Ticket, opened_at=ago(95), closed_at=ago(90))  # 5 days
    assert missing(acme, account, "satisfaction.resolution_days") == "not_yet"
    add(acme, account, models.Ticket, opened_at=ago(50), closed_at=ago(48, hours=12))  # 1.5 days
    add(acme, account, models.Ticket, opened_at=ago(50), closed_at=ago(10))  # 40 days
    add(acme, account, models.Ticket, opened_at=ago(300), closed_at=ago(91))  # closed too long ago
    add(acme, account, models.Ticket, opened_at=ago(20), closed_at=ago(0))  # on the day
    add(acme, account, models.Ticket, opened_at=ago(20))
    assert value(acme, account, "satisfaction.resolution_days") == 5


def answer(world, account, kind, score, days):
    return add(world, account, models.Survey, kind=kind, score=score, responded_at=ago(days))


def test_change_in_nps(acme, account):
    answer(acme, account, "nps", 9, 20)
    answer(acme, account, "nps", 6, 20)  # newest day: 7.5
    answer(acme, account, "nps", 10, 0)  # on the day
    assert missing(acme, account, "satisfaction.nps_change") == "not_yet"
    answer(acme, account, "nps", 0, 366)  # too long ago
    answer(acme, account, "nps", 9, 365)
    answer(acme, account, "nps", 10, 100)
    answer(acme, account, "csat", 1, 30)
    assert value(acme, account, "satisfaction.nps_change") == -2
    assert (
        found(acme, account, "satisfaction.nps_change")["text"]
        == "NPS answers down 2.0 points on those before"
    )


def test_silence_on_nps(acme, account, other):
    answer(acme, other, "csat", 4, 200)
    assert missing(acme, account, "satisfaction.nps_silence") == "not_yet"  # nobody is ever asked
    answer(acme, account, "nps", 7, 130)
    answer(acme, account, "nps", 7, 0)
    assert value(acme, account, "satisfaction.nps_silence") == 130
    assert value(acme, other, "satisfaction.nps_silence") == 200  # as long as there are records


def test_customer_effort(acme, account, other):
    for score, days in ((6, 180), (3, 10), (1, 181), (1, 0)):
        answer(acme, account, "ces", score, days)
    assert value(acme, account, "satisfaction.ces_180d") == 4.5
    assert found(acme, account, "satisfaction.ces_180d")["latest"] == "2026-09-21"
    assert missing(acme, other, "satisfaction.ces_180d") == "not_yet"
