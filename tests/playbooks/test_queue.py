"""The queue's list: who sees what, in which order, through which filters, page by page."""

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from playbooks.queries import queue, queue_page
from playbooks.queries.queue import SORTS, Wanted
from playbooks.queries.queue_head import head_of
from tenants.access import Right
from tenants.models import Membership
from tenants.roles import RIGHTS
from tests.playbooks.makers import health_row, open_of, suggest
from tests.worlds import ROLES

pytestmark = pytest.mark.django_db
AS_OF = date(2026, 11, 19)
# what opens a transaction or names the tenant is no question to the database
PLUMBING = re.compile(
    r"^(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|SELECT set_config|INSERT INTO tenants_rate_bucket)"
)


def reason(text="Usage down 44%", dimension="usage", key="usage.trend_30d", day="2026-11-19"):
    return {"key": key, "dimension": dimension, "text": text, "points_lost": 8.2, "day": day}


def put(
    world,
    name,
    *,
    owner="csm",
    suggested=True,
    strategic=None,
    segment="",
    reasons=None,
    external_id=None,
    **standing,
):
    """An account with its standing and, if wanted, a suggestion."""
    account = world.add_account(
        name,
        owner=owner,
        strategic=strategic,
        segment=segment,
        industry="logistics",
        external_id=external_id or f"ACC-{name}",
    )
    with world.here():
        health_row(world, account, reasons=[reason()] if reasons is None else reasons, **standing)
        if suggested:
            suggest(world, account, now=timezone.now())
    return account


def scored(world, as_of=AS_OF):
    from scoring.models import ScoreRun

    with world.here():
        return ScoreRun.objects.create(tenant=world.tenant, as_of=as_of, policy_versions={}, fingerprint="x")


def names(world, role="csm", **wanted):
    """The names on the first page, in order."""
    with world.here():
        viewer = world.people[role]
        asked = Wanted(**wanted)
        head = head_of(world.tenant, viewer, asked)
        return [row.account.name for row in queue_page.page(world.tenant, viewer, asked, head).rows]


def get(client, world, role="csm", path="queue/", **query):
    client.force_login(world.people[role].user)
    return client.get(world.url(path), query)


def questions(call):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        call()
    return [each["sql"] for each in captured if not PLUMBING.match(each["sql"])]


class TestWhoSees:
    def test_a_csm_sees_own_accounts_and_the_pooled_ones(self, acme, globex):
        put(acme, "Mine")
        put(acme, "Hers", owner="csm2")
        put(acme, "Nobody's", owner=None)
        put(globex, "Elsewhere")
        assert set(names(acme)) == {"Mine", "Nobody's"}
        assert set(names(acme, "csm2")) == {"Hers", "Nobody's"}
        assert set(names(acme, "manager")) == {"Mine", "Hers", "Nobody's"}
        for role in ("executive", "finance", "auditor", "support", "ops_admin", "revops"):
            assert set(names(acme, role)) == {"Mine", "Hers", "Nobody's"}, role
        assert names(acme, "account_executive") == []

    def test_the_scope_of_a_membership_narrows_the_list(self, acme):
        put(acme, "Small", segment="smb")
        put(acme, "Large", segment="enterprise")
        acme.executive.segments = ["smb"]
        assert names(acme, "executive") == ["Small"]

    def test_another_tenants_queue_is_not_found(self, client, acme, globex):
        put(acme, "Mine")
        client.force_login(globex.csm.user)
        assert client.get(acme.url("queue/")).status_code == 404
        assert client.get(acme.url("queue/rows/")).status_code == 404

    def test_every_role_may_look_and_only_those_who_work_the_queue_get_buttons(self, client, acme):
        put(acme, "Mine")
        for role in ROLES:
            page = get(client, acme, role)
            assert page.status_code == 200, role
            works = Right.WORK_QUEUE in RIGHTS[role]
            assert ("Accept: Usage recovery for Mine" in page.text) == works, role
            assert ('name="item"' in page.text) == works, role
            assert ("Export CSV" in page.text) == (Right.EXPORT in RIGHTS[role]), role

    def test_support_never_sees_money(self, client, acme):
        put(acme, "Mine", arr="123456", arr_reporting="123456")
        for path in ("queue/", "queue/rows/"):
            page = get(client, acme, "support", path, sort="arr")
            assert page.status_code == 200
            assert "Mine" in page.text
            assert "123" not in re.sub(r'(value|content|href|src)="[^"]*"', "", page.text)
            assert "ARR" not in page.text
        assert "$123k" in get(client, acme, "csm").text

    def test_an_order_by_money_is_not_given_to_those_who_may_not_see_it(self, client, acme):
        put(acme, "Poor", arr_reporting="1", priority=9)
        put(acme, "Rich", arr_reporting="1000000", priority=1)
        page = get(client, acme, "support", sort="arr").text
        assert page.index("Poor") < page.index("Rich")
        page = get(client, acme, "csm", sort="arr").text
        assert page.index("Rich") < page.index("Poor")

    def test_a_name_is_never_markup(self, client, acme):
        put(acme, "<script>alert(1)</script>", reasons=[reason(text="<img src=x onerror=alert(2)>")])
        page = get(client, acme, q="<script>").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page

    def test_somebody_who_left_sees_nothing(self, acme):
        put(acme, "Mine")
        Membership.objects.filter(pk=acme.csm.pk).update(is_active=False)
        acme.csm.refresh_from_db()
        assert names(acme) == []


