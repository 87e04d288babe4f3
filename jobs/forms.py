"""What the jobs page can be narrowed to."""

from django import forms

from jobs.models import Job
from jobs.registry import kinds


class JobFilters(forms.Form):
    state = forms.ChoiceField(required=False, choices=[("", "Any"), *Job.State.choices])
    kind = forms.ChoiceField(required=False)
    routine = forms.BooleanField(required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        labels = sorted((kind.label, name) for name, kind in kinds.items())
        self.fields["kind"].choices = [("", "Any"), *((name, label) for label, name in labels)]  # type: ignore[attr-defined]
