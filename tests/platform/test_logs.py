"""What stands in the logs, and what must never: people, what they typed, and tokens."""

import io
import json
import logging
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import path, reverse

from config import log_context, logs
from config import urls as real_urls
from jobs import registry, runner
from jobs import services as jobs
from jobs.models import Job
from tenants.access import SYSTEM, Right, tenant_view
from tests.imports.bundles import bundle, row
from tests.worlds import PASSWORD

PERSON = "Wilhelmina Ostrander"
SOUGHT = "Grimsby Pumps"
DOMAIN = "example.com"  # in a name, because a traceback shows lines of code
TOKEN = "pQ8xR2mN7vL4kJ9wT3zY6bC1"


@tenant_view(right=Right.VIEW_ACCOUNTS)
def breaks(request, token):
    raise ValueError(f"cannot read '{PERSON}' <{PERSON.split()[0].lower()}@{DOMAIN}> of {token}")


def fails(tenant, progress, *, note):
    raise RuntimeError(f"cannot write to '{note}'")


class Urls:
    urlpatterns = [*real_urls.urlpatterns, path("t/<slug:slug>/breaks/<str:token>/", breaks, name="breaks")]
    handler400, handler403, handler404, handler500 = (
        real_urls.handler400, real_urls.handler403, real_urls.handler404, real_urls.handler500,
    )  # fmt: skip


@pytest.fixture(params=["json", "line"])
def written(request, tmp_path, settings):
    """Everything that is logged, by every logger, as the formatter writes it."""
    settings.HOLDFAST_VAR, settings.UPLOAD_DIR = tmp_path, tmp_path / "uploads"
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.JsonLine() if request.param == "json" else logs.PlainLine())
    root, access = logging.getLogger(), logging.getLogger("holdfast.access")
    before = root.level, access.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    access.setLevel(logging.INFO)
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)
    out.is_json = request.param == "json"
    yield out
    root.removeHandler(handler)
    root.setLevel(before[0])
    access.setLevel(before[1])


def lines(out):
    return [json.loads(line) for line in out.getvalue().splitlines()]


def in_private(text):
    """What must not be in it, and is."""
    forbidden = [
        PERSON,
        "Wilhelmina",
        "Ostrander",
        SOUGHT,
        "Grimsby",
        TOKEN,
        PASSWORD,
        "@acme.example",
        "example.com",
    ]
    return [word for word in forbidden if word in text]


@pytest.mark.django_db
@pytest.mark.urls("tests.platform.test_logs")
def test_sign_in_search_errors_and_jobs_leave_nothing_personal(acme, written, monkeypatch):
    client = Client(raise_request_exception=False)
    user = acme.people["csm"].user
    with acme.here():
        acme.add_account(SOUGHT)
    client.post("/auth/login/", {"login": user.email, "password": "wrong-" + PASSWORD})
    client.post("/auth/login/", {"login": user.email, "password": PASSWORD})
    client.force_login(user)
    client.get(reverse("accounts:search", args=["acme"]), {"q": SOUGHT})
    client.get(reverse("accounts:list", args=["acme"]), {"q": f"{PERSON}?token={TOKEN}"})
    client.get(f"/invitation/{TOKEN}/")
    client.get(f"/t/acme/no-such-page/{TOKEN}/?q={SOUGHT}")
    assert client.get(f"/t/acme/breaks/{TOKEN}/", {"q": SOUGHT}).status_code == 500
    client.get("/healthz", headers={"host": f"{PERSON.split()[0]}.example.com"})
    with acme.here():
        monkeypatch.setitem(
            registry.kinds, "tests.breaks", registry.Kind("tests.breaks", fails, "stepwise", "x")
        )
        job = jobs.enqueue(acme.tenant, kind="tests.breaks", args={"note": PERSON}, by=SYSTEM)
        runner.run_now(job.pk)
    text = written.getvalue()
    assert not in_private(text), in_private(text)
    assert "ValueError" in text
    assert "test_logs.py" in text
    if written.is_json:
        broken = next(line for line in lines(written) if "error" in line and line.get("tenant") == "acme")
        assert broken["user_id"] == user.pk
        assert broken["request_id"]
        assert any(line.get("job_id") == job.pk for line in lines(written))


