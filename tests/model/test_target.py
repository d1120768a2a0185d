from typing import Any

import pytest

from builder.base.errors import NothingSelectedError, UsageError
from builder.model.decode import decode
from builder.model.recipe import Recipe
from builder.model.steps import When
from builder.model.target import Selection, Target, select, targets


def recipe(**tables: Any) -> Recipe:
    layer = {"name": "numpy", "version": "2.3.2", "description": "", "license": "BSD"}
    where = {"runtimes": ["python3.13", "python3.11"], **tables.pop("targets", {})}
    step = [{"uses": "pip", "requirements": ["numpy=={version}"]}]
    return decode(Recipe, {"layer": layer, "targets": where, "step": step, **tables}, "recipe.toml")


def names(**tables: Any) -> list[str]:
    return [target.name for target in targets(recipe(**tables))]


def test_one_zip_for_each_runtime_and_architecture() -> None:
    assert names() == [
        "numpy-2.3.2-python3.13-x86_64",
        "numpy-2.3.2-python3.13-arm64",
        "numpy-2.3.2-python3.11-x86_64",
        "numpy-2.3.2-python3.11-arm64",
    ]


def test_an_axis_left_out_is_built_on_the_oldest_system() -> None:
    found = targets(recipe(targets={"split-by": ["arch"]}))
    assert [target.name for target in found] == ["numpy-2.3.2-x86_64", "numpy-2.3.2-arm64"]
    assert found[0].base.name == "python3.11"
    assert names(targets={"split-by": []}) == ["numpy-2.3.2"]


def test_an_override_changes_the_version_where_it_says() -> None:
    assert names(override=[{"when": {"os": "al2"}, "version": "2.2.6"}])[2:] == [
        "numpy-2.2.6-python3.11-x86_64",
        "numpy-2.2.6-python3.11-arm64",
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (None, True),
        (When(os="al2"), True),
        (When(os="al2023"), False),
        (When(arch="arm64"), True),
        (When(os="al2", arch="x86_64"), False),
        (When(runtime="python3.11", arch="arm64"), True),
    ],
)
def test_conditions_are_equality(when: When | None, *, expected: bool) -> None:
    assert _last().matches(when) is expected


def _last() -> Target:
    return targets(recipe())[-1]


def test_templates_know_four_words() -> None:
    assert _last().expand("{name}-{version}-{arch}-{machine}") == "numpy-2.3.2-arm64-aarch64"


def test_a_selection_narrows() -> None:
    every = targets(recipe())
    assert len(select(every, Selection())) == 4
    assert len(select(every, Selection(runtimes=("python3.13",)))) == 2
    assert len(select(every, Selection(runtimes=("python3.13",), architectures=("arm64",)))) == 1
    assert [one.name for one in select(every, Selection(only=("*3.11-arm*",)))] == ["numpy-2.3.2-python3.11-arm64"]


def test_an_empty_selection_says_what_there_is() -> None:
    with pytest.raises(NothingSelectedError) as caught:
        select(targets(recipe()), Selection(runtimes=("python3.12",)))
    assert "there is numpy-2.3.2-python3.13-x86_64" in caught.value.why


def test_names_on_the_command_line_are_checked_before_anything_else() -> None:
    with pytest.raises(UsageError, match="did you mean `python3.13`"):
        Selection(runtimes=("pyton3.13",))
    with pytest.raises(UsageError, match="did you mean `arm64`"):
        Selection(architectures=("arm46",))
    with pytest.raises(UsageError, match="did you mean `numpy-2.3.2-python3.11-arm64`"):
        select(targets(recipe()), Selection(only=("numpy-2.3.2-python3.11-arm46",)))
