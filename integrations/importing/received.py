"""Bundles that programs send: the body as it is, streamed to disk, with its fingerprint."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations.importing.uploads import ending_of, folder_of
from tenants.models import Tenant

_PIECE = 1024**2


class CutOff(Exception):
    """Fewer bytes came than were announced."""


class TooMuch(Exception):
    """More than may be sent."""


@dataclass
class Received:
    """What came: where it lies, how much it is, and its SHA-256. `keep` gives it the name that an import takes."""

    path: Path
    size: int
    fingerprint: str

    def keep(self, name: str) -> Path:
        kept = self.path.with_suffix(ending_of(name))
        self.path.rename(kept)
        self.path = kept
        return kept


@contextmanager
def received(tenant: Tenant, request: Any, *, length: int, limit: int) -> Iterator[Received]:
    """Read the body to the tenant's folder. Whatever happens, nothing stays that was not kept."""
    folder = folder_of(tenant)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = folder / f"{uuid.uuid4().hex}.part"
    try:
        size, fingerprint = _stream(request, part, limit)
        if size < length:
            raise CutOff
        bundle = Received(part, size, fingerprint)
        try:
            yield bundle
        except BaseException:  # kept, and then its import was not: nobody would come for it
            bundle.path.unlink(missing_ok=True)
            raise
    finally:
        part.unlink(missing_ok=True)


def _stream(request: Any, part: Path, limit: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with part.open("xb") as out:
        while piece := request.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise TooMuch
            digest.update(piece)
            out.write(piece)
    return size, digest.hexdigest()
