"""`dist/<target>.cdx.json`: everything that a layer is made of, as CycloneDX (ECMA-424), for scanners and lawyers."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.layer.licences import NONE, Licence

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License
    from packageurl import PackageURL

_PREFIX = "layerwright"
"""Of properties that CycloneDX has no field for."""
_NAMESPACE = uuid.UUID("8f0c1f0a-6f0e-5d0a-9d38-2b9f5a4f6a11")
"""Ours, so that equal zips have equal serial numbers."""


def render(described: Mapping[str, Any], licences: Sequence[Licence]) -> str:
    """Return the bill of materials of a layer, from its manifest and what its packages declare.

    The same zip gives the same text: no time of day, and a serial number that follows from the content.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    said = {(one.package, one.version): one.expression for one in licences}
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, described["zip"]["sha256"]))
    bom.metadata.component = _layer(described)
    bom.metadata.tools.components.add(_tool())
    parts = [*_packages(described, said), *_libraries(described), *_sources(described), *_images(described)]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(bom.metadata.component, parts)
    found = json.loads(JsonV1Dot6(bom).output_as_string())
    found["metadata"].pop("timestamp", None)
    return json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _layer(described: Mapping[str, Any]) -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType.APPLICATION,
        name=described["name"],
        version=described["layer_version"],
        description=described["description"],
        bom_ref=described["target"],
        licenses=_licence(described["license"]),
        hashes=[_sha256(described["zip"]["sha256"])],
        properties=[
            _property("target", described["target"]),
            *(_property("runtime", name) for name in described["runtimes"]),
            *(_property("architecture", name) for name in described["architectures"]),
            _property("plan_digest", described["plan_digest"]),
        ],
    )


def _tool() -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(type=ComponentType.APPLICATION, name=_PREFIX, version=__version__, bom_ref=_PREFIX)


def _packages(described: Mapping[str, Any], said: Mapping[tuple[str, str], str]) -> Iterator["Component"]:
    """Yield what package managers brought, each with the hash of the file that it came as."""
    from cyclonedx.model.component import Component, ComponentType

    for row in described["packages"]:
        name, version = row["name"], row["version"]
        url = package_url(row)
        expression = said.get((_installed_name(row), version), NONE)
        group, _, short = name.rpartition(":")
        yield Component(
            type=ComponentType.LIBRARY,
            group=group or None,
            name=short,
            version=version,
            bom_ref=str(url),
            purl=url,
            licenses=_licence(expression),
            hashes=[_sha256(row["sha256"])] if row.get("sha256") else _integrity(row.get("integrity")),
            properties=[_property("route", row["route"]), _property("file", row["file"])],
        )


def _installed_name(row: Mapping[str, Any]) -> str:
    """Return the name under which a layer shows a package: jars have no group there."""
    return str(row["name"]).rpartition(":")[2]


def package_url(row: Mapping[str, Any]) -> "PackageURL":
    """Return the package URL of a row of the manifest (https://github.com/package-url/purl-spec)."""
    from packageurl import PackageURL

    name, kind = str(row["name"]), str(row.get("ecosystem", "generic"))
    if kind == "maven":
        group, _, name = name.partition(":")
        return PackageURL("maven", group, name, row["version"])
    scope, _, short = name.rpartition("/")
    return PackageURL(kind, scope or None, short, row["version"])


def _libraries(described: Mapping[str, Any]) -> Iterator["Component"]:
    """Yield the shared libraries that came along from the build image's operating system."""
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    for row in described["libraries"]:
        owner = row.get("package") or ""
        url = (
            PackageURL("rpm", "amzn", owner, row.get("version") or None, {"distro": described["os"]}) if owner else None
        )
        yield Component(
            type=ComponentType.LIBRARY,
            name=row["soname"],
            version=row.get("version") or None,
            bom_ref=f"library:{row['soname']}",
            purl=url,
            licenses=_licence(row.get("license") or NONE),
            properties=[_property("package", owner)] if owner else [],
        )


def _sources(described: Mapping[str, Any]) -> Iterator["Component"]:
    """Yield upstream code that the recipe pins."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.component import Component, ComponentType

    for row in described.get("sources", ()):
        kind = ExternalReferenceType.VCS if row.get("git") else ExternalReferenceType.SOURCE_DISTRIBUTION
        hashes = [_sha256(row["sha256"])] if row.get("sha256") else []
        where = ExternalReference(type=kind, url=XsUri(row.get("git") or row["url"]), hashes=hashes)
        yield Component(
            type=ComponentType.LIBRARY,
            name=row["name"],
            version=row.get("commit") or described["layer_version"],
            bom_ref=f"source:{row['name']}",
            hashes=hashes,
            external_references=[where],
        )


def _images(described: Mapping[str, Any]) -> Iterator["Component"]:
    """Yield the images that the layer is compiled in and made for: not parts of it, hence `excluded`."""
    from cyclonedx.model.component import Component, ComponentScope, ComponentType

    for role in ("build_image", "image"):
        image = described.get(role)
        if image:
            yield Component(
                type=ComponentType.CONTAINER,
                name=image["name"],
                version=image["digest"],
                bom_ref=f"{role}:{image['name']}",
                scope=ComponentScope.EXCLUDED,
                hashes=[_sha256(image["digest"].removeprefix("sha256:"))] if image["digest"] else [],
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
