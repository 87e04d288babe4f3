"""What the provider's groups give: role and team, said by hand."""

from typing import Any, ClassVar

from scim import services
from scim.models import ScimGroup
from tenants.admin import TenantModelAdmin, register


@register(ScimGroup)
class ScimGroupAdmin(TenantModelAdmin):
    ask_again = "it gives roles"
    can_add = False
    fields = ("display_name", "external_id", "role", "team")
    readonly_fields = ("display_name", "external_id")
    exclude: ClassVar[Any] = ("tenant", "created_at", "changed_at")
    list_display = ("display_name", "role", "team")
    ordering = ("display_name",)

    def write(self, request: Any, row: ScimGroup, *, form: Any, before: dict[str, Any] | None) -> None:
        services.map_group(request.tenant, group=row, by=request.actor)
