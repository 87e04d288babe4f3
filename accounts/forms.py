"""What people type on the account page and in lists of accounts."""

from typing import Any

from django import forms

from accounts.models import Account, Contact
from accounts.services import LONGEST_NOTE
from tenants.models import Membership


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Note",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what the next person should know."},
    )


class ShareForm(forms.Form):
    member = forms.ChoiceField(label="Person", error_messages={"required": "Choose a person."})
    reason = forms.CharField(
        label="Why", max_length=500, error_messages={"required": "Say why; the reason stays with the share."}
    )

    def __init__(self, people: list[Membership], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a person")] + [(str(each.pk), str(each.user)) for each in people]
        self.fields["member"].choices = choices  # type: ignore[attr-defined]


class ListFilters(forms.Form):
    """The filters of the list of accounts; what does not fit is ignored, because a list has no wrong address."""

    q = forms.CharField(required=False, max_length=200)
    segment = forms.ChoiceField(required=False, choices=[("", "All"), *Account.Segment.choices])
    kind = forms.ChoiceField(
        required=False, choices=[("", "All"), ("customers", "Customers"), ("prospects", "Prospects")]
    )

    def chosen(self) -> dict[str, str]:
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields if self.cleaned_data.get(name)}


class EraseForm(forms.Form):
    """The person's name, typed once more: nobody erases by a slip of the mouse."""

    typed = forms.CharField(label="Name", max_length=1000, error_messages={"required": "Type the name."})

    def __init__(self, contact: Contact, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = contact.name.strip() or contact.external_id

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if " ".join(typed.split()).casefold() != " ".join(self.wanted.split()).casefold():
            raise forms.ValidationError("This is another name. Type it as it stands above.")
        return typed
