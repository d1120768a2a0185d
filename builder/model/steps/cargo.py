"""The step for programs in Rust."""

import re
from typing import Annotated, ClassVar, Literal

from builder.base.rules import AfterValidator, Field, StrictBool
from builder.model.fields import RelativePath, Template, own_folder_problem, validated
from builder.model.steps.traits import Traits
from builder.model.steps.when import Condition
from builder.model.tables import table

_CRATE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*@(?:\d+\.\d+\.\d+[0-9A-Za-z.+-]*|\{version\})")


def _crate(value: str) -> str:
    problem = f"`{value}` is not `name@version` with an exact version, for example `ripgrep@14.1.1`"
    return validated(None if _CRATE.fullmatch(value) else problem, value)


CrateText = Annotated[Template, AfterValidator(_crate)]
Feature = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_+.:/?-]{0,127}$")]
Program = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$")]


@table
class Cargo(Traits):
    """Programs in Rust, compiled in the build image: of a folder beside the recipe, or of a published crate."""

    languages: ClassVar[frozenset[str]] = frozenset()

    uses: Literal["cargo"]
    path: Annotated[
        RelativePath | None,
        Field(
            description="A folder beside the recipe with Cargo.toml and Cargo.lock; .cargo, target and rust-toolchain"
            " are left out."
        ),
    ] = None
    crate: Annotated[
        CrateText | None,
        Field(description="A published crate, `name@version`; cargo.lock beside the recipe pins it."),
    ] = None
    features: Annotated[tuple[Feature, ...], Field(description="Features to compile with, as cargo names them.")] = ()
    default_features: Annotated[
        StrictBool, Field(alias="default-features", description="Compile with the crate's default features, too.")
    ] = True
    bins: Annotated[tuple[Program, ...], Field(description="The programs to compile; default: all of the crate.")] = ()
    to: Annotated[Literal["bin", "extensions"], Field(description="The directory of the layer for the programs.")] = (
        "bin"
    )
    when: Condition = None

    def __post_init__(self) -> None:
        validated(None if bool(self.path) != bool(self.crate) else "needs either `path` or `crate`", "")
        validated(own_folder_problem(self.path), "")

    @property
    def needs_engine(self) -> bool:
        return True
