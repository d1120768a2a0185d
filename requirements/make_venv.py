"""Make the virtual environment of `make`, with uv in it: `python requirements/make_venv.py .venv`.

uv installs the rest, in a tenth of pip's time. Where uv is installed, it makes the environment and fills it, in a tenth
of the time as well; else uv comes by the pip of this Python, or the one that every Python brings along: an environment
with a pip of its own takes longer to make than to fill. One that fails leaves nothing. Any Python 3 reads this file, so
that the message about one that is too old is this one: Xcode's is 3.9. uv finds a newer one, or downloads it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST = (3, 10)
LOCK = Path(__file__).absolute().with_name("run.txt")


def make(folder: Path, version: tuple[int, int]) -> int:
    """Make the environment with this Python of that version, and return the exit code."""
    uv = shutil.which("uv")
    if uv and by_uv(uv, folder, version) == 0:
        return 0
    if version < OLDEST:
        needed, this = "{}.{}".format(*OLDEST), "{}.{}".format(*version)
        hint = "set PYTHON=" if uv else "set PYTHON=, or install uv, which brings one"
        sys.exit(f"layerwright needs Python {needed} or newer, this is {this}; {hint}")
    shutil.rmtree(folder, ignore_errors=True)
    code = by_pip(folder)
    if code:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def by_uv(uv: str, folder: Path, version: tuple[int, int]) -> int:
    """Make the environment with a uv that is installed."""
    wanted = sys.executable if version >= OLDEST else ">={}.{}".format(*OLDEST)
    if version < OLDEST:
        sys.stderr.write("Python {}.{} is too old: uv looks for a newer one\n".format(*version))
    made = subprocess.call([uv, "venv", "--quiet", "--no-project", "--python", wanted, str(folder)])
    return made or subprocess.call([uv, "pip", "install", "--quiet", "--python", str(python(folder)), *only_uv(folder)])


def by_pip(folder: Path) -> int:
    """Make the environment with Python alone."""
    pip = own_pip() or brought_pip()
    code = subprocess.call([sys.executable, "-m", "venv", *(["--without-pip"] if pip else []), str(folder)])
    if code:
        sys.stderr.write(f"{folder} could not be made; on Debian and Ubuntu, `apt install python3-venv` may help\n")
        return code
    program = [str(pip)] if pip else ["-m", "pip"]
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", *only_uv(folder)]
    return subprocess.call([str(python(folder)), *program, "install", *options])


def python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def only_uv(folder: Path) -> list[str]:
    """Return the options that install uv alone, by the hashes of the lock."""
    row = re.search(r"^uv==.*\\\n(?:    --hash=.*\n)+", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = folder / "uv.txt"
    wanted.write_text(row.group() if row else "", encoding="utf-8")
    return ["--require-hashes", "-r", str(wanted)]


def own_pip() -> Path | None:
    """Return the program by which the pip of this Python installs into other environments; None without one.

    It is compiled already, which saves a second of those that the wheel of `brought_pip` takes.
    """
    found = importlib.util.find_spec("pip")
    program = Path(found.origin).with_name("__pip-runner__.py") if found and found.origin else None
    return program if program and program.is_file() else None  # since pip 22.3


def brought_pip() -> Path | None:
    """Return the pip in the wheel that `ensurepip` of this Python would install; None without any."""
    folders = [Path(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")]
    elsewhere = sysconfig.get_config_var("WHEEL_PKG_DIR")
    if elsewhere:  # of Debian and Fedora
        folders.append(Path(elsewhere))
    return next((wheel / "pip" for each in folders for wheel in sorted(each.glob("pip-*.whl"))), None)


if __name__ == "__main__":
    sys.exit(make(Path(sys.argv[1]), sys.version_info[:2]))
