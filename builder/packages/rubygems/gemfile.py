"""A Gemfile, read without Ruby: gems with their groups, as far as they are written as plain values.

A Gemfile is code, which is never executed. What is a call of Bundler's with literal arguments is read; a condition, a
variable or another method is refused with its line, because it could say anything.
"""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import Path

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass

_DEFAULT = "default"
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\#]|\\.|\#(?!\{))*"|'(?:[^'\\]|\\.)*')|(?P<symbol>:(?:\w+[?!]?|"[^"#\\]*"))"""
    r"""|(?P<key>\w+:(?!:))|(?P<arrow>=>)|(?P<word>[A-Za-z_]\w*[?!]?)|(?P<number>\d[\d.]*)|(?P<list>%[wi]\[[^\]]*\])"""
    r"""|(?P<mark>[\[\](),{}]))"""
)
_IGNORED = frozenset({"source", "ruby", "plugin"})
"""Calls that change nothing of what the lock says of gems."""
_BLOCKS = frozenset({"source", "group", "platforms", "platform", "git", "github", "path"})
_OF_GEM = frozenset({
    *("group", "groups", "require", "platforms", "platform", "path", "git", "github", "gitlab", "bitbucket", "gist"),
    *("branch", "ref", "tag", "submodules", "glob", "source", "force_ruby_platform", "install_if"),
})  # fmt: skip
_LONGEST = 10_000
"""Characters of a statement: far more than a gem with all its options has."""
Value = str | bool | None | list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class GemLine:
    """A gem that a Gemfile names."""

    name: str
    requirements: tuple[str, ...]
    groups: frozenset[str]
    line: int
    elsewhere: bool = False
    """Whether it is for other platforms than that of Lambda's Ruby."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _GemScope:
    """What the blocks around a line say of the gems in it."""

    groups: frozenset[str] = frozenset({_DEFAULT})
    platforms: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class Gemfile:
    """What a Gemfile says."""

    gems: list[GemLine] = field(default_factory=list)
    optional: set[str] = field(default_factory=set)
    """Groups that are left out unless they are named."""
    ruby: str | None = None
    has_gemspec: bool = False
    """Whether the gemspec beside it names more."""

    @property
    def groups(self) -> set[str]:
        return {group for gem in self.gems for group in gem.groups} | self.optional


class _UnreadError(ValueError):
    """A line is no call with plain values."""


def read(path: Path) -> Gemfile:
    """Return what a Gemfile says. Raises UsageError for the first line that is not plain."""
    found, blocks = Gemfile(), [_GemScope()]
    for number, text in _statements(texts.read(path)):
        try:
            _take(text, number, found, blocks)
        except _UnreadError as error:
            msg = f"{path.as_posix()}:{number}: a Gemfile is not executed, and this line is not plain: {error}"
            hint = (
                "write gems and groups as plain lines; or take the whole lock: a recipe with"
                f' `uses = "gem"`, `file = "{path.name}"`, and `without` for what is left out'
            )
            raise UsageError(msg, why=[text.strip()[:100]], hint=hint) from None
    if len(blocks) > 1:
        msg = f"{path.as_posix()}: a block has no `end`"
        raise UsageError(msg)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield statements with their lines: a comma at the end, or an open bracket, continues one."""
    begun, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() == "__END__":
            break
        plain = _uncommented(line) if len(line) <= _LONGEST else line
        if not plain.strip() and not begun:
            continue
        first = first or number
        begun = f"{begun} {plain.strip()}".strip()
        goes_on = begun.endswith((",", "\\", "(", "[")) or begun.count("(") > begun.count(")")
        if goes_on and len(begun) <= _LONGEST:
            begun = begun.removesuffix("\\")
            continue
        for statement in begun.split(";"):
            if statement.strip():
                yield first, statement.strip()
        begun, first = "", 0
    if begun:
        yield first, begun


def _uncommented(line: str) -> str:
    match = re.match(r"""(?:[^#"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*""", line)
    return match[0] if match else ""


