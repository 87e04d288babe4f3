"""The life of a policy: draft, a bad total, the cure, preview, publish, roll back; and who may do it."""

from decimal import Decimal

import pytest
from django.urls import reverse

from scoring import policies, policy_queries, services
from scoring.exceptions import PolicyRefused
from scoring.models import HealthPolicy, PolicyIndicator
from tests.worlds import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(acme):
    with acme.here():
        services.install_default_policy(acme.tenant)
        return HealthPolicy.objects.get(state="published")


@pytest.fixture
def draft(acme, published):
    with acme.here():
        return policies.draft_from(acme.tenant, policy_id=published.pk, by=acme.actor("ops_admin"))


def page(world, name, *args):
    return reverse(f"scoring:{name}", args=[world.tenant.slug, *args])


@pytest.mark.parametrize(
    ("weights", "words"),
    [([60, 35], "total 95, not 100: add 5"), ([60, 45], "total 105, not 100: take away 5")],
)
def test_a_bad_total_says_by_how_much(weights, words):
    with pytest.raises(PolicyRefused, match=words):
        policies.check_weights([Decimal(weight) for weight in weights])


@pytest.mark.parametrize("cuts", [(0, 60, 75), (60, 60, 75), (40, 80, 75), (40, 60, 100)])
def test_bands_that_leave_a_gap_or_overlap_are_refused(cuts):
    with pytest.raises(PolicyRefused, match="must rise"):
        policies.check_bands(*(Decimal(cut) for cut in cuts))


@pytest.mark.parametrize(
    ("xs", "ys"), [([0], [0]), ([0, 0], [0, 1]), ([1, 0], [0, 1]), ([0, 1], [0, 101]), ([0, 1], [0])]
)
def test_curves_that_are_none_are_refused(xs, ys):
    with pytest.raises(PolicyRefused):
        policies.check_curve(xs, ys)


def test_a_draft_copies_everything_and_there_is_one_a_segment(acme, published, draft):
    with acme.here():
        assert draft.version == published.version + 1
        rows = [(row.indicator, row.weight, row.xs) for row in policy_queries.rows_of(acme.tenant, draft)]
        assert rows == [
            (row.indicator, row.weight, row.xs) for row in policy_queries.rows_of(acme.tenant, published)
        ]
        again = policies.draft_from(acme.tenant, policy_id=published.pk, by=acme.actor("ops_admin"))
        assert again.pk == draft.pk


def test_publishing_needs_a_preview_of_the_present_draft(acme, draft):
    by = acme.actor("ops_admin")
    with acme.here():
        with pytest.raises(PolicyRefused, match="Preview"):
            policies.publish(acme.tenant, policy_id=draft.pk, row_version=draft.row_version, by=by)
        HealthPolicy.objects.filter(pk=draft.pk).update(preview={"as_of": None})
        with pytest.raises(PolicyRefused, match="in the meantime"):
            policies.publish(acme.tenant, policy_id=draft.pk, row_version=draft.row_version + 1, by=by)


def test_publish_retires_and_roll_back_reinstates_the_same_number(acme, published, draft):
    by = acme.actor("ops_admin")
    with acme.here():
        HealthPolicy.objects.filter(pk=draft.pk).update(preview={"as_of": None})
        policies.publish(acme.tenant, policy_id=draft.pk, row_version=draft.row_version, by=by)
        assert states(published, draft) == ["retired", "published"]
        policies.publish(
            acme.tenant, policy_id=draft.pk, row_version=draft.row_version, by=by
        )  # a second click
        policies.roll_back(acme.tenant, policy_id=published.pk, by=by)
        assert states(published, draft) == ["published", "retired"]
        with pytest.raises(PolicyRefused, match="Only a draft"):
            policies.note_change(acme.tenant, policy_id=draft.pk, before={}, after={}, by=by)


def states(*rows):
    return [HealthPolicy.objects.get(pk=row.pk).state for row in rows]


