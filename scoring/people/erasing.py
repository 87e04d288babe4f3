"""Traces of an erased person in what people say: texts that name them, and what was noticed of them, which goes."""

from typing import Any

from accounts.erasure import Eraser, Place, Subject, register
from scoring.people.models import PersonObservation, SourceCorrection
from scoring.people.words import Source

NOBODY = "Person (erased)"
PLACES = (
    Place("CSM sentiment", "scoring_csmsentiment", ("note",)),
    Place("Observations", "scoring_personobservation", ("note",)),
    Place("Feedback", "scoring_reasonfeedback", ("words", "note")),
    Place("Data reports", "scoring_datareport", ("answer",)),
    Place("Corrected facts", "scoring_sourcecorrection", ("row_label", "old", "new", "why")),
    Place("Notices", "scoring_notice", ("text",)),
)


def _noticed(subject: Subject) -> Any:
    rows = PersonObservation.objects.for_tenant(subject.tenant)
    return rows.filter(contact__in=[each.pk for each in subject.contacts])


def _corrected(subject: Subject) -> Any:
    """Corrections of the person's own row are kept without its id at the source."""
    rows = SourceCorrection.objects.for_tenant(subject.tenant).filter(source=Source.CONTACT)
    return rows.filter(row_id__in=[each.pk for each in subject.contacts]).exclude(row_label=NOBODY)


def register_places() -> None:
    """Called once at start-up."""
    register(
        Eraser(
            "Observations",
            lambda subject: _noticed(subject).count(),
            lambda subject: _noticed(subject).delete()[0],
        )
    )
    register(
        Eraser(
            "Corrected facts",
            lambda subject: _corrected(subject).count(),
            lambda subject: _corrected(subject).update(row_label=NOBODY),
        )
    )
    register(*PLACES)