class TestViews:
    @pytest.fixture
    def world(self, acme):
        scored(acme)
        put(acme, "Waits")
        put(acme, "Renews", suggested=False, renewal=AS_OF + timedelta(days=90))
        put(acme, "Renews later", suggested=False, renewal=AS_OF + timedelta(days=91))
        put(acme, "Renewed", suggested=False, renewal=AS_OF - timedelta(days=1))
        plays = put(acme, "Plays")
        sleeps = put(acme, "Sleeps")
        put(acme, "Pooled", suggested=False, owner=None)
        with acme.here():
            from playbooks import services

            row = open_of(acme, plays)
            services.accept(acme.tenant, recommendation_id=row.pk, version=1, by=acme.actor("csm"))
            row = open_of(acme, sleeps)
            services.snooze(
                acme.tenant,
                recommendation_id=row.pk,
                version=1,
                until=timezone.now().date() + timedelta(days=7),
                reason="waiting",
                by=acme.actor("csm"),
            )
        return acme

    def test_what_stands_in_each(self, world):
        assert names(world) == ["Waits"]
        assert set(names(world, view="renewing")) >= {"Renews"}
        assert not {"Renews later", "Renewed"} & set(names(world, view="renewing"))
        assert names(world, view="play") == ["Plays"]
        assert names(world, view="snoozed") == ["Sleeps"]
        assert names(world, view="pooled") == ["Pooled"]
        assert len(names(world, view="all")) == 7

    def test_the_tabs_say_how_many(self, client, world):
        page = get(client, world).text
        found = dict(re.findall(r'id="tab-(\w+)"(?:.|\n)*?<span class="count">([\d,+]+)</span>', page))
        assert int(found.pop("renewing")) == len(names(world, view="renewing"))
        assert found == {"decision": "1", "play": "1", "snoozed": "1", "all": "7", "pooled": "1"}
        assert "All accounts" in get(client, world, "executive").text
        assert "All my accounts" in page

    def test_readers_have_no_pooled_tab(self, client, world):
        page = get(client, world, "executive", view="pooled").text
        assert "tab-pooled" not in page
        assert "Waits" in page  # an unknown view is the first one

    def test_a_row_says_what_is_going_on(self, client, world):
        assert "Starts in a moment" in get(client, world, view="play").text
        page = get(client, world, view="snoozed").text
        assert "Snoozed until" in page
        assert "Waiting for the customer" in page
        assert "New today" in get(client, world).text

    def test_the_head_counts_what_was_decided_today(self, client, world):
        assert "Today: 2 of 3 decided" in get(client, world).text

    def test_counting_stops_at_ten_thousand(self, client, world, monkeypatch):
        monkeypatch.setattr("playbooks.queries.queue_head.COUNT_CAP", 3)
        monkeypatch.setattr("playbooks.views.queue.COUNT_CAP", 3)
        assert '<span class="count">3+</span>' in get(client, world).text


