"""What the commands share: the tenant by its slug, results as JSON, exit codes (0 done, 1 refused, 2 usage)."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tenants import queries
from tenants.models import Tenant

USAGE, REFUSED = 2, 1


def find_tenant(slug: str) -> Tenant:
    """The tenant, or a usage error that names those there are."""
    tenant = queries.tenant_by_slug(slug)
    if tenant is not None:
        return tenant
    known = [each.slug for each in queries.all_tenants()[:20]]
    there_are = (
        f"There are: {', '.join(known)}." if known else "There is none yet: make one with create_tenant."
    )
    raise CommandError(f"There is no tenant {slug!r}. {there_are}", returncode=USAGE)


def add_json_option(parser: Any) -> None:
    parser.add_argument(
        "--json", metavar="FILE", help="write the result as JSON to FILE; - for standard output"
    )


def write_json(target: str | None, result: dict[str, Any]) -> None:
    """The result to a file or standard output; nothing without --json."""
    if not target:
        return
    text = json.dumps(result, indent=2, ensure_ascii=False, default=str) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"Cannot write {target}: {error.strerror}.", returncode=USAGE) from error
