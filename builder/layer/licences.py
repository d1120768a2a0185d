"""Licenses of the packages in a layer: declared expressions, texts, and a policy over them."""

import fnmatch
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Any

from builder.layer.inspect import Installed, installed
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS

NONE = "NOASSERTION"
"""The SPDX value for a package that declares no license (SPDX 2.3, 7.13)."""
_TEXT = re.compile(r"(?:^|/)(?:LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|UNLICENSE)(?:[.\-_][^/]*)?$", re.IGNORECASE)
_GEM_LICENCES = re.compile(r"\.licenses? = \[?(?P<listed>[^\]\n]*)")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")
_POM_LICENCE = re.compile(r"<license>\s*<name>([^<]+)</name>", re.DOTALL)
_CLASSIFIER = "License :: OSI Approved :: "
_NAME_LENGTH = 100
"""Characters. A longer value is the license text itself in place of the name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """The license of one package."""

    package: str
    version: str
    expression: str
    """SPDX expression or, in older packages, a free name; NONE if the package declares nothing."""
    texts: tuple[str, ...] = ()
    """Paths of the license texts in the layer."""

    def as_json(self) -> dict[str, Any]:
        return {
            "package": self.package,
            "version": self.version,
            "license": self.expression,
            "texts": list(self.texts),
        }


def declared(content: Tree) -> list[Licence]:
    """Return the declared license of each Python, Node.js, Ruby and Java package in a layer, sorted by name."""
    entries = {entry.path: entry for entry in content}
    texts = sorted(path for path in entries if _TEXT.search(path))
    found = {(one.name, one.version): _licence(one, entries, texts) for one in installed(content)}
    return [found[key] for key in sorted(found)]


def brought(rows: Iterable[Mapping[str, Any]], paths: Iterable[str]) -> list[Licence]:
    """Return the licenses of bundled libraries of the operating system; `rows` are `libraries` of the manifest."""
    said = {(row["package"], row.get("version", "")): row.get("license") or NONE for row in rows if row.get("package")}
    texts = sorted(path for path in paths if path.startswith(LICENSE_TEXTS))
    return [
        Licence(
            package=name,
            version=version,
            expression=expression,
            texts=tuple(path for path in texts if path.startswith(f"{LICENSE_TEXTS}{name}/")),
        )
        for (name, version), expression in sorted(said.items())
    ]


def _licence(one: Installed, entries: Mapping[str, Entry], texts: Sequence[str]) -> Licence:
    folder, read = _reader(one)
    return Licence(
        package=one.name,
        version=one.version,
        expression=read(entries[one.described].content.read()) or NONE,
        texts=tuple(path for path in texts if path.startswith(f"{folder}/")),
    )


def _reader(one: Installed) -> tuple[str, Callable[[bytes], str]]:
    """Return the folder of the texts of a package, and the function that reads the license from its metadata."""
    folder, _, file = one.described.rpartition("/")
    if file.endswith(".jar"):
        return one.described, _of_jar
    if file.endswith(".gemspec"):
        return one.root, _of_gem
    return folder, _of_npm if file == "package.json" else _of_wheel


def _of_wheel(data: bytes) -> str:
    """Read METADATA (core metadata 2.4: License-Expression; before that, License or classifiers)."""
    headers = BytesHeaderParser().parsebytes(data)
    if expression := str(headers.get("License-Expression") or "").strip():
        return expression
    name = str(headers.get("License") or "").strip()
    if name and name != "UNKNOWN" and "\n" not in name and len(name) <= _NAME_LENGTH:
        return name
    said = [str(text) for text in headers.get_all("Classifier", [])]
    return " AND ".join(text.removeprefix(_CLASSIFIER) for text in said if text.startswith(_CLASSIFIER))


def _of_npm(data: bytes) -> str:
    try:
        described = json.loads(data)
    except ValueError:
        return ""
    found = described.get("license") or described.get("licenses") or ""
    listed = found if isinstance(found, list) else [found]
    return " OR ".join(str(one.get("type", "") if isinstance(one, dict) else one) for one in listed)


def _of_gem(data: bytes) -> str:
    match = _GEM_LICENCES.search(data.decode(errors="replace"))
    return " OR ".join(_QUOTED.findall(match["listed"])) if match else ""


def _of_jar(data: bytes) -> str:
    """Read the pom that Maven adds, otherwise Bundle-License of the manifest."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as jar:
            names = jar.namelist()
            poms = [name for name in names if name.startswith("META-INF/maven/") and name.endswith("/pom.xml")]
            for name in poms:
                if said := _POM_LICENCE.findall(jar.read(name).decode(errors="replace")):
                    return " OR ".join(text.strip() for text in said)
            if "META-INF/MANIFEST.MF" in names:
                text = jar.read("META-INF/MANIFEST.MF").decode(errors="replace").replace("\r\n ", "")
                match = re.search(r"^Bundle-License: ([^\r\n]+)", text, re.MULTILINE)
                return match[1].strip() if match else ""
    except zipfile.BadZipFile:
        pass
    return ""


# ---- policy --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Patterns such as `GPL-*` or `MIT`, case-insensitive. An empty `allow` allows all licenses that are not denied."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def objection(self, expression: str) -> str | None:
        """Return the objection to an expression, or None. One allowed operand suffices for OR; AND needs all."""
        return self._judged(_parsed(expression), expression)

    def _judged(self, parsed: Any, text: str) -> str | None:  # noqa: ANN401  a node of license-expression
        if parsed is None:
            return self._one(text)
        operator = getattr(parsed, "operator", "").strip()
        if operator not in {"AND", "OR"}:
            return self._one(str(parsed))
        said = [self._judged(one, str(one)) for one in parsed.args]
        objections = [one for one in said if one]
        return next(iter(objections), None) if operator == "AND" or len(objections) == len(said) else None

    def _one(self, name: str) -> str | None:
        if _matches(name, self.deny):
            return f"`{name}` is denied"
        if self.allow and not _matches(name, self.allow):
            return f"`{name}` is not allowed"
        return None


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _parsed(expression: str) -> Any:  # noqa: ANN401
    """Return the expression as a tree, or None if it is not a valid SPDX expression."""
    from license_expression import ExpressionError, get_spdx_licensing

    try:
        return get_spdx_licensing().parse(expression, validate=True)
    except ExpressionError:
        return None
