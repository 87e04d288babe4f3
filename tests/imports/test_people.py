"""Whom an import leaves out: people erased on request, by any way back; and in a sandbox everybody's name."""

import pytest

from accounts import services
from accounts.models import Activity, Contact, Opportunity, OpportunityChange, Survey, Ticket
from integrations.models import QuarantinedRow
from tests.accounts.test_erasure import everywhere
from tests.imports.bundles import bring_in, bundle, counts, row
from tests.worlds import make_world

pytestmark = pytest.mark.django_db

NAME, EMAIL, ID = "Wilhelmina Quistgaard", "w.quistgaard@halden.example", "PERSON-4711"
TRACES = ("wilhelmina", "quistgaard", ID)
PERSON = {
    "external_id": ID,
    "account_external_id": "A1",
    "name": NAME,
    "email": EMAIL,
    "phone": "+47 555 0199",
}
SAID = f"Dear all,\n{NAME} ({EMAIL}) is away. Wilhelmina"


def full(tmp_path, name="full", **more):
    """A whole export of the source, as it comes every night."""
    files = {
        "accounts": [row("accounts")],
        "contacts": [PERSON, row("contacts")],
        "tickets": [row("tickets", subject=f"From {NAME}", body=SAID, resolution="Done")],
        "activities": [row("activities", contact_external_ids=f"{ID};C1", subject=NAME, body=SAID)],
        "surveys": [row("surveys", contact_external_id=ID, comment=SAID)],
        "usage_detail": [row("usage_detail", contact_external_id=ID)],
        "opportunities": [row("opportunities", next_step=f"Call {NAME}")],
        "opportunity_changes": [
            row("opportunity_changes", field="next_step", old_value="", new_value=f"Call {NAME}")
        ],
        **more,
    }
    return bundle(tmp_path / name, **files)


@pytest.fixture
def erased(acme, tmp_path):
    """The person came in by an import and was erased."""
    bring_in(acme, full(tmp_path))
    with acme.here():
        contact = Contact.objects.get(external_id=ID)
        services.erase_person(
            acme.tenant, account_id=contact.account_id, contact_id=contact.pk, by=acme.actor("ops_admin")
        )
        assert everywhere(*TRACES) == {}
        contact.refresh_from_db()
    return contact


class TestErasedPeople:
    def test_the_nightly_export_does_not_bring_them_back(self, acme, erased, tmp_path):
        report = bring_in(acme, full(tmp_path, "again"))
        with acme.here():
            assert everywhere(*TRACES) == {}
            assert Contact.objects.get(pk=erased.pk).name == ""
            assert Activity.objects.get().contact_external_ids == [erased.external_id, "C1"]
            assert Survey.objects.get().contact_external_id == erased.external_id
            assert Ticket.objects.get().subject == "From [erased]"
        said = next(file["message"] for file in report["files"] if file["file"] == "contacts.csv")
        assert said == "1 more row is about people who were erased on request: ignored, and not kept."

    def test_and_changes_nothing_that_was_there(self, acme, erased, tmp_path):
        report = bring_in(acme, full(tmp_path, "again"))
        for file in ("contacts", "tickets", "activities", "surveys", "usage_detail", "opportunities"):
            assert counts(report, file) == (1, 0, 0, 1, 0), file

    @pytest.mark.parametrize(
        "way",
        [
            {"external_id": "NEW-1"},  # by the address
            {"email": "other@halden.example", "external_id": f" {ID} "},  # by the id
            {"external_id": "NEW-2", "email": EMAIL.upper(), "name": "W. Q."},
        ],
    )
    def test_nor_does_any_other_way_back(self, acme, erased, tmp_path, way):
        bring_in(acme, bundle(tmp_path / "way", accounts=[row("accounts")], contacts=[{**PERSON, **way}]))
        with acme.here():
            assert Contact.objects.filter(erased_at=None).exclude(external_id="C1").count() == 0

    def test_a_row_that_is_rejected_does_not_keep_them_in_the_quarantine(self, acme, erased, tmp_path):
        wrong = [
            row("surveys", external_id=f"V{n}", contact_external_id=ID, comment=SAID, score="99")
            for n in (1, 2)
        ]
        good = [row("surveys", external_id=f"G{n}") for n in range(60)]
        bring_in(acme, bundle(tmp_path / "bad", accounts=[row("accounts")], surveys=[*good, *wrong]))
        with acme.here():
            assert QuarantinedRow.objects.count() == 2
            assert everywhere(*TRACES) == {}

    def test_others_come_in_as_ever_and_a_namesake_elsewhere_too(self, acme, erased, tmp_path):
        namesake = {**PERSON, "external_id": "N1", "account_external_id": "A2", "email": "n@else.example"}
        accounts = [row("accounts"), row("accounts", external_id="A2", name="Other")]
        texts = [row("tickets", external_id="T9", account_external_id="A2", body=f"{NAME} wrote")]
        bring_in(acme, bundle(tmp_path / "else", accounts=accounts, contacts=[namesake], tickets=texts))
        with acme.here():
            assert Contact.objects.get(external_id="N1").name == NAME
            assert Ticket.objects.get(external_id="T9").body == f"{NAME} wrote"

    def test_another_workspace_is_not_concerned(self, acme, globex, erased, tmp_path):
        bring_in(globex, full(tmp_path, "globex"))
        with globex.here():
            assert Contact.objects.get(external_id=ID).name == NAME


