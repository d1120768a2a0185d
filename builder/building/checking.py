"""Checks of anybody's zips: each by itself, then the layers of one function together, or one beside another."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from builder.base.errors import CheckFailedError, UsageError
from builder.base.frozen import dataclass
from builder.layer import checks, manifest, merge
from builder.layer.diff import Change, Side, diff
from builder.layer.findings import Finding, failures
from builder.layer.inspect import Inspection, inspect
from builder.layer.reader import LayerZip
from builder.model.architectures import ARCHITECTURES, Architecture, architecture
from builder.model.runtimes import Runtime, runtime
from builder.model.runtimes import runtimes as every_runtime
from builder.packages import table

_TOGETHER = "unresolved-library"
"""The check that only all layers of a function decide: one layer may bring what another one lacks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """The runtimes and architectures that a layer is meant for."""

    runtimes: tuple[Runtime, ...]
    architectures: tuple[Architecture, ...]

    def __bool__(self) -> bool:
        return bool(self.runtimes and self.architectures)

    def common(self, other: "Destination") -> "Destination":
        """Return what two layers are both meant for."""
        return Destination(
            runtimes=tuple(each for each in self.runtimes if each in other.runtimes),
            architectures=tuple(each for each in self.architectures if each in other.architectures),
        )

    @property
    def names(self) -> tuple[str, str]:
        return ", ".join(each.name for each in self.runtimes), ", ".join(each.name for each in self.architectures)


def destination(path: Path, runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> Destination:
    """Return what the command line names, else what the manifest beside the zip names; UsageError for neither."""
    described = None if runtimes and architectures else manifest.of_any(path)
    chosen = runtimes or (described.runtimes if described else ())
    machines = architectures or (described.architectures if described else ())
    if path.is_file() and not (chosen and machines):
        msg = f"{path.name} has no manifest beside it that names its runtimes and architectures"
        raise UsageError(msg, hint="add for example `--runtime python3.13 --arch arm64`")
    return Destination(
        runtimes=tuple(runtime(name) for name in chosen),
        architectures=tuple(architecture(name) for name in machines),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The result for one zip: its findings, or the error that kept it from being read."""

    path: Path
    destination: Destination
    findings: tuple[Finding, ...] = ()
    error: CheckFailedError | None = None

    def fit(self, *, strict: bool) -> bool:
        """Return whether the layer works. `strict` makes warnings count."""
        return self.error is None and not failures(self.findings, strict=strict)

    def as_json(self, *, strict: bool) -> dict[str, Any]:
        document: dict[str, Any] = {"zip": str(self.path), "fit": self.fit(strict=strict)}
        if self.error:
            return {**document, "error": self.error.what, "why": list(self.error.why)}
        return {**document, "findings": [finding.as_json() for finding in self.findings]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """The result for several zips as the layers of one function, in their order."""

    paths: tuple[Path, ...]
    findings: tuple[Finding, ...]

    def fit(self, *, strict: bool) -> bool:
        """Return whether the function finds what it needs. `strict` makes warnings count."""
        return not failures(self.findings, strict=strict)

    def as_json(self, *, strict: bool) -> dict[str, Any]:
        findings = [finding.as_json() for finding in self.findings]
        return {"layers": [str(path) for path in self.paths], "fit": self.fit(strict=strict), "findings": findings}


def each(
    paths: tuple[Path, ...], runtimes: tuple[str, ...], architectures: tuple[str, ...], *, together: bool
) -> Iterator[Verdict]:
    """Yield the verdict on each zip. `together` leaves out what only all of them decide."""
    for path in paths:
        where = destination(path, runtimes, architectures)
        try:
            findings = _findings(path, where)
        except CheckFailedError as error:
            yield Verdict(path=path, destination=where, error=error)
        else:
            own = tuple(finding for finding in findings if not (together and finding.check == _TOGETHER))
            yield Verdict(path=path, destination=where, findings=own)


def _findings(path: Path, where: Destination) -> tuple[Finding, ...]:
    with LayerZip(path) as layer:
        subject = checks.examine(
            layer.tree,
            where.runtimes,
            where.architectures,
            packages=table.installed(layer.tree),
            own=False,
            directories=layer.directories,
        )
        return checks.run(checks.weighed(subject, layer.bytes))


def require_attachable(paths: tuple[Path, ...]) -> None:
    """Raise UsageError unless one function can have all these layers."""
    if len(paths) > merge.MOST:
        msg = f"{len(paths)} zips: a function can have {merge.MOST} layers"
        raise UsageError(msg, hint="--separately checks each zip by itself")
    if len({path.resolve() for path in paths}) < len(paths):
        msg = "a zip is named twice: a function can have a layer only once"
        raise UsageError(msg)


def merged(paths: tuple[Path, ...], runtimes: tuple[str, ...], architectures: tuple[str, ...]) -> Together:
    """Check layers together, for the runtimes and architectures that all of them are meant for.

    Raises UsageError when they have none in common.
    """
    where = common_destination({path: destination(path, runtimes, architectures) for path in paths})
    with ExitStack() as stack:
        layers = stacked(paths, stack)
        union = merge.merge(layers)
        subject = checks.examine(
            union.tree, where.runtimes, where.architectures, packages=table.installed(union.tree), own=False
        )
        findings = (*merge.findings(layers, union), *checks.run(subject, only=_TOGETHER))
    return Together(paths=paths, findings=findings)


def stacked(paths: Iterable[Path], stack: ExitStack) -> list[merge.StackedLayer]:
    """Return the layers of a function, open until the end of the stack."""
    trees = {path.name: stack.enter_context(LayerZip(path)).tree for path in paths}
    return [merge.StackedLayer(name=name, tree=tree, packages=table.installed(tree)) for name, tree in trees.items()]


def common_destination(destinations: Mapping[Path, Destination]) -> Destination:
    """Return what all zips are meant for. Raises UsageError if that is nothing."""
    first, *others = destinations.values()
    for other in others:
        first = first.common(other)
    if not first:
        why = [f"{path.name}: {', '.join(where.names)}" for path, where in destinations.items()]
        msg = "no runtime and architecture is common to all of these layers"
        raise UsageError(msg, why=why, hint="--runtime and --arch name those of the function")
    return first


def inspected(path: Path) -> Inspection:
    """Return the analysis of a zip, for every runtime and architecture."""
    with LayerZip(path) as layer:
        return _side(layer).inspection


def differences(old: Path, new: Path) -> list[Change]:
    """Return the changes between two zips."""
    with LayerZip(old) as before, LayerZip(new) as after:
        return diff(_side(before), _side(after))


def _side(layer: LayerZip) -> Side:
    subject = checks.examine(
        layer.tree,
        tuple(every_runtime().values()),
        tuple(ARCHITECTURES.values()),
        packages=table.installed(layer.tree),
        own=False,
    )
    return Side(zipped=layer, subject=subject, inspection=inspect(subject, layer.bytes))
