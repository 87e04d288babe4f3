"""Forms of people and invitations."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tenants import addresses, queries, seen
from tenants.models import Membership, Team, Tenant, User
from tenants.roles import Role
from tenants.services import SCOPE


class WordList(forms.CharField):
    """Words with commas between them, as a list; empty means all."""

    LONGEST = 1000

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if len(text) > self.LONGEST or not text.isprintable():
            raise ValidationError(f"Use at most {self.LONGEST} characters of plain text.")
        return list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


class PersonForm(forms.Form):
    """Role, team and scope of one member."""

    role = forms.ChoiceField(choices=Role.choices)
    team: Any = forms.ModelChoiceField(queryset=None, required=False, empty_label="No team")
    regions = WordList(help_text="Separate with commas, such as EMEA, APAC. Empty: all regions.")
    segments = WordList(help_text="enterprise, mid_market or smb. Empty: all segments.")
    products = WordList(
        help_text="Product ids: only accounts that have an active subscription of one. Empty: all."
    )
    programmes = WordList(help_text="Values of the account attribute “programme”. Empty: all.")

    def __init__(self, tenant: Tenant, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["team"].queryset = queries.teams(tenant)  # type: ignore[attr-defined]

    def clean_segments(self) -> list[str]:
        wanted: list[str] = self.cleaned_data["segments"]
        unknown = sorted(set(wanted) - {"enterprise", "mid_market", "smb"})
        if unknown:
            raise ValidationError(f"Not a segment: {', '.join(unknown)}. Use enterprise, mid_market or smb.")
        return wanted

    @property
    def scope(self) -> dict[str, list[str]]:
        return {name: self.cleaned_data[name] for name in SCOPE}

    @property
    def chosen_team(self) -> Team | None:
        team: Team | None = self.cleaned_data["team"]
        return team


class _Seen(forms.CharField):
    """A digest that goes along; it is no change of the row that is saved."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=64, widget=forms.HiddenInput)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class NewPersonForm(PersonForm):
    email = forms.EmailField(label="Work email", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(max_length=200, required=False, help_text="Used for somebody new to Holdfast.")
    field_order = ("email", "name", "role", "team", *SCOPE)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if not addresses.is_usable(email):  # or a stand-in's, which no mail reaches
            raise ValidationError("Enter a valid email address.")
        return email


class MemberForm(PersonForm):
    is_active = forms.BooleanField(
        required=False,
        label="Active",
        help_text="Without it the person sees nothing here from the next click on.",
    )
    seen = _Seen()  # two admins at the same person: the second one is told

    def __init__(self, tenant: Tenant, *args: Any, membership: Membership, **options: Any) -> None:
        options["initial"] = {
            "role": membership.role,
            "team": membership.team_id,
            "is_active": membership.is_active,
            **{name: getattr(membership, name) for name in SCOPE},
            "seen": seen.of_member(membership),
        }
        super().__init__(tenant, *args, **options)


class FirstPasswordForm(forms.Form):
    """The invited person's own password, twice."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters; it can be pasted.",
    )
    again = forms.CharField(
        label="The same again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password") and values.get("again") and values["password"] != values["again"]:
            self.add_error("again", "The two passwords differ.")
        return values


class OwnRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row of the acting tenant, in the admin: uniqueness is checked with the tenant that the form does not show.

    `seen` is a digest of the values that the page was made with, so a row that changed meanwhile is not overwritten.
    """

    tenant: Tenant
    seen = _Seen()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if hasattr(self.instance, "tenant_id") and self.instance.tenant_id is None:
            self.instance.tenant_id = self.tenant.pk
        stands = forms.model_to_dict(self.instance) if self.instance.pk else {}
        self.initial["seen"] = seen.digest(stands)

    def clean_seen(self) -> str:
        given: str = self.cleaned_data["seen"]
        if self.instance.pk and given and given != self.initial["seen"]:
            raise ValidationError(seen.STALE)
        return given

    def clean(self) -> dict[str, Any]:
        """Services get the row's own values alone; a stale page is told at the top, a hidden field has no place."""
        values = super().clean() or self.cleaned_data
        values.pop("seen", None)
        if "seen" in self.errors:
            self.errors.pop("seen")
            self.add_error(None, seen.STALE)
        return values

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"tenant"}


class TeamForm(OwnRowForm):
    class Meta:
        model = Team
        fields = ("name", "parent", "is_default")

    def clean_parent(self) -> Team | None:
        parent: Team | None = self.cleaned_data["parent"]
        if (
            parent is not None
            and self.instance.pk
            and self.instance.pk in queries.teams_above(self.tenant, parent.pk)
        ):
            raise ValidationError(f"{parent} stands under this team itself, so it cannot be above it.")
        return parent

    def clean_is_default(self) -> bool:
        wanted: bool = self.cleaned_data["is_default"]
        if "is_default" in self.initial and self.initial["is_default"] and not wanted:
            raise ValidationError(
                "Make another team the default first: accounts without a known CSM need one."
            )
        return wanted


class TenantForm(OwnRowForm):
    second_factor_roles = forms.MultipleChoiceField(
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles that need a second factor",
        help_text="Whoever has one of these roles sets up an app or a passkey before anything else opens.",
    )

    mask_people = forms.BooleanField(
        required=False,
        label="Mask imported people (sandbox)",
        help_text="Contacts get made-up names and addresses, and what they wrote is left out. Only in a sandbox.",
    )

    requests_per_minute = forms.IntegerField(
        required=False,
        min_value=60,
        max_value=10_000_000,
        help_text="Of all people and services of this workspace together. Empty: the installation's own limit.",
    )

    class Meta:
        model = Tenant
        fields = (
            "currency", "time_zone", "rejected_rows_limit_pct", "second_factor_roles", "mask_people",
            "requests_per_minute",
        )  # fmt: skip

    def clean_currency(self) -> str:
        return check_currency(self.cleaned_data["currency"])

    def clean_time_zone(self) -> str:
        return check_time_zone(self.cleaned_data["time_zone"])


def check_currency(text: str) -> str:
    """An ISO 4217 code by its form; raises ValidationError."""
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise ValidationError(f"{text!r} is not a currency: use three letters, such as USD.")
    return code


def check_time_zone(text: str) -> str:
    """A name of the zone database; raises ValidationError."""
    if text not in available_timezones():
        raise ValidationError(f"{text!r} is not a time zone: use a name such as Europe/Berlin or UTC.")
    return text
