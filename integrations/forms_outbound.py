"""Endpoints as people type them, and what the delivery log can be narrowed to."""

from typing import Any

from django import forms

from integrations.clients.addresses import MAX_URL
from integrations.exceptions import EndpointRefused
from integrations.models import Connection, WriteIntent
from integrations.services.endpoints import check_address
from integrations.templatetags.outbound import KINDS

State = WriteIntent.State
FILTERED = [
    State.READY,
    State.LEASED,
    State.RETRY_WAIT,
    State.DONE,
    State.BLOCKED,
    State.DEAD,
    State.CANCELLED,
]


class EndpointForm(forms.Form):
    """A new endpoint, or changes to one (`version` is the one that was shown)."""

    name = forms.CharField(
        max_length=200, help_text="How people here call the receiver, such as “CRM bridge”."
    )
    url = forms.CharField(
        label="Address",
        max_length=MAX_URL,
        help_text="Starts with https:// and is reachable from the internet.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    is_sandbox = forms.BooleanField(
        label="This is a sandbox receiver",
        required=False,
        help_text="Writes of a sandbox go only to sandbox receivers, and those of production only to others.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @classmethod
    def of(cls, endpoint: Connection) -> "EndpointForm":
        shown = {name: getattr(endpoint, name) for name in ("name", "url", "is_sandbox", "version")}
        return cls(initial=shown)

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            check_address(url)
        except EndpointRefused as error:
            raise forms.ValidationError(error.words) from error
        return url

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "url", "is_sandbox")}


class DeliveryFilters(forms.Form):
    """Unknown values filter nothing."""

    state = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((each.value, each.label) for each in FILTERED)]
    )
    kind = forms.ChoiceField(required=False, choices=[("", "Any"), *KINDS.items()])
    account = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": "Name or id"}),
    )
