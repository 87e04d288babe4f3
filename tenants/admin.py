"""The base of every admin class: rights from the role, rows of the acting tenant, writes through services.

An app's `admin.py` registers with `@register(Model)` on a subclass of TenantModelAdmin; config/admin.py picks
it up. Django's own LogEntry is never written: its table knows no tenants, and the audit log says more.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import QueryDict

from tenants import queries, services
from tenants.access import Right, can, sees_everything
from tenants.exceptions import Refused
from tenants.forms import OwnRowForm, TeamForm, TenantForm
from tenants.models import Membership, Team, Tenant, User

AdminClass = type[Any]  # of admin.ModelAdmin, which takes no argument at run time
registered: dict[type[models.Model], AdminClass] = {}


def register(*row_types: type[models.Model]) -> Callable[[AdminClass], AdminClass]:
    """Show these models in Holdfast's admin with the class below."""

    def note(admin_class: AdminClass) -> AdminClass:
        for row_type in row_types:
            registered[row_type] = admin_class
        return admin_class

    return note


class TenantModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """One tenant-owned model. Override `write` to save through a service of your own; deleting is off."""

    right = Right.CONFIGURE
    can_add = True
    can_change = True
    can_delete = False
    form: Any = OwnRowForm
    actions = None
    exclude: ClassVar[Any] = ("tenant",)
    list_per_page = 50
    show_full_result_count = False

    def write(self, request: Any, row: Any, *, form: Any, before: dict[str, Any] | None) -> None:
        """Save `row` with its audit event. `before`: the changed fields as they were; None for a new row.

        A subclass may raise Refused: the form is shown again with its words.
        """
        after = {name: shown(getattr(row, name)) for name in form.changed_data if hasattr(row, name)}
        services.save_from_admin(
            request.tenant, row=row, before=before, after=after, by=request.actor,
            request_id=request.request_id, only=self.columns(before),
        )  # fmt: skip

    def columns(self, before: dict[str, Any] | None) -> list[str] | None:
        """What `write` writes of a row; None: all of it. Name them where somebody else writes the others."""
        return None

    # --- rows: the default manager knows the acting tenant (the middleware has set it) ---

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **options: Any) -> Any:
        """People to choose from are the tenant's; other tenants' rows are out of reach by their managers."""
        if db_field.remote_field.model is User and "queryset" not in options:
            options["queryset"] = queries.users_of(request.tenant)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **options: Any) -> Any:
        made = super().get_form(request, obj, change, **options)
        made.tenant = request.tenant  # type: ignore[attr-defined]
        return made

    def get_fields(self, request: Any, obj: Any = None) -> Any:
        """What the page was made with goes along unseen, also where a class names its fields."""
        names = [name for name in super().get_fields(request, obj) if name != "seen"]
        may_change = issubclass(self.form, OwnRowForm) and self.has_change_permission(request, obj)
        return [*names, "seen"] if may_change else names

    # --- rights: from role and acting tenant, never from model permissions (DECISIONS 16) ---

    def _may(self, request: Any) -> bool:
        membership = getattr(request, "membership", None)
        return membership is not None and can(membership, self.right)

    def _may_write(self, request: Any) -> bool:
        """What gives rights (`ask_again`) is not for somebody narrowed: the own scope could be gone around with it."""
        gives = bool(getattr(self, "ask_again", ""))
        return self._may(request) and (not gives or sees_everything(request.membership))

    def has_module_permission(self, request: Any) -> bool:
        return self._may(request)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return self._may(request)

    def has_add_permission(self, request: Any) -> bool:
        return self.can_add and self._may_write(request)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return self.can_change and self._may_write(request)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return self.can_delete and self._may_write(request)

    # --- writes ---

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        before = None
        if change:
            names = [name for name in form.changed_data if hasattr(obj, name)]
            before = {name: shown(form.initial.get(name)) for name in names}
        self.write(request, obj, form=form, before=before)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """What a service refuses is shown on the form, like any other fault."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            self.message_user(request, str(refusal), level="ERROR")
            request.method, request.POST = "GET", QueryDict()  # type: ignore[assignment]
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            answer.status_code = 422
            return answer

    def log_addition(self, request: Any, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: Any, queryset: Any) -> Any:
        return None

    def delete_view(self, request: Any, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not self.can_delete:
            raise PermissionDenied("Nothing is deleted here: end it, or make it inactive.")
        return super().delete_view(request, object_id, extra_context)

    def _get_obj_does_not_exist_redirect(self, request: Any, opts: Any, object_id: str) -> HttpResponse:
        raise Http404("No such row here.")  # Django's own goes to the index, with the id in a message

    def history_view(self, request: Any, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404("The audit page shows what happened.")


def shown(value: Any) -> Any:
    """A field's value as the audit event keeps it."""
    return value.pk if isinstance(value, models.Model) else value


@register(Team)
class TeamAdmin(TenantModelAdmin):
    ask_again = "a team's managers see what is below it"
    form: Any = TeamForm
    exclude: ClassVar[Any] = ("tenant", "managers", "members")
    list_display = ("name", "parent", "is_default")
    ordering = ("name",)

    def write(self, request: Any, row: Team, *, form: Any, before: dict[str, Any] | None) -> None:
        values = form.cleaned_data
        if before is None:
            made = services.create_team(request.tenant, by=request.actor, **values)
            row.pk = made.pk
            return
        services.change_team(request.tenant, team_id=row.pk, by=request.actor, **values)


@register(Membership)
class MembershipAdmin(TenantModelAdmin):
    """To look at; people are changed on their own page, where the rules about them are told."""

    can_add = False
    can_change = False
    list_display = ("user", "role", "is_active", "created_at")
    list_filter = ("role", "is_active")

    def get_queryset(self, request: Any) -> Any:
        return queries.people(request.tenant)


@register(Tenant)
class TenantAdmin(TenantModelAdmin):
    """The acting tenant's own settings."""

    ask_again = "it says who needs a second factor"
    can_add = False
    form: Any = TenantForm
    exclude: ClassVar[Any] = ()
    fields = (
        "currency", "time_zone", "rejected_rows_limit_pct", "second_factor_roles", "mask_people",
        "requests_per_minute",
    )  # fmt: skip
    list_display = ("name", "environment", "currency", "time_zone", "rejected_rows_limit_pct")

    def get_queryset(self, request: Any) -> Any:
        return queries.only(request.tenant)

    def write(self, request: Any, row: Tenant, *, form: Any, before: dict[str, Any] | None) -> None:
        services.change_settings(request.tenant, by=request.actor, **form.cleaned_data)


from tenants import quota_admin  # noqa: E402, F401  registers its classes; it needs the base above
