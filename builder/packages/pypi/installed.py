"""Python packages in anybody's layer: their metadata, licenses, modules, sizes and requirements."""

import re
from collections.abc import Iterable, Iterator, Mapping
from email.parser import BytesHeaderParser

from packaging.utils import canonicalize_name

from builder.layer.installed import Installed, description
from builder.layer.names import SITE_PACKAGES
from builder.layer.tree import Entry, Tree
from builder.model import pep508
from builder.model.target import Target
from builder.packages.dividing import Weighed
from builder.packages.pypi import metadata
from builder.packages.pypi.markers import applies

_DIST_INFO = re.compile(r"(?:^|/)(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA$")
_AT_THE_TOP = re.compile(r"^python/(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA$")
_INITIAL = re.compile(r"python/[^/]+/__init__\.py|python/[^/]+\.py")
_STATEMENT = re.compile(rb"^(?:License-Expression|License|Classifier): (?P<text>[^\n]{1,300})$", re.MULTILINE)
_OTHER_CLASSIFIERS = ("Programming", "Operating", "Topic", "Intended")
_CLASSIFIER = re.compile(r"License :: (?:OSI Approved(?: :: |$))?")
_NAME_LENGTH = 100
"""In characters. Longer values are the text of the license in the place of its name."""


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the packages whose METADATA is in a layer, wherever in it."""
    for entry in content:
        match = _DIST_INFO.search(entry.path)
        if match is None or entry.link is not None:
            continue
        data = description(entry)
        texts = [text.decode(errors="replace") for text in _STATEMENT.findall(data.partition(b"\n\n")[0])]
        yield Installed(
            ecosystem="pypi",
            root=entry.path[: match.start()],
            name=canonicalize_name(match["name"]),
            version=match["version"],
            described=entry.path,
            license=license_of(data),
            statements=tuple(text for text in texts if not text.startswith(_OTHER_CLASSIFIERS)),
            folder=entry.parent,
        )


def license_of(data: bytes) -> str:
    """Return the license that METADATA or PKG-INFO declares: License-Expression; before 2.4, License or classifiers."""
    headers = BytesHeaderParser().parsebytes(data)
    if expression := str(headers.get("License-Expression") or "").strip():
        return expression
    name = str(headers.get("License") or "").strip()
    if name and name != "UNKNOWN" and "\n" not in name and len(name) <= _NAME_LENGTH:
        return name
    classifiers = [str(text) for text in headers.get_all("Classifier", [])]
    names = [_CLASSIFIER.sub("", text, count=1) for text in classifiers if _CLASSIFIER.match(text)]
    return " AND ".join(name for name in names if name)


def modules(content: Tree) -> Iterator[str]:
    """Yield the names that `import` finds at the top of a layer."""
    for entry in content:
        inside = SITE_PACKAGES.sub("", entry.path)
        if inside == entry.path:
            continue
        first, _, rest = inside.partition("/")
        name = first if rest in {"__init__.py", "__init__.pyc"} else first.partition(".")[0]
        code = rest.startswith("__init__.") if rest else first.endswith((".py", ".so"))
        if code and name.isidentifier() and not name.startswith("__") and name not in {"conftest", "setup"}:
            yield name


def weigh(content: Tree, target: Target) -> Mapping[str, Weighed]:
    """Return the packages of a layer: sizes and files by their RECORDs, needs by their METADATA."""
    entries = {entry.path: entry for entry in content}
    described = [(entry, match) for entry in content if (match := _AT_THE_TOP.match(entry.path))]
    packages = [_weighed(entry, match, entries, target) for entry, match in described]
    return {package.name: package for package in packages}


def _weighed(described: Entry, match: re.Match[str], entries: Mapping[str, Entry], target: Target) -> Weighed:
    record = entries.get(f"{described.parent}/RECORD")
    listed = metadata.recorded(description(record)) if record else ()
    paths = {f"python/{path}" for path in listed} & entries.keys()
    top = {path for path in paths if _INITIAL.fullmatch(path)}
    return Weighed(
        name=canonicalize_name(match["name"]),
        version=match["version"],
        bytes=sum(entries[path].size for path in paths),
        needs=frozenset(_needs(description(described).decode("utf-8", errors="replace"), target)),
        files=frozenset(paths),
        modules=frozenset(_top_level(paths)),
        landmark=min(top, default=described.path),
    )


def _top_level(paths: Iterable[str]) -> Iterator[str]:
    """Yield the names that `import` finds, those of namespace packages included."""
    for path in paths:
        first, _, rest = path.removeprefix("python/").partition("/")
        name = first if rest else first.partition(".")[0]
        if name.isidentifier():
            yield name


def _needs(described: str, target: Target) -> Iterator[str]:
    """Yield the names of the packages that a package requires on the target, without extras."""
    from packaging.markers import InvalidMarker
    from packaging.requirements import InvalidRequirement

    for line in described.partition("\n\n")[0].splitlines():
        if line.startswith("Requires-Dist:"):
            try:
                requirement = pep508.parsed(line.partition(":")[2].strip())
                if applies(requirement.marker, target):
                    yield canonicalize_name(requirement.name)
            except (InvalidRequirement, InvalidMarker):
                continue
