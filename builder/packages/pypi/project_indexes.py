"""The indexes of projects, as their tools have them: those of uv, Poetry, PDM and Pipenv, and of pylock.toml.

A lock binds each package to the index that it names, so that another one that offers the same name takes no part.
A source with the address of the public index is the default of the user's settings, which may be a mirror.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from builder.base import contained, credentials
from builder.base.errors import UsageError
from builder.model.decode import typed
from builder.packages.pypi import index_passwords, pdm_sources, project_files, projects, pyproject, uv_project
from builder.packages.pypi.index_tables import (
    PUBLIC,
    IndexProject,
    LockedSource,
    LockedSources,
    NamedSource,
    PipfileLock,
    PipfilePackage,
    ToolSources,
    UvIndex,
    UvIndexes,
    UvSource,
)
from builder.packages.pypi.indexes import Binding, Index, Indexes
from builder.packages.pypi.locks import pipenv
from builder.packages.pypi.project_files import Pylock

_NAMED = re.compile(r"\A[\w.-]+=")
"""The name before an address in UV_INDEX."""
Bound = dict[str, tuple[Binding, ...]]


def of(path: Path, lock: Path | None) -> Indexes:
    """Return the indexes of a project, or of a lock, given by one of its files and the lock that decides."""
    with project_files.naming(lock or path):
        return _of(path, lock)


def _of(path: Path, lock: Path | None) -> Indexes:
    files = [folder / pyproject.NAME for folder in dict.fromkeys((path.parent, *([lock.parent] if lock else [])))]
    tools = [(file.parent, project_files.read(IndexProject, file).tool) for file in files if file.is_file()]
    for folder, tool in tools:
        for sources in (tool.uv.index, tool.pdm.source, tool.poetry.source):
            _refuse_twins(folder / pyproject.NAME, [each.name for each in sources])
    name = lock.name if lock else path.name
    if lock and name == projects.PIPFILE_LOCK:
        return _of_pipfile(lock)
    if lock and name == projects.POETRY_LOCK:
        return Indexes(bound=_of_poetry_lock(lock, tools))
    found, locked = Indexes(), _locked(lock)
    for folder, tool in tools:
        pdm = pdm_sources.indexes(tool.pdm.source, folder / pyproject.NAME, locked)
        found = found.joined(_of_uv(folder, tool.uv)).joined(pdm).joined(_of_poetry(tool))
    links = _folders(lock) if lock and projects.is_pylock(lock) else ()
    if lock and (bound := _of_lock(lock, found)):
        return Indexes(links=links, trusted=found.trusted, only_links=found.only_links, bound=bound)
    return replace(found, links=(*found.links, *links))


# ---- uv, and pylock.toml -------------------------------------------------------------------------------------------


def _of_uv(project: Path, own: UvIndexes) -> Indexes:
    """Return the indexes of uv. As for uv itself, a default in the environment goes before that of the project."""
    folder, table = _settings_of_uv(project, own)
    declared = {index.name: _index(index, project) for index in own.index}
    declared.update({index.name: _index(index, folder) for index in table.index})
    default = next((_index(index, folder) for index in table.index if index.default), None)
    if default is None and table.index_url:
        default = Index(url=_address(table.index_url, folder))
    if os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
        default = None
    free = [index for index in table.index if not index.default and not index.explicit]
    return Indexes(
        default=default,
        extra=(
            *(_index(index, folder) for index in free if index.format != "flat"),
            *(Index(url=_address(url, folder)) for url in table.extra),
        ),
        links=(
            *(_index(index, folder).url for index in free if index.format == "flat"),
            *(_address(link, folder) for link in table.links),
        ),
        only_links=table.no_index,
        bound=_by_source(own, declared, project),
    )


def _settings_of_uv(project: Path, own: UvIndexes) -> tuple[Path, UvIndexes]:
    """Return the table that has the indexes, with its folder: that of a uv.toml, if it stands in place of the own."""
    settings = uv_project.settings(project)
    if settings is None or settings.file.name != uv_project.FILE:
        return project, own
    try:
        return settings.file.parent, typed(UvIndexes, settings.table)
    except ValidationError as error:
        msg = f"{settings.file.as_posix()} has indexes that cannot be read"
        raise UsageError(msg, why=[str(error.errors()[0]["msg"])]) from error


def named_of_uv(path: Path, lock: Path) -> dict[str, str]:
    """Return the addresses of the indexes that a project of uv and its workspace declare, by their names."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys((lock.parent, path.parent)):
        if (file := folder / pyproject.NAME).is_file():
            own = project_files.read(IndexProject, file).tool.uv
            for base, table in ((folder, own), _settings_of_uv(folder, own)):
                found.update({each.name: _address(each.url, base) for each in table.index if each.name})
    return found


