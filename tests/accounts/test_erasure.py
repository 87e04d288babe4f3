"""J35: a person erased on request is in no row of the tenant, stays out of later imports, and the log verifies."""

from datetime import UTC, date, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.erasure import preview, subject_of
from accounts.exceptions import NotVisible
from accounts.models import Activity, Contact, ContactChange, ErasedMark, Note, Opportunity, Survey, Ticket
from audit.models import AuditEvent
from integrations.models import QuarantinedRow, WriteIntent
from tests.playbooks import makers

pytestmark = pytest.mark.django_db

NAME, EMAIL, ID = "Wilhelmina Quistgaard", "w.quistgaard@halden.example", "PERSON-4711"
TRACES = ("wilhelmina", "quistgaard", "PERSON-4711")


def everywhere(*words):
    """table: rows that hold one of the words, over every table of the tenant, whatever the column."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') "
            "AND has_table_privilege(c.oid, 'SELECT')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE ANY(%s)',
                [[f"%{word}%" for word in words]],
            )
            if number := cursor.fetchone()[0]:
                found[table] = number
    return found


@pytest.fixture
def person(acme):
    """A person with traces in every place that can hold one."""
    account = acme.add_account("Halden Logistics", domain="halden.example")
    with acme.here():
        mine = {"tenant": acme.tenant, "account": account}
        contact = Contact.objects.create(
            **mine,
            external_id=ID,
            name=NAME,
            email=EMAIL,
            title="Chief Wilhelmina Officer",
            role="champion",
            joined_at=datetime(2025, 1, 1, tzinfo=UTC),
            attributes={"phone": "+47 1", "nick": "Quistgaard"},
        )
        now = timezone.now()
        Note.objects.create(**mine, text=f"Spoke with {NAME}. Wilhelmina was calm.", author_label="csm")
        Ticket.objects.create(
            **mine,
            external_id="T1",
            opened_at=now,
            subject="Quistgaard cannot sign in",
            body=f"Dear team,\n{EMAIL.upper()} is locked.\nWilhelmina",
            resolution=f"Told {NAME}",
        )
        Activity.objects.create(
            **mine,
            external_id="A1",
            kind="call",
            occurred_at=now,
            subject=f"Call with {NAME}",
            body=f"{EMAIL} said",
            contact_external_ids=[ID, "PERSON-1"],
        )
        Survey.objects.create(
            **mine,
            external_id="S1",
            contact_external_id=ID,
            kind="nps",
            score=3,
            responded_at=now,
            comment=f"— {NAME}",
        )
        Opportunity.objects.create(
            **mine,
            external_id="O1",
            name="Renewal by Quistgaard",
            type="renewal",
            amount=1,
            currency="USD",
            stage="x",
            created_at=now,
            close_date=date(2027, 1, 1),
            next_step=f"Call {NAME}",
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT ensure_partition('accounts_usage_detail', '2026-10-01')")
            cursor.execute(
                "INSERT INTO accounts_usage_detail (tenant_id, account_id, day, contact_external_id, count) "
                "VALUES (%s, %s, '2026-10-02', %s, 3)",
                [acme.tenant.pk, account.pk, ID],
            )
    return contact


def at_work(acme, contact):
    """What members wrote about the person: overrides, shares, tasks, requests, writes; and what was set aside."""
    from integrations.services import imports
    from playbooks import services as plays
    from scoring import services as scoring

    account = contact.account
    makers.health_row(acme, account)
    by = acme.actor("csm")
    services.share_account(
        acme.tenant, account_id=account.pk, member_id=acme.csm2.pk, reason=f"Knows {NAME}", by=by
    )
    scoring.set_override(
        acme.tenant,
        account_id=account.pk,
        health=60,
        until=timezone.now().date() + timezone.timedelta(days=3),
        reason="know_more",
        note=f"{NAME} told me so",
        by=by,
    )
    plays.add_task(
        acme.tenant,
        account_id=account.pk,
        title=f"Write to {NAME}",
        due_date=date(2100, 1, 1),
        form_key="f1",
        by=by,
    )
    play = makers.running_play(acme, account)
    makers.ask(acme, makers.concession_step(acme, play), why=f"{NAME} insists", text=f"For {NAME} alone")
    bundle = imports.open_import(acme.tenant, file_name="b.zip", path="", by=acme.actor("revops"))
    QuarantinedRow.objects.create(
        tenant=acme.tenant,
        bundle=bundle,
        file="contacts.csv",
        line=2,
        column="email",
        value=EMAIL,
        reason="wrong",
        row={"external_id": ID, "name": NAME, "email": EMAIL},
    )
    WriteIntent.objects.create(
        tenant=acme.tenant,
        ordering_key="x",
        seq=1,
        kind="note",
        target={},
        fields={"contact": NAME, "id": ID},
        idempotency_key="k" * 64,
        plan_hash="",
        state="blocked",
        correlation_id="c",
        account_id=account.pk,
        requested_by_label="csm",
    )


def erase(acme, person):
    return services.erase_person(
        acme.tenant, account_id=person.account_id, contact_id=person.pk, by=acme.actor("ops_admin")
    )


def test_nothing_of_the_person_is_left_in_any_row(acme, person):
    with acme.here():
        at_work(acme, person)
        held = everywhere(*TRACES)
        assert set(held) >= {
            "accounts_contact", "accounts_ticket", "audit_eventwords", "playbooks_task", "scoring_override",
            "approvals_approvalrequest", "integrations_quarantinedrow", "accounts_usage_detail",
        }  # fmt: skip
        assert "audit_event" not in held, "the log itself must never hold what may have to go"
        erase(acme, person)
        assert everywhere(*TRACES) == {}


def test_texts_keep_their_sense_and_counts_go_on_adding_up(acme, person):
    with acme.here():
        erase(acme, person)
        person.refresh_from_db()
        assert Note.objects.get().text == "Spoke with [erased]. [erased] was calm."
        assert person.external_id.startswith("erased-")
        assert Activity.objects.get().contact_external_ids == [person.external_id, "PERSON-1"]
        assert Survey.objects.get().contact_external_id == person.external_id
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(count) FROM accounts_usage_detail WHERE contact_external_id = %s",
                [person.external_id],
            )
            assert cursor.fetchone()[0] == 3


def test_earlier_roles_and_titles_go_with_the_person(acme, person):
    with acme.here():
        other = Contact.objects.create(tenant=acme.tenant, account=person.account, external_id="OTHER")
        for who in (person, other):
            ContactChange.objects.create(
                tenant=acme.tenant,
                contact=who,
                field="title",
                old="CFO",
                new="CEO",
                changed_at=timezone.now(),
            )
        erase(acme, person)
        assert list(ContactChange.objects.values_list("contact", flat=True)) == [other.pk]


def test_what_waits_with_the_name_in_it_is_closed(acme, person):
    from approvals.models import ApprovalRequest

    with acme.here():
        at_work(acme, person)
        erase(acme, person)
        assert [request.state for request in ApprovalRequest.objects.all()] == ["voided"]
        assert [intent.state for intent in WriteIntent.objects.all()] == ["cancelled"]
        assert not QuarantinedRow.objects.exists()


def test_the_event_says_how_much_and_by_whom_and_names_nobody(acme, person):
    with acme.here():
        erase(acme, person)
        event = AuditEvent.objects.get(verb="accounts.person_erased")
        assert event.actor_label.startswith("ops_admin acme")
        assert event.diff["after"]["rows"]["Contacts"] == 1
        assert event.diff["after"]["rows"]["Tickets"] == 1
        assert not any(trace.lower() in str(vars(event)).lower() for trace in TRACES)


def test_the_preview_tells_what_erasing_then_does(acme, person):
    with acme.here():
        at_work(acme, person)
        said = dict(preview(subject_of(acme.tenant, person)))
        done = erase(acme, person)
        assert {name: done.get(name) for name in said if name not in ("Event log", "Plays")} == {
            name: number for name, number in said.items() if name not in ("Event log", "Plays")
        }


def test_stored_exports_go(acme, person):
    folder = settings.EXPORT_DIR / str(acme.tenant.pk)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit-1.csv").write_text(f"who\n{NAME}\n")
    with acme.here():
        erase(acme, person)
    assert not list(folder.iterdir())


def test_a_namesake_elsewhere_keeps_the_first_name_but_never_the_address(acme, person):
    other = acme.add_account("Other Company")
    with acme.here():
        Note.objects.create(tenant=acme.tenant, account=other, text="Wilhelmina of ours", author_label="csm")
        twin = Contact.objects.create(
            tenant=acme.tenant, account=other, external_id="PERSON-9", name=NAME, email=EMAIL.upper()
        )
        erase(acme, person)
        twin.refresh_from_db()
        assert twin.erased_at is not None, "the same address is the same person"
        assert Note.objects.get(account=other).text == "[erased] of ours", "now an account of theirs too"


def test_only_who_configures_may_and_only_what_they_see(acme, globex, person):
    foreign = globex.add_account("Far away")
    with globex.here():
        stranger = Contact.objects.create(tenant=globex.tenant, account=foreign, external_id="P", name="Q")
    with acme.here(), pytest.raises(NotVisible):
        services.erase_person(
            acme.tenant, account_id=foreign.pk, contact_id=stranger.pk, by=acme.actor("ops_admin")
        )
    with acme.here():
        from django.core.exceptions import PermissionDenied

        with pytest.raises(PermissionDenied):
            services.erase_person(
                acme.tenant, account_id=person.account_id, contact_id=person.pk, by=acme.actor("csm")
            )
        erase(acme, person)
        with pytest.raises(NotVisible):
            erase(acme, person)


def test_the_list_of_the_erased_names_nobody(acme, person):
    with acme.here():
        erase(acme, person)
        marks = list(ErasedMark.objects.values_list("kind", "mark"))
    assert {kind for kind, _ in marks} == {"external_id", "email", "name", "name_part"}
    assert all(len(mark) == 64 for _, mark in marks)


class TestThePage:
    def address(self, acme, person):
        return reverse("accounts:erase_person", args=[acme.tenant.slug, person.account_id, person.pk])

    def test_says_what_will_go_and_goes_only_with_the_name(self, acme, person, client):
        client.force_login(acme.ops_admin.user)
        page = client.get(self.address(acme, person))
        assert NAME in page.text
        assert "Tickets" in page.text
        assert client.post(self.address(acme, person), {"typed": "Somebody Else"}).status_code == 422
        with acme.here():
            assert Contact.objects.get(pk=person.pk).name == NAME
        answer = client.post(self.address(acme, person), {"typed": NAME.lower()})
        assert answer.status_code == 303
        assert client.get(self.address(acme, person)).status_code == 404
        shown = client.get(
            reverse("accounts:account", args=[acme.tenant.slug, person.account_id]) + "?panels=all"
        ).text
        assert not any(trace.lower() in shown.lower() for trace in TRACES)
        found = client.get(reverse("accounts:search", args=[acme.tenant.slug]), {"q": "quistgaard"}).text
        assert "Halden" not in found
