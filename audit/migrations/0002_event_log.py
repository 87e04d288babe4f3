"""The event log: partitioned by month, append-only by privilege and by trigger, ordered by (epoch, xid, id)."""

from django.db import migrations

from tenants.migration_ops import MonthlyPartitions, SecureTables

EPOCH = """
INSERT INTO audit_installation (epoch) VALUES (1);
REVOKE INSERT, UPDATE, DELETE ON audit_installation FROM holdfast_app, holdfast_worker;
CREATE FUNCTION audit_epoch() RETURNS integer LANGUAGE sql STABLE SET search_path = pg_catalog AS
$$ SELECT max(epoch) FROM public.audit_installation $$;
CREATE SEQUENCE audit_event_id_seq;
"""
DROP_EPOCH = """
DROP SEQUENCE audit_event_id_seq;
DROP FUNCTION audit_epoch();
DELETE FROM audit_installation;
"""

EVENTS = """
CREATE TABLE audit_event (
    tenant_id bigint NOT NULL,
    id bigint NOT NULL DEFAULT nextval('audit_event_id_seq'),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    epoch integer NOT NULL DEFAULT audit_epoch(),
    xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    verb text NOT NULL CHECK (verb ~ '^[a-z_]+[.][a-z_]+$'),
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_label text NOT NULL,
    object_type text NOT NULL DEFAULT '',
    object_id text NOT NULL DEFAULT '',
    object_label text NOT NULL DEFAULT '',
    account_id bigint,
    decision_ref text NOT NULL DEFAULT '',
    diff jsonb NOT NULL DEFAULT '{}',
    request_id text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, at, id)
) PARTITION BY RANGE (at);
CREATE INDEX audit_event_order ON audit_event (tenant_id, epoch, xid, id);
CREATE INDEX audit_event_account ON audit_event (tenant_id, account_id, at DESC, id DESC) WHERE account_id IS NOT NULL;
CREATE INDEX audit_event_object ON audit_event (tenant_id, object_type, object_id, at DESC);
CREATE INDEX audit_event_decision ON audit_event (tenant_id, decision_ref, at DESC) WHERE decision_ref <> '';
CREATE INDEX audit_event_actor ON audit_event (tenant_id, actor_id, at DESC);
CREATE TRIGGER no_rewrite BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION forbid_rewrite();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewrite();
"""

FIRST_MONTHS = """
UPDATE tenants_partitioned_table SET append_only = true WHERE name = 'audit_event';
SELECT ensure_partition('audit_event', (date_trunc('month', now()) + make_interval(months => n))::date)
FROM generate_series(0, 2) AS n;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("tenants", "0002_boundary")]

    operations = [
        migrations.RunSQL(EPOCH, reverse_sql=DROP_EPOCH),
        MonthlyPartitions("audit_event", create=EVENTS, append_only=True),
        migrations.RunSQL(FIRST_MONTHS, reverse_sql=migrations.RunSQL.noop),
        SecureTables(
            ["AuditSeal", "AuditCursor"],
            append_only=["AuditSeal"],
            worker_sees_all=["AuditSeal", "AuditCursor"],
        ),
    ]
