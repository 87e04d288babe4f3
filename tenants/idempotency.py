"""A request that is sent twice has one effect: double clicks, lost answers, clients that repeat (PLATFORM 7, ADR 0012).

Whoever sends a change names it with a key: forms by a hidden field that the frame gives each of them, programs by the
header. The key is claimed, the change made and the answer kept in one transaction, so a process that dies on the way
leaves nothing at all, and one that dies after it leaves the answer for whoever asks again.

Only answers below 400 are kept: what was refused changed nothing, and is sent again under the same key once mended.
"""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from tenants import reach
from tenants.models import KeptAnswer, Tenant

FIELD = "idempotency_key"
HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
PATIENCE = 2.0  # seconds that a form's repeat waits for the first one; programs are told at once
LONGEST_BODY = 1024**2
_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_POLL = 0.05
# of printed characters, so that it can stand in a log; long enough for anybody's own scheme
_VALID = re.compile(r"[!-~]{1,200}")

BAD_KEY = f"The {HEADER} must be 1 to 200 printed ASCII characters without spaces. Nothing was changed."
IN_PROGRESS = "This is being done right now, from another click or tab. Wait a moment, then reload the page."
OTHER_CONTENT = (
    "This was already sent, with other content. Nothing more was changed. "
    "Reload the page to see what was kept, then send your change again."
)
DONE_BEFORE = "This was done before, when it was sent first. Reload the page to see it."

Refuse = Callable[[HttpRequest, int, str], HttpResponse]

# Inserts only under a lock that ends with the transaction: whoever finds it taken goes on at once instead of waiting.
_CLAIM = """
INSERT INTO tenants_keptanswer (tenant_id, principal, key, fingerprint, headers, body, created_at)
SELECT %s, %s, %s, %s, '{}', '', now()
 WHERE pg_try_advisory_xact_lock(hashtextextended(%s, 0))
    ON CONFLICT (tenant_id, principal, key) DO NOTHING
RETURNING id
"""


def new_key() -> str:
    return str(uuid.uuid4())


def once(
    request: Any,
    run: Callable[[], HttpResponse],
    *,
    refuse: Refuse | None = None,
    fingerprint: str = "",
) -> HttpResponse:
    """What `run` answers, or what the same key was answered before. Costs nothing without a key, two queries with one.

    Needs `request.tenant` and `request.actor`, and the tenant's open transaction. `fingerprint` stands for a body that
    must not be read here.
    """
    refuse = refuse or _page
    key, patience = _key_of(request)
    if key is None:
        return run()
    if not _VALID.fullmatch(key):
        return refuse(request, 400, BAD_KEY)
    principal = f"{request.actor.kind}:{request.actor.id}"
    mark = _with_reach(request, fingerprint or _fingerprint(request))
    place = (request.tenant.pk, principal, key)
    kept = _claim_or_find(place, mark, patience=patience)
    if kept is None:
        return refuse(request, 409, IN_PROGRESS)
    if isinstance(kept, KeptAnswer):
        if kept.fingerprint != mark:
            return refuse(request, 422, OTHER_CONTENT)
        return _replay(kept) if _may_read_again(request, kept) else refuse(request, 409, DONE_BEFORE)
    return _keep(request.tenant, kept, run(), refuse=lambda status, words: refuse(request, status, words))


def forget_old(tenant: Tenant, progress: Any) -> dict[str, int]:
    """The upkeep job: keys are good for a day."""
    count, _ = _expired(tenant).delete()
    return {"forgotten": count}


def has_old(tenant: Tenant) -> bool:
    return _expired(tenant).exists()


def forget_all(tenant: Tenant) -> int:
    """Every kept answer of the tenant, for the erasure of a person: an answer may show a name."""
    count, _ = KeptAnswer.objects.for_tenant(tenant).filter(status__isnull=False).delete()
    return count


def _expired(tenant: Tenant) -> QuerySet[KeptAnswer]:
    return KeptAnswer.objects.for_tenant(tenant).filter(created_at__lt=timezone.now() - KEPT_FOR)


# --- the request --------------------------------------------------------------------------------------


