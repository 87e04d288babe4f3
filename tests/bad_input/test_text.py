"""Text that would like to be markup, a formula or a header, in every column that a page could show (13 to 21)."""

import csv
import io
import re
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.db.models import CharField, TextField
from django.utils import timezone

from tenants.scoping import TenantModel, tenant_context
from tests.bad_input import ground as g
from tests.bad_input import nasty
from tests.permission_table import TABLE

pytestmark = [pytest.mark.bad_input, pytest.mark.xdist_group("bad_input_text")]

MARKUP = "javascript:alert(1)//<mk a={{7*7}} onload='x'>\"{% now 'Y' %}"
# columns whose words the product itself chose: a person cannot put text there, and other words would mean nothing
OWN_WORDS = re.compile(
    r"(^|_)(kind|state|status|slug|ref|digest|hash|key|mark|verb|path|band|type|environment|currency|stage|role|roles|"
    r"dimension|indicator|source|verdict|outcome|mode|form|format|file|day|zone|stamp|secret_sealed|next_role|missing_rule"
    r"|pattern|url|object_id|actor_id|actor_kind|object_type|request_id|principal|fingerprint|field|segment|scope|token|prefix)$"
)


def text_columns(model):
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField)
        and not field.choices and not field.primary_key and not OWN_WORDS.search(field.name)
    ]  # fmt: skip


def plant(world, text):
    """`text` in every text column of the tenant's rows, and in the names of its people; which columns took it."""
    taken = set()
    with transaction.atomic(), tenant_context(world.tenant.pk):
        for model in with_rows():
            taken |= {f"{model._meta.db_table}.{name}" for name in _plant(model, text)}
        people = [each.user_id for each in world.people.values()]
        for table, column, ids in (
            ("tenants_user", "name", people),
            ("tenants_tenant", "name", [world.tenant.pk]),
        ):
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = ANY(%s)", [text, ids])
    return taken


def with_rows():
    """The tenant's tables that hold anything, asked in one statement: most are empty."""
    concrete = [model for model in g._subclasses(TenantModel) if not model._meta.abstract]
    models = {model._meta.db_table: model for model in concrete if text_columns(model)}
    each = "SELECT '{0}' WHERE EXISTS (SELECT FROM {0})"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each.format(name) for name in models))
        return [models[name] for (name,) in cursor.fetchall()]


def _plant(model, text):
    """All columns in one statement; where a constraint minds, one by one, as far as they let it."""
    fields = text_columns(model)
    if _update(model, fields, text):
        return [field.column for field in fields]
    return [field.column for field in fields if _update(model, [field], text)]


def _update(model, fields, text):
    values = ", ".join(f"{field.column} = left(%s, {field.max_length or 4000})" for field in fields)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {model._meta.db_table} SET {values}", [text] * len(fields))
            return cursor.rowcount > 0
    except DatabaseError:  # unique, checked, or never updated: not a place for anybody's text
        return False


def furnish(world):
    """One account with a row of everything that its page shows, and a plan, a request and a delivery."""
    from accounts import models
    from accounts.services import add_note, share_account
    from tests.playbooks import makers

    now = timezone.now()
    account = world.add_account("Furnished", domain="furnished.example", region="EMEA", industry="Freight")
    with world.here():
        every = {"tenant": world.tenant, "account": account, "external_id": "X-1"}
        models.Contact.objects.create(**every, name="Ann", title="CFO", email="a@x.example", joined_at=now)
        models.Ticket.objects.create(
            **every, opened_at=now, subject="S", body="B", category="C", priority="high"
        )
        models.Activity.objects.create(
            **every, kind="call", direction="in", occurred_at=now, subject="S", body="B"
        )
        models.Survey.objects.create(**every, kind="nps", score=3, responded_at=now, comment="C")
        models.Invoice.objects.create(**every, issued_at=now, due_at=now, amount=1, currency="USD")
        models.CompanyEvent.objects.create(**every, kind="funding", published_at=now, headline="H")
        models.Objective.objects.create(**every, name="N", declared_at=now, achieved_at=now)
        models.Milestone.objects.create(**every, name="M", completed_at=now)
        models.Opportunity.objects.create(
            **every, name="O", type="renewal", stage="S", amount=1, currency="USD", created_at=now,
            close_date=now.date() + timedelta(days=30), next_step="N",
        )  # fmt: skip
        add_note(world.tenant, account_id=account.pk, text="T", by=world.actor("csm"))
        share_account(
            world.tenant, account_id=account.pk, member_id=world.csm2.pk, reason="R", by=world.actor("csm")
        )
        reason = {"key": "usage.trend_30d", "dimension": "usage", "text": MARKUP, "score": 10.0, "points": -5}
        makers.health_row(world, account, reasons=[reason], override_health="60", override_band="watch")
        makers.suggest(world, account, makers.low(text=MARKUP))
    return account


