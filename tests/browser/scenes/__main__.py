"""Answers a browser test's calls, one line of JSON each: {"call": "dips.build", "args": {…}}.

A process of its own, because Django refuses to be asked where Playwright's event loop runs, and because the tests'
settings name another database than the app that is driven.
"""

import functools
import importlib
import json
import sys
from typing import Any

import django

ANSWER = "=> "


def main() -> None:
    django.setup()
    _prepare()
    for line in sys.stdin:
        asked = json.loads(line)
        module, _, name = asked["call"].partition(".")
        made = getattr(importlib.import_module(f"tests.browser.scenes.{module}"), name)(**asked["args"])
        print(ANSWER + json.dumps(made, default=str), flush=True)


def _prepare() -> None:
    """Worlds commit here, and all their people have one password: it is hashed once, not 70 times."""
    from django.contrib.auth import base_user

    from tenants.scoping import tenant_transaction
    from tests.worlds import World

    def here(self: World) -> Any:
        return tenant_transaction(self.tenant.pk)

    World.here = here  # type: ignore[method-assign]
    base_user.make_password = functools.lru_cache(base_user.make_password)


if __name__ == "__main__":
    main()
