"""User names and passwords of indexes, from where Poetry, PDM and Pipenv keep them; netrc is read by uv itself.

A project's file that fills in variables of the environment gets none: it would choose what is sent, and to whom.
"""

import os
import sys
from dataclasses import field
from pathlib import Path
from typing import Annotated

from builder.base import credentials
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.base.rules import Field
from builder.packages.pypi import project_files
from builder.packages.pypi.indexes import Index


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexLogin:
    """One user name with its password."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryAuth:
    """Poetry's auth.toml, which it has where no keyring is."""

    logins: Annotated[dict[str, IndexLogin], Field(alias="http-basic")] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PdmConfig:
    """PDM's config.toml, as far as it has passwords of indexes."""

    pypi: dict[str, IndexLogin | str | bool | list[str]] = field(default_factory=dict)


def poetry(name: str, url: str) -> Index:
    """Return a source of Poetry: POETRY_HTTP_BASIC_NAME_USERNAME and _PASSWORD, or else auth.toml, have its login."""
    key = f"POETRY_HTTP_BASIC_{_upper(name)}"
    login = IndexLogin(username=os.environ.get(f"{key}_USERNAME", ""), password=os.environ.get(f"{key}_PASSWORD", ""))
    if not login.username:
        login = _poetrys().get(name) or IndexLogin()
    return _index(name, url, login, f"`poetry config http-basic.{name} USER PASSWORD`, or {key}_USERNAME and _PASSWORD")


def pdm(name: str, url: str) -> Index:
    """Return a source of PDM, whose login its config.toml has."""
    path = _configuration("PDM_CONFIG_FILE", "pdm", "config.toml")
    known = _read(PdmConfig, path).pypi.get(name)
    where = f"`pdm config pypi.{name}.username USER` and `pdm config pypi.{name}.password PASSWORD`"
    return _index(name, url, known if isinstance(known, IndexLogin) else IndexLogin(), where)


def pipenv(name: str, url: str) -> Index:
    """Return a source of a Pipfile, whose login is in its address or in netrc."""
    return _index(name, url, IndexLogin(), None)


def _index(name: str, url: str, login: IndexLogin, where: str | None) -> Index:
    plain = credentials.without(url) if "$" in url else url
    full = credentials.within(plain, login.username, login.password) if login.username else plain
    return Index(url=full, name=name, password_in=where)


def _upper(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")


def _poetrys() -> dict[str, IndexLogin]:
    folder = os.environ.get("POETRY_CONFIG_DIR")
    path = Path(folder, "auth.toml") if folder else _configuration("", "pypoetry", "auth.toml")
    return _read(PoetryAuth, path).logins


def _configuration(variable: str, tool: str, name: str) -> Path:
    """Return a file of a tool's settings, where the tool has it on this system."""
    if given := os.environ.get(variable):
        return Path(given)
    if sys.platform == "darwin":
        return Path("~/Library/Application Support").expanduser() / tool / name
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", "~")).expanduser() / tool / name
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / tool / name


def _read(kind: type[project_files.T], path: Path) -> project_files.T:
    """Return a tool's settings; those without content if they cannot be read, as they concern the tool alone."""
    try:
        return project_files.read(kind, path)
    except (UsageError, OSError):
        return kind()
