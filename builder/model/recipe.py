"""What a recipe may say. These types are the only definition: decoding, defaults and JSON schema come from them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from builder.model.fields import (
    NAME_PATTERN,
    ArchitectureName,
    Commit,
    GrantText,
    LayerNamePattern,
    RelativePath,
    RuntimeName,
    Sha256,
    SourceName,
    SsmPattern,
    Template,
    Text,
    Version,
    known,
    table,
)
from builder.model.steps import Step, When

TABLES = ("layer", "targets", "override", "source", "step", "slim", "libraries", "test", "allow", "publish")
Axis = Literal["runtime", "arch"]
CheckName = Literal[
    "layer-path",
    "architecture",
    "glibc",
    "glibcxx",
    "unresolved-library",
    "shadowed-library",
    "shadowed-command",
    "python-abi",
    "foreign-abi",
    "pruned-import",
    "musl",
    "cpu-baseline",
    "size",
    "permissions",
    "setuid",
    "secret",
    "license",
    "symlink-escape",
    "leftovers",
    "case-collision",
    "jar",
    "script",
    "extension",
]


@table
class Layer:
    """What the layer is; goes into the manifest and to Lambda."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, description="Equal to the folder's name.")]
    version: Annotated[Version, Field(description="A string; `{version}` in requirements and urls.")]
    description: Annotated[str, Field(max_length=256)]
    license: Annotated[str, Field(min_length=1, max_length=512, description="SPDX identifier, URL or text.")]
    homepage: Annotated[str | None, Field(pattern=r"^https?://")] = None


@table
class Targets:
    """Which zips come out."""

    runtimes: Annotated[tuple[RuntimeName, ...], Field(min_length=1)]
    architectures: Annotated[tuple[ArchitectureName, ...], Field(min_length=1)] = ("x86_64", "arm64")
    split_by: Annotated[
        tuple[Axis, ...], Field(alias="split-by", description="Axes along which zips differ; [] for jars or scripts.")
    ] = ("runtime", "arch")


@table
class Override:
    """Another version for some targets, for example the last one with a wheel for Amazon Linux 2."""

    when: When
    version: Version


@table
class Source:
    """Upstream code, pinned: url and sha256, or git and commit."""

    url: Annotated[Template | None, Field(pattern=r"^https?://")] = None
    sha256: Sha256 | None = None
    git: Annotated[Template | None, Field(pattern=r"^https?://|^ssh://|^git@")] = None
    commit: Commit | None = None
    name: Annotated[SourceName | None, Field(description="What steps call it; default: the layer's name.")] = None

    def __post_init__(self) -> None:
        given = {key for key in ("url", "sha256", "git", "commit") if getattr(self, key)}
        right = given in ({"url", "sha256"}, {"git", "commit"})
        known(None if right else "needs `url` and `sha256`, or `git` and `commit`; nothing unpinned loads", "")


@table
class Slim:
    """What is left out, stripped and precompiled."""

    prune: Annotated[tuple[Text, ...], Field(description="Patterns as in .gitignore, relative to /opt.")] = ()
    keep: Annotated[tuple[Text, ...], Field(description="Patterns that nothing removes, not even the defaults.")] = ()
    strip: StrictBool = True
    bytecode: Literal["unchecked-hash", "off"] = "unchecked-hash"


@table
class Libraries:
    """Shared libraries that the runtime image lacks."""

    bundle: Literal["auto", "off"] | tuple[Text, ...] = "auto"
    dlopen: Annotated[
        tuple[Text, ...], Field(description="Sonames that code opens at run time, which no header names.")
    ] = ()
    license: Annotated[
        StrictBool, Field(description="Copy their license texts to share/licenses, as most licenses require of copies.")
    ] = True


@table
class Invoke:
    """A function with the layer, called once through the runtime interface emulator of the image."""

    handler: Annotated[Text, Field(description="As in the function's configuration: `app.handler`.")]
    code: Annotated[str | None, Field(description="The function's source; its file is named after the handler.")] = None
    files: Annotated[tuple[RelativePath, ...], Field(description="Or files beside the recipe.")] = ()
    event: Annotated[Any, Field(description="What the function gets.")] = Field(default_factory=dict)
    response: Annotated[Any, Field(description="What it must answer.")] = None
    log: Annotated[str | None, Field(description="Text that function, runtime or extension must write.")] = None

    def __post_init__(self) -> None:
        known(None if self.response is not None or self.log else "needs `response` or `log`", "")


@table
class Test:
    """Proof that the layer works: one kind per table."""

    __test__ = False  # pytest takes every class of that name for one of its own

    python: Text | None = None
    node: Text | None = None
    ruby: Text | None = None
    java: Text | None = None
    shell: Text | None = None
    invoke: Invoke | None = None
    files: Annotated[tuple[Text, ...], Field(description="Paths below /opt that must be there.")] = ()
    memory: Annotated[int, Field(ge=128, le=10240, description="MB that the function has.")] = 1024
    timeout: Annotated[int, Field(ge=1, le=900, description="Seconds; Lambda allows 900.")] = 300
    when: When | None = None

    def __post_init__(self) -> None:
        kinds = ("python", "node", "ruby", "java", "shell", "invoke", "files")
        given = [kind for kind in kinds if getattr(self, kind)]
        known(None if len(given) == 1 else f"needs exactly one of {', '.join(kinds)}", "")


@table
class Allow:
    """A check switched off, with the reason."""

    check: CheckName
    reason: Annotated[str, Field(min_length=8, description="Why that is right here.")]
    path: Annotated[str | None, Field(description="Only for paths that this pattern matches.")] = None


@table
class Publish:
    """How the layer is published; the command line says it for once."""

    name: Annotated[LayerNamePattern, Field(description="With {name} {version} {runtime} {arch}.")] = (
        "{name}-{runtime}-{arch}"
    )
    regions: Annotated[tuple[Text, ...], Field(description='Regions, or "all" of the account\'s partition.')] = ()
    share: Annotated[
        tuple[GrantText, ...] | None,
        Field(description="account:ID, org:ID, public; [] shares with nobody. Without it, nothing changes."),
    ] = None
    keep: Annotated[int | None, Field(ge=1, description="Versions that `layerwright prune` keeps.")] = None
    ssm: Annotated[
        SsmPattern | None, Field(description="A parameter that holds the newest ARN: /layers/{name}/{runtime}/{arch}")
    ] = None


@table
class Recipe:
    """One recipe.toml."""

    layer: Layer
    targets: Targets
    override: tuple[Override, ...] = ()
    source: tuple[Source, ...] = ()
    step: Annotated[tuple[Step, ...], Field(min_length=1)]
    slim: Slim = Field(default_factory=Slim)
    libraries: Libraries = Field(default_factory=Libraries)
    test: tuple[Test, ...] = ()
    allow: tuple[Allow, ...] = ()
    publish: Publish = Field(default_factory=Publish)
