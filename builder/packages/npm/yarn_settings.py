"""The settings of Yarn that say where packages are: .yarnrc.yml of Yarn 2 and newer, .yarnrc of Yarn 1, as npm's keys.

Credentials are taken from where Yarn has them: these files, that of the user first, and YARN_NPM_AUTH_TOKEN.
"""

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.base.frozen import dataclass
from builder.packages.npm import PUBLIC
from builder.packages.npm.locks import yaml_text

NAME, OLD = ".yarnrc.yml", ".yarnrc"
_FALLBACK = re.compile(r"\$\{(?P<name>\w+):?-(?P<otherwise>[^{}]*)\}")
_OLD_LINE = re.compile(r'^"?(?P<key>(?:@[^":\s]+:)?registry)"?\s+"?(?P<value>[^"\s]+)"?\s*$')
_CA = ("httpsCaFilePath", "caFilePath")
_SERVER = "YARN_NPM_REGISTRY_SERVER"
_LOGINS = {"npmAuthToken": "YARN_NPM_AUTH_TOKEN", "npmAuthIdent": "YARN_NPM_AUTH_IDENT"}
_ENVIRONMENT = Path("the environment")
"""In messages, in place of a file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsLine:
    """A key of npm with its value, and where it stands. Variables in it are not filled in yet."""

    path: Path
    number: int
    key: str
    value: str = field(repr=False)
    is_login: bool = False
    """Whether the value is `user:password`, which is sent as base64."""

    def sent(self, filled: str) -> str:
        """Return the value as it is sent, from the one with its variables filled in."""
        is_plain = self.is_login and ":" in filled
        return base64.b64encode(filled.encode()).decode() if is_plain else filled


def of_user(folder: Path) -> Iterator[SettingsLine]:
    """Yield the settings of the user, for a folder with a project of Yarn 2 or newer; others do not read them."""
    if _is_of_berry(folder):
        yield from _lines(Path.home() / NAME)
        if server := os.environ.get(_SERVER):
            yield from _converted({"npmRegistryServer": server}, _ENVIRONMENT, ())


def logins(folder: Path) -> Iterator[SettingsLine]:
    """Yield the credentials in the environment, for the registry of the user, or else for that of the project.

    Yarn's variables name no address, so the user entrusts them to the project. Nothing else is entrusted to it.
    """
    if _is_of_berry(folder):
        server = os.environ.get(_SERVER) or str(_document(folder / NAME).get("npmRegistryServer") or PUBLIC)
        given = {key: value for key, name in _LOGINS.items() if (value := os.environ.get(name))}
        yield from _logins(given, server, _ENVIRONMENT, ())


def of_project(folder: Path) -> Iterator[SettingsLine]:
    """Yield the settings of a project."""
    yield from _old_lines(folder / OLD)
    yield from _lines(folder / NAME)


def _is_of_berry(folder: Path) -> bool:
    if (folder / NAME).is_file():
        return True
    lock = folder / "yarn.lock"
    return lock.is_file() and "__metadata:" in texts.read(lock)[:400]


def _old_lines(path: Path) -> Iterator[SettingsLine]:
    for number, line in enumerate(texts.read(path).splitlines() if path.is_file() else (), 1):
        if match := _OLD_LINE.match(line):
            yield SettingsLine(path=path, number=number, key=match["key"], value=match["value"])


def _document(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    return yaml_text.read(dict[str, Any], texts.read(path), path.as_posix(), f"{NAME} of Yarn")


def _lines(path: Path) -> Iterator[SettingsLine]:
    if path.is_file():
        yield from _converted(_document(path), path, texts.read(path).splitlines())


def _converted(document: Mapping[str, Any], path: Path, lines: Sequence[str]) -> Iterator[SettingsLine]:
    """Yield keys of npm for those of Yarn."""
    server = str(document.get("npmRegistryServer") or "")
    if server:
        yield _line("registry", server, "npmRegistryServer", path, lines)
    yield from _logins(document, server or PUBLIC, path, lines)
    for name, table in _tables(document.get("npmScopes")):
        if own := str(table.get("npmRegistryServer") or server):
            yield _line(f"@{name.removeprefix('@')}:registry", own, "npmRegistryServer", path, lines)
        yield from _logins(table, own or PUBLIC, path, lines)
    for address, table in _tables(document.get("npmRegistries")):
        yield from _logins(table, address, path, lines)
    if file := next((document[key] for key in _CA if document.get(key)), None):
        yield _line("cafile", file, "CaFilePath", path, lines)


def _logins(table: Mapping[str, Any], server: str, path: Path, lines: Sequence[str]) -> Iterator[SettingsLine]:
    address = re.sub(r"^https?:", "", server).rstrip("/") + "/"
    if token := table.get("npmAuthToken"):
        yield _line(f"{address}:_authToken", token, "npmAuthToken", path, lines)
    if ident := table.get("npmAuthIdent"):
        yield replace(_line(f"{address}:_auth", ident, "npmAuthIdent", path, lines), is_login=True)


def _line(key: str, value: object, yarn: str, path: Path, lines: Sequence[str]) -> SettingsLine:
    """Return a key of npm, with the line at which the one of Yarn stands."""
    number = next((number for number, line in enumerate(lines, 1) if yarn in line and str(value) in line), 1)
    return SettingsLine(path=path, number=number, key=key, value=_with_fallbacks(str(value)))


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, table in value.items() if isinstance(value, dict) else ():
        if isinstance(table, dict):
            yield str(name), table


def _with_fallbacks(text: str) -> str:
    """Return a value in which variables that are not set are replaced by what stands for them."""
    return _FALLBACK.sub(lambda found: f"${{{found[1]}}}" if os.environ.get(found[1]) else found[2], text)
