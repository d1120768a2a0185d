"""Go modules in anybody's layer, by what its programs say of themselves."""

import re
from collections.abc import Iterator

from builder.base.frozen import dataclass
from builder.layer.installed import Installed, programs
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.packages.go import PURL_TYPE, buildinfo, licence_text

FOLDER = f"{LICENSE_TEXTS}go/"
"""Where a build puts the texts of modules, each in `<module>@<version>`; see `builder/container/steps/go.sh`."""
STANDARD = "stdlib"
"""The name of Go's own library in package URLs and in Go's database of vulnerabilities."""
_LICENSE = "BSD-3-Clause"
"""That of Go itself (https://go.dev/LICENSE); distributions hand it on with other texts beside it."""
_TEXT = re.compile(r"(?:LICEN[CS]E|COPYING|UNLICENSE)(?:[.\-_][^/]*)?", re.IGNORECASE)
_MOST_TEXT = 64 << 10


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the modules of each program; each program has a root of its own, so that none of them clash."""
    texts = _texts(content)
    for entry in programs(content):
        if info := buildinfo.read(entry.content.read()):
            if info.go:
                yield _installed(entry, STANDARD, info.go, _LICENSE)
            for module in info.modules:
                text = texts.get(f"{FOLDER}{module.path}@{module.version}")
                yield _installed(entry, module.path, module.version, text.license if text else "")


def _installed(entry: Entry, name: str, version: str, license_name: str) -> Installed:
    return Installed(
        ecosystem=PURL_TYPE,
        root=entry.path,
        name=name,
        version=version,
        described=entry.path,
        license=license_name,
        folder=f"{FOLDER}{name}@{version}",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text:
    """The licenses of one module's texts."""

    names: frozenset[str]

    @property
    def license(self) -> str:
        """The one license of all texts; two of them may be alternatives or not."""
        return next(iter(self.names)) if len(self.names) == 1 else ""


def _texts(content: Tree) -> dict[str, _Text]:
    names: dict[str, set[str]] = {}
    for entry in content:
        if entry.path.startswith(FOLDER) and _TEXT.fullmatch(entry.name) and entry.size <= _MOST_TEXT:
            text = entry.content.read().decode(errors="replace")
            names.setdefault(entry.parent, set()).add(licence_text.name(text))
    return {folder: _Text(names=frozenset(found)) for folder, found in names.items()}
