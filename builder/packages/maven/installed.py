"""Jars in anybody's layer, with the license of their pom or manifest."""

import io
import re
import zipfile
from collections.abc import Iterator

from builder.layer.installed import Installed
from builder.layer.tree import Tree

_JAR = re.compile(r"^java/lib/(?P<name>[^/]+?)-(?P<version>\d[^/]*)\.jar$")
_POM_LICENSE = re.compile(r"<license>\s*<name>([^<]+)</name>", re.DOTALL)
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
                license=_license(entry.content.read()) if entry.size <= _MOST else "",
                folder=entry.path,
            )


def _license(data: bytes) -> str:
    """Return the license of the pom in a jar, else the Bundle-License of its manifest."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as jar:
            names = jar.namelist()
            poms = [name for name in names if name.startswith("META-INF/maven/") and name.endswith("/pom.xml")]
            for name in poms:
                if declared := _POM_LICENSE.findall(jar.read(name).decode(errors="replace")):
                    return " OR ".join(text.strip() for text in declared)
            if "META-INF/MANIFEST.MF" in names:
                text = jar.read("META-INF/MANIFEST.MF").decode(errors="replace").replace("\r\n ", "")
                match = re.search(r"^Bundle-License: ([^\r\n]+)", text, re.MULTILINE)
                return match[1].strip() if match else ""
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
        pass  # the check `jar` reports a damaged file
    return ""
