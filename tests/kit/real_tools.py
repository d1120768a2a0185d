"""The tools that call layerwright, as users install them: once for each set of versions, in the user's cache."""

import contextlib
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from kit.commands import Result

BIN = Path(sys.executable).parent
"""Where layerwright, uv, Node.js and npm of the tests are."""


@contextlib.contextmanager
def _once(kind: str, specs: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder of its own for these specs, locked, and whether it has to be filled."""
    folder = user_cache_path("layerwright-tools") / f"{kind}-{hashlib.sha256(specs.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / ".ready"
    with FileLock(folder / ".lock"):
        yield folder, not ready.exists()
        ready.touch()


def npm(packages: Mapping[str, str]) -> Path:
    """Install packages of npm, by version, and return their node_modules."""
    with _once("npm", json.dumps(packages, sort_keys=True)) as (folder, empty):
        if empty:
            document = json.dumps({"private": True, "dependencies": packages})
            (folder / "package.json").write_text(document, encoding="utf-8")
            command = [str(BIN / "npm"), "install", "--no-audit", "--no-fund", "--no-save", "--silent"]
            subprocess.run(command, cwd=folder, env=environment(), check=True)
    return folder / "node_modules"


def pypi(*requirements: str) -> Path:
    """Install packages of PyPI into an environment, and return the folder of its programs."""
    with _once("pypi", "\n".join((sys.version, *requirements))) as (folder, empty):
        if empty:
            uv, venv = str(BIN / "uv"), folder / "venv"
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv], check=True)
            python = venv / "bin" / "python"
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *requirements], check=True)
    return folder / "venv" / "bin"


def go(module: str) -> Path:
    """Install a program of Go, module@version, and return its path."""
    with _once("go", module) as (folder, empty):
        if empty:
            subprocess.run(["go", "install", module], env={**os.environ, "GOBIN": str(folder)}, check=True)
    return folder / module.partition("@")[0].rpartition("/")[2]


def environment(*first: Path, **more: str) -> dict[str, str]:
    """Return the environment with these folders, then the programs of the tests, before all others in PATH."""
    path = os.pathsep.join((*map(str, first), str(BIN), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "npm_config_update_notifier": "false", **more}


def run(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], stdin: str = "") -> Result:
    """Run a tool as it stands and return what it printed."""
    words = list(map(str, command))
    done = subprocess.run(words, cwd=cwd, env=env, input=stdin, capture_output=True, encoding="utf-8", check=False)
    return Result(code=done.returncode, out=done.stdout, err=done.stderr)


class Recorded:
    """A layerwright in a folder of its own that writes down how it is called, and does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "calls"
        folder.mkdir()
        program = folder / "layerwright"
        program.write_text(
            f"#!/bin/sh\necho \"$@\" >>'{self._log}'\nexec '{BIN / 'layerwright'}' \"$@\"\n", encoding="utf-8"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def calls(self) -> list[str]:
        """Return the calls since the last time, and forget them."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="utf-8").splitlines()
        self._log.unlink()
        return lines

    def verbs(self) -> list[str]:
        return sorted(line.partition(" ")[0] for line in self.calls())