OF_THE_ACCOUNT = {"accounts:account", "accounts:evidence", "playbooks:queue_why"}


def answers(world, account, text):
    """(where, answer) of every address, each read as somebody who may, after `text` was planted in every row."""
    for row in TABLE:
        if (row.make or row.fill) and row.name not in OF_THE_ACCOUNT:
            with transaction.atomic():
                made, queries = row.arrange(world)
                assert plant(world, text)
                for query in queries:
                    yield g.rolled_back(partial(_asked, row, world, made, query))
                transaction.set_rollback(True)
    with transaction.atomic():  # the others need no rows of their own
        assert plant(world, text)
        for row in TABLE:
            if not (row.make or row.fill) or row.name in OF_THE_ACCOUNT:
                made = {"account_id": account.pk} if row.make else {}
                yield g.rolled_back(partial(_asked, row, world, made))
        transaction.set_rollback(True)


def _asked(row, world, made, query=""):
    client, url = g.sign_in(world.ops_admin), f"{g.own_address(row, world, made)}?{query}"
    if row.method == "GET":
        return url, client.get(f"{url}&panels=all&view=all&tab=all")
    # sent empty, most forms answer with themselves
    return url, client.post(url, {}, headers={"HX-Request": "true"})


@pytest.fixture
def furnished(ground):
    acme, _ = ground
    return acme, furnish(acme)


SHOWN_AT_LEAST = 40  # of the addresses show planted text at all, or this proves nothing


def test_markup_is_text_everywhere(furnished):
    """Input 17: tags, attributes, links and template syntax in every column come out as text, and nothing is run."""
    world, account = furnished
    wrong, places = [], 0
    leads = re.compile(
        r"""(href|src|action|formaction|hx-(get|post|push-url)|content)\s*=\s*["']?\s*javascript:""", re.I
    )
    for url, answer in answers(world, account, MARKUP):
        assert answer.status_code < 500, (url, g.why(answer))
        page = (
            answer.text
            if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming
            else ""
        )
        places += "&lt;mk a=" in page
        if "<mk" in page or "a=49" in page or "a={{7*7}} onload='x'" in page:
            wrong.append((url, page[max(0, page.find("<mk") - 100) :][:200]))
        if leads.search(page) or any(
            value.lower().startswith("javascript:") for value in answer.headers.values()
        ):
            wrong.append((url, "a link to a script"))
    assert not wrong
    assert places >= SHOWN_AT_LEAST, places


# --- files -------------------------------------------------------------------------------------------


def runs(cell):
    """Whether a spreadsheet takes the cell for a formula; a plain number is none."""
    is_number = re.fullmatch(r"[+-]?[0-9.,]+%?", cell)
    return cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} and not is_number


def cells_of(text):
    return [cell for row in csv.reader(io.StringIO(text)) for cell in row]


