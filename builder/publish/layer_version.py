"""Layer versions to publish: zips, with the properties from their manifests, recipes and the command line."""

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from builder.base import files
from builder.base.errors import CheckFailedError, LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.layer import manifest
from builder.layer.reader import LayerZip
from builder.model import public_text
from builder.model.architectures import ARCHITECTURES, unknown_architecture
from builder.model.fields import layer_name
from builder.model.limits import DIRECT_LIMIT, MB, UNZIPPED_LIMIT
from builder.model.manifest import AnyManifest, Manifest
from builder.model.recipe import Publish
from builder.model.runtimes import identifier, unknown_runtime
from builder.model.target import Target
from builder.publish import fit, recipe_defaults
from builder.publish.grants import Grant, parse
from builder.smoke import record as tests

MAX_RUNTIMES, MAX_DESCRIPTION, MAX_LICENSE, MAX_NAME = 15, 256, 512, 140
"""Limits of PublishLayerVersion in Lambda's API reference: a number, and characters."""
_RUNTIME = re.compile(r"[a-z][a-z0-9.-]{0,49}")
_PARAMETER = re.compile(r"/[A-Za-z0-9_./-]{1,1010}")
"""Names of runtimes, also of those that Lambda introduces later, and of SSM parameters."""
_SHOWN = 5
"""Differences between a manifest and its zip that an error shows."""
_INVALID = "the layers cannot be published"


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerVersion:
    """One layer version to publish, to one or more regions."""

    name: str
    """Name of the layer in Lambda."""
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
    """None leaves the permissions unchanged."""
    keep: int | None
    ssm: str | None
    """Name of the SSM parameter that receives the ARN."""
    recipe: str
    target: str
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that functions set, with their values."""

    @property
    def code_sha256(self) -> str:
        """SHA-256 of the zip in Base64, the format of Lambda's CodeSha256."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode("ascii")


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishOptions:
    """Options of the command line. They take precedence over recipes and manifests."""

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
    """Whether a bucket is available for zips above the limit of a request."""
    untested: bool = False
    """Whether zips are published of which no test has passed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputZip:
    """A zip, and the [publish] table of its recipe, or the defaults."""

    zip: Path
    publish: Publish = field(default_factory=Publish)
    target: Target | None = None
    """The target whose zip it must be; None if the zip is named by its path."""


def gather(zips: Sequence[InputZip], options: PublishOptions) -> tuple[LayerVersion, ...]:
    """Return the layer versions to publish. Raises UsageError with all problems of all zips."""
    layers: list[LayerVersion] = []
    errors: list[str] = []
    hints: list[str] = []
    for source in zips:
        try:
            layer = _layer_version(source, options)
        except UsageError as error:
            errors += [f"{source.zip.name}: {line}" for line in (error.why or (error.what,))]
            hints += [error.hint] if error.hint else []
            continue
        layers.append(layer)
        faults = (*_unknown_runtimes(source, options), *problems(layer, storage=options.storage))
        errors += [f"{source.zip.name}: {problem}" for problem in faults]
        if not options.untested and (problem := _untested(layer)):
            errors.append(f"{source.zip.name}: {problem}")
            hints.append(_test_hint(layer))
    errors += _duplicate_names(layers)
    if errors:
        raise UsageError(_INVALID, why=errors, hint=hints[0] if hints else None)
    return tuple(layers)


def gather_valid(
    zips: Sequence[InputZip], options: PublishOptions
) -> tuple[tuple[LayerVersion, ...], list[LayerwrightError]]:
    """Return the layer versions that can be published, and the errors of the others."""
    layers: list[LayerVersion] = []
    errors: list[LayerwrightError] = []
    for source in zips:
        try:
            layers += gather([source], options)
        except UsageError as error:
            errors.append(error)
    if duplicates := list(_duplicate_names(layers)):
        errors.append(UsageError(_INVALID, why=duplicates))
    counts = Counter(layer.name for layer in layers)
    return tuple(layer for layer in layers if counts[layer.name] == 1), errors


def _layer_version(source: InputZip, options: PublishOptions) -> LayerVersion:
    path, publish = source.zip, source.publish
    if not path.is_file():
        msg = "no such file"
        raise UsageError(msg, hint="run `layerwright build`, or select other targets with --runtime, --arch or --only")
    about = manifest.of_any(path)
    sha256 = files.sha256(path)
    if about:
        _require_fit(about, source, sha256)
    share = options.share if options.share is not None else recipe_defaults.share_of(publish)
    values = _placeholder_values(about, path)
    return LayerVersion(
        name=layer_name(options.name or publish.name, values),
        zip=path.resolve(),
        bytes=path.stat().st_size,
        sha256=sha256,
        description=options.description if options.description is not None else (about.description if about else ""),
        license=options.license if options.license is not None else (about.license if about else ""),
        runtimes=tuple(dict.fromkeys(map(identifier, options.runtimes or (about.runtimes if about else ())))),
        architectures=options.architectures or (about.architectures if about else ()),
        regions=options.regions or recipe_defaults.regions_of(publish),
        share=parse(share, public=options.public) if share is not None else None,
        keep=publish.keep,
        ssm=_parameter(options.ssm or publish.ssm, values),
        recipe=about.name if about else "",
        target=about.target if about else path.stem,
        environment=environment(about),
    )


def environment(about: AnyManifest | None) -> tuple[tuple[str, str], ...]:
    """Return the variables that functions with a layer set, with their values."""
    rows = (about.environment if isinstance(about, Manifest) else None) or ()
    return tuple((row.name, row.value) for row in rows)


def _require_fit(about: AnyManifest, source: InputZip, sha256: str) -> None:
    """Raise UsageError unless a manifest describes the zip: Lambda shows and believes what it says."""
    path = source.zip
    faults = list(fit.facts(about, path, sha256))
    if source.target:
        faults += fit.of_target(about, source.target)
    if not faults:
        try:
            with LayerZip(path) as layer:
                faults += fit.contents(about, layer)
        except CheckFailedError as error:
            raise UsageError(error.what, why=[error.what, *error.why], hint=error.hint) from error
    if faults:
        msg = f"the manifest {path.with_suffix('.json').name} describes another zip: one of the two was modified"
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        hint = "build the zip again, or remove the manifest and pass --runtime and --arch"
        raise UsageError(msg, why=[msg, *faults[:_SHOWN], *more], hint=hint)


def _unknown_runtimes(source: InputZip, options: PublishOptions) -> Iterator[str]:
    """Yield the problems of runtimes in the manifest of a build, which knows all of Lambda's own."""
    about = manifest.of_any(source.zip)
    if isinstance(about, Manifest) and not options.runtimes:
        of_lambda = [name for name in about.runtimes if identifier(name) == name]
        yield from (fault for name in of_lambda if (fault := unknown_runtime(name)))


