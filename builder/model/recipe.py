"""Tables of a recipe. These types are the only definition: decoding, defaults and JSON schema derive from them."""

from dataclasses import field
from functools import cache
from typing import Annotated, Any, Literal

from builder.base.rules import Field, StrictBool
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
    validated,
)
from builder.model.limits import MAX_MEMORY, MAX_TIMEOUT, MIN_MEMORY
from builder.model.public_text import PUBLIC
from builder.model.steps import Step, When
from builder.model.steps.when import Condition
from builder.model.tables import table

TABLES = ("layer", "targets", "override", "source", "step", "slim", "libraries", "test", "allow", "publish")
Axis = Literal["runtime", "arch"]
CheckName = Literal[
    "layer-path",
    "architecture",
    "glibc",
    "glibcxx",
    "symbol-version",
    "unresolved-library",
    "shadowed-library",
    "shadowed-command",
    "python-abi",
    "foreign-abi",
    "pruned-import",
    "loaded-by-name",
    "plug-ins",
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
    "packed-code",
]


@table
class Layer:
    """The layer, as described in its manifest and in Lambda."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, description="Equal to the folder's name.")]
    version: Annotated[Version, Field(description="A string; `{version}` in requirements and urls.")]
    description: Annotated[str, Field(max_length=256, description="One line, which Lambda shows."), PUBLIC]
    license: Annotated[str, Field(min_length=1, max_length=512, description="SPDX identifier, URL or text."), PUBLIC]
    homepage: Annotated[str | None, Field(pattern=r"^https?://", description="Address of the project.")] = None


@table
class Targets:
    """The zips to build."""

    runtimes: Annotated[
        tuple[RuntimeName, ...],
        Field(min_length=1, description="Runtimes of Lambda; `layerwright runtimes` lists them."),
    ]
    architectures: Annotated[
        tuple[ArchitectureName, ...], Field(min_length=1, description="Processors of the functions.")
    ] = ("x86_64", "arm64")
    split_by: Annotated[
        tuple[Axis, ...],
        Field(alias="split-by", description="Axes with one zip for each value; [] for jars or scripts."),
    ] = ("runtime", "arch")


@table
class Override:
    """Another version for some targets, for example the last with a wheel for Amazon Linux 2."""

    when: Annotated[When, Field(description="The targets that it is for.")]
    version: Annotated[Version, Field(description="The version for them.")]


@table
class Source:
    """Upstream code, pinned: url and sha256, or git and commit."""

    url: Annotated[
        Template | None, Field(pattern=r"^https?://", description="Address of an archive; `{version}` is filled in.")
    ] = None
    sha256: Annotated[Sha256 | None, Field(description="The SHA-256 of the archive.")] = None
    git: Annotated[
        Template | None, Field(pattern=r"^https?://|^ssh://|^git@", description="A repository, instead of an archive.")
    ] = None
    commit: Annotated[Commit | None, Field(description="The commit of the repository, in full.")] = None
    name: Annotated[SourceName | None, Field(description="Name for steps; default: the layer's name.")] = None

    def __post_init__(self) -> None:
        given = {key for key in ("url", "sha256", "git", "commit") if getattr(self, key)}
        right = given in ({"url", "sha256"}, {"git", "commit"})
        validated(None if right else "needs `url` and `sha256`, or `git` and `commit`: sources must be pinned", "")


@table
class Slim:
    """Removed files, stripping and bytecode."""

    prune: Annotated[tuple[Text, ...], Field(description="Patterns as in .gitignore, relative to /opt.")] = ()
    keep: Annotated[tuple[Text, ...], Field(description="Patterns of files that no rule removes.")] = ()
    keep_imported: Annotated[
        StrictBool,
        Field(
            alias="keep-imported",
            description="Keep pruned modules of Python that a remaining module imports at its top.",
        ),
    ] = False
    strip: Annotated[StrictBool, Field(description="Remove debugging symbols from programs and libraries.")] = True
    bytecode: Annotated[
        Literal["auto", "unchecked-hash", "off"],
        Field(description="auto leaves out what would not fit into Lambda's limit; unchecked-hash is all of it."),
    ] = "auto"


@table
class Libraries:
    """Shared libraries that the runtime's image lacks."""

    bundle: Annotated[
        Literal["auto", "off"] | tuple[Text, ...],
        Field(description="auto copies those of the build image that the layer lacks; a list, these; off, none."),
    ] = "auto"
    dlopen: Annotated[
        tuple[Text, ...], Field(description="Sonames that code opens at run time, which no ELF header lists.")
    ] = ()
    license: Annotated[
        StrictBool, Field(description="Copy their license texts to share/licenses, as most licenses require of copies.")
    ] = True


