"""What one web process knows, the other knows too: codes already used, tries already counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.hashers import make_password
from django.db import transaction

from tests.signin.flow import SECOND, code_of, give_app
from tests.worlds import PASSWORD, make_world

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parents[2]


class Process:
    def __init__(self, database):
        env = {**os.environ, "HOLDFAST_DB_NAME": database, "HOLDFAST_DB_ROLE": "app"}
        self.child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.signin.one_browser"], cwd=ROOT, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def tell(self, line):
        self.child.stdin.write(f"{line}\n")
        self.child.stdin.flush()

    def hear(self):
        return self.child.stdout.readline().strip()

    def ask(self, line):
        self.tell(line)
        return self.hear()


@pytest.fixture
def two(committed_db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    with transaction.atomic():
        acme = make_world("acme")
        user = acme.csm.user
        user.password = make_password(PASSWORD)
        user.save()
        give_app(user)
        acme.codes = RecoveryCodes.activate(user).generate_codes()
    processes = [Process(committed_db) for _ in range(2)]
    try:
        assert [each.hear() for each in processes] == ["ready", "ready"]
        yield acme, *processes
    finally:
        for each in processes:
            each.child.stdin.close()
            each.child.wait(60)


def test_a_code_is_good_once_in_all_processes(two):
    """Input 45: the same code at the same moment, in two processes; one of them gets in."""
    acme, one, other = two
    for each in (one, other):
        assert each.ask(f"password {acme.csm.user.email} {PASSWORD}") == SECOND
    digits = code_of(steps=1)  # good for a minute yet, however slow this machine is
    for each in (one, other):
        each.tell(f"code {digits}")
    answers = [each.hear() for each in (one, other)]
    assert sorted(answers) == ["in", "out"]
    loser = (one, other)[answers.index("out")]
    assert loser.ask("page /t/acme/queue/") == "302"
    assert loser.ask(f"code {digits}") == "out", "and it stays used"


def test_a_recovery_code_is_good_once_in_all_processes(two):
    """Input 45."""
    acme, one, other = two
    for each in (one, other):
        assert each.ask(f"password {acme.csm.user.email} {PASSWORD}") == SECOND
    for each in (one, other):
        each.tell(f"code {acme.codes[3]}")
    assert sorted(each.hear() for each in (one, other)) == ["in", "out"]


def test_tries_of_a_request_that_rolled_back_are_counted_in_all_processes(two):
    """Input 46."""
    acme, one, other = two
    assert one.ask("count somebody@acme.example") == "refused"
    assert other.ask("count somebody@acme.example") == "refused"
    assert acme
