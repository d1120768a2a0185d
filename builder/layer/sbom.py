"""`dist/<target>.cdx.json`: everything that a layer is made of, as CycloneDX (ECMA-424), for scanners and lawyers."""

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder import __version__
from builder.layer.licences import NONE
from builder.model.manifest import Manifest, PackageRow

if TYPE_CHECKING:
    from cyclonedx.model import ExternalReference, HashType, Property
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License
    from packageurl import PackageURL

_PREFIX = "layerwright"
"""Of properties that CycloneDX has no field for."""
_NAMESPACE = uuid.UUID("8f0c1f0a-6f0e-5d0a-9d38-2b9f5a4f6a11")
"""Ours, so that equal zips have equal serial numbers."""


def render(manifest: Manifest) -> str:
    """Return the bill of materials of a layer, from its manifest.

    The same manifest gives the same text: no time of day, and a serial number that follows from the zip's content.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, manifest.zip.sha256))
    bom.metadata.component = _layer(manifest)
    bom.metadata.tools.components.add(_tool())
    parts = [*_packages(manifest), *_libraries(manifest), *_sources(manifest), *_images(manifest)]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(bom.metadata.component, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _layer(manifest: Manifest) -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType.APPLICATION,
        name=manifest.name,
        version=manifest.layer_version,
        description=manifest.description,
        bom_ref=manifest.target,
        licenses=_licence(manifest.license),
        hashes=[_sha256(manifest.zip.sha256)],
        external_references=_website(manifest.homepage),
        properties=[
            _property("target", manifest.target),
            *(_property("runtime", name) for name in manifest.runtimes),
            *(_property("architecture", name) for name in manifest.architectures),
            _property("plan_digest", manifest.plan_digest),
        ],
    )


def _website(address: str | None) -> "list[ExternalReference]":
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri

    return [ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(address))] if address else []


def _tool() -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(type=ComponentType.APPLICATION, name=_PREFIX, version=__version__, bom_ref=_PREFIX)


def _packages(manifest: Manifest) -> Iterator["Component"]:
    """Yield the packages of ecosystems, each with the hash of the file that it came as."""
    from cyclonedx.model.component import Component, ComponentType

    licenses = {f"{row.package}-{row.version}": row.license for row in manifest.licences}
    for row in manifest.packages:
        url = package_url(row)
        group, _, short = row.name.rpartition(":")
        yield Component(
            type=ComponentType.LIBRARY,
            group=group or None,
            name=short,
            version=row.version,
            bom_ref=str(url),
            purl=url,
            licenses=_licence(licenses.get(_installed(row), NONE)),  # jars have no group in a layer
            hashes=[_sha256(row.sha256)] if row.sha256 else _integrity(row.integrity),
            properties=[_property("route", row.route), _property("file", row.file)],
        )


def _installed(row: PackageRow) -> str:
    """Return name and version under which a layer shows a package: of a jar, its file has all that there is."""
    jar = row.route == "jar"
    return row.file.removesuffix(".jar") if jar else f"{row.name}-{row.version}"


def package_url(row: PackageRow) -> "PackageURL":
    """Return the package URL of a row of the manifest (https://github.com/package-url/purl-spec)."""
    from packageurl import PackageURL

    # What stands before the last separator of a name is its namespace: a scope, a group, the path of a module.
    namespace, _, name = row.name.replace(":", "/").rpartition("/")
    return PackageURL(row.ecosystem, namespace or None, name, row.version)


def _libraries(manifest: Manifest) -> Iterator["Component"]:
    """Yield the shared libraries that came along from the build image's operating system."""
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    for row in manifest.libraries:
        owner = row.package or ""
        url = PackageURL("rpm", "amzn", owner, row.version or None, {"distro": manifest.os}) if owner else None
        yield Component(
            type=ComponentType.LIBRARY,
            name=row.soname,
            version=row.version or None,
            bom_ref=f"library:{row.soname}",
            purl=url,
            licenses=_licence(row.license or NONE),
            properties=[_property("package", owner)] if owner else [],
        )


def _sources(manifest: Manifest) -> Iterator["Component"]:
    """Yield upstream code that the recipe pins."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.component import Component, ComponentType

    for row in manifest.sources:
        kind = ExternalReferenceType.VCS if row.git else ExternalReferenceType.SOURCE_DISTRIBUTION
        hashes = [_sha256(row.sha256)] if row.sha256 else []
        reference = ExternalReference(type=kind, url=XsUri(row.address), hashes=hashes)
        yield Component(
            type=ComponentType.LIBRARY,
            name=row.name,
            version=row.commit or manifest.layer_version,
            bom_ref=f"source:{row.name}",
            hashes=hashes,
            external_references=[reference],
        )


def _images(manifest: Manifest) -> Iterator["Component"]:
    """Yield the images that the layer is compiled in and made for: not parts of it, hence `excluded`."""
    from cyclonedx.model.component import Component, ComponentScope, ComponentType

    for role, image in (("build_image", manifest.build_image), ("image", manifest.image)):
        if image:
            yield Component(
                type=ComponentType.CONTAINER,
                name=image.name,
                version=image.digest,
                bom_ref=f"{role}:{image.name}",
                scope=ComponentScope.EXCLUDED,
                hashes=[_sha256(image.digest.removeprefix("sha256:"))] if image.digest else [],
                properties=[_property("role", role)],
            )


# ---- small things --------------------------------------------------------------------------------------------------


def _sha256(value: str) -> "HashType":
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=value)


def _integrity(text: str | None) -> "list[HashType]":
    """Turn npm's integrity (base64) into a hash (hexadecimal)."""
    import base64

    from cyclonedx.model import HashAlgorithm, HashType

    if not text or not text.startswith("sha512-"):
        return []
    digest = base64.b64decode(text.split(" ")[0].removeprefix("sha512-")).hex()
    return [HashType(alg=HashAlgorithm.SHA_512, content=digest)]


def _property(name: str, value: str) -> "Property":
    from cyclonedx.model import Property

    return Property(name=f"{_PREFIX}:{name}", value=value)


def _licence(text: str) -> "list[License]":
    from cyclonedx.contrib.license.factories import LicenseFactory

    return [] if text == NONE else [LicenseFactory().make_from_string(text)]
