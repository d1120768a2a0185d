"""Source data of a template: layers, published or as zips, and a sample function that uses one."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from builder.base import files
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.layer import manifest
from builder.model import public_text
from builder.model.limits import DIRECT_LIMIT
from builder.model.recipe import Test
from builder.model.runtimes import runtimes
from builder.publish import layer_version
from builder.publish.arn_book import ArnEntry
from builder.publish.grants import Grant
from builder.publish.layer_version import LayerVersion
from builder.publish.storage import object_key

MAX_INLINE = 4096
"""Characters of a function's source in a template (AWS::Lambda::Function Code in CloudFormation's reference)."""
INLINE = ("python", "nodejs")
"""Languages whose source can be inline in a template (the same reference)."""
_HANDLERS = {"java": "app.Handler::handleRequest", "ruby": "app.handler"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateLayer:
    """One layer of a template."""

    name: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    description: str = ""
    license: str = ""
    zip: str = ""
    """Path with slashes, relative if possible."""
    sha256: str = ""
    code_sha256: str = ""
    bytes: int = 0
    grants: tuple[Grant, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that functions set, with their values."""
    arns: Mapping[str, str] = field(default_factory=dict)
    """ARNs of the published version by region."""

    @property
    def id(self) -> str:
        """Logical ID, for example `NumpyPython313Arm64`: CloudFormation allows letters and digits only."""
        return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", self.name))

    @property
    def variable(self) -> str:
        """Name of a variable, for example `numpy_python313_arm64`."""
        name = re.sub(r"[^a-z0-9]+", "_", self.name.lower())
        return name if name[0].isalpha() else f"layer_{name}"

    @property
    def key(self) -> str:
        """Key of the zip in S3. It changes with the content, so that a stack update replaces the layer."""
        return object_key(self.sha256, self.name)

    @property
    def large(self) -> bool:
        return self.bytes > DIRECT_LIMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleFunction:
    """A function that uses the layer."""

    layer: TemplateLayer
    runtime: str
    arch: str
    handler: str
    code: str | None
    """Inline source; None if the language requires a separate file."""

    @property
    def language(self) -> str:
        return runtimes()[self.runtime].language


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateSource:
    """All values of a template."""

    title: str
    layers: tuple[TemplateLayer, ...]
    function: SampleFunction | None
    published: bool

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions with a published version."""
        return tuple(sorted({region for layer in self.layers for region in layer.arns}))

    def widest(self, region: str) -> int:
        """Return the length of the longest variable name in a region: `terraform fmt` aligns assignments."""
        return max(len(layer.variable) for layer in self.layers if region in layer.arns)


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateOptions:
    """Options of a template besides its layers."""

    base: Path
    """Folder of the template; the paths of zips are relative to it."""
    output: Path
    """Folder of the zips and their manifests."""
    tests: Sequence[Test] = ()
    """Tests of the recipe; the sample function executes one of them."""
    function: bool = True
    """Whether to add a sample function."""


def of_zips(title: str, layers: Sequence[LayerVersion], options: TemplateOptions) -> TemplateSource:
    """Return a source with layers that the template itself publishes from zips."""
    rows = tuple(
        TemplateLayer(
            name=layer.name,
            runtimes=layer.runtimes,
            architectures=layer.architectures,
            description=layer.description,
            license=layer.license,
            zip=files.relative(layer.zip, options.base.resolve()),
            sha256=layer.sha256,
            code_sha256=layer.code_sha256,
            bytes=layer.bytes,
            grants=tuple(sorted(layer.share or ())),
            environment=layer.environment,
        )
        for layer in layers
    )
    return _source(title, rows, options, published=False)


def of_book(title: str, entries: Iterable[ArnEntry], options: TemplateOptions) -> TemplateSource:
    """Return a source with published layers. Raises UsageError if the entries are of several accounts."""
    rows = list(entries)
    if len(accounts := sorted({entry.account for entry in rows})) > 1:
        msg = f"{title} is published in several accounts: {', '.join(accounts)}"
        raise UsageError(msg, hint="select one with --account")
    by_layer: dict[str, list[ArnEntry]] = {}
    for entry in rows:
        by_layer.setdefault(entry.layer, []).append(entry)
    layers = tuple(
        TemplateLayer(
            name=name,
            runtimes=versions[0].runtimes,
            architectures=versions[0].architectures,
            code_sha256=versions[0].code_sha256,
            arns={entry.region: entry.arn for entry in versions},
            environment=_environment(versions[0], options.output),
        )
        for name, versions in by_layer.items()
    )
    return _source(title, layers, options, published=True)


def _environment(entry: ArnEntry, output: Path) -> tuple[tuple[str, str], ...]:
    """Return the variables of a published version: none if the manifest that is there is of another zip."""
    about = manifest.of_any(output / f"{entry.target}.zip")
    is_it = about is not None and about.zip.code_sha256 == entry.code_sha256
    return layer_version.environment(about) if is_it else ()


def _source(
    title: str, layers: tuple[TemplateLayer, ...], options: TemplateOptions, *, published: bool
) -> TemplateSource:
    if same := {layer.id for layer in layers if sum(other.id == layer.id for other in layers) > 1}:
        msg = f"several layers have the same logical ID in the template: {', '.join(sorted(same))}"
        raise UsageError(msg, hint="select one of them")
    function = _function(layers[-1], options.tests) if options.function else None
    source = TemplateSource(title=title, layers=layers, function=function, published=published)
    if faults := {fault for text in _texts(dataclasses.astuple(source)) if (fault := public_text.problem(text))}:
        msg = f"the template of {title} would read a secret: {faults.pop()}"
        raise UsageError(msg, hint="remove it from the description, license, tests or names of the layers")
    return source


def _texts(value: object) -> Iterator[str]:
    """Yield all strings in nested values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(tuple(value.items()))
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)