class TestSandbox:
    @pytest.fixture
    def sandbox(self, db):
        return make_world("acme-sandbox", environment="sandbox")

    def test_people_copied_in_are_masked_in_every_row(self, sandbox, tmp_path):
        bring_in(sandbox, full(tmp_path))
        with sandbox.here():
            assert everywhere("wilhelmina", "quistgaard", "555 0199") == {}
            contact = Contact.objects.get(external_id=ID)
            assert contact.name.startswith("Person ")
            assert contact.email.endswith("@masked.invalid")
            assert contact.attributes == {}
            assert Ticket.objects.get().body == f"Masked text of {len(SAID)} characters."
            assert Opportunity.objects.get().next_step.startswith("Masked text")
            assert Activity.objects.get().contact_external_ids == [ID, "C1"]

    def test_masking_is_the_same_each_time(self, sandbox, tmp_path):
        bring_in(sandbox, full(tmp_path))
        report = bring_in(sandbox, full(tmp_path, "again"))
        assert counts(report, "contacts") == (2, 0, 0, 2, 0)
        assert counts(report, "tickets") == (1, 0, 0, 1, 0)

    def test_changes_of_a_next_step_are_masked_and_of_an_amount_are_not(self, sandbox, tmp_path):
        changes = [
            row("opportunity_changes", field="next_step", old_value="x", new_value=f"Call {NAME}"),
            row("opportunity_changes", field="amount", old_value="100", new_value="200"),
        ]
        bring_in(sandbox, full(tmp_path, opportunity_changes=changes))
        with sandbox.here():
            values = dict(OpportunityChange.objects.values_list("field", "new_value"))
        assert values["next_step"].startswith("Masked text")
        assert values["amount"] == "200"

    def test_a_rejected_row_is_masked_too(self, sandbox, tmp_path):
        rows = [row("contacts", external_id=f"G{n}") for n in range(60)]
        wrong = {**PERSON, "external_id": "W", "role": "boss"}
        bring_in(sandbox, bundle(tmp_path / "bad", accounts=[row("accounts")], contacts=[*rows, wrong]))
        with sandbox.here():
            assert QuarantinedRow.objects.count() == 1
            assert everywhere("wilhelmina", "quistgaard", "555 0199") == {}

    def test_it_can_be_switched_off_for_made_up_data_and_never_touches_production(
        self, sandbox, acme, tmp_path
    ):
        sandbox.tenant.mask_people = False
        sandbox.tenant.save()
        for world, name in ((sandbox, "s"), (acme, "p")):
            bring_in(world, full(tmp_path, name))
            with world.here():
                assert Contact.objects.get(external_id=ID).name == NAME
