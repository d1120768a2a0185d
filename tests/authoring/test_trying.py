"""`layerwright new --try` with builds that fail as told: what is added, how often, and what is said."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from kit import upstream
from kit.commands import Result, layerwright

from builder.base.emitter import Events
from builder.base.errors import BuildError, CheckFailedError, LayerwrightError, SmokeFailedError
from builder.building.job import Options
from builder.engine import advice
from builder.engine.client import Engine
from builder.engine.failure import package_names
from builder.engine.missing import StepFailedError
from builder.engine.nodes import Node
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.steps import Packages
from builder.model.target import Target
from builder.plan.mode import EngineOptions

ENGINE = Engine(
    kind="docker",
    program="docker",
    version="28.0",
    nodes=(Node(name="default", native="linux/arm64", platforms=("linux/arm64",)),),
)
YAML = "greet.c:3:10: fatal error: yaml.h: No such file or directory"
ZLIB = "/usr/bin/ld: cannot find -lz: No such file or directory"
UNKNOWN = "greet.c:1:2: error: #error never"
Fake = Callable[[Sequence[str]], list[str]]


def failing(line: str) -> BuildError:
    """Return the error of a step whose output is this line, with what the hints propose."""
    advised = advice.of([line], [line], package_names("al2023"))
    error = StepFailedError("greet: step `source` failed", why=advised.shown, hint="; ".join(advised.hints) or None)
    error.packages = advised.packages
    return error


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Let builds fail with lines, one after another; the rest succeed. Returns the targets that were built."""
    monkeypatch.setattr(EngineOptions, "engine", lambda _: ENGINE)

    def prepared(lines: Sequence[str]) -> list[str]:
        left, built = list(lines), []

        def build(loaded: Loaded, target: Target, options: Options, events: Events) -> None:
            assert loaded.folder is not None
            assert options.test == "always"
            assert options.output.is_dir()
            events.begin("compiling")
            built.append(target.name)
            if left:
                raise failing(left.pop(0))

        monkeypatch.setattr("builder.authoring.trying.layer.build", build)
        return built

    return prepared


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    files = {"Makefile": upstream.MAKEFILE, "greet.c": upstream.GREET}
    upstream.pack(tmp_path / "served" / "greet-1.2.tar.gz", files)
    with upstream.serve(tmp_path / "served") as address:
        yield f"{address}/greet-1.2.tar.gz"


def new(url: str, work: Path, *more: str) -> Result:
    return layerwright("new", "greet", "--source", url, "--try", *more, cwd=work)


def installs(work: Path) -> tuple[str, ...]:
    steps = recipes.load(work / "recipes", "greet").recipe.step
    assert not any(isinstance(step, Packages) for step in steps[1:])
    return steps[0].install if isinstance(steps[0], Packages) else ()


def test_what_a_build_lacks_is_added_until_one_works(builds: Fake, url: str, tmp_path: Path) -> None:
    built = builds([YAML, ZLIB])
    made = new(url, tmp_path)
    assert made.code == 0, made.err
    assert installs(tmp_path) == ("libyaml-devel", "zlib-devel")
    assert built == ["greet-1.2-arm64"] * 3
    assert "build 1 lacked libyaml-devel: added to the recipe" in made.err
    assert "build 2 lacked zlib-devel: added to the recipe" in made.err
    told = made.out + made.err
    assert (
        "built and tested greet-1.2-arm64, build 3 of at most 5; added to its packages: libyaml-devel zlib-de" in told
    )
    assert layerwright("lint", cwd=tmp_path).code == 0


def test_a_first_build_that_works_adds_nothing(builds: Fake, url: str, tmp_path: Path) -> None:
    built = builds([])
    made = new(url, tmp_path, "--arch", "x86_64")
    assert made.code == 0, made.err
    assert installs(tmp_path) == ()
    assert built == ["greet-1.2-x86_64"]  # the engine's own architecture is not among those of the recipe
    assert "added" not in made.err


def test_packages_that_are_named_stay_and_are_not_added_twice(builds: Fake, url: str, tmp_path: Path) -> None:
    builds([YAML, YAML])
    made = new(url, tmp_path, "--packages", "bison")
    assert made.code == 4
    assert installs(tmp_path) == ("bison", "libyaml-devel")
    assert "yaml.h" in made.err
    assert "the recipe is recipes/greet/recipe.toml, with libyaml-devel added to its packages" in made.err


def test_a_failure_that_no_package_helps_ends_it(builds: Fake, url: str, tmp_path: Path) -> None:
    built = builds([UNKNOWN])
    made = new(url, tmp_path)
    assert made.code == 4
    assert "#error never" in made.err
    assert "the recipe is recipes/greet/recipe.toml\n" in made.err
    assert len(built) == 1
    assert installs(tmp_path) == ()


@pytest.mark.parametrize("kind", [CheckFailedError, SmokeFailedError])
def test_a_check_or_a_test_that_fails_ends_it_with_the_place_of_the_recipe(
    builds: Fake, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[LayerwrightError]
) -> None:
    builds([])

    def fails(*_: object) -> None:
        msg = "greet: check `layer-path` failed"
        raise kind(msg)

    monkeypatch.setattr("builder.authoring.trying.layer.build", fails)
    made = new(url, tmp_path)
    assert made.code == kind.exit_code
    assert "check `layer-path` failed" in made.err
    assert "the recipe is recipes/greet/recipe.toml" in made.err


def test_five_builds_are_the_most(builds: Fake, url: str, tmp_path: Path) -> None:
    headers = ("yaml.h", "zlib.h", "png.h", "expat.h", "ffi.h", "gmp.h")
    built = builds([YAML.replace("yaml.h", header) for header in headers])
    made = new(url, tmp_path)
    assert made.code == 4
    assert len(built) == 5
    assert installs(tmp_path) == ("expat-devel", "libpng-devel", "libyaml-devel", "zlib-devel")
    assert "ffi.h" in made.err


def test_without_an_engine_nothing_is_written_and_nothing_is_fetched(tmp_path: Path) -> None:
    made = layerwright(
        *("new", "greet", "--source", "http://127.0.0.1:9/greet-1.2.tar.gz", "--try"),
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
    )
    assert made.code == 7
    assert "no container engine is installed" in made.err
    assert not (tmp_path / "recipes").exists()


def test_packages_of_an_index_are_tried_too(builds: Fake, tmp_path: Path, npm_registry: Path) -> None:
    from kit.npm import package

    package(npm_registry, "compiles", scripts={"install": "node-gyp rebuild"})
    builds([YAML])
    made = layerwright("new", "greet", "--npm", "compiles", "--try", cwd=tmp_path)
    assert made.code == 0, made.err
    assert installs(tmp_path) == ("libyaml-devel",)
    copied = layerwright("new", "other", "--from", "jq", "--try", cwd=tmp_path)
    assert copied.code == 2
    assert "--from and --try are mutually exclusive" in copied.err
