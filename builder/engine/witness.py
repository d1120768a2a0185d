"""Which files of a layer the programs of containers open, by the times of access that the file system keeps.

No engine has to allow tracing for that: a container beside the tested one has its volumes, and asks for the times
before the program starts, and when it has ended. What a program only looks for, or lists, is not opened.
"""

from collections.abc import Sequence
from dataclasses import field

from builder.base import processes, programs
from builder.base.errors import EngineError
from builder.base.frozen import dataclass
from builder.engine import conditions, owned
from builder.engine.client import Engine

PROBE = ".layerwright-probe"
"""A file in /opt that is read to see whether that is noted."""
_NOT_NOTED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """Collects the files of /opt that containers open. For one thread."""

    paths: Sequence[str]
    """Those of interest, below /opt."""
    opened: set[str] = field(default_factory=set)

    def before(self, engine: Engine, platform: str, image: str, name: str) -> dict[str, str]:
        """Return the times of access in a container that has not started yet. Raises EngineError if none are kept."""
        return self._times(engine, platform, image, name, PROBE)

    def after(self, engine: Engine, platform: str, image: str, name: str, before: dict[str, str]) -> None:
        """Collect what a container has opened since."""
        now = self._times(engine, platform, image, name, "")
        self.opened.update(path for path, time in now.items() if time != before.get(path))

    def _times(self, engine: Engine, platform: str, image: str, name: str, probe: str) -> dict[str, str]:
        command = [
            *(engine.program, "run", "--rm", "--interactive", "--network=none", *owned.label()),
            *conditions.LIMITS,
            *(f"--volumes-from={name}", f"--platform={platform}", "--user=0", "--entrypoint=/bin/sh"),
            *(image, "-c", programs.text("smoke/opened.sh"), "sh", probe),
        ]
        told = processes.run(command, stdin="".join(f"{path}\n" for path in self.paths))
        if told.returncode == _NOT_NOTED:
            msg = "the file system of the engine keeps no times of access, so what tests open cannot be seen"
            hint = "mount the folder of its volumes with `relatime`, the default of Linux, not `noatime`"
            raise EngineError(msg, hint=hint)
        if told.returncode:
            msg = "the times of access of a layer cannot be asked for"
            raise EngineError(msg, why=told.stderr.strip().splitlines()[-2:])
        rows = (line.rpartition(" ./") for line in told.stdout.splitlines())
        return {path: time for time, _, path in rows}
