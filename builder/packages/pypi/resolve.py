"""Resolution of requirements to exact packages with their files, by uv, through a temporary pylock.toml."""

import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base.errors import BuildError, LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.base.processes import Finished
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import bindings, contradicting, hashes, markers, requirements_file, tags, uv
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.indexes import SETTINGS, Indexes
from builder.packages.pypi.pylock import candidates
from builder.packages.pypi.requirements_file import Plain

if TYPE_CHECKING:
    from builder.packages.pypi.local.realising import Realised
    from builder.packages.pypi.sdist import StaticMetadata


_OF_EVERY_VENV = {"pip", "setuptools", "wheel", "distribute"}
"""What Pipenv left out of its locks for long, since each virtual environment had it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A query: requirements, requirements files, and versions that a lock pins."""

    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    projects: tuple[ProjectRequest, ...] = ()
    """Projects that steps follow."""
    locked: bool = False
    """Whether the locks of these projects name all that is needed."""
    pins: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    """Versions to keep where the requirements allow them."""
    sources: frozenset[str] = frozenset()
    """Names of packages that are compiled even where a wheel fits."""
    without_dependencies: bool = False
    """Whether only the packages that are named themselves are resolved."""
    wheels_only: bool = False
    """Whether packages that would have to be compiled are an error."""
    indexes: Indexes = field(default_factory=Indexes)
    """Where packages come from, besides what the files say."""


def resolve(wanted: Wanted, runtime: Runtime, arch: Architecture) -> tuple[Candidate, ...]:
    """Return all packages that the requirements need on a target, sorted by name.

    Packages without a fitting wheel have only their sdist, unless `wheels_only` is set. Raises BuildError if a package
    can neither be installed nor compiled, or has none of the files that the requirements give hashes of, UsageError if
    one of these hashes is missing, UnreachableError if the index does not respond.
    """
    plain = _read(wanted)
    local = _realised(plain)
    if local and wanted.locked:
        _refuse_older(wanted, local, runtime, arch)
    requirements = local.requirements if local else plain.requirements
    plain = replace(plain, requirements=requirements, indexes=wanted.indexes.joined(plain.indexes))
    given = hashes.by_name((*plain.requirements, *plain.constraints))
    resolved = tuple(each.within(plain.indexes) for each in _resolved(wanted, plain, runtime, arch))
    if wanted.locked:
        _refuse_incomplete(wanted, plain, resolved, runtime, arch)
    found = tuple(map(local.of, resolved)) if local else resolved
    if wanted.wheels_only:
        _refuse_to_build(found)
    return hashes.compared(found, given, required=plain.hashed)


def _refuse_older(wanted: Wanted, local: "Realised", runtime: Runtime, arch: Architecture) -> None:
    """Raise UsageError if local packages need what the lock of their project does not have."""
    from builder.packages.pypi import projects
    from builder.packages.pypi.local import needs

    exempt = {name for project in wanted.projects for name in projects.replaced(project)}
    if missing := needs.missing(local, markers.environment_of(runtime, arch), exempt):
        lock = projects.deciding(wanted.projects[0])
        msg = f"{lock.as_posix()} is older than the local packages, which need something else"
        raise UsageError(msg, why=missing, hint=f"`{projects.lock_command(lock)}` brings it up to date")


def _refuse_incomplete(
    wanted: Wanted, plain: Plain, found: Collection[Candidate], runtime: Runtime, arch: Architecture
) -> None:
    """Raise UsageError if a lock that may be for another environment lacks what its packages need in this one.

    What the runtime has, or the tool replaces, is no loss.
    """
    from builder.packages.pypi import projects

    of_one = [each for each in wanted.projects if projects.is_of_one_environment(each)]
    if not of_one:
        return
    arguments = [*uv.platform_arguments(runtime, arch, runtime.os.uv_platforms[-1]), *uv.NO_CODE]
    finished = _compile(replace(wanted, locked=False), plain, arguments)
    names = {each.name for each in candidates(finished.stdout)} if finished.returncode == 0 else set()
    replaced = (name for each in wanted.projects for name in projects.replaced(each))
    exempt = {*_OF_EVERY_VENV, *runtime.provides, *replaced}
    if missing := sorted(names - {each.name for each in found} - exempt):
        lock = projects.deciding(of_one[0]).as_posix()
        msg = f"{lock} lacks what its packages need on {runtime.name} on {arch.name}: {', '.join(missing)}"
        where = f"Python {runtime.series} on Linux, {arch.machine}"
        hint = f"its tool locks for the environment that it runs in: lock with {where}, or let the project name them"
        raise UsageError(msg, hint=hint)


