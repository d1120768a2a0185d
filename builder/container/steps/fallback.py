"""Keep what the build of a wheel said if the wheel has no compiled code although it is for one platform.

Arguments: the file of what was said, and the folder of the wheel, which gets `fallback.txt`.
"""

import sys
import zipfile
from pathlib import Path

KEPT = 1 << 16
"""Bytes at the end of what was said."""


def compiled(wheel: Path) -> bool:
    """Return whether a wheel has a program or a library."""
    with zipfile.ZipFile(str(wheel)) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                if member.read(4) == b"\x7fELF":
                    return True
    return False


def main() -> None:
    """Write the file where it is due."""
    said, folder = map(Path, sys.argv[1:])
    for wheel in sorted(folder.glob("*.whl")):
        if not wheel.name.endswith("-any.whl") and not compiled(wheel):
            (folder / "fallback.txt").write_bytes(said.read_bytes()[-KEPT:])


main()
