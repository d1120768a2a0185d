"""Programs that accelerated steps run natively, and compilers that stay emulated: `images/acceleration.toml`."""

from collections.abc import Iterable
from functools import cache
from typing import Annotated

from builder.base.rules import Field
from builder.model import facts
from builder.model.tables import table

FILE = "acceleration.toml"
AbsolutePath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./+-]+$")]


@table
class NativePrograms:
    """Paths of programs in the build image. Each is replaced by the one of the engine's architecture."""

    tools: tuple[AbsolutePath, ...]
    """Programs that every accelerated step runs natively."""
    programs: dict[str, dict[AbsolutePath, AbsolutePath]]
    """By the package that a recipe installs: programs, each with its path in the toolchain."""
    emulated: dict[str, tuple[str, ...]]
    """By language: the packages with its compiler."""

    def of_packages(self, packages: Iterable[str]) -> tuple[str, ...]:
        """Return the programs that these packages add to the tools."""
        return tuple(path for name in packages for path in self.programs.get(name, ()))

    def in_toolchain(self, path: str) -> str:
        """Return the path of a program in the toolchain."""
        known = {path: to for programs in self.programs.values() for path, to in programs.items()}
        return known.get(path, f"/tools/{path.rpartition('/')[2]}")

    def packages_of(self, programs: Iterable[str]) -> tuple[str, ...]:
        """Return the packages all of whose programs are among these."""
        given = set(programs)
        return tuple(name for name, paths in self.programs.items() if paths.keys() <= given)

    def slow_languages(self, packages: Iterable[str]) -> tuple[str, ...]:
        """Return the languages whose compiler these packages bring, and which is emulated."""
        given = set(packages)
        return tuple(language for language, names in self.emulated.items() if given & set(names))


@cache
def native_programs() -> NativePrograms:
    """Return the programs of the data file."""
    return facts.parsed(NativePrograms, FILE)
