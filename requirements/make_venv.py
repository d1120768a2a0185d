"""Make the virtual environment of `make`, with uv in it: `python requirements/make_venv.py .venv`.

uv installs the rest, in a tenth of pip's time. It comes by the pip that Python brings along: an environment with a pip
of its own takes longer to make than to fill. One that fails leaves nothing. Any Python 3 reads this file, so that the
message about one that is too old is this one: Xcode's is 3.9. Where uv is installed, that finds a newer one, or
downloads it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST = (3, 10)
LOCK = Path(__file__).absolute().with_name("run.txt")


def command(folder: str, version: tuple[int, int]) -> list[str]:
    """Return the command that makes the environment. Exits with a message if this Python is too old, without uv."""
    if version >= OLDEST:
        return [sys.executable, "-m", "venv", *(["--without-pip"] if brought_pip() else []), folder]
    needed, this = "{}.{}".format(*OLDEST), "{}.{}".format(*version)
    uv = shutil.which("uv")
    if uv is None:
        sys.exit(
            f"layerwright needs Python {needed} or newer, this is {this}; set PYTHON=, or install uv, which brings one"
        )
    sys.stderr.write(f"Python {this} is too old: uv looks for a newer one\n")
    return [uv, "venv", "--quiet", "--no-project", "--seed", "--python", f">={needed}", folder]


def brought_pip() -> Path | None:
    """Return the wheel of pip that belongs to this Python, which `ensurepip` would install; None without any."""
    folders = [Path(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")]
    elsewhere = sysconfig.get_config_var("WHEEL_PKG_DIR")
    if elsewhere:  # of Debian and Fedora
        folders.append(Path(elsewhere))
    return next((wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))), None)


def install_uv(folder: Path) -> int:
    """Install uv by its hash, with the environment's own pip or the one that Python brings; return the exit code."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    row = re.search(r"^uv==.*\\\n(?:    --hash=.*\n)+", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = folder / "uv.txt"
    wanted.write_text(row.group() if row else "", encoding="utf-8")
    has_pip = subprocess.call([python, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    pip = ["-m", "pip"] if has_pip else [str(Path(str(brought_pip()), "pip"))]
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--require-hashes", "-r", str(wanted)]
    return subprocess.call([str(python), *pip, "install", *options])


def make(folder: str) -> int:
    """Make the environment in a folder, and return the exit code."""
    code = subprocess.call(command(folder, sys.version_info[:2]))
    if code:
        sys.stderr.write(f"{folder} could not be made; on Debian and Ubuntu, `apt install python3-venv` may help\n")
    code = code or install_uv(Path(folder))
    if code:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(make(sys.argv[1]))
