"""Meters, quotas and costs: what is counted, what is refused over the limit, and how it is told."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import modelform_factory
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from integrations.models import BundleFile, BundleImport
from integrations.services import imports
from jobs import runner
from jobs import services as jobs
from jobs.models import Job
from tenants import quotas
from tenants.access import SYSTEM
from tenants.quota_models import Quota, UnitPrice, UsageCounter
from tests.imports.bundles import row, write_csv
from tests.services import Program

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.UPLOAD_DIR, settings.EXPORT_DIR = tmp_path / "uploads", tmp_path / "exports"


@pytest.fixture
def revops(acme):
    client = Client(raise_request_exception=False)
    client.force_login(acme.revops.user)
    return client


def limit(world, meter, number):
    with world.here():
        Quota.objects.update_or_create(tenant=world.tenant, meter=meter, defaults={"limit": number})


def used(world, meter):
    with world.here():
        return quotas.used(world.tenant, meter)


def packed(tmp_path, accounts=1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        rows = [row("accounts", external_id=f"A{n}") for n in range(accounts)]
        archive.write(write_csv(tmp_path / "accounts.csv", rows), "accounts.csv")
    return out.getvalue()


def landed(world, read, *, by="revops", at=None, dry_run=False, status="landed"):
    with world.here():
        bundle = imports.open_import(
            world.tenant, file_name="b.zip", path="", by=world.actor(by), dry_run=dry_run
        )
        BundleFile.objects.create(tenant=world.tenant, bundle=bundle, file="x.csv", status=status, read=read)
        if at:
            BundleImport.objects.filter(pk=bundle.pk).update(created_at=at)


# --- what is counted -----------------------------------------------------------------------------


def test_rows_that_landed_this_month_count_by_who_sent_them(acme, globex):
    landed(acme, 100)
    landed(acme, 11, by="ops_admin")
    landed(acme, 5000, dry_run=True)
    landed(acme, 5000, status="stopped")
    landed(acme, 5000, at=timezone.now() - timedelta(days=40))
    landed(globex, 5000)
    with acme.here():
        found = quotas.meters["rows"].by_source(acme.tenant, quotas.this_month())
    assert found == {acme.actor("revops").label: 100, acme.actor("ops_admin").label: 11}


def test_jobs_of_people_count_also_after_they_were_tidied_away(acme):
    with acme.here():
        jobs.enqueue(acme.tenant, kind="jobs.tidy", by=acme.actor("revops"))
        jobs.enqueue(acme.tenant, kind="jobs.tidy", by=SYSTEM)
        asked_for = Job.objects.filter(requested_by_label=acme.actor("revops").label)
        asked_for.update(state="done", finished_at=timezone.now())
    assert used(acme, "jobs") == 1
    with acme.here():
        jobs.forget_old(acme.tenant, now=timezone.now(), finished=timedelta(0), failed=timedelta(0))
        assert Job.objects.count() == 1
    assert used(acme, "jobs") == 1


def test_calls_count_by_service_also_failed_ones(acme, globex):
    program = Program(acme, "scim")
    program("GET", "scim/v2/Users")
    program("GET", "scim/v2/Users/0")
    program("GET", "api/v1/usage/")  # wrong scope: not let in
    assert used(acme, "api_calls") == 2
    assert used(globex, "api_calls") == 0


def test_files_that_are_kept_count(acme, settings):
    folder = settings.UPLOAD_DIR / str(acme.tenant.pk)
    folder.mkdir(parents=True)
    (folder / "a.zip").write_bytes(b"x" * 700)
    (folder / "b.part").write_bytes(b"x" * 9000)
    (folder / "link.zip").symlink_to("/etc/passwd")
    assert used(acme, "storage") == 700


# --- what is refused -----------------------------------------------------------------------------


def test_a_bundle_with_too_many_rows_is_refused_whole_and_says_everything(acme, revops, tmp_path):
    limit(acme, "rows", 5)
    landed(acme, 3)
    sent = SimpleUploadedFile("b.zip", packed(tmp_path, accounts=3))
    assert revops.post(acme.url("imports/upload/"), {"bundle": sent}).status_code == 303
    with acme.here():
        runner.run_now(Job.objects.latest("pk").pk)
        bundle = BundleImport.objects.latest("pk")
        assert bundle.state == "refused"
        for words in (
            "Rows imported",
            "3 of 5 rows",
            "needs 3 more",
            "operations admin",
            "Nothing of this bundle landed",
        ):
            assert words in bundle.refused
        assert not BundleFile.objects.filter(bundle=bundle).exists()
    assert used(acme, "rows") == 3
    limit(acme, "rows", 6)
    assert (
        revops.post(
            acme.url("imports/upload/"), {"bundle": SimpleUploadedFile("b.zip", packed(tmp_path, 3))}
        ).status_code
        == 303
    )
    with acme.here():
        runner.run_now(Job.objects.latest("pk").pk)
        assert BundleImport.objects.latest("pk").state == "landed"
    assert used(acme, "rows") == 6


@pytest.mark.parametrize(("meter", "number"), [("storage", 10), ("rows", 0), ("jobs", 0)])
def test_an_upload_over_a_quota_is_refused_and_leaves_nothing(
    acme, revops, tmp_path, settings, meter, number
):
    limit(acme, meter, number)
    sent = SimpleUploadedFile("b.zip", packed(tmp_path))
    answer = revops.post(acme.url("imports/upload/"), {"bundle": sent})
    assert answer.status_code == 409
    assert quotas.meters[meter].label in answer.content.decode()
    assert acme.url("usage/") in answer.content.decode()
    with acme.here():
        assert not BundleImport.objects.exists()
    assert not [each for each in settings.UPLOAD_DIR.rglob("*") if each.is_file()]


def test_a_job_over_the_quota_is_refused_to_people_and_not_to_the_schedule(acme, globex):
    limit(acme, "jobs", 1)
    client = Client()
    client.force_login(acme.ops_admin.user)
    assert client.post(acme.url("scores/run/")).status_code in (200, 303)
    answer = client.post(acme.url("audit/export/"), {"format": "csv"})
    if answer.status_code != 409:  # it asks for a fresh proof of who it is
        answer = client.post(acme.url("scores/run/"), headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "Jobs" in answer.content.decode()
    with acme.here():
        jobs.enqueue(acme.tenant, kind="jobs.tidy", by=SYSTEM)
        jobs.enqueue(acme.tenant, kind="jobs.tidy", by=acme.actor("revops"), is_new_work=False)
        with pytest.raises(quotas.QuotaExceeded):
            jobs.enqueue(acme.tenant, kind="jobs.tidy", by=acme.actor("revops"))
    with globex.here():
        jobs.enqueue(globex.tenant, kind="jobs.tidy", by=globex.actor("revops"))


def test_calls_over_the_quota_are_refused_but_leavers_still_get_out(acme):
    limit(acme, "api_calls", 1)
    usage, scim = Program(acme, "usage.read"), Program(acme, "scim")
    assert usage("GET", "api/v1/usage/").status_code == 200
    refused = usage("GET", "api/v1/usage/")
    assert (refused.status_code, refused.json()["title"]) == (429, "Quota used up")
    assert "1 of 1 calls" in refused.json()["detail"]
    assert scim("DELETE", f"scim/v2/Users/{acme.csm.pk}").status_code == 204
    assert used(acme, "api_calls") == 2


def test_a_bundle_sent_by_a_program_once_lands_once(acme, tmp_path, settings):
    program = Program(acme, "import")
    content = packed(tmp_path, accounts=2)

    def send(**headers):
        return program(
            "POST", "api/v1/imports/?name=nightly.zip", content, content_type="application/zip", **headers
        )

    first, again = send(**{"Idempotency-Key": "night-1"}), send(**{"Idempotency-Key": "night-1"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    with acme.here():
        assert BundleImport.objects.count() == 1
        runner.run_now(Job.objects.latest("pk").pk)
    state = program("GET", f"api/v1/imports/{first.json()['id']}/").json()
    assert (state["state"], state["files"][0]["created"]) == ("landed", 2)
    assert not [each for each in settings.UPLOAD_DIR.rglob("*") if each.is_file()]
    with acme.here():
        by = quotas.meters["rows"].by_source(acme.tenant, quotas.this_month())
    assert list(by) == [f"{program.identity.name} (service)"]
    limit(acme, "rows", 2)
    assert send().status_code == 429


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        ("", "application/zip", b"", 411),
        ("?name=evil.exe", "application/zip", b"x", 400),
        ("?name=x%0d%0a.zip", "application/zip", b"x", 400),
        ("", "text/csv", b"x", 415),
        ("", "application/zip", b"x" * 2000, 413),
    ],
)
def test_what_is_no_bundle_is_a_problem(acme, settings, path, content_type, body, status):
    settings.UPLOAD_MAX_BYTES = 1000
    answer = Program(acme, "import")("POST", f"api/v1/imports/{path}", body, content_type=content_type)
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not [each for each in settings.UPLOAD_DIR.rglob("*") if each.is_file()]


def test_another_tenants_import_is_not_there(acme, globex):
    landed(globex, 1)
    with globex.here():
        foreign = BundleImport.objects.get().pk
    assert Program(acme, "import")("GET", f"api/v1/imports/{foreign}/").status_code == 404


# --- the page ------------------------------------------------------------------------------------


def test_the_page_shows_usage_quota_and_cost_by_source(acme, revops):
    page = revops.get(acme.url("usage/")).content.decode()
    assert page.count("Nothing used") == 1
    landed(acme, 2_000_000)
    limit(acme, "rows", 2_000_000)
    page = revops.get(acme.url("usage/")).content.decode()
    assert "2,000,000" in page
    assert "Used up" in page
    assert "USD" not in page.partition("<main")[2], "without a price no cost is shown"
    with acme.here():
        UnitPrice.objects.create(tenant=acme.tenant, meter="rows", price="1.50", per=1_000_000)
    assert "3.00 USD" in revops.get(acme.url("usage/")).content.decode()
    with acme.here():
        source = acme.actor("revops").label
        UnitPrice.objects.create(tenant=acme.tenant, meter="rows", source=source, price="4", per=1_000_000)
    assert "8.00 USD" in revops.get(acme.url("usage/")).content.decode()


def test_past_months_and_their_csv(acme, revops):
    last = (quotas.this_month() - timedelta(days=1)).replace(day=1)
    with acme.here():
        UsageCounter.objects.create(
            tenant=acme.tenant, month=last, meter="api_calls", source="=cmd()", used=7
        )
    answer = revops.get(acme.url(f"usage/csv/?month={last:%Y-%m}"))
    table = answer.content.decode().splitlines()
    assert f"{last:%Y-%m},api_calls,'=cmd(),7,calls,,," in table
    assert "attachment" in answer.headers["Content-Disposition"]
    with acme.here():
        assert AuditEvent.objects.filter(tenant=acme.tenant, verb="tenants.usage_exported").exists()
    for bad in ("2026-13", "1999-01", "x", "9" * 400):
        assert revops.get(acme.url(f"usage/?month={bad}")).status_code == 404


def test_the_page_costs_the_same_for_one_source_or_many(acme, revops, query_count):
    revops.get(acme.url("usage/"))
    few = query_count(lambda: revops.get(acme.url("usage/")))
    with acme.here():
        for number in range(20):
            quotas.count(acme.tenant, "api_calls", source=f"s{number}")
    assert query_count(lambda: revops.get(acme.url("usage/"))) == few <= 12


def test_programs_read_the_same_figures(acme):
    landed(acme, 4)
    limit(acme, "rows", 10)
    body = Program(acme, "usage.read")("GET", "api/v1/usage/").json()
    rows = next(each for each in body["meters"] if each["key"] == "rows")
    assert (rows["used"], rows["quota"], rows["cost"]) == (4, 10, None)


def test_quotas_are_set_and_taken_away_in_the_admin_on_record(acme):
    client = Client()
    client.force_login(acme.ops_admin.user)
    client.get("/admin/acting-tenant/?workspace=acme")
    assert client.post("/admin/tenants/quota/add/", {"meter": "rows", "limit": "10"}).status_code == 302
    assert (
        client.post("/admin/tenants/quota/add/", {"meter": "rows", "limit": "10"}).status_code == 200
    )  # once a meter
    assert client.post("/admin/tenants/quota/add/", {"meter": "nothing", "limit": "1"}).status_code == 200
    assert client.post("/admin/tenants/quota/add/", {"meter": "jobs", "limit": "-1"}).status_code == 200
    with acme.here():
        row = Quota.objects.get()
        assert (row.meter, row.limit) == ("rows", 10)
    assert client.post(f"/admin/tenants/quota/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    with acme.here():
        assert not Quota.objects.exists()
        verbs = set(AuditEvent.objects.filter(tenant=acme.tenant).values_list("verb", flat=True))
    assert {"tenants.admin_changed", "tenants.admin_removed"} <= verbs


def test_what_is_never_refused_can_be_given_no_quota(acme):
    """A limit on events sent would be a promise that nobody keeps; one set in the past limits and shows nothing."""
    from tenants.quota_admin import MeterForm, QuotaForm

    free = {key for key, meter in quotas.meters.items() if not meter.has_quota}
    assert free == {"events"}
    limit(acme, "events", 0)
    with acme.here():
        of = {}
        for form in (QuotaForm, MeterForm):
            of[form] = modelform_factory(Quota, form=form, fields=("meter", "limit"))
            of[form].tenant = acme.tenant  # as the admin does
        offered = {key for key, _ in of[QuotaForm]().fields["meter"].choices}
        assert offered == set(quotas.meters) - free
        assert "events" in {key for key, _ in of[MeterForm]().fields["meter"].choices}, "priced all the same"
        assert "events" not in quotas.limits(acme.tenant)
        assert quotas.refusal(acme.tenant, "events", 1) is None