@table
class Invoke:
    """A function with the layer, invoked once through the runtime interface emulator of the image."""

    handler: Annotated[Text, Field(description="As in the configuration of the function: `app.handler`.")]
    code: Annotated[str | None, Field(description="Source of the function, in a file named after the handler.")] = None
    files: Annotated[tuple[RelativePath, ...], Field(description="Files beside the recipe, instead of `code`.")] = ()
    event: Annotated[Any, Field(description="Event for the function.")] = field(default_factory=dict)
    response: Annotated[Any, Field(description="Expected response.")] = None
    log: Annotated[str | None, Field(description="Text expected in the log of function, runtime or extension.")] = None

    def __post_init__(self) -> None:
        validated(None if self.response is not None or self.log else "needs `response` or `log`", "")


@table
class Test:
    """A test of the layer; one kind per table."""

    __test__ = False  # pytest collects classes of that name

    python: Annotated[Annotated[Text, PUBLIC] | None, Field(description="Statements for the runtime's Python.")] = None
    node: Annotated[
        Annotated[Text, PUBLIC] | None,
        Field(description="A module for the runtime's Node.js; `import` and `await` work."),
    ] = None
    ruby: Annotated[Text | None, Field(description="Statements for the runtime's Ruby.")] = None
    java: Annotated[Text | None, Field(description="The body of a method that may throw anything.")] = None
    shell: Annotated[Text | None, Field(description="Commands for `sh -eu` with the layer at /opt.")] = None
    invoke: Annotated[Invoke | None, Field(description="A function that is invoked with the layer.")] = None
    files: Annotated[tuple[Text, ...], Field(description="Paths below /opt that must exist.")] = ()
    memory: Annotated[int, Field(ge=MIN_MEMORY, le=MAX_MEMORY, description="Memory of the function, in MB.")] = 1024
    timeout: Annotated[int, Field(ge=1, le=MAX_TIMEOUT, description="Timeout in seconds; Lambda allows 1800.")] = 300
    when: Condition = None

    def __post_init__(self) -> None:
        kinds = ("python", "node", "ruby", "java", "shell", "invoke", "files")
        given = [kind for kind in kinds if getattr(self, kind)]
        validated(None if len(given) == 1 else f"needs exactly one of {', '.join(kinds)}", "")


@table
class Allow:
    """An accepted finding of a check, with the reason."""

    check: Annotated[CheckName, Field(description="The check whose finding is accepted.")]
    reason: Annotated[str, Field(min_length=8, description="Reason, which is shown with the finding.")]
    path: Annotated[str | None, Field(description="Pattern of the paths that it is for.")] = None


@table
class Publish:
    """Settings of `layerwright publish`, which its options override."""

    name: Annotated[LayerNamePattern, Field(description="With {name} {version} {runtime} {arch}.")] = (
        "{name}-{runtime}-{arch}"
    )
    regions: Annotated[tuple[Text, ...], Field(description='Regions, or "all" of the account\'s partition.')] = ()
    share: Annotated[
        tuple[GrantText, ...] | None,
        Field(description="account:ID, org:ID, public; [] removes all. Without it, permissions stay as they are."),
    ] = None
    keep: Annotated[int | None, Field(ge=1, description="Number of versions that `layerwright prune` keeps.")] = None
    ssm: Annotated[
        SsmPattern | None,
        Field(description="Parameter for the newest ARN, for example `/layers/{name}/{runtime}/{arch}`."),
    ] = None


@table
class Recipe:
    """One recipe.toml."""

    layer: Layer
    targets: Targets
    override: tuple[Override, ...] = ()
    source: tuple[Source, ...] = ()
    step: Annotated[tuple[Step, ...], Field(min_length=1)]
    slim: Slim = field(default_factory=cache(Slim))
    libraries: Libraries = field(default_factory=cache(Libraries))
    test: tuple[Test, ...] = ()
    allow: tuple[Allow, ...] = ()
    publish: Publish = field(default_factory=cache(Publish))