@pytest.mark.parametrize("lead", nasty.FORMULA)
def test_no_exported_cell_is_a_formula(lead, furnished):
    """Input 18: the queue's and the event log's files hold every planted text, each defused."""
    from audit import exports, queries
    from jobs import runner, services

    world, _ = furnished
    plant(world, lead)
    client = g.sign_in(world.ops_admin)
    found = [client.post(world.url("queue/export/"), {"back": "view=all"}).text]
    with world.here():
        args = {"membership_id": world.ops_admin.pk, "form": "csv"}
        args["filters"] = exports.filters_as_json(queries.Filters())
        job = services.enqueue(world.tenant, kind=exports.KIND, args=args, by=world.actor("ops_admin"))
        runner.run_now(job.pk)
        found.append(exports.path_of(world.tenant, job.pk, "csv").read_text())
    assert f"'{lead}" in cells_of(found[0]), "the account's name is in the file"
    for text in found:
        assert len(cells_of(text)) > 10
        assert not [cell for cell in cells_of(text) if runs(cell)]


# --- what people type -----------------------------------------------------------------------------------

TYPED = [
    *nasty.ODD, *nasty.SCRIPT, *nasty.FORMULA, *nasty.SQL, *nasty.LINES, "%", "_", "\\", "😀" * 100,
]  # fmt: skip


def test_notes_keep_what_was_typed(ground):
    """Inputs 15, 17 and 19: any text is kept as it was typed and shown as text; SQL in it does nothing."""
    from accounts.models import Note

    acme, globex = ground
    account, before = acme.add_account(), g.picture(globex)
    client = g.sign_in(acme.csm)
    for text in TYPED:
        answer = client.post(acme.url(f"accounts/{account.pk}/notes/"), {"text": text})
        assert answer.status_code == (303 if text.strip() else 422), text
        if not text.strip():
            continue
        with acme.here():
            kept = Note.objects.for_tenant(acme.tenant).latest("pk").text
        assert kept.split() == text.split(), "line ends apart"
    page = client.get(acme.url(f"accounts/{account.pk}/"), {"panels": "all"}).text
    assert "<script>alert" not in page
    assert g.picture(globex) == before


def test_nul_is_refused_and_nothing_kept(ground):
    """Input 13: NUL in a path, query, form, file's words, cookie or key is 400, and nothing is written."""
    acme, globex = ground
    account, before = acme.add_account(), g.picture(acme, globex)
    client = g.sign_in(acme.ops_admin)
    notes = acme.url(f"accounts/{account.pk}/notes/")
    asked = [
        client.post(notes, {"text": "a\x00b"}),
        client.post(notes, {"text": "a", "x\x00": "1"}),
        client.post(notes, "text=a%00b", content_type="application/x-www-form-urlencoded"),
        client.get(acme.url("approvals/"), {"r": "A-1\x00"}),
        client.get(acme.url("accounts/") + "?q=%00"),
        client.get(acme.url("accounts/") + "?%00=1"),
        g.Client(raise_request_exception=False).post(
            "/auth/login/", {"login": "a\x00@b.example", "password": "x"}
        ),
    ]
    cookie = g.Client(raise_request_exception=False)
    asked.append(
        cookie.get("/workspaces/", headers={"Cookie": 'holdfast_session="\\000aaaaaaaaaaaaaaaaaaaa"'})
    )
    assert [answer.status_code for answer in asked] == [400] * len(asked)
    assert client.get(acme.url("approvals/A-1%00/")).status_code in (400, 404)
    assert g.picture(acme, globex) == before


