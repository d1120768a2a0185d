"""Puts the files of packages of the operating system into the layer: runs in the build image.

    packages.py PREFIX NAME...

Programs come to PREFIX/bin, libraries with what lies in folders beside them to PREFIX/lib, data to PREFIX/share,
configuration to PREFIX/etc. Documentation does not come. Python 3.7 or newer, standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PLACES = (
    (re.compile(r"^/(?:usr/)?s?bin/"), "bin/"),
    # A folder of Debian's kind, named after the machine, counts as part of the way to the libraries.
    (re.compile(r"^/(?:usr/)?lib(?:64)?/(?:[a-z0-9_]+-linux-gnu/)?"), "lib/"),
    (re.compile(r"^/usr/libexec/"), "libexec/"),
    (re.compile(r"^/usr/share/"), "share/"),
    (re.compile(r"^/etc/"), "etc/"),
)
LEFT_OUT = re.compile(
    r"^(?:share/(?:doc|man|info|locale|lintian|bug|bash-completion|doc-base|help|gtk-doc|pkgconfig|menu|applications)/"
    r"|lib/(?:\.build-id|systemd|pkgconfig|cmake|tmpfiles\.d|sysusers\.d|mime)/|etc/(?:init\.d|cron|logrotate|alternatives))"
)
LICENSES = "/usr/share/licenses/"


def place(path: str) -> str | None:
    """Return where a file of the system lies in the layer, or None."""
    for pattern, folder in PLACES:
        if pattern.match(path):
            name = pattern.sub(folder, path, count=1)
            return None if LEFT_OUT.match(name) else name
    return None


def files(packages: list[str]) -> list[str]:
    """Ask the package manager what is in packages. The interpreter's own libraries would break it."""
    env = {**os.environ, "LD_LIBRARY_PATH": ""}
    finished = subprocess.run(["/usr/bin/env", "rpm", "-ql", *packages], stdout=subprocess.PIPE, env=env, check=True)
    return sorted(set(finished.stdout.decode().splitlines()))


def carry(path: Path, prefix: Path) -> bool:
    """Copy a file, or the link that it is, when what that points to comes as well."""
    name = place(str(path))
    if name is None or not path.exists() or (path.is_dir() and not path.is_symlink()):
        return False
    to = prefix / name
    if os.path.lexists(str(to)):
        return True
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        pointed = place(os.path.normpath(str(path.parent / os.readlink(str(path)))))
        if pointed and os.path.lexists(str(prefix / pointed)):
            to.symlink_to(os.path.relpath(str(prefix / pointed), str(to.parent)))
            return True
        if path.is_dir():
            return False
    shutil.copyfile(str(path.resolve()), str(to))
    to.chmod(0o755 if os.access(str(path), os.X_OK) else 0o644)
    return True


def main(prefix: str, *packages: str) -> None:
    listed = [Path(line) for line in files(list(packages))]
    # Files before links, so that a link finds what it points to.
    carried = [path for path in sorted(listed, key=Path.is_symlink) if carry(path, Path(prefix))]
    if all(str(path).startswith(LICENSES) for path in carried):
        sys.exit(f"error: {' '.join(packages)}: no program, library or data in it")


if __name__ == "__main__":
    main(*sys.argv[1:])
