"""Playbooks are changed in the admin: fields and steps as one version, one event, or refused with a reason."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from playbooks import services
from playbooks.models import Playbook, PlaybookStep
from tests.playbooks.makers import NOW, low, playbook, running_play, steps, suggest

pytestmark = pytest.mark.django_db
LIST = "/admin/playbooks/playbook/"


@pytest.fixture
def admin(acme):
    client = Client()
    client.force_login(acme.ops_admin.user)
    client.post("/admin/acting-tenant/", {"slug": "acme"})
    return client


def the_playbook(world, key="usage_recovery"):
    with world.here():
        return playbook(world, key)


def form_of(page):
    """What the page would send unchanged."""
    form, formset = page.context["adminform"].form, page.context["inline_admin_formsets"][0].formset
    parts = [*form, *(field for part in [formset.management_form, *formset.forms] for field in part)]
    sent = {}
    for field in parts:
        value = field.value()
        if value is not None and value is not False:
            sent[field.html_name] = value
    return sent


def change(admin, world, key="usage_recovery", **values):
    url = f"{LIST}{the_playbook(world, key).pk}/change/"
    page = admin.get(url)
    assert page.status_code == 200
    return admin.post(url, form_of(page) | values)


def changes(world):
    with world.here():
        return list(
            AuditEvent.objects.filter(tenant=world.tenant, verb="playbooks.playbook_changed").order_by("id")
        )


def test_fields_and_steps_are_one_version_and_one_event(acme, admin):
    prefix = "playbookstep_set"
    page = admin.get(f"{LIST}{the_playbook(acme).pk}/change/")
    prefix = page.context["inline_admin_formsets"][0].formset.prefix
    answer = change(
        admin,
        acme,
        trigger_score_below="35",
        **{f"{prefix}-0-title": "Look at the logs", f"{prefix}-0-due_days": "3"},
    )
    assert answer.status_code == 302, answer.context["errors"]
    row = the_playbook(acme)
    assert (row.trigger_score_below, row.version) == (35, 2)
    with acme.here():
        first = PlaybookStep.objects.get(playbook=row, position=1)
    assert (first.title, first.due_days) == ("Look at the logs", 3)
    (event,) = changes(acme)
    assert event.diff["before"]["trigger_score_below"] == 40
    assert event.diff["after"]["steps"][0]["title"] == "Look at the logs"
    assert event.actor_label.startswith("ops_admin acme")


def test_steps_change_places_appear_and_go(acme, admin):
    url = f"{LIST}{the_playbook(acme).pk}/change/"
    prefix = admin.get(url).context["inline_admin_formsets"][0].formset.prefix
    change(
        admin, acme,
        **{
            f"{prefix}-0-position": "2", f"{prefix}-1-position": "1", f"{prefix}-4-DELETE": "on",
            f"{prefix}-5-position": "9", f"{prefix}-5-kind": "concession", f"{prefix}-5-title": "A last offer",
            f"{prefix}-5-due_days": "40", f"{prefix}-5-discount_pct": "12.50", f"{prefix}-5-months": "3",
        },
    )  # fmt: skip
    with acme.here():
        found = list(PlaybookStep.objects.filter(playbook__key="usage_recovery").order_by("position"))
    assert [step.position for step in found] == [1, 2, 3, 4, 5]
    assert found[0].title == "Talk to the champion about what changed"
    assert found[4].defaults == {"discount_pct": "12.5", "months": 3}
    assert "Look at usage again" not in [step.title for step in found]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"trigger_score_below": "51"}, "less than or equal to 50"),
        ({"trigger_indicators": "usage.nonsense"}, "names no indicator"),
        ({"trigger_indicators": "*."}, "names no indicator"),
        ({"trigger_bands": []}, "This field is required"),
        ({"trigger_bands": ["healthy"]}, "A healthy account needs no play of this kind"),
        ({"trigger_on": "improved"}, "does not fit what the play answers to"),
        ({"trigger_indicators": "improved.health"}, "does not fit what the play answers to"),
        ({"seen_version": "7"}, "in the meantime"),
    ],
)
def test_what_does_not_hold_is_said_and_not_saved(acme, admin, values, words):
    answer = change(admin, acme, **values)
    assert answer.status_code == 200
    assert words in answer.text
    assert the_playbook(acme).version == 1
    assert changes(acme) == []


def test_a_concession_needs_its_numbers_and_a_playbook_a_step(acme, admin):
    url = f"{LIST}{the_playbook(acme).pk}/change/"
    prefix = admin.get(url).context["inline_admin_formsets"][0].formset.prefix
    answer = change(admin, acme, **{f"{prefix}-3-discount_pct": ""})
    assert "Give a discount over 0" in answer.text
    answer = change(admin, acme, **{f"{prefix}-{at}-DELETE": "on" for at in range(5)})
    assert "at least one step" in answer.text
    with acme.here():
        assert PlaybookStep.objects.filter(playbook__key="usage_recovery").count() == 5


def test_a_running_play_keeps_the_steps_it_began_with(acme, admin):
    account = acme.add_account()
    with acme.here():
        play = running_play(acme, account)
        before = [step.title for step in steps(acme, play)]
    prefix = admin.get(f"{LIST}{play.playbook_id}/change/").context["inline_admin_formsets"][0].formset.prefix
    change(admin, acme, **{f"{prefix}-0-title": "Another way to begin"})
    with acme.here():
        assert [step.title for step in steps(acme, play)] == before
        other = running_play(acme, acme.add_account("Other"))
        assert steps(acme, other)[0].title == "Another way to begin"


def test_a_new_playbook_is_suggested_at_once(acme, admin):
    page = admin.get(f"{LIST}add/")
    prefix = page.context["inline_admin_formsets"][0].formset.prefix
    answer = admin.post(
        f"{LIST}add/",
        {
            "key": "late_payment", "name": "Late payment", "summary": "Get paid and stay friends.", "state": "active",
            "position": "5", "trigger_on": "low", "trigger_indicators": "business.overdue_days",
            "trigger_score_below": "40", "trigger_bands": ["critical"], f"{prefix}-TOTAL_FORMS": "1",
            f"{prefix}-INITIAL_FORMS": "0",
            f"{prefix}-0-position": "1", f"{prefix}-0-kind": "task", f"{prefix}-0-title": "Call their finance",
            f"{prefix}-0-due_days": "1",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    account = acme.add_account()
    with acme.here():
        row = suggest(acme, account, low("business.overdue_days", 5))
        assert row.playbook.key == "late_payment"
        play = services.accept(
            acme.tenant, recommendation_id=row.pk, version=1, by=acme.actor("csm"), now=NOW
        )
        services.start_play(acme.tenant, play_id=play.pk, now=NOW)
        assert [step.title for step in steps(acme, play)] == ["Call their finance"]


def test_other_roles_and_other_tenants_stay_out(acme, globex, admin):
    theirs = the_playbook(globex)
    assert admin.get(f"{LIST}{theirs.pk}/change/").status_code in (302, 404)
    with globex.here():
        assert Playbook.objects.get(pk=theirs.pk).version == 1
    manager = Client()
    manager.force_login(acme.manager.user)
    assert manager.get(LIST).status_code in (302, 403)


def test_the_limits_are_on_the_list_of_thresholds(admin):
    page = admin.get(reverse("admin:thresholds")).text
    assert "Support recovery 40, Usage recovery 40, Sentiment decline 40" in page
    assert "30 days" in page
