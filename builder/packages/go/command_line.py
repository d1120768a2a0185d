"""Programs in Go from a command line, as `go install` names them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model.architectures import Architecture
from builder.model.go_module import VERSION, contains, is_module_path, program_name
from builder.model.runtimes import Runtime
from builder.packages.command_line import ANY_LANGUAGE, CommandLinePackages, Draft, Drafting, starting
from builder.packages.go import MOD, go, go_mod

_NEWEST = "latest"


@dataclass(frozen=True, kw_only=True, slots=True)
class GoPackages(CommandLinePackages):
    """The program of `--go`."""

    language: ClassVar[str] = ANY_LANGUAGE
    title: ClassVar[str] = "Go"
    path: str
    newest: str

    @classmethod
    def parse(cls, given: Sequence[str]) -> "GoPackages":
        """Ask the module proxy for the newest version if none is named. Raises UsageError for several programs."""
        if len(given) > 1:
            msg = f"one new recipe is for one program, not for {' and '.join(given)}"
            raise UsageError(msg, hint="a `go` step for each may stand in one recipe")
        path, _, version = given[0].partition("@")
        if not is_module_path(path) or (version not in {"", _NEWEST} and not VERSION.fullmatch(version)):
            msg = f"`{given[0]}` is not the path of a program, or not one with an exact version"
            hint = "for example `--go github.com/itchyny/gojq/cmd/gojq@v0.12.17`; a path alone takes the newest version"
            raise UsageError(msg, hint=hint)
        return cls(path=path, newest=version if VERSION.fullmatch(version) else _newest(path))

    @property
    def name(self) -> str | None:
        return program_name(self.path)

    @property
    def description(self) -> str | None:
        return self.path

    @property
    def step(self) -> Mapping[str, Any]:
        return {"uses": "go", "package": f"{self.path}@v{{version}}"}

    def version(self, runtime: Runtime, arch: Architecture) -> str:  # noqa: ARG002  the same on all targets
        return self.newest.removeprefix("v")

    def draft(self, drafting: Drafting) -> Draft:  # noqa: ARG002  a module declares neither a summary nor a license
        return Draft(
            summary=f"{program_name(self.path)}, a program in Go",
            license="",
            step=self.step,
            test=starting(program_name(self.path)),
            split_by=("arch",),
        )


def _newest(path: str) -> str:
    """Return the newest version of the module with a program."""
    text, _ = go.resolve([f"{path}@{_NEWEST}"], None)
    requires = go_mod.read(text, f"the {MOD} for {path}", "layerwright new").requires
    return max((row for row in requires if contains(row.path, path)), key=lambda row: len(row.path)).version
