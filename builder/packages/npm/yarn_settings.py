"""The settings of Yarn that say where packages are: .yarnrc.yml of Yarn 2 and newer, .yarnrc of Yarn 1, as npm's keys.

Credentials are taken from where Yarn has them: these files, that of the user first, and YARN_NPM_AUTH_TOKEN.
"""

import base64
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.packages.npm import PUBLIC
from builder.packages.npm.locks import yaml_text

NAME, OLD = ".yarnrc.yml", ".yarnrc"
_FALLBACK = re.compile(r"\$\{(?P<name>\w+):?-(?P<otherwise>[^{}]*)\}")
_OLD_LINE = re.compile(r'^"?(?P<key>(?:@[^":\s]+:)?registry)"?\s+"?(?P<value>[^"\s]+)"?\s*$')
_CA = ("httpsCaFilePath", "caFilePath")


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
    if not (folder / NAME).is_file() and not _is_of_berry(folder):
        return
    yield from _lines(Path.home() / NAME)
    keys = {"REGISTRY_SERVER": "npmRegistryServer", "AUTH_TOKEN": "npmAuthToken", "AUTH_IDENT": "npmAuthIdent"}
    given = {key: os.environ[f"YARN_NPM_{name}"] for name, key in keys.items() if os.environ.get(f"YARN_NPM_{name}")}
    server = given.get("npmRegistryServer") or _server(folder / NAME)
    yield from _converted({**given, **({"npmRegistryServer": server} if server else {})}, Path("the environment"), ())


def of_project(folder: Path) -> Iterator[SettingsLine]:
    """Yield the settings of a project."""
    yield from _old_lines(folder / OLD)
    yield from _lines(folder / NAME)


def _is_of_berry(folder: Path) -> bool:
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


def _server(path: Path) -> str:
    return str(_document(path).get("npmRegistryServer") or "")


def _lines(path: Path) -> Iterator[SettingsLine]:
    if path.is_file():
        yield from _converted(_document(path), path, texts.read(path).splitlines())


def _converted(document: Mapping[str, Any], path: Path, lines: Any) -> Iterator[SettingsLine]:  # noqa: ANN401
    """Yield keys of npm for those of Yarn."""

    def made(key: str, value: object, yarn: str, *, is_login: bool = False) -> SettingsLine:
        number = next((number for number, line in enumerate(lines, 1) if yarn in line and str(value) in line), 1)
        text = _with_fallbacks(str(value))
        return SettingsLine(path=path, number=number, key=key, value=text, is_login=is_login)

    def logins(table: Mapping[str, Any], server: str) -> Iterator[SettingsLine]:
        address = re.sub(r"^https?:", "", server).rstrip("/") + "/"
        if token := table.get("npmAuthToken"):
            yield made(f"{address}:_authToken", token, "npmAuthToken")
        if ident := table.get("npmAuthIdent"):
            yield made(f"{address}:_auth", ident, "npmAuthIdent", is_login=True)

    server = str(document.get("npmRegistryServer") or "")
    if server:
        yield made("registry", server, "npmRegistryServer")
    yield from logins(document, server or PUBLIC)
    for name, table in _tables(document.get("npmScopes")):
        if own := str(table.get("npmRegistryServer") or server):
            yield made(f"@{name.removeprefix('@')}:registry", own, "npmRegistryServer")
        yield from logins(table, own or PUBLIC)
    for address, table in _tables(document.get("npmRegistries")):
        yield from logins(table, address)
    if file := next((document[key] for key in _CA if document.get(key)), None):
        yield made("cafile", file, "CaFilePath")


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, table in value.items() if isinstance(value, dict) else ():
        if isinstance(table, dict):
            yield str(name), table


def _with_fallbacks(text: str) -> str:
    """Return a value in which variables that are not set are replaced by what stands for them."""
    return _FALLBACK.sub(lambda found: f"${{{found[1]}}}" if os.environ.get(found[1]) else found[2], text)