def _key_of(request: HttpRequest) -> tuple[str | None, float]:
    """The key, and how long its repeat may wait; no key where nothing is changed or the sender gave none."""
    if request.method in _SAFE:
        return None, 0.0
    if HEADER in request.headers:
        return request.headers[HEADER], 0.0
    if request.content_type not in _FORMS:
        return None, 0.0
    return request.POST.get(FIELD), PATIENCE


def _fingerprint(request: HttpRequest) -> str:
    """What was sent, but for the key and the form's token, which differ between two renderings of one form."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type in _FORMS:
        fields = [pair for pair in request.POST.lists() if pair[0] not in (FIELD, "csrfmiddlewaretoken")]
        digest.update(json.dumps(sorted(fields)).encode())
        for name, files in sorted(request.FILES.lists()):
            for file in files:
                digest.update(json.dumps([name, file.name, file.size]).encode())
                for chunk in file.chunks():
                    digest.update(chunk)
                file.seek(0)
    else:
        digest.update(request.body)
    return digest.hexdigest()


def _with_reach(request: Any, mark: str) -> str:
    """Joined with what the person may see: whoever has another role, team or scope by now is not shown an answer that
    was made for the old one."""
    viewer = getattr(request, "membership", None)
    if viewer is None:
        return mark
    return hashlib.sha256(f"{mark} {json.dumps(reach.mark_of(viewer))}".encode()).hexdigest()


def _may_read_again(request: Any, kept: KeptAnswer) -> bool:
    """Whether what was answered then may be shown now: an account may have moved, or a share ended, since.

    An answer that only leads on to another address shows nothing; that address asks for itself.
    """
    viewer = getattr(request, "membership", None)
    if viewer is None or not kept.body or 300 <= (kept.status or 0) < 400:
        return True
    return reach.still_sees(request.tenant, viewer, request.resolver_match.kwargs)


# --- the row ------------------------------------------------------------------------------------------


def _claim_or_find(place: tuple[int, str, str], mark: str, *, patience: float) -> int | KeptAnswer | None:
    """The id of a claim that is ours, the answer that is kept, or None while somebody else is at it."""
    until = time.monotonic() + patience
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [*place, mark, "\n".join(map(str, place))])
            claimed = cursor.fetchone()
        if claimed:
            return int(claimed[0])
        tenant_id, principal, key = place
        found = KeptAnswer.objects.filter(tenant_id=tenant_id, principal=principal, key=key).first()
        if found is not None or time.monotonic() >= until:
            return found
        time.sleep(_POLL)  # another request holds the key; a new look needs a new statement, not a lock


def _keep(
    tenant: Tenant, claim_id: int, response: HttpResponse, *, refuse: Callable[[int, str], HttpResponse]
) -> HttpResponse:
    """Write the answer beside the effect, or let go of the key when there was none."""
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.render()
    if transaction.get_rollback():  # the view gave its work up, and the claim with it
        return response
    claim = KeptAnswer.objects.for_tenant(tenant).filter(pk=claim_id)
    is_file = response.streaming or response.headers.get("Content-Disposition", "").startswith("attachment")
    if response.status_code >= 400 or is_file:  # a file is made anew each time it is asked for
        claim.delete()
        return response
    # an answer that shows a secret once says so (`shown_once`): it must not lie here in clear
    may_keep = len(response.content) <= LONGEST_BODY and not getattr(response, "shown_once", False)
    kept = response if may_keep else refuse(409, DONE_BEFORE)
    claim.update(status=kept.status_code, headers=dict(kept.headers), body=kept.content)
    return response


def _replay(kept: KeptAnswer) -> HttpResponse:
    response = HttpResponse(bytes(kept.body), status=kept.status or 200)
    for name, value in kept.headers.items():
        response.headers[name] = value
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _page(request: Any, status: int, words: str) -> HttpResponse:
    """A refusal for people: a page, or for htmx a toast."""
    if not getattr(request, "htmx", None):
        return render(request, "once_refused.html", {"words": words}, status=status)
    answer = render(request, "parts/once_refused.html", {"words": words}, status=status)
    answer.headers["HX-Reswap"] = "none"  # the region keeps what it shows
    return answer
