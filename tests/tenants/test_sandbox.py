"""Nothing leaves a sandbox: mail stays on its mailbox page, writes go to marked endpoints, whatever changed."""

import pytest
from django.conf import settings as configured
from django.core import mail
from django.urls import reverse

from tenants.mail import active_sandbox
from tenants.models import MailboxMessage, Tenant
from tests.worlds import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox(db):
    return make_world("acme-sandbox", environment="sandbox")


@pytest.fixture(autouse=True)
def real_backend(settings):
    settings.EMAIL_BACKEND = "tenants.mail.KeepsSandboxMail"
    settings.MAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def test_mail_goes_through_the_one_that_keeps_it():
    import config.settings

    assert config.settings.EMAIL_BACKEND == "tenants.mail.KeepsSandboxMail"
    assert configured.MAIL_BACKEND


def test_mail_of_a_sandbox_is_kept_and_shown_to_who_configures(sandbox, client):
    with sandbox.here():
        assert (
            mail.send_mail("Your play\nis late", "Dear Ana,\nplease look.", None, ["ana@customer.example"])
            == 1
        )
        html = mail.EmailMultiAlternatives(
            "Second", "text", to=["b@x.example"], cc=["c@x.example"], bcc=["d@x.example"]
        )
        html.attach_alternative("<b>text</b>", "text/html")
        html.send()
    assert mail.outbox == []
    client.force_login(sandbox.ops_admin.user)
    page = client.get(reverse("tenants:mailbox", args=["acme-sandbox"])).text
    for word in ("Your play is late", "ana@customer.example", "please look.", "c@x.example", "d@x.example"):
        assert word in page
    client.force_login(sandbox.csm.user)
    assert client.get(reverse("tenants:mailbox", args=["acme-sandbox"])).status_code == 403


def test_mail_of_production_and_of_nobody_is_sent(acme, sandbox):
    with acme.here():
        mail.send_mail("Real", "x", None, ["a@customer.example"])
    mail.send_mail("Reset", "x", None, ["a@customer.example"])
    assert [each.subject for each in mail.outbox] == ["Real", "Reset"]
    with sandbox.here():
        assert not MailboxMessage.objects.exists()


def test_a_mailbox_is_its_own_sandboxs(acme, sandbox, client):
    with sandbox.here():
        mail.send_mail("Only here", "x", None, ["a@customer.example"])
    client.force_login(acme.ops_admin.user)
    assert "Only here" not in client.get(reverse("tenants:mailbox", args=["acme"])).text
    assert client.get(reverse("tenants:mailbox", args=["acme-sandbox"])).status_code == 404


def test_inside_production_inside_a_sandbox_counts_the_inner_one(acme, sandbox):
    with sandbox.here():
        with acme.here():
            assert active_sandbox() is None
        assert active_sandbox() == sandbox.tenant
    assert active_sandbox() is None


def test_a_script_in_a_mail_is_text(sandbox, client):
    with sandbox.here():
        mail.send_mail("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", None, ["a@x.example"])
    client.force_login(sandbox.ops_admin.user)
    page = client.get(reverse("tenants:mailbox", args=["acme-sandbox"])).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_the_environment_of_a_workspace_has_no_form():
    from tenants.forms import TenantForm

    assert not {"environment", "slug", "organisation"} & set(TenantForm().fields)
    assert Tenant.Environment.SANDBOX == "sandbox"
