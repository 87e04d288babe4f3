"""Copies of a world's accounts that differ in nothing but names, groups and amounts, for tests/test_field_order.py.

Every row that hangs on an account is copied with it, whatever table it is in, and what hangs on such rows too. So a
table that comes later is copied without being named here.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import Case, Model, Value, When

from accounts.models import Account
from tests.worlds import World

GROUPS = (
    "segment",
    "region",
    "plan",
    "industry",
)  # of another group each, or no list of groups would have an order
SEGMENTS = ("enterprise", "mid_market")
Row = Any


def tenant_models() -> list[type[Model]]:
    """Every model of the project whose rows belong to a tenant, and the grants on accounts."""
    return [
        model
        for model in apps.get_models()
        if model._meta.managed and any(each.attname == "tenant_id" for each in model._meta.concrete_fields)
    ]


def filled(world: World) -> set[type[Model]]:
    """Those of them that hold a row of the tenant: most are empty in a small world, and are passed over."""
    has_one = "SELECT '{}' WHERE EXISTS (SELECT 1 FROM {} WHERE tenant_id = %(tenant)s)"
    parts = [has_one.format(each._meta.label, each._meta.db_table) for each in tenant_models()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"tenant": world.tenant.pk})
        return {apps.get_model(label) for (label,) in cursor.fetchall()}


def keys_to(model: type[Model], targets: set[type[Model]]) -> list[models.ForeignKey]:
    return [
        each
        for each in model._meta.concrete_fields
        if isinstance(each, models.ForeignKey) and each.remote_field.model in targets
    ]


@cache
def copied_models() -> list[type[Model]]:
    """The models whose rows hang on an account, at any depth; those that others hang on come first."""
    found: set[type[Model]] = {Account}
    while more := {each for each in tenant_models() if each not in found and keys_to(each, found)}:
        found |= more
    ordered: list[type[Model]] = []
    while rest := [each for each in found if each not in ordered]:
        free = [each for each in rest if not keys_to(each, set(rest) - {each})]
        assert free, f"rows of {rest} hang on each other"
        ordered += sorted(free, key=lambda each: each._meta.label)
    return [each for each in ordered if each is not Account]


def make(world: World, *, number: int = 1) -> None:
    """`number` twins of every account, each with copies of all that hangs on it and its lines in what jobs stored."""
    originals = list(Account.objects.for_tenant(world.tenant).order_by("pk"))
    copies: dict[Any, list[Any]] = {account.pk: [] for account in originals}
    there = filled(world)
    for at in range(1, number + 1):
        known: dict[tuple[type[Model], Any], Any] = {}  # the copy of each copied row, by its model and key
        for account in originals:
            known[Account, account.pk] = _copy(account, at, {}, name=f"{account.name} {at}")
            copies[account.pk].append(known[Account, account.pk])
        for model in copied_models():
            if model in there:
                _copy_all(model, at, known)
    change_stored(world, lambda value: _with_twins(value, copies))


def _copy_all(model: type[Model], at: int, known: dict[tuple[type[Model], Any], Any]) -> None:
    """The rows of a model that hang on copied ones; the keys of the copies lead to the copies."""
    keys = keys_to(model, {each for each, _ in known} | {model})
    olds = {target: [pk for each, pk in known if each is target] for target, _ in known}
    chosen = models.Q(pk__in=[])
    for key in keys:
        if key.remote_field.model is not model:
            chosen |= models.Q(**{f"{key.name}__in": olds[key.remote_field.model]})
    for row in model._base_manager.filter(chosen).order_by("pk"):
        led = {
            key.attname: known[key.remote_field.model, getattr(row, key.attname)]
            for key in keys
            if (key.remote_field.model, getattr(row, key.attname)) in known
        }
        known[model, row.pk] = _copy(row, at, led)


def _copy(row: Row, at: int, led: dict[str, Any], **values: Any) -> Any:
    """The copy's key. What must be unique gets the twin's number behind it."""
    model = type(row)
    kept = {
        each.attname: getattr(row, each.attname)
        for each in model._meta.concrete_fields
        if not each.primary_key
    }
    for name in _told_apart(model, led):
        kept[name] = kept[name] and f"{kept[name]}-{at}"  # what may be empty may be so often
    for name in GROUPS:
        if name in kept:
            kept[name] = SEGMENTS[at - 1] if name == "segment" else f"{name} {at}"
    made = model(**(kept | led | values))
    model._base_manager.bulk_create([made])  # as it is: no `auto_now`, no signals
    return made.pk


def _told_apart(model: type[Model], led: dict[str, Any]) -> list[str]:
    """A text of each unique set of columns that does not hold another row's key already."""
    found = []
    sets = [(each.name,) for each in model._meta.fields if each.unique and not each.primary_key]
    sets += [each.fields for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    sets += list(model._meta.unique_together)
    for names in sets:
        columns = [model._meta.get_field(name) for name in names]
        if any(each.attname in led for each in columns):
            continue
        texts = [each.attname for each in columns if isinstance(each, models.CharField) and not each.choices]
        found += texts[-1:]
    return found


def pay(world: World, columns: Any, amounts: dict[int, int], *, other: int) -> None:
    """Each account's amount in all its columns, `other` where a row is of no account. `columns`: (model, names)."""
    kind: models.DecimalField = models.DecimalField(max_digits=16, decimal_places=4)
    there = filled(world)
    for model, names in columns:
        if model not in there:
            continue
        value: Any = Value(other, output_field=kind)
        if any(each.name == "account" for each in model._meta.concrete_fields):
            cases = [
                When(account_id=pk, then=Value(amount, output_field=kind)) for pk, amount in amounts.items()
            ]
            value = Case(*cases, default=value, output_field=kind)
        model._base_manager.filter(tenant_id=world.tenant.pk).update(**dict.fromkeys(names, value))


# --- lists of accounts that jobs store as JSON ------------------------------------------------------


def change_stored(world: World, change: Callable[[Any], Any]) -> None:
    """`change` for each stored JSON value of the tenant; only what it changes is written."""
    for model in filled(world):
        names = [each.name for each in model._meta.concrete_fields if isinstance(each, models.JSONField)]
        for row in model._base_manager.filter(tenant_id=world.tenant.pk) if names else ():
            new = {name: change(getattr(row, name)) for name in names}
            if changed := {name: value for name, value in new.items() if value != getattr(row, name)}:
                model._base_manager.filter(pk=row.pk).update(**changed)


def _with_twins(value: Any, copies: dict[Any, list[Any]]) -> Any:
    """Behind each line about an account the same line about its twins."""
    if isinstance(value, dict):
        return {name: _with_twins(each, copies) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    found = []
    for each in value:
        twins = copies.get(each.get("account_id"), []) if isinstance(each, dict) else []
        found += [_with_twins(each, copies), *({**each, "account_id": pk} for pk in twins)]
    return found


def turned(value: Any) -> Any:
    """Lists of lines with an amount the other way round: whoever stored them may have put the largest first."""
    if isinstance(value, dict):
        return {name: turned(each) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    lines = [turned(each) for each in value]
    return lines[::-1] if lines and all(isinstance(each, dict) and "arr" in each for each in lines) else lines
