"""The role of a read-only reviewer: the same check with one more word, validated without holding up sign-ins."""

from django.db import migrations, models

ROLES = [
    ("csm", "CSM"), ("account_executive", "Account executive"), ("manager", "Manager"), ("executive", "Executive"),
    ("finance", "Finance"), ("revops", "Revenue operations"), ("ops_admin", "CS operations admin"),
    ("auditor", "Auditor"), ("support", "Support"), ("reviewer", "Reviewer"),
]  # fmt: skip


def check(words: list[str]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return (
        "ALTER TABLE tenants_membership DROP CONSTRAINT membership_role_is_known;"
        f"ALTER TABLE tenants_membership ADD CONSTRAINT membership_role_is_known CHECK (role IN ({listed})) NOT VALID;"
        "ALTER TABLE tenants_membership VALIDATE CONSTRAINT membership_role_is_known;"
    )


WORDS = [word for word, _ in ROLES]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_fresh_statistics")]

    operations = [
        migrations.AlterField("membership", "role", models.CharField(choices=ROLES, max_length=20)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(check(WORDS), reverse_sql=check(WORDS[:-1]))],
            state_operations=[
                migrations.RemoveConstraint("membership", "membership_role_is_known"),
                migrations.AddConstraint(
                    "membership",
                    models.CheckConstraint(
                        name="membership_role_is_known", condition=models.Q(role__in=WORDS)
                    ),
                ),
            ],
        ),
    ]
