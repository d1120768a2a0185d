"""The settings of npm: an .npmrc that layerwright writes, with the registries, credentials and CAs of this host's own.

Settings of npm name programs to start, repositories to clone and shells to use, and anybody who writes to a project can
set them. So npm reads none of the usual files: what it may know is listed here. It has a home of its own, and a PATH
without any program, git above all.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit

from builder.base import texts
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.packages.npm import PUBLIC, yarn_settings
from builder.packages.npm.yarn_settings import SettingsLine

NAME = ".npmrc"
_PREFIX = "npm_config_"
_REGISTRY = re.compile(r"(?:@[\w.~-]+:)?registry")
_LOGIN = re.compile(r"(?P<address>//[\w.:/~@%+\[\]-]+):(?:_authToken|_auth|_password|username|email|certfile|keyfile)")
_CAS = frozenset({"ca", "ca[]", "cafile"})
_CAUTION = frozenset({"before", "min-release-age"})
"""Restrictions of versions by their age."""
_OWN = frozenset({
    *("cache", "proxy", "https-proxy", "noproxy", "no-proxy", "strict-ssl", "maxsockets", "local-address"),
    *("fetch-retries", "fetch-retry-factor", "fetch-retry-mintimeout", "fetch-retry-maxtimeout", "fetch-timeout"),
})  # fmt: skip
"""How this host reaches registries, which a project does not decide."""
_PATHS = re.compile(r"cafile|cache|.*:(?:certfile|keyfile)")
_VARIABLE = re.compile(r"\$\{([^${}?]+)(\?)?\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One allowed line of a file, or one variable."""

    key: str
    value: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmSettings:
    """The settings in effect; later ones of a key win."""

    variables: tuple[Setting, ...]
    lines: tuple[Setting, ...]

    @property
    def registries(self) -> tuple[str, ...]:
        """The addresses of all registries, with the public one."""
        named = (each.value for each in (*self.lines, *self.variables) if _REGISTRY.fullmatch(each.key))
        return (PUBLIC, *dict.fromkeys(named))

    @property
    def text(self) -> str:
        """The content of an .npmrc, with all variables filled in."""
        last = {each.key: each for each in self.lines if not each.key.endswith("[]")}
        kept = [each for each in self.lines if last.get(each.key, each) is each]
        return "".join(f"{each.key}={json.dumps(_literal(each.value))}\n" for each in kept)

    def environment(self, home: Path) -> dict[str, str]:
        """Return the variables of npm, for a home to which the .npmrc is written."""
        (home / "bin").mkdir(parents=True)
        (home / NAME).touch(mode=0o600)
        (home / NAME).write_text(self.text, encoding="utf-8", newline="\n")
        own = {key: value for key, value in os.environ.items() if not key.lower().startswith(_PREFIX)}
        own.update({f"{_PREFIX}{each.key.replace('-', '_')}": each.value for each in self.variables})
        config = {"userconfig": home / NAME, "globalconfig": home / "none", "prefix": home, "cache": self.cache}
        own.update({f"{_PREFIX}{key}": str(path) for key, path in config.items()})
        return {**own, "HOME": str(home), "USERPROFILE": str(home), "PATH": str(home / "bin")}

    @property
    def cache(self) -> Path:
        """Return npm's own cache on this host; everything in it has a hash."""
        named = [each.value for each in (*self.lines, *self.variables) if each.key == "cache"]
        local = os.environ.get("LOCALAPPDATA")
        usual = Path(local, "npm-cache") if os.name == "nt" and local else Path.home() / ".npm"
        return Path(named[-1]) if named else usual


def read(project: Path | None = None) -> NpmSettings:
    """Return the settings of the environment, of the user, of this host, and of a project, by default the current one.

    Raises UsageError for a variable in the project's file that would be sent to an address which only that file names.
    """
    variables = tuple(_variables())
    given = {each.key: each.value for each in variables}
    user = Path(_variable("userconfig") or Path.home() / NAME)
    folder = project or Path.cwd()
    lines = [*lines_of(_global()), *lines_of(user), *lines_of(_of_pnpm()), *yarn_settings.of_user(folder)]
    own = [setting for line in lines if (setting := _own(line))]
    known = {_host(each.value) for each in (*own, *variables) if _REGISTRY.fullmatch(each.key)}
    known |= {_host(match["address"]) for each in (*own, *variables) if (match := _LOGIN.fullmatch(each.key))}
    own += [setting for line in yarn_settings.logins(folder) if (setting := _own(line))]
    pairs = [] if _same(folder / NAME, user) else [*lines_of(folder / NAME)]
    theirs = list(_project_lines([*pairs, *yarn_settings.of_project(folder)], known | {_host(PUBLIC)}))
    return NpmSettings(
        variables=variables,
        lines=tuple(each for each in (*own, *theirs) if each.key not in given),
    )


