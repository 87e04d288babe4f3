"""The upload of a bundle."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from integrations.importing.uploads import ENDINGS, ending_of


class UploadForm(forms.Form):
    bundle = forms.FileField(
        label="Bundle",
        help_text="A .zip or .tar.gz of the CSV files.",
        widget=forms.FileInput(attrs={"accept": ",".join(ENDINGS)}),
        error_messages={
            "required": "Choose a file first.",
            "empty": "The file is empty. Pack the bundle again.",
            "missing": "Choose a file first.",
        },
        max_length=300,
    )
    dry_run = forms.BooleanField(required=False, label="Trial run: check and count everything, keep nothing")

    def clean_bundle(self) -> Any:
        file = self.cleaned_data["bundle"]
        if not ending_of(file.name):
            raise ValidationError("This is no .zip and no .tar.gz. Pack the CSV files into one of them.")
        return file
