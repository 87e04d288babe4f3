"""Restricted fields at every address: a marker planted in each shows to nobody whose role lacks the right.

The crawl is the permission table's: whatever address is added there is tried here too. Each role is asked as it is, and
operations admins, who may open most addresses, once more with the three rights taken away.
"""

import json
import re
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Activity, Contact, Subscription, Ticket
from audit import exports
from audit import queries as audit
from audit import services as record
from integrations.models import BundleImport, QuarantinedRow, WriteIntent
from jobs import runner
from jobs import services as jobs
from scoring.growth.models import GrowthReport, RenewalForecast
from scoring.models import AccountHealth
from tenants import fields
from tenants.fields import Field
from tenants.roles import RIGHTS, Right
from tenants.scoping import TenantModel
from tests.permission_table import TABLE
from tests.worlds import MAKER, ROLES

pytestmark = pytest.mark.django_db

EMAIL = "marker.person@customer.example"
ARR = Decimal("7654321")
# as it stands, and the sums over a few rows that a page or a file may make of it
ARR_SHOWN = ("7,654,321", "7.65M", "$7.7M", "7.7M", *(str(times * int(ARR)) for times in range(1, 7)))
AMOUNT = re.compile(r"[$€£]\d")  # whatever else is worked out of it has its currency's sign
BODY = "zebrafish-marker of a body"
MARKERS = {Field.CONTACT_EMAIL: (EMAIL,), Field.ARR: ARR_SHOWN, Field.BODY: (BODY,)}
# decimal columns that hold no customer's money; every other one with room for an amount is planted
NO_CUSTOMERS_MONEY = {
    "accounts.FxRate.rate": "what a currency was worth",
    "approvals.ApprovalPolicy.max_cost": "a limit of the workspace's own rules",
    "scoring.OutcomeTarget.target": "what the workspace wants, mostly a share",
    "tenants.UnitPrice.price": "what a unit of this product costs the workspace",
}
# pages and files that show amounts to those who may see them, or their rows here would prove nothing
SHOWS_MONEY = {
    "playbooks:queue", "playbooks:queue_rows",
    "scoring:outcomes", "scoring:outcome_panels", "scoring:outcome_trend", "scoring:outcome_export",
    "scoring:outcome_rows", "scoring:outcome_rows_list", "scoring:outcome_lost", "scoring:outcome_lost_list",
    "scoring:outcome_lost_export", "scoring:outcome_post_mortem", "scoring:renewals", "scoring:renewals_export",
    "scoring:renewal_terms_export", "scoring:whatif_chances",
}  # fmt: skip
# what a role sees of its own doing: the body that it has just opened
OPENED = {"accounts:open_body"}


def plant(world):
    """The markers at every account and in every row that keeps a copy of such values."""
    now = timezone.now()
    for account in Account.objects.for_tenant(world.tenant):
        mine = {"tenant": world.tenant, "account": account}
        key = f"M{account.pk}"
        Contact.objects.get_or_create(
            **mine, external_id=key, defaults={"name": "Marker", "email": EMAIL, "role": "champion"}
        )
        Ticket.objects.get_or_create(
            **mine, external_id=key, defaults={"opened_at": now, "subject": "S", "body": BODY}
        )
        Ticket.objects.filter(account=account).update(body=BODY, resolution=BODY)
        Activity.objects.get_or_create(
            **mine,
            external_id=key,
            defaults={"kind": "call", "occurred_at": now, "subject": "S", "body": BODY},
        )
        Subscription.objects.get_or_create(
            **mine,
            external_id=key,
            defaults={
                "arr": ARR,
                "currency": "USD",
                "started_at": "2020-01-01T00:00:00Z",
                "renewal_date": "2099-01-01",
            },
        )
        values = {"arr": ARR, "currency": "USD", "arr_reporting": ARR}
        if not AccountHealth.objects.for_tenant(world.tenant).filter(account=account).update(**values):
            from tests.playbooks.makers import health_row

            health_row(world, account, arr_reporting=ARR, arr=str(ARR))
        record.record(
            world.tenant,
            verb="tests.said",
            by=MAKER,
            account_id=account.pk,
            object_type="accounts.account",
            object_id=str(account.pk),
            object_label=account.name,
            after={"arr": str(ARR), "person": {"email": EMAIL}, "body": BODY},
        )
    plant_amounts(world)
    for bundle in BundleImport.objects.for_tenant(world.tenant):
        for column, value in (("body", BODY), ("email", EMAIL), ("arr", str(ARR))):
            file = {"body": "tickets", "email": "contacts", "arr": "subscriptions"}[column]
            QuarantinedRow.objects.create(
                tenant=world.tenant,
                bundle=bundle,
                file=f"{file}.csv",
                line=2,
                column=column,
                value=value,
                reason="is wrong",
                row={"external_id": "Q", column: value},
            )
    WriteIntent.objects.for_tenant(world.tenant).update(
        fields={"cost": str(ARR), "email": EMAIL, "body": BODY}, approval_ref=""
    )


