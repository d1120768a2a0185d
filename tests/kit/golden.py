"""Plans whose Dockerfiles and keys are kept in `tests/plan/golden`, and how their resolutions were made.

`PYTHONPATH=.:tests python -m kit.golden [NAME]...` asks the real indexes and writes `*.resolution.json` anew. That is
needed for a new plan, and when the stored form changes; all else is `pytest --update-golden`.
"""

import contextlib
import difflib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.target import Target, targets
from builder.plan.resolve import resolve
from builder.plan.resolved import Resolved, from_json
from kit import gems
from kit.commands import ROOT

FOLDER = ROOT / "tests" / "plan" / "golden"
_SHA256 = "ab" * 32


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One plan."""

    recipe: str = ""
    """The name of a recipe of the catalogue, if it is not made of `steps`."""
    steps: str = ""
    runtime: str = "python3.13"
    arch: str = "arm64"
    files: Mapping[str, str] = field(default_factory=dict)
    """Beside the recipe."""


def _source(name: str, build: str, options: str = "") -> str:
    return f"""
[[source]]
name   = "{name}"
url    = "https://example.com/{name}-{{version}}.tar.gz"
sha256 = "{_SHA256}"

[[step]]
uses    = "packages"
install = ["meson", "ninja-build"]

[[step]]
uses    = "source"
build   = "{build}"
options = [{options}]
"""


SEVERAL = f"""
[[source]]
name   = "first"
url    = "https://example.com/first-{{version}}.tar.gz"
sha256 = "{_SHA256}"

[[source]]
name   = "second"
git    = "https://example.com/second.git"
commit = "{"cd" * 20}"

[[step]]
uses    = "packages"
install = ["zlib-devel", "cmake"]

[[step]]
uses    = "source"
source  = "second"
build   = "cmake"
options = ["-DNAME=with space"]

[[step]]
uses    = "script"
run     = '''
sh "$RECIPE/patch.sh"
make -C "$SRC" install
'''
network = true
env     = {{ MODE = "it's fast" }}

[[step]]
uses         = "pip"
requirements = ["lz4==4.4.4"]
wheels       = "never"

[[step]]
uses  = "copy"
files = ["conf/*.txt"]
to    = "share"

