"""Compiling for the other architecture with the engine's own compiler: equal results, and the fallback to emulation."""

import dataclasses
import subprocess
from pathlib import Path

import pytest
from kit import standin
from kit.commands import ROOT, layerwright, write_recipe
from kit.compiled import recipe, source_archive
from kit.foreign import C_PROGRAM, CXX_PROGRAM, WORKS, interface, made, making, programs, works

from builder.base.emitter import Events
from builder.base.errors import BuildError, EngineError
from builder.building.job import Options
from builder.building.layer import build
from builder.engine.client import Engine
from builder.model import images, recipes
from builder.model.images import build_image
from builder.model.runtimes import runtime
from builder.model.target import targets
from builder.plan.mode import EngineOptions, choose_mode
from builder.plan.planning import plan

RECIPES = ("mysqlclient", "psycopg2", "pycurl", "pyodbc", "python-ldap", "pyyaml")
OTHERS = {"levenshtein": "0.27.5", "lz4": "4.4.5", "msgpack": "1.2.4"}
"""Packages that this repository has no recipe for: CMake by scikit-build-core, and more of setuptools."""
SHORT = ("pycurl", "msgpack")
OPTIMISED_AS_ONE = {"levenshtein"}
"""C++ with link-time optimisation: which helpers of its runtime GCC calls, clang may do without."""
FROM_SDIST = """
[[step]]
uses = "pip"
requirements = ["{0}=={1}"]
wheels = "never"
"""


ALSO = pytest.mark.long
"""More of a kind that a shorter one stands for: each compiles for minutes under emulation where nothing is cached."""


@pytest.mark.network
@pytest.mark.parametrize(
    "name", [*SHORT, *(pytest.param(name, marks=ALSO) for name in (*RECIPES, *OTHERS) if name not in SHORT)]
)
def test_the_result_is_that_of_the_emulated_compiler(name: str, engine: Engine, tmp_path: Path) -> None:
    folder = ROOT / "recipes"
    if name in OTHERS:
        folder = tmp_path / "recipes"
        text = recipe(FROM_SDIST.format(name, OTHERS[name]), arch="arm64", runtime="python3.13")
        write_recipe(tmp_path, name, text.replace('"a"', f'"{name}"'))
    one = recipes.load(folder, name)
    target = next(t for t in targets(one.recipe) if t.base.name == "python3.13" and t.arch != engine.architecture)
    results = {}
    for route in ("accelerated", "emulated"):
        options = Options(output=tmp_path / route, containers=EngineOptions(mode=route))
        built = build(one, target, options, Events())
        assert built.manifest.route == route
        assert route in {package.route for package in built.manifest.packages}
        assert built.manifest.notes == ()
        results[route] = programs(built.path)
    fast, slow = results["accelerated"], results["emulated"]
    assert set(fast) == set(slow) != set()
    for file, data in fast.items():
        found, wanted = interface(data), interface(slow[file])
        if name in OPTIMISED_AS_ONE:
            assert found["versions"] <= wanted["versions"]
            wanted["versions"] = found["versions"]
        assert found == wanted
        assert b"/native" not in data
        assert b"clang version" not in slow[file]


def test_cxx_is_compiled_against_the_targets_own_library(engine: Engine, tmp_path: Path) -> None:
    built = made(tmp_path, making(f"{CXX_PROGRAM}# no other test has made this one under emulation\n"))
    assert built.manifest.route == "accelerated"
    (data,) = programs(built.path).values()
    assert "libstdc++.so.6" in interface(data)["needed"]
    assert interface(data)["machine"] == "EM_AARCH64"
    assert works(engine, built, tmp_path)


def test_a_stage_that_acceleration_breaks_is_emulated_with_a_note(engine: Engine, tmp_path: Path) -> None:
    picky = 'case "$("${CC:-gcc}" --version)" in *clang*) echo "a.c:1:1: error: only with gcc" >&2; exit 1 ;; esac\n'
    text = making(picky + C_PROGRAM)
    built = made(tmp_path, text)
    assert built.manifest.route == "emulated"
    assert [note for note in built.notes if "could not be accelerated: a.c:1:1: error: only with gcc" in note]
    assert works(engine, built, tmp_path)
    with pytest.raises(BuildError, match="step `step-1` failed"):
        made(tmp_path, text, "accelerated")


def test_a_build_that_ignores_cc_is_detected_from_its_output(engine: Engine, tmp_path: Path) -> None:
    makefile = "all:\n\tgcc -o a a.c\ninstall:\n\tinstall -D a /opt/bin/a\n"
    code = '#include <stdio.h>\nint main(void) { puts("works"); return 0; }\n'
    digest, _ = source_archive({"Makefile": makefile, "a.c": code})
    source = f'[[source]]\nurl = "http://127.0.0.1:9/a.tgz"\nsha256 = "{digest}"\n\n'
    source += '[[step]]\nuses = "source"\nbuild = "make"\n'
    text = recipe(source, WORKS, arch="arm64")
    built = made(tmp_path, text)
    assert built.manifest.route == "emulated"
    assert [note for note in built.notes if "ignores CC" in note]
    assert works(engine, built, tmp_path)


def test_a_mode_can_be_forced_or_refused(engine: Engine, tmp_path: Path) -> None:
    text = making(C_PROGRAM)
    fast, slow = made(tmp_path, text, "accelerated"), made(tmp_path, text, "emulated")
    assert (fast.manifest.route, slow.manifest.route) == ("accelerated", "emulated")
    with pytest.raises(EngineError, match="no node of this engine is arm64"):
        made(tmp_path, text, "native")
    assert engine.architecture.name == "x86_64"
    result = layerwright("build", "a", "--route", "native", "-o", "x", cwd=tmp_path)
    assert result.code == 7


def test_engines_without_events_accelerate_only_on_request(engine: Engine, tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", making(C_PROGRAM))
    one = recipes.load(tmp_path / "recipes", "a")
    planned = plan(one, targets(one.recipe)[0])
    assert planned.container is not None
    podman = dataclasses.replace(engine, kind="podman")
    modes = [
        choose_mode(planned.container, which, route).name
        for which in (engine, podman)
        for route in ("auto", "accelerated")
    ]
    assert modes == ["accelerated", "accelerated", "emulated", "accelerated"]


def test_a_mirror_without_the_engines_own_image_is_enough(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = "sam/build-provided.al2023:latest-arm64"
    mirror = f"{standin.REGISTRY}/only-arm64"
    copied = [
        engine.program,
        "buildx",
        "imagetools",
        "create",
        "--tag",
        f"{mirror}/{image}",
        f"{standin.REGISTRY}/{image}",
    ]
    subprocess.run(copied, check=True, capture_output=True)
    # The engine may keep the other image, which it then takes by its digest.
    other = build_image(runtime("provided.al2023"), engine.architecture)
    pins = tmp_path / "pins" / images.pins_file().name
    pins.parent.mkdir()
    pins.write_text(images.pins_file().read_text().replace(str(other.digest), f"sha256:{'0' * 64}"))
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(pins.parent))
    monkeypatch.setenv("LAYERWRIGHT_REGISTRY", mirror)
    built = made(tmp_path, making(C_PROGRAM))
    assert built.manifest.route == "emulated"
    assert [note for note in built.notes if "could not be accelerated" in note]
