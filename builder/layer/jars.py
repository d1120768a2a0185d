"""Jars in a layer: zips within the zip, read with limits, because anybody may have written them."""

import contextlib
import io
import lzma
import zipfile
from collections.abc import Iterator

from builder.base import archives
from builder.layer import zip_headers
from builder.layer.tree import Entry

_FAULTS = (*zip_headers.FAULTS, zipfile.LargeZipFile, lzma.LZMAError, RuntimeError)
_ENCRYPTED = 0x1
"""Flag of a file (APPNOTE.TXT, 4.4.4)."""
_MOST = 16 << 20
"""Bytes of a file in a jar that is read whole, such as its manifest."""
_MOST_TABLE = 16 << 20
"""Bytes of the table of a jar: some 150,000 classes."""


class DamagedJarError(Exception):
    """A jar that cannot be read; the text is the reason."""


@contextlib.contextmanager
def opened(entry: Entry) -> Iterator[zipfile.ZipFile]:
    """Open a jar. Raises DamagedJarError, in the block as well, for what `zipfile` cannot read."""
    try:
        with archives.zip_of(io.BytesIO(entry.content.read()), _MOST_TABLE) as archive:
            yield archive
    except _FAULTS as error:
        raise DamagedJarError(str(error)) from error


def head(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int = _MOST) -> bytes:
    """Return the first bytes of a file in a jar. Raises DamagedJarError with the name of the file."""
    if info.flag_bits & _ENCRYPTED:
        msg = f"{info.filename} is encrypted"
        raise DamagedJarError(msg)
    try:
        with archive.open(info) as stream:
            return stream.read(size)
    except _FAULTS as error:
        msg = f"{info.filename}: {error}"
        raise DamagedJarError(msg) from error


def text(archive: zipfile.ZipFile, name: str) -> str:
    """Return a small file of a jar as text; of a larger one, the beginning."""
    return head(archive, archive.getinfo(name)).decode(errors="replace")
