"""Deciding which modules the programs of a target are compiled of, and writing their lock."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from builder.base.errors import UsageError
from builder.base.texts import read as read_text
from builder.model.go_module import contains, program_name
from builder.model.recipes import Loaded
from builder.model.steps import Step
from builder.model.steps.go import Go
from builder.model.target import Target, steps, targets
from builder.packages import ecosystem
from builder.packages.ecosystem import LockFile, LockRequest, Request
from builder.packages.go import MOD, SUM, go, go_mod, go_sum, source
from builder.packages.go.go_mod import GoMod, Require
from builder.packages.go.go_sum import GoSum
from builder.packages.go.resolution import Program, Programs
from builder.packages.source_folder import SourceFile

_TIDY = "go mod tidy"
_HEADER = "// Written by `layerwright lock`, for "
_FOR = re.compile(rf"^{re.escape(_HEADER)}(?P<packages>.*)$", re.MULTILINE)


def planned(request: Request) -> Programs:
    """Decide on the modules of a target's programs. Asks the module proxy where there is no lock."""
    loaded, target = request.loaded, request.target
    own = [(number, step) for number, step in request.steps if isinstance(step, Go)]
    lock, locked = _lock(loaded) if any(step.package for _, step in own) else (("", ""), True)
    programs = [
        _of_package(loaded, target, row, lock) if row[1].package else _of_folder(loaded, target, row) for row in own
    ]
    names = [program.file for program in programs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"{target.name}: two programs in Go would both be {' and '.join(twice)}"
        raise UsageError(msg, hint="`name` gives one of them another name")
    return Programs(programs=tuple(programs), locked=locked)


def _of_package(loaded: Loaded, target: Target, row: tuple[int, Go], lock: tuple[str, str]) -> Program:
    number, step = row
    package, _, _ = target.expand(step.package or "").partition("@")
    mod, hashes = _read(loaded, lock)
    return Program(
        step=number,
        package=package,
        file=f"{step.to}/{step.name or program_name(package)}",
        tags=step.tags,
        variables=_variables(target, step),
        cgo=step.cgo,
        modules=_hashed(mod, hashes),
        lock=lock,
    )


def _of_folder(loaded: Loaded, target: Target, row: tuple[int, Go]) -> Program:
    number, step = row
    mod, hashes, found = _project(loaded, step)
    main = _main(step)
    return Program(
        step=number,
        package=main,
        file=f"{step.to}/{step.name or program_name(mod.module if main == '.' else main)}",
        tags=step.tags,
        variables=_variables(target, step),
        cgo=step.cgo,
        modules=_hashed(mod, hashes),
        folder=loaded.file(step.path or ""),
        files=found,
    )


def _variables(target: Target, step: Go) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, target.expand(value)) for name, value in step.variables.items()))


def _hashed(mod: GoMod, hashes: GoSum) -> tuple[tuple[Require, str], ...]:
    """Return the modules that go.sum has hashes of; the others only have a say in versions."""
    rows = ((module, hashes.zips.get((module.path, module.version))) for module in mod.modules)
    return tuple((module, digest) for module, digest in rows if digest)


def _main(step: Go) -> str:
    main = posixpath.normpath(step.main)
    return main if main == "." else f"./{main}"


def _project(loaded: Loaded, step: Go) -> tuple[GoMod, GoSum, tuple[SourceFile, ...]]:
    """Read go.mod and go.sum of a folder beside the recipe; Go writes no go.sum for a program without modules."""
    folder = loaded.file(step.path or "")
    if not (folder / MOD).is_file():
        msg = f"there is no {MOD} in {folder.as_posix()}"
        raise UsageError(msg, hint=f"`go mod init` and `{_TIDY}` write it")
    found = source.listed(loaded.file(""), step.path or "")
    mod = go_mod.read(_text(folder / MOD, _TIDY), (folder / MOD).as_posix(), _TIDY)
    if not (folder / SUM).is_file():
        if any(mod.modules):
            msg = f"there is no {SUM} beside {(folder / MOD).as_posix()}"
            raise UsageError(msg, hint=f"`{_TIDY}` writes it")
        return mod, GoSum(zips={}), found
    hashes = go_sum.read(_text(folder / SUM, _TIDY), (folder / SUM).as_posix(), _TIDY)
    direct = (module for module in mod.modules if not module.indirect)
    if unfit := list(_unhashed(direct, hashes)):
        raise ecosystem.stale(loaded, f"{step.path}/{SUM}", unfit, _TIDY)
    return mod, hashes, found