@pytest.mark.django_db
def test_an_import_with_bad_rows_and_one_that_breaks_leave_nothing_personal(
    acme, written, tmp_path, monkeypatch
):
    """Through the upload page and its job: names, mails and cells that are wrong; then an error of the database."""
    contacts = [row("contacts", name=PERSON, email="wilhelmina@example.com")]
    contacts += [row("contacts", external_id="C2", name=PERSON, account_external_id=SOUGHT)]
    packed = io.BytesIO()
    folder = bundle(tmp_path / "in", accounts=[row("accounts", name=SOUGHT)], contacts=contacts)
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    client = Client(raise_request_exception=False)
    client.force_login(acme.people["revops"].user)
    for breaks_down in (False, True):
        if breaks_down:
            monkeypatch.setattr("integrations.importing.run.open_bundle", fails_in_the_database)
        sent = SimpleUploadedFile(f"{SOUGHT}.zip", packed.getvalue())
        assert client.post(acme.url("imports/upload/"), {"bundle": sent}).status_code in (200, 303)
        with acme.here():
            for job in Job.objects.filter(state="queued", kind="integrations.import_bundle"):
                runner.run_now(job.pk)
    text = written.getvalue()
    assert not in_private(text), in_private(text)
    assert "22P02" in text, "the second import was meant to break"


def fails_in_the_database(*_, **__):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT %s::integer", [PERSON])


@pytest.mark.django_db
@pytest.mark.urls("tests.platform.test_logs")
def test_one_access_line_a_request(acme, written):
    client = Client(raise_request_exception=False)
    client.force_login(acme.people["csm"].user)
    answer = client.get(reverse("accounts:list", args=["acme"]), {"q": SOUGHT})
    if not written.is_json:
        assert "GET accounts:list 200" in written.getvalue()
        return
    [line] = [each for each in lines(written) if each["logger"] == "holdfast.access"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "accounts:list", 200)
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["queries"] > 0
    assert line["ms"] > 0
    assert set(line) >= {"time", "level", "logger", "message"}


@pytest.mark.django_db
def test_a_database_error_is_told_by_its_code_and_constraint_not_by_its_values(acme, written):
    email = acme.people["csm"].user.email
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE p (email text CONSTRAINT email_once UNIQUE)")
            cursor.execute("INSERT INTO p VALUES (%s), (%s)", [email, email])
    except IntegrityError as error:
        logging.getLogger("holdfast.tests").exception("could not keep it: %s", error)
    text = written.getvalue()
    assert "23505" in text
    assert "email_once" in text
    assert email not in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail to wilhelmina@example.com failed", "mail to …@… failed"),
        ("GET https://u:p@host/x?q=Grimsby", "GET https://host/x?…"),
        (f"invitation {TOKEN} used", "invitation … used"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("seal " + "ab12" * 16, "seal " + "ab12" * 16),
        ("job 12 (scoring.run), attempt 3", "job 12 (scoring.run), attempt 3"),
    ],
)
def test_scrubbing(text, left):
    assert logs.scrubbed(text) == left


def test_gunicorns_own_lines_have_no_addresses():
    record = logging.LogRecord(
        "gunicorn.error", logging.ERROR, "", 1, "Error handling request %s", (f"/x/{SOUGHT}?q=1",), None
    )
    assert "Grimsby" not in json.loads(logs.JsonLine().format(record))["message"]


def test_gunicorn_takes_the_house_format():
    from logging.config import dictConfig

    from gunicorn.glogging import CONFIG_DEFAULTS

    from config.gunicorn_settings import logconfig_dict

    names = ("gunicorn.error", "gunicorn.access")
    before = logging.getLogger().handlers[:]
    try:
        dictConfig({**CONFIG_DEFAULTS, **logconfig_dict})
        [handler] = logging.getLogger(names[0]).handlers
        assert isinstance(handler.formatter, logs.JsonLine)
        assert not logging.getLogger(names[1]).handlers
    finally:
        logging.getLogger().handlers = before


def test_without_a_request_a_line_knows_nothing_of_one():
    assert log_context.current() == {}


urlpatterns, handler400, handler403 = Urls.urlpatterns, Urls.handler400, Urls.handler403
handler404, handler500 = Urls.handler404, Urls.handler500
