"""What is to be published: zips, with what their manifests, their recipes and the command line say of them."""

import base64
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.base import files
from builder.base.errors import LayerwrightError, UsageError
from builder.layer import manifest
from builder.model.architectures import ARCHITECTURES, unknown_architecture
from builder.model.fields import layer_name
from builder.model.limits import DIRECT_LIMIT, MB, UNZIPPED_LIMIT
from builder.model.manifest import AnyManifest
from builder.model.recipe import Publish
from builder.model.target import Target
from builder.publish.grants import Grant, parse

MOST_RUNTIMES = 15
LONGEST_DESCRIPTION, LONGEST_LICENCE, LONGEST_NAME = 256, 512, 140
"""PublishLayerVersion in Lambda's API reference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One layer version, wherever it goes."""

    name: str
    """At AWS."""
    zip: Path
    bytes: int
    sha256: str
    """Hexadecimal."""
    description: str
    license: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    regions: tuple[str, ...]
    share: frozenset[Grant] | None
    """None: permissions stay as they are."""
    keep: int | None
    ssm: str | None
    """Name of the parameter that holds the ARN."""
    recipe: str
    target: str

    @property
    def code_sha256(self) -> str:
        """As Lambda reports it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode("ascii")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What the command line says; it wins over recipes and manifests."""

    regions: tuple[str, ...] = ()
    share: tuple[str, ...] | None = None
    public: bool = False
    name: str | None = None
    description: str | None = None
    license: str | None = None
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    ssm: str | None = None
    storage: bool = False
    """Whether there is a bucket for what is too large for a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A zip, and how its recipe wants it to be published, if there is one."""

    zip: Path
    publish: Publish = field(default_factory=Publish)


def gather(sources: Sequence[Source], given: Given) -> tuple[Wanted, ...]:
    """Return what is to be published. Raises UsageError with every mistake of all zips."""
    found: list[Wanted] = []
    wrong: list[str] = []
    hints: list[str] = []
    for source in sources:
        try:
            one = _of(source, given)
        except UsageError as error:
            wrong += [f"{source.zip.name}: {line}" for line in (error.why or (error.what,))]
            hints += [error.hint] if error.hint else []
            continue
        found.append(one)
        wrong += [f"{source.zip.name}: {problem}" for problem in problems(one, storage=given.storage)]
    wrong += _same_names(found)
    if wrong:
        msg = "this cannot be published"
        raise UsageError(msg, why=wrong, hint=hints[0] if hints else None)
    return tuple(found)


def sorted_out(sources: Sequence[Source], given: Given) -> tuple[tuple[Wanted, ...], list[LayerwrightError]]:
    """Return what can be published, and the errors of what cannot."""
    found: list[Wanted] = []
    bad: list[LayerwrightError] = []
    for source in sources:
        try:
            found += gather([source], given)
        except UsageError as error:
            bad.append(error)
    if twice := list(_same_names(found)):
        msg = "this cannot be published"
        bad.append(UsageError(msg, why=twice))
    counts = Counter(one.name for one in found)
    return tuple(one for one in found if counts[one.name] == 1), bad


def _of(source: Source, given: Given) -> Wanted:
    path, publish = source.zip, source.publish
    if not path.is_file():
        msg = "there is no such file"
        raise UsageError(msg, hint="`layerwright build` makes it; --runtime, --arch, --only choose others")
    about = manifest.of_any(path)
    sha256 = files.sha256(path)
    if about and about.zip.sha256 != sha256:
        msg = f"its manifest {path.with_suffix('.json').name} is of another zip: somebody changed one of them"
        raise UsageError(msg, hint="build it again, or remove the manifest and say --runtime and --arch")
    share = given.share if given.share is not None else publish.share
    values = _values(about, path)
    return Wanted(
        name=layer_name(given.name or publish.name, values),
        zip=path.resolve(),
        bytes=path.stat().st_size,
        sha256=sha256,
        description=given.description if given.description is not None else (about.description if about else ""),
        license=given.license if given.license is not None else (about.license if about else ""),
        runtimes=given.runtimes or (about.runtimes if about else ()),
        architectures=given.architectures or (about.architectures if about else ()),
        regions=given.regions or publish.regions,
        share=parse(share, public=given.public) if share is not None else None,
        keep=publish.keep,
        ssm=_parameter(given.ssm or publish.ssm, values),
        recipe=about.name if about else "",
        target=about.target if about else path.stem,
    )


def name_of(pattern: str, target: Target) -> str:
    """Return the name at AWS of what is built for a target."""
    return layer_name(
        pattern,
        {
            "name": target.layer,
            "version": target.version,
            "runtime": target.runtimes[0].name if len(target.runtimes) == 1 else "",
            "arch": target.arch.name if len(target.architectures) == 1 else "",
        },
    )


def _values(about: AnyManifest | None, path: Path) -> dict[str, str]:
    """Return the values of placeholders. A zip for several runtimes or architectures has no single one to name."""
    if about is None:
        return {"name": path.stem, "version": "", "runtime": "", "arch": ""}
    return {
        "name": about.name,
        "version": about.layer_version,
        "runtime": about.runtimes[0] if len(about.runtimes) == 1 else "",
        "arch": about.architectures[0] if len(about.architectures) == 1 else "",
    }


def _parameter(pattern: str | None, values: Mapping[str, str]) -> str | None:
    if pattern is None:
        return None
    return re.sub(r"\{([a-z]+)\}", lambda found: values.get(found[1], "") or "any", pattern)


def problems(one: Wanted, *, storage: bool) -> Iterator[str]:
    """Yield why Lambda would not take it: known before anybody is asked."""
    if not one.name or len(one.name) > LONGEST_NAME:
        yield f"`{one.name}` is no name of a layer: 1 to {LONGEST_NAME} letters, digits, - and _"
    if len(one.description) > LONGEST_DESCRIPTION:
        yield f"the description has {len(one.description)} characters; Lambda takes {LONGEST_DESCRIPTION}"
    if len(one.license) > LONGEST_LICENCE:
        yield f"the licence has {len(one.license)} characters; Lambda takes {LONGEST_LICENCE}"
    if not one.runtimes:
        yield "it has no manifest that says its runtimes; name them with --runtime"
    if len(one.runtimes) > MOST_RUNTIMES:
        yield f"{len(one.runtimes)} runtimes; Lambda takes {MOST_RUNTIMES}, so name some with --runtime"
    yield from (unknown_architecture(name) for name in one.architectures if name not in ARCHITECTURES)
    if one.bytes > DIRECT_LIMIT and not storage:
        large = f"{one.bytes / MB:.1f} MB; above {DIRECT_LIMIT / MB:.1f} MB"
        yield f"{large} Lambda takes it from S3 only, so name a --bucket"
    yield from _unzipped(one.zip)


def _unzipped(path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as opened:
            size = sum(info.file_size for info in opened.infolist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        yield f"it is no zip: {error}"
        return
    if size > UNZIPPED_LIMIT:
        yield f"{size / MB:.1f} MB unzipped; Lambda takes {UNZIPPED_LIMIT / MB:.1f} MB with all layers of a function"


def _same_names(found: Iterable[Wanted]) -> Iterator[str]:
    """Two zips of one name would be two versions of one layer, in no order."""
    every = list(found)
    for name, count in Counter(one.name for one in every).items():
        if count > 1:
            those = ", ".join(one.zip.name for one in every if one.name == name)
            yield f"{count} zips would be the layer `{name}`: {those}"
