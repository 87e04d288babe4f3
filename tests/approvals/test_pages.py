"""The inbox in front of its readers."""

import pytest

from tests.approvals.conftest import ask


@pytest.fixture
def enter(client):
    def enter(world, role):
        client.force_login(world.people[role].user)
        return client

    return enter


def test_page(acme, enter):
    request = ask(acme, acme.add_account())
    page = enter(acme, "manager").get(acme.url("approvals/"))
    assert page.status_code == 200, page.text
    assert request.ref in page.text
    print(page.text)
    page = enter(acme, "manager").get(acme.url(f"approvals/{request.ref}/panel/?was={request.ref}"))
    assert page.status_code == 200, page.text
