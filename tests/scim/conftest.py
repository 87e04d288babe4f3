import pytest

from tests.services import Program


@pytest.fixture
def scim(acme):
    """acme's identity provider: `scim("GET", "Users")`."""
    program = Program(acme, "scim")

    def call(method, path, body=None, **headers):
        return program(method, f"scim/v2/{path}", body, **headers)

    call.program = program
    return call


@pytest.fixture
def user(scim):
    """Somebody that the provider let in."""

    def make(email="ada@acme.example", **more):
        answer = scim("POST", "Users", {"userName": email, "name": {"formatted": "Ada Byron"}, **more})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return make
