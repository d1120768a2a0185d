"""Published crates with programs from a command line, with or without a version."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from builder.base import cache_paths, texts
from builder.base.errors import BuildError, UsageError
from builder.base.frozen import dataclass
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.cargo import cargo, cargo_lock, installed, programs
from builder.packages.cargo.project import MANIFEST
from builder.packages.command_line import ANY_LANGUAGE, CommandLinePackages, Draft, Drafting, starting

_TEXT = re.compile(rf"(?P<name>{cargo_lock.NAME.pattern})(?:@(?P<version>.+))?")
Values = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class CratePackages(CommandLinePackages):
    """The crate of `--cargo`: a recipe has one, because one lock serves it."""

    language: ClassVar[str] = ANY_LANGUAGE
    title: ClassVar[str] = "Rust"
    crate: str
    newest: str

    @classmethod
    def parse(cls, given: Sequence[str]) -> "CratePackages":
        """Ask the registry for the newest version if none is named. Raises UsageError for several crates."""
        if len(given) > 1:
            msg = f"one layer is for one crate, not for {' and '.join(given)}"
            raise UsageError(msg, hint="a recipe for each; a project with several programs is `path` of a step")
        match = _TEXT.fullmatch(given[0])
        if match is None or (match["version"] and not cargo_lock.VERSION.fullmatch(match["version"])):
            msg = f"`{given[0]}` is not a crate, or not one with an exact version"
            raise UsageError(msg, hint="for example `--cargo ripgrep@14.1.1`; a name alone takes the newest version")
        return cls(crate=match["name"], newest=match["version"] or cargo.newest(match["name"]))

    @property
    def name(self) -> str | None:
        return self.crate

    @property
    def description(self) -> str | None:
        return self.crate

    @property
    def step(self) -> Mapping[str, Any]:
        return {"uses": "cargo", "crate": f"{self.crate}@{{version}}"}

    def version(self, runtime: Runtime, arch: Architecture) -> str:  # noqa: ARG002  the same on all targets
        return self.newest

    def draft(self, drafting: Drafting) -> Draft:  # noqa: ARG002  its own sources tell
        with cache_paths.workspace() as work:
            source, _ = cargo.fetched(self.crate, self.newest, work)
            manifest = _manifest(source / MANIFEST, self.crate)
            files = [path.relative_to(source).as_posix() for path in source.rglob("*.rs")]
        found = programs.names(manifest, files)
        if not found:
            msg = f"{self.crate} {self.newest} has no program, and a layer is no place for a library in Rust"
            raise BuildError(msg, hint="a program that uses it is a project: `path` of a `cargo` step names its folder")
        package = manifest.get("package")
        facts: Values = package if isinstance(package, Mapping) else {}
        return Draft(
            summary=" ".join(str(facts.get("description") or "").split()),
            license=installed.expression(str(facts.get("license") or "")),
            step=self.step,
            test=starting(found[0]),
            homepage=str(facts.get("homepage") or facts.get("repository") or "") or None,
            split_by=("arch",),
        )


def _manifest(path: Path, crate: str) -> Values:
    try:
        return texts.parse_toml(texts.read(path))
    except texts.MalformedError as error:
        msg = f"the {MANIFEST} of {crate} cannot be read"
        raise BuildError(msg, why=[str(error)]) from None
