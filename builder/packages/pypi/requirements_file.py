"""Requirements files, which uv never reads itself: it would build an editable on this host to learn its requirements.

uv gets plain requirements instead: packages of an index, and the addresses of wheels and sdists. Everything else is
refused with the line that names it: editables, folders and repositories, which would have to be built on the host;
indexes, which the user's settings decide; files outside of the project; and variables of the environment, whose values
would be sent to whatever the line names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement

from builder.base import credentials, texts
from builder.base.errors import UsageError
from builder.model import pep508
from builder.packages.ecosystem import unindexed
from builder.packages.pypi import hashes

ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
"""Suffixes of files with a hash: wheels, and sdists, which are never built on this host."""
_OPTION = re.compile(r"(?P<name>--[A-Za-z-]+|-[A-Za-z])(?P<value>.*)")
_FILES = {"-r": False, "--requirement": False, "--requirements": False, "-c": True, "--constraint": True}
"""Options that name another file, and whether its lines are constraints."""
_INDEXES = frozenset({
    *("-i", "--index-url", "--extra-index-url", "--no-index"),
    *("-f", "--find-links", "--trusted-host"),
})  # fmt: skip
"""Options that say where packages come from. A lock is made and installed from the same indexes, and uv's own settings
name those; passwords and the names of private packages are sent to no host that a file adds."""
_PASSED = frozenset({"--no-binary", "--only-binary", "--prefer-binary", "--pre", hashes.REQUIRED})
"""Options about the choice of versions and files. They are passed to uv, which warns about unsupported ones."""
_VARIABLE = re.compile(r"\$\{[A-Za-z0-9_]+\}")
_EDITABLE = ("-e", "--editable")
_PROJECTS = ("setup.py", "setup.cfg")
_PLACE = re.compile(r"\.|.*[/\\:@]")
"""What a path or an address looks like, and a mistyped requirement does not."""
_ADDRESS = re.compile(r"(?P<address>[^\s;\[]+)(?P<rest>\s*(?:\[[^\]]*\])?\s*(?:;.*)?)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """The content of requirements files, as lines that uv can read safely."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    options: tuple[str, ...]
    hashed: bool = False
    """Whether each package needs a hash, because a file gives one or says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """One logical line, without its comment."""

    file: Path
    text: str
    shown: bool
    number: int | None = None
    """None for a line that a project or a lock stands for."""

    def told(self, why: str) -> str:
        text = credentials.redact(self.text) if self.shown else "this line"
        where = self.file.as_posix() if self.number is None else f"{self.file.as_posix()}:{self.number}"
        return f"{where}: {text}{f' ({why})' if why else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What has been read so far."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    """Folders of the files that the user names. What other files say is told to nobody: it may be a secret."""
    projects: set[Path] = field(default_factory=set)
    """Folders that a file may name files of."""
    hashed: set[Path] = field(default_factory=set)
    """Requirements files that give a hash or ask for them. A lock of a project is as complete as its tool makes it."""
    seen: set[tuple[Path, bool]] = field(default_factory=set)
    """Files that were read, and whether as constraints; they can name each other."""


class _RefusedError(Exception):
    """Says why a line is not handed on; empty when the line itself tells it."""


def read(files: Iterable[Path], requirements: Sequence[str] = ()) -> Plain:
    """Read requirements, and files with all the files that they name; UsageError with every line that is refused."""
    found = _Found()
    for text in requirements:
        _direct_only(text, found)
    named = list(files)
    found.named.update(path.resolve().parent for path in named)
    found.projects.update(_project(path.resolve().parent) for path in named)
    for path in named:
        _read(path, found, constraints=False)
    if found.refused:
        raise refusal(found.refused)
    return Plain(
        requirements=(*requirements, *found.requirements),
        constraints=tuple(found.constraints),
        options=tuple(found.options),
        hashed=bool(found.hashed),
    )


def refusal(why: Iterable[str]) -> UsageError:
    """Return the error for requirements that uv must not get."""
    way = (
        "`pip wheel --no-deps PATH` makes a wheel of a project, which `name @ file:///path/to/name.whl` names;"
        " or publish it to an index, and name that in UV_INDEX or uv.toml"
    )
    return unindexed(packages="Python requirements", why=why, way=way)


def is_place(text: str) -> bool:
    """Tell whether a text that is no requirement is an editable, or the path or the address of a project."""
    word = text.strip().partition(" ")[0]
    return word.startswith(_EDITABLE) or (bool(_PLACE.match(word)) and not word.lower().endswith(ARCHIVES))


def _project(folder: Path) -> Path:
    """Return the repository of a folder; else the folder that holds its recipes, or else the current one around it."""
    here = Path.cwd().resolve()
    if repository := next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None):
        return repository
    if (folder / "recipe.toml").is_file():
        folder = folder.parent.parent
    return here if folder.is_relative_to(here) and here != Path(here.anchor) else folder


def _direct_only(text: str, found: _Found) -> None:
    """Look at a requirement of a recipe or the command line: whether it is one was checked there."""
    try:
        if len(text.splitlines()) > 1:  # uv would read each of them by itself
            raise _RefusedError("more than one line")  # noqa: EM101, TRY003, TRY301
        if url := pep508.parsed(_constant(text)).url:
            _located(url, Path())
    except (_RefusedError, ValueError) as error:
        why = str(error).partition("\n")[0]
        told = " ".join(credentials.redact(text).split())
        found.refused.append(f"{told}{f' ({why})' if why else ''}")


def _read(path: Path, found: _Found, *, constraints: bool) -> None:
    if (path.resolve(), constraints) in found.seen:
        return
    found.seen.add((path.resolve(), constraints))
    from builder.packages.pypi import projects

    if projects.is_file_of_a_project(path):
        exported = (text.strip() for text in projects.lines(path))
        lines = [_Line(file=path, text=text, shown=True) for text in exported if text and not text.startswith("#")]
        _take_all(lines, found, constraints=constraints)
        return
    try:
        lines = list(_lines(path, shown=any(path.resolve().is_relative_to(folder) for folder in found.named)))
    except UsageError as error:
        found.refused.append(f"{path.as_posix()}: {'; '.join(error.why)}")
        return
    if path.name in _PROJECTS:
        found.refused.append(f"{path.as_posix()}: is a project, no requirements file")
        return
    if any(hashes.MARK.search(line.text) for line in lines):
        found.hashed.add(path)
    _take_all(lines, found, constraints=constraints)


def _take_all(lines: Iterable[_Line], found: _Found, *, constraints: bool) -> None:
    """Take each line, or note why it is refused."""
    for line in lines:
        try:
            _take(line, found, constraints=constraints)
        except _RefusedError as error:
            found.refused.append(line.told(str(error)))
        except (ValueError, RecursionError):  # no address, no path, or too many parentheses
            found.refused.append(line.told("not a valid requirement"))


def _lines(path: Path, *, shown: bool) -> Iterator[_Line]:
    """Yield lines as pip reads them: a backslash at the end continues one, `#` after a space begins a comment."""
    pending: list[str] = []
    every = texts.read(path).removeprefix("\ufeff").splitlines()
    for number, raw in enumerate(every, 1):
        continued = raw.endswith("\\") and number < len(every) and not raw.lstrip().startswith("#")
        pending.append(raw.removesuffix("\\"))
        if continued:
            continue
        text = re.sub(r"(^|\s)#.*$", "", "".join(pending)).strip()
        if text:
            yield _Line(file=path, number=number - len(pending) + 1, text=text, shown=shown)
        pending = []


def _take(line: _Line, found: _Found, *, constraints: bool) -> None:
    if option := _OPTION.fullmatch(line.text):
        _take_option(option["name"], option["value"].strip().removeprefix("=").strip(), line, found, constraints)
        return
    kept = found.constraints if constraints else found.requirements
    kept.append(_requirement(_constant(line.text), line.file))


def _take_option(name: str, value: str, line: _Line, found: _Found, constraints: bool) -> None:  # noqa: FBT001
    if name in _FILES:
        if "://" in (other := _constant(value).strip("\"'")):
            raise _RefusedError("a file of another host")  # noqa: EM101, TRY003
        path = line.file.parent / other
        if not any(path.resolve().is_relative_to(project) for project in found.projects):
            raise _RefusedError("a file outside of the project")  # noqa: EM101, TRY003
        _read(path, found, constraints=constraints or _FILES[name])
    elif name in _INDEXES:
        why = "name indexes in UV_DEFAULT_INDEX, UV_INDEX or UV_FIND_LINKS, or in uv.toml"
        raise _RefusedError(why)
    elif name in _PASSED:
        found.options.append(f"{name} {_constant(value)}".strip())
    else:
        raise _RefusedError("" if name in _EDITABLE else "this option is not known")


def _constant(text: str) -> str:
    """Return a text with single spaces. Raises _RefusedError if pip would fill in variables of the environment."""
    if _VARIABLE.search(text):
        raise _RefusedError("variables of the environment are not filled in")  # noqa: EM101, TRY003
    return " ".join(text.split())


def _requirement(text: str, file: Path) -> str:
    """Return a requirement with its hashes, and with an absolute address if it has one."""
    requirement, *options = re.split(r"\s(?=--?[A-Za-z])", text)
    try:
        hashed = hashes.options(options)
    except ValueError as error:
        raise _RefusedError(str(error)) from None
    return " ".join([_addressed(requirement, file), *hashed])


def _addressed(text: str, file: Path) -> str:
    try:
        requirement = pep508.parsed(text)
    except InvalidRequirement:
        return _nameless(text, file)
    if requirement.url:
        requirement.url = _located(requirement.url, file.parent)
    elif requirement.name.lower().endswith(ARCHIVES):
        return _nameless(text, file)  # `a-1.0.whl` is also a valid name
    return str(requirement)


def _nameless(text: str, file: Path) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not (_PLACE.match(match["address"]) or match["address"].lower().endswith(ARCHIVES)):
        raise _RefusedError("not a valid requirement")  # noqa: EM101, TRY003
    return _located(match["address"], file.parent) + match["rest"]


def _located(address: str, folder: Path) -> str:
    """Return the absolute address of a wheel or an sdist. Raises _RefusedError for anything else."""
    if re.search(r"\s", address):
        raise _RefusedError("an address has no spaces")  # noqa: EM101, TRY003
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        path = unquote(parts.path)
    elif parts.scheme == "file":
        from urllib.request import url2pathname

        path = url2pathname(parts.path)
    elif "://" in address or "+" in parts.scheme:
        raise _RefusedError
    else:
        path = address
    if not path.lower().endswith(ARCHIVES) or (parts.scheme not in {"http", "https"} and Path(path).is_dir()):
        raise _RefusedError
    return address if parts.scheme in {"http", "https", "file"} else _existing(path, folder).as_uri()


def _existing(path: str, folder: Path) -> Path:
    """Return an absolute path: below the current folder, as for pip and uv, or else beside the file."""
    here = Path(path).resolve()
    if here.exists():
        return here
    return (folder / path).resolve()
