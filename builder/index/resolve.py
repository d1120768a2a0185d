"""Requirements into exact packages with their wheels, through a pylock.toml that lives only for the moment."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli

from builder.errors import BuildError, LayerwrightError
from builder.index import tags, uv
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.processes import Finished


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    filename: str
    sha256: str
    size: int | None
    """Bytes, where the index says so."""
    url: str | None = field(default=None, repr=False)
    """Where it lies; may hold credentials, so it is never printed or stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One package at one version, with the wheels that the index has for it."""

    name: str
    version: str
    wheels: tuple[Wheel, ...]
    sdist_sha256: str | None
    direct: str | None = field(default=None, repr=False)
    """Its url when the requirement named one instead of an index; may hold credentials."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to resolve: requirement texts, files of them, and versions that a lock fixes."""

    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    pins: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    """Versions to keep where the requirements allow them."""


def resolve(wanted: Wanted, runtime: Runtime, arch: Architecture) -> tuple[Candidate, ...]:
    """Return every package that the requirements need on that target, sorted by name.

    Raises BuildError when something has no wheel that fits, UsageError when the index does not answer.
    """
    first: Finished | None = None
    for platform in runtime.os.uv_platforms:
        finished = _compile(wanted, uv.platform_arguments(runtime, arch, platform))
        if finished.returncode == 0:
            found = candidates(finished.stdout)
            if first is None or all(best(candidate, runtime, arch) for candidate in found):
                return found
        first = first or finished
        if unreachable := uv.unreachable(finished):
            raise unreachable
    if first is None:
        msg = f"{runtime.os.title} names no platform"
        raise BuildError(msg)
    raise _unresolved(wanted, runtime, arch, first)


def best(candidate: Candidate, runtime: Runtime, arch: Architecture) -> Wheel | None:
    """Return the wheel that an installer on the target would take."""
    ranked = [(tags.rank(wheel.filename, runtime, arch), wheel.filename, wheel) for wheel in candidate.wheels]
    fitting = [(rank, name, wheel) for rank, name, wheel in ranked if rank is not None]
    return min(fitting, key=lambda item: item[:2])[2] if fitting else None


def _compile(wanted: Wanted, arguments: Sequence[str]) -> Finished:
    with tempfile.TemporaryDirectory(prefix="layerwright-") as name:
        folder = Path(name)
        inputs = [uv.requirements_file(path) for path in wanted.files]
        if wanted.requirements:
            inputs.append(_write(folder / "requirements.in", wanted.requirements))
        more: list[str] = []
        if wanted.pins:
            more = ["--constraints", _write(folder / "pins.txt", wanted.pins)]
        if wanted.preferences:
            kept = folder / "requirements.txt"
            more += ["--output-file", _write(kept, wanted.preferences)]
            finished = uv.run(["compile", *inputs, *more, *arguments, *uv.NO_CODE, "--no-header", "--no-annotate"])
            if finished.returncode:
                return finished
            more = ["--constraints", str(kept)]
        return uv.run(
            ["compile", *inputs, *more, *arguments, *uv.NO_CODE, "--format", "pylock.toml", "--no-header", "--quiet"]
        )


def _write(path: Path, lines: Iterable[str]) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def candidates(pylock: str) -> tuple[Candidate, ...]:
    """Read the packages of a pylock.toml (PEP 751)."""
    packages: list[dict[str, Any]] = tomli.loads(pylock).get("packages", [])
    return tuple(sorted((_candidate(package) for package in packages), key=lambda candidate: candidate.name))


def _candidate(package: dict[str, Any]) -> Candidate:
    archive = package.get("archive")
    entries = package.get("wheels", [])
    if archive and _filename(archive).endswith(".whl"):
        entries = [archive]
    elif not entries and not package.get("sdist"):
        msg = f"`{package['name']}` comes as code that would have to be built"
        raise BuildError(msg, hint="give a wheel or a package from an index; layerwright runs no setup.py on this host")
    return Candidate(
        name=package["name"],
        version=str(package.get("version") or _filename(entries[0]).split("-")[1]),
        wheels=tuple(
            Wheel(filename=_filename(entry), sha256=_sha256(entry), size=entry.get("size"), url=_url(entry))
            for entry in entries
        ),
        sdist_sha256=package.get("sdist", {}).get("hashes", {}).get("sha256"),
        direct=_url(archive) if archive else None,
    )


