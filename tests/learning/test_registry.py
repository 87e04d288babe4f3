"""Versions of the model: one in force, older ones for their own days, back again, and none that cannot be read."""

from datetime import date

import numpy as np
import pytest

from audit.models import AuditEvent
from scoring import model_queries
from scoring.automation import services
from scoring.engine.churn import timing
from scoring.engine.churn.data import PERIODS
from scoring.engine.churn.document import to_document
from scoring.engine.churn.model import Calibration, Curve, Fitted, Timing
from scoring.learning import registry, training
from scoring.models import ChurnModel
from scoring.people.models import Notice
from tests.scoring.models_by_hand import TESTED
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db


def document(height=1.0):
    """A model of one curve, with the numbers that a database writes its own way: minus zero, tiny, huge."""
    curve = Curve(
        name="usage.trend_30d", form="linear", xs=np.array([-1.0, 0.0, 1e17]),
        table=np.array([height, -0.0, 1.234567890123e-9, 0.0]), usual=0.0,
    )  # fmt: skip
    width, count = len(timing.COLUMNS), len(PERIODS)
    blank = Timing(np.full(width, -2.0), np.zeros(count), np.full(width, -2.0), np.zeros(count))
    return to_document(Fitted("additive", (curve,), blank, Calibration(), {"leavers": 25}))


def made(world, as_of, height=1.0):
    return registry.register(
        world.tenant, document=document(height), kind="additive", as_of=as_of, report={}, by=MAKER
    )


def shown(world, as_of):
    row = model_queries.model_for(world.tenant, as_of=as_of)
    return row.version if row else None


def promoted(world, as_of):
    row = made(world, as_of)
    return registry.promote(world.tenant, model_id=row.pk, by=MAKER, why="test")


def trained(world, as_of):
    """As training ends where every gate of its back-test passed."""
    row = made(world, as_of)
    row.report = TESTED | {
        "gates": [],
        "against_champion": {"not_worse": True, "words": "Not worse than version 1."},
    }
    row.save(update_fields=["report"])
    return training._promoted(world.tenant, row, by=MAKER)


MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


def test_a_document_comes_back_from_the_database_as_it_went(acme):
    with acme.here():
        row = made(acme, MAY)
        again = ChurnModel.objects.for_tenant(acme.tenant).get(pk=row.pk)
        fitted = registry.load_model(again)
    assert fitted.curves[0].xs.tolist() == [-1.0, 0.0, 1e17]
    assert fitted.curves[0].table[2] == 1.234567890123e-9


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["curves"][0]["ys"].__setitem__(0, 3.0),
        lambda document: document.pop("timing"),
        lambda document: document.update(format=99),
        lambda document: document.clear(),
    ],
)
def test_a_changed_document_is_refused(acme, spoil):
    with acme.here():
        row = made(acme, MAY)
        spoil(row.document)
        row.save(update_fields=["document"])
        with pytest.raises(registry.CorruptModel):
            registry.load_model(row)
        with pytest.raises(registry.CorruptModel):
            registry.promote(acme.tenant, model_id=row.pk, by=MAKER, why="test")
        assert registry.live(acme.tenant) is None


def test_another_format_is_refused_even_where_its_digest_holds(acme):
    with acme.here():
        row = made(acme, MAY)
        row.document["format"] = 99
        row.digest = registry.digest_of(row.document)
        with pytest.raises(registry.CorruptModel, match="cannot be read"):
            registry.load_model(row)


def test_a_past_day_never_uses_a_later_model(acme):
    with acme.here():
        assert (promoted(acme, MAY).version, promoted(acme, JULY).version) == (1, 2)
        assert [shown(acme, day) for day in (date(2026, 4, 30), MAY, date(2026, 6, 30), JULY)] == [
            None,
            1,
            1,
            2,
        ]
        assert registry.live(acme.tenant).version == 2


def test_a_draft_is_never_shown(acme):
    with acme.here():
        promoted(acme, MAY)
        made(acme, JULY)
        assert shown(acme, JULY) == 1


