"""The licences of layers, together: what each package says, and what a policy says to that."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.layer import licences, manifest
from builder.layer.licences import Policy
from builder.layer.reader import LayerZip
from builder.model.manifest import LicenceRow
from builder.packages import table


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """One zip."""

    path: Path
    licences: tuple[LicenceRow, ...]


def look(path: Path) -> Looked:
    """Read what the packages in a zip declare, and of what came along from the operating system."""
    described = manifest.beside(path)
    with LayerZip(path) as opened:
        declared = licences.declared(opened.tree, table.installed(opened.tree))
        brought = licences.brought(described.libraries if described else (), opened.tree.paths())
    return Looked(path=path, licences=(*declared, *brought))


def rows(found: Sequence[Looked]) -> list[tuple[str, str, str, str]]:
    """Return package, version, licence and number of layers, each package once."""
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in found:
        for said in one.licences:
            counted[said.package, said.version, said.license] += 1
    return [(*key, str(count)) for key, count in sorted(counted.items())]


def objections(found: Sequence[Looked], policy: Policy) -> list[str]:
    """Return what breaks a policy, each package once with the layers that it is in."""
    broken: dict[str, list[str]] = defaultdict(list)
    for one in found:
        for said in one.licences:
            if objection := policy.objection(said.license):
                broken[f"{said.package} {said.version}: {objection}"].append(one.path.name)
    return [f"{text} ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})" for text, names in broken.items()]  # noqa: PLR2004


def texts(one: Looked) -> Iterator[str]:
    """Yield each package's licence texts, under a heading."""
    with LayerZip(one.path) as opened:
        entries = {entry.path: entry for entry in opened.tree}
        for said in one.licences:
            yield f"==== {said.package} {said.version}: {said.license}\n\n"
            for path in said.texts:
                yield f"---- {path}\n\n{entries[path].content.read().decode(errors='replace').rstrip()}\n\n"
