"""The container programs, moved: every absolute path of theirs lies below a folder, so that they run on any host."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.base import programs

_PATH = re.compile(r"(?<![a-z0-9_}*.])/(?=(?:layerwright|run/secrets|native|var/lang|var/task|opt|tmp)(?![\w.-]))")


def moved(text: str, root: Path) -> str:
    """Return the text of a program with its absolute paths below a folder.

    Raises ValueError for a program that deletes below any other absolute path: it belongs in a container (`kit.boxes`).
    """
    text = _PATH.sub(f"{root}/", text).replace("find / ", f"find {root} ")
    for line in text.splitlines():
        words = [word.lstrip("\"'") for word in line.split()]
        if {"rm", "mv", "rmdir"} & set(words) and any(w.startswith("/") and not w.startswith(str(root)) for w in words):
            msg = f"not on this host: {line.strip()}"
            raise ValueError(msg)
    return text


@dataclass(frozen=True)
class Placed:
    """A folder that stands in for the root of a container."""

    root: Path

    @classmethod
    def below(cls, folder: Path) -> "Placed":
        """Make a root with the programs of steps in it."""
        root = folder / "root"
        base = programs.folder() / "steps"
        for path in programs.files("steps"):
            to = root / "layerwright" / "inside" / path.relative_to(base)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(moved(path.read_text(encoding="utf-8"), root), encoding="utf-8")
        for name in ("opt", "tmp", "bin", "run/secrets", "layerwright/sources"):
            (root / name).mkdir(parents=True)
        return cls(root)

    def path(self, name: str) -> Path:
        """Return the path of a file in the container, without its first slash; its folder exists."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        path = self.path(name)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def recorder(self, *names: str, then: str = "true") -> None:
        """Put programs there that note how they were called in `calls`; a bare name is found in PATH."""
        for name in names:
            text = f'#!/bin/sh\necho "{name.rpartition("/")[2]} $*" >>{self.root}/calls\n{then}\n'
            self.write(name if "/" in name else f"bin/{name}", text, 0o755)

    def calls(self) -> list[str]:
        """Return the calls of the recorders, with paths as they are in the container."""
        path = self.root / "calls"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return text.replace(str(self.root), "").splitlines()

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "HOME": str(self.root / "tmp")}
        return {**env, "PREFIX": f"{self.root}/opt", "MACHINE": "aarch64", **given}

    def run(
        self, name: str, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the steps with sh, or a file of the container that is executable itself."""
        path = self.root / "layerwright" / "inside" / name
        command = ["sh", str(path)] if path.is_file() else [str(self.root / name)]
        return self.started([*command, *arguments], code, env or {})

    def shell(
        self, program: str, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the text of another program, for example `smoke/files.sh`, as it is run in an image."""
        text = moved(programs.text(program), self.root)
        return self.started(["bash", "-uc", text, "sh", *arguments], code, env or {})

    def started(self, command: list[str], code: int, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment(env),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done
