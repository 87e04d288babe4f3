"""People who write notes while something breaks, and what they were told: the ledger of acknowledged writes."""

import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager

import requests

from tests.faults.browser import Browser


def an_account(house, world=None, name="Halden Logistics"):
    """A committed account of the world's CSM: its id."""
    from django.db import transaction

    world = world or house.world()
    with transaction.atomic():
        return world.add_account(name, external_id=f"ACC-{uuid.uuid4().hex[:8]}").pk


def another(browser, **options):
    """A second window of the same person: the same cookies, a connection of its own."""
    twin = Browser(browser.base, **options)
    twin.session.cookies.update(browser.session.cookies)
    return twin


def note_path(account_id, slug="acme"):
    return f"/t/{slug}/accounts/{account_id}/notes/"


def together(count, act):
    """Run `act(number)` in so many threads that start at the same moment; their answers in order."""
    gate, found = threading.Barrier(count), [None] * count

    def body(number):
        gate.wait()
        try:
            found[number] = act(number)
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=body, args=[number]) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    return found


class Writers:
    """Each writes one note after the other and repeats one under its key until it is told that it is kept."""

    def __init__(self, browser, path, count):
        self.path = path
        self.acknowledged = []
        self.answers = []  # (when, status); 0 where nobody answered
        self.stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=[another(browser, timeout=30), number])
            for number in range(count)
        ]

    def start(self):
        for each in self._threads:
            each.start()

    def stop(self):
        self.stopped.set()
        for each in self._threads:
            each.join(60)

    def _write(self, browser, number):
        turn = 0
        while not self.stopped.is_set():
            turn += 1
            text = f"note {number}-{turn}"
            if self._until_kept(browser, text):
                self.acknowledged.append(text)

    def _until_kept(self, browser, text):
        data = {"text": text, "idempotency_key": str(uuid.uuid4())}
        while not self.stopped.is_set():
            try:
                status = browser.post(self.path, data).status_code
            except requests.RequestException:
                status = 0
            self.answers.append((time.monotonic(), status))
            if status == 303:
                return True
            self.stopped.wait(0.1)
        return False

    def kept(self, since=0.0):
        return sum(status == 303 and at > since for at, status in list(self.answers))

    def statuses(self):
        return Counter(status for _, status in list(self.answers))


@contextmanager
def writing(house, browser, account_id, count=4):
    """The writers at work, with a few notes kept already."""
    writers = Writers(browser, note_path(account_id), count)
    writers.start()
    try:
        house.wait_until(lambda: writers.kept() >= 2 * count, f"first notes ({writers.statuses()})")
        yield writers
    finally:
        writers.stop()


def check_nothing_lost_or_doubled(house, writers):
    """Each acknowledged note is there once, none twice, and every note has its event."""
    found = Counter(text for (text,) in house.sql("SELECT text FROM accounts_note"))
    told = f"{writers.statuses()}\n{house.report()}"
    lost = [text for text in writers.acknowledged if text not in found]
    doubled = [text for text, times in found.items() if times > 1]
    assert not lost, f"acknowledged and gone: {lost}\n{told}"
    assert not doubled, f"written twice: {doubled}\n{told}"
    events = house.one("SELECT count(*) FROM audit_event WHERE verb = 'accounts.note_added'")
    assert events == sum(found.values()), told


def python(house, code, *, role="app", **environment):
    """A snippet of the product's code in a process of its own, to its end: what it printed."""
    prelude = "import django; django.setup()\n"
    done = house.python("-c", prelude + code, name="snippet", HOLDFAST_DB_ROLE=role, **environment)
    assert done.wait() == 0, done.output()
    return done.output().strip()


SEAL = """
from audit import sealing
from tenants.models import Tenant
tenant = Tenant.objects.get(slug="acme")
while sealing.seal_next(tenant): pass
"""


def check_log(house):
    """Seal what is settled, and recompute every seal."""
    python(house, SEAL)
    done = house.manage("audit_verify")
    assert done.returncode == 0, done.output()
