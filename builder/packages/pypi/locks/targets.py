"""The environments that a lock was made for. What it says of others is not known, so it does not decide there."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from packaging.markers import InvalidMarker, Marker

from builder.base.errors import UsageError
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.pypi import markers, project_files, pyproject
from builder.packages.pypi.locks.pdm import PdmLock, PdmTarget
from builder.packages.pypi.project_files import Pylock, UvLock

_X86_64, _ARM64 = ("x86_64", "amd64"), ("aarch64", "arm64")
_LINUX = ("linux", "manylinux", "musllinux", "alpine")
_PLAIN = frozenset({"linux", "alpine"})
"""Platforms of PDM that are those of x86_64."""


def refuse_other(lock: Path, runtime: Runtime, arch: Architecture) -> None:
    """Raise UsageError if a lock says that it is for other environments than a runtime on an architecture."""
    reader = _READERS.get(lock.name, _of_pylock if lock.suffix == ".toml" else None)
    if reader is not None and lock.is_file():
        reader(lock, runtime, arch)


def _of_pdm(lock: Path, runtime: Runtime, arch: Architecture) -> None:
    targets = project_files.read(PdmLock, lock).metadata.targets
    if not targets or any(_accepts(each, lock, runtime, arch) for each in targets):
        return
    platform = f" --platform manylinux_2_28_{arch.machine}" if any(each.platform for each in targets) else ""
    hint = f"`pdm lock --append --python '=={runtime.series}.*'{platform}` adds it"
    raise _other(lock, runtime, arch, list(map(_told, targets)), hint)


def _accepts(target: PdmTarget, lock: Path, runtime: Runtime, arch: Architecture) -> bool:
    if target.python and not pyproject.versions(target.python, lock).accept(runtime.python_full):
        return False
    if target.implementation not in {None, "cpython"}:
        return False
    platform = target.platform
    if platform is None:
        return True
    if not platform.startswith(_LINUX):
        return False
    same = _X86_64 if arch.machine in _X86_64 else _ARM64
    return platform.endswith(same) or (platform in _PLAIN and arch.machine in _X86_64)


def _told(target: PdmTarget) -> str:
    given = (target.platform, target.python and f"Python {target.python}", target.implementation)
    return ", ".join(filter(None, given))


def _of_pylock(lock: Path, runtime: Runtime, arch: Architecture) -> None:
    environments = project_files.read(Pylock, lock).environments
    _refuse_markers(environments, lock, runtime, arch, "lock again, for that environment or for all")


def _of_uv(lock: Path, runtime: Runtime, arch: Architecture) -> None:
    supported = project_files.read(UvLock, lock).supported
    hint = "add it to `environments` of [tool.uv], and run `uv lock`"
    _refuse_markers(supported, lock, runtime, arch, hint)


def _refuse_markers(environments: Sequence[str], lock: Path, runtime: Runtime, arch: Architecture, hint: str) -> None:
    here = markers.environment_of(runtime, arch)
    try:
        if not environments or any(markers.holds(Marker(text), here) for text in environments):
            return
    except InvalidMarker as error:
        msg = f"{lock.as_posix()} has an environment that is no valid marker"
        raise UsageError(msg, why=[str(error).partition("\n")[0]]) from None
    raise _other(lock, runtime, arch, environments, hint)


def _other(lock: Path, runtime: Runtime, arch: Architecture, told: Sequence[str], hint: str) -> UsageError:
    msg = f"{lock.as_posix()} is no lock for {runtime.name} on {arch.name}"
    return UsageError(msg, why=[f"it is for {text}" for text in told], hint=hint)


_READERS: Mapping[str, Callable[[Path, Runtime, Architecture], None]] = {"pdm.lock": _of_pdm, "uv.lock": _of_uv}
