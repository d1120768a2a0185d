"""`go.mod` (https://go.dev/ref/mod#go-mod-file): the modules that a program is compiled of."""

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Annotated

from builder.base.frozen import dataclass
from builder.base.values import STORED, StoredAs, stored, untrusted
from builder.model.go_module import VERSION, is_import_path, is_module_path
from builder.packages.ecosystem import unindexed, unreadable

_TOKEN = re.compile(
    r'\s*(?://(?P<comment>.*)|"(?P<quoted>[^"\\]*)"|`(?P<raw>[^`]*)`|(?P<plain>[()]|(?:(?!//)[^\s()"`])+))'
)
_GO = re.compile(r"1\.(?P<minor>\d{1,4})(?:\.\d{1,4}|rc\d+|beta\d+)?", re.ASCII)
_IGNORED = frozenset({"toolchain", "godebug", "exclude", "retract", "tool", "ignore"})
"""Directives that change nothing here: for Go's own tools, or for the choice of versions, which is made."""
_FOLDER = re.compile(r"\.{1,2}(?:[/\\]|$)|[/\\]|[A-Za-z]:")
"""How the path of a folder begins, on every host."""
_PRUNED = 17
"""The minor version of Go since which go.mod names every module of a program, not only those that it imports."""
_LONGEST = 200
"""Characters of a mistake that an error shows."""


def _module(value: str) -> str:
    if not is_module_path(value):
        raise untrusted(STORED, value, "the path of a module")
    return value


