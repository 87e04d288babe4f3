"""The panel of goals: the open ones are there whatever was finished before."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import Milestone, Objective

pytestmark = pytest.mark.django_db
AT = datetime(2026, 9, 1, tzinfo=UTC)


def test_the_open_goals_come_first_then_the_newest_finished(client, acme):
    """13 finished ones and two open: the two, then the ten that were finished last."""
    account = acme.add_account()
    with acme.here():
        for number in range(13):
            common = {"tenant": acme.tenant, "account": account, "external_id": f"{number}"}
            done = AT - timedelta(days=number)
            Objective.objects.create(**common, name=f"Goal {number:02}", declared_at=AT, achieved_at=done)
            Milestone.objects.create(**common, name=f"Step {number:02}", completed_at=done)
        for name, days in (("later", 9), ("sooner", 2)):
            common = {"tenant": acme.tenant, "account": account, "external_id": name}
            due = {"due_at": AT + timedelta(days=days)}
            Objective.objects.create(**common, name=f"Goal {name}", declared_at=AT, **due)
            Milestone.objects.create(**common, name=f"Step {name}", **due)
    client.force_login(acme.csm.user)
    text = client.get(reverse("accounts:panel", args=[acme.tenant.slug, account.pk, "goals"])).text
    finished = [f"{number:02}" for number in range(10)]
    for kind in ("Goal", "Step"):
        assert re.findall(rf"{kind} (\w+)<", text) == ["sooner", "later", *finished]
    assert text.count("More are not shown") == 2
    with acme.here():
        Objective.objects.filter(external_id__in=["0", "1", "2"]).delete()
    text = client.get(reverse("accounts:panel", args=[acme.tenant.slug, account.pk, "goals"])).text
    assert text.count("More are not shown") == 1
