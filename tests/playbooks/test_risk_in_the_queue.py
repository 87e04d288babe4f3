"""The level of risk beside the band: in rows, filter, order and address of the queue, and on the account page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from playbooks.models import Cue, Playbook
from playbooks.services.cues import give_turns
from scoring.models import ChanceSettings
from tests.playbooks.makers import TODAY, health_row
from tests.playbooks.test_admin import admin, change, the_playbook  # noqa: F401  a fixture
from tests.playbooks.test_flags import follow, here, rose  # noqa: F401  a fixture
from tests.playbooks.test_queue import get, names, put, scored

pytestmark = pytest.mark.django_db
LEVELS = {
    "Calm": ("low", "0.05"),
    "Doubtful": ("medium", "0.31"),
    "Raised": ("high", "0.29"),
    "Worst": ("critical", "0.7"),
}


@pytest.fixture
def four(acme):
    """One of each level, by the chance in another order than by the level, and one without a chance."""
    scored(acme)
    accounts = {
        name: put(
            acme,
            name,
            risk_level=level,
            p30=p,
            p60=p,
            p90=p,
            p90_low=p,
            p90_high=p,
            band="healthy",
            health="80",
        )
        for name, (level, p) in LEVELS.items()
    }
    accounts["Nothing"] = put(acme, "Nothing", band="healthy", health="80")
    return accounts


class TestList:
    def test_each_row_names_its_level_beside_the_band(self, client, acme, four):
        page = get(client, acme, view="all").content.decode()
        row = page.split(f'id="item-{four["Raised"].pk}"')[1]
        cell = row.split('class="c-risk"')[1].split('class="c-p"')[0]
        assert "Healthy" in cell
        assert "Risk high" in cell
        assert page.count("Risk low") == page.count("Risk medium") == page.count("Risk critical") == 1

    def test_by_level_then_by_chance_then_those_without(self, acme, four):
        put(acme, "Raised more", risk_level="high", p90="0.55")
        expected = ["Worst", "Raised more", "Raised", "Doubtful", "Calm", "Nothing"]
        assert names(acme, view="all", sort="risk") == expected
        for at, name in enumerate(expected[:-1]):
            with acme.here():
                account = four.get(name) or the_account(acme, name)
            assert names(acme, view="all", sort="risk", after=account.pk) == expected[at + 1 :]
            assert names(acme, view="all", sort="risk", before=account.pk) == (expected[:at] or expected)

    @pytest.mark.parametrize(
        ("risk", "wanted"),
        [("critical", {"Worst"}), ("low", {"Calm"}), ("none", {"Nothing"}), ("waits", set())],
    )
    def test_one_level_at_a_time(self, acme, four, risk, wanted):
        assert set(names(acme, view="all", risk=risk)) == wanted

    def test_filter_and_order_are_in_the_address(self, client, acme, four):
        answer = get(client, acme, path="queue/rows/", view="all", risk="high", sort="risk", q="R")
        assert answer["HX-Push-Url"] == acme.url("queue/?view=all&q=R&risk=high&sort=risk")
        page = get(client, acme, view="all", risk="high").content.decode()
        assert "Remove filter Risk: High" in page
        assert '<option value="high" selected>High</option>' in page
        assert '<option value="risk">Risk level</option>' in page
        assert get(client, acme, view="all", risk="odd").status_code == 200

    def test_without_any_chance_there_is_no_such_filter(self, client, acme):
        scored(acme)
        put(acme, "Nothing")
        assert 'name="risk"' not in get(client, acme).content.decode()


def the_account(world, name):
    from accounts.models import Account

    return Account.objects.for_tenant(world.tenant).get(name=name)


class TestWhatWaits:
    @pytest.fixture
    def full(self, here):  # noqa: F811
        """One given, one that waits for the next week."""
        ChanceSettings.objects.update_or_create(tenant=here.tenant, defaults={"flags_per_csm_week": 1})
        here.given, here.waits = rose(here, "Large", stake="9"), rose(here, "Small", stake="1")
        follow(here)
        assert give_turns(here.tenant, now=timezone.now()) == 1
        return here

    def test_row_head_and_filter_say_that_it_waits(self, client, full):
        page = get(client, full, view="all").content.decode()
        assert "Risk rose from low to high as of 19 Nov 2026. A CSM is given" in page
        assert "Risk rose from low to high: 42% chance of leaving within 90 days" in page
        assert "1 flag waits for its turn</a>" in page
        assert names(full, view="all", risk="waits") == ["Small"]
        assert names(full) == ["Large"]
        hers = get(client, full, "csm2", view="all").content.decode()
        assert "its turn</a>" not in hers

    def test_the_account_page_says_so_and_names_the_level(self, client, full):
        page = get(client, full, path=f"accounts/{full.waits.pk}/").content.decode()
        assert "Waits for its turn" in page
        assert "Risk high" in page.split('id="panel-standing"')[1].split("Leaves within 90 days")[0]
        page = get(client, full, path=f"accounts/{full.given.pk}/").content.decode()
        assert "Risk review is suggested in the queue." in page

    def test_a_term_that_waits_is_named(self, client, full):
        account = full.add_account("Term")
        health_row(full, account, p90=Decimal("0.2"), risk_level="medium")
        ends = TODAY + timedelta(days=170)
        Cue.objects.create(
            tenant=full.tenant, account=account, kind="renewal", state="waiting", is_flag=True, term="T-1", ends=ends,
            playbook=Playbook.objects.get(key="renewal_check"), as_of=TODAY,
        )  # fmt: skip
        page = get(client, full, view="all", risk="waits").content.decode()
        assert (
            f"Main term ends on {ends.day} {ends:%b %Y}, the chance to renew is low. A CSM is given" in page
        )

    def test_plays_of_the_date_alone_that_wait_are_counted_and_listed_by_themselves(self, client, full):
        plan, ends = Playbook.objects.get(key="renewal_plan"), TODAY + timedelta(days=100)
        for name in ("First", "Second"):
            account = full.add_account(name)
            health_row(full, account, renewal=ends)
            Cue.objects.create(
                tenant=full.tenant, account=account, kind="renewal", state="waiting", is_flag=False, term="T-1",
                ends=ends, playbook=plan, as_of=TODAY,
            )  # fmt: skip
        page = get(client, full, view="all").content.decode()
        assert 'view=all&amp;risk=date">2 plays before a renewal wait for their turn</a>' in page
        assert "1 flag waits for its turn</a>" in page
        assert sorted(names(full, view="all", risk="date")) == ["First", "Second"]
        assert names(full, view="all", risk="waits") == ["Small"]
        told = (
            f"Main term ends on {ends.day} {ends:%b %Y}. A CSM is given so many plays before a renewal a week"
        )
        assert page.count(told) == 2
        assert told in get(client, full, path=f"accounts/{account.pk}/").content.decode()
        hers = get(client, full, "csm2", view="all").content.decode()
        assert "before a renewal wait" not in hers


class TestAdmin:
    def test_days_share_and_level_are_rows_of_the_playbook(self, acme, admin):  # noqa: F811
        answer = change(admin, acme, "renewal_check", trigger_days="150", trigger_chance_below="0.7")
        assert answer.status_code == 302, answer.context["errors"]
        row = the_playbook(acme, "renewal_check")
        assert (row.trigger_days, row.trigger_chance_below, row.version) == (150, Decimal("0.7"), 2)
        assert change(admin, acme, "risk_review", trigger_level="critical").status_code == 302
        assert the_playbook(acme, "risk_review").trigger_level == "critical"

    @pytest.mark.parametrize(
        ("key", "values", "words"),
        [
            ("renewal_plan", {"trigger_days": ""}, "Give the days before the end of the term."),
            ("renewal_plan", {"trigger_days": "366"}, "less than or equal to 365"),
            ("renewal_plan", {"trigger_chance_below": "1"}, "less than or equal to 0.999"),
            ("renewal_plan", {"starts_alone": "on"}, "Only a play against a loss"),
            ("risk_review", {"trigger_level": ""}, "Choose the level of risk."),
            ("risk_review", {"trigger_indicators": "usage.*"}, "belongs to another kind of trigger"),
            ("usage_recovery", {"trigger_days": "30"}, "belongs to another kind of trigger"),
            ("usage_recovery", {"trigger_chance_below": "0.5"}, "Only a play before a renewal"),
            ("usage_recovery", {"trigger_indicators": ""}, "Name what the play answers to."),
        ],
    )
    def test_what_does_not_fit_is_refused_with_a_reason(self, acme, admin, key, values, words):  # noqa: F811
        answer = change(admin, acme, key, **values)
        assert answer.status_code == 200
        assert words in answer.content.decode()
        assert the_playbook(acme, key).version == 1
