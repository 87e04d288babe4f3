"""How large a bundle may become, what a damaged one raises, and the words for both."""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from dataclasses import dataclass

GB = 1024**3


@dataclass(frozen=True)
class Limits:
    """How large a bundle may become when it is unpacked."""

    total: int = 64 * GB
    file: int = 32 * GB
    ratio: int = 250  # text packs 5 to 30 times; what packs far better was made to fill a disk
    ratio_from: int = 64 * 1024**2  # below this a high ratio does no harm
    entries: int = 1000
    # of an archive's own tables, such as the directory of a zip: they are read into memory whole
    headers: int = 1024**2


BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
)


def words_of(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def size_in_words(count: int) -> str:
    return f"{count // GB} GB" if count >= GB else f"{count // 1024**2} MB"


def too_dense(limits: Limits) -> str:
    return f"It unpacks to more than {limits.ratio} times its size, which no table of customer data does."


def too_many(limits: Limits) -> str:
    return f"The archive holds more than {limits.entries:,} files. Pack only the CSV files of the bundle."