def _by_source(table: UvIndexes, declared: Mapping[str | None, Index], folder: Path) -> Bound:
    """Return what `[tool.uv.sources]` says of indexes. Raises UsageError for one that nothing declares."""
    bound: Bound = {}
    for name, given in table.sources.items():
        sources = (given,) if isinstance(given, UvSource) else given
        named = [source for source in sources if source.index]
        if unknown := [str(source.index) for source in named if source.index not in declared]:
            msg = f"{(folder / pyproject.NAME).as_posix()}: `{name}` comes from an index that is not declared"
            raise UsageError(msg, hint=f'a table [[tool.uv.index]] with `name = "{unknown[0]}"` declares it')
        if named:
            bound[canonicalize_name(name)] = tuple(
                Binding(index=declared[source.index], marker=source.marker) for source in named
            )
    return bound


def _index(index: UvIndex, folder: Path) -> Index:
    url = _address(index.url, folder)
    if index.name is None:
        return Index(url=url, flat=index.format == "flat")
    key = credentials.variable(index.name)
    return Index(
        url=credentials.named(index.name, url),
        name=index.name,
        flat=index.format == "flat",
        password_in=f"{key}_USERNAME and {key}_PASSWORD",
    )


def _of_lock(lock: Path, declared: Indexes) -> Bound:
    """Return the index of each package of a lock; nothing if they all come from one, which the settings may name.

    That of a pylock.toml is only known from there, unless it is that of the user.
    """
    found = [(row, row.source.registry or row.index) for row in _rows(lock)]
    named = [(row, _address(url, lock.parent)) for row, url in found if url]
    if len(urls := {_plain(url) for _, url in named}) <= 1 and (not projects.is_pylock(lock) or urls <= _of_user()):
        return _kept(declared, [row for row, _ in named])
    flat = [Index(url=link, flat=True) for link in declared.links]
    known = {_plain(index.url): index for index in (*declared.all, *flat)}
    return _merged((row, known.get(_plain(url)) or Index(url=url, flat=url.startswith("file:"))) for row, url in named)


def _of_user() -> frozenset[str]:
    """Return the indexes of the user's environment, and the public one, in whose place they are."""
    named = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
    words = (_NAMED.sub("", word) for name in named for word in os.environ.get(name, "").split())
    return frozenset(map(_plain, (PUBLIC, *words)))


def _folders(lock: Path) -> tuple[str, ...]:
    """Return the folders of the files that a pylock.toml has beside it, for packages that no index has."""
    end = (contained.repository(lock.parent) or lock.parent).resolve()
    rows = project_files.read(Pylock, lock).packages
    named = (file.path for row in rows for file in (*row.wheels, *([row.sdist] if row.sdist else [])) if file.path)
    found = dict.fromkeys((lock.parent / path).resolve().parent for path in named)
    return tuple(folder.as_uri() for folder in found if folder.is_relative_to(end) and folder.is_dir())


def _rows(lock: Path) -> tuple[LockedSource, ...]:
    rows = project_files.read(LockedSources, lock) if lock.suffix in {".lock", ".toml"} else LockedSources()
    return (*rows.package, *rows.packages)


def _locked(lock: Path | None) -> frozenset[str] | None:
    """Return the names of the packages of a lock; None without one."""
    return frozenset(row.name for row in _rows(lock)) if lock else None


def _kept(declared: Indexes, rows: Sequence[LockedSource]) -> Bound:
    """Return the bindings of sources that a lock with one index has."""
    return {name: binding for name, binding in declared.bound.items() if any(row.name == name for row in rows)}