[libraries]
dlopen = ["libz.so.1"]
"""
SCRIPT = '[[step]]\nuses = "script"\nrun = "true"\nsecrets = ["token"]\n'
RUST_TOOLS = '[[step]]\nuses = "packages"\ninstall = ["cargo", "zlib-devel"]\n'
LZ4 = '[[step]]\nuses = "pip"\nrequirements = ["lz4==4.4.4"]\nwheels = "never"\nbuild-requires = ["wheel"]\n'
GO_PACKAGE = '[[step]]\nuses = "go"\npackage = "rsc.io/hello@v1.0.0"\ntags = ["netgo"]\n'
CARGO_CRATE = '[[step]]\nuses = "cargo"\ncrate = "hexyl@0.16.0"\nfeatures = []\n'
GEMS = '[[step]]\nuses = "packages"\ninstall = ["zlib-devel"]\n[[step]]\nuses = "gem"\ngems = ["tiny@1.0"]\n'
GOLDEN = {
    "wheels": Golden(recipe="numpy"),
    "pip": Golden(recipe="psycopg2"),
    "pip-al2": Golden(steps='[[step]]\nuses = "pip"\nrequirements = ["psycopg2==2.9.10"]\n', runtime="python3.11"),
    "pip-preview": Golden(
        steps='[[step]]\nuses = "pip"\nrequirements = ["lz4==4.4.4"]\nwheels = "never"\n', runtime="python3.15"
    ),
    "pip-rust": Golden(
        steps='[[step]]\nuses = "packages"\ninstall = ["cargo", "rust"]\n'
        '[[step]]\nuses = "pip"\nrequirements = ["rpds-py==0.30.0"]\nwheels = "never"\n'
    ),
    "npm": Golden(recipe="better-sqlite3", runtime="nodejs22.x"),
    "npm-published": Golden(recipe="bcrypt", runtime="nodejs24.x", arch="x86_64"),
    "gem": Golden(steps=GEMS, runtime="ruby3.3"),
    "maven": Golden(recipe="jackson", runtime="java21", arch="x86_64"),
    "cargo": Golden(steps=CARGO_CRATE, runtime="provided.al2023"),
    "cargo-project": Golden(recipe="rust-extension", runtime="provided.al2023", arch="x86_64"),
    "go": Golden(steps=GO_PACKAGE, runtime="provided.al2023"),
    "go-project": Golden(recipe="go-extension", runtime="provided.al2023"),
    "packages": Golden(recipe="git", runtime="provided.al2023"),
    "packages-al2": Golden(
        steps='[[step]]\nuses = "packages"\ninstall = ["git-core"]\nlayer = true\n', runtime="python3.11"
    ),
    "autotools": Golden(recipe="jq", runtime="provided.al2023"),
    "autotools-al2": Golden(steps=_source("one", "autotools", '"--with=a b"'), runtime="python3.11"),
    "cmake": Golden(recipe="qpdf", runtime="provided.al2023", arch="x86_64"),
    "meson": Golden(steps=_source("one", "meson")),
    "make": Golden(recipe="lz4", runtime="provided.al2023"),
    "script": Golden(recipe="busybox", runtime="provided.al2023"),
    "script-packages": Golden(recipe="ca-bundle", runtime="python3.13", arch="x86_64"),
    "copy": Golden(recipe="exec-wrapper"),
    "several": Golden(
        steps=SEVERAL, files={"patch.sh": "true\n", "conf/a.txt": "a\n", "conf/b.txt": "b\n"}, arch="x86_64"
    ),
    "pip-after-script": Golden(steps=SCRIPT + RUST_TOOLS + LZ4),
    "pip-network": Golden(steps=RUST_TOOLS + LZ4 + "network = true\n"),
    "go-after-script": Golden(steps=SCRIPT + GO_PACKAGE),
    "several-sources": Golden(recipe="tesseract", runtime="provided.al2023"),
}


@cache
def stored(name: str) -> Resolved:
    """Return the resolution of a plan, as it was once asked for."""
    return from_json(json.loads((FOLDER / f"{name}.resolution.json").read_text(encoding="utf-8")))


def compare(path: Path, text: str, *, update: bool) -> None:
    """Compare a text with a golden file, or write it there. A difference fails as a diff with the command."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if update:
        path.write_text(text, encoding="utf-8", newline="\n")
    elif before != text:
        lines = difflib.unified_diff(before.splitlines(), text.splitlines(), path.name, "now", lineterm="", n=2)
        command = "pytest --update-golden tests/plan"
        pytest.fail("\n".join([*lines, f"`{command}` writes it, if that is meant"]), pytrace=False)


def write(name: str) -> None:
    """Ask the indexes, and keep the answers."""
    os.environ.pop("LAYERWRIGHT_REGISTRY", None)
    with _loaded(GOLDEN[name]) as loaded:
        resolved = resolve(loaded, _target(loaded, GOLDEN[name]))
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1", json.dumps(resolved.to_json(), indent=1))
    (FOLDER / f"{name}.resolution.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _target(loaded: Loaded, golden: Golden) -> Target:
    named = ((golden.runtime in {one.name for one in target.runtimes}, target) for target in targets(loaded.recipe))
    return next(target for fits, target in named if fits and golden.arch in {one.name for one in target.architectures})


@contextlib.contextmanager
def _loaded(golden: Golden) -> Iterator[Loaded]:
    """Load a recipe by a path that is the same on every host."""
    if golden.recipe:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            yield recipes.load(Path("recipes"), golden.recipe)
        return
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        folder = Path("recipes") / "tiny"
        folder.mkdir(parents=True)
        text = f"""
[layer]
name        = "tiny"
version     = "1.0"
description = "for golden files"
license     = "MIT"

[targets]
runtimes      = ["{golden.runtime}"]
architectures = ["{golden.arch}"]
{golden.steps}"""
        for name, content in {"recipe.toml": text, **golden.files}.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
        with _gem_index(Path(place), patch) if "gem" in golden.steps else contextlib.nullcontext():
            yield recipes.load(Path("recipes"), "tiny")


@contextlib.contextmanager
def _gem_index(place: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = place / "index" / "gems"
    folder.mkdir(parents=True)
    gems.pack(
        folder, "tiny", files={"lib/tiny.rb": b"", "ext/tiny/extconf.rb": b""}, extensions=["ext/tiny/extconf.rb"]
    )
    gems.write_index(place / "index")
    with gems.serve(place / "index") as address:
        patch.setenv("BUNDLE_MIRROR__ALL", address)
        yield


if __name__ == "__main__":
    for _name in sys.argv[1:] or GOLDEN:
        write(_name)
        sys.stdout.write(f"{_name}\n")