class TestOrder:
    @pytest.fixture
    def world(self, acme):
        put(acme, "B", priority=50, health="30", delta_30="-5", renewal=date(2027, 3, 1), arr_reporting="10")
        put(acme, "A", priority=50, health="20", delta_30=None, renewal=None, arr_reporting="30")
        put(
            acme,
            "C",
            priority=90,
            health=None,
            band="unknown",
            delta_30="-9",
            renewal=date(2027, 1, 1),
            arr=None,
        )
        return acme

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("priority", ["C", "B", "A"]),  # the tie by age
            ("health", ["A", "B", "C"]),
            ("change", ["C", "B", "A"]),
            ("renewal", ["C", "B", "A"]),
            ("arr", ["A", "B", "C"]),
            ("name", ["A", "B", "C"]),
        ],
    )
    def test_each_sort_puts_the_unknown_last(self, world, sort, expected):
        assert names(world, sort=sort) == expected


class TestFilters:
    @pytest.fixture
    def world(self, acme):
        scored(acme)
        put(
            acme,
            "Halden Logistics",
            segment="enterprise",
            band="critical",
            renewal=AS_OF + timedelta(days=20),
        )
        put(
            acme, "Pennick & Rowe", segment="smb", band="watch", owner="csm2", renewal=AS_OF + timedelta(days=80),
            reasons=[reason(), reason("NPS fell", "satisfaction", "satisfaction.change")],
        )  # fmt: skip
        put(
            acme,
            "Nobody's 50%_",
            segment="smb",
            band="unknown",
            health=None,
            owner=None,
            renewal=None,
            reasons=[],
        )
        return acme

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"q": "halden"}, {"Halden Logistics"}),
            ({"q": "%_"}, {"Nobody's 50%_"}),
            ({"q": "\\"}, set()),
            ({"segment": "smb"}, {"Pennick & Rowe", "Nobody's 50%_"}),
            ({"band": "critical"}, {"Halden Logistics"}),
            ({"band": "unknown"}, {"Nobody's 50%_"}),
            ({"reason": "usage"}, {"Halden Logistics", "Pennick & Rowe"}),
            ({"reason": "satisfaction"}, {"Pennick & Rowe"}),
            ({"renews": 30}, {"Halden Logistics"}),
            ({"renews": 90}, {"Halden Logistics", "Pennick & Rowe"}),
            ({"owner": "none"}, {"Nobody's 50%_"}),
            ({"segment": "smb", "reason": "usage"}, {"Pennick & Rowe"}),
        ],
    )
    def test_one_lets_through_what_it_names(self, world, wanted, expected):
        assert set(names(world, "manager", **wanted)) == expected

    def test_a_manager_picks_a_person(self, client, world):
        owner = str(world.csm2.user_id)
        page = get(client, world, "manager", owner=owner).text
        assert "Pennick &amp; Rowe" in page
        assert "Halden" not in page
        assert "Owner: csm2 acme" in page

    def test_a_csm_cannot_pick_one(self, client, world):
        page = get(client, world, owner=str(world.csm2.user_id)).text
        assert "Halden" in page
        assert 'name="owner"' not in page

    def test_each_active_filter_has_a_chip_that_takes_it_away(self, client, world):
        page = get(client, world, q="hal", segment="enterprise", sort="name").text
        chips = dict(re.findall(r'<span class="chip">([^<]+)<a href="([^"]+)"', page))
        base = world.url("queue/")
        assert chips == {
            "Text: hal": f"{base}?segment=enterprise&amp;sort=name",
            "Segment: Enterprise": f"{base}?q=hal&amp;sort=name",
        }

    def test_what_the_list_does_not_know_counts_as_not_given(self, client, world):
        page = get(
            client, world, segment="huge", band="purple", sort="shoe", view="nope", renews="-1", q="x" * 101
        )
        assert page.status_code == 200
        assert "Halden" in page.text

    def test_the_partial_gives_the_list_and_the_pages_address(self, client, world):
        answer = get(client, world, path="queue/rows/", q="hal", view="all")
        assert answer.headers["HX-Push-Url"] == world.url("queue/?view=all&q=hal")
        assert answer.text.lstrip().startswith('<div class="stack" id="queue-list"')
        assert "<html" not in answer.text