def _merged(rows: Iterable[tuple[LockedSource, Index]]) -> Bound:
    bound: Bound = {}
    for row, index in rows:
        name = canonicalize_name(row.name)
        bound[name] = tuple(dict.fromkeys((*bound.get(name, ()), Binding(index=index, version=row.version))))
    return bound


def _plain(url: str) -> str:
    return credentials.without(url).rstrip("/")


def _address(text: str, folder: Path) -> str:
    """Return the absolute address of an index, whose path counts from the folder of its file."""
    return text if "://" in text or text.startswith("file:") else (folder / text).resolve().as_uri()


# ---- Poetry --------------------------------------------------------------------------------------------------------


def _of_poetry(tool: ToolSources) -> Indexes:
    """Return the sources of a project of Poetry that is not locked. The first primary one replaces the default."""
    sources = {source.name: source for source in tool.poetry.source}
    named = [each for each in tool.poetry.source if not each.is_users]
    primary = [each for each in named if each.priority in {"primary", "default"}]
    users = any(each.is_users for each in sources.values())
    others = [each for each in named if each.priority in {"supplemental", "secondary"}]
    return Indexes(
        default=None if users or not primary else _of_poetrys(primary[0]),
        extra=tuple(map(_of_poetrys, (*(primary if users else primary[1:]), *others))),
        bound={
            canonicalize_name(name): (Binding(index=_of_poetrys(sources[source])),)
            for name, source in _poetry_dependencies(tool)
            if source in sources and not sources[source].is_users
        },
    )


def _poetry_dependencies(tool: ToolSources) -> Iterator[tuple[str, str]]:
    for dependencies in (tool.poetry.dependencies, *(group.dependencies for group in tool.poetry.group.values())):
        for name, given in dependencies.items():
            if isinstance(given, dict) and isinstance(source := given.get("source"), str):
                yield name, source


def _of_poetrys(source: NamedSource) -> Index:
    return index_passwords.poetry(source.name, source.url or "")


def _of_poetry_lock(lock: Path, tools: Sequence[tuple[Path, ToolSources]]) -> Bound:
    """Return the index of each package that poetry.lock has from a source; all others are from the default."""
    urls = {each.name: each.url for _, tool in tools for each in tool.poetry.source}
    rows = [row for row in project_files.read(LockedSources, lock).package if row.source.type == "legacy"]
    named = ((row, row.source.reference or "") for row in rows)
    return _merged((row, index_passwords.poetry(name, row.source.url or urls.get(name) or "")) for row, name in named)


# ---- Pipenv --------------------------------------------------------------------------------------------------------


def _of_pipfile(lock: Path) -> Indexes:
    """Return the sources of a Pipfile.lock. What names none is from the first."""
    document = pipenv.read(lock)
    try:
        sources = typed(PipfileLock, document).meta.sources
        sections = typed(dict[str, dict[str, PipfilePackage]], {k: v for k, v in document.items() if k != "_meta"})
    except ValidationError as error:
        raise pipenv.invalid(lock, error.errors()[0]["msg"]) from error
    _refuse_twins(lock, [each.name for each in sources])
    named = {each.name: index_passwords.pipenv(each.name, each.address) for each in sources}
    first = next(iter(sources), None)
    rows = [(name, row) for section in sections.values() for name, row in section.items()]
    return Indexes(
        default=named[first.name] if first and not first.is_users else None,
        trusted=tuple(host for each in sources for host in each.trusted),
        bound=_merged(
            (LockedSource(name=name, version=row.version and row.version.removeprefix("==")), named[row.index])
            for name, row in rows
            if row.index in named and first and row.index != first.name
        ),
    )


def _refuse_twins(file: Path, names: Iterable[str | None]) -> None:
    """Raise UsageError for a name that two indexes of a file have: which of them is meant is not known."""
    counted = Counter(name.lower() for name in names if name)
    if twins := [f"`{name}`" for name, number in counted.items() if number > 1]:
        msg = f"{file.as_posix()} has several indexes with the name {', '.join(twins)}"
        raise UsageError(msg, hint="give each a name of its own, and lock again")
