"""A layer as a folder, for tools that pack it themselves, such as `sam build`."""

from pathlib import Path

from builder.base import files
from builder.base.errors import BuildError
from builder.layer.reader import LayerZip
from builder.layer.tree import Entry


def write(zip_path: Path, folder: Path) -> None:
    """Write what Lambda has below /opt of a zip into a folder, with modes and links.

    The folder is there with all of it, or as it was. Raises UsageError if it is not empty, BuildError if it cannot be
    written.
    """
    try:
        with files.filling(folder) as made, LayerZip(zip_path) as layer:
            for entry in layer.tree:
                _write(entry, made / entry.path)
    except OSError as error:
        if full := files.disk_error(error):
            raise full from error
        msg = f"cannot unpack {zip_path.name} to {folder}"
        raise BuildError(msg, why=[str(error)]) from error


def _write(entry: Entry, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.link is not None:
        path.symlink_to(entry.link)
        return
    path.write_bytes(entry.content.read())
    path.chmod(entry.mode)
