"""Second factors: sealed, good for once, not to be skipped, and asked for where a workspace wants them."""

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core import mail
from django.core.management import call_command
from django.test import Client

from config import secrets
from tenants.models import Tenant
from tests.signin.flow import (
    SECOND,
    SECRET,
    code_of,
    events,
    factors,
    give_app,
    is_in,
    signed_in,
    try_password,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def csm(acme):
    give_app(acme.csm.user)
    return acme.csm


# --- setting up ---------------------------------------------------------------------------------


def test_what_is_stored_is_sealed_and_opens_after_the_key_changed(acme, csm, settings):
    codes = RecoveryCodes.activate(csm.user)
    stored = json.dumps([each.data for each in Authenticator.objects.filter(user=csm.user)])
    assert SECRET not in stored
    assert not any(code in stored for code in codes.generate_codes())
    was = codes.generate_codes()
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key of fifty characters or more, to be sure 123"
    with pytest.raises(secrets.SecretUnreadable, match="HOLDFAST_OLD_SECRET_KEYS"):
        codes.generate_codes()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert codes.generate_codes() == was
    call_command("reseal_secrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert Authenticator.objects.get(user=csm.user, type="recovery_codes").wrap().generate_codes() == was


def test_a_sealed_secret_from_before_keys_had_names_still_opens(settings):
    sealed = secrets.seal("whsec_x", purpose="endpoint")
    assert secrets.unseal(sealed, purpose="endpoint") == "whsec_x"
    assert secrets.unseal(sealed.partition(".")[2], purpose="endpoint") == "whsec_x"
    with pytest.raises(secrets.SecretUnreadable):
        secrets.unseal(sealed, purpose="second factor")
    with pytest.raises(secrets.SecretUnreadable):
        secrets.unseal("00000000." + sealed.partition(".")[2], purpose="endpoint")


# --- the second step ----------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(acme, csm):
    client = Client()
    assert try_password(client, csm.user.email).headers["Location"] == SECOND
    for path in ("/", "/t/acme/queue/", "/workspaces/", "/admin/", "/auth/browsers/", "/auth/2fa/", "/auth/email/",
                 "/auth/password/change/", "/auth/2fa/totp/deactivate/", "/auth/2fa/recovery-codes/"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code in {302, 404}, path
        assert "/auth/" in answer.headers.get("Location", "/auth/"), path
    assert client.post(SECOND, {"code": code_of()}).status_code == 302
    assert is_in(client, acme)
    assert events(acme, "signed_in")[-1].diff["after"]["steps"] == ["password", "mfa"]


def test_the_second_step_without_the_first_leads_to_the_first(acme, csm):
    client = Client()
    assert client.get(SECOND).headers["Location"] == "/auth/login/"
    assert client.post(SECOND, {"code": code_of()}).headers["Location"] == "/auth/login/"


def test_a_new_password_by_mail_does_not_spare_the_second_step(acme, csm):
    client = Client()
    client.post("/auth/password/reset/", {"email": csm.user.email})
    link = next(word for word in mail.outbox[-1].body.split() if "/auth/password/reset/key/" in word)
    form = client.get("/" + link.split("/", 3)[3])
    where = form.headers["Location"]
    new = "quite-another-horse-9"
    assert client.post(where, {"password1": new, "password2": new}).status_code == 302
    assert client.get("/t/acme/queue/").status_code == 302, "nobody is signed in by a reset"
    assert try_password(client, csm.user.email, new).headers["Location"] == SECOND
    assert client.get("/t/acme/queue/").status_code == 302


def test_a_lost_factor_signs_other_browsers_out(acme, csm):
    here, there = signed_in(csm), signed_in(csm)
    for client, steps in ((here, 0), (there, 1)):
        client.post(SECOND, {"code": code_of(steps=steps)})
    assert is_in(here, acme)
    assert is_in(there, acme)
    assert here.post("/auth/2fa/totp/deactivate/").status_code == 302
    assert factors(csm.user) == []
    assert is_in(here, acme)
    assert not is_in(there, acme)
    assert events(acme, "factor_removed")


# --- where a workspace asks for it --------------------------------------------------------------


@pytest.fixture
def asked(acme):
    """The workspace wants a second factor of its CSMs and admins."""
    Tenant.objects.filter(pk=acme.tenant.pk).update(second_factor_roles=["csm", "ops_admin"])
    return acme


PAGES = ["queue/", "accounts/", "audit/", "search/", "", "plays/"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_answers_before_it_is_set_up(asked, path):
    client = signed_in(asked.csm)
    answer = client.get(asked.url(path))
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/auth/2fa/")
    fragment = client.get(asked.url(path), headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, "/auth/2fa/")
    assert "asks for a second factor" in client.get("/auth/2fa/").text


def test_neither_does_an_export_nor_the_admin(asked):
    client = signed_in(asked.csm)
    assert client.post(asked.url("queue/export/")).headers["Location"] == "/auth/2fa/"
    admin = signed_in(asked.ops_admin)
    admin.get("/admin/acting-tenant/")
    assert admin.get("/admin/").headers["Location"] == "/auth/2fa/"


def test_other_roles_and_other_workspaces_are_not_asked(asked, globex):
    assert is_in(signed_in(asked.manager), asked)
    assert is_in(signed_in(globex.csm), globex)


def test_recovery_codes_alone_are_no_second_factor(asked):
    RecoveryCodes.activate(asked.csm.user)
    assert not is_in(signed_in(asked.csm), asked)


def test_who_set_it_up_goes_on_at_once(asked):
    client = signed_in(asked.csm)
    secret = client.get("/auth/2fa/totp/activate/").context["form"].secret
    assert client.post("/auth/2fa/totp/activate/", {"code": code_of(secret)}).status_code == 302
    assert is_in(client, asked)


def test_an_admin_turns_it_on_and_it_is_on_record(acme):
    admin = signed_in(acme.ops_admin)
    admin.get("/admin/acting-tenant/")
    page = admin.get(f"/admin/tenants/tenant/{acme.tenant.pk}/change/")
    assert "Roles that need a second factor" in page.text
    form = {
        "currency": "USD",
        "time_zone": "UTC",
        "rejected_rows_limit_pct": "5",
        "second_factor_roles": ["auditor"],
    }
    fields = dict.fromkeys(page.context["adminform"].form.fields, "") | form
    assert admin.post(f"/admin/tenants/tenant/{acme.tenant.pk}/change/", fields).status_code == 302
    assert Tenant.objects.get(pk=acme.tenant.pk).second_factor_roles == ["auditor"]
    assert not is_in(signed_in(acme.auditor), acme)