def _untested(layer: LayerVersion) -> str | None:
    """Return why a zip counts as untested; None if its tests passed in a runtime that it is meant for."""
    tested = tests.of(layer.zip, layer.sha256)
    if tested is None:
        return "is not tested: no record beside it is of this zip"
    if tested.failed:
        return f"its tests failed: {next(run.failure for run in tested.runs if run.failure)}"
    meant = {run.runtime for run in tested.runs if identifier(run.runtime) in layer.runtimes}
    where = layer.architectures or [run.arch for run in tested.runs]
    return None if tested.proves(meant, where) else "is not tested: nothing of it was tried where it is meant for"


def _test_hint(layer: LayerVersion) -> str:
    meant = [f" --runtime {name}" for name in layer.runtimes] + [f" --arch {name}" for name in layer.architectures]
    command = f"layerwright test {layer.zip}{'' if layer.recipe else ''.join(meant)}"
    return f"`{command}` tests it, in a container engine; --untested publishes it as it is"


def name_of(pattern: str, target: Target) -> str:
    """Return the layer name in Lambda for a build target."""
    return layer_name(
        pattern,
        {
            "name": target.layer,
            "version": target.version,
            "runtime": target.runtimes[0].name if len(target.runtimes) == 1 else "",
            "arch": target.arch.name if len(target.architectures) == 1 else "",
        },
    )


def _placeholder_values(about: AnyManifest | None, path: Path) -> dict[str, str]:
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
    return re.sub(r"\{([a-z]+)\}", lambda match: values.get(match[1], "") or "any", pattern)


def problems(layer: LayerVersion, *, storage: bool) -> Iterator[str]:
    """Yield the reasons for which Lambda would reject a layer version, without a request."""
    if not layer.name or len(layer.name) > MAX_NAME:
        yield f"`{layer.name}` is not a valid layer name: use 1 to {MAX_NAME} letters, digits, `-` and `_`"
    if len(layer.description) > MAX_DESCRIPTION:
        yield f"the description has {len(layer.description)} characters; the maximum is {MAX_DESCRIPTION}"
    if len(layer.license) > MAX_LICENSE:
        yield f"the license has {len(layer.license)} characters; the maximum is {MAX_LICENSE}"
    yield from _unsafe_texts(layer)
    if not layer.runtimes:
        yield "no runtimes: the zip has no manifest that lists them; pass --runtime"
    if len(layer.runtimes) > MAX_RUNTIMES:
        yield f"{len(layer.runtimes)} runtimes; the maximum is {MAX_RUNTIMES}: select some with --runtime"
    yield from (unknown_architecture(name) for name in layer.architectures if name not in ARCHITECTURES)
    if layer.bytes > DIRECT_LIMIT and not storage:
        size, limit = f"{layer.bytes / MB:.1f} MB", f"{DIRECT_LIMIT / MB:.1f} MB"
        yield f"{size}: Lambda accepts zips above {limit} from S3 only; pass --bucket"
    yield from _unzipped(layer.zip)


def _unsafe_texts(layer: LayerVersion) -> Iterator[str]:
    """Yield the properties that mean something else at AWS, or in a template, than they say."""
    for name, value in (("description", layer.description), ("license", layer.license)):
        if fault := public_text.problem(value):
            yield f"{name}: {fault}"
    for name in layer.runtimes:
        if not _RUNTIME.fullmatch(name):
            yield f"`{name}` is not the name of a runtime"
    if layer.ssm is not None and not _PARAMETER.fullmatch(layer.ssm):
        yield f"`{layer.ssm}` is not a valid name of an SSM parameter"


def _unzipped(path: Path) -> Iterator[str]:
    try:
        with LayerZip(path) as layer:
            size = layer.tree.unzipped_bytes
    except CheckFailedError as error:
        yield "; ".join([error.what.replace(f"{path.name} is ", ""), *error.why])
        return
    if size > UNZIPPED_LIMIT:
        limit = f"{UNZIPPED_LIMIT / MB:.1f} MB"
        yield f"{size / MB:.1f} MB unzipped; the maximum is {limit} for a function with all its layers"


def _duplicate_names(layers: Iterable[LayerVersion]) -> Iterator[str]:
    """Yield the names of several zips: they would become versions of one layer, in no defined order."""
    every = list(layers)
    for name, count in Counter(layer.name for layer in every).items():
        if count > 1:
            names = ", ".join(layer.zip.name for layer in every if layer.name == name)
            yield f"{count} zips have the layer name `{name}`: {names}"
