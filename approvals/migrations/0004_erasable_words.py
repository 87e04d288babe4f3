"""A frozen question may lose a person's name to the one function that erases (ADR 0016), and to nothing else."""

from django.db import migrations

FROZEN = """
CREATE OR REPLACE FUNCTION approvals_request_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- erase_text alone runs as the table's owner; the app's roles cannot
    IF current_user = (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
        RETURN NEW;
    END IF;
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
"""
WITHOUT = FROZEN.replace(
    FROZEN[FROZEN.index("    -- erase_text") : FROZEN.index("    IF (NEW.tenant_id")], ""
)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_frozen_questions")]

    operations = [migrations.RunSQL(FROZEN, reverse_sql=WITHOUT)]