def test_text_that_is_no_utf8(ground):
    """Input 14: invalid UTF-8 and surrogates are replaced, never a 500, and what is kept can be read back."""
    acme, _ = ground
    account = acme.add_account()
    client = g.sign_in(acme.csm)
    form = "application/x-www-form-urlencoded"
    for raw in nasty.UNDECODABLE:
        sent = "text=" + g.raw(b"before" + raw + b"after")
        answer = client.post(acme.url(f"accounts/{account.pk}/notes/"), sent, content_type=form)
        assert answer.status_code in (303, 400), g.why(answer)
        assert client.get(acme.url("search/") + "?q=" + g.raw(raw)).status_code == 200
        assert client.get(acme.url(f"approvals/{g.raw(raw)}/")).status_code == 404
    answer = client.post(acme.url(f"accounts/{account.pk}/notes/"), b"text=\xff\xfe", content_type=form)
    assert answer.status_code in (303, 400, 422)
    assert client.get(acme.url(f"accounts/{account.pk}/"), {"panels": "all"}).status_code == 200


def test_a_name_of_a_megabyte_and_a_note_of_ten(ground):
    """Input 16: refused with words (or 400 at once past the limit of a form), and nothing is kept."""
    acme, globex = ground
    account, before = acme.add_account(), g.picture(acme, globex)
    client, csm, long = g.sign_in(acme.ops_admin), g.sign_in(acme.csm), "n" * 1024**2
    asked = [
        client.post(acme.url("settings/people/new/"), {"email": "a@b.example", "role": "csm", "name": long}),
        client.post(acme.url("settings/people/new/"), {"email": f"{long}@b.example", "role": "csm"}),
        client.post(acme.url("endpoints/new/"), {"name": long, "url": "https://crm.example/"}),
        client.post(acme.url("endpoints/new/"), {"name": "n", "url": f"https://crm.example/{long}"}),
        csm.post(acme.url(f"accounts/{account.pk}/notes/"), {"text": long * 2}),
        csm.post(acme.url(f"accounts/{account.pk}/notes/"), {"text": long * 10}),
        g.sign_in(acme.csm).post(
            acme.url(f"accounts/{account.pk}/tasks/"), {"title": long, "due_date": "2100-01-01"}
        ),
    ]
    for answer in asked:
        assert answer.status_code in (400, 413, 422), (answer.status_code, g.why(answer))
    assert g.picture(acme, globex) == before


# --- line ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", nasty.LINES)
def test_line_ends_reach_no_header(text, ground):
    """Input 21: CR LF in a name, a file's name and a subject make no header of their own."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    acme, _ = ground
    client = g.sign_in(acme.ops_admin)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_tenant SET name = left(%s, 100) WHERE id = %s", [text, acme.tenant.pk])
    mail.outbox.clear()
    sent = {"email": "new@acme.example", "role": "csm", "name": f"New {text} Person"}
    assert client.post(acme.url("settings/people/new/"), sent).status_code in (200, 303, 422)
    for message in mail.outbox:
        raw = message.message()
        assert "Bcc" not in raw
        assert "Set-Cookie" not in raw
        assert message.recipients() == ["new@acme.example"]
    upload = SimpleUploadedFile(f"b{text}.zip", b"PK", content_type="application/zip")
    answer = client.post(acme.url("imports/upload/"), {"bundle": upload})
    assert answer.status_code in (303, 400, 422), g.why(answer)
    for query in ({"q": text}, {"view": text}, {"back": text}):
        answer = client.get(acme.url("queue/rows/"), query)
        assert answer.status_code == 200
        for value in answer.headers.values():
            assert "\r" not in value
            assert "\n" not in value


def test_an_address_line_is_one_address(ground):
    """Inputs 21 and 54: an e-mail field takes one address, without line ends, commas or another's after it."""
    acme, globex = ground
    client = g.sign_in(acme.ops_admin)
    strange = globex.csm.user.email
    mail.outbox.clear()
    for email in (f"a@acme.example,{strange}", f"a@acme.example\r\nBcc: {strange}", f"a@acme.example;{strange}",
                  f"a@acme.example {strange}", f'"a\r\nTo: {strange}"@acme.example', f"<{strange}>"):  # fmt: skip
        answer = client.post(acme.url("settings/people/new/"), {"email": email, "role": "csm"})
        assert answer.status_code == 422, email
    assert not mail.outbox
