"""A program with a token, for tests that call as one."""

import json
from itertools import count
from typing import Any

from django.test import Client

from tenants import identities
from tests.worlds import MAKER, World

NUMBER = count(1)


class Program:
    """A client that sends a service token and no cookie."""

    def __init__(self, world: World, *scopes: str, token: str = "") -> None:
        self.world = world
        if not token:
            with world.here():
                name = f"{'-'.join(scopes)} {next(NUMBER)}"
                self.identity, token = identities.create_identity(
                    world.tenant, name=name, scopes=list(scopes), by=MAKER
                )
        self.token = token
        self.client = Client(raise_request_exception=False)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body).encode()
        content_type = headers.pop("content_type", "application/scim+json")
        headers.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.generic(
            method, self.world.url(path), raw, content_type=content_type, headers=headers
        )
