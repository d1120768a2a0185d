"""Plans of prebuilt packages with steps that name packages of the system: what may be lacked comes from there."""

import dataclasses

import pytest
from kit.golden import stored

from builder.model.recipe import Libraries
from builder.model.steps import Packages
from builder.plan.decide import decide
from builder.plan.resolved import Resolved

ODBC = Packages(uses="packages", install=("unixODBC-devel",))


def prebuilt(step: Packages | None = ODBC, libraries: Libraries | None = None) -> Resolved:
    """Return what is resolved of a recipe of wheels alone, with a step before its own."""
    resolved = stored("wheels")
    assert decide(resolved).container is None
    steps = (*([step] if step else []), *resolved.recipe.step)
    recipe = dataclasses.replace(resolved.recipe, step=steps, libraries=libraries or resolved.recipe.libraries)
    return dataclasses.replace(resolved, recipe=recipe)


def test_no_engine_is_needed_until_a_library_is_lacked() -> None:
    plan = decide(prebuilt())
    assert (plan.container, plan.route) == (None, "wheels")
    assert plan.system is not None
    assert not plan.system.has_tree
    lacking = plan.with_libraries(("libodbc.so.2",))
    assert lacking.container is not None
    assert lacking.container.has_tree
    assert lacking.container.dlopened == ("libodbc.so.2",)
    assert lacking.digest == plan.digest


def test_what_the_packages_bring_decides_the_zip() -> None:
    plan = decide(prebuilt())
    other_packages = decide(prebuilt(Packages(uses="packages", install=("freetds-devel",))))
    image = dataclasses.replace(prebuilt().build_image, digest="sha256:" + "1" * 64)
    other_image = decide(dataclasses.replace(prebuilt(), build_image=image))
    without = decide(prebuilt(None))
    assert without.system is None
    assert len({each.digest for each in (plan, other_packages, other_image, without)}) == 4


def test_named_libraries_are_taken_without_looking() -> None:
    plan = decide(prebuilt(libraries=Libraries(bundle=("libodbc.so.2",), dlopen=("libtdsodbc.so.0",))))
    assert plan.system is None
    assert plan.container is not None
    assert plan.container.only_libraries
    assert plan.container.dlopened == ("libtdsodbc.so.0", "libodbc.so.2")


@pytest.mark.parametrize("libraries", [Libraries(bundle="off"), Libraries(bundle=())])
def test_switched_off_nothing_comes_along(libraries: Libraries) -> None:
    plan = decide(prebuilt(libraries=libraries))
    assert (plan.container, plan.system) == (None, None)
