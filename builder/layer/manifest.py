"""`dist/<target>.json`: reading and writing the manifest of a zip, and comparing two of them."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.base.documents import Document
from builder.base.plain import Json
from builder.model.manifest import VERSION, AnyManifest, Ceilings, Manifest, document, parse, parse_any
from builder.model.symbol_versions import highest

if TYPE_CHECKING:  # `list` reads manifests and must not pay for what writes them
    from builder.layer.checks import Subject


def ceilings(subject: "Subject") -> Ceilings:
    """Return the highest symbol versions that the layer needs of the operating system."""
    needs = [need.version for elf in subject.elves.values() for need in elf.versions if not need.weak]
    return Ceilings(glibc=highest(needs, "GLIBC"), glibcxx=highest(needs, "GLIBCXX"), cxxabi=highest(needs, "CXXABI"))


def text(value: Mapping[str, Any]) -> str:
    """Return a JSON document as it is written to disk."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def render(manifest: AnyManifest) -> str:
    """Return the text of a manifest. The same manifest gives the same bytes."""
    return text(document(manifest))


class _ManifestCodec:
    @staticmethod
    def decode(document: Json) -> AnyManifest:
        manifest = parse_any(document.data)
        if manifest is None:
            msg = "it does not have the keys and types of one"
            raise ValueError(msg)
        return manifest

    @staticmethod
    def encode(value: AnyManifest) -> bytes:
        return render(value).encode()


def at(zip_path: Path) -> Document[AnyManifest]:
    """Return the manifest beside a zip as a document, for what writes both: it overwrites nobody else's file.

    Commands that only read use the functions below, which change nothing.
    """
    return Document(path=zip_path.with_suffix(".json"), what="manifest", codec=_ManifestCodec(), version=VERSION)


def read(path: Path) -> Manifest | None:
    """Return the manifest in a file, or None when there is none that this version understands."""
    try:
        return parse(path.read_bytes())
    except OSError:
        return None


def beside(zip_path: Path) -> Manifest | None:
    """Return the manifest of a build that lies next to a zip."""
    return read(zip_path.with_suffix(".json"))


def of_any(zip_path: Path) -> AnyManifest | None:
    """Return the manifest next to a zip, whether the zip was built or pulled."""
    try:
        return parse_any(zip_path.with_suffix(".json").read_bytes())
    except OSError:
        return None


def changes(old: Manifest | None, new: Manifest) -> list[dict[str, Any]]:
    """Return the differences between two manifests in the form of `layerwright diff`: packages, ceilings, sizes.

    Empty when there is no old one. Files are left out: manifests do not list them.
    """
    if old is None:
        return []
    sizes = (("zip", old.zip.bytes, new.zip.bytes), ("unzipped", old.unzipped_bytes, new.unzipped_bytes))
    return [
        *_differing("package", _packages(old), _packages(new)),
        *_differing("abi", dataclasses.asdict(old.abi), dataclasses.asdict(new.abi)),
        *_differing("library", _libraries(old), _libraries(new)),
        *(
            {"kind": "size", "name": name, "old": f"{before:,}", "new": f"{after:,}", "bytes": after - before}
            for name, before, after in sizes
            if before != after
        ),
    ]


def _packages(manifest: Manifest) -> dict[str, str]:
    return {row.name: row.version for row in manifest.packages}


def _libraries(manifest: Manifest) -> dict[str, str]:
    return {row.soname: row.version or "" for row in manifest.libraries}


def _differing(kind: str, old: Mapping[str, str | None], new: Mapping[str, str | None]) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "name": name, "old": old.get(name), "new": new.get(name), "bytes": 0}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
