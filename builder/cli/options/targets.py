"""Options that select targets: by recipe, or by packages without a recipe."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.parameters import Bundle, Mistake, Option, dependent, exclusive
from builder.cli.options.projects import ProjectOptions
from builder.model import defaults
from builder.model.defaults import Defaults

if TYPE_CHECKING:
    from builder.model.target import Selection
    from builder.plan.adhoc import AdhocRequest
    from builder.plan.selection import Pairs

Pips = Annotated[
    tuple[str, ...],
    Option("--pip", metavar="SPEC", about="Python requirement, for example 'numpy==2.3.2'; repeatable."),
]


Npms = Annotated[
    tuple[str, ...],
    Option(
        "--npm",
        metavar="SPEC",
        about="Node.js package, name or name@version; repeatable. Default version: the newest.",
    ),
]
RequirementFiles = Annotated[
    tuple[Path, ...],
    Option(
        "-r --requirement",
        kind=shared.FILE,
        metavar="FILE",
        about="File that decides, once: requirements of Python, or a file or lock of a project of any kind.",
    ),
]


def several_files(files: Sequence[Path]) -> Iterator[Mistake]:
    """Yield the mistake that more than one file is given."""
    if len(files) > 1:
        yield Mistake("-r is given more than once", "a requirements file names others in lines `-r FILE`")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageOptions(Bundle):
    """Packages that make a layer without a recipe."""

    pips: Pips
    npms: Npms
    files: RequirementFiles
    name: Annotated[
        str | None,
        Option(
            "--name",
            metavar="NAME",
            about="Name of the layer, without a recipe. Default: that of the first package, the project or its folder.",
        ),
    ]
    system_packages: Annotated[
        tuple[str, ...],
        Option(
            "--packages",
            metavar="NAME",
            about="Package of Amazon Linux that compiling needs, or that has a library of a wheel, without a recipe; "
            "repeatable. Default: none.",
        ),
    ]

    without: Annotated[
        tuple[str, ...],
        Option(
            "--without",
            metavar="NAME",
            about="Python package to leave out, without a recipe, repeatable. Default: none.",
        ),
    ]
    prune: Annotated[
        tuple[str, ...],
        Option(
            "--prune",
            metavar="PATTERN",
            about="Files to leave out, without a recipe, for example docs: a pattern as in .gitignore; repeatable. "
            "Tests and type stubs of Python packages that nothing imports are left out as well: --no-prune.",
        ),
    ]
    no_prune: Annotated[bool, Option("--no-prune", about="Without a recipe, leave tests and type stubs in.")]

    def __bool__(self) -> bool:
        return bool(self.pips or self.npms or self.files)

    def mistakes(self) -> Iterator[Mistake]:
        yield from several_files(self.files)

    @property
    def file(self) -> Path | None:
        """The file that lists packages, if one is named."""
        return next(iter(self.files), None)

    @property
    def additions(self) -> dict[str, object]:
        """Options that say something of packages which others name, with their values."""
        return {
            "--name": self.name,
            "--packages": self.system_packages,
            "--without": self.without,
            "--prune": self.prune,
            "--no-prune": self.no_prune,
        }

    def request(self, runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> "AdhocRequest":
        from builder.plan.adhoc import AdhocRequest

        return AdhocRequest(
            specs={"pypi": self.pips, "npm": self.npms},
            files={"pypi": self.file} if self.file else {},
            name=self.name,
            runtimes=runtimes,
            architectures=architectures or defaults.current().architectures,
            preferred=defaults.current().runtimes,
            system_packages=self.system_packages,
            without=self.without,
            prune=self.prune,
            prunes=not self.no_prune,
        )


def require_one_target(option: str, targets: Sequence[str]) -> None:
    """Raise UsageError for an option that makes one thing, if several targets are selected."""
    from builder.base.errors import UsageError

    if len(targets) > 1:
        msg = f"{option} needs one target, and these are {len(targets)}"
        raise UsageError(msg, why=sorted(targets), hint="choose with --runtime, --arch or --only")


def _tell_catalogue(pairs: "Pairs") -> None:
    """Tell the recipes that are none of the caller's own."""
    found = dict.fromkeys(f"{loaded.name} {loaded.recipe.layer.version}" for loaded, _ in pairs if loaded.of_catalogue)
    if found:
        from builder.cli import terminal

        terminal.note(f"from the catalogue: {', '.join(found)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetOptions(Bundle):
    """The targets of a call: recipes by name, or packages without a recipe, narrowed by runtime, architecture, name."""

    MUST_NAME: ClassVar[bool] = True
    """Whether all recipes are meant only where --all says so, since something is written."""

    names: shared.RecipesOrProjects
    everything: shared.Everything
    packages: PackageOptions
    project: ProjectOptions
    runtimes: Annotated[tuple[str, ...], shared.runtime("those of the recipe; without one, the newest")]
    architectures: Annotated[tuple[str, ...], shared.arch("those of the recipe; without one, both")]
    only: shared.Only
    folder: shared.RecipesFolder

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--all": self.everything, "names of recipes": self.names})
        named = bool(self.names or self.everything)
        if named and self.packages:
            hint = "name recipes, or packages with --pip, --npm or -r"
            yield Mistake("recipes and packages cannot be built in one call", hint)
        yield from exclusive({"--merge": self.project.merge, "--name": self.packages.name}, "--merge names the layer")
        if not self.packages and not self._names_projects:
            yield from dependent(self.packages.additions, "--pip, --npm, -r or the folder of a project")
        projects = self._projects
        if self.project and not projects:
            yield from self.project.without_project()
        if len(projects) > 1 and not self.project.merge:
            yield Mistake("several projects are named", "--merge NAME makes one layer of them, or call once with each")
        if not named and not self.packages and self.MUST_NAME:
            yield Mistake("nothing to do: no recipe is named", self._ways())

    def _ways(self) -> str:
        """Return how to name recipes, or how to get a first one."""
        from builder.model import recipes
        from builder.plan import selection

        found = recipes.names(self.folder)
        named = "`layerwright list` shows the recipes; --all selects every one" if found else selection.FIRST
        return f"{named}; --pip and --npm need none"

    def chosen(self) -> "Pairs":
        """Return the selected targets with their recipes."""
        from builder.model.target import Selection
        from builder.plan import selection

        packages = self._packages()
        pairs = selection.chosen(
            selection.TargetRequest(
                folder=self.folder,
                names=() if packages else self.names,
                everything=self.everything or not (self.names or packages),
                packages=packages,
                selection=Selection(runtimes=self.runtimes, architectures=self.architectures, only=self.only),
                preferred=self._preferred,
            )
        )
        _tell_catalogue(pairs)
        return pairs

    @property
    def _preferred(self) -> "Selection":
        """The settings of the project that hold where the command line says nothing."""
        from builder.model.target import Selection

        settings = Defaults() if self.only else defaults.current()
        return Selection(
            runtimes=() if self.runtimes else settings.runtimes,
            architectures=() if self.architectures else settings.architectures,
        )

    def _packages(self) -> "AdhocRequest | None":
        """Return the packages that are named, or those of projects in folders that are named instead of recipes."""
        options = self.packages
        projects = self._projects
        if not projects:
            return options.request(self.runtimes, self.architectures) if options else None
        from builder.cli import terminal
        from builder.plan import adhoc

        found = tuple(self.project.found(folder, file) for folder, file in projects)
        preferred = adhoc.of_language(defaults.current().runtimes, found[0].language)
        runtimes = self.runtimes or preferred or (found[0].runtime,)
        for project in found:
            terminal.note(f"{project.told}, {' '.join(runtimes)}")
        named = replace(options, files=(), name=options.name or self.project.merge)
        return replace(named.request(runtimes, self.architectures), projects=found)

    @property
    def _projects(self) -> list[tuple[Path, str | None]]:
        """The folders of the projects that are named, each with the file of it if that is named."""
        if not self.packages and self._names_projects:
            return [(Path(name), None) for name in self.names]
        file = self.packages.file
        if file is None or not file.is_file():
            return []
        from builder.packages import table

        return [(file.parent, file.name)] if table.is_file_of_a_project(file) else []

    @property
    def _names_projects(self) -> bool:
        """Whether all names are those of folders and of no recipes."""
        from builder.model.recipes import RECIPE_FILE, is_path

        def project(name: str) -> bool:
            recipes = [Path(name), *([] if is_path(name) else [self.folder / name])]
            return Path(name).is_dir() and not any((each / RECIPE_FILE).is_file() for each in recipes)

        return bool(self.names) and all(map(project, self.names))


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownTargets(TargetOptions):
    """The targets of a call that writes nothing: no name means all recipes."""

    MUST_NAME: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeFilters(Bundle):
    """The folder of recipes, and which of their targets are selected."""

    runtimes: Annotated[tuple[str, ...], shared.runtime("those of the recipe")]
    architectures: Annotated[tuple[str, ...], shared.arch("those of the recipe")]
    only: shared.Only
    folder: shared.RecipesFolder

    def __bool__(self) -> bool:
        return bool(self.runtimes or self.architectures or self.only)

    @property
    def selection(self) -> "Selection":
        from builder.model.target import Selection

        return Selection(runtimes=self.runtimes, architectures=self.architectures, only=self.only)
