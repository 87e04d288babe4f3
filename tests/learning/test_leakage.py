"""Every kind of planted leak is caught while `backtest` and `train` run, and refuses or warns; without one none is."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from django.apps import apps
from django.db import connection

from accounts.models import Account, Contact, ContactChange
from scoring.engine.churn.data import take
from scoring.engine.values import FORMULAS
from scoring.features import statements
from scoring.learning import as_cut, landmarks, leakage, rolling, training
from scoring.learning.rolling import HORIZON
from tests.learning import leaky_world
from tests.learning.leaky_world import ENCODES_TENURE, END, PLANTED
from tests.learning.made_up import landmarks as made_up
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
SCALED, ENCODED = "satisfaction.slow_replies", "satisfaction.resolution_days"


def quiet(done, total=None, message=""):
    """Nobody reads the progress."""


@pytest.fixture
def small(acme):
    leaky_world.build(acme)
    return acme


def caught(report):
    return {(each["key"], each["feature"]) for each in report["leaks"]}


def refused(report):
    return {(each["key"], each["feature"]) for each in report["leaks"] if each["refuses"]}


def no_limit_between_statements():
    """The test's one transaction is idle while the maths runs."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def gathered(world):
    no_limit_between_statements()
    return landmarks.gather(world.tenant, as_of=END, said=quiet)


def judged(world, made):
    chosen, stack = made
    return training.backtest(world.tenant, chosen=chosen, stack=stack, said=quiet, names=("additive",))


def test_honest_landmarks_refuse_nothing(small):
    assert refused(judged(small, gathered(small))) == set()


def test_figures_that_know_the_future_or_today_refuse_the_version(small, monkeypatch):
    from scoring import pipeline

    monkeypatch.setitem(statements.EVIDENCE, "planted", leaky_world.STATEMENT)
    pipeline.score_day(
        small.tenant, as_of=END, by=MAKER
    )  # today's health stands there, as in any used workspace
    for key, (column, _) in PLANTED.items():
        monkeypatch.setitem(FORMULAS, key, lambda raw, name=f"planted.{column}": raw[name])
    made = gathered(small)
    report = judged(small, made)
    wrong = {key for key in PLANTED if key != ENCODES_TENURE}
    assert {("read_later", key) for key in wrong} == {
        each for each in refused(report) if each[0] == "read_later"
    }
    assert ("tenure", ENCODES_TENURE) in caught(report)
    with small.here():
        row = training.train(
            small.tenant, chosen=made[0], stack=made[1], by=MAKER, said=quiet, names=("additive",)
        )
    assert (row.state, row.is_usable) == ("draft", False)
    assert any("business.price_change: " in words for words in training.refusals(row.report))


def test_scaling_and_encodings_over_all_rows_refuse(small):
    chosen, stack = gathered(small)
    x = stack.x.copy()
    at = [stack.names.index(name) for name in (SCALED, ENCODED)]
    x[:, at[0]] = (x[:, at[0]] - 0.5) / np.nanstd(stack.day)
    young = stack.x[:, stack.names.index("account.tenure_days")] < 900
    left = stack.leaves_in < HORIZON
    x[:, at[1]] = np.where(young, left[young].mean(), left[~young].mean())
    assert refused(judged(small, (chosen, replace(stack, x=x)))) == {
        ("read_later", SCALED),
        ("read_later", ENCODED),
    }


def test_customers_chosen_by_what_became_of_them_refuse(small):
    chosen, stack = gathered(small)
    gone = np.isfinite(stack.leaves_in)
    kept = gone | (np.arange(len(stack)) % 2 == 0)  # half of those who stayed are dropped
    assert ("read_whom", "") in refused(judged(small, (chosen, take(stack, kept))))


def test_rows_repeated_to_balance_the_classes_refuse(small):
    chosen, stack = gathered(small)
    more = np.r_[np.arange(len(stack)), np.flatnonzero(np.isfinite(stack.leaves_in))]
    doubled = take(stack, more)
    assert ("duplicates", "") in refused(judged(small, (chosen, doubled)))
    account = np.r_[
        stack.account, np.arange(len(more) - len(stack)) + 7
    ]  # or hidden under numbers of their own
    assert ("read_whom", "") in refused(judged(small, (chosen, replace(doubled, account=account))))


def test_an_account_on_both_sides_of_a_fit_refuses(acme, monkeypatch):
    """One fold keeps days apart and accounts not."""
    monkeypatch.setattr(rolling, "SMALL", {"folds": 1, "at_most": 4})
    report = judged(acme, made_up(accounts=150, days=12, level=-3.0))
    assert ("apart", "") in refused(report)


def test_customers_who_must_give_notice_can_have_a_version(acme):
    """With notice 100 days ahead it tells nearly all of who leaves, in advance. No other figure may."""
    chosen, stack = made_up(accounts=400, days=14)
    no_limit_between_statements()
    rng, x = np.random.default_rng(8), stack.x.copy()
    gave_notice = (stack.leaves_in < 100) & (rng.random(len(stack)) < 0.95)
    for name in ("business.notice_given", "business.discount"):
        x[:, stack.names.index(name)] = gave_notice
    report = judged(acme, (chosen, replace(stack, x=x)))
    told = {key for key, feature in caught(report) if feature == "business.notice_given"}
    assert told == {"alone", "shift_one"}
    assert {feature for _, feature in refused(report)} == {"business.discount"}