class TestPages:
    @pytest.fixture
    def world(self, acme):
        """60 accounts with ties and unknown values in every column."""
        for number in range(60):
            put(
                acme,
                f"Account {number % 20:02}",
                suggested=False,
                external_id=f"ACC-{number}",
                priority=float(number % 7),
                health=None if number % 5 == 0 else str(number % 4),
                delta_30=None if number % 3 == 0 else str(number % 6 - 3),
                renewal=None if number % 4 == 0 else date(2027, 1, 1 + number % 9),
                arr_reporting=None if number % 6 == 0 else str(number % 8),
            )
        return acme

    @pytest.mark.parametrize("sort", SORTS)
    def test_there_and_back_again(self, world, sort):
        """All pages forwards give every account once; the same pages come back backwards."""
        with world.here():
            viewer, wanted, seen, pages = world.csm, Wanted(view="all", sort=sort), [], []
            while True:
                found = queue_page.page(world.tenant, viewer, wanted, head_of(world.tenant, viewer, wanted))
                ids = [row.account_id for row in found.rows]
                assert (found.first, found.last, found.total) == (len(seen) + 1, len(seen) + len(ids), 60)
                seen += ids
                pages.append(ids)
                if found.older is None:
                    break
                wanted = Wanted(view="all", sort=sort, after=found.older)
            assert [len(page) for page in pages] == [25, 25, 10]
            assert len(set(seen)) == 60
            for expected, first in ((pages[1], 26), (pages[0], 1)):
                wanted = Wanted(view="all", sort=sort, before=found.newer)
                found = queue_page.page(world.tenant, viewer, wanted, head_of(world.tenant, viewer, wanted))
                assert [row.account_id for row in found.rows] == expected
                assert found.first == first
            assert found.newer is None

    def test_the_pager_names_its_rows(self, client, world):
        first = get(client, world, view="all").text
        assert "accounts 1–25 of 60" in first
        older = re.search(r'href="([^"]+)"\s+rel="next"', first)[1].replace("&amp;", "&")
        second = client.get(older).text
        assert "accounts 26–50 of 60" in second
        newer = re.search(r'href="([^"]+)"\s+rel="prev"', second)[1].replace("&amp;", "&")
        assert "accounts 1–25 of 60" in client.get(newer).text

    @pytest.mark.parametrize("place", ["x", "-1", "1.5", "9" * 19, "9" * 300, "²", "0", "1 OR 1=1"])
    @pytest.mark.parametrize("side", ["after", "before"])
    def test_a_place_that_is_none_is_refused(self, client, world, side, place):
        assert get(client, world, view="all", **{side: place}).status_code == 400

    def test_a_hidden_account_is_no_place(self, client, world, globex):
        hidden = put(world, "Hidden", owner="csm2")
        foreign = put(globex, "Foreign")
        for account in (hidden, foreign):
            assert get(client, world, view="all", after=account.pk).status_code == 400
        with world.here():
            shown = queue.seen(world.tenant, world.csm).first()
        assert (
            get(client, world, view="all", after=shown.account_id, before=shown.account_id).status_code == 400
        )

    def test_an_account_that_left_the_view_still_marks_its_place(self, world):
        with world.here():
            viewer, wanted = world.csm, Wanted(view="all", sort="priority")
            rows = queue_page.page(world.tenant, viewer, wanted, head_of(world.tenant, viewer, wanted)).rows
            for row in rows:
                suggest(world, row.account)
            # all of them wait for a decision; the 10th is then decided
            tenth = rows[9]
            from playbooks import services

            decided = open_of(world, tenth.account)
            services.dismiss(
                world.tenant, recommendation_id=decided.pk, version=1, reason="handled", by=world.actor("csm")
            )
            wanted = Wanted(after=tenth.account_id)
            found = queue_page.page(world.tenant, viewer, wanted, head_of(world.tenant, viewer, wanted))
        assert [row.account_id for row in found.rows] == [row.account_id for row in rows[10:]]
        assert (found.first, found.total) == (10, 24)

    def test_the_first_page_where_nothing_is_left(self, world):
        with world.here():
            viewer, wanted = world.csm, Wanted(view="all")
            head = head_of(world.tenant, viewer, wanted)
            last = list(queue_page.ordered(queue.seen(world.tenant, viewer), SORTS["priority"]))[-1]
            wanted = Wanted(view="all", after=last.account_id)
            found = queue_page.page(world.tenant, viewer, wanted, head_of(world.tenant, viewer, wanted))
        assert found.first == 1
        assert len(found.rows) == 25
        assert head.total == 60


