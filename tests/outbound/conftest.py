"""A real receiver on this machine, and short cuts to plan and send."""

import pytest

from approvals.digests import digest_of
from integrations import services
from jobs import runner
from jobs.models import Job
from tests.outbound.receiver import Receiver


@pytest.fixture
def receiver():
    """An HTTP server that answers by script and keeps a ledger of its own."""
    with Receiver() as running:
        yield running


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    """The receiver listens on this machine, which nothing may be sent to otherwise."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture(autouse=True)
def longest_delays(monkeypatch):
    """Full jitter may say "now"; here every wait is the longest of its range, so what waits, waits."""
    monkeypatch.setattr("random.uniform", lambda low, high: high)


@pytest.fixture
def sender():
    return Sender()


class Sender:
    """What the tests do over and over, for one world inside its context."""

    def endpoint(self, world, receiver, *, name="Receiver", is_sandbox=None, secret=None):
        return services.create_endpoint(
            world.tenant,
            name=name,
            url=receiver.url,
            secret=secret or receiver.secret,
            is_sandbox=world.tenant.is_sandbox if is_sandbox is None else is_sandbox,
            by=world.actor("ops_admin"),
        )

    def plan(self, world, *, key="A-1", line="ACC-1", approval_ref="", fields=None, account_id=None, **more):
        fields = {"discount_pct": "10", "months": 12} if fields is None else fields
        return services.plan_write(
            world.tenant,
            kind=more.pop("kind", "concession"),
            account_id=account_id,
            ordering_key=line,
            target=more.pop("target", {"type": "account", "external_id": line}),
            fields=fields,
            business_key=f"concession:{key}",
            approval_ref=approval_ref,
            digest=more.pop("digest", digest_of(fields)),
            correlation_id="play:1",
            by=world.actor("manager"),
            **more,
        )

    def run_jobs(self, world, *, kind="integrations.dispatch", **args):
        """Run the waiting jobs of the kind that are due, as a worker would."""
        jobs = Job.objects.for_tenant(world.tenant).filter(kind=kind, state="queued").order_by("pk")
        done = []
        for job in jobs:
            if args:
                job.args |= args
                job.save(update_fields=["args"])
            done.append(runner.run_now(job.pk))
        for job in done:
            assert job.state == "done", job.last_error
        return done