def _refuse_to_build(found: Iterable[Candidate]) -> None:
    """Raise BuildError for a folder or a repository that a container would have to build."""
    for each in found:
        if each.by_container:
            msg = f"{each.name} {each.version} has to be built: {each.by_container.reason}"
            raise BuildError(msg, hint=each.by_container.instead)


def _read(wanted: Wanted) -> Plain:
    """Return the requirements. Raises UsageError for repositories without a commit, with the one that they are at."""
    try:
        return requirements_file.read(wanted.files, wanted.requirements, wanted.projects)
    except requirements_file.MovingError as error:
        from builder.packages.pypi.local import repositories

        first = error.places[0]
        raise repositories.unpinned(first.git, first.where, first.told) if first.git else error from None


def _realised(plain: Plain) -> "Realised | None":
    """Return the requirements with archives in place of folders and repositories; None without any."""
    if not plain.places:
        return None
    from builder.packages.pypi.local import realising  # only local packages need the backends

    return realising.realised(plain.requirements, plain.places)


def _resolved(wanted: Wanted, plain: Plain, runtime: Runtime, arch: Architecture) -> tuple[Candidate, ...]:
    if wanted.sources:
        result = _with_sources(wanted, plain, runtime, arch)
        if isinstance(result, tuple):
            return result
        msg = f"the requirements cannot be resolved for {runtime.name} on {arch.name}"
        raise uv.refused(result, plain.indexes) or uv.fail(result, msg)
    first: Finished | None = None
    for platform in runtime.os.uv_platforms:
        finished = _compile(wanted, plain, [*uv.platform_arguments(runtime, arch, platform), *uv.NO_CODE])
        if finished.returncode == 0:
            resolved = candidates(finished.stdout)
            if first is None or all(best(candidate, runtime, arch) for candidate in resolved):
                return resolved
        first = first or finished
        if error := uv.refused(finished, plain.indexes) or uv.unreachable(finished):
            raise error
    if first is None:
        msg = f"{runtime.os.title} has no platform for uv in images/runtimes.toml"
        raise BuildError(msg)
    if not wanted.wheels_only and isinstance(result := _with_sources(wanted, plain, runtime, arch), tuple):
        return result
    raise _unresolved(wanted, plain, runtime, arch, first)


def _with_sources(
    wanted: Wanted, plain: Plain, runtime: Runtime, arch: Architecture
) -> tuple[Candidate, ...] | Finished:
    """Resolve with sdists allowed, too; return the output of uv if that fails. Executes no code of an sdist."""
    from builder.packages.pypi import sdist

    arguments = uv.platform_arguments(runtime, arch, runtime.os.uv_platforms[-1])
    for name in sorted(wanted.sources):
        arguments += ["--no-binary", name]
    with tempfile.TemporaryDirectory(prefix="layerwright-") as name:
        facts = sdist.StaticMetadata(Path(name), plain.indexes, hashes.by_name(plain.requirements))
        while True:
            finished = _compile(wanted, plain, arguments, facts)
            if finished.returncode == 0:
                usable = tuple(_usable(package, wanted, runtime, arch) for package in candidates(finished.stdout))
                return usable if all(package.wheels or package.sdist for package in usable) else finished
            unread = sdist.would_be_built(finished)
            if unread is None or not facts.learn(*unread):
                return finished


def _usable(candidate: Candidate, wanted: Wanted, runtime: Runtime, arch: Architecture) -> Candidate:
    """Return the candidate with its wheels, or only with its sdist if no wheel is allowed or fits."""
    if candidate.name in wanted.sources or best(candidate, runtime, arch) is None:
        return replace(candidate, wheels=())
    return candidate


def best(candidate: Candidate, runtime: Runtime, arch: Architecture) -> Dist | None:
    """Return the wheel that an installer on the target would choose; None if none fits."""
    ranked = [(tags.rank(wheel.filename, runtime, arch), wheel.filename, wheel) for wheel in candidate.wheels]
    fitting = [(rank, name, wheel) for rank, name, wheel in ranked if rank is not None]
    return min(fitting, key=lambda item: item[:2])[2] if fitting else None


