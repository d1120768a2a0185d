"""Every recipe of this repository: built for every target, checked, and its test run where it can be."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import catalogue_night, gems, standin
from kit.commands import ROOT
from kit.whole_catalogue import LONG, REFUSED

from builder.base.emitter import Events
from builder.base.errors import SmokeFailedError
from builder.building.job import Options
from builder.building.layer import build
from builder.engine import client
from builder.engine.client import Engine
from builder.engine.failure import package_names
from builder.layer import interpreters, manifest
from builder.model import recipes
from builder.model.architectures import host_architecture
from builder.model.manifest import FindingRow, Manifest
from builder.model.recipes import Loaded
from builder.model.steps import Build, Gem, Npm, Packages, Pip, Script
from builder.model.steps.cargo import Cargo
from builder.model.steps.go import Go
from builder.model.symbol_versions import version_key
from builder.model.target import Target, targets
from builder.packages import table
from builder.packages.npm import package_lock
from builder.smoke import run

FOLDER = ROOT / "recipes"
LOADED = [recipes.load(FOLDER, name) for name in recipes.names(FOLDER)]
BASICS = {
    *("numpy", "pandas", "scipy", "pillow", "lxml", "cryptography", "pydantic", "orjson"),
    *("pyarrow", "opencv-python-headless", "shapely", "scikit-learn"),
    *("sharp", "canvas", "better-sqlite3", "bcrypt", "aws-sdk", "esbuild"),
    *("jackson", "powertools-java", "sqlite-jdbc", "snappy-java"),
    *("bash-runtime", "log-extension", "exec-wrapper", "git", "ghostscript", "poppler-utils", "graphviz", "qpdf"),
    *("busybox", "dejavu-fonts", "ca-bundle", "ripgrep", "rust-extension", "go-extension"),
    *("nokogiri", "sqlite3-ruby", "bcrypt-ruby"),
    *("psycopg2", "mysqlclient", "pycurl", "python-ldap", "pyodbc", "pyyaml", "jq", "sqlite3"),
}


FOR_BOTH = {
    "pyyaml",
    "psycopg2",
    "lz4",
    "sqlite3",
    "jq",
    "better-sqlite3",
    "rust-extension",
    "go-extension",
    "sqlite3-ruby",
}
"""One compiled recipe of each kind, also for the architecture that is emulated; `make test-long` has the others so."""


COMPILE_LONG = {*LONG, "nokogiri"}


def takes_long(one: Loaded, target: Target) -> bool:
    # Minutes for each Node.js, and one for each Python: one is enough to know that it works.
    is_another = target.base.name in {"nodejs24.x", "python3.14"}
    is_foreign = target.arch != host_architecture() and one.name not in FOR_BOTH
    return one.name in COMPILE_LONG or is_foreign or (is_another and one.name not in EVERY_PYTHON)


def compiles(one: Loaded) -> bool:
    """Tell whether a recipe needs a container."""
    return any(step.needs_engine or (isinstance(step, Npm) and has_scripts(one, step)) for step in one.recipe.step)


def has_scripts(one: Loaded, step: Npm) -> bool:
    target = targets(one.recipe)[0]
    lock = one.file("package-lock.json").read_text(encoding="utf-8")
    return bool(package_lock.scripts(package_lock.packages(lock, target.arch, one.name), step, target, allowed=True))


WHEELS = [one for one in LOADED if not compiles(one)]
COMPILED = [one for one in LOADED if compiles(one)]
PAIRS = [(one, target) for one in WHEELS for target in targets(one.recipe)]
EVERY_PYTHON = {"numpy", "pyyaml"}
"""A recipe of what is prebuilt and one of what is compiled, for each Python; `make test-long` builds the others so."""


SLOW_ELSEWHERE = {"pandas", "scipy", "scikit-learn", "pyarrow", "opencv-python-headless"}
"""What takes a minute to import under emulation; `make test-long` builds it for the other architecture, and does it."""


FOR_ANY = {"jackson", "powertools-java", "snappy-java", "aws-sdk"}
"""Zips for both architectures, of which an emulated JVM or Node.js takes half a minute; `make test-long` runs their
tests. Of native code for both in one zip sqlite-jdbc stays, of packages of Node.js those for one architecture."""


def is_slow(one: Loaded, target: Target) -> bool:
    return one.name in FOR_ANY or (one.name in SLOW_ELSEWHERE and target.arch != host_architecture())


def is_of_the_night(one: Loaded, target: Target) -> bool:
    usual = not target.base.python or target.base.name == "python3.13" or one.name in EVERY_PYTHON
    return usual and (one.name in FOR_ANY or not is_slow(one, target))


NIGHT = [
    *(target for one, target in PAIRS if is_of_the_night(one, target)),
    *(target for one in COMPILED if one.name in {"lz4", "sqlite3"} for target in targets(one.recipe)),
]
"""What one night builds for all tests: what is prebuilt, and of what is compiled one recipe of each kind."""
INSIDE = [
    pytest.param(one, target, id=target.name, marks=[pytest.mark.long] if takes_long(one, target) else [])
    for one in COMPILED
    for target in targets(one.recipe)
]


def unfit(made: Manifest) -> list[FindingRow]:
    """Return what speaks against a layer, but for what its recipe allows with a reason."""
    return [row for row in made.findings if row.severity == "error" and not row.allowed]


def test_the_packages_that_people_ask_for_first_are_there() -> None:
    assert {one.name for one in LOADED} >= BASICS


@pytest.mark.parametrize("one", LOADED, ids=lambda one: one.name)
def test_a_recipe_covers_both_architectures_and_has_lock_and_test(one: Loaded) -> None:
    covered = {(target.base.os.name, arch.name) for target in targets(one.recipe) for arch in target.architectures}
    kinds = {type(step) for step in one.recipe.step}
    systems = {"al2", "al2023"} if one in WHEELS and Pip in kinds else {"al2023"}
    assert covered == {(os_name, arch) for os_name in systems for arch in ("x86_64", "arm64")}
    if Pip in kinds:
        # What wheels exist for is compiled to be compared with them: one Python is enough, and takes long enough.
        pythons = {"python3.13"} if one.name.endswith("-source") else {"python3.13", "python3.14"}
        assert pythons <= set(one.recipe.targets.runtimes)
    assert one.recipe.test
    for ecosystem in table.of_recipe(one):
        if ecosystem.name == "gem":
            continue  # Bundler's lock names its index, so the catalogue has none
        path = ecosystem.lock_path(one)
        assert path is not None
        text = path.read_text(encoding="utf-8")
        assert "://" not in text or ecosystem.name == "npm"  # there, packages name where people may donate
        assert '"resolved"' not in text


@pytest.mark.parametrize("one", COMPILED, ids=lambda one: one.name)
def test_what_recipes_install_is_a_package_of_amazon_linux_2023(one: Loaded) -> None:
    known = set(package_names("al2023"))
    asked = {name for step in one.recipe.step if isinstance(step, Packages) for name in step.install}
    assert asked <= known


@pytest.mark.parametrize("one", COMPILED, ids=lambda one: one.name)
def test_every_target_that_is_compiled_has_a_stand_in_to_be_compiled_in(one: Loaded) -> None:
    assert {target.base.name for target in targets(one.recipe)} <= set(standin.RUNTIMES)


def runs_in_a_container(target: Target) -> bool:
    """Tell whether a container runs the test of a recipe. Emulation takes its time: one foreign Python is enough."""
    return target.base.name in {"python3.13", "nodejs22.x", "provided.al2023", "java21"} or (
        target.base.name == "python3.14" and target.arch == host_architecture()
    )


@pytest.mark.network
@pytest.mark.recipes
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("one", "target"),
    [
        pytest.param(*pair, id=pair[1].name, marks=[] if is_of_the_night(*pair) else [pytest.mark.long])
        for pair in PAIRS
    ],
)
def test_a_recipe_builds_passes_its_checks_and_works(
    one: Loaded,
    target: Target,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_of_the_night(one, target):
        folder, night = catalogue_night.first(tmp_path_factory, NIGHT)
        path, said = folder / "dist" / f"{target.name}.zip", night.err
    else:
        path, said = build(one, target, Options(output=tmp_path), Events()).path, ""
    made = manifest.beside(path)
    assert made, said
    assert not unfit(made)
    assert made.locked is True
    if target.base.python and made.packages:
        works_on_this_host(path, made, one, target, tmp_path)
    if runs_in_a_container(target) and not is_slow(one, target):
        works_in_the_runtime(path, made, one, target, monkeypatch)


SLOW = [pair for pair in PAIRS if is_slow(*pair) and runs_in_a_container(pair[1])]


@pytest.mark.long
@pytest.mark.network
@pytest.mark.recipes
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("one", "target"), SLOW, ids=[target.name for _, target in SLOW])
def test_a_large_recipe_works_on_the_other_architecture(
    one: Loaded, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(one, target, Options(output=tmp_path), Events())
    works_in_the_runtime(built.path, built.manifest, one, target, monkeypatch)


def works_on_this_host(path: Path, made: Manifest, one: Loaded, target: Target, folder: Path) -> None:
    interpreter = interpreters.find(target.base.series)
    if interpreter is None or target.arch != host_architecture() or sys.platform != "linux":
        return  # a container runs its test
    assert made.bytecode == interpreter.version
    root = folder / "opt"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(root)
    for test in one.recipe.test:
        finished = subprocess.run(
            [*interpreter.command, "-B", "-s", "-c", test.python or ""],
            env={"PYTHONPATH": str(root / "python"), "PATH": os.defpath, "HOME": str(folder)},
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode == 0, finished.stderr


def works_in_the_runtime(
    path: Path, made: Manifest, one: Loaded, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    if version_key(made.abi.glibc or "2.0") > version_key(standin.GLIBC):
        # Amazon Linux 2023 has it, and the stand-in refuses it as an older Lambda would.
        with pytest.raises(SmokeFailedError, match=REFUSED):
            _ = run.layer(client.find("docker"), path, target, one.recipe).passed
        assert one.name == "cryptography"
        monkeypatch.setenv("LAYERWRIGHT_REGISTRY", standin.NEWER)
    proved = run.layer(client.find("docker"), path, target, one.recipe).passed
    assert len(proved) == len(one.recipe.test) * len(target.architectures)
    if target.base.python and made.packages:
        assert all(outcome.cold_ms for outcome in proved)


@pytest.fixture(scope="session")
def real_gems(_pins: Path) -> Iterator[str]:
    """Serve the gems that the recipes ask for: where RubyGems' index is out of reach, Debian's sources are not."""
    with gems.serve(gems.real(Path(os.environ["LAYERWRIGHT_CACHE"]))) as address:
        yield address


@pytest.mark.network
@pytest.mark.recipes
@pytest.mark.parametrize(("one", "target"), INSIDE)
def test_a_recipe_compiles_passes_its_checks_and_works_in_the_runtime(
    one: Loaded, target: Target, engine: Engine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if any(isinstance(step, Gem) for step in one.recipe.step):
        address = request.getfixturevalue("real_gems")
        request.getfixturevalue("monkeypatch").setenv("BUNDLE_MIRROR__ALL", address)
    built = build(one, target, Options(output=tmp_path), Events())
    assert not unfit(built.manifest)
    foreign = target.arch != engine.architecture
    if any(isinstance(step, (Build, Cargo, Gem, Go, Script, Pip, Npm)) for step in one.recipe.step):
        assert built.manifest.route == ("accelerated" if foreign else "native")
    else:  # nothing is compiled: the system's own packages
        assert built.manifest.route == ("emulated" if foreign else "native")
    assert built.manifest.build_image
    assert (built.manifest.build_image.digest or "").startswith("sha256:")
    fortran = any("gcc-gfortran" in step.install for step in one.recipe.step if isinstance(step, Packages))
    slow = [f"{target.name}: Fortran was compiled under emulation"] if fortran and foreign else []
    assert list(built.manifest.notes) == slow
    machines = {row.license or "" for row in built.manifest.libraries}
    assert "" not in machines
    names = zipfile.ZipFile(built.path).namelist()
    if sources := [name for name in names if name.endswith(".py")]:
        assert built.manifest.bytecode
        assert len([name for name in names if name.endswith(".pyc")]) == len(sources)
    proved = run.layer(client.find("docker"), built.path, target, one.recipe).passed
    assert len(proved) == len(one.recipe.test) * len(target.architectures)


@pytest.mark.parametrize("root", ["share/ghostscript", "share/ghostscript/9.53.3"])
def test_ghostscript_finds_its_files_in_fedoras_layout_and_in_debians(root: str, tmp_path: Path) -> None:
    shell = next(test.shell for loaded in LOADED if loaded.name == "ghostscript" for test in loaded.recipe.test)
    assert shell
    for name in ("Resource/Init", "lib", "iccprofiles"):
        (tmp_path / root / name).mkdir(parents=True)
    setting = shell.partition("/opt/bin/gs")[0].replace("/opt/", f"{tmp_path}/")
    command = ["sh", "-euc", f'{setting}echo "$GS_LIB"']
    printed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert printed.startswith(f"{tmp_path}/{root}/Resource/Init:{tmp_path}/{root}/lib:")