def _unhashed(modules: Iterable[Require], hashes: GoSum) -> Iterator[str]:
    for module in modules:
        if (module.path, module.version) not in hashes.zips:
            yield f"{module.path} {module.version} is in {MOD} and not in {SUM}"


def _text(path: Path, command: str) -> str:
    try:
        return read_text(path)
    except UsageError as error:
        raise ecosystem.unreadable(path.as_posix(), path.name, error.why, command) from None


def pinned(request: Request) -> dict[str, set[str]]:
    """Return the versions of each module that the locks of a target's programs have."""
    loaded = request.loaded
    kept = _kept(loaded)
    pairs = [_read(loaded, kept)] if kept else []
    pairs += [_project(loaded, step)[:2] for _, step in request.steps if isinstance(step, Go) and step.path]
    versions: dict[str, set[str]] = {}
    for mod, hashes in pairs:
        for module, _ in _hashed(mod, hashes):
            versions.setdefault(module.path, set()).add(module.version)
    return versions


# ---- the lock of programs that are named as packages --------------------------------------------------------------


def _lock(loaded: Loaded) -> tuple[tuple[str, str], bool]:
    """Return go.mod and go.sum of all packages that a recipe names, and whether they were there already."""
    packages = _packages(loaded)
    texts = _kept(loaded)
    if texts is None:
        return _resolved(packages, None), False
    mod, hashes = _read(loaded, texts)
    if unfit := list(_unfit(packages, texts[0], mod, hashes)):
        raise ecosystem.stale(loaded, MOD, unfit)
    return texts, True


def _packages(loaded: Loaded) -> tuple[str, ...]:
    """Return `path@version` of every package that a recipe names, for all targets: one go.mod serves them."""
    versions: dict[str, str] = {}
    for target in targets(loaded.recipe):
        for package in _named(target, steps(loaded.recipe, target)):
            path, _, version = package.partition("@")
            if versions.setdefault(path, version) != version:
                msg = f"{loaded.name}: its targets want different versions of {path}, and a {MOD} holds one"
                raise UsageError(msg, hint="make two recipes of it")
    return tuple(f"{path}@{version}" for path, version in sorted(versions.items()))


def _named(target: Target, chosen: Iterable[tuple[int, Step]]) -> Iterator[str]:
    for _, step in chosen:
        if isinstance(step, Go) and step.package:
            yield target.expand(step.package)


def _kept(loaded: Loaded) -> tuple[str, str] | None:
    """Return the texts of the lock; None if there is none. Without go.sum, go.mod locks nothing."""
    paths = [loaded.lock_named(name) for name in (MOD, SUM)]
    there = [path for path in paths if path and path.is_file()]
    if len(there) == 1:
        msg = f"{there[0].as_posix()} is there without {SUM if there[0].name == MOD else MOD}"
        raise UsageError(msg, hint=f"`{_command(loaded)}` writes both")
    return (_text(there[0], _command(loaded)), _text(there[1], _command(loaded))) if there else None


def _command(loaded: Loaded) -> str:
    return f"layerwright lock {loaded.name}"


def _read(loaded: Loaded, texts: tuple[str, str]) -> tuple[GoMod, GoSum]:
    where = [(loaded.lock_named(name) or Path(name)).as_posix() for name in (MOD, SUM)]
    command = _command(loaded)
    return go_mod.read(texts[0], where[0], command), go_sum.read(texts[1], where[1], command)


