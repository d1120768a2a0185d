"""Running Go on the host: resolving modules, which executes nothing of them.

Go's own settings (GOPROXY, GOPRIVATE, GONOSUMDB, GOFLAGS, `go env -w`, .netrc, proxies) are honoured, because Go reads
them itself. It runs in a temporary directory, so that neither a go.work, a toolchain line nor a `go generate` of some
project counts. `go get` compiles nothing since Go 1.18, so that no directive for C is run.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from builder.base import cache_paths, credentials, processes
from builder.base.errors import BuildError, LayerwrightError, UnreachableError, UsageError

MODULE = "module layer\n\ngo 1.17\n"
"""The go.mod to begin with. Since Go 1.17 it names every module; a newer Go is asked for by modules that need one."""
_OLDEST = (1, 21)
"""Go before it neither refuses a module that needs a newer Go, nor tells which."""
_VERSION = re.compile(r"go(?P<major>\d+)\.(?P<minor>\d+)")
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|x509:|tls:|proxyconnect|50[234] (?:Bad|Service|Gateway)"
)
_NEWER = re.compile(r"requires go >= (?P<version>[\w.]+)")
_GONE = re.compile(
    r"(?P<query>\S+@[^\s:]+): .*(?:404 Not Found|410 Gone|unknown revision|invalid version|no matching versions)"
)
_INVALID = re.compile(
    r": unzip |: dirhash: |has unexpected file |\bparsing go\.mod: |malformed \w+ path|checksum mismatch"
)
"""What Go says of a module that it downloaded and does not use."""


def resolve(packages: Sequence[str], known: tuple[str, str] | None) -> tuple[str, str]:
    """Return the texts of go.mod and go.sum for packages with versions; `known` ones keep their versions."""
    program = _program()
    with cache_paths.workspace() as work:
        for name, text in zip(("go.mod", "go.sum"), known or (MODULE, ""), strict=True):
            (work / name).write_text(text, encoding="utf-8", newline="\n")
        env = _environment()
        version = _ask(program, work, env, "GOVERSION")
        if (match := _VERSION.match(version)) is None or (int(match["major"]), int(match["minor"])) < _OLDEST:
            msg = f"the Go of this host is {version or 'older than 1.16'}, and modules are resolved by 1.21 or newer"
            raise UsageError(msg, hint="a builder in the image has its own; only `layerwright lock` needs one here")
        env["GOFLAGS"] = f"{_ask(program, work, env, 'GOFLAGS')} -mod=mod".strip()
        finished = processes.run([program, "get", "--", *packages], cwd=work, env=env)
        if finished.returncode:
            raise failure(finished.stderr, packages)
        sums = work / "go.sum"
        return (work / "go.mod").read_text(encoding="utf-8"), sums.read_text(encoding="utf-8") if sums.exists() else ""


def _program() -> str:
    program = shutil.which("go")
    if program is None:
        msg = "there is no Go on this host, which resolves the modules of a program"
        hint = "`apt install golang`, `brew install go` or `choco install golang`; with a lock, none is needed"
        raise UsageError(msg, hint=hint)
    return program


def _environment() -> dict[str, str]:
    return {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GO111MODULE": "on", "GOOS": "linux"}


def _ask(program: str, work: Path, env: dict[str, str], name: str) -> str:
    return processes.run([program, "env", name], cwd=work, env=env).stdout.strip()


def failure(said: str, packages: Sequence[str]) -> LayerwrightError:
    """Return the error for what `go get` writes to standard error."""
    text = credentials.redact(said)
    lines = [line.removeprefix("go: ").strip() for line in text.splitlines() if not line.startswith("go: downloading")]
    why = [line for line in lines if line][:6]
    if _UNREACHABLE.search(text):
        hint = "set HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a company's CA, GOPROXY for another module proxy"
        return UnreachableError("the module proxy did not respond", why=why, hint=hint)
    if newer := _NEWER.search(text):
        msg = f"a module needs Go {newer['version']} or newer, and this host has an older one"
        return UsageError(msg, why=why, hint="install a newer Go; layerwright downloads no toolchain")
    if gone := _GONE.search(text):
        msg = f"the module proxy has no {gone['query']}"
        return BuildError(msg, why=why, hint="is the version right, or the module private (GOPRIVATE)?")
    if _INVALID.search(text):
        msg = f"the module proxy sent an invalid module for {', '.join(packages)}"
        hint = "nothing of it was used; is this the module proxy that you mean, and is it in order?"
        return BuildError(msg, why=why, hint=hint)
    return BuildError(f"Go could not resolve {', '.join(packages)}", why=why)
