"""What people typed stands beside the event, and one function may replace it when a person is erased (ADR 0016)."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from tenants.migration_ops import SecureTables

# Runs as the tables' owner, who is under the tenant's policy like everybody. It knows these columns and no others.
ERASE = """
CREATE FUNCTION erase_text(target text, row_id bigint, field text, replacement text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE kind text;
BEGIN
    IF (target, field) NOT IN (
        ('audit_eventwords', 'text'),
        ('approvals_approvalrequest', 'title'), ('approvals_approvalrequest', 'why'),
        ('approvals_approvalrequest', 'payload'), ('approvals_approvalrequest', 'facts'),
        ('approvals_approvaldecision', 'comment'), ('approvals_approvaldecision', 'facts'),
        ('integrations_writeattempt', 'request_body'), ('integrations_writeattempt', 'response_excerpt'),
        ('integrations_writeattempt', 'error'))
    THEN
        RAISE EXCEPTION 'erase_text does not reach %.%', target, field;
    END IF;
    SELECT format_type(atttypid, atttypmod) INTO kind FROM pg_attribute
     WHERE attrelid = format('public.%I', target)::regclass AND attname = field;
    EXECUTE format(
        'UPDATE public.%I SET %I = $1::%s WHERE id = $2 AND tenant_id = current_setting(''app.tenant_id'')::bigint',
        target, field, kind) USING replacement, row_id;
    IF target = 'audit_eventwords' THEN
        UPDATE public.audit_eventwords
           SET erased_at = now(), salt = decode(replace(gen_random_uuid()::text, '-', ''), 'hex')
         WHERE id = row_id AND tenant_id = current_setting('app.tenant_id')::bigint;
    END IF;
END $$;
REVOKE ALL ON FUNCTION erase_text(text, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_text(text, bigint, text, text) TO holdfast_app, holdfast_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_event_log"), ("tenants", "0002_boundary")]

    operations = [
        migrations.CreateModel(
            name="EventWords",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.BigIntegerField(null=True)),
                ("salt", models.BinaryField(max_length=16)),
                ("text", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "_unscoped",
                "indexes": [models.Index(fields=["tenant", "account_id"], name="words_account_ix")],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("_unscoped", django.db.models.manager.Manager()),
            ],
        ),
        SecureTables(["EventWords"], append_only=["EventWords"]),
        migrations.RunSQL(ERASE, reverse_sql="DROP FUNCTION erase_text(text, bigint, text, text)"),
    ]  # fmt: skip
