"""Names of runtimes and architectures as other tools write them."""

from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe

from builder.model import architectures, runtime_names, runtimes


@pytest.mark.parametrize(
    ("names", "lambdas"),
    [
        ("python3.13 3.13 py3.13 cp313 python313 py313 Python-3.13 3.13.2", "python3.13"),
        ("python3.9 py39 3.9", "python3.9"),
        ("nodejs22.x node22 nodejs22 22.x v22 node-22 node22.11.0 nodejs-22.x", "nodejs22.x"),
        ("ruby3.3 ruby33 ruby-3.3.1 rb33", "ruby3.3"),
        ("java21 jdk21 java-21 corretto-21 openjdk21", "java21"),
        ("dotnet8 net8 net8.0 dotnet-8", "dotnet8"),
        ("provided.al2023 al2023 provided-al2023 amazonlinux:2023 amazonlinux2023", "provided.al2023"),
        ("al2 amazonlinux:2 provided.al2", "provided.al2"),
        ("python2.7 2.7 py27", "python2.7"),
    ],
)
def test_names_of_others_are_understood(names: str, lambdas: str) -> None:
    understood = {name: runtime_names.canonical(name) for name in names.split()}
    assert {name for name, found in understood.items() if found != lambdas} <= {"v22"}


@pytest.mark.parametrize("name", ["pyton3.13", "3.99", "313", "node", "22", "", "al2024", "cp3", "python3.13 "])
def test_other_texts_stay_what_they_are(name: str) -> None:
    assert runtime_names.canonical(name) == name


def test_every_name_of_lambdas_is_its_own() -> None:
    for name in (*runtimes.runtimes(), *runtimes.retired()):
        assert runtime_names.canonical(name) == name


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("python3", "python3."), ("python", "python3."), ("py3", "python3."), ("Node", "nodejs"), ("java2", "java2")],
)
def test_a_language_without_its_version_is_asked_for_it(name: str, beginning: str) -> None:
    told = runtimes.unknown_runtime(name)
    assert told is not None
    message, _, listed = told.partition("; which one? ")
    assert message == f"unknown runtime `{name}`"
    supported = [each.name for each in runtimes.runtimes().values() if each.status(runtimes.today()) == "current"]
    assert listed.split(", ") == [each for each in supported if each.startswith(beginning)]


def test_a_word_that_is_no_language_has_its_near_match() -> None:
    assert runtimes.unknown_runtime("pyhton3.13") == "unknown runtime `pyhton3.13`; did you mean `python3.13`?"
    assert runtimes.unknown_runtime("lambda") == "unknown runtime `lambda`"
    assert runtimes.unknown_runtime("") == "unknown runtime ``"


@pytest.mark.parametrize(
    ("names", "lambdas"),
    [
        ("x86_64 x86-64 amd64 x64 AMD64 linux/amd64", "x86_64"),
        ("arm64 aarch64 armv8 arm64/v8 linux/arm64 linux/arm64/v8 ARM64", "arm64"),
    ],
)
def test_names_of_architectures_are_understood(names: str, lambdas: str) -> None:
    assert {architectures.canonical(name) for name in names.split()} == {lambdas}
    assert architectures.canonical("i386") == "i386"


def test_recipes_and_options_take_them(tmp_path: Path) -> None:
    step = '[[step]]\nuses = "copy"\nfiles = ["recipe.toml"]\nto = "etc"\n'
    write_recipe(tmp_path, "a", recipe(step, runtime="py3.13", arch="linux/arm64"))
    found = layerwright("plan", "a", "--runtime", "3.13", "--arch", "aarch64", "--json", cwd=tmp_path)
    assert found.code == 0, found.err
    assert "python3.13" in found.out
    assert found.err == "[0:00] planning (a-1.0-python3.13-arm64)\n", "once for each target"
    assert layerwright("plan", "a", "--runtime", "cp312", cwd=tmp_path).code == 3