class TestRow:
    def test_its_forms(self, client, acme):
        scored(acme)
        put(
            acme, "Full", strategic=True, segment="enterprise", health="38.4", band="critical", delta_30="-16.5",
            spark=[57, None, 50, 38.4], renewal=date(2027, 2, 14), arr="412000", currency="USD",
            reasons=[reason(), reason("No champion in place", "stakeholders"), reason("Third", "outcomes")],
            override_health="62", override_band="watch", override_until=date(2100, 1, 1),
        )  # fmt: skip
        put(acme, "Empty", suggested=False, health=None, band="unknown", arr=None, renewal=None, reasons=[])
        page = get(client, acme, view="all").text
        full = page[page.index(">Full<") : page.index(">Full<") + 6000].split("</tr>")[0]
        for words in (
            "Strategic", "Enterprise · Logistics", "Usage down 44%", "19 Nov", "+1 more", "Critical", "−16.5",
            "$412k", "14 Feb<", "87 days", "Usage recovery", "5 steps over 30 days",
            "Twelve-week health: from 57 to 38",
        ):  # fmt: skip
            assert words in full, words
        assert "Third" not in full
        empty = page[page.index(">Empty<") : page.index(">Empty<") + 5000].split("</tr>")[0]
        assert "No data" in empty
        assert "No play suggested" in empty
        assert "Accept" not in empty
        assert ">0<" not in empty

    def test_whose_number_the_override_is(self, client, acme):
        from scoring.models import Override

        account = put(
            acme, "Mine", override_health="62.00", override_band="watch", override_until=date(2100, 1, 1)
        )
        with acme.here():
            Override.objects.create(
                tenant=acme.tenant, account=account, health="62", reason="other", note="x", until=date(2100, 1, 1),
                author=acme.csm.user, author_label="csm acme (CSM)",
            )  # fmt: skip
        assert "Set by you: 62" in get(client, acme).text
        assert "Set by csm acme: 62" in get(client, acme, "manager").text

    def test_an_ended_override_is_not_shown(self, client, acme):
        put(acme, "Mine", override_health="62.00", override_band="watch", override_until=date(2020, 1, 1))
        assert "Set by" not in get(client, acme).text

    def test_a_late_source_is_noted_above_and_marked_at_each_number(self, client, acme, monkeypatch):
        from tenants import nav

        put(acme, "Mine")
        late = nav.Freshness(url="/status", scored_at="06:10", late=("Usage 31 h late",), late_url="/late")
        monkeypatch.setattr(nav, "_freshness", [lambda tenant, viewer: late])
        page = get(client, acme).text
        assert page.count("Usage 31 h late") == 3  # the bar, the note, the row
        assert "See affected accounts" in page
        assert 'href="/late"' in page

    def test_a_source_that_says_something_else_is_not_called_late(self, client, acme, monkeypatch):
        """Shifted or empty: nothing older is shown, and no account is affected by a gap."""
        from tenants import nav

        put(acme, "Mine")
        shifted = nav.Freshness(url="/status", scored_at="06:10", late=("Product usage shifted",))
        monkeypatch.setattr(nav, "_freshness", [lambda tenant, viewer: shifted])
        page = get(client, acme).text
        assert "What this source says now is not what it used to be." in page
        assert "last complete days" not in page
        assert re.search(r'href="/status"[^>]*>See data status', page)


