"""`python -m tests.faults.acts ENDING`: one transaction that asks for a job, an outgoing write and an audit event.

ENDING: "commit", "rollback" (an exception takes it back) or "die" (kill -9 before the commit).
"""

import os
import signal
import sys

import django


def ask_for_everything(tenant):
    from audit import services as audit
    from integrations import services as integrations
    from jobs import services as jobs
    from tenants.access import SYSTEM

    jobs.enqueue(tenant, kind="faults.quick", args={"word": "asked"})
    audit.record(tenant, verb="faults.asked", by=SYSTEM, after={"word": "asked"})
    integrations.plan_write(
        tenant,
        kind="crm_task",
        account_id=None,
        ordering_key="ACC-1",
        target={"type": "account", "external_id": "ACC-1"},
        fields={"subject": "asked"},
        business_key="faults:asked",
        digest="0" * 64,
        correlation_id="faults",
        by=SYSTEM,
    )


def main(ending):
    django.setup()
    from tenants.queries import all_tenants
    from tenants.scoping import tenant_transaction
    from tests.faults.ledger import note

    tenant = next(each for each in all_tenants() if each.slug == "acme")
    with tenant_transaction(tenant.pk):
        ask_for_everything(tenant)
        note("asked", ending=ending)
        if ending == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if ending == "rollback":
            raise SystemExit(3)


if __name__ == "__main__":
    main(sys.argv[1])
