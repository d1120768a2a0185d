"""The conditions under which Lambda runs a function, as options of a container engine.

docs/sandbox.md says what is the same as in Lambda, by which source, and what is not.
"""

import sys
from collections.abc import Iterator

from builder.base.frozen import dataclass
from builder.engine.client import DOCKER, KINDS, PODMAN
from builder.model import facts

USER = "993:990"
"""Of functions: `id` of one prints `uid=993(sbx_user1051) gid=990`. smoke/like_lambda.sh gives it its name."""
TMP_MB = 512
"""Size of /tmp unless a function asks for more (developer guide, "Configure ephemeral storage")."""
OPEN_FILES = PROCESSES = 1024
"""Developer guide, "Lambda quotas": file descriptors; execution processes and threads."""
LIMITS = (f"--ulimit=nofile={OPEN_FILES}:{OPEN_FILES}", f"--ulimit=nproc={PROCESSES}:{PROCESSES}")
SECCOMP = "seccomp.json"
"""In images/. Podman's machine on a Mac or Windows has no such file."""
PROCESSORS = "/sys/devices/system/cpu"
"""Empty in Lambda: there is neither `possible` nor `present` (pytorch/cpuinfo, issues 14 and 143)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a function has or has not, and the options that give it to a container."""

    what: str
    options: tuple[str, ...]
    as_in_lambda: bool = True
    """False for what is stricter than Lambda, so that a test depends on nothing but the layer."""
    engines: tuple[str, ...] = KINDS
    """The kinds of engines that have the options."""


CONDITIONS = (
    Condition(what="no network", options=("--network=none",), as_in_lambda=False),
    Condition(what="a system that cannot be written to", options=("--read-only",)),
    Condition(what=f"{TMP_MB} MB in /tmp", options=(f"--tmpfs=/tmp:rw,exec,mode=1777,size={TMP_MB}m",)),
    # AWS Compute Blog, "Parallel Processing in Python with AWS Lambda": there is no support of /dev/shm
    Condition(what="no shared memory in /dev/shm", options=("--ipc=none",), engines=(DOCKER, PODMAN)),
    Condition(what="no list of processors", options=(f"--tmpfs={PROCESSORS}:ro,size=4k,mode=555",)),
    # What an engine forbids by itself, and what Lambda forbids as well: see docs/sandbox.md
    Condition(
        what="system calls that Lambda forbids",
        options=(f"--security-opt=seccomp={SECCOMP}",),
        engines=(DOCKER, *((PODMAN,) if sys.platform == "linux" else ())),
    ),
    Condition(what="no privileges", options=("--cap-drop=ALL", "--security-opt=no-new-privileges")),
    Condition(
        what=f"{OPEN_FILES} open files, {PROCESSES} processes",
        options=LIMITS,
    ),
)


def options(kind: str) -> Iterator[str]:
    """Yield the options of `create` for all conditions that are the same for every function, for a kind of engine."""
    for condition in CONDITIONS:
        for option in condition.options if kind in condition.engines else ():
            # Podman would copy what the image, or the kernel, has at that place.
            copies = kind == PODMAN and option.startswith("--tmpfs=")
            if option.endswith(f"={SECCOMP}"):
                yield option.replace(SECCOMP, str(facts.folder() / SECCOMP))
            else:
                yield f"{option},notmpcopyup" if copies else option
