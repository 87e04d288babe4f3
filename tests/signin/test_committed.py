"""What follows a commit, on a database of the test's own."""

from django.db import transaction
from django.test import Client

from tenants.mailbox_models import MailboxMessage
from tenants.models import Tenant
from tenants.scoping import tenant_transaction
from tests.signin.flow import code_of, events, factors, signed_in
from tests.worlds import make_world


def test_an_app_is_set_up_and_its_recovery_codes_are_shown_once(committed_db, mailoutbox):
    with transaction.atomic():
        acme = make_world("acme")
    client = signed_in(acme.csm)
    page = client.get("/auth/2fa/totp/activate/")
    assert page.status_code == 200
    secret = page.context["form"].secret
    answer = client.post("/auth/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer.headers["Location"] == "/auth/2fa/recovery-codes/"
    shown = client.get("/auth/2fa/recovery-codes/").context["unused_codes"]
    assert len(shown) == 10
    second_look = client.get("/auth/2fa/recovery-codes/").text
    assert not any(code in second_look for code in shown)
    assert factors(acme.csm.user) == ["recovery_codes", "totp"]
    with transaction.atomic():
        added = events(acme, "factor_added")
    assert {event.diff["after"]["factor"] for event in added} == {
        "authenticator app", "recovery codes",
    }  # fmt: skip
    assert mailoutbox[-1].to == [acme.csm.user.email], "the person is told by mail"


def invite(settings, *, environment="production"):
    with transaction.atomic():
        acme = make_world("acme", environment=environment)
    settings.SENDS_MAIL = True
    admin = signed_in(acme.ops_admin)
    form = {"email": "new@acme.example", "name": "Nia\r\nBcc: x@evil.example", "role": "csm"}
    admin.post("/t/acme/settings/people/new/", {**form, "name": "Nia New"})
    return admin.post("/t/acme/settings/people/new/", form)


def test_an_invitation_is_mailed_where_a_server_is_set_up(committed_db, mailoutbox, settings):
    """Input 48: to the invited person's own address, with a link that works."""
    assert invite(settings).status_code == 422, "nobody is invited twice, nor under a name of two lines"
    (sent,) = [mail for mail in mailoutbox if "invitation" in mail.subject]
    assert sent.to == ["new@acme.example"]
    link = next(word for word in sent.body.split() if "/auth/invitation/" in word)
    assert Client().get("/" + link.split("/", 3)[3]).status_code == 200


def test_a_sandbox_mails_no_further_than_its_mailbox(committed_db, mailoutbox, settings):
    settings.MAIL_BACKEND = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "tenants.mail.KeepsSandboxMail"
    invite(settings, environment="sandbox")
    assert [mail for mail in mailoutbox if "invitation" in mail.subject] == []
    tenant = Tenant.objects.get(slug="acme")
    with tenant_transaction(tenant.pk):
        assert [kept.to for kept in MailboxMessage.objects.all()] == ["new@acme.example"]
