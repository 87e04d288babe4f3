"""Kinds of fields that several tables have."""

from typing import Any

from django.db import models


def money(*, null: bool = True) -> "models.DecimalField[Any, Any]":
    """Money as the import takes it: up to 1e10 with four decimals, beside its currency."""
    return models.DecimalField(max_digits=16, decimal_places=4, null=null)


LONGEST = 10_000  # characters of a text for which the import format names no limit (docs/import.md, "Limits")


def empty_text(length: int = LONGEST) -> "models.CharField[str, str]":
    """Text that may be unknown: empty, never NULL."""
    return models.CharField(max_length=length, blank=True, default="")
