"""Running the host's cargo, only to resolve: it compiles nothing and runs no build script.

It runs in copies without `.cargo` and rust-toolchain files, which can name programs. The settings of CARGO_HOME
(another registry, proxies, a CA) are honoured, because cargo reads them itself.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from builder.base import cache_paths, credentials, processes
from builder.base.errors import BuildError, LayerwrightError, UnreachableError, UsageError
from builder.base.values import UntrustedError
from builder.packages.cargo import PROJECT_LOCK, cargo_lock
from builder.packages.cargo.cargo_lock import Crate
from builder.packages.cargo.project import MANIFEST, Project

ASKING = "layerwright-fetch"
"""Name of the package that needs the one crate, so that cargo fetches it."""
COMMAND = "layerwright lock"
_LEFT_OUT = shutil.ignore_patterns(".cargo", "rust-toolchain", "rust-toolchain.toml")
_PROGRAMS = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "CARGO_BUILD_")
    for name in ("RUSTC", "RUSTDOC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER")
) | {"CARGO_NET_GIT_FETCH_WITH_CLI"}
"""Variables that name or start other programs."""
_UNREACHABLE = re.compile(r"Could ?n.t resolve host|failed to connect|timed out|SSL|network failure|download of config")
_GONE = re.compile(r"no matching package|failed to select a version|could not find `")


def manifest(name: str, version: str) -> str:
    """Return the Cargo.toml of a package that needs one crate at one version."""
    return _manifest(name, f"={version}")


def _manifest(name: str, requirement: str) -> str:
    return (
        f'[package]\nname = "{ASKING}"\nversion = "0.0.0"\nedition = "2018"\n\n[lib]\npath = "lib.rs"\n\n'
        f'[dependencies]\n{name} = "{requirement}"\n'
    )


def newest(name: str) -> str:
    """Return the newest version of a published crate. Raises BuildError if the registry has none of that name."""
    with cache_paths.workspace() as work:
        found = _asked(work / "asking", name, "*")
    return next(crate.version for crate in found if crate.name == name)


def resolve(name: str, version: str) -> tuple[Crate, ...]:
    """Return the crates of a published program: its own lock, with the registry's SHA-256 of the program itself."""
    with cache_paths.workspace() as work:
        source, sha256 = fetched(name, version, work)
        if not (source / PROJECT_LOCK).is_file():
            _run(source, ["generate-lockfile"], f"{name} {version}")
        own = cargo_lock.read(
            (source / PROJECT_LOCK).read_text(encoding="utf-8"), f"{PROJECT_LOCK} of {name} {version}", COMMAND
        )
    return tuple(_with_hash(crate, sha256) if crate.sha256 is None else crate for crate in own)


def fetched(name: str, version: str, work: Path) -> tuple[Path, str | None]:
    """Fetch the sources of a published crate into an empty folder; return their folder, and the registry's SHA-256."""
    asking, source = work / "asking", work / "source"
    found = _asked(asking, name, f"={version}")
    sha256 = next(crate.sha256 for crate in found if (crate.name, crate.version) == (name, version))
    _run(asking, ["vendor", "--versioned-dirs", "--respect-source-config", "vendor"], f"{name} {version}")
    shutil.copytree(asking / "vendor" / f"{name}-{version}", source, ignore=_LEFT_OUT)
    return source, sha256


def _asked(folder: Path, name: str, requirement: str) -> tuple[Crate, ...]:
    """Return what cargo resolves for a package that needs one crate, which it leaves in a new folder."""
    folder.mkdir()
    (folder / MANIFEST).write_text(_manifest(name, requirement), encoding="utf-8", newline="\n")
    (folder / "lib.rs").touch()
    what = f"{name} {requirement.removeprefix('=')}"
    _run(folder, ["generate-lockfile"], what)
    return _of_registry((folder / PROJECT_LOCK).read_text(encoding="utf-8"), what)


def _of_registry(text: str, what: str) -> tuple[Crate, ...]:
    """Return the crates of a lock that cargo has just written of what the registry sends."""
    try:
        return cargo_lock.read(text, what, COMMAND)
    except UsageError as error:
        msg = f"the registry sends invalid values of {what}"
        raise BuildError(msg, why=error.why, hint=UntrustedError.HINT) from None


def _with_hash(crate: Crate, sha256: str | None) -> Crate:
    return Crate(name=crate.name, version=crate.version, sha256=sha256, needs=crate.needs)


def relock(found: Project, arguments: Sequence[str]) -> str:
    """Run a command of cargo that writes locks in a copy of a project, and return the lock."""
    with cache_paths.workspace() as work:
        copy = work / "project"
        for file in found.files:
            path = copy / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found.folder / file.path, path, follow_symlinks=False)
        _run(copy, arguments, found.folder.as_posix())
        return (copy / PROJECT_LOCK).read_text(encoding="utf-8")


def _run(folder: Path, arguments: Sequence[str], what: str) -> None:
    program = shutil.which("cargo")
    if program is None:
        msg = "there is no cargo on this host, which resolves the crates of a lock"
        raise UsageError(msg, hint="`apt install cargo`, `brew install rust` or `choco install rust`")
    env = {key: value for key, value in os.environ.items() if key not in _PROGRAMS}
    finished = processes.run([program, *arguments], cwd=folder, env={**env, "CARGO_TERM_COLOR": "never"})
    if finished.returncode:
        raise _failure(finished, what)


def _failure(finished: processes.Finished, what: str) -> LayerwrightError:
    text = credentials.redact(finished.stderr)
    noise = ("Updating ", "Locking ", "Downloading ", "Downloaded ", "Blocking ", "warning: spurious")
    lines = [line.strip().removeprefix("error: ") for line in text.splitlines()]
    lines = [line for line in lines if line and line != "Caused by:" and not line.startswith(noise)]
    if _UNREACHABLE.search(text):
        hint = "HTTPS_PROXY sets a proxy, CARGO_HTTP_CAINFO a CA, config.toml in CARGO_HOME another registry"
        return UnreachableError("the registry of crates did not respond", why=lines[-3:], hint=hint)
    if _GONE.search(text):
        msg = f"the registry does not have what {what} asks for"
        return BuildError(msg, why=lines[:4], hint="check the versions; a private registry must be cargo's default")
    return BuildError(f"cargo could not resolve the crates of {what}", why=lines[:6])
