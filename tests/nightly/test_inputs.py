"""What decides a layer, and how a difference is told."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import pip_recipe, write_recipe

from builder.base import programs
from builder.model import facts, image_facts, libraries, recipes
from builder.model.manifest import PackageRow
from builder.model.target import targets
from builder.nightly import inputs
from builder.plan.formats import FORMATS

OPTIONS = {"--route": "auto"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}"))
    (tmp_path / "recipes" / "a" / "requirements.lock").write_text("a==1.0\n")
    return tmp_path / "recipes"


def seen(
    folder: Path, options: dict[str, str] | None = None, digest: str = "sha256:1", *, compiled: bool = True
) -> dict[str, str]:
    inputs.forget()
    loaded = recipes.load(folder, "a")
    target = targets(loaded.recipe)[0]
    digests = dict.fromkeys(inputs.image_paths(target), digest)
    return inputs.of(loaded, target, options or OPTIONS, digests, compiled=compiled)


def test_nothing_changed_is_no_reason(folder: Path) -> None:
    assert inputs.reasons(seen(folder), seen(folder)) == ()


def test_each_input_is_told_by_its_name(folder: Path) -> None:
    before = seen(folder)
    text = (folder / "a" / "recipe.toml").read_text()
    (folder / "a" / "recipe.toml").write_text(text.replace("for tests", "for other tests"))
    assert inputs.reasons(before, seen(folder)) == ("recipe.toml changed",)
    before = seen(folder)
    (folder / "a" / "requirements.lock").write_text("a==1.1\n")
    assert inputs.reasons(before, seen(folder)) == ("requirements.lock changed",)
    before = seen(folder)
    (folder / "a" / "patches").mkdir()
    (folder / "a" / "patches" / "one.patch").write_text("+\n")
    assert inputs.reasons(before, seen(folder)) == ("patches/one.patch was added",)
    before = seen(folder)
    (folder / "a" / "requirements.lock").unlink()
    assert inputs.reasons(before, seen(folder)) == ("requirements.lock was removed",)


def test_a_folder_that_a_package_is_made_of_is_an_input(folder: Path) -> None:
    (folder.parent / ".git").mkdir()
    text = '[project]\nname = "{}"\nversion = "1"\ndependencies = {}\n[build-system]\nrequires = ["uv_build"]\n'
    for name, needs, more in (
        ("lib", '["deep"]', '[tool.uv.sources]\ndeep = { path = "../deep" }\n'),
        ("deep", "[]", ""),
    ):
        (folder.parent / name / "src" / name).mkdir(parents=True)
        (folder.parent / name / "src" / name / "__init__.py").write_text("")
        project = f'{text.format(name, needs)}build-backend = "uv_build"\n{more}'
        (folder.parent / name / "pyproject.toml").write_text(project)
    recipe = folder / "a" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("requirements =", 'file = "requirements.txt"\nrequirements ='))
    (folder / "a" / "requirements.txt").write_text("-e ../../lib\n")
    before = seen(folder)
    assert inputs.reasons(before, seen(folder)) == ()
    (folder.parent / "deep" / "src" / "deep" / "__init__.py").write_text("x = 1\n")
    assert inputs.reasons(before, seen(folder)) == ("deep changed",)
    (folder.parent / "lib" / "src" / "lib" / "__init__.py").write_text("x = 1\n")
    assert inputs.reasons(before, seen(folder)) == ("deep changed", "lib changed")


def test_images_options_and_older_records_are_inputs(folder: Path) -> None:
    before = seen(folder)
    assert inputs.reasons(before, seen(folder, digest="sha256:2")) == (
        "base image lambda/python:3.13-arm64 has another digest",
        "base image sam/build-python3.13:latest-arm64 has another digest",
    )
    assert inputs.reasons(before, seen(folder, {"--route": "wheels"})) == ("--route is wheels, it was auto",)
    older = {"layerwright": "0.0.1+abc.def"}
    assert inputs.reasons(older, before) == ("its record is of an older layerwright, which knew less about its inputs",)


SCRIPT = pip_recipe("a", "a=={version}", more='[[step]]\nuses = "script"\nrun = "true"\n')


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a copy of the data and programs that can be changed."""
    for place, module in ((facts.folder(), facts), (programs.folder(), programs)):
        copy = tmp_path / "own" / place.name
        shutil.copytree(place, copy, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(module, "folder", lambda copy=copy: copy)
    yield tmp_path / "own"
    inputs.forget()
    libraries._table.cache_clear()  # noqa: SLF001


def test_another_release_of_the_build_images_packages_is_a_reason_as_far_as_a_survey_tells(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surveyed(release: str) -> dict[str, str]:
        monkeypatch.setattr(image_facts, "of", lambda image: image_facts.ImageFacts(image=image, releasever=release))
        return seen(folder)

    unknown, before, now = seen(folder), surveyed("2023.8.20250915"), surveyed("2023.9.20250929")
    assert inputs.reasons(unknown, before) == (), "a survey alone is none"
    assert inputs.reasons(before, now)[0] == (
        "packages of sam/build-python3.13:latest-arm64 are of release 2023.9.20250929, they were of 2023.8.20250915"
    )
    assert inputs.reasons(before, now) == inputs.reasons(before, now)[:1]


def test_what_changed_of_layerwright_is_told_by_its_name(
    folder: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.packages.pypi.uv.version", lambda: "0.9.1")
    before = seen(folder)
    monkeypatch.setattr("builder.packages.pypi.uv.version", lambda: "0.9.2")
    assert inputs.reasons(before, seen(folder)) == ("uv 0.9.1 -> 0.9.2",)
    before = seen(folder)
    for path in (own / "images/templates/pip.j2", own / "container/steps/environment.sh"):
        path.write_text(f"{path.read_text()}exit\n")
    assert inputs.reasons(before, seen(folder)) == ("program environment.sh changed", "template pip.j2 changed")
    before = seen(folder)
    slim = f"layerwright writes another slim: {FORMATS['slim'].version} -> 99"
    monkeypatch.setitem(FORMATS, "slim", dataclasses.replace(FORMATS["slim"], version=99))
    assert inputs.reasons(before, seen(folder)) == (slim,)
    before = seen(folder)
    monkeypatch.setattr("builder.layer.compression.LEVEL", 6)
    (told,) = inputs.reasons(before, seen(folder))
    assert told.endswith("level 7 or 10 -> deflate 0.9.0 level 6 or 10")
    before = seen(folder)
    (own / "images/libraries/al2023-arm64.txt").write_text("libnew.so.1\n")
    libraries._table.cache_clear()  # noqa: SLF001
    assert inputs.reasons(before, seen(folder)) == ("layerwright knows better: libraries of the runtime",)


def test_what_does_not_decide_a_target_is_no_reason(folder: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, installed = seen(folder), seen(folder, compiled=False)
    for name in ("templates/npm.j2", "templates/script.j2", "libraries/al2-arm64.txt", "commands/al2023.txt"):
        path = own / "images" / name
        path.write_text(f"{path.read_text()}exit\n")
    (own / "container/steps/go.sh").write_text("exit\n")
    monkeypatch.setitem(FORMATS, "npm", dataclasses.replace(FORMATS["npm"], version=2))
    libraries._table.cache_clear()  # noqa: SLF001
    assert inputs.reasons(before, seen(folder)) == ()
    for name in ("Dockerfile.j2", "pip.j2"):
        (own / "images" / "templates" / name).write_text("exit\n")
    assert inputs.reasons(installed, seen(folder, compiled=False)) == (), "nothing of it is compiled"
    comment = own / "container" / "python" / "compile.py"
    comment.write_text(f"# A comment.\n{comment.read_text()}")
    assert inputs.reasons(installed, seen(folder, compiled=False)) == ()


def test_a_build_that_begins_to_compile_is_no_reason_of_its_own(folder: Path) -> None:
    assert inputs.reasons(seen(folder, compiled=False), seen(folder)) == ()
    assert inputs.reasons(seen(folder), seen(folder, compiled=False)) == ()


def test_a_script_is_an_input_where_there_is_one(folder: Path, own: Path) -> None:
    write_recipe(folder.parent, "a", SCRIPT)
    before = seen(folder)
    (own / "container/steps/script.sh").write_text("exit\n")
    assert inputs.reasons(before, seen(folder)) == ("program script.sh changed",)


def test_a_changed_lock_names_the_packages(folder: Path) -> None:
    lock = folder / "a" / "requirements.lock"
    loaded, had = recipes.load(folder, "a"), rows(a="0.9", b="1.0", gone="1.0")
    hashed = "".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in ("a==1.0", "b==1.0", "new==3"))
    before = seen(folder)
    lock.write_text(hashed)
    names = list(inputs.differing(before, seen(folder)))
    assert names == ["requirements.lock"]
    changes = inputs.lock_changes(loaded, targets(loaded.recipe)[0], names, had)
    assert inputs.reasons(before, seen(folder), changes) == ("requirements.lock: a 0.9 -> 1.0",)
    assert inputs.lock_changes(loaded, targets(loaded.recipe)[0], [], had) == {}
    lock.write_text("a is not a lock")
    assert inputs.lock_changes(loaded, targets(loaded.recipe)[0], names, had) == {}


def rows(**versions: str) -> list[PackageRow]:
    return [
        PackageRow(name=name, version=version, ecosystem="pypi", route="wheel", file="f", sha256="0" * 64)
        for name, version in versions.items()
    ]


def test_a_registry_that_is_silent_tonight_is_no_reason_to_build(folder: Path) -> None:
    known = seen(folder)
    assert inputs.reasons(known, seen(folder, digest=inputs.UNKNOWN)) == ()
    assert "was unknown before" in inputs.reasons(seen(folder, digest=inputs.UNKNOWN), known)[0]


def test_only_a_lock_tells_what_is_in_a_layer_before_it_is_planned(folder: Path) -> None:
    assert not inputs.unlocked(recipes.load(folder, "a"))
    (folder / "a" / "requirements.lock").unlink()
    assert inputs.unlocked(recipes.load(folder, "a"))
