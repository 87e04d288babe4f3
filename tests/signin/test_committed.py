"""What follows a commit, on a database of the test's own."""

from django.db import transaction

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
