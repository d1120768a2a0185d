"""The packages of Node.js that the default test imports."""

import json
from typing import Any

import pytest
from kit.zips import tree

from builder.packages.npm.installed import importable


def named(**packages: dict[str, Any]) -> list[str]:
    """Return what is imported of packages, by their package.json."""
    files = {f"nodejs/node_modules/{name}/package.json": json.dumps(about).encode() for name, about in packages.items()}
    return sorted(importable(tree(files)))


MAIN = {"main": "index.js"}


def test_what_others_bring_is_theirs_to_import() -> None:
    """Some of it is for other interpreters, such as Bare, and loads there alone."""
    top = {**MAIN, "dependencies": {"low": "1"}, "optionalDependencies": {"native": "1"}}
    assert named(top=top, low=MAIN, native=MAIN, other=MAIN) == ["other", "top"]
    assert named(one={**MAIN, "dependencies": {"two": "1"}}, two={**MAIN, "dependencies": {"one": "1"}}) == [
        "one",
        "two",
    ]
    assert named(host=MAIN, plugin={**MAIN, "peerDependencies": {"host": "1"}}) == ["host", "plugin"]


@pytest.mark.parametrize(
    ("about", "imported"),
    [
        (MAIN, True),
        ({"module": "a.mjs"}, True),
        ({"exports": "./a.js"}, True),
        ({"exports": {".": "./a.js", "./b": "./b.js"}}, True),
        ({"exports": {"import": "./a.mjs", "require": "./a.cjs"}}, True),
        ({"exports": {"./a": "./a.js", "./b": "./b.js"}}, False),
        ({"types": "a.d.ts"}, False),
        ({**MAIN, "os": ["linux"], "cpu": ["x64"]}, False),
        ({**MAIN, "dependencies": ["no", "table"]}, True),
    ],
)
def test_only_what_has_a_module_of_its_own_name_is_imported(about: dict[str, Any], *, imported: bool) -> None:
    assert named(p=about) == (["p"] if imported else [])


def test_a_description_that_cannot_be_read_is_left_out() -> None:
    assert list(importable(tree({"nodejs/node_modules/p/package.json": b"{ no json"}))) == []
