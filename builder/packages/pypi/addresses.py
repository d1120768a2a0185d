"""Requirements with addresses: wheels and sdists, folders with a project, and repositories of git."""

import re
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement

from builder.base.frozen import dataclass
from builder.model import pep508
from builder.packages.pypi.local import place
from builder.packages.pypi.local.place import NamedPlace
from builder.packages.pypi.requirement_lines import RefusedError

ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
"""Suffixes of files with a hash: wheels, and sdists, which are never built on this host."""
_PLACE = re.compile(r"\.|.*[/\\:@]")
"""What a path or an address looks like, and a mistyped requirement does not."""
_ADDRESS = re.compile(r"(?P<address>[^\s;\[]+)(?P<extras>\s*\[[^\]]*\])?(?P<rest>\s*(?:;.*)?)")
_NAMED = re.compile(r"[\w.\-\[\], ]+@\s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Where a requirement stands."""

    where: str
    """File and line, for messages."""
    folder: Path
    """The folder that paths count from."""
    roots: tuple[Path, ...] = ()
    """The folders that places must be in; none if the user names them on a command line."""
    places: dict[str, NamedPlace] = field(default_factory=dict)
    """Gets the places that are named, by the address in the requirement that is returned."""


def is_place(text: str) -> bool:
    """Tell whether a text that is no requirement is the path or the address of a project."""
    word = text.strip().partition(" ")[0]
    return bool(_PLACE.match(word)) and not word.lower().endswith(ARCHIVES)


def is_named(text: str) -> bool:
    """Tell whether a text names the package before its address: `NAME[EXTRA] @ ADDRESS`."""
    return _NAMED.match(text) is not None


def requirement(text: str, spot: Spot) -> str:
    """Return a requirement with an absolute address if it has one. Raises RefusedError for one that cannot be read."""
    try:
        parsed = pep508.parsed(text)
    except InvalidRequirement:
        return _nameless(text, spot)
    if parsed.url:
        parsed.url = _located(parsed.url, spot) or _placed(parsed.url, spot, text)[0]
    elif parsed.name.lower().endswith(ARCHIVES):
        return _nameless(text, spot)  # `a-1.0.whl` is also a valid name
    return str(parsed)


def editable(text: str, spot: Spot) -> str:
    """Return the requirement of a project that is named by its place alone. In a layer it is what the project holds."""
    quoted = re.fullmatch(r"(?P<mark>[\"'])(?P<text>.*)(?P=mark)", text)
    match = _ADDRESS.fullmatch(quoted["text"] if quoted else text)
    if match is None:
        raise RefusedError
    address, name = _placed(match["address"], spot, text)
    return f"{name}{(match['extras'] or '').strip()} @ {address} {match['rest'].strip()}".strip()


def _nameless(text: str, spot: Spot) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not (_PLACE.match(match["address"]) or match["address"].lower().endswith(ARCHIVES)):
        raise RefusedError("not a valid requirement")  # noqa: EM101, TRY003
    located = _located(match["address"], spot)
    return f"{located}{match['extras'] or ''}{match['rest']}" if located else editable(text, spot)


def _located(address: str, spot: Spot) -> str | None:
    """Return the absolute address of a wheel or an sdist; None for a folder or a repository."""
    if re.search(r"\s", address):
        raise RefusedError("an address has no spaces")  # noqa: EM101, TRY003
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        if not unquote(parts.path).lower().endswith(ARCHIVES):
            raise RefusedError("a web address is that of a wheel or an sdist")  # noqa: EM101, TRY003
        return address
    from urllib.request import url2pathname

    path = url2pathname(parts.path) if parts.scheme == "file" else address
    if "+" in parts.scheme or ("://" in address and parts.scheme != "file") or not path.lower().endswith(ARCHIVES):
        return None
    if Path(path).is_dir() or (spot.folder / path).is_dir():
        return None
    return address if parts.scheme == "file" else _existing(path, spot.folder).as_uri()


def _existing(path: str, folder: Path) -> Path:
    """Return an absolute path: below the current folder, as for pip and uv, or else beside the file."""
    here = Path(path).resolve()
    return here if here.exists() else (folder / path).resolve()


def _placed(address: str, spot: Spot, text: str) -> tuple[str, str]:
    """Note a folder or a repository, and return its address and the name of its package."""
    try:
        repository = place.git(address)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    told = place.redacted(text)
    if repository:
        found = repository.address
        name = repository.egg or ""
        spot.places[found] = NamedPlace(where=spot.where, told=told, roots=spot.roots, git=repository)
        if not name and not is_named(text):
            raise RefusedError("write `NAME @ ` before it")  # noqa: EM101, TRY003
        return found, name
    folder = place.folder(address, spot.folder)
    if folder is None or not folder.is_dir():
        raise RefusedError("there is no such folder" if folder else "the address of another host")
    from builder.packages.pypi.local import building  # only local packages need the backends

    folder = folder.resolve()
    _refuse(folder, spot.roots)
    spot.places[folder.as_uri()] = NamedPlace(where=spot.where, told=address, roots=spot.roots, folder=folder)
    return folder.as_uri(), building.name(folder) or _unnamed(folder)


def _refuse(folder: Path, roots: Sequence[Path]) -> None:
    if roots and not any(folder.is_relative_to(root.resolve()) for root in roots):
        raise RefusedError("a folder outside of the repository")  # noqa: EM101, TRY003
    if not any((folder / name).is_file() for name in place.MARKS):
        msg = f"a folder without a project: it has none of {', '.join(place.MARKS)}"
        raise RefusedError(msg)


def _unnamed(folder: Path) -> str:
    msg = f"its name is only known to its backend: write `NAME @ {folder.as_uri()}`"
    raise RefusedError(msg)
