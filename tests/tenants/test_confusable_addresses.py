"""Input 22: another case is the same person's address; one that only looks alike is nobody's, at every door."""

import pytest
from django.core.management import CommandError
from django.test import Client

from signin.company import Refusal, _email
from tenants.addresses import is_usable
from tenants.management.commands.create_member import _checked_email
from tenants.models import Membership, User
from tests.services import Program

pytestmark = pytest.mark.django_db

KELVIN = "\u212a"  # lower() makes it a k, and the checks of addresses take it for one
ALIKE = {
    f"{KELVIN}arl@acme.example": "the Kelvin sign for a k",
    "ka\u017fl@acme.example": "a long s",
    "\u0430da@acme.example": "a Cyrillic a",
    "karl@\u0430cme.example": "a Cyrillic a in the domain",
    "ｋarl@acme.example": "a full-width k",
    "karl@acme\u3002example": "an ideographic full stop",
    "ka\u0131rl@acme.example": "an i without its dot",
    "kar\u200dl@acme.example": "a joiner that is not seen",
}


@pytest.fixture
def karl(acme):
    """Somebody with the highest rights, whose place others would like to have."""
    from tenants import services
    from tests.worlds import MAKER

    with acme.here():
        return services.ensure_member(acme.tenant, email="karl@acme.example", role="ops_admin", by=MAKER)[0]


@pytest.mark.parametrize("email", ALIKE, ids=ALIKE.values())
def test_an_address_that_looks_alike_is_refused_at_every_door(acme, karl, email):
    people, users = Membership.objects.count(), User.objects.count()
    assert not is_usable(email)
    admin = Client()
    admin.force_login(acme.ops_admin.user)
    answer = admin.post(acme.url("settings/people/new/"), {"email": email, "role": "csm", "name": "K"})
    assert answer.status_code == 422, "People"
    scim = Program(acme, "scim")
    answer = scim("POST", "scim/v2/Users", {"userName": email})
    assert answer.status_code == 400, f"SCIM: {answer.text}"
    answer = scim(
        "PATCH",
        f"scim/v2/Users/{karl.pk}",
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
         "Operations": [{"op": "replace", "path": "userName", "value": email}]},
    )  # fmt: skip
    assert answer.status_code == 400, f"SCIM: {answer.text}"
    with pytest.raises(Refusal):
        _email({"email": email, "email_verified": True})
    with pytest.raises(CommandError):
        _checked_email(email)
    karl.user.refresh_from_db()
    assert karl.user.email == "karl@acme.example"
    assert (Membership.objects.count(), User.objects.count()) == (people, users)


@pytest.mark.parametrize("email", ["Karl@Acme.Example", "KARL@ACME.EXAMPLE"])
def test_another_case_is_the_same_person(acme, karl, email):
    users = User.objects.count()
    admin = Client()
    admin.force_login(acme.ops_admin.user)
    answer = admin.post(acme.url("settings/people/new/"), {"email": email, "role": "csm", "name": "Somebody"})
    assert answer.status_code == 422, "People: is here already"
    assert Program(acme, "scim")("POST", "scim/v2/Users", {"userName": email}).status_code == 409
    assert _email({"email": email, "email_verified": True}) == "karl@acme.example"
    assert _checked_email(email) == "karl@acme.example"
    karl.refresh_from_db()
    assert karl.role == "ops_admin", "nobody is brought to another role by it"
    assert User.objects.count() == users
