"""What people said of reasons, for pages that count it."""

from scoring.people.feedback import counts

__all__ = ["counts"]
