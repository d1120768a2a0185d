"""Whether a manifest describes its zip: sizes, hashes, and the runtimes and architectures that the files are for.

Lambda believes what it is told: a layer with the runtimes or architectures of another one is offered to functions that
cannot load it.
"""

import base64
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from builder.layer.elf import MAGIC, Elf, machine_name
from builder.layer.reader import LayerZip
from builder.layer.tree import Entry, Tree, never_program
from builder.model.architectures import ARCHITECTURES
from builder.model.manifest import AnyManifest, Manifest
from builder.model.runtimes import runtimes
from builder.model.target import Target

_HEADER = 20
"""Bytes of an ELF file up to its machine."""
_BIG_ENDIAN = 2
"""EI_DATA."""
_MODULE = re.compile(r"^python/.*\.(?:cpython-[\w-]+|abi3)\.so$")
_CHECKS = ("architecture", "python-abi")


def facts(about: AnyManifest, path: Path, sha256: str) -> Iterator[str]:
    """Yield the facts about the file itself that are not those of the manifest."""
    code = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
    stated = {"sha256": about.zip.sha256, "code_sha256": about.zip.code_sha256, "bytes": about.zip.bytes}
    real = {"sha256": sha256, "code_sha256": code, "bytes": path.stat().st_size}
    yield from _different(stated, real)


def contents(about: AnyManifest, layer: LayerZip) -> Iterator[str]:
    """Yield what a manifest says about the files of a zip that is not so.

    Whoever pulled a layer has the manifest of its publisher, who may know runtimes that this layerwright does not.
    """
    if not isinstance(about, Manifest):
        return
    stated = {"unzipped_bytes": about.unzipped_bytes, "files": about.files}
    yield from _different(stated, {"unzipped_bytes": layer.tree.unzipped_bytes, "files": len(layer.tree)})
    known = about.runtimes and set(about.runtimes) <= set(runtimes())
    if known and about.architectures and set(about.architectures) <= set(ARCHITECTURES):
        yield from _unfit(about, layer.tree)


def of_target(about: AnyManifest, target: Target) -> Iterator[str]:
    """Yield the fields in which a manifest differs from the target of the recipe whose zip it describes."""
    stated = {"name": about.name, "runtimes": about.runtimes, "architectures": about.architectures}
    real = {
        "name": target.layer,
        "runtimes": tuple(each.name for each in target.runtimes),
        "architectures": tuple(each.name for each in target.architectures),
    }
    yield from _different(stated, real)


def _different(stated: Mapping[str, object], real: Mapping[str, object]) -> Iterator[str]:
    for name, value in real.items():
        if stated[name] != value:
            yield f"{name} is {_shown(value)}, the manifest says {_shown(stated[name])}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _unfit(about: Manifest, tree: Tree) -> Iterator[str]:
    """Yield the files that cannot be loaded where the manifest says, as the checks of a build find them."""
    elves = dict(_elves(tree))
    if not elves:
        return
    from builder.layer import checks, findings
    from builder.layer.checks import Subject
    from builder.layer.linking import Linker

    subject = Subject(
        tree=tree,
        runtimes=tuple(runtimes()[name] for name in about.runtimes),
        architectures=tuple(ARCHITECTURES[name] for name in about.architectures),
        packages=(),
        own=False,
        zip_bytes=None,
        elves=elves,
        damaged={},
        directories={},
        sonames=frozenset(),
        linker=Linker({}, {}, frozenset()),
    )
    found = [finding for name in _CHECKS for finding in checks.run(subject, only=name)]
    accepted = {(row.check, row.path) for row in about.findings if row.allowed is not None}
    for finding in findings.failures(found, strict=False):
        if (finding.check, finding.path) not in accepted:
            yield f"{finding.path} {finding.message}"


def _elves(tree: Iterable[Entry]) -> Iterator[tuple[str, Elf]]:
    """Yield the machine of each ELF file, of whose header alone it is read: publishing is no second check."""
    for entry in tree:
        if entry.link is None and not never_program(entry.path):
            head = entry.content.head(_HEADER)
            if head.startswith(MAGIC) and len(head) == _HEADER:
                (machine,) = struct.unpack_from(">H" if head[5] == _BIG_ENDIAN else "<H", head, _HEADER - 2)
                module = _MODULE.match(entry.path) is not None
                yield entry.path, Elf(machine=machine_name(machine), kind="", python_module=module)
