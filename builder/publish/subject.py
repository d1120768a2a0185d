"""What a template is about: layers, published or as zips, and a function that shows how one is used."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.base.errors import UsageError
from builder.model.limits import DIRECT_LIMIT
from builder.model.recipe import Test
from builder.model.runtimes import runtimes
from builder.publish.book import Entry
from builder.publish.grants import Grant
from builder.publish.storage import key_of
from builder.publish.wanted import Wanted

LONGEST_INLINE = 4096
"""Characters of a function's source in a template (AWS::Lambda::Function Code in CloudFormation's reference)."""
INLINE = ("python", "nodejs")
"""Languages whose source a template can hold (the same)."""
_HANDLERS = {"java": "app.Handler::handleRequest", "ruby": "app.handler"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer of a template."""

    name: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    description: str = ""
    license: str = ""
    zip: str = ""
    """Path with slashes, relative where it can be."""
    sha256: str = ""
    code_sha256: str = ""
    bytes: int = 0
    grants: tuple[Grant, ...] = ()
    arns: Mapping[str, str] = field(default_factory=dict)
    """Of the published version, by region."""

    @property
    def id(self) -> str:
        """For example `NumpyPython313Arm64`: letters and digits, as CloudFormation has it."""
        return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", self.name))

    @property
    def variable(self) -> str:
        """For example `numpy_python313_arm64`."""
        found = re.sub(r"[^a-z0-9]+", "_", self.name.lower())
        return found if found[0].isalpha() else f"layer_{found}"

    @property
    def key(self) -> str:
        """Of the object in S3: another content has another, so that a stack notices."""
        return key_of(self.sha256, self.name)

    @property
    def large(self) -> bool:
        return self.bytes > DIRECT_LIMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A function that uses the layer."""

    layer: Layer
    runtime: str
    arch: str
    handler: str
    code: str | None
    """Its source, where a template can hold it; else it comes from elsewhere."""

    @property
    def language(self) -> str:
        return runtimes()[self.runtime].language


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """All that a template shows."""

    title: str
    layers: tuple[Layer, ...]
    function: Function | None
    published: bool

    @property
    def regions(self) -> tuple[str, ...]:
        """Where layers are published."""
        return tuple(sorted({region for layer in self.layers for region in layer.arns}))

    def widest(self, region: str) -> int:
        """Return how wide the names of variables are of layers in a region: Terraform aligns what it formats."""
        return max(len(layer.variable) for layer in self.layers if region in layer.arns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What the file shows besides the layers."""

    base: Path
    """The folder that the file lies in: zips are named from there."""
    tests: Sequence[Test] = ()
    """Of the recipe; the function does what one of them does."""
    function: bool = True


def of_zips(title: str, wanted: Sequence[Wanted], sample: Sample) -> Subject:
    """Return layers that are still to be published, by the template itself."""
    layers = tuple(
        Layer(
            name=one.name,
            runtimes=one.runtimes,
            architectures=one.architectures,
            description=one.description,
            license=one.license,
            zip=_from(sample.base, one.zip),
            sha256=one.sha256,
            code_sha256=one.code_sha256,
            bytes=one.bytes,
            grants=tuple(sorted(one.share or ())),
        )
        for one in wanted
    )
    return _subject(title, layers, sample, published=False)


def _from(base: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path, base.resolve())).as_posix()
    except ValueError:
        return path.as_posix()  # another drive of Windows


def of_book(title: str, entries: Iterable[Entry], sample: Sample) -> Subject:
    """Return layers that are published. Raises UsageError when the book tells of several accounts."""
    rows = list(entries)
    if len(accounts := sorted({one.account for one in rows})) > 1:
        msg = f"{title} is published in several accounts: {', '.join(accounts)}"
        raise UsageError(msg, hint="--account says whose ARNs are meant")
    found: dict[str, list[Entry]] = {}
    for one in rows:
        found.setdefault(one.layer, []).append(one)
    layers = tuple(
        Layer(
            name=name,
            runtimes=own[0].runtimes,
            architectures=own[0].architectures,
            code_sha256=own[0].code_sha256,
            arns={one.region: one.arn for one in own},
        )
        for name, own in found.items()
    )
    return _subject(title, layers, sample, published=True)


def _subject(title: str, layers: tuple[Layer, ...], sample: Sample, *, published: bool) -> Subject:
    if same := {one.id for one in layers if sum(other.id == one.id for other in layers) > 1}:
        msg = f"several layers would be called {', '.join(sorted(same))} in a template"
        raise UsageError(msg, hint="name one of them")
    function = _function(layers[-1], sample.tests) if sample.function else None
    return Subject(title=title, layers=layers, function=function, published=published)


def _function(layer: Layer, tests: Sequence[Test]) -> Function:
    """Return a function that does with the layer what its recipe's test does, of the newest runtime."""
    chosen = layer.runtimes[-1]
    language = runtimes()[chosen].language if chosen in runtimes() else "provided"
    code = _source(language, layer, tests)
    handler = "index.handler" if code else _HANDLERS.get(language, "bootstrap")
    arch = layer.architectures[0] if layer.architectures else "x86_64"
    return Function(layer=layer, runtime=chosen, arch=arch, handler=handler, code=code)


def _source(language: str, layer: Layer, tests: Sequence[Test]) -> str | None:
    if language not in INLINE:
        return None
    if language == "python":
        codes = (test.python for test in tests if test.python)
        made = [_python(code.strip(), layer) for code in codes if not _future(code)]
        return next(
            (code for code in made if len(code) < LONGEST_INLINE), _python("import os\nos.listdir('/opt')", layer)
        )
    codes = (test.node for test in tests if test.node)
    made = [_node(code.strip(), layer) for code in codes if not re.search(r"^\s*import\s", code, re.MULTILINE)]
    plain = "require('node:fs').readdirSync('/opt');"
    return next((code for code in made if len(code) < LONGEST_INLINE), _node(plain, layer))


def _future(code: str) -> bool:
    """Such lines, and texts of several lines, cannot be moved into a function."""
    return "from __future__" in code or '"""' in code or "'''" in code


def _python(code: str, layer: Layer) -> str:
    return f"def handler(event, context):\n{_indented(code, 4)}\n    return {f'{layer.name} works'!r}\n"


def _node(code: str, layer: Layer) -> str:
    return f"exports.handler = async () => {{\n{_indented(code, 2)}\n  return '{layer.name} works';\n}};\n"


def _indented(code: str, width: int) -> str:
    return "\n".join(f"{' ' * width}{line}".rstrip() for line in code.splitlines())
