"""Licenses of the packages in a layer: declared expressions, texts, and a policy over them."""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import Any

from builder.base.frozen import dataclass
from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.model.manifest import LibraryRow, LicenceRow

NONE = "NOASSERTION"
"""The SPDX value for a package that declares no license (SPDX 2.3, 7.13)."""
_TEXT = re.compile(r"(?:^|/)(?:LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|UNLICENSE)(?:[.\-_][^/]*)?$", re.IGNORECASE)


def is_text(path: str) -> bool:
    """Return whether a path is that of the text of a license."""
    return bool(_TEXT.search(path))


def declared(content: Tree, packages: Iterable[Installed]) -> list[LicenceRow]:
    """Return what each package in a layer declares, in the order of names."""
    texts = sorted(path for path in content.paths() if _TEXT.search(path))
    found = {(one.name, one.version): _licence(one, texts) for one in packages}
    return [found[key] for key in sorted(found)]


def brought(rows: Iterable[LibraryRow], paths: Iterable[str]) -> list[LicenceRow]:
    """Return the licenses of bundled libraries of the operating system; `rows` are `libraries` of the manifest."""
    owners = {(row.package, row.version or ""): row.license or NONE for row in rows if row.package}
    texts = sorted(path for path in paths if path.startswith(LICENSE_TEXTS))
    return [
        LicenceRow(
            package=name,
            version=version,
            license=expression,
            texts=tuple(path for path in texts if path.startswith(f"{LICENSE_TEXTS}{name}/")),
        )
        for (name, version), expression in sorted(owners.items())
    ]


def _licence(one: Installed, texts: Sequence[str]) -> LicenceRow:
    return LicenceRow(
        package=one.name,
        version=one.version,
        license=one.license or NONE,
        texts=tuple(path for path in texts if path.startswith(f"{one.folder}/")),
    )


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