def test_a_change_voids_the_preview(acme, draft):
    with acme.here():
        HealthPolicy.objects.filter(pk=draft.pk).update(preview={"as_of": None})
        policies.note_change(
            acme.tenant, policy_id=draft.pk, before={}, after={"note": "x"}, by=acme.actor("ops_admin")
        )
        fresh = HealthPolicy.objects.get(pk=draft.pk)
        assert fresh.preview is None
        assert fresh.row_version == draft.row_version + 1


def admin_form(draft, rows, **changes):
    """What the admin's form posts for this draft."""
    data = {
        "missing_rule": draft.missing_rule, "min_coverage_pct": "50", "at_risk_from": "40", "watch_from": "60",
        "healthy_from": "75", "note": "", "_save": "Save",
        "policyindicator_set-TOTAL_FORMS": len(rows), "policyindicator_set-INITIAL_FORMS": len(rows),
    }  # fmt: skip
    for at, row in enumerate(rows):
        name = f"policyindicator_set-{at}"
        data |= {
            f"{name}-id": row.pk,
            f"{name}-policy": draft.pk,
            f"{name}-enabled": "on",
            f"{name}-weight": str(row.weight),
            f"{name}-curve": ", ".join(f"{x}:{y}" for x, y in zip(row.xs, row.ys, strict=True)),
        }
    return data | changes


def test_the_admin_refuses_a_bad_total_and_keeps_the_mended_one(client, acme, draft):
    client.force_login(acme.ops_admin.user)
    client.get(reverse("admin:acting_tenant"))
    address = reverse("admin:scoring_healthpolicy_change", args=[draft.pk])
    prefix = prefix_of(client.get(address))
    with acme.here():
        rows = list(policy_queries.rows_of(acme.tenant, draft))
    data = {
        key.replace("policyindicator_set", prefix): value for key, value in admin_form(draft, rows).items()
    }
    first, second = rows[0], rows[1]
    bad = data | {f"{prefix}-0-weight": str(first.weight + 5)}
    refused = client.post(address, bad)
    assert refused.status_code == 200
    assert "total 105, not 100: take away 5" in refused.content.decode()
    mended = bad | {f"{prefix}-1-weight": str(second.weight - 5)}
    assert client.post(address, mended).status_code == 302
    with acme.here():
        weights = [row.weight for row in policy_queries.rows_of(acme.tenant, draft)]
        assert weights[:2] == [first.weight + 5, second.weight - 5]
        assert sum(weights) == 100
        assert HealthPolicy.objects.get(pk=draft.pk).row_version == draft.row_version + 1


def prefix_of(answer):
    return answer.context["inline_admin_formsets"][0].formset.prefix


def test_only_those_who_configure_may_and_never_across_tenants(client, acme, published):
    globex = make_world("globex")
    for role in ("csm", "manager", "executive", "auditor"):
        client.force_login(acme.people[role].user)
        assert client.get(page(acme, "policies")).status_code == 403, role
        assert client.post(page(acme, "policy_draft", published.pk)).status_code == 403, role
    client.force_login(globex.ops_admin.user)
    assert client.get(page(acme, "policies")).status_code == 404
    assert client.get(page(globex, "policy", published.pk)).status_code == 404
    assert client.post(page(globex, "policy_draft", published.pk)).status_code == 404


def test_the_pages_of_a_draft(client, acme, published, draft):
    client.force_login(acme.ops_admin.user)
    assert "In force" in client.get(page(acme, "policies")).content.decode()
    text = client.get(page(acme, "policy", draft.pk)).content.decode()
    assert "Not previewed yet" in text
    assert "Publish</button>" not in text
    assert client.get(page(acme, "policy_preview", draft.pk)).status_code == 405
    assert client.post(page(acme, "policy_preview", draft.pk)).status_code == 303
    with acme.here():
        assert HealthPolicy.objects.get(pk=draft.pk).preview_job_id
        assert PolicyIndicator.objects.filter(policy=draft).exists()
    assert client.post(page(acme, "policy_discard", draft.pk)).status_code == 303
    assert client.get(page(acme, "policy", draft.pk)).status_code == 404
    assert client.get(page(acme, "policy", 2**70)).status_code == 404
