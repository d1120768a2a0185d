"""The command line on a real pseudo-terminal, read until the end."""

import contextlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from kit.commands import ROOT


@dataclass(frozen=True)
class Shown:
    """What a terminal shows, and the exit code."""

    code: int
    text: str

    @property
    def plain(self) -> list[str]:
        """The lines without colours."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.text).replace("\r", "").splitlines()


def on_a_terminal(
    arguments: list[str], cwd: Path, *, typed: str = "", stdout: Path | None = None, env: dict[str, str] | None = None
) -> Shown:
    """Run a command on a terminal that types a text. Not on Windows, which has none such."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        if stdout:
            os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT), 1)
        os.environ.update({"PYTHONPATH": str(ROOT), "COLUMNS": "200", "TERM": "xterm-256color", **(env or {})})
        os.execv(sys.executable, [sys.executable, "-m", "builder", *arguments])
    os.write(terminal, typed.encode())
    seen = b""
    with contextlib.suppress(OSError):  # Linux says so when the other side has closed
        while chunk := os.read(terminal, 4096):
            seen += chunk
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return Shown(code=os.waitstatus_to_exitcode(status), text=seen.decode())
