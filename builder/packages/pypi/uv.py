"""Runs of uv: the interpreter that it queries, what keeps it from building, and its errors.

Nothing is ever built on the host, whatever requirements, settings or a pyproject.toml ask for: each uv has a PYTHONHOME
in which no Python starts. uv asks interpreters in isolated mode, which ignores PYTHONHOME; a build would not, and the
first thing that one needs is a Python.

uv reads the user's settings (UV_* variables, uv.toml of the user and the system, netrc, keyring, proxies,
SSL_CERT_FILE), of which layerwright stores none, and no settings of a project (`uv_settings`).
"""

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.base import credentials, distributions, processes, uv_program
from builder.base.errors import BuildError, LayerwrightError, UnreachableError, UsageError
from builder.base.watching import Watch
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages import memory
from builder.packages.pypi import uv_settings
from builder.packages.pypi.indexes import Indexes

NO_CODE = ("--only-binary", ":all:")
"""Prevents builds of sdists, which would execute a setup.py on the host."""

FOR_ANY_PYTHON = ("--python-version", "3.99", "--universal")
"""For what does not depend on the Python, such as an sdist's address: uv heeds the lower end of what a package asks
for alone, and takes the Python that it runs with where nothing is said."""

_MOST_MB = 416
"""Half as much again as `apache-airflow[all]` takes, with 693 packages: 281 MB. uv 0.9 on two cores, nothing cached."""
_READS_METADATA = "compile"
"""The command of uv that reads what packages say of themselves: an sdist's PKG-INFO, whole, may have gigabytes."""
_UNREACHABLE = re.compile(r"error sending request|Failed to fetch|Could not connect|tcp connect|dns error|timed out")
_REFUSED = re.compile(r"An index URL \((\S+)\) could not be queried .*\((?:401|403) ")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


def version() -> str:
    """Return the version of uv on the host."""
    return distributions.version("uv")


def platform_arguments(runtime: Runtime, arch: Architecture, platform: str) -> list[str]:
    return ["--python-version", runtime.python_full, "--python-platform", f"{arch.machine}-{platform}"]


def run(
    arguments: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> processes.Finished:
    """Run `uv pip` with layerwright's own interpreter; `settings` are added to those of the user.

    Raises BuildError for a resolution that takes more memory than it may (`packages/memory.py`).
    """
    most = memory.limit(_MOST_MB) if arguments[0] == _READS_METADATA else None
    try:
        return _run(["pip", *arguments], stdin=stdin, env=env, settings=settings, most_memory=most)
    except processes.MemoryExceededError as error:
        raise memory.explained(error, _MOST_MB) from None


def project(arguments: Sequence[str]) -> processes.Finished:
    """Run uv on a project, whose lock it reads. It starts no backend either."""
    return _run(arguments)


def of_project(folder: Path) -> str:
    """Return the option, as it is pasted behind a command of uv, for a project that is not the current folder."""
    return "" if folder.resolve() == Path.cwd() else f" --project {shlex.quote(folder.as_posix())}"


def _run(
    arguments: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    most_memory: int | None = None,
) -> processes.Finished:
    own_python = ["--python", sys.executable, "--no-python-downloads"]  # only asked; the target's need not exist
    with _keyring() as path, uv_settings.options(settings or {}) as options:
        command = [uv_program.path(), *arguments, *own_python, *options, "--color", "never"]
        own = {**_environment(), **path, **(env or {})}
        return processes.run(command, stdin=stdin, env=own, watch=Watch(most_memory=most_memory))


def _environment() -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in _CONFLICTING}
    return {**env, "UV_NO_PROGRESS": "1", "PYTHONHOME": os.devnull}


@contextlib.contextmanager
def _keyring() -> Iterator[dict[str, str]]:
    """Yield a PATH whose `keyring`, a program in Python that uv asks for passwords, starts in spite of PYTHONHOME."""
    program = shutil.which("keyring")
    if program is None or os.name == "nt":  # uv starts no script there
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="layerwright-") as folder:
        script = Path(folder, "keyring")
        command = f'unset PYTHONHOME\nexec {shlex.quote(str(Path(program).absolute()))} "$@"\n'
        script.write_text(f"#!/bin/sh\n{command}", encoding="utf-8", newline="\n")
        script.chmod(0o755)
        yield {"PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}


_CONFLICTING = frozenset({
    *("UV_NO_BINARY", "UV_NO_BINARY_PACKAGE", "UV_COMPILE_BYTECODE", "UV_SYSTEM_PYTHON", "UV_PYTHON"),
    *("UV_FROZEN", "UV_LOCKED", "UV_NO_DEV", "UV_NO_GROUP", "UV_NO_DEFAULT_GROUPS", "UV_NO_EDITABLE"),
})  # fmt: skip
"""Settings for other uses of uv that would break the resolution for another platform, or leave out groups of a lock."""


def explanation(finished: processes.Finished) -> list[str]:
    """Return the lines of uv's error, without its markup and credentials."""
    lines = [line.strip() for line in credentials.redact(finished.stderr).splitlines()]
    cleaned = [re.sub(r"^(error|cause|warning): |^hint: ", "", line) for line in lines]
    return [line for line in cleaned if line and not line.startswith(("Using CPython", "Resolved "))]


def unreachable(finished: processes.Finished) -> LayerwrightError | None:
    """Return the error for an index that did not respond; None if uv failed for another reason."""
    if not _UNREACHABLE.search(finished.stderr):
        return None
    url = re.search(r"https?://[^\s`'\")]+", credentials.redact(finished.stderr))
    set_proxies = [f"{name}={credentials.redact(os.environ[name])}" for name in _PROXIES if os.environ.get(name)]
    msg = f"the package index did not respond{f': {url.group(0)}' if url else ''}"
    return UnreachableError(
        msg,
        why=[*explanation(finished)[-2:], f"proxy settings: {', '.join(set_proxies) or 'none'}"],
        hint="set HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a company's CA, UV_DEFAULT_INDEX for another index",
    )


def refused(finished: processes.Finished, indexes: Indexes) -> LayerwrightError | None:
    """Return the error for an index named by a file that wants another user name and password, or any."""
    told = {url.rstrip("/") for url in _REFUSED.findall(finished.stderr)}
    index = next((each for each in indexes.all if credentials.without(each.url).rstrip("/") in told), None)
    if index is None:
        return None
    has = "refuses its user name and password" if "@" in index.url else "needs a user name and a password"
    return UsageError(f"the index {index.shown} {has}", hint=f"they belong here: {index.advice}")


def fail(finished: processes.Finished, what: str) -> LayerwrightError:
    """Return the error for a failure of uv: UnreachableError if the index did not respond, else BuildError."""
    return unreachable(finished) or BuildError(what, why=explanation(finished))
