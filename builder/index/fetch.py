"""One wheel file, as the index has it, for people who want wheels and no layer."""

import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from builder import places
from builder.errors import BuildError, UsageError
from builder.index import uv
from builder.index.resolve import Wheel


def fetch(wheel: Wheel, folder: Path) -> Path:
    """Put the wheel into `folder` under its own name, verified by its hash; a crash leaves the old file or none."""
    path = folder / wheel.filename
    if path.is_file() and places.sha256(path) == wheel.sha256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with places.replacing(path) as part:
        with part.open("wb") as target:
            _download(wheel, target)
        found = places.sha256(part)
        if found != wheel.sha256:
            msg = f"hash mismatch: {wheel.filename} is not the file that the index announces"
            raise BuildError(msg, why=[f"announced sha256:{wheel.sha256}", f"received  sha256:{found}"])
    return path


def _download(wheel: Wheel, target: BinaryIO) -> None:
    try:
        # The address is the index's own; urllib honours the proxies of the environment and SSL_CERT_FILE.
        with urllib.request.urlopen(str(wheel.url)) as source:  # noqa: S310
            shutil.copyfileobj(source, target)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        msg = f"{wheel.filename} could not be fetched"
        hint = "set HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a company's CA"
        raise UsageError(msg, why=[uv.redact(str(error))], hint=hint) from error
