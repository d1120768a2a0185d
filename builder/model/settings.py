"""Settings of a project: `layerwright.toml`, or `[tool.layerwright]` of a pyproject.toml.

These types are the only definition: decoding, JSON schema and documentation derive from them.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from builder.base import contained
from builder.base.errors import Location
from builder.base.rules import AfterValidator, Field
from builder.base.settings_file import SettingsFile
from builder.model import decode, runtime_tables
from builder.model.decode import typed
from builder.model.defaults import CatalogueSource, Defaults
from builder.model.fields import (
    ArchitectureName,
    Commit,
    GrantText,
    RelativePath,
    RuntimeText,
    Text,
    validated,
)
from builder.model.images import REGISTRY
from builder.model.runtime_rows import CustomRuntimeTable, RuntimeTable
from builder.model.runtimes import unknown_runtime
from builder.model.tables import table

_NAMED = "layerwright"
"""What the folder of caches has in its name."""


def _registry(value: str) -> str:
    plain = value.rstrip("/")
    problem = f"`{value}` is not host:port/prefix without a scheme, for example `mirror.example.com:5000/amazon`"
    return validated(None if REGISTRY.match(plain) else problem, plain)


@table
class CacheSettings:
    """The cache of builds on each host."""

    folder: Annotated[
        Text | None,
        Field(
            description="Folder of the caches, outside of the repository and named `layerwright` or alike; `~` is the "
            "user's. Default: the user's cache."
        ),
    ] = None
    gb: Annotated[
        float | None, Field(gt=0, lt=1e6, description="Size in GB to which the caches are shrunk. Default: 20.")
    ] = None


@table
class PublishSettings:
    """Defaults of what recipes say under [publish], and of `layerwright publish`."""

    account: Annotated[
        str | None,
        Field(
            pattern=r"^\d{12}$", description="The only account that is changed: credentials of another are an error."
        ),
    ] = None
    regions: Annotated[
        tuple[Text, ...], Field(description="Regions of recipes that name none; `all` is every one.")
    ] = ()
    share: Annotated[
        tuple[GrantText, ...] | None,
        Field(description="Grants of recipes that have no `share`: account:ID, org:ID or public."),
    ] = None
    bucket: Annotated[
        Text | None,
        Field(
            description="Bucket for zips above 50 MiB, for example `my-layers-{region}`; {account} is filled in, too."
        ),
    ] = None


@table
class FurtherCatalogue:
    """Recipes that `build NAME` finds where the own folder has none of that name."""

    folder: Annotated[
        Text | None,
        Field(
            description="Folder of recipes, relative to the file; in a repository, below its root. Default: recipes."
        ),
    ] = None
    git: Annotated[
        str | None,
        Field(pattern=r"^(https|ssh|file)://\S+$", description="A repository, which is fetched once, and never run."),
    ] = None
    commit: Annotated[Commit | None, Field(description="The commit of the repository, in full.")] = None

    def __post_init__(self) -> None:
        right = bool(self.git) == bool(self.commit) and bool(self.folder or self.git)
        validated(None if right else "needs `folder`, or `git` and `commit`: a catalogue must be pinned", "")


@table
class OwnRuntime:
    """A customer-managed runtime: an image of one's own that Lambda runs functions in."""

    image: Annotated[
        Text, Field(description="Image that functions run in, with its registry and tag; {arch} is filled in.")
    ]
    os: Annotated[Text, Field(description="Its operating system: al2023 or al2.")]
    language: Annotated[Text, Field(description="The language whose packages it reads.")] = "provided"
    series: Annotated[str, Field(description="The version of the language, for example 3.13.")] = ""
    build_image: Annotated[
        Text | None, Field(alias="build-image", description="Image with compilers. Default: `image`.")
    ] = None
    directories: Annotated[
        tuple[Text, ...], Field(description="Folders below /opt that it reads. Default: those of the language.")
    ] = ()


@table
class ProjectSettings:
    """The file."""

    runtimes: Annotated[
        tuple[RuntimeText, ...],
        Field(
            description="Runtimes of packages and projects without a recipe, of `new`, and of recipes of catalogues as "
            "far as they have them. Recipes of one's own say theirs themselves."
        ),
    ] = ()
    architectures: Annotated[
        tuple[ArchitectureName, ...], Field(description="Architectures of the same. Default: both.")
    ] = ()
    recipes: Annotated[RelativePath | None, Field(description="Folder of recipes. Default: recipes.")] = None
    output: Annotated[
        RelativePath | None, Field(description="Folder of zips and of what is beside them. Default: dist.")
    ] = None
    registry: Annotated[
        Annotated[str, AfterValidator(_registry)] | None,
        Field(description="Registry, with a prefix, that is asked for Amazon's images."),
    ] = None
    cache: Annotated[CacheSettings, Field(description="The cache of builds.")] = field(default_factory=CacheSettings)
    publish: Annotated[PublishSettings, Field(description="What is published where.")] = field(
        default_factory=PublishSettings
    )
    catalogue: Annotated[tuple[FurtherCatalogue, ...], Field(description="Further catalogues, in their order.")] = ()
    runtime: Annotated[
        dict[RelativePath, OwnRuntime],
        Field(description="Customer-managed runtimes by their names, which begin with custom-."),
    ] = field(default_factory=dict)


