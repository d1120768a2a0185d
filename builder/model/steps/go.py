"""The step for programs in Go."""

import re
from dataclasses import field
from typing import Annotated, ClassVar, Literal

from builder.base.rules import AfterValidator, Field, StrictBool
from builder.model.fields import RelativePath, Template, own_folder_problem, validated
from builder.model.go_module import VERSION, is_import_path, is_module_path
from builder.model.steps.traits import Traits
from builder.model.steps.when import Condition
from builder.model.tables import table


def _package(value: str) -> str:
    path, _, version = re.sub(r"\{[a-z]+\}", "0", value.replace("{version}", "0.0.0")).partition("@")
    right = is_module_path(path) and VERSION.fullmatch(version)
    example = "github.com/itchyny/gojq/cmd/gojq@v0.12.17"
    return validated(None if right else f"`{value}` is not `path@version`, for example `{example}`", value)


def _variable(name: str) -> str:
    path, _, last = name.rpartition(".")
    right = path and is_import_path(path) and re.fullmatch(r"[A-Za-z_]\w*", last, re.ASCII)
    return validated(None if right else f"`{name}` is not `package.variable`, for example `main.version`", name)


GoPackage = Annotated[Template, AfterValidator(_package)]
GoVariable = Annotated[str, AfterValidator(_variable)]
GoValue = Annotated[Template, Field(pattern=r"^[A-Za-z0-9 ._+:/@=,(){}~-]+$")]
ProgramName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$")]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]+$")]


@table
class Go(Traits):
    """A program in Go, compiled in the build image; go.mod and go.sum decide its modules."""

    languages: ClassVar[frozenset[str]] = frozenset()

    uses: Literal["go"]
    package: Annotated[
        GoPackage | None,
        Field(description="`path@version`: a program of a module, whose go.mod and go.sum `layerwright lock` writes."),
    ] = None
    path: Annotated[
        RelativePath | None, Field(description="A folder beside the recipe with the program's go.mod and go.sum.")
    ] = None
    main: Annotated[RelativePath, Field(description="The folder of the program below `path`.")] = "."
    to: Annotated[Literal["bin", "extensions"], Field(description="`extensions` starts it with the function.")] = "bin"
    name: Annotated[
        ProgramName | None,
        Field(description="The file's name. Default: the last element of the package's path, as `go install` does."),
    ] = None
    tags: Annotated[tuple[Tag, ...], Field(description="Build constraints to satisfy, as `go build -tags`.")] = ()
    variables: Annotated[
        dict[GoVariable, GoValue],
        Field(description='Values of variables, as `-ldflags=-X`: `{ "main.version" = "{version}" }`.'),
    ] = field(default_factory=dict)
    cgo: Annotated[
        StrictBool, Field(description="Compile with C. Without it, the program is static and needs no library.")
    ] = False
    when: Condition = None

    def __post_init__(self) -> None:
        validated(None if bool(self.package) != bool(self.path) else "needs either `package` or `path`", "")
        validated(own_folder_problem(self.path), "")
        validated("`main` goes with `path`; `package` names the program's own path" if self._misplaced else None, "")

    @property
    def _misplaced(self) -> bool:
        return bool(self.package) and self.main != "."

    @property
    def needs_engine(self) -> bool:
        return True
