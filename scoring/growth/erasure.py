"""A lead names a person by id: on a request for erasure it goes at once, not with the next night."""

from django.db.models import QuerySet

from accounts.erasure import Eraser, Subject, register
from scoring.growth.models import GrowthItem


def _leads(subject: Subject) -> QuerySet[GrowthItem]:
    ids = [contact.external_id for contact in subject.contacts]
    return GrowthItem.objects.for_tenant(subject.tenant).filter(contact_external_id__in=ids)


def _count(subject: Subject) -> int:
    return _leads(subject).count()


def _erase(subject: Subject) -> int:
    return _leads(subject).delete()[0]


def register_places() -> None:
    """Called once at start-up; before contacts lose their ids."""
    register(Eraser("Leads", _count, _erase), first=True)