class TestEmpty:
    def test_before_the_first_scores(self, client, acme):
        assert "No scores yet" in get(client, acme).text

    def test_nobody_has_anything(self, client, acme):
        scored(acme)
        assert "No accounts yet" in get(client, acme).text

    def test_all_done(self, client, acme):
        scored(acme)
        put(acme, "Calm", suggested=False, renewal=AS_OF + timedelta(days=5))
        page = get(client, acme).text
        assert "Nothing needs a decision" in page
        assert "Renewing in 90 days (1)" in page

    def test_nothing_fits_the_filters(self, client, acme):
        scored(acme)
        put(acme, "Calm")
        page = get(client, acme, segment="enterprise", q="zzz").text
        assert "No account matches these filters" in page
        assert "Text: zzz, Segment: Enterprise." in page
        assert "Clear filters" in page

    @pytest.mark.parametrize("view", ["renewing", "play", "snoozed", "pooled"])
    def test_every_other_view_says_so_too(self, client, acme, view):
        scored(acme)
        put(acme, "Calm", suggested=False, renewal=AS_OF + timedelta(days=200))
        assert 'class="empty' in get(client, acme, view=view).text


class TestCost:
    def test_the_same_for_one_account_and_for_thirty(self, client, acme):
        scored(acme)
        put(acme, "First", reasons=[reason(), reason("Second")])
        client.force_login(acme.manager.user)
        page, rows = acme.url("queue/"), acme.url("queue/rows/")
        client.get(page)  # the session's first request sets it up
        few = [len(questions(lambda url=url: client.get(url))) for url in (page, rows)]
        ids = [put(acme, f"Account {number}").pk for number in range(30)]
        many = [len(questions(lambda url=url: client.get(url))) for url in (page, rows)]
        assert few == many
        assert many[0] <= 12
        assert many[1] <= 6
        deep = f"{rows}?after={ids[3]}&q=acc&owner={acme.csm.user_id}&sort=change"
        assert len(questions(lambda: client.get(deep))) <= 6

    def test_a_drawer_costs_six(self, client, acme):
        account = put(acme, "First")
        client.force_login(acme.csm.user)
        url = reverse("playbooks:queue_why", args=["acme", account.pk])
        client.get(url)
        assert len(questions(lambda: client.get(url))) <= 6

    def test_the_navigation_counts_what_the_first_view_shows(self, client, acme):
        put(acme, "One")
        put(acme, "Two")
        put(acme, "Calm", suggested=False)
        page = get(client, acme).text
        assert re.search(r'id="nav-count-playbooks-queue">2<', page)


class TestOverrides:
    """A person's number in force is what the list sorts and filters by; one that ended counts no more."""

    @pytest.fixture
    def names(self, acme):
        today = timezone.now().date()
        put(acme, "Computed low", health="20", band="critical")
        put(acme, "Set high", health="10", band="critical", override_health="90", override_band="healthy",
            override_until=today + timedelta(days=3))  # fmt: skip
        put(
            acme,
            "Set without end",
            health="30",
            band="critical",
            override_health="5",
            override_band="at_risk",
        )
        put(acme, "Set too long ago", health="40", band="watch", override_health="95", override_band="healthy",
            override_until=today - timedelta(days=1))  # fmt: skip

        def found(**wanted):
            with acme.here():
                rows = queue.listed(acme.tenant, acme.csm, Wanted(**wanted))
                return [
                    row.account.name for row in queue_page.ordered(rows, SORTS[wanted.get("sort", "health")])
                ]

        return found

    def test_they_sort(self, names):
        assert names() == ["Set without end", "Computed low", "Set too long ago", "Set high"]

    @pytest.mark.parametrize(
        ("band", "expected"),
        [
            ("critical", ["Computed low"]),
            ("healthy", ["Set high"]),
            ("at_risk", ["Set without end"]),
            ("watch", ["Set too long ago"]),
        ],
    )
    def test_they_filter(self, names, band, expected):
        assert names(band=band) == expected

    def test_pages_go_on_behind_them(self, acme, names):
        for number in range(30):
            put(acme, f"Row {number:02}", health=str(41 + number), band="watch")
        with acme.here():
            first = Wanted(sort="health")
            page = queue_page.page(acme.tenant, acme.csm, first, head_of(acme.tenant, acme.csm, first))
            assert [row.account.name for row in page.rows][:3] == names()[:3]
            rest = Wanted(sort="health", after=page.older)
            page = queue_page.page(acme.tenant, acme.csm, rest, head_of(acme.tenant, acme.csm, rest))
            assert page.rows[-1].account.name == "Set high"
            assert (page.first, page.last) == (26, 34)