StoredModule = Annotated[str, StoredAs(parse=_module)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Require:
    """A module at its version."""

    path: StoredModule
    version: Annotated[str, stored(VERSION, "a version of a module")]
    indirect: bool = False
    """No package of the main module imports it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replace:
    """A module that another one stands in for."""

    path: str
    version: str
    """Empty for every version."""
    to: str
    """A module's path, or a folder that begins with `./` or `../`."""
    to_version: str
    """Empty for a folder."""

    @property
    def inside(self) -> bool:
        """Whether it is a module, or a folder below that of go.mod."""
        leaves = posixpath.normpath(self.to).startswith(("..", "/")) or "\\" in self.to or ":" in self.to
        return bool(self.to_version) or not leaves


@dataclass(frozen=True, kw_only=True, slots=True)
class GoMod:
    """What a go.mod says."""

    module: str
    requires: tuple[Require, ...] = ()
    replaces: tuple[Replace, ...] = ()

    @property
    def modules(self) -> Iterator[Require]:
        """Yield the modules that are downloaded, as go.sum names them: with replacements, without local folders."""
        for require in self.requires:
            other = self._replaced(require)
            if other is None:
                yield require
            elif other.to_version:
                yield Require(path=other.to, version=other.to_version, indirect=require.indirect)

    def _replaced(self, require: Require) -> Replace | None:
        fitting = [row for row in self.replaces if row.path == require.path and row.version in {"", require.version}]
        return max(fitting, key=lambda row: row.version, default=None)


@dataclasses.dataclass(slots=True)
class _GoModReader:
    """Collects what a go.mod says, and what is wrong with it."""

    module: str = ""
    go: str = ""
    requires: list[Require] = field(default_factory=list)
    replaces: list[Replace] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unindexed: list[str] = field(default_factory=list)
    """Replacements by folders that are not below that of go.mod."""

    def take(self, verb: str, words: Sequence[str], *, indirect: bool) -> str | None:
        """Take one line; return what is wrong with it."""
        if verb == "require":
            return self._require(words, indirect=indirect)
        if verb == "replace":
            return self._replace(words)
        if verb == "module":
            self.module, right = " ".join(words), len(words) == 1 and is_import_path(words[0])
            return None if right else f"`module {self.module}` names no module"
        if verb == "go":
            self.go = " ".join(words)
            return None if _GO.fullmatch(self.go) else f"`go {self.go}` names no version of Go"
        return None if verb in _IGNORED else f"`{verb}` is not a directive of go.mod"

    def _require(self, words: Sequence[str], *, indirect: bool) -> str | None:
        match words:
            case [path, version] if is_import_path(path) and VERSION.fullmatch(version):
                self.requires.append(Require(path=path, version=version, indirect=indirect))
                return None
        return f"`require {' '.join(words)}` is not a module and its version"

    def _replace(self, words: Sequence[str]) -> str | None:
        row = _replacement(words)
        if row is None:
            return f"`replace {' '.join(words)}` is not `module => module version` or `module => folder`"
        if not row.inside:
            self.unindexed.append(f"{row.path} is a folder of this host, {row.to}"[:_LONGEST])
            return None
        self.replaces.append(row)
        return None


def _replacement(words: Sequence[str]) -> Replace | None:
    """Return what stands before and behind the arrow of `replace`; None if it is neither a module nor a folder."""
    match [*words]:
        case [path, "=>", to] if _FOLDER.match(to):
            return Replace(path=path, version="", to=to, to_version="")
        case [path, version, "=>", to] if _FOLDER.match(to) and VERSION.fullmatch(version):
            return Replace(path=path, version=version, to=to, to_version="")
        case [path, "=>", to, other] if is_module_path(to) and VERSION.fullmatch(other):
            return Replace(path=path, version="", to=to, to_version=other)
        case [path, version, "=>", to, other] if is_module_path(to) and VERSION.fullmatch(version):
            return Replace(path=path, version=version, to=to, to_version=other) if VERSION.fullmatch(other) else None
    return None


def read(text: str, where: str, command: str) -> GoMod:
    """Return what a go.mod says. Raises UsageError with all its mistakes; `command` writes it anew.

    Folders of this host are refused before other mistakes.
    """
    reader = _GoModReader()
    for verb, words, indirect in _directives(text, reader.wrong):
        if problem := reader.take(verb, words, indirect=indirect):
            reader.wrong.append(problem if len(problem) <= _LONGEST else f"{problem[:_LONGEST]}…")
    if reader.unindexed:
        way = "move them below the folder of go.mod, or publish them"
        raise unindexed(packages="Go modules", why=[f"{where}: {text}" for text in reader.unindexed], way=way)
    if not reader.module:
        reader.wrong.append("it names no module")
    version = _GO.fullmatch(reader.go)
    if reader.requires and (version is None or int(version["minor"]) < _PRUNED):
        line = f"`go {reader.go}`" if reader.go else "no line `go`"
        hint = f"`go mod tidy -go=1.{_PRUNED}`"
        reader.wrong.append(f"it has {line}, and names every module only from 1.{_PRUNED} on: {hint}")
    if reader.wrong:
        raise unreadable(where, "go.mod", reader.wrong, command)
    return GoMod(module=reader.module, requires=tuple(reader.requires), replaces=tuple(reader.replaces))


def _directives(text: str, wrong: list[str]) -> Iterator[tuple[str, list[str], bool]]:
    """Yield verb, words and whether it is marked as indirect, for each line; blocks are taken apart."""
    block = ""
    for line in text.splitlines():
        words, comment = _words(line, wrong)
        indirect = comment == "indirect" or comment.startswith("indirect;")
        if block and words == [")"]:
            block = ""
        elif block and words:
            yield block, words, indirect
        elif words[1:] == ["("]:
            block = words[0]
        elif words:
            yield words[0], words[1:], indirect


def _words(line: str, wrong: list[str]) -> tuple[list[str], str]:
    """Return the words of a line and its comment."""
    words: list[str] = []
    at, line = 0, line.rstrip()
    while at < len(line):
        match = _TOKEN.match(line, at)
        if match is None or match.end() == at:
            wrong.append(f"`{line.strip()[:_LONGEST]}` is not a line of go.mod")
            return [], ""
        if match["comment"] is not None:
            return words, match["comment"].strip()
        words.append(next(match[name] for name in ("quoted", "raw", "plain") if match[name] is not None))
        at = match.end()
    return words, ""