def _function(layer: TemplateLayer, tests: Sequence[Test]) -> SampleFunction:
    """Return a function for the newest runtime of the layer that executes a test of the recipe."""
    runtime = layer.runtimes[-1]
    language = runtimes()[runtime].language if runtime in runtimes() else "provided"
    code = _inline_code(language, layer, tests)
    handler = "index.handler" if code else _HANDLERS.get(language, "bootstrap")
    arch = layer.architectures[0] if layer.architectures else "x86_64"
    return SampleFunction(layer=layer, runtime=runtime, arch=arch, handler=handler, code=code)


def _inline_code(language: str, layer: TemplateLayer, tests: Sequence[Test]) -> str | None:
    if language not in INLINE:
        return None
    if language == "python":
        codes = (test.python for test in tests if test.python)
        sources = [_python(code.strip(), layer) for code in codes if not _immovable(code)]
        fallback = _python("import os\nos.listdir('/opt')", layer)
    else:
        codes = (test.node for test in tests if test.node)
        sources = [_node(code.strip(), layer) for code in codes if not re.search(r"^\s*import\s", code, re.MULTILINE)]
        fallback = _node("require('node:fs').readdirSync('/opt');", layer)
    return next((source for source in sources if len(source) < MAX_INLINE), fallback)


def _immovable(code: str) -> bool:
    """Tell whether code cannot be indented into a function: future imports and multi-line strings."""
    return "from __future__" in code or '"""' in code or "'''" in code


def _python(code: str, layer: TemplateLayer) -> str:
    return f"def handler(event, context):\n{_indented(code, 4)}\n    return {f'{layer.name} works'!r}\n"


def _node(code: str, layer: TemplateLayer) -> str:
    return f"exports.handler = async () => {{\n{_indented(code, 2)}\n  return '{layer.name} works';\n}};\n"


def _indented(code: str, width: int) -> str:
    return "\n".join(f"{' ' * width}{line}".rstrip() for line in code.splitlines())