def _sha256(entry: dict[str, Any]) -> str:
    try:
        return str(entry["hashes"]["sha256"])
    except KeyError:
        msg = f"the index gives no SHA-256 for {_filename(entry)}"
        raise BuildError(
            msg, hint="layerwright installs by hash; serve the index with hashes, or name the file's url"
        ) from None


def _url(entry: dict[str, Any]) -> str:
    return str(entry["url"]) if "url" in entry else Path(entry["path"]).resolve().as_uri()


def _filename(entry: dict[str, Any]) -> str:
    if name := entry.get("name"):
        return str(name)
    where = urlsplit(entry["url"]).path if "url" in entry else str(entry["path"]).replace("\\", "/")
    return unquote(PurePosixPath(where).name)


def _unresolved(wanted: Wanted, runtime: Runtime, arch: Architecture, finished: Finished) -> LayerwrightError:
    """Say what would have to be different: tags that exist, tags that fit, the newest version that has one."""
    label = f"{runtime.name} on {arch.name}"
    everywhere = _compile(wanted, ["--python-version", runtime.python_full, "--universal"])
    if everywhere.returncode:
        msg = f"the requirements cannot be installed from wheels for {label}"
        return BuildError(msg, why=uv.explanation(finished), hint=_advice(finished))
    unfit = [found for found in candidates(everywhere.stdout) if not best(found, runtime, arch)]
    if not unfit:
        msg = f"the requirements cannot be installed from wheels for {label}"
        return BuildError(msg, why=uv.explanation(finished))
    why: list[str] = []
    hints: list[str] = []
    for found in unfit:
        existing = tags.seen([wheel.filename for wheel in found.wheels]) or ["none: it is published as source only"]
        why.append(f"{found.name} {found.version} has wheels for: {_shortened(existing, runtime, arch)}")
        newest = newest_fitting(found.name, runtime, arch)
        if newest:
            hints.append(f"{found.name}=={newest} is the newest with a wheel that fits")
        else:
            hints.append(f"no version of {found.name} has a wheel that fits: it must be compiled")
    msg = f"no wheel of {', '.join(found.name for found in unfit)} fits {label}"
    why.append(f"wanted: {tags.wanted(runtime, arch)}")
    return BuildError(msg, why=why, hint="; ".join(hints))


def _shortened(existing: Sequence[str], runtime: Runtime, arch: Architecture) -> str:
    """Show the nearest tags: those of the interpreter and architecture first."""
    version = runtime.python or (3, 0)
    interpreter = f"cp{version[0]}{version[1]}-"
    near = [tag for tag in existing if arch.machine in tag and (tag.startswith(interpreter) or "abi3" in tag)]
    shown = near or list(existing)
    rest = len(existing) - len(shown[:6])
    return ", ".join(shown[:6]) + (f" and {rest} others" if rest else "")


def newest_fitting(name: str, runtime: Runtime, arch: Architecture) -> str | None:
    """Return the newest version of a package with a wheel for the target."""
    for platform in runtime.os.uv_platforms:
        arguments = [*uv.platform_arguments(runtime, arch, platform), "--no-deps"]
        finished = _compile(Wanted(requirements=(name,)), arguments)
        if finished.returncode == 0:
            found = candidates(finished.stdout)[0]
            return found.version if best(found, runtime, arch) else None
    return None


def _advice(finished: Finished) -> str | None:
    if "401" in finished.stderr or "403" in finished.stderr:
        return "the index wants other credentials: UV_INDEX_<NAME>_USERNAME and _PASSWORD, netrc or a keyring give them"
    if "building from source is disabled" in finished.stderr or "has no usable wheels" in finished.stderr:
        return "layerwright runs no setup.py on this host; only packages with wheels can be used on this route"
    if "was not found in the package registry" in finished.stderr:
        return "the index does not have that package; check the spelling, or set UV_INDEX for a private index"
    return None
