"""Options of `layerwright new`: what a new recipe is made of."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import HostEngine
from builder.cli.options.parameters import Bundle, Mistake, Option, dependent, exclusive
from builder.cli.options.projects import ProjectParts
from builder.cli.options.targets import Npms, Pips, RequirementFiles, several_files
from builder.model import defaults

if TYPE_CHECKING:
    from builder.plan.adhoc import AdhocRequest
    from builder.plan.mode import EngineOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPackages(Bundle):
    """Packages that a new recipe pins, of one ecosystem, and those of the system."""

    pips: Pips
    npms: Npms
    gems: Annotated[
        tuple[str, ...],
        Option("--gem", metavar="SPEC", about="Ruby gem, name or name@version; repeatable. Default: the newest."),
    ]
    mavens: Annotated[
        tuple[str, ...],
        Option(
            "--maven",
            metavar="SPEC",
            about="Java artifact, group:artifact or group:artifact:version; repeatable. Default version: the newest.",
        ),
    ]
    crates: Annotated[
        tuple[str, ...],
        Option("--cargo", metavar="SPEC", about="Program in Rust, crate or crate@version. Default: the newest."),
    ]
    programs: Annotated[
        tuple[str, ...],
        Option("--go", metavar="SPEC", about="Program in Go, path or path@version. Default version: the newest."),
    ]
    files: RequirementFiles
    system_packages: Annotated[
        tuple[str, ...],
        Option(
            "--packages",
            metavar="NAME",
            about="Package of Amazon Linux, repeatable: what compiling the others needs, or alone, what goes into the "
            "layer. Default: none.",
        ),
    ]

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def given(self) -> dict[str, object]:
        """The options that are given and name what the layer has, with their values."""
        given = {
            "--pip": self.pips,
            "--npm": self.npms,
            "--gem": self.gems,
            "--maven": self.mavens,
            "--cargo": self.crates,
            "--go": self.programs,
            "-r": self.files,
        }
        found: dict[str, object] = {name: value for name, value in given.items() if value}
        return found or ({"--packages": self.system_packages} if self.system_packages else {})

    def mistakes(self) -> Iterator[Mistake]:
        yield from several_files(self.files)
        others = {name: value for name, value in self.given.items() if name not in {"--pip", "-r"}}
        if self.files:
            yield from exclusive({"-r": self.files, **others}, "a recipe for each")

    @property
    def specs(self) -> dict[str, tuple[str, ...]]:
        """The packages by the name of their ecosystem."""
        return {
            "pypi": self.pips,
            "npm": self.npms,
            "gem": self.gems,
            "maven": self.mavens,
            "cargo": self.crates,
            "golang": self.programs,
        }

    @property
    def subject(self) -> str:
        """What the recipe is for, in progress messages."""
        named = [text for texts in self.specs.values() for text in texts]
        return " ".join([*named, *(file.as_posix() for file in self.files)] or self.system_packages)


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed(Bundle):
    """The project that a recipe follows, or the recipe of the catalogue that it is a copy of."""

    source: Annotated[
        Path | None,
        Option(
            "--from",
            kind=click.Path(path_type=Path),
            metavar="PATH|RECIPE",
            about="Project of the same repository that the recipe follows with its lock: its folder, or a file in it. "
            "Or a recipe of the catalogue, which is copied.",
        ),
    ]
    project: ProjectParts

    def mistakes(self) -> Iterator[Mistake]:
        if not self.source or self.copied:
            yield from dependent(self.project.given, "--from a project")
        elif not self.source.exists():
            from builder.base.errors import near
            from builder.model import recipes
            from builder.plan import catalogues

            others = [name for folder in catalogues.folders() for name in recipes.names(folder)]
            hint = "`layerwright list --catalogue` lists its recipes"
            yield Mistake(
                f"`{self.source}` is no path, and no recipe of the catalogue{near(str(self.source), others)}", hint
            )

    @property
    def copied(self) -> Path | None:
        """The folder of the recipe of a catalogue that is copied, if that is what `--from` names."""
        from builder.model import recipes
        from builder.plan import catalogues

        if self.source is None or self.source.exists() or recipes.is_path(str(self.source)):
            return None
        folders = (folder / self.source for folder in catalogues.folders())
        return next((folder for folder in folders if (folder / recipes.RECIPE_FILE).is_file()), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSource(Bundle):
    """An upstream source that a new recipe compiles, and a first build that finds out what that needs."""

    url: Annotated[
        str | None,
        Option(
            "--source",
            metavar="URL",
            about="Archive of an upstream source, such as https://example.com/tool-1.2.tar.gz: it is fetched for its "
            "hash and its build system, and nothing of it is run.",
        ),
    ]
    attempt: Annotated[
        bool,
        Option(
            "--try",
            about="Build the recipe at once and test it; what a build lacks is added to its packages, and it is built "
            "again, five times at most.",
        ),
    ]
    host: HostEngine

    def mistakes(self) -> Iterator[Mistake]:
        if not self.attempt:
            yield from dependent({"--engine": self.host.engine, "--builder": self.host.builder}, "--try")

    @property
    def trying(self) -> "EngineOptions | None":
        """The engine that builds at once; None if nothing does."""
        from builder.plan.mode import EngineOptions

        return EngineOptions(kind=self.host.engine, builder=self.host.builder) if self.attempt else None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTargets(Bundle):
    """The targets of a new recipe, and the folder of recipes that it is written into."""

    runtimes: Annotated[
        tuple[str, ...],
        shared.runtime("those that take the packages; for a project, the newest it accepts; for programs, provided"),
    ]
    architectures: Annotated[tuple[str, ...], shared.arch("both")]
    folder: shared.RecipesFolder


def request(name: str, packages: NewPackages, followed: Followed, to: NewTargets) -> "AdhocRequest":
    """Return what the options of a new recipe name."""
    from builder.packages import table
    from builder.plan.adhoc import AdhocRequest

    file = next(iter(packages.files), None)
    source = file if file and file.is_file() and table.is_file_of_a_project(file) else followed.source
    plain = {"pypi": file} if file and source != file else {}
    return AdhocRequest(
        specs=packages.specs,
        files=plain,
        projects=(followed.project.found(*_place(source)),) if source else (),
        name=name,
        runtimes=to.runtimes,
        architectures=to.architectures or defaults.current().architectures,
        preferred=defaults.current().runtimes,
        system_packages=packages.system_packages,
    )


def _place(source: Path) -> tuple[Path, str | None]:
    return (source, None) if source.is_dir() else (source.parent, source.name)
