"""What was asked stays as it was asked, and an answer is an answer to exactly that: kept by triggers.

The columns added here say whose answer a request waits for, which limits were looked at, and why it closed.
"""

from django.db import migrations, models
from django.db.models import Q

FREEZE = """
CREATE FUNCTION approvals_request_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.tenant_id, NEW.ref, NEW.kind, NEW.title, NEW.why, NEW.subject_type, NEW.subject_id, NEW.payload, NEW.digest,
        NEW.facts, NEW.policy_line, NEW.policy_version, NEW.policy_checks, NEW.approver_roles, NEW.created_at)
       IS DISTINCT FROM
       (OLD.tenant_id, OLD.ref, OLD.kind, OLD.title, OLD.why, OLD.subject_type, OLD.subject_id, OLD.payload, OLD.digest,
        OLD.facts, OLD.policy_line, OLD.policy_version, OLD.policy_checks, OLD.approver_roles, OLD.created_at)
       OR (NEW.account_id, NEW.account_owner_id, NEW.account_team_id)
       IS DISTINCT FROM (OLD.account_id, OLD.account_owner_id, OLD.account_team_id)
       -- a person who is deleted leaves the row without a requester, never with another one
       OR (NEW.requested_by_id IS NOT NULL AND NEW.requested_by_id IS DISTINCT FROM OLD.requested_by_id)
    THEN
        RAISE EXCEPTION 'approval request % is frozen: ask again with another content', OLD.ref
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state <> 'pending' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'approval request % is closed', OLD.ref USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_request_frozen BEFORE UPDATE ON approvals_approvalrequest
    FOR EACH ROW EXECUTE FUNCTION approvals_request_is_frozen();
"""
THAW = """
DROP TRIGGER approvals_request_frozen ON approvals_approvalrequest;
DROP FUNCTION approvals_request_is_frozen();
"""

# The checks "never on own request" and "never on own account" read copies on the decision; this keeps them true.
MATCH = """
CREATE FUNCTION approvals_decision_fits_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE asked record;
BEGIN
    SELECT digest, requested_by_id, account_owner_id INTO asked FROM approvals_approvalrequest
     WHERE tenant_id = NEW.tenant_id AND id = NEW.request_id;
    IF FOUND AND (NEW.digest <> asked.digest
        OR (asked.requested_by_id IS NOT NULL AND NEW.requested_by_id IS DISTINCT FROM asked.requested_by_id)
        OR NEW.account_owner_id IS DISTINCT FROM asked.account_owner_id)
    THEN
        RAISE EXCEPTION 'decision does not fit its request' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_decision_fits BEFORE INSERT ON approvals_approvaldecision
    FOR EACH ROW EXECUTE FUNCTION approvals_decision_fits_request();
"""
UNMATCH = """
DROP TRIGGER approvals_decision_fits ON approvals_approvaldecision;
DROP FUNCTION approvals_decision_fits_request();
"""

STATES = [
    ("pending", "Waiting"),
    ("approved", "Approved"),
    ("rejected", "Rejected"),
    ("changes_requested", "Changes asked for"),
    ("expired", "Expired"),
    ("withdrawn", "Withdrawn"),
    ("voided", "Void"),
]


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_boundary")]

    operations = [
        migrations.AlterModelOptions(
            "approvalpolicy", {"base_manager_name": "_unscoped", "verbose_name": "policy line"}
        ),
        migrations.AddField("approvalrequest", "account_team_id", models.BigIntegerField(null=True)),
        migrations.AddField(
            "approvalrequest", "answer_within_hours", models.PositiveSmallIntegerField(default=24)
        ),
        migrations.AddField(
            "approvalrequest", "closed_reason", models.CharField(blank=True, max_length=500, default="")
        ),
        migrations.AddField(
            "approvalrequest", "next_role", models.CharField(blank=True, max_length=20, default="")
        ),
        migrations.AddField("approvalrequest", "policy_checks", models.JSONField(default=list)),
        migrations.AlterField(
            "approvalrequest", "state", models.CharField(choices=STATES, default="pending", max_length=20)
        ),
        migrations.AddConstraint(
            "approvalpolicy",
            models.CheckConstraint(condition=~Q(approver_roles=[]), name="approval_policy_names_a_person"),
        ),
        migrations.AddConstraint(
            "approvalrequest",
            models.CheckConstraint(
                condition=(Q(state="pending") & ~Q(next_role="")) | (~Q(state="pending") & Q(next_role="")),
                name="approval_waits_for_a_role",
            ),
        ),
        migrations.AddConstraint(
            "approvalrequest",
            models.CheckConstraint(condition=~Q(approver_roles=[]), name="approval_names_a_person"),
        ),
        migrations.RunSQL(FREEZE, reverse_sql=THAW),
        migrations.RunSQL(MATCH, reverse_sql=UNMATCH),
    ]
