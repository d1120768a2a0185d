"""Programs that somebody else put into a project, each of which leaves a marker when it runs on this host."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TOUCH = '#!/bin/sh\n: >"{marker}"\n'
_CODE = "open({marker!r}, 'w').close()\n"
_RUBY = "File.write({marker!r}, '')\n"
_BACKEND = (
    "def _run(*_, **__):\n    {code}    return []\nget_requires_for_build_wheel = build_wheel = build_editable = _run\n"
)
_BUILD_RS = 'fn main() {{ std::fs::write({marker}, "").unwrap(); }}\n'
_PROGRAMS = (
    "uv",
    "pip",
    "npm",
    "node",
    "git",
    "cargo",
    "rustc",
    "go",
    "mvn",
    "java",
    "ruby",
    "gem",
    "bundle",
    "python3",
)


@dataclass(frozen=True, kw_only=True)
class Trap:
    """A file of a project that runs something, and the command by which its user would make it do so."""

    path: str
    text: str
    fired_by: Sequence[str] = ()
    """Empty if no program of this host can: then its text is all that a test can say of it."""
    beside: Mapping[str, str] | None = None
    """Other files that it needs."""


def traps(marker: Path) -> tuple[Trap, ...]:
    """Return the traps of a project. Each has its own marker in a folder."""

    def touch(name: str) -> str:
        return _TOUCH.format(marker=marker / name)

    def code(name: str) -> str:
        return _CODE.format(marker=str(marker / name))

    script = json.dumps({"name": "x", "version": "1.0.0", "scripts": {"install": f": >{marker}/npm-install"}})
    toml = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    project = f'{toml}[project]\nname = "here"\nversion = "1"\n[tool.uv]\noverride-dependencies = ["mild @ ./here"]\n'
    crate = {"Cargo.toml": '[package]\nname = "x"\nversion = "1.0.0"\n', "src/main.rs": "fn main() {}\n"}
    return (
        Trap(path="setup.py", text=code("setup-py"), fired_by=(sys.executable, "setup.py")),
        Trap(path="pyproject.toml", text=project),
        Trap(
            path="backend.py",
            text=_BACKEND.format(code=code("backend")),
            fired_by=(sys.executable, "-c", "import backend; backend.build_wheel()"),
        ),
        Trap(path="json.py", text=code("json"), fired_by=(sys.executable, "-c", "import json")),
        Trap(path="sitecustomize.py", text=code("site"), fired_by=(sys.executable, "-c", "import sitecustomize")),
        Trap(path="package.json", text=script, fired_by=("npm", "install", "--offline")),
        Trap(
            path=".npmrc",
            text="git=./evil.sh\nscript-shell=./evil.sh\nignore-scripts=false\n",
            fired_by=("npm", "run", "install"),
            beside={"evil.sh": touch("npmrc"), "package.json": script},
        ),
        Trap(
            path="build.rs",
            text=_BUILD_RS.format(marker=json.dumps(str(marker / "build-rs"))),
            fired_by=("cargo", "build", "--offline"),
            beside=crate,
        ),
        Trap(
            path=".cargo/config.toml",
            text='[build]\nrustc-wrapper = "./wrapper.sh"\n',
            fired_by=("cargo", "build", "--offline"),
            beside={"wrapper.sh": touch("rustc-wrapper"), **crate},
        ),
        Trap(
            path="main.go",
            text=f'package main\n\n//go:generate sh -c ":>{marker}/go-generate"\nfunc main() {{}}\n',
            fired_by=("go", "generate", "main.go"),
        ),
        Trap(path="extconf.rb", text=_RUBY.format(marker=str(marker / "extconf")), fired_by=("ruby", "extconf.rb")),
        Trap(path="Rakefile", text=_RUBY.format(marker=str(marker / "rakefile")), fired_by=("ruby", "Rakefile")),
        Trap(path="Gemfile", text=_RUBY.format(marker=str(marker / "gemfile")), fired_by=("ruby", "Gemfile")),
        Trap(
            path="rubygems_plugin.rb",
            text=_RUBY.format(marker=str(marker / "p")),
            fired_by=("ruby", "rubygems_plugin.rb"),
        ),
        Trap(path="build.gradle", text=f"new File('{marker}/gradle').text = ''\n"),
        Trap(path=".mvn/jvm.config", text=f"-Xlog:gc:file={marker}/jvm-config\n", fired_by=("mvn", "--version")),
        *(Trap(path=name, text=touch(name), fired_by=(f"./{name}",)) for name in _PROGRAMS),
    )


def lay(folder: Path, every: Sequence[Trap]) -> None:
    """Write traps into a folder; whatever begins as a program is one."""
    for trap in every:
        for path, text in {**(trap.beside or {}), trap.path: trap.text}.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            file.chmod(0o755 if text.startswith("#!") else 0o644)


def fire(folder: Path, trap: Trap) -> None:
    """Run what a user would run, in the folder of a trap."""
    done = subprocess.run(
        trap.fired_by, cwd=folder, capture_output=True, check=False, env={**os.environ, "GO111MODULE": "off"}
    )
    assert done.returncode >= 0


def can_fire(trap: Trap) -> bool:
    return bool(trap.fired_by) and (trap.fired_by[0].startswith("./") or shutil.which(trap.fired_by[0]) is not None)
