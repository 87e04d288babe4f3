"""The identity provider's ids and groups (ADR 0014)."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
import tenants.scoping
from django.db import migrations, models

from tenants.migration_ops import SecureTables


class Migration(migrations.Migration):

    initial = True

    dependencies = [("tenants", "0006_services_and_limits")]

    operations = [
        migrations.CreateModel(
            name='ScimGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('display_name', models.CharField(max_length=200)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('role', models.CharField(blank=True, choices=[('csm', 'CSM'), ('account_executive', 'Account executive'), ('manager', 'Manager'), ('executive', 'Executive'), ('finance', 'Finance'), ('revops', 'Revenue operations'), ('ops_admin', 'CS operations admin'), ('auditor', 'Auditor'), ('support', 'Support'), ('reviewer', 'Reviewer')], help_text='Empty: the group gives no role.', max_length=20)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('team', tenants.scoping.TenantForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Empty: the team stays.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.team')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': '_unscoped',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('_unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='ScimGroupMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('membership_id', models.BigIntegerField()),
                ('group', tenants.scoping.TenantForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='scim.scimgroup')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': '_unscoped',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('_unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='ScimUser',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('membership_id', models.BigIntegerField()),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('role_from_groups', models.BooleanField(default=False)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('removed_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': '_unscoped',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('_unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            model_name='scimgroup',
            constraint=models.UniqueConstraint(fields=('tenant', 'display_name'), name='scim_group_name_once'),
        ),
        migrations.AddIndex(
            model_name='scimgroupmember',
            index=models.Index(fields=['tenant', 'membership_id'], name='scim_groups_of_member_ix'),
        ),
        migrations.AddConstraint(
            model_name='scimgroupmember',
            constraint=models.UniqueConstraint(fields=('tenant', 'group', 'membership_id'), name='scim_group_member_once'),
        ),
        migrations.AddConstraint(
            model_name='scimuser',
            constraint=models.UniqueConstraint(fields=('tenant', 'membership_id'), name='scim_user_once_a_membership'),
        ),
        SecureTables(["ScimUser", "ScimGroup", "ScimGroupMember"]),
    ]
