"""`dist/<target>.cdx.json`: everything that a layer is made of, as CycloneDX (ECMA-424), for scanners and lawyers.

The document is written as it stands in the specification of version 1.6: the classes of the library for it take longer
to import than the rest of a build of an unchanged layer. The tests hold it against that library, and its schema.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.layer.licences import NONE
from builder.model.manifest import ImageRow, LibraryRow, Manifest, PackageRow, SourceRow

if TYPE_CHECKING:
    from packageurl import PackageURL

_PREFIX = "layerwright"
"""Of properties that CycloneDX has no field for."""
_NAMESPACE = uuid.UUID("8f0c1f0a-6f0e-5d0a-9d38-2b9f5a4f6a11")
"""Ours, so that equal zips have equal serial numbers."""
_Part = dict[str, Any]


def render(manifest: Manifest) -> str:
    """Return the bill of materials of a layer, from its manifest.

    The same manifest gives the same text: no time of day, and a serial number that follows from the zip's content.
    """
    parts = sorted(_parts(manifest), key=lambda part: str(part["bom-ref"]))
    references = [str(part["bom-ref"]) for part in parts]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": uuid.uuid5(_NAMESPACE, manifest.zip.sha256).urn,
        "metadata": {"component": _layer(manifest), "tools": {"components": [_tool()]}},
        "components": parts,
        "dependencies": [
            {"ref": manifest.target, "dependsOn": references},
            *({"ref": reference} for reference in references),
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _parts(manifest: Manifest) -> Iterator[_Part]:
    licenses = {f"{row.package}-{row.version}": row.license for row in manifest.licences}
    yield from (_package(row, licenses.get(_installed(row), NONE)) for row in manifest.packages)
    yield from (_library(row, manifest.os) for row in manifest.libraries)
    yield from (_source(row, manifest.layer_version) for row in manifest.sources)
    images = {"build_image": manifest.build_image, "image": manifest.image}
    yield from (_image(role, image) for role, image in images.items() if image)


def _layer(manifest: Manifest) -> _Part:
    website = [{"type": "website", "url": manifest.homepage}] if manifest.homepage else []
    return _filled(
        type="application",
        name=manifest.name,
        version=manifest.layer_version,
        description=manifest.description,
        bom_ref=manifest.target,
        licenses=_licence(manifest.license),
        hashes=[_sha256(manifest.zip.sha256)],
        externalReferences=website,
        properties=_properties(
            ("target", manifest.target),
            *(("runtime", name) for name in manifest.runtimes),
            *(("architecture", name) for name in manifest.architectures),
            ("plan_digest", manifest.plan_digest),
        ),
    )


def _tool() -> _Part:
    return _filled(type="application", name=_PREFIX, version=__version__, bom_ref=_PREFIX)


def _package(row: PackageRow, license_: str) -> _Part:
    """Return a package of an ecosystem, with the hash of the file that it came as."""
    url = str(package_url(row))
    group, _, short = row.name.rpartition(":")
    return _filled(
        type="library",
        group=group,
        name=short,
        version=row.version,
        bom_ref=url,
        purl=url,
        licenses=_licence(license_),
        hashes=[_sha256(row.sha256)] if row.sha256 else _integrity(row.integrity),
        properties=_properties(("route", row.route), ("file", row.file)),
    )


def _installed(row: PackageRow) -> str:
    """Return name and version under which a layer shows a package: of a jar, its file has all that there is."""
    jar = row.route == "jar"  # jars have no group in a layer
    return row.file.removesuffix(".jar") if jar else f"{row.name}-{row.version}"


def package_url(row: PackageRow) -> "PackageURL":
    """Return the package URL of a row of the manifest (https://github.com/package-url/purl-spec)."""
    from packageurl import PackageURL

    # What stands before the last separator of a name is its namespace: a scope, a group, the path of a module.
    namespace, _, name = row.name.replace(":", "/").rpartition("/")
    return PackageURL(row.ecosystem, namespace or None, name, row.version)


def _library(row: LibraryRow, system: str) -> _Part:
    """Return a shared library that came along from the build image's operating system."""
    from packageurl import PackageURL

    owner = row.package or ""
    url = PackageURL("rpm", "amzn", owner, row.version or None, {"distro": system}) if owner else None
    return _filled(
        type="library",
        name=row.soname,
        version=row.version,
        bom_ref=f"library:{row.soname}",
        purl=str(url) if url else "",
        licenses=_licence(row.license or NONE),
        properties=_properties(("package", owner)) if owner else [],
    )


def _source(row: SourceRow, version: str) -> _Part:
    """Return upstream code that the recipe pins."""
    hashes = [_sha256(row.sha256)] if row.sha256 else []
    kind = "vcs" if row.git else "source-distribution"
    return _filled(
        type="library",
        name=row.name,
        version=row.commit or version,
        bom_ref=f"source:{row.name}",
        hashes=hashes,
        externalReferences=[_filled(type=kind, url=row.address, hashes=hashes)],
    )


def _image(role: str, image: ImageRow) -> _Part:
    """Return an image that the layer is compiled in or made for: not a part of it, hence `excluded`."""
    return _filled(
        type="container",
        name=image.name,
        version=image.digest,
        bom_ref=f"{role}:{image.name}",
        scope="excluded",
        hashes=[_sha256(image.digest.removeprefix("sha256:"))] if image.digest else [],
        properties=_properties(("role", role)),
    )


# ---- small things --------------------------------------------------------------------------------------------------


def _filled(*, bom_ref: str | None = None, **values: Any) -> _Part:  # noqa: ANN401  JSON
    """Return an object without what is empty, which the specification does not have."""
    return {key: value for key, value in {"bom-ref": bom_ref, **values}.items() if value}


def _sha256(value: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": value}


def _integrity(text: str | None) -> list[dict[str, str]]:
    """Turn npm's integrity (base64) into a hash (hexadecimal)."""
    import base64

    if not text or not text.startswith("sha512-"):
        return []
    digest = base64.b64decode(text.split(" ")[0].removeprefix("sha512-")).hex()
    return [{"alg": "SHA-512", "content": digest}]


def _properties(*rows: tuple[str, str]) -> Sequence[dict[str, str]]:
    return [{"name": f"{_PREFIX}:{name}", "value": value} for name, value in sorted(rows)]


@cache
def _licence(text: str) -> list[dict[str, Any]]:
    """Return a license by its SPDX identifier, as an SPDX expression, or by whatever name it has."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if text == NONE:
        return []
    try:
        expression = canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return [{"license": {"name": text}}]
    one = not any(sign in expression for sign in " +()") and not expression.startswith("LicenseRef-")
    return [{"license": {"id": expression}} if one else {"expression": text}]
