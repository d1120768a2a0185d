"""Make the virtual environment of `make`: `python requirements/make_venv.py .venv`. One that fails leaves nothing.

Any Python 3 reads this file, so that the message about one that is too old is this one: Xcode's is 3.9. Where uv is
installed, that finds a newer one, or downloads it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

OLDEST = (3, 10)


def command(folder: str, version: tuple[int, int]) -> list[str]:
    """Return the command that makes the environment. Exits with a message if this Python is too old, without uv."""
    if version >= OLDEST:
        return [sys.executable, "-m", "venv", folder]
    needed, this = "{}.{}".format(*OLDEST), "{}.{}".format(*version)
    uv = shutil.which("uv")
    if uv is None:
        sys.exit(
            f"layerwright needs Python {needed} or newer, this is {this}; set PYTHON=, or install uv, which brings one"
        )
    sys.stderr.write(f"Python {this} is too old: uv looks for a newer one\n")
    return [uv, "venv", "--quiet", "--no-project", "--seed", "--python", f">={needed}", folder]


def make(folder: str) -> int:
    """Make the environment in a folder, and return the exit code."""
    code = subprocess.call(command(folder, sys.version_info[:2]))
    if code:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.write(f"{folder} could not be made; on Debian and Ubuntu, `apt install python3-venv` may help\n")
    return code


if __name__ == "__main__":
    sys.exit(make(sys.argv[1]))