def test_a_reason_leads_to_its_kind_of_evidence(client, acme):
    put(
        acme,
        "Halden",
        reasons=[reason("Two escalations", "satisfaction", "satisfaction.open_escalations"), reason()],
    )
    client.force_login(acme.csm.user)
    page = client.get(acme.url("queue/")).text
    assert re.search(r'href="[^"]*/\?kind=Support(&amp;before=[^"]+)?#panel-evidence">Two escalations', page)
    assert re.search(r'href="[^"]*/\?metric=core_events#panel-usage">Usage down', page)


class TestChances:
    """Columns that stand there when a model speaks, and only then."""

    CHANCE = {
        "p30": ".09", "p60": ".24", "p90": ".47", "p90_low": ".36", "p90_high": ".58", "model_id": 1,
        "model_version": "churn v1",
    }  # fmt: skip

    def known(self, acme, **more):
        told = [{"key": "business.overdue_days", "text": "41 days overdue", "part": 1.2, "points": 18.4}]
        standing = {**self.CHANCE, "arr": "412000", "arr_reporting": "412000", "at_stake": "193640", **more}
        scored(acme)
        return put(acme, "Halden", chance_reasons=told, **standing)

    def test_without_a_model_no_column_pretends(self, client, acme):
        scored(acme)
        put(acme, "Halden")
        text = get(client, acme).content.decode()
        assert "Leaves in 30/60/90 d" not in text
        assert "not yet calibrated" in text

    def test_chance_money_and_interval(self, client, acme):
        self.known(acme)
        text = get(client, acme).content.decode()
        for shown in ("9%", "24%", "47%", "$194k", "$148k", "$239k", "expected to leave within 90 days"):
            assert shown in text, shown
        assert "not yet calibrated" not in text

    def test_head_and_sort_use_one_word(self, client, acme):
        self.known(acme)
        text = get(client, acme).text
        assert re.search(r'<option value="priority"[^>]*>At stake<', text)
        assert "The list goes by at stake" in text
        assert "Priority" not in text

    def test_without_chances_there_is_no_stake_to_sort_by(self, client, acme):
        scored(acme)
        put(acme, "Halden")
        assert re.search(r'<option value="priority"[^>]*>Priority<', get(client, acme).text)

    def test_what_rests_on_late_data_is_marked(self, client, acme):
        self.known(acme, chance_flags=["source_late:usage"])
        assert "Late data" in get(client, acme).content.decode()

    def test_the_drawer_says_what_is_associated(self, client, acme):
        account = self.known(acme)
        text = get(client, acme, path=f"queue/accounts/{account.pk}/why/").content.decode()
        assert "80% interval 36% to 58%" in text
        assert "41 days overdue" in text
        assert "+18.4" in text
        assert "because" not in text.lower()

    def test_by_chance(self, client, acme):
        self.known(acme)
        put(acme, "Less", p90=".5")
        put(acme, "Nothing")
        assert names(acme, sort="chance") == ["Less", "Halden", "Nothing"]
