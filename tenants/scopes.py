"""What a service token may be used for. A scope is here only if an address asks for it."""

from django.db.models import TextChoices


class Scope(TextChoices):
    """One door each; a token opens those that were chosen when it was made."""

    SCIM = "scim", "People and groups from an identity provider (SCIM 2.0)"
    IMPORT = "import", "Hand in import bundles and ask what became of them"
    USAGE_READ = "usage.read", "Read this workspace's meters and quotas"
