"""The container build of a target, as a value."""

from builder.base.frozen import dataclass
from builder.model.acceleration import native_programs
from builder.model.architectures import Architecture
from builder.model.images import Image
from builder.model.recipe import Source
from builder.model.steps import Build, Packages, Script
from builder.model.target import Target
from builder.packages.resolution import Block, CompiledPart, Resolution

TREE = "tree"
"""The stage whose /opt is the layer's."""
_RUN_BY = {"cmake": ("cmake", "ninja"), "meson": ("meson", "ninja")}
"""Tools of a build system, by the word of a recipe."""
_PACKAGE = {"ninja": "ninja-build"}
"""Packages of the operating system with another name than the tool that they bring."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The result of one stage, cached by its key."""

    stage: str
    key: str
    """SHA-256 in hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceleration:
    """A compiler of the engine's architecture, for steps that would be emulated otherwise."""

    arch: Architecture
    """The architecture of the engine."""
    image: Image
    """The build image of the same runtime, for that architecture."""
    packages: tuple[str, ...]
    stages: frozenset[str]
    """The stages that use it."""
    interpreted: frozenset[str] = frozenset()
    """The stages of them whose Python has the engine's architecture, too."""

    @property
    def platform(self) -> str:
        return self.arch.docker


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """The input of a container build."""

    target: Target
    image: Image
    steps: tuple[tuple[int, Packages | Build | Script], ...]
    """The steps besides those of packages, with their numbers."""
    sources: tuple[Source, ...]
    resolutions: tuple[Resolution, ...]
    """The resolutions with packages to compile."""
    recipe_files: tuple[tuple[str, str], ...]
    """Names and SHA-256 of the files beside the recipe that scripts can read."""
    dlopened: tuple[str, ...] = ()
    """Sonames that the layer opens at run time."""
    repair: bool = False
    """Produce portable wheels, with their libraries inside and a manylinux tag."""

    @property
    def compiled(self) -> tuple[CompiledPart, ...]:
        """The packages that are compiled in stages of their own."""
        return tuple(part for resolution in self.resolutions for part in resolution.compiles)

    @property
    def blocks(self) -> tuple[tuple[int, Block], ...]:
        """The work of steps of packages, with their numbers."""
        return tuple(pair for resolution in self.resolutions for pair in resolution.blocks)

    @property
    def has_tree(self) -> bool:
        """Whether a step writes files to /opt itself."""
        written = any(isinstance(step, (Build, Script)) for _, step in self.steps)
        return bool(self.carried or self.blocks) or written or self.only_libraries

    @property
    def only_libraries(self) -> bool:
        """Whether it compiles nothing, and only has libraries of the system for what is prebuilt."""
        return bool(self.dlopened and self._installed) and not self.compiled

    @property
    def carried(self) -> tuple[str, ...]:
        """The packages of the operating system whose files are part of the layer."""
        named = (step.install for _, step in self.steps if isinstance(step, Packages) and step.layer)
        return tuple(sorted({name for names in named for name in names}))

    @property
    def own_tools(self) -> tuple[str, ...]:
        """The build tools that layerwright brings: those that no step installs, or that are too old in this system."""
        builds = {step.build for _, step in self.steps if isinstance(step, Build)}
        needed = {name for build in builds for name in _RUN_BY.get(build, ())}
        old = self.target.base.os.own_tools
        return tuple(sorted(name for name in needed if name in old or _PACKAGE.get(name, name) not in self._installed))

    @property
    def _installed(self) -> frozenset[str]:
        return frozenset(name for _, step in self.steps if isinstance(step, Packages) for name in step.install)

    @property
    def has_scripts(self) -> bool:
        """Whether a step may add programs that it did not compile."""
        return any(isinstance(step, Script) for _, step in self.steps)

    @property
    def compiling(self) -> frozenset[str]:
        """The stages in which a compiler may run."""
        numbers = {number for number, step in self.steps if isinstance(step, (Build, Script))}
        numbers |= {number for number, _ in self.blocks}
        return frozenset({f"step-{number}" for number in numbers} | {part.stage for part in self.compiled})

    @property
    def interpreting(self) -> frozenset[str]:
        """The stages in which Python does nothing but build a wheel, and accounts for most of the time."""
        return frozenset(part.stage for part in self.compiled if self.target.base.python)

    @property
    def slow_languages(self) -> tuple[str, ...]:
        """The languages of this container without a compiler for the engine's architecture."""
        return native_programs().slow_languages(self._installed)

    def accelerated(self, arch: Architecture, image: Image) -> Acceleration:
        """Return the acceleration of every stage by an engine's architecture and its build image."""
        return Acceleration(
            arch=arch,
            image=image,
            packages=self.target.base.os.toolchain,
            stages=self.compiling,
            interpreted=self.interpreting,
        )

    def stage(self, part: CompiledPart) -> str:
        """Return the stage whose result is the compiled package."""
        return part.repaired if self.repair else part.stage

    def behind(self, part: Part) -> frozenset[str]:
        """Return the stages that compile the code of a part."""
        if part.stage == TREE:
            return frozenset(stage for stage in self.compiling if stage.startswith("step-"))
        return frozenset(package.stage for package in self.compiled if part.stage in {package.stage, package.repaired})
