"""Requirements into exact packages with their wheels, through a pylock.toml that lives only for the moment."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.base.errors import BuildError, LayerwrightError
from builder.base.processes import Finished
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.pypi import requirements_file, sdist, tags, uv
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.pylock import candidates


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to resolve: requirement texts, files of them, and versions that a lock fixes."""

    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    pins: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    """Versions to keep where the requirements allow them."""
    sources: frozenset[str] = frozenset()
    """Names of packages that are compiled even where a wheel fits."""
    wheels_only: bool = False
    """Nothing may be compiled."""


def resolve(wanted: Wanted, runtime: Runtime, arch: Architecture) -> tuple[Candidate, ...]:
    """Return every package that the requirements need on that target, sorted by name.

    Packages without a fitting wheel come with their sdist only, unless wheels are all that may be used. Raises
    BuildError when something can neither be installed nor compiled, UsageError when the index does not answer.
    """
    if wanted.sources:
        found = _with_sources(wanted, runtime, arch)
        if isinstance(found, tuple):
            return found
        raise uv.fail(found, f"the requirements cannot be resolved for {runtime.name} on {arch.name}")
    first: Finished | None = None
    for platform in runtime.os.uv_platforms:
        finished = _compile(wanted, [*uv.platform_arguments(runtime, arch, platform), *uv.NO_CODE])
        if finished.returncode == 0:
            resolved = candidates(finished.stdout)
            if first is None or all(best(candidate, runtime, arch) for candidate in resolved):
                return resolved
        first = first or finished
        if unreachable := uv.unreachable(finished):
            raise unreachable
    if first is None:
        msg = f"{runtime.os.title} names no platform"
        raise BuildError(msg)
    if not wanted.wheels_only and isinstance(found := _with_sources(wanted, runtime, arch), tuple):
        return found
    raise _unresolved(wanted, runtime, arch, first)


def _with_sources(wanted: Wanted, runtime: Runtime, arch: Architecture) -> tuple[Candidate, ...] | Finished:
    """Resolve where sdists count, too. No code of theirs runs: see `sdist.py`."""
    arguments = uv.platform_arguments(runtime, arch, runtime.os.uv_platforms[-1])
    for name in sorted(wanted.sources):
        arguments += ["--no-binary", name]
    with tempfile.TemporaryDirectory(prefix="layerwright-") as name:
        facts = sdist.StaticMetadata(Path(name))
        while True:
            finished = _compile(wanted, arguments, facts)
            if finished.returncode == 0:
                found = candidates(finished.stdout)
                usable = [_usable(one, wanted, runtime, arch) for one in found]
                return tuple(usable) if all(one.wheels or one.sdist for one in usable) else finished
            package = sdist.would_be_built(finished)
            if package is None or not facts.learn(*package):
                return finished


def _usable(candidate: Candidate, wanted: Wanted, runtime: Runtime, arch: Architecture) -> Candidate:
    """Keep the wheels, or the sdist where no wheel may be used or fits."""
    if candidate.name in wanted.sources or best(candidate, runtime, arch) is None:
        return replace(candidate, wheels=())
    return candidate


def best(candidate: Candidate, runtime: Runtime, arch: Architecture) -> Dist | None:
    """Return the wheel that an installer on the target would take."""
    ranked = [(tags.rank(wheel.filename, runtime, arch), wheel.filename, wheel) for wheel in candidate.wheels]
    fitting = [(rank, name, wheel) for rank, name, wheel in ranked if rank is not None]
    return min(fitting, key=lambda item: item[:2])[2] if fitting else None


def _compile(wanted: Wanted, arguments: Sequence[str], facts: sdist.StaticMetadata | None = None) -> Finished:
    with tempfile.TemporaryDirectory(prefix="layerwright-") as name:
        folder = Path(name)
        plain = requirements_file.read(wanted.files, wanted.requirements)
        inputs = [_write(folder / "requirements.in", (*plain.options, *plain.requirements))]
        more: list[str] = []
        if fixed := (*wanted.pins, *plain.constraints):
            more = ["--constraints", _write(folder / "pins.txt", fixed)]
        if wanted.preferences:
            kept = folder / "requirements.txt"
            more += ["--output-file", _write(kept, wanted.preferences)]
            finished = _ask(["compile", *inputs, *more, *arguments, "--no-header", "--no-annotate"], facts)
            if finished.returncode:
                return finished
            more = ["--constraints", str(kept)]
        return _ask(["compile", *inputs, *more, *arguments, "--format", "pylock.toml", "--no-header", "--quiet"], facts)


def _ask(arguments: Sequence[str], facts: sdist.StaticMetadata | None) -> Finished:
    return uv.run(arguments) if facts is None else facts.run(arguments)


def _write(path: Path, lines: Iterable[str]) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def _unresolved(wanted: Wanted, runtime: Runtime, arch: Architecture, finished: Finished) -> LayerwrightError:
    """Say what would have to be different: tags that exist, tags that fit, the newest version that has one."""
    label = f"{runtime.name} on {arch.name}"
    everywhere = _compile(wanted, ["--python-version", runtime.python_full, "--universal", *uv.NO_CODE])
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
        arguments = [*uv.platform_arguments(runtime, arch, platform), *uv.NO_CODE, "--no-deps"]
        finished = _compile(Wanted(requirements=(name,)), arguments)
        if finished.returncode == 0:
            found = candidates(finished.stdout)[0]
            return found.version if best(found, runtime, arch) else None
    return None


def _advice(finished: Finished) -> str | None:
    if "401" in finished.stderr or "403" in finished.stderr:
        return "the index wants other credentials: UV_INDEX_<NAME>_USERNAME and _PASSWORD, netrc or a keyring give them"
    if "building from source is disabled" in finished.stderr or "has no usable wheels" in finished.stderr:
        return 'there is no wheel, and no sdist that could be compiled either; or `wheels = "only"` forbids it'
    if "was not found in the package registry" in finished.stderr:
        return "the index does not have that package; check the spelling, or set UV_INDEX for a private index"
    return None
