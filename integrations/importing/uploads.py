"""Bundles that people upload: streamed to disk as they arrive, bounded, and gone when they were imported."""

import shutil
import time
import uuid
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from tenants.models import Tenant

ENDINGS = (".zip", ".tar.gz", ".tgz")
KEPT_SECONDS = 7 * 24 * 3600  # of an upload whose job failed, so that it can be started again


class TooLarge(Exception):
    """More than settings.UPLOAD_MAX_BYTES."""


class StreamToDisk(FileUploadHandler):
    """Writes the one field `bundle` to the tenant's folder and nothing anywhere else."""

    def __init__(self, tenant: Tenant, *, limit: int) -> None:
        super().__init__()
        self._folder = folder_of(tenant)
        self._limit = limit
        self._out: IO[bytes] | None = None
        self.path: Path | None = None
        self.too_large = False

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        if self.field_name != "bundle" or self.path is not None:
            raise SkipFile
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = self._folder / f"{uuid.uuid4().hex}.part"
        self._out = self.path.open("xb")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._out is not None
        if start + len(raw_data) > self._limit:
            self.too_large = True
            raise StopUpload(connection_reset=True)
        self._out.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if self._out is None:
            return None
        self._out.close()
        return UploadedFile(self._out, self.file_name, self.content_type, file_size, self.charset)

    def keep(self, name: str) -> Path:
        """The finished file, under a name of ours with the ending of theirs."""
        assert self.path is not None
        kept = self.path.with_suffix(ending_of(name))
        self.path.rename(kept)
        self.path = None
        return kept

    def discard(self) -> None:
        """Whatever happened, no part of an upload stays that nobody will import."""
        if self._out is not None:
            self._out.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def folder_of(tenant: Tenant) -> Path:
    return Path(settings.UPLOAD_DIR) / str(tenant.pk)


def ending_of(name: str) -> str:
    """The ending that says how it is packed; empty when it is no bundle."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")


def forget(path: str) -> None:
    """Delete an imported upload; a path outside of our folder is somebody's own and stays."""
    file = Path(path)
    if path and file.is_relative_to(Path(settings.UPLOAD_DIR)):
        file.unlink(missing_ok=True)


def forget_old() -> None:
    """Delete what no import came back for; the sweeper calls it each hour."""
    oldest = time.time() - KEPT_SECONDS
    for path in Path(settings.UPLOAD_DIR).glob("*/*"):
        if path.stat().st_mtime >= oldest:
            continue
        if path.is_dir():  # an archive that was unpacked by a process that died
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