def _compile(wanted: Wanted, plain: Plain, arguments: Sequence[str], facts: "StaticMetadata | None" = None) -> Finished:
    with tempfile.TemporaryDirectory(prefix="layerwright-") as name:
        folder = Path(name)
        free, bound = bindings.divided(plain.requirements, plain.indexes)
        inputs = [_write(folder / "requirements.in", (*plain.options, *free))]
        inputs += [_write(folder / "pyproject.toml", [bound])] if bound else []
        alone = ["--no-deps"] if wanted.without_dependencies or wanted.locked else []
        more = [*plain.indexes.arguments(), *alone]
        if fixed := (*wanted.pins, *plain.constraints):
            more += ["--constraints", _write(folder / "pins.txt", fixed)]
        if wanted.preferences:
            kept = folder / "requirements.txt"
            more += ["--output-file", _write(kept, wanted.preferences)]
            finished = _ask(["compile", *inputs, *more, *arguments, "--no-header", "--no-annotate"], plain, facts)
            if finished.returncode:
                return finished
            more = [*plain.indexes.arguments(), "--constraints", str(kept)]
        output = ("--format", "pylock.toml", "--no-header", "--quiet")
        return _ask(["compile", *inputs, *more, *arguments, *output], plain, facts)


def _ask(arguments: Sequence[str], plain: Plain, facts: "StaticMetadata | None") -> Finished:
    settings = facts.settings if facts else plain.indexes.settings()
    finished = uv.run(arguments, env=plain.indexes.environment(), settings=settings)
    wider = plain.indexes.widened(finished.stderr) if finished.returncode else None
    return uv.run(arguments, env=wider, settings=settings) if wider else finished


def _write(path: Path, lines: Iterable[str]) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return str(path)


def _unresolved(
    wanted: Wanted, plain: Plain, runtime: Runtime, arch: Architecture, finished: Finished
) -> LayerwrightError:
    """Return the error for a failed resolution, with existing and fitting tags, and the newest version that fits."""
    label = f"{runtime.name} on {arch.name}"
    everywhere = _compile(wanted, plain, ["--python-version", runtime.python_full, "--universal", *uv.NO_CODE])
    if everywhere.returncode:
        msg = f"the requirements cannot be {'installed from wheels' if wanted.wheels_only else 'resolved'} for {label}"
        told = uv.explanation(finished)
        return BuildError(msg, why=[*told, *contradicting.asked(wanted.projects, told)], hint=_advice(finished))
    unfit = [package for package in candidates(everywhere.stdout) if not best(package, runtime, arch)]
    if not unfit:
        msg = f"the requirements cannot be {'installed from wheels' if wanted.wheels_only else 'resolved'} for {label}"
        return BuildError(msg, why=uv.explanation(finished))
    why: list[str] = []
    hints: list[str] = []
    for package in unfit:
        name = package.name
        existing = tags.seen([wheel.filename for wheel in package.wheels]) or ["none: it is published as source only"]
        why.append(f"{name} {package.version} has wheels for: {_shortened(existing, runtime, arch)}")
        newest = newest_fitting(name, runtime, arch, plain.indexes)
        if newest:
            hints.append(f"{name}=={newest} is the newest with a wheel that fits")
        else:
            hints.append(f"no version of {name} has a wheel that fits: it must be compiled")
    msg = f"no wheel of {', '.join(package.name for package in unfit)} fits {label}"
    why.append(f"required: {tags.fitting(runtime, arch)}")
    return BuildError(msg, why=why, hint="; ".join(hints))


def _shortened(existing: Sequence[str], runtime: Runtime, arch: Architecture) -> str:
    """Return at most six tags: those of the interpreter and architecture if there are any."""
    version = runtime.python or (3, 0)
    interpreter = f"cp{version[0]}{version[1]}-"
    near = [tag for tag in existing if arch.machine in tag and (tag.startswith(interpreter) or "abi3" in tag)]
    shown = near or list(existing)
    rest = len(existing) - len(shown[:6])
    return ", ".join(shown[:6]) + (f" and {rest} more" if rest else "")


def newest_fitting(name: str, runtime: Runtime, arch: Architecture, indexes: Indexes = SETTINGS) -> str | None:
    """Return the newest version of a package with a wheel for the target; None if there is none."""
    for platform in runtime.os.uv_platforms:
        arguments = [*uv.platform_arguments(runtime, arch, platform), *uv.NO_CODE]
        alone = Plain(requirements=(name,), constraints=(), options=(), indexes=indexes)
        finished = _compile(Wanted(without_dependencies=True), alone, arguments)
        if finished.returncode == 0:
            newest = candidates(finished.stdout)[0]
            return newest.version if best(newest, runtime, arch) else None
    return None


def _advice(finished: Finished) -> str | None:
    if "401" in finished.stderr or "403" in finished.stderr:
        return "the index refused the credentials: set UV_INDEX_<NAME>_USERNAME and _PASSWORD, netrc or a keyring"
    if "building from source is disabled" in finished.stderr or "has no usable wheels" in finished.stderr:
        return 'there is neither a wheel nor an sdist to compile, or `wheels = "only"` forbids the sdist'
    if "was not found in the package registry" in finished.stderr:
        return "the index does not have that package; check the spelling, or set UV_INDEX for a private index"
    return None