def _take(text: str, number: int, found: Gemfile, blocks: list[_GemScope]) -> None:
    if len(text) > _LONGEST:
        msg = "it is too long"
        raise _UnreadError(msg)
    if text == "end":
        if len(blocks) == 1:
            msg = "it ends nothing"
            raise _UnreadError(msg)
        blocks.pop()
        return
    if re.fullmatch(r"git_source\s*\(?:\w+\)?\s*(?:do|\{).*(?:end|\})", text):
        return  # how an abbreviation of addresses is written out, which the lock has
    is_block = bool(re.search(r"\bdo$", text))
    name, values, options = _call(re.sub(r"\s*\bdo$", "", text))
    if is_block:
        _begin(name, values, options, found, blocks)
    elif name == "gem":
        found.gems.append(_gem(values, options, number, blocks[-1]))
    elif name == "gemspec":
        found.has_gemspec = True
    elif name == "ruby":
        found.ruby = str(values[0]) if values else None
    elif name not in _IGNORED:
        msg = f"`{name}`"
        raise _UnreadError(msg)


def _begin(name: str, values: list[Value], options: dict[str, Value], found: Gemfile, blocks: list[_GemScope]) -> None:
    if name not in _BLOCKS:
        msg = f"`{name} ... do`"
        raise _UnreadError(msg)
    named = [each for value in values for each in _names(value)]
    scope = blocks[-1]
    if name == "group":
        if options.get("optional") is True:
            found.optional |= set(named)
        scope = replace(scope, groups=frozenset(named) | (scope.groups - {_DEFAULT}))
    elif name in {"platform", "platforms"}:
        scope = replace(scope, platforms=tuple(named))
    blocks.append(scope)


def _gem(values: list[Value], options: dict[str, Value], number: int, scope: _GemScope) -> GemLine:
    if not values or not all(isinstance(value, str | list) for value in values):
        msg = "a gem needs its name as a text"
        raise _UnreadError(msg)
    if unknown := sorted(set(options) - _OF_GEM):
        msg = f"`{unknown[0]}:`"
        raise _UnreadError(msg)
    own = {each for key in ("group", "groups") for each in _names(options.get(key))}
    platforms = [each for key in ("platform", "platforms") for each in _names(options.get(key))] or scope.platforms
    return GemLine(
        name=str(values[0]),
        requirements=tuple(each for value in values[1:] for each in _names(value)),
        groups=frozenset(own) | (scope.groups - {_DEFAULT}) if own else scope.groups,
        line=number,
        elsewhere=bool(platforms) and not any(each.startswith(("ruby", "mri")) for each in platforms),
    )


def _names(value: Value) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _call(text: str) -> tuple[str, list[Value], dict[str, Value]]:
    """Return a method, its values, and its options by name."""
    tokens = _tokens(text)
    kind, name = tokens.pop(0) if tokens else ("", "")
    if kind != "word":
        msg = "it calls nothing"
        raise _UnreadError(msg)
    if tokens and tokens[0] == ("mark", "(") and tokens[-1] == ("mark", ")"):
        tokens = tokens[1:-1]
    values: list[Value] = []
    options: dict[str, Value] = {}
    while tokens:
        key = _key(tokens)
        value = _value(tokens)
        if key is None:
            values.append(value)
        else:
            options[key] = value
        if tokens and tokens.pop(0) != ("mark", ","):
            msg = "values are not parted by commas"
            raise _UnreadError(msg)
    return name, values, options


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            msg = f"`{text[at:].strip()[:20]}`"
            raise _UnreadError(msg)
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        at = match.end()
    return found


def _key(tokens: list[tuple[str, str]]) -> str | None:
    if tokens[0][0] == "key":
        return tokens.pop(0)[1].removesuffix(":")
    if len(tokens) > 1 and tokens[1][0] == "arrow":
        key = _value(tokens)
        tokens.pop(0)
        return str(key)
    return None


def _value(tokens: list[tuple[str, str]]) -> Value:
    kind, text = tokens.pop(0) if tokens else ("", "")
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "symbol":
        return text[1:].strip('"')
    if kind == "list":
        return text[3:-1].split()
    if kind == "word" and text in {"true", "false", "nil"}:
        return {"true": True, "false": False, "nil": None}[text]
    if (kind, text) == ("mark", "["):
        return list(_listed(tokens))
    msg = f"`{text or 'nothing'}` is not a plain value"
    raise _UnreadError(msg)


def _listed(tokens: list[tuple[str, str]]) -> Iterator[str]:
    while tokens and tokens[0] != ("mark", "]"):
        if tokens[0] == ("mark", "["):
            msg = "a list in a list"
            raise _UnreadError(msg)
        yield from _names(_value(tokens))
        if tokens and tokens[0] == ("mark", ","):
            tokens.pop(0)
    if not tokens:
        msg = "a list does not end"
        raise _UnreadError(msg)
    tokens.pop(0)
