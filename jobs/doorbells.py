"""Doorbells that nobody can read, such as one whose class is gone: django-q's reader would die of them for ever."""

import logging

from django_q.models import OrmQ
from django_q.signing import SignedPackage

logger = logging.getLogger("holdfast.sweeper")


def set_aside_unreadable(known: set[int]) -> set[int]:
    """Take bells out that cannot be read, each with its words in the log; return those that can.

    Nothing is lost: the job's row is the truth, and the sweeper rings again.
    """
    present = set(OrmQ.objects.values_list("pk", flat=True))
    for bell in OrmQ.objects.filter(pk__in=present - known):
        try:
            SignedPackage.loads(bell.payload)
        except Exception as error:  # whatever unpickling raises
            OrmQ.objects.filter(pk=bell.pk).delete()
            present.discard(bell.pk)
            words = f"{type(error).__name__}: {error}"
            logger.error("doorbell %s could not be read and was set aside: %s", bell.pk, words[:200])
    return present
