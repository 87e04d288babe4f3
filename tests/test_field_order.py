"""What a customer pays must not show in how a page is made either: who may not see it gets the same page whoever pays.

The accounts of a small world get twins that differ in names and groups alone (tests/twins.py). Then every address of
the permission table is asked twice by somebody with every right but to see ARR: once the first account pays least and
the last one most, once the other way round and all of them more. Both answers must be the same to the letter. So an
order, a filter, a page's key, a sum, a share of a sum or the scale of a chart that follows ARR shows here, on whatever
list it is: none is named. Lists hold one row a page, and whatever follows ARR for those who see it is asked too in
the orders, filters and places that it and the pages beside it offer them.
"""

import html
import re
import sys
from collections import defaultdict

import pytest
from django.db import models, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Subscription
from scoring.growth.models import GrowthReport, RenewalForecast
from scoring.models import AccountHealth
from tenants import fields
from tenants.fields import Field
from tenants.roles import RIGHTS, Right
from tests import nightly, twins
from tests.permission_table import TABLE
from tests.playbooks.makers import health_row
from tests.scoring.evidence import subscribe
from tests.test_field_rules import SHOWS_MONEY, amounts, money_columns
from tests.test_permissions import somebody_with_the_right

pytestmark = pytest.mark.django_db

LEAST, MORE = 1_000, 7
# what is worked out of amounts and kept as something else
MADE_OF_MONEY = fields.RULES[Field.ARR].names | {"priority"}
# refused by what is asked for to who may not see ARR: the rows of a figure of money
REFUSED = dict.fromkeys((f"scoring:outcome_rows{part}" for part in ("", "_list", "_export")), (404,))
LINKS, CHOICES = 20, 2  # of the other orders, filters and places of a page so many are asked
# tokens of forms, the keys by which a form that is sent twice counts once, and the signatures of pages' keys
EACH_TIME = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"|\b[0-9a-f]{32}\b'
    r"|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|%3A\w{6}%3A[\w-]{43}"
)
APPS = ("accounts", "approvals", "playbooks", "scoring")  # what lists customers


def arrangements():
    """Rows of the table by what they need made: one world does for all of them."""
    found = defaultdict(list)
    for row in TABLE:
        is_open = row.right != Right.SEE_ARR and row.name.startswith(APPS)
        if is_open and (row.method == "GET" or row.allowed == 200):
            found[row.fill if row.make else row.fill or nightly.growth, row.make].append(row)
    return [(fill, make, rows) for (fill, make), rows in found.items()]


@pytest.fixture
def short_pages(monkeypatch):
    """One row a page, on every list."""
    reverse("tenants:home")  # loads the views
    for name, module in list(sys.modules.items()):
        if name.startswith(APPS) and isinstance(getattr(module, "PAGE", None), int):
            monkeypatch.setattr(module, "PAGE", 1)


@pytest.mark.parametrize(
    ("fill", "make", "rows"), arrangements(), ids=lambda each: getattr(each, "__name__", "")
)
def test_no_page_is_made_by_what_is_covered(fill, make, rows, acme, monkeypatch, short_pages):
    world = Paying(acme)
    with acme.here():
        named = fill(acme) if fill else {}
        made = make(acme) if make else {}
        if not world.populate():
            return  # nobody who could pay
    clients = {}
    doors = [Door(row, acme, made, [query.format(**named) for query in row.queries], clients) for row in rows]
    for each in doors:
        each.look_around()
    world.turn()
    following = [each for each in doors if each.follows()]
    for each in following:
        each.ask_also(offered("".join(one.seen for one in doors), each.url, selects_of=each.seen))
    turned = [each.answers(monkeypatch) for each in doors]
    world.turn()
    for each, other in zip(doors, turned, strict=True):
        for query, text in each.answers(monkeypatch).items():
            assert text == other[query], f"{each.row.name}?{query} follows what customers pay"
    silent = {each.row.name for each in doors} & SHOWS_MONEY - {each.row.name for each in following}
    assert not silent, "whoever pays, these are the same for those who see it, so they prove nothing"


