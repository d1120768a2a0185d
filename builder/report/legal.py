"""The licences of all packages in several layers, and the objections of a policy."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.base import foreign
from builder.base.frozen import dataclass
from builder.layer import licences, manifest
from builder.layer.licences import Policy
from builder.layer.reader import LayerZip
from builder.model.manifest import LicenceRow
from builder.packages import table


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerLicences:
    """The licences of the packages in one zip."""

    path: Path
    licences: tuple[LicenceRow, ...]


def look(path: Path) -> LayerLicences:
    """Read the licences that packages in a zip declare; those of bundled libraries come from its manifest."""
    described = manifest.beside(path)
    with LayerZip(path) as opened:
        declared = licences.declared(opened.tree, table.installed(opened.tree))
        brought = licences.brought(described.libraries if described else (), opened.tree.paths())
    return LayerLicences(path=path, licences=(*declared, *brought))


def rows(layers: Sequence[LayerLicences]) -> list[tuple[str, str, str, str]]:
    """Return package, version, licence and number of layers, with each package once."""
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    for layer in layers:
        for row in layer.licences:
            counted[row.package, row.version, row.license] += 1
    return [(*key, str(count)) for key, count in sorted(counted.items())]


def objections(layers: Sequence[LayerLicences], policy: Policy) -> list[str]:
    """Return the violations of a policy, each package once with its layers."""
    broken: dict[str, list[str]] = defaultdict(list)
    for layer in layers:
        for row in layer.licences:
            if objection := policy.objection(row.license):
                broken[f"{row.package} {row.version}: {objection}"].append(layer.path.name)
    return [f"{text} ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})" for text, names in broken.items()]  # noqa: PLR2004


def texts(layer: LayerLicences) -> Iterator[str]:
    """Yield the licence texts of each package, below a heading."""
    with LayerZip(layer.path) as opened:
        entries = {entry.path: entry for entry in opened.tree}
        for row in layer.licences:
            yield foreign.line(f"==== {row.package} {row.version}: {row.license}") + "\n\n"
            for path in row.texts:
                content = entries[path].content.read().decode(errors="replace").rstrip()
                yield f"---- {foreign.line(path)}\n\n{content}\n\n"
