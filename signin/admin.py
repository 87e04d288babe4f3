"""What the company's groups give, edited by the workspace's admin."""

from typing import Any, ClassVar

from signin import services
from signin.models import GroupRole
from tenants.admin import TenantModelAdmin, register


@register(GroupRole)
class GroupRoleAdmin(TenantModelAdmin):
    ask_again = "it gives roles"
    can_delete = True
    list_display = ("group", "role", "team", "rank", "provider")
    list_filter: ClassVar = ("role",)
    ordering = ("rank", "group")

    def delete_model(self, request: Any, obj: GroupRole) -> None:
        services.remove_group(request.tenant, row=obj, by=request.actor)
