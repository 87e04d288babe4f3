"""What the company's groups give, edited by the workspace's admin."""

from typing import ClassVar

from signin.models import GroupRole
from tenants.admin import TenantModelAdmin, register


@register(GroupRole)
class GroupRoleAdmin(TenantModelAdmin):
    can_delete = True
    list_display = ("group", "role", "team", "rank", "provider")
    list_filter: ClassVar = ("role",)
    ordering = ("rank", "group")
