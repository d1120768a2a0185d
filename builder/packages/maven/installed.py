"""Jars in anybody's layer, with the license of their pom or manifest."""

import re
import zipfile
from collections.abc import Iterator

from builder.layer import jars
from builder.layer.installed import Installed
from builder.layer.tree import Entry, Tree

_JAR = re.compile(r"^java/lib/(?P<name>[^/]+?)-(?P<version>\d[^/]*)\.jar$")
_POM_LICENSE = re.compile(r"<license>\s*<name>([^<]+)</name>", re.DOTALL)
_BUNDLE_LICENSE = re.compile(r"^Bundle-License: ([^\r\n]+)", re.MULTILINE)
_MANIFEST = "META-INF/MANIFEST.MF"
_MOST = 64 << 20
"""Limit for jars that are opened for their license, in bytes."""


def installed(content: Tree) -> Iterator[Installed]:
    """Yield the jars on the class path of the runtime that have a version in their names."""
    for entry in content:
        if (match := _JAR.match(entry.path)) and entry.link is None:
            yield Installed(
                ecosystem="maven",
                root="java/lib",
                name=match["name"],
                version=match["version"],
                described=entry.path,
                license=_license(entry) if entry.size <= _MOST else "",
                folder=entry.path,
            )


def _license(entry: Entry) -> str:
    """Return the license of a jar; none of a damaged one, which the check `jar` reports."""
    try:
        with jars.opened(entry) as jar:
            return _declared(jar)
    except jars.DamagedJarError:
        return ""


def _declared(jar: zipfile.ZipFile) -> str:
    """Return the license of the pom in a jar, else the Bundle-License of its manifest."""
    names = jar.namelist()
    poms = [name for name in names if name.startswith("META-INF/maven/") and name.endswith("/pom.xml")]
    for name in poms:
        if declared := _POM_LICENSE.findall(jars.text(jar, name)):
            return " OR ".join(text.strip() for text in declared)
    if _MANIFEST not in names:
        return ""
    match = _BUNDLE_LICENSE.search(jars.text(jar, _MANIFEST).replace("\r\n ", ""))
    return match[1].strip() if match else ""
