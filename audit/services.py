"""Writing the event log: one row in the same transaction as the change it tells of."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from audit import words
from tenants.access import Actor
from tenants.models import Tenant

_INSERT = """
INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, object_type, object_id, object_label,
                         account_id, decision_ref, diff, request_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING epoch, xid, id
"""


def record(
    tenant: Tenant,
    *,
    verb: str,
    by: Actor,
    subject: Any = None,
    object_type: str = "",
    object_id: str = "",
    object_label: str = "",
    account_id: int | None = None,
    decision_ref: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    request_id: str = "",
) -> tuple[int, int, int]:
    """Append one event, `app.past_tense`, and return its key (epoch, xid, id).

    `subject` is a model row that gives object type, id and label; or they are given by hand. `before` and `after`
    hold what changed, never a restricted body; typed texts are kept beside the event (audit.words).
    Needs the tenant's open transaction; raises where there is none.
    """
    if subject is not None:
        object_type = object_type or subject._meta.label_lower
        object_id = object_id or str(subject.pk)
        object_label = object_label or str(subject)
    diff = {name: part for name, part in (("before", before), ("after", after)) if part is not None}
    diff = words.put_aside(tenant, diff, account_id=account_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [tenant.pk, verb, by.kind, by.id, by.label[:300], object_type, object_id, object_label[:300],
             account_id, decision_ref, json.dumps(diff, cls=DjangoJSONEncoder), request_id],
        )  # fmt: skip
        epoch, xid, event_id = cursor.fetchone()
    return int(epoch), int(xid), int(event_id)