def test_a_model_of_an_older_day_serves_its_days_and_replaces_nothing(acme):
    with acme.here():
        promoted(acme, JULY)
        late = promoted(acme, MAY)
        assert (late.version, late.state, late.is_usable) == (2, "retired", True)
        assert (shown(acme, JUNE), shown(acme, JULY)) == (2, 1)
        assert registry.live(acme.tenant).version == 1


def test_rolling_back_brings_the_older_version_and_leaves_a_trace(acme):
    with acme.here():
        promoted(acme, MAY)
        promoted(acme, JULY)
        row = registry.roll_back(acme.tenant, by=MAKER, why="nonsense")
        assert (row.version, row.state) == (1, "advisory")
        assert (shown(acme, JUNE), shown(acme, JULY)) == (1, 1)
        newer = ChurnModel.objects.for_tenant(acme.tenant).get(version=2)
        assert (newer.state, newer.is_usable) == ("retired", False)
        event = AuditEvent.objects.get(tenant=acme.tenant, verb="scoring.model_rolled_back")
        assert event.diff == {"before": {"version": 2}, "after": {"version": 1, "why": "nonsense"}}
        with pytest.raises(registry.ModelRefused):
            registry.roll_back(acme.tenant, by=MAKER, why="again")


def test_rolling_back_to_an_unreadable_version_changes_nothing(acme):
    with acme.here():
        first = promoted(acme, MAY)
        promoted(acme, JULY)
        first.document = {}
        first.save(update_fields=["document"])
        with pytest.raises(registry.CorruptModel):
            registry.roll_back(acme.tenant, by=MAKER, why="test")
        assert (registry.live(acme.tenant).version, shown(acme, JULY)) == (2, 2)


def test_a_candidate_of_older_days_shows_where_the_newer_version_was_taken_back(acme):
    """Else it would stand as advisory while every day was left to the one that may not speak."""
    with acme.here():
        promoted(acme, MAY)
        drifted = promoted(acme, JULY)
        registry.take_back(acme.tenant, by=MAKER, why="drift")
        assert (shown(acme, JULY), registry.live(acme.tenant)) == (None, None)
        row = promoted(acme, JUNE)
        assert (row.version, row.state, shown(acme, JULY), shown(acme, MAY)) == (3, "advisory", 3, 1)
        drifted.refresh_from_db()
        assert (drifted.state, drifted.is_usable) == ("retired", False)
        assert drifted.retired_why == "Replaced by churn v3."


def test_whatever_is_put_in_force_is_what_the_newest_day_shows(acme):
    """Of the same day as the one in force, and where a version that was replaced long ago is newer."""
    with acme.here():
        candidate = made(acme, JULY)
        assert promoted(acme, JULY).version == 2
        registry.promote(acme.tenant, model_id=candidate.pk, by=MAKER, why="test")
        assert (registry.live(acme.tenant).version, shown(acme, JULY)) == (1, 1)
        promoted(acme, date(2026, 8, 1))
        registry.take_back(acme.tenant, by=MAKER, why="drift")
        promoted(acme, JUNE)
        assert (registry.live(acme.tenant).version, shown(acme, date(2026, 8, 1))) == (4, 4)


def test_rolling_back_goes_by_the_days_learnt_for_and_not_by_the_number(acme):
    """Version 2 was learnt for older days than version 1, which is in force: the page offers the step."""
    with acme.here():
        promoted(acme, JULY)
        late = promoted(acme, MAY)
        assert "roll_back" in [step.key for step in services.steps_for(late)]
        row = registry.roll_back(acme.tenant, by=MAKER, why="test", to_version=2)
        assert (row.state, shown(acme, JULY)) == ("advisory", 2)
        first = ChurnModel.objects.for_tenant(acme.tenant).get(version=1)
        assert (first.state, first.is_usable) == ("retired", False)


