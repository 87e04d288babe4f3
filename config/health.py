"""Two questions of a load balancer or supervisor: does the process live, and can it serve pages?"""

import logging
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from django.apps import apps
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

log = logging.getLogger("holdfast.health")
# A process's code never gains migrations, so a green answer holds for its life; a red one is asked again.
_green = {"migrations": False}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process lives; never touches the database."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and every migration is applied, else 503 with the reason in general words.

    Anybody may ask, so what the database said (host, role, database) goes to the log alone.
    """
    try:
        reason = _what_is_missing()
    except Error as error:
        connection.close()  # a broken connection must not outlive the outage
        log.warning("not ready: %s", str(error).strip() or type(error).__name__)
        return _not_ready("The database does not answer. The server's log says why.")
    return _not_ready(reason) if reason else JsonResponse({"ready": True})


def _what_is_missing() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if _green["migrations"]:
        return ""
    missing = _on_disk() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        return f"{len(missing)} migrations are not applied: run `manage.py migrate`."
    _green["migrations"] = True
    return ""


def _on_disk() -> set[tuple[str, str]]:
    """App and name of every migration, by its file: loaded, they would stay in each web process for nothing."""
    found = set()
    for app in apps.get_app_configs():
        module, _ = MigrationLoader.migrations_module(app.label)
        spec = find_spec(module) if module else None
        folders = spec.submodule_search_locations if spec else None
        names = [each.name for each in iter_modules(folders or []) if not each.ispkg]
        found |= {(app.label, name) for name in names if name[0] not in "_~"}
    return found


def _not_ready(reason: str) -> JsonResponse:
    response = JsonResponse({"ready": False, "reason": reason}, status=503)
    # Asked twice a second while starting: Django would log each as an error of ours.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _exempt(view: Any, reason: str) -> Any:
    """No sign-in, no tenant, and no transaction around it, which would fail before the view could answer."""
    view.tenant_exempt = reason
    return transaction.non_atomic_requests(login_not_required(view))


healthz = _exempt(healthz, "says whether the process lives")
readyz = _exempt(readyz, "asked before anybody is signed in")