def _unfit(packages: Iterable[str], text: str, mod: GoMod, hashes: GoSum) -> Iterator[str]:
    """Yield what a recipe asks for that its lock was not made for."""
    match = _FOR.search(text)
    made_for = set(match["packages"].split()) if match else set()
    for package in packages:
        path, _, version = package.partition("@")
        module = next((row for row in mod.requires if row.version == version and contains(row.path, path)), None)
        if package not in made_for or module is None:
            yield f"the recipe asks for {package}, which the lock does not have"
        else:
            yield from _unhashed([module], hashes)
    for package in sorted(made_for.difference(packages)):
        yield f"the lock is for {package}, which the recipe does not ask for"


def _resolved(packages: tuple[str, ...], known: tuple[str, str] | None) -> tuple[str, str]:
    mod, sums = go.resolve(packages, known)
    body = "".join(f"{line}\n" for line in mod.splitlines() if not line.startswith(_HEADER)).lstrip("\n")
    return f"{_HEADER}{' '.join(packages)}\n\n{body}", sums


def locks(request: LockRequest) -> Iterator[LockFile]:
    """Yield go.mod and go.sum of the packages that a recipe names, and as they are those of folders beside it.

    Versions of packages are exact, and Go selects of everything else the version that they were tested with. A newer
    one could need a newer Go than the build image has, so an upgrade takes none: `go get` in the folder of the lock
    raises one, which stays as long as the lock fits its recipe.
    """
    loaded = request.loaded
    if packages := _packages(loaded):
        request.events.begin("resolving Go modules")
        yield from _written(loaded, _versions(loaded), _resolved(packages, _fitting(loaded)))
    for path in sorted({step.path for step in loaded.recipe.step if isinstance(step, Go) and step.path}):
        request.events.note(f"{path}: `{_TIDY}` in that folder writes its lock")
        project = next(step for step in loaded.recipe.step if isinstance(step, Go) and step.path == path)
        mod, hashes, _ = _project(loaded, project)
        file = loaded.file(path) / MOD
        yield LockFile(path=file, text=_text(file, _TIDY), packages=len(_hashed(mod, hashes)), changes=())


def _fitting(loaded: Loaded) -> tuple[str, str] | None:
    """Return the lock if it fits the recipe; a damaged or an old one is written anew."""
    try:
        return _lock(loaded)[0] if _kept(loaded) else None
    except UsageError:
        return None


def _versions(loaded: Loaded) -> Mapping[tuple[str, str], str]:
    """Return what the lock holds before it is written anew, as far as it can be read."""
    try:
        texts = _kept(loaded)
        return _compiled(loaded, texts) if texts else {}
    except UsageError:
        return {}


def _written(loaded: Loaded, before: Mapping[tuple[str, str], str], new: tuple[str, str]) -> Iterator[LockFile]:
    after = _compiled(loaded, new)
    changes = ecosystem.changes(before, after)
    yield LockFile(path=loaded.lock_named(MOD) or Path(MOD), text=new[0], packages=len(after), changes=changes)
    yield LockFile(path=loaded.lock_named(SUM) or Path(SUM), text=new[1], packages=len(after), changes=())


def _compiled(loaded: Loaded, texts: tuple[str, str]) -> Mapping[tuple[str, str], str]:
    return {("", module.path): module.version for module, _ in _hashed(*_read(loaded, texts))}


def lock_path(loaded: Loaded) -> Path | None:
    """Return the file that pins the modules of a recipe: that of a project is beside its source."""
    own = [step for step in loaded.recipe.step if isinstance(step, Go)]
    path = next((step.path for step in own if step.path), None)
    return loaded.file(path) / MOD if path and not any(step.package for step in own) else loaded.lock_named(MOD)


def lint(loaded: Loaded) -> None:
    """Raise UsageError for a folder or a lock that cannot be compiled. Runs nothing, sends no requests."""
    for request in ecosystem.requests(loaded, Go):
        if _kept(loaded) or not _packages(loaded):
            planned(request)
    for step in loaded.recipe.step:
        if isinstance(step, Go) and step.path:
            _project(loaded, step)