def test_what_training_finds_is_kept_beside_a_version_that_acts_by_itself(acme):
    with acme.here():
        standing = promoted(acme, MAY)
        ChurnModel.objects.filter(pk=standing.pk).update(state="automatic")
        learnt = [trained(acme, day) for day in (JUNE, JULY, date(2026, 8, 1), date(2026, 9, 1))]
        assert registry.live(acme.tenant) == standing
        assert shown(acme, date(2026, 9, 1)) == 1
        states = [ChurnModel.objects.get(pk=row.pk).state for row in learnt]
        assert states == ["retired", *["shadow"] * 3]  # as many as it takes to see a window closed
        told = Notice.objects.for_tenant(acme.tenant).filter(kind="learnt_beside").order_by("pk")
        assert {row.user_id for row in told} == {acme.ops_admin.user_id}
        text = "churn v2 was learnt and is watched in the shadow: churn v1 acts by itself"
        assert told[0].text.startswith(text)
        assert "Brier skill against the base rate 0.100 (95 % interval 0.050 to 0.150)" in told[0].text
        assert "Not worse than version 1." in told[0].text
        registry.take_back(acme.tenant, by=MAKER, why="test")  # advisory: the next one replaces it as ever
        assert trained(acme, date(2026, 10, 1)).state == "advisory"


def test_taken_back_shows_nothing_and_no_older_version_either(acme):
    with acme.here():
        promoted(acme, MAY)
        second = promoted(acme, JULY)
        second.report = TESTED
        second.save(update_fields=["report"])
        registry.promote(acme.tenant, model_id=second.pk, by=MAKER, why="test", to="automatic")
        assert registry.take_back(acme.tenant, by=MAKER, why="drift").state == "advisory"
        assert shown(acme, JULY) == 2
        assert registry.take_back(acme.tenant, by=MAKER, why="drift").state == "shadow"
        assert (shown(acme, JULY), shown(acme, JUNE)) == (None, 1)
        assert registry.take_back(acme.tenant, by=MAKER, why="drift") is None


def test_only_what_is_advisory_becomes_automatic(acme):
    with acme.here():
        row = made(acme, MAY)
        with pytest.raises(registry.ModelRefused, match="only the version that is advisory"):
            registry.promote(acme.tenant, model_id=row.pk, by=MAKER, why="test", to="automatic")
        with pytest.raises(registry.ModelRefused):
            registry.promote(acme.tenant, model_id=row.pk, by=MAKER, why="test", to="draft")


def test_what_was_not_shown_to_beat_the_base_rate_never_becomes_automatic(acme):
    with acme.here():
        row = promoted(acme, MAY)
        for low in (None, -0.016, 0.0):
            skill = {"value": 0.002, "low": low, "high": 0.02}
            row.report = {"horizons": {"90": {"all": {"brier_skill": skill}}}}
            row.save(update_fields=["report"])
            with pytest.raises(
                registry.ModelRefused, match=r"stays advisory\. Weak: not shown to beat the base rate\."
            ):
                registry.promote(acme.tenant, model_id=row.pk, by=MAKER, why="test", to="automatic")
        assert registry.live(acme.tenant).state == "advisory"  # and is still shown


def test_the_version_in_force_cannot_be_retired(acme):
    with acme.here():
        row, other = promoted(acme, MAY), made(acme, JULY)
        with pytest.raises(registry.ModelRefused, match="in force"):
            registry.retire(acme.tenant, model_id=row.pk, by=MAKER, why="test")
        assert registry.retire(acme.tenant, model_id=other.pk, by=MAKER, why="test").state == "retired"


def test_another_tenants_versions_are_not_there(acme, globex):
    with globex.here():
        row = promoted(globex, MAY)
    with acme.here():
        assert registry.live(acme.tenant) is None
        assert shown(acme, JULY) is None
        with pytest.raises(registry.ModelRefused, match="no such version"):
            registry.promote(acme.tenant, model_id=row.pk, by=MAKER, why="test")
        assert made(acme, MAY).version == 1
