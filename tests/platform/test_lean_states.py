"""The short way in which `migrate` follows operations leads to the same states as Django's own."""

import pytest
from django.db import migrations, models
from django.db.migrations.state import ProjectState

from config.lean_states import lean_states

ID = ("id", models.BigAutoField(primary_key=True))


def operations():
    """Models that point at each other and at themselves, with an index and a constraint, and a field afterwards."""
    to = {"on_delete": models.CASCADE}
    return [
        migrations.CreateModel("Tenant", [ID, ("slug", models.SlugField())]),
        migrations.CreateModel("Team", [ID, ("tenant", models.ForeignKey("lean.Tenant", **to))]),
        migrations.CreateModel(
            "Account",
            [ID, ("tenant", models.ForeignKey("lean.Tenant", **to)), ("name", models.TextField()),
             ("parent", models.ForeignKey("lean.Account", null=True, **to)),
             ("teams", models.ManyToManyField("lean.Team"))],
        ),
        migrations.AddIndex("Account", models.Index(fields=["tenant", "name"], name="account_name_ix")),
        migrations.AddConstraint(
            "Account", models.UniqueConstraint(fields=["tenant", "name"], name="account_name_once")
        ),
        migrations.AddField("Account", "rank", models.IntegerField(default=0)),
        migrations.CreateModel("Note", [ID, ("account", models.ForeignKey("lean.Account", **to))]),
        migrations.RemoveIndex("Account", "account_name_ix"),
        migrations.AlterField("Account", "name", models.CharField(max_length=10)),
    ]  # fmt: skip


def followed():
    """What can be seen of every class after every operation, its classes having been rendered before the first."""
    state, seen = ProjectState(), []
    assert state.apps is not None
    for operation in operations():
        operation.state_forwards("lean", state)
        seen.append({model._meta.model_name: looks_of(model) for model in state.apps.get_models()})
    return seen


def looks_of(model):
    meta = model._meta
    fields = {
        field.name: (type(field).__name__, related_name(field, meta.apps)) for field in meta.get_fields()
    }
    return fields, [each.name for each in meta.indexes], [each.name for each in meta.constraints]


def related_name(field, apps):
    """Whom the field points at, which must be the class that the registry has."""
    if field.related_model is None:
        return None
    meta = field.related_model._meta
    assert apps.get_model(meta.app_label, meta.model_name) is field.related_model
    return meta.model_name


def test_states_are_the_same():
    plain = followed()
    with lean_states():
        lean = followed()
    assert lean == plain
    assert {"teams", "note", "parent"} <= set(lean[-1]["account"][0])


def test_django_is_as_it_was_afterwards():
    before = ProjectState.add_model, ProjectState._append_option

    def broken_off():
        with lean_states():
            assert ProjectState.add_model is not before[0]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert (ProjectState.add_model, ProjectState._append_option) == before