class Door:
    """One address, the query strings it is asked with, and the member who asks."""

    def __init__(self, row, world, made, queries, clients):
        self.row, self.world, self.queries, self.told = row, world, queries, frozenset(queries)
        self.member = somebody_with_the_right(row, world)
        self.url = reverse(row.name, kwargs={"slug": world.tenant.slug, **made})
        self.data = row.data(made) if callable(row.data) else row.data
        self.client = clients.setdefault(self.member.role, Client(raise_request_exception=False))
        if not self.client.cookies:
            self.client.force_login(self.member.user)

    def look_around(self):
        """What it shows to somebody who sees ARR."""
        self.shown = [self.look(query) for query in self.queries]
        self.seen = "".join(self.shown)

    def follows(self):
        """Whether somebody who sees ARR sees that others pay now."""
        return self.shown != [self.look(query) for query in self.queries]

    def ask_also(self, found):
        """But for the part of a page that is asked for alone: it is made as the page is."""
        if self.row.method == "GET" and "<html" not in self.seen:
            return
        self.queries = list(dict.fromkeys([*self.queries, *found]))

    def answers(self, monkeypatch):
        """By query string, for the same person without the right to see ARR, and with every other right."""
        with monkeypatch.context() as here:
            here.setitem(RIGHTS, self.member.role, frozenset(Right) - {Right.SEE_ARR})
            return {query: self.look(query) for query in self.queries}

    def look(self, query):
        """The answer's text; empty for one that is no page and no file. Nothing of the request stays."""
        url = f"{self.url}?{query}" if query else self.url
        with transaction.atomic():
            answer = self.client.get(url) if self.row.method == "GET" else self.client.post(url, self.data)
            assert answer.status_code in self.awaited(query), f"{url}: {answer.status_code}"
            text = b"".join(answer.streaming_content) if answer.streaming else answer.content
            transaction.set_rollback(True)
        is_kept = self.row.method == "GET" or "Content-Disposition" in answer.headers
        return EACH_TIME.sub("", text.decode(errors="replace")) if is_kept else ""

    def awaited(self, query):
        """Two refusals are equal whoever pays and prove nothing: what the table says, a page for what is offered."""
        refused = REFUSED.get(self.row.name, ())
        if query in self.told:  # as the member, and with every other right
            return {self.row.except_for.get(self.member.role, self.row.expected), self.row.expected, *refused}
        return {200, *refused}


def offered(text, url, *, selects_of):
    """Query strings under which pages link to this address, and then those of its own forms' choices."""
    links = [html.unescape(each) for each in re.findall(r'(?:href|hx-get|action)="([^"]*\?[^"]*)"', text)]
    linked = {each.partition("?")[2].partition("#")[0] for each in links if each.partition("?")[0] == url}
    chosen = set()
    for name, inside in re.findall(r'<select[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', selects_of, re.S):
        chosen |= {
            f"{name}={html.unescape(value)}" for value in re.findall(r'<option value="([^"]+)"', inside)
        }
    return [*sorted(linked)[:LINKS], *sorted(chosen)[:CHOICES]]


def paid_columns():
    """(model, its columns of money and of what is made of it)."""
    by_model = {model: set(names) for model, names in money_columns()}
    for model in twins.tenant_models():
        names = {
            each.name for each in model._meta.concrete_fields
            if each.name in MADE_OF_MONEY and isinstance(each, models.DecimalField | models.FloatField)
        }  # fmt: skip
        if names and model in by_model:
            by_model[model] |= names
    return by_model.items()


class Paying:
    """A world in which the first account pays least; turned, it pays most, and all of them pay more."""

    def __init__(self, world):
        self.world, self.is_turned, self.columns = world, False, list(paid_columns())

    def populate(self):
        """Terms and a standing for every account, then the twins; how many accounts there are. Inside the tenant."""
        for account in Account.objects.for_tenant(self.world.tenant):
            if not Subscription.objects.filter(account=account).exists():
                subscribe(self.world, account)
            if not AccountHealth.objects.filter(account=account).exists():
                health_row(self.world, account)
        twins.make(self.world)
        self.ids = list(
            Account.objects.for_tenant(self.world.tenant).order_by("pk").values_list("pk", flat=True)
        )
        self._pay()
        return len(self.ids)

    def turn(self):
        self.is_turned = not self.is_turned
        with self.world.here():
            self._pay()
            twins.change_stored(self.world, twins.turned)

    def _pay(self):
        scale = MORE if self.is_turned else 1
        order = reversed(self.ids) if self.is_turned else self.ids
        paid = {pk: LEAST * at * scale for at, pk in enumerate(order, 1)}
        twins.pay(self.world, self.columns, paid, other=LEAST * scale)
        for kept in (RenewalForecast, GrowthReport):
            for row in kept.objects.for_tenant(self.world.tenant):
                figures = amounts(row.figures, amount=float(LEAST * scale))
                kept.objects.filter(pk=row.pk).update(figures=figures)


def test_what_is_made_of_money_is_found():
    found = {f"{model._meta.label}.{name}" for model, names in paid_columns() for name in names}
    assert {
        "accounts.Objective.value_realized",
        "accounts.Subscription.arr",
        "scoring.AccountHealth.at_stake",
        "scoring.AccountHealth.priority",
        "scoring.RenewalTerm.expected",
    } <= found
