"""What is said of layers over Lambda's limit: the packages that are the weight, who brings them, and what helps."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

from builder.base.errors import CheckFailedError
from builder.building import oversized
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.recipes import Loaded, load
from builder.model.steps.project import ProjectChoice
from builder.model.target import targets
from builder.packages.projects import ProjectRequest
from builder.packages.pypi import projects
from builder.packages.pypi.resolution import Wheels
from builder.plan import adhoc, planning
from builder.plan.adhoc import AdhocRequest
from builder.plan.plan import Plan

HUGE = bytes(150_000_000)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with packages of 150 MB each: `top` requires `middle`, that requires `low`, `alone` nobody."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, needs in (("top", ("middle",)), ("middle", ("low",)), ("low", ()), ("alone", ())):
        make_wheel(folder, name, "1.0", files={f"{name}/__init__.py": b"", f"{name}/data.bin": HUGE}, requires=needs)
    return folder


@pytest.fixture
def links(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_CACHE_DIR", str(wheels / "uv"))  # gigabytes of no use to anybody else
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_one_import_that_is_too_large_is_told_as_split_tells_it(links: Path) -> None:
    write_recipe(links, "models", pip_recipe("models", "top"))
    options = ("--arch", "arm64")
    result = layerwright("build", "models", *options, "--no-test", cwd=links)
    assert result.code == 5
    assert 'MB  low, required by middle: `without = ["low"]` leaves it out' in result.err
    assert "MB  top\n" in result.err
    assert "top with all that it needs is 450.0 MB, so no split helps" in result.err
    assert "container image" in result.err
    split = layerwright("split", "models", cwd=links)
    assert split.code == 5
    assert "top with all that it needs is 450.0 MB" in split.err
    assert not list((links / "dist").glob("*.zip"))


def test_packages_that_fit_one_by_one_are_told_to_be_split(links: Path) -> None:
    write_recipe(links, "both", pip_recipe("both", "low", "alone"))
    result = layerwright("build", "both", "--arch", "arm64", "--no-test", cwd=links)
    assert result.code == 5
    assert "`layerwright split both` makes layers" in result.err


def test_a_command_line_can_leave_packages_out(links: Path) -> None:
    build = ("build", "--pip", "top", "--runtime", "python3.13", "--arch", "arm64", "--no-test")
    result = layerwright(*build, cwd=links)
    assert result.code == 5
    assert "`--without middle` leaves it out" in result.err
    left = layerwright(*build, "--without", "middle", "--without", "low", cwd=links)
    assert left.code == 0, left.err
    wrong = layerwright(*build, "--without", "midle", cwd=links)
    assert wrong.code == 2
    assert "`without` names midle, which nothing here requires; did you mean `middle`?" in wrong.err
    both = layerwright(*build, "--without", "middle", "--without", "midle", cwd=links)
    assert "`without` names midle, which nothing here requires\n" in both.err, "middle is in the list already"


def planned(index: Index, *, size: int, prune: tuple[str, ...] = ()) -> tuple[Loaded, Plan]:
    """Return a plan of two packages of which the index says that their archives have this size."""
    make_wheel(index.folder, "torch", "1.0", requires=("rocm",))
    make_wheel(index.folder, "rocm", "1.0")
    request = AdhocRequest(specs={"pypi": ("torch",)}, name=None, runtimes=(), architectures=("arm64",), prune=prune)
    return sized(adhoc.recipe(request), size)


def sized(loaded: Loaded, size: int) -> tuple[Loaded, Plan]:
    """Return a recipe with its plan, in which each archive has this size."""
    plan = planning.plan(loaded, targets(loaded.recipe)[0])
    wheels = next(each for each in plan.resolutions if isinstance(each, Wheels))
    routes = tuple(replace(route, size=size) for route in wheels.routes)
    return loaded, replace(plan, resolutions=(replace(wheels, routes=routes),))


def test_archives_over_the_limit_are_refused_before_they_are_fetched(index: Index) -> None:
    with pytest.raises(CheckFailedError, match="before anything was fetched") as caught:
        oversized.refuse_download(*planned(index, size=UNZIPPED_LIMIT // 2 + 1))
    assert any("MB  rocm, required by torch: `--without rocm` leaves it out" in line for line in caught.value.why)
    assert any(line.endswith("MB  torch") for line in caught.value.why)
    assert "torch with all that it needs is 262.1 MB, so no split helps: " in str(caught.value.hint)
    assert "container image" in str(caught.value.hint)
    assert "or prune more than tests" in str(caught.value.hint)


def test_who_brings_what_is_told_of_a_lock_too(index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "torch", "1.0", requires=("rocm",))
    make_wheel(index.folder, "rocm", "1.0")
    make_wheel(index.folder, "rocm", "2.0")
    about = 'name = "orders"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["torch", "rocm<2"]'
    (tmp_path / "pyproject.toml").write_text(f"[project]\n{about}\n")
    subprocess.run([find_uv_bin(), "lock", "--quiet", "--python", sys.executable], cwd=tmp_path, check=True)
    found = projects.find(ProjectRequest(folder=tmp_path, root=None, choice=ProjectChoice()))
    assert found
    assert found.lock
    request = AdhocRequest(specs={}, name=None, runtimes=(), architectures=("arm64",), projects=(found,))
    with pytest.raises(CheckFailedError) as caught:
        oversized.refuse_download(*sized(adhoc.recipe(request), UNZIPPED_LIMIT))
    assert str(caught.value.hint).startswith("torch with all that it needs is ")
    told = [line.split("MB")[-1].strip() for line in caught.value.why[1:]]
    assert told == ["rocm, required by torch: `--without rocm` leaves it out", "torch"]


def test_without_what_the_index_says_of_them_packages_are_told_alone(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, plan = planned(index, size=UNZIPPED_LIMIT)
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/")
    with pytest.raises(CheckFailedError) as caught:
        oversized.refuse_download(loaded, plan)
    assert any("MB  rocm: `--without rocm` leaves it out" in line for line in caught.value.why)


def test_packages_that_fit_one_by_one_are_told_so_before_they_are_fetched(index: Index, tmp_path: Path) -> None:
    for name in ("low", "alone"):
        make_wheel(index.folder, name, "1.0")
    write_recipe(tmp_path, "both", pip_recipe("both", "low", "alone"))
    loaded = load(tmp_path / "recipes", "both")
    with pytest.raises(CheckFailedError) as caught:
        oversized.refuse_download(*sized(loaded, UNZIPPED_LIMIT // 2 + 1))
    assert str(caught.value.hint).startswith("`layerwright split both` makes layers for functions")


@pytest.mark.parametrize(("size", "prune"), [(UNZIPPED_LIMIT // 2, ()), (UNZIPPED_LIMIT, ("python/torch/lib/",))])
def test_archives_that_may_fit_are_fetched(index: Index, size: int, prune: tuple[str, ...]) -> None:
    loaded, plan = planned(index, size=size, prune=prune)
    oversized.refuse_download(loaded, plan)
    assert [package.bytes for package in plan.packages] == [size, size]
