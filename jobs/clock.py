"""What time it is for jobs and schedules. A drill moves it for all processes at once by HOLDFAST_CLOCK_FILE."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The real time, except in a drill."""
    moment = timezone.now()
    return moment + _offset() if settings.CLOCK_FILE else moment


def _offset() -> timedelta:
    """The file's seconds; nothing while it is absent."""
    try:
        return timedelta(seconds=float(Path(settings.CLOCK_FILE).read_text()))
    except (FileNotFoundError, ValueError):
        return timedelta()