def money_columns():
    """(model, its columns with room for an amount), but for those that are no customer's money."""
    for model in apps.get_models():
        named = [
            each.name for each in model._meta.concrete_fields
            if isinstance(each, models.DecimalField) and each.max_digits >= 14
            and f"{model._meta.label}.{each.name}" not in NO_CUSTOMERS_MONEY
        ]  # fmt: skip
        if named and issubclass(model, TenantModel):
            yield model, named


def plant_amounts(world):
    """The amount in every column of every row, and in the figures that jobs keep as JSON."""
    for model, names in money_columns():
        model.objects.for_tenant(world.tenant).update(**dict.fromkeys(names, ARR))
    for kept in (RenewalForecast, GrowthReport):
        for row in kept.objects.for_tenant(world.tenant):
            row.figures = amounts(row.figures)
            row.save(update_fields=["figures"])


AMOUNTS = {"expected", "intervals", "low", "high", "actual", "sd", "arr"}


def amounts(value, inside=False, amount=float(ARR)):
    """The same JSON with the amount at every figure under one of the names above."""
    if isinstance(value, dict):
        if "hits" in value:  # a pattern's rates
            return value
        return {name: amounts(each, inside or name in AMOUNTS, amount) for name, each in value.items()}
    if isinstance(value, list):
        return [amounts(each, inside, amount) for each in value]
    is_figure = isinstance(value, int | float) and not isinstance(value, bool)
    return amount if inside and is_figure else value


def leaks(answer, hidden):
    if answer.status_code >= 400 and answer.status_code != 422:
        return []
    text = (
        b"".join(answer.streaming_content).decode()
        if answer.streaming
        else answer.content.decode(errors="replace")
    )
    found = [f"{field.value}: {word}" for field in hidden for word in MARKERS[field] if word in text]
    return found + ([f"amount: {each}" for each in AMOUNT.findall(text)] if Field.ARR in hidden else [])


def ask(client, row, world, made, query=""):
    url = reverse(row.name, kwargs={"slug": world.tenant.slug, **made}) + f"?{query}" * bool(query)
    data = row.data(made) if callable(row.data) else row.data
    with transaction.atomic():
        answer = client.get(url) if row.method == "GET" else client.post(url, data)
        found = leaks(answer, ask.hidden)
        transaction.set_rollback(True)
    return found


def hidden_from(member):
    return [field for field in Field if not fields.sees(member, field)]


ROWS = [row for row in TABLE if row.name not in OPENED]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_no_address_shows_a_field_without_its_right(row, acme, monkeypatch):
    made, queries = row.arrange(acme)
    with acme.here():
        plant(acme)
    queries += ("panels=all",) if row.name == "accounts:account" else ()
    queries += ("view=all&sort=arr",) if "queue" in row.name else ()
    for role, rights in [
        *((role, RIGHTS[role]) for role in ROLES),
        stripped("ops_admin"),
        stripped("manager"),
    ]:
        monkeypatch.setitem(RIGHTS, role, rights)
        ask.hidden = hidden_from(acme.people[role])
        if not ask.hidden:
            continue
        client = Client(raise_request_exception=False)
        client.force_login(acme.people[role].user)
        for query in queries:
            assert ask(client, row, acme, made, query) == [], f"{role} {query}"
        monkeypatch.undo()
    if row.name in SHOWS_MONEY:
        client, ask.hidden = Client(), [Field.ARR]
        client.force_login(acme.manager.user)
        assert any(ask(client, row, acme, made, query) for query in queries), "its rows prove nothing"


def test_every_column_with_room_for_an_amount_is_planted_or_named():
    for each in NO_CUSTOMERS_MONEY:
        label, _, name = each.rpartition(".")
        assert apps.get_model(label)._meta.get_field(name), each
    planted = {f"{model._meta.label}.{name}" for model, names in money_columns() for name in names}
    assert {
        "scoring.RenewalTerm.expected",
        "accounts.Outcome.arr_after",
        "accounts.Invoice.amount",
    } <= planted


def stripped(role):
    return role, RIGHTS[role] - {Right.SEE_ARR, Right.SEE_CONTACT_EMAIL, Right.OPEN_BODIES}