def _variables() -> Iterator[Setting]:
    """Yield the allowed ones of npm's variables, whose names npm reads in any case."""
    for name, value in os.environ.items():
        key = name[len(_PREFIX) :]
        if not name.lower().startswith(_PREFIX) or not value:
            continue
        if not key.startswith("//"):
            key = key[:1].lower() + key[1:].replace("_", "-").lower()
        if _allowed(key, own=True):
            yield Setting(key=key, value=_path(key, value, Path.cwd()))


def _variable(key: str) -> str | None:
    return next((value for name, value in os.environ.items() if value and name.lower() == f"{_PREFIX}{key}"), None)


def _global() -> Path:
    """Return the file with the settings of this host, as npm finds it: in the folder above that of Node.js."""
    if named := _variable("globalconfig"):
        return Path(named)
    node = shutil.which("node")
    prefix = _variable("prefix") or os.environ.get("PREFIX") or (node and Path(node).resolve().parent.parent)
    return Path(prefix or "/usr/local") / "etc" / "npmrc"


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _of_pnpm() -> Path:
    """Return pnpm's own file of the user, with the keys of npm."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "pnpm" / "rc"


def _own(line: SettingsLine) -> Setting | None:
    key = _filled(line.key)
    if not _allowed(key, own=True):
        return None
    return Setting(key=key, value=_path(key, line.sent(_filled(line.value)), line.path.parent))


def _project_lines(lines: Iterable[SettingsLine], known: set[str]) -> Iterator[Setting]:
    """Yield the allowed lines of a project: a variable in them goes to no address that they bring themselves."""
    for line in lines:
        login = _LOGIN.fullmatch(line.key)
        if "${" in line.key or (_REGISTRY.fullmatch(line.key) and "${" in line.value):
            raise _sent(line, "an address is not made from variables of the environment")
        if login and "${" in line.value and _host(login["address"]) not in known:
            raise _sent(line, f"only this file names {_host(login['address'])}, which would get the variable")
        if _allowed(line.key, own=False):
            filled = line.sent(_filled(line.value) if login else line.value)
            yield Setting(key=line.key, value=_path(line.key, filled, line.path.parent))


def _sent(line: SettingsLine, why: str) -> UsageError:
    msg = f"{line.path.as_posix()}:{line.number}: a variable is not filled in"
    hint = f"put the line into your own ~/{line.path.name}, or name the registry in npm_config_registry"
    return UsageError(msg, why=[why], hint=hint)


def _allowed(key: str, *, own: bool) -> bool:
    if _LOGIN.fullmatch(key):
        return own or not key.endswith(("certfile", "keyfile"))  # a project names no files of this host
    return bool(_REGISTRY.fullmatch(key)) or key in _CAS | _CAUTION or (own and key in _OWN)


def _host(address: str) -> str:
    """Return host and port of an address, with or without its scheme."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _filled(text: str) -> str:
    """Fill in variables as npm does: one that is not set stays, or is empty with `?`."""
    return _VARIABLE.sub(lambda found: os.environ.get(found[1], "" if found[2] else found[0]), text)


def _literal(value: str) -> str:
    """Return a value in which npm finds no variables."""
    return value.replace("${", "\\${")


def _path(key: str, value: str, folder: Path) -> str:
    """Return a value, which is absolute if it is a path: npm has another home and another current folder."""
    return str(folder / Path(value).expanduser()) if _PATHS.fullmatch(key) else value


def lines_of(path: Path) -> Iterator[SettingsLine]:
    """Yield the lines of a file of settings, which need not be there, as the library `ini` of npm reads them."""
    if not path.is_file():
        return
    for number, line in enumerate(texts.read(path).splitlines(), 1):
        text = line.strip()
        if text.startswith("["):
            return  # what follows belongs to a section, and npm has none
        key, separator, value = text.partition("=")
        if key and not text.startswith((";", "#")):
            filled = _unquoted(value) if separator else "true"
            yield SettingsLine(path=path, number=number, key=_unquoted(key), value=filled)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        inner = text if text[0] == '"' else text[1:-1]
        try:
            return str(json.loads(inner))
        except ValueError:
            return inner
    kept = re.match(r"(?:\\[\\;#]|[^;#])*", text)
    return re.sub(r"\\([\\;#])", r"\1", kept[0] if kept else "").strip()
