"""The rows that automation leaves: one gate a version and day, one pause an account."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from scoring.automation.models import ModelGate, PausedAutomation
from tests.scoring.models_by_hand import by_hand, curve, register

pytestmark = pytest.mark.django_db


def test_a_gate_stands_once_a_version_and_day(acme):
    model = register(acme, by_hand(curve("business.overdue_days", [0, 50], [0, 2])))
    kept = {"tenant": acme.tenant, "model": model, "as_of": date(2026, 10, 1), "key": "leavers", "place": 1}
    with acme.here():
        ModelGate.objects.create(**kept, words="Accounts seen to leave: 3.")
        with pytest.raises(IntegrityError, match="model_gate_once_a_day"), transaction.atomic():
            ModelGate.objects.create(**kept, words="Accounts seen to leave: 4.")


def test_an_account_waits_once(acme):
    kept = {"tenant": acme.tenant, "account": acme.add_account(), "what": "playbooks.triggers"}
    with acme.here():
        PausedAutomation.objects.create(**kept, signal={}, reasons=[])
        with pytest.raises(IntegrityError, match="paused_once_an_account"), transaction.atomic():
            PausedAutomation.objects.create(**kept, signal={}, reasons=[])