def test_the_markers_are_really_there_for_those_who_may(acme):
    """Else the crawl could never fail."""
    with acme.here():
        account = acme.add_account("Marked", ae_email="x@y.example")
        plant(acme)
        ticket = Ticket.objects.get(account=account)
    seen = dict.fromkeys(Field, "")
    client = Client()
    client.force_login(acme.csm.user)
    page = client.get(reverse("accounts:account", args=["acme", account.pk]) + "?panels=all").text
    seen[Field.CONTACT_EMAIL] = seen[Field.ARR] = page
    body = reverse("accounts:open_body", args=["acme", account.pk, "ticket", ticket.pk])
    seen[Field.BODY] = client.post(body).text
    for field, words in MARKERS.items():
        assert any(word in seen[field] for word in words), field
    log = client.get(reverse("audit:log", args=["acme"])).text
    assert EMAIL in log
    assert "7654321" in log
    client.force_login(acme.auditor.user)  # no bodies
    log = client.get(reverse("audit:log", args=["acme"])).text
    assert BODY not in log
    assert fields.COVERED in log


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_event_logs_export_covers_them_too(acme, form, monkeypatch):
    with acme.here():
        acme.add_account("Marked")
        plant(acme)
        monkeypatch.setitem(RIGHTS, *stripped("auditor"))
        args = {
            "membership_id": acme.auditor.pk,
            "form": form,
            "filters": exports.filters_as_json(audit.Filters()),
        }
        job = runner.run_now(
            jobs.enqueue(acme.tenant, kind=exports.KIND, args=args, by=acme.actor("auditor")).pk
        )
        text = exports.path_of(acme.tenant, job.pk, form).read_text()
    assert fields.COVERED in text
    for words in MARKERS.values():
        assert not [word for word in words if word in text]


def test_the_queues_export_and_order_tell_nothing_of_revenue(acme, monkeypatch):
    with acme.here():
        for name, health in (("Small and ill", "10"), ("Large and well", "90")):
            account = acme.add_account(name)
            from tests.playbooks.makers import health_row

            health_row(
                acme,
                account,
                health=health,
                arr="1",
                arr_reporting=1,
                priority=1 if name[0] == "S" else 10**6,
            )
    monkeypatch.setitem(RIGHTS, *stripped("auditor"))
    client = Client()
    client.force_login(acme.auditor.user)
    address = reverse("playbooks:queue", args=["acme"])
    orders = set()
    for sort in ("", "priority", "arr", "health"):
        text = client.get(address, {"view": "all", "sort": sort}).text
        orders.add(text.index("Small and ill") < text.index("Large and well"))
    assert orders == {True}, "the order of priority would tell whose revenue is large"
    sheet = client.post(reverse("playbooks:queue_export", args=["acme"]), {"view": "all"}).content.decode()
    assert "arr" not in sheet.splitlines()[0]


def test_shown_covers_nested_values_and_leaves_the_original_alone(acme, monkeypatch):
    values = {
        "before": {"arr": "1"},
        "after": {"people": [{"email": "a@b", "name": "A"}], "body": "", "note": "x"},
    }
    kept = json.dumps(values)
    seen = fields.shown(acme.reviewer, values)
    assert seen["before"]["arr"] == seen["after"]["people"][0]["email"] == fields.COVERED
    assert seen["after"]["body"] == "", "what is empty needs no cover"
    assert seen["after"]["note"] == "x"
    assert json.dumps(values) == kept
    assert fields.shown(acme.csm, values) is values


def test_every_rule_hangs_on_a_right_and_no_code_goes_around_it():
    """Templates and Python ask tenants.fields; only views that are closed as a whole name the right themselves."""
    from pathlib import Path

    root = Path(__file__).resolve().parent.parent
    assert {rule.right for rule in fields.RULES.values()} == {
        Right.SEE_ARR,
        Right.SEE_CONTACT_EMAIL,
        Right.OPEN_BODIES,
    }
    around = [
        str(path.relative_to(root))
        for path in [*root.glob("templates/**/*.html")]
        if any(
            f'"{right}" in' in path.read_text() for right in ("see_arr", "see_contact_email", "open_bodies")
        )
    ]
    assert around == []
    for path in root.glob("*/**/*.py"):
        if path.parts[len(root.parts)] in (".venv", "tests", "var"):
            continue
        text = path.read_text()
        assert "can(viewer, Right.SEE_ARR)" not in text, path
        assert "can(viewer, Right.SEE_CONTACT_EMAIL)" not in text, path
