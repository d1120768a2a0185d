"""The programs of a package of cargo, by its manifest and its files."""

import re
from collections.abc import Collection, Iterator, Mapping

_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
_OF_FOLDER = re.compile(r"src/bin/(?P<name>[^/]+)(?:\.rs|/main\.rs)")


def names(manifest: Mapping[str, object], files: Collection[str]) -> list[str]:
    """Return the names of the programs that cargo makes without further features; `files` are relative to the package.

    They are those of [[bin]], src/main.rs under the package's name, and each of src/bin, unless `autobins` is off:
    https://doc.rust-lang.org/cargo/reference/cargo-targets.html
    """
    package = manifest.get("package")
    named = package if isinstance(package, Mapping) else {}
    rows = manifest.get("bin")
    listed = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    found = [row.get("name") for row in listed if not row.get("required-features")]
    if named.get("autobins") is not False:
        found += _inferred(str(named.get("name")), files)
    optional = {row.get("name") for row in listed if row.get("required-features")}
    valid = [name for name in found if isinstance(name, str) and _PROGRAM.fullmatch(name) and name not in optional]
    return list(dict.fromkeys(valid))


def _inferred(package: str, files: Collection[str]) -> Iterator[str]:
    if "src/main.rs" in files:
        yield package
    yield from (match["name"] for path in sorted(files) if (match := _OF_FOLDER.fullmatch(path)))
