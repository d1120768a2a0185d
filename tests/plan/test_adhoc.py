"""Recipes made from a command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from builder.base.errors import UsageError
from builder.model.steps import Npm, Packages, Pip
from builder.plan import adhoc
from builder.plan.adhoc import AdhocRequest


def request(
    specs: Mapping[str, Sequence[str]],
    *,
    files: Mapping[str, Path] | None = None,
    name: str | None = None,
    runtimes: tuple[str, ...] = (),
    system_packages: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    prunes: bool = True,
) -> AdhocRequest:
    return AdhocRequest(
        specs=specs,
        files=files or {},
        name=name,
        runtimes=runtimes,
        architectures=("arm64",),
        system_packages=system_packages,
        without=without,
        prunes=prunes,
    )


def test_a_layer_has_the_name_and_the_version_of_its_first_package() -> None:
    made = adhoc.recipe(request({"pypi": ("Zope.Interface==1!7.0", "six")}, system_packages=("gcc",))).recipe
    assert (made.layer.name, made.layer.version) == ("zope-interface", "1-7.0")
    assert made.layer.description == "Python packages: zope-interface"
    install, pip = made.step
    assert isinstance(install, Packages)
    assert isinstance(pip, Pip)
    assert (install.install, pip.requirements) == (("gcc",), ("Zope.Interface==1!7.0", "six"))
    assert made.targets.runtimes == (adhoc.current("python")[-1].name,)


def test_node_packages_without_a_version_are_the_newest() -> None:
    made = adhoc.recipe(request({"npm": ("@img/colour", "sharp@^0.35")})).recipe
    assert (made.layer.name, made.layer.version) == ("img-colour", "latest")
    assert made.layer.description == "Node.js packages: @img/colour sharp@^0.35"
    (step,) = made.step
    assert isinstance(step, Npm)
    assert step.packages == ("@img/colour@latest", "sharp@^0.35")
    assert adhoc.recipe(request({"npm": ("sharp@^0.35",)})).recipe.layer.version == "0.35"


def test_a_requirements_file_lies_beside_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("six\n")
    loaded = adhoc.recipe(request({}, files={"pypi": file}, name="my deps"))
    assert (loaded.name, loaded.recipe.layer.version, loaded.folder) == ("my-deps", "1", tmp_path)
    assert adhoc.recipe(request({}, files={"pypi": file})).name == tmp_path.name  # the folder's name
    with pytest.raises(UsageError, match="there is no file"):
        adhoc.recipe(request({}, files={"pypi": tmp_path / "none.txt"}, name="x"))


@pytest.mark.parametrize(
    ("specs", "name", "runtimes", "message"),
    [
        ({"pypi": ("six",), "npm": ("sharp",)}, None, (), "one layer is for Python or for Node.js"),
        ({"npm": ("sharp",)}, None, ("python3.13", "nodejs22.x"), "python3.13 has no Node.js"),
        ({"pypi": ("six==1",)}, None, ("nodejs22.x",), "nodejs22.x has no Python"),
        ({"pypi": ("a b",)}, None, (), "`a b` is not a valid requirement"),
        ({"pypi": ("six==1",)}, "_six", (), "`_six` is not a valid name for a layer"),
        ({"npm": ("sh arp",)}, None, (), "the command line has 1 mistake"),
        ({"pypi": ()}, None, (), "no package is named"),
    ],
)
def test_packages_that_do_not_make_one_layer_are_refused(
    specs: Mapping[str, Sequence[str]], name: str | None, runtimes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        adhoc.recipe(request(specs, name=name, runtimes=runtimes))


def test_options_that_do_nothing_for_packages_of_node_are_refused() -> None:
    with pytest.raises(UsageError, match="--no-prune has no effect"):
        adhoc.recipe(request({"npm": ("sharp",)}, prunes=False))
    with pytest.raises(UsageError, match="--without is for packages of Python") as raised:
        adhoc.recipe(request({"npm": ("sharp",)}, without=("ms",)))
    assert "`--prune ms/`" in str(raised.value.hint)
    assert adhoc.recipe(request({"pypi": ("six",)}, prunes=False, without=("ms",))).recipe.slim.prune == ()
