"""Cargo.lock: the crates of a program, each with its SHA-256. Our `cargo.lock` has no address of a registry."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Annotated

from builder.base import credentials, texts
from builder.base.frozen import dataclass
from builder.base.values import Sha256, StoredSha256, UntrustedError, matching, stored
from builder.packages.ecosystem import unindexed, unreadable

HEADER = "# Written by `layerwright lock`: every crate of the program, with its hash.\n"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
VERSION = re.compile(r"\d{1,20}\.\d{1,20}\.\d{1,20}(?:-[0-9A-Za-z.-]{1,80})?(?:\+[0-9A-Za-z.-]{1,80})?")
_NEEDED = re.compile(r"(?P<name>[^ ]+)(?: (?P<version>[^ ]+))?(?: \([^()]*\))?")
_NEED = re.compile(f"{NAME.pattern}(?: {VERSION.pattern})?")
_REGISTRY = re.compile(r"(?:registry|sparse)\+(?P<address>.+)")
PLACEHOLDER = "registry"
"""The source of every crate in our own lock; the build image's cargo tells the address of its registry."""
_FORMAT = 3
"""Of the locks that are written: the newest that every cargo since 1.53 reads."""

StoredCrateName = Annotated[str, stored(NAME, "a valid name of a crate")]
StoredCrateVersion = Annotated[str, stored(VERSION, "a valid version of a crate")]
Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Crate:
    """One package of a lock."""

    name: StoredCrateName
    version: StoredCrateVersion
    sha256: StoredSha256 | None
    """Of its .crate file; None for the packages of the project itself."""
    needs: tuple[Annotated[str, stored(_NEED, "a dependency")], ...] = ()
    """`name`, or `name version` where the lock has several of that name."""


def read(text: str, where: str, command: str) -> tuple[Crate, ...]:
    """Return the crates of a lock, or raise UsageError with every mistake in it; `command` writes the lock anew.

    Crates of a repository, a folder or a second registry are refused before other mistakes.
    """
    try:
        document = texts.parse_toml(text)
    except texts.MalformedError as error:
        raise unreadable(where, "Cargo.lock", [str(error)], command) from None
    rows = _rows(document.get("package"))
    sums = _rows([document.get("metadata")])
    crates, wrong = [], [] if rows else ["it has no [[package]]"]
    for number, row in enumerate(rows, 1):
        try:
            crates.append(_crate(row, sums[0] if sums else {}, f"package {number}"))
        except UntrustedError as error:
            wrong.append(error.brief)
    if foreign := list(_foreign(rows)):
        way = "put them into the folder and name them with `path`, or publish them to the registry"
        raise unindexed(packages="Crates", why=[f"{where}: {text}" for text in foreign], way=way)
    wrong += _inconsistent(crates)
    if wrong:
        raise unreadable(where, "Cargo.lock", [credentials.redact(line) for line in wrong], command)
    return tuple(crates)


def _rows(value: object) -> list[Row]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _crate(row: Row, sums: Row, sender: str) -> Crate:
    name = matching(NAME, row.get("name"), sender, "a valid name of a crate")
    version = matching(VERSION, row.get("version"), name, "a valid version of a crate")
    source, needs = row.get("source"), row.get("dependencies", [])
    checksum = row.get("checksum") or sums.get(f"checksum {name} {version} ({source})")
    return Crate(
        name=name,
        version=version,
        sha256=None if source is None else Sha256.parse(checksum, f"{name} {version}"),
        needs=tuple(_needed(need, name) for need in (needs if isinstance(needs, list) else [needs])),
    )


def _needed(value: object, sender: str) -> str:
    """Return a dependency as `name` or `name version`; old locks add the source."""
    match = _NEEDED.fullmatch(matching(_NEEDED, value, sender, "a valid dependency"))
    name, version = (match["name"], match["version"]) if match else ("", None)
    matching(NAME, name, sender, "a valid name of a crate")
    return f"{name} {matching(VERSION, version, sender, 'a valid version of a crate')}" if version else name


def _foreign(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the packages that are not of the registry: a git repository, a folder, a second registry."""
    first: str | None = None
    for row in rows:
        source = row.get("source")
        if source is None or source == PLACEHOLDER:
            continue
        match = _REGISTRY.fullmatch(str(source))
        first = first or (match["address"] if match else None)
        if match is None or match["address"] != first:
            yield f"{row.get('name')}: comes from {source}, which is not the registry"


def _inconsistent(crates: Sequence[Crate]) -> Iterator[str]:
    counts = Counter((crate.name, crate.version) for crate in crates)
    yield from (f"{name} {version} is there twice" for (name, version), count in counts.items() if count > 1)
    there = {crate.name for crate in crates} | {f"{crate.name} {crate.version}" for crate in crates}
    for crate in crates:
        yield from (f"{crate.name} needs {need}, which is not in it" for need in crate.needs if need not in there)


def write(crates: Iterable[Crate], header: str = HEADER) -> str:
    """Return the text of a lock, with a placeholder for the registry's address."""
    blocks = [_block(crate) for crate in sorted(crates, key=attrgetter("name", "version"))]
    return f"{header}version = {_FORMAT}\n\n" + "\n".join(blocks)


def _block(crate: Crate) -> str:
    lines = ["[[package]]", f'name = "{crate.name}"', f'version = "{crate.version}"']
    if crate.sha256:
        lines += [f'source = "{PLACEHOLDER}"', f'checksum = "{crate.sha256}"']
    if crate.needs:
        lines += ["dependencies = [", *(f' "{need}",' for need in crate.needs), "]"]
    return "".join(f"{line}\n" for line in lines)


def root(crates: Sequence[Crate], name: str, version: str) -> Crate | None:
    """Return the crate that a lock was made for, which none of its other crates needs. None if it was for another."""
    needs = {need for crate in crates for need in crate.needs}
    found = (crate for crate in crates if (crate.name, crate.version) == (name, version) and crate.sha256)
    return None if needs & {name, f"{name} {version}"} else next(found, None)
