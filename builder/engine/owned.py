"""The containers and images that layerwright creates, each with the label of the process that it belongs to.

A process that is killed removes nothing, so the next one that creates a container does it. The label has the boot of
the host, the namespace of process ids, and the id and the start of the process. Those of other boots and namespaces are
processes of other machines, or of containers that share this engine, and are never judged.
"""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from builder.base import processes
from builder.engine.client import Engine

LABEL = "layerwright.process"
_PROC = Path("/proc")
_UNKNOWN = "unknown"
"""The label on systems without /proc. Such containers are left to their own processes."""
_START = 22 - 3
"""The field `starttime` of /proc/PID/stat (proc_pid_stat(5)), counted from the one after the name of the program."""


@contextlib.contextmanager
def created(
    engine: Engine, arguments: Sequence[str], failed: Callable[[processes.Finished], Exception]
) -> Iterator[str]:
    """Create a container, yield its name, and remove it on exit. Raises what `failed` returns if there is none.

    It is removed also if it could not be created: an interrupted client may have sent its request already.
    """
    _sweep(engine.program)
    name = f"layerwright-{uuid.uuid4().hex[:12]}"
    try:
        finished = processes.run([engine.program, "create", f"--name={name}", *label(), *arguments])
        if finished.returncode:
            raise failed(finished)
        yield name
    finally:
        processes.run_always([engine.program, "rm", "--force", "--volumes", name])


def label() -> tuple[str]:
    """Return the option that labels a container with this process."""
    return (f"--label={LABEL}={_this_process()}",)


@cache
def _this_process() -> str:
    try:
        return f"{_namespace()}/{os.getpid()}/{_started(os.getpid())}"
    except OSError:
        return _UNKNOWN


def _namespace() -> str:
    """Return the boot of this host and the namespace of its process ids. Raises OSError on a system without them."""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the boot. Raises OSError if that cannot be read."""
    stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()[_START]


def is_dead(owner: str) -> bool:
    """Return whether a label is that of a process of this host that no longer runs. False if that is not certain."""
    try:
        prefix, pid, started = owner.rsplit("/", 2)
        if prefix != _namespace() or not pid.isdecimal():
            return False
        os.kill(int(pid), 0)
        return _started(int(pid)) != started
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):  # of another user, or not a label of this form
        return False


@cache
def _sweep(program: str) -> None:
    """Remove the containers of dead processes, once in this process. Failures are those of the next command as well."""
    found = processes.run([program, "ps", "--all", "--quiet", f"--filter=label={LABEL}"]).stdout.split()
    if dead := _dead(program, "container", found):
        processes.run([program, "rm", "--force", "--volumes", *dead])


def sweep_images(engine: Engine) -> None:
    """Remove the images that dead processes have labelled, after their containers."""
    _sweep(engine.program)
    found = processes.run([engine.program, "image", "ls", "--quiet", f"--filter=label={LABEL}"]).stdout.split()
    if dead := _dead(engine.program, "image", found):
        processes.run([engine.program, "image", "rm", "--force", *dead])


def _dead(program: str, kind: str, found: Sequence[str]) -> list[str]:
    """Return those of containers or images that processes have labelled which no longer run."""
    if not found:
        return []
    form = f'{{{{.Id}}}} {{{{index .Config.Labels "{LABEL}"}}}}'
    rows = processes.run([program, "inspect", f"--type={kind}", "--format", form, *found]).stdout.splitlines()
    owners = dict(row.split(" ", 1) for row in rows if " " in row)
    return [each for each, owner in owners.items() if is_dead(owner.strip())]