def test_of_todays_fields_segment_and_employees_alone_are_read(small):
    """They have no history and are taken as they stand, past days too; other fields of today change no landmark."""
    day = date(2026, 5, 4)
    before = landmarks.read(small.tenant, day=day)
    with small.here():
        Account.objects.update(
            plan="other", owner_email="new@acme.example", region="North", strategic=True, attributes={"x": 1}
        )
    again = landmarks.read(small.tenant, day=day)
    np.testing.assert_array_equal(before.x, again.x)
    with small.here():
        Account.objects.update(segment="enterprise", employees=500)
    now = landmarks.read(small.tenant, day=day)
    moved = {
        name
        for at, name in enumerate(now.names)
        if not np.array_equal(before.x[:, at], now.x[:, at], equal_nan=True)
    }
    assert moved == {"segment.enterprise", "segment.smb", "business.room_to_grow"}


def test_nothing_of_the_second_reading_stays(small):
    day = date(2026, 5, 1)
    with as_cut.known_before(day), small.here(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(opened_at)::date FROM accounts_ticket")
        hidden, last = cursor.fetchone()
    assert last < day
    with small.here(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(opened_at)::date FROM accounts_ticket")
        assert cursor.fetchone()[0] > hidden
        cursor.execute("SELECT count(*) FROM pg_views WHERE schemaname LIKE 'pg_temp%'")
        assert cursor.fetchone() == (0,)


def test_the_second_reading_knows_the_roles_of_then(small):
    """As the first one does: a role that an import changed later is no figure that knew the future."""
    first = landmarks.read(small.tenant, day=END)
    told = {"tenant": small.tenant, "field": "role"}
    with small.here():
        for account in Account.objects.for_tenant(small.tenant):
            person = Contact.objects.create(
                tenant=small.tenant,
                account=account,
                external_id=f"P{account.pk}",
                role="user",
                joined_at=None,
            )
            for days, old, new in (
                (-30, "admin", "champion"),
                (1, "champion", "admin"),
                (5, "admin", "user"),
            ):
                at = datetime.combine(END + timedelta(days=days), time(), UTC)
                ContactChange.objects.create(contact=person, old=old, new=new, changed_at=at, **told)
    with as_cut.known_before(END), small.here(), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT role FROM accounts_contact")
        assert cursor.fetchall() == [("champion",)]
        cursor.execute("SELECT DISTINCT old, new FROM accounts_contactchange")
        assert cursor.fetchall() == [("admin", "champion")]
    read, again = landmarks.read(small.tenant, day=END), as_cut.read(small.tenant, day=END)
    np.testing.assert_array_equal(read.x, again.x)
    at = read.names.index("stakeholders.champion_present")
    assert np.isnan(first.x[:, at]).all()
    assert (read.x[:, at] == 1).all()


def test_the_second_reading_shows_one_tenant_alone(small, globex):
    with as_cut.known_before(END), globex.here(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_ticket")
        assert cursor.fetchone() == (0,)


def test_every_table_that_figures_read_is_hidden_from_or_known_to_have_no_time():
    timeless = {
        "scoring_textreading",
        "scoring_competitor",
    }  # belong to rows that are hidden; a list of names
    read = set(
        re.findall(
            r"\b(?:accounts|scoring)_[a-z_]+",
            " ".join([*statements.EVIDENCE.values(), statements.ARR, statements.CUSTOMERS, statements.RATES]),
        )
    )
    assert read - set(as_cut.TABLES) == timeless
    evidence = {each._meta.db_table for each in apps.get_app_config("accounts").get_models()}
    without_facts = {
        "accounts_accountuserperm", "accounts_accountgroupperm", "accounts_accountshare", "accounts_product",
        "accounts_erasedmark",
    }  # fmt: skip
    assert evidence - set(as_cut.TABLES) == without_facts


def test_of_many_rows_some_accounts_show_what_a_feature_tells_and_all_what_is_there_twice(acme, monkeypatch):
    monkeypatch.setattr(leakage, "MOST_ROWS", 1_500)
    chosen, stack = made_up(accounts=400, days=14)
    no_limit_between_statements()
    x = stack.x.copy()
    x[:, stack.names.index("business.discount")] = stack.leaves_in < 90
    doubled = take(replace(stack, x=x), np.r_[np.arange(len(stack)), [len(stack) - 1]])
    some = leakage._some_accounts(doubled)
    assert 1_000 < len(some) < 2_000
    assert not np.isin(some.account, np.setdiff1d(doubled.account, some.account)).any()
    assert len(some) == np.isin(doubled.account, some.account).sum()
    assert {("alone", "business.discount"), ("duplicates", "")} <= refused(judged(acme, (chosen, doubled)))