def read(file: SettingsFile) -> Defaults:
    """Return the settings of a file. Raises UsageError with all mistakes, each with line and column."""
    data = file.tables()
    mistakes: list[tuple[Location, str]] = []
    settings = _decoded(data, mistakes)
    own = {name: _custom(row) for name, row in _decoded(data, [], "runtime").runtime.items()}
    mistakes += _wrong(data, own, file.path.parent)
    if mistakes:
        raise file.text.mistaken(mistakes)
    return Defaults(
        file=file.path,
        given=tuple(_shown(data)),
        runtimes=settings.runtimes,
        architectures=settings.architectures,
        recipes=_placed(file, settings.recipes),
        output=_placed(file, settings.output),
        account=settings.publish.account,
        bucket=settings.publish.bucket,
        regions=settings.publish.regions,
        share=settings.publish.share,
        catalogues=tuple(_source(file, row) for row in settings.catalogue),
        own_runtimes=own,
        variables=dict(_variables(file, settings)),
    )


def _decoded(data: Mapping[str, Any], mistakes: list[tuple[Location, str]], *keys: str) -> ProjectSettings:
    """Return the values of all keys or of some, and add what is wrong with them: then there are no values."""
    try:
        return typed(ProjectSettings, {key: data[key] for key in data if not keys or key in keys})
    except ValueError as error:
        mistakes += decode.mistakes(ProjectSettings, error)
        return ProjectSettings()


def _custom(row: OwnRuntime) -> CustomRuntimeTable:
    return CustomRuntimeTable(
        table=RuntimeTable(
            os=row.os,
            language=row.language,
            series=row.series,
            image=row.image,
            build_image=row.build_image or row.image,
            deprecated=None,
            block_create=None,
            block_update=None,
            preview=False,
            tools=(),
        ),
        directories=row.directories,
    )


def _wrong(
    data: Mapping[str, Any], own: Mapping[str, CustomRuntimeTable], folder: Path
) -> Iterator[tuple[Location, str]]:
    """Yield mistakes that concern several values, or the disk, of the keys that can be read."""
    yield from runtime_tables.wrong_customs(own)
    for index, name in enumerate(_decoded(data, [], "runtimes").runtimes):
        if name not in data.get("runtime", {}) and (problem := unknown_runtime(name)):
            yield ("runtimes", index), problem
    cache = _decoded(data, [], "cache").cache.folder
    if cache and (problem := _cache_problem(cache, folder)):
        yield ("cache", "folder"), problem
    for index, row in enumerate(_decoded(data, [], "catalogue").catalogue):
        if row.git is None and row.folder and not (folder / row.folder).is_dir():
            yield ("catalogue", index, "folder"), f"there is no folder `{row.folder}`, relative to the file's"
        elif row.git and row.folder and (Path(row.folder).is_absolute() or ".." in re.split(r"[/\\]", row.folder)):
            yield ("catalogue", index, "folder"), f"`{row.folder}` leaves the repository"


def _cache_problem(given: str, folder: Path) -> str | None:
    """Return what is wrong with a folder for the caches, or None.

    What lies in it is trusted, programs for this host among it, and what was unused for longest is removed. So nobody
    who writes to the repository may bring it along, or name a folder of others.
    """
    place = _cache(given, folder)
    if place.is_relative_to((contained.repository(folder) or folder).resolve()):
        return f"`{given}` is in the repository, and what lies in the cache is trusted; name a folder outside of it"
    if _NAMED not in place.name.casefold():
        return f"`{given}` has no `{_NAMED}` in its name, and what was unused for longest is removed from the cache"
    return None


def _cache(given: str, folder: Path) -> Path:
    return (folder / Path(given).expanduser()).resolve()


def _placed(file: SettingsFile, given: str | None) -> Path | None:
    """Return a path that is relative to the file as one that is relative to the working folder."""
    if given is None:
        return None
    return Path(given) if file.path.parent == Path.cwd() else Path(os.path.relpath(file.path.parent / given))


def _source(file: SettingsFile, row: FurtherCatalogue) -> CatalogueSource:
    if row.git:
        return CatalogueSource(folder=Path(row.folder or "recipes"), git=row.git, commit=str(row.commit))
    return CatalogueSource(folder=(file.path.parent / str(row.folder)).resolve())


def _variables(file: SettingsFile, settings: ProjectSettings) -> Iterator[tuple[str, str]]:
    if settings.cache.folder:
        yield "LAYERWRIGHT_CACHE", str(_cache(settings.cache.folder, file.path.parent))
    if settings.cache.gb is not None:
        yield "LAYERWRIGHT_CACHE_GB", str(settings.cache.gb)
    if settings.registry:
        yield "LAYERWRIGHT_REGISTRY", settings.registry


def _shown(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of the file with their values: those of tables below others with dots."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _shown(value, f"{above}{key}.")
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            yield f"{above}{key}", f"{len(value)}"
        else:
            yield f"{above}{key}", " ".join(map(str, value)) if isinstance(value, list) else str(value)
