"""What the default test tries of packages of Node.js, and how it judges what becomes of that."""

import json
from typing import Any

import pytest
from kit.zips import tree

from builder.model.runtimes import runtime
from builder.packages.default_tests import DefaultTest, Judgement, TriedCount
from builder.packages.npm import default_tests


def of(files: dict[str, bytes]) -> DefaultTest | None:
    return next(iter(default_tests.tests(tree(files), runtime("nodejs22.x"))), None)


def given(**packages: dict[str, Any]) -> DefaultTest | None:
    """Return the test of packages, by their package.json."""
    return of(
        {f"nodejs/node_modules/{name}/package.json": json.dumps(about).encode() for name, about in packages.items()}
    )


def named(**packages: dict[str, Any]) -> list[str]:
    """Return what is imported of packages."""
    test = given(**packages)
    return [item.name for item in test.items] if test else []


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
        (MAIN, ["p"]),
        ({"module": "a.mjs"}, ["p"]),
        ({"exports": "./a.js"}, ["p"]),
        ({"exports": {".": "./a.js", "./b": "./b.js"}}, ["p"]),
        ({"exports": {"import": "./a.mjs", "require": "./a.cjs"}}, ["p"]),
        ({"types": "a.d.ts"}, []),
        ({**MAIN, "os": ["linux"], "cpu": ["x64"]}, []),
        ({**MAIN, "dependencies": ["no", "table"]}, ["p"]),
    ],
)
def test_only_what_has_a_module_of_its_own_name_is_imported(about: dict[str, Any], imported: list[str]) -> None:
    assert named(p=about) == imported


def test_a_package_that_exports_subpaths_alone_is_imported_by_these() -> None:
    exports = {
        "./a": "./a.js",
        "./b": {"node": {"import": "./b.mjs"}},
        "./types": {"types": "./t.d.ts"},
        "./x/*": "./x/*.js",
        "./package.json": "./package.json",
        "./bun": {"bun": "./bun.js"},
    }
    assert named(p={"exports": exports}) == ["p/a", "p/b"]


def test_a_package_without_an_entry_has_an_index() -> None:
    files = {"nodejs/node_modules/p/package.json": b"{}", "nodejs/node_modules/p/index.js": b""}
    test = of(files)
    assert test
    assert [item.name for item in test.items] == ["p"]


def test_a_description_that_cannot_be_read_is_left_out() -> None:
    assert of({"nodejs/node_modules/p/package.json": b"{ no json"}) is None


def judged(test: DefaultTest | None, *notes: list[Any]) -> Judgement:
    assert test
    return test.judged("\n".join(map(json.dumps, notes)))


def test_an_optional_peer_that_is_missing_is_no_failure() -> None:
    about = {**MAIN, "peerDependencies": {"x": "1", "y": "1"}, "peerDependenciesMeta": {"x": {"optional": True}}}
    lacking_x = ["fail", 0, {"text": "Error: Cannot find module 'x/sub'", "missing": ["x/sub"]}]
    lacking_y = ["fail", 0, {"text": "Error: Cannot find module 'y'", "missing": ["y"]}]
    said = judged(given(p=about), ["begin", 0], lacking_x, ["through", 0])
    assert (said.failed, said.untried) == ((), ("packages that need an optional peer (1: p)",))
    assert judged(given(p=about), ["begin", 0], lacking_y, ["through", 0]).failed[-1] == "cannot be imported: p"


def test_one_of_the_subpaths_and_one_of_the_addons_of_a_package_is_enough() -> None:
    addon = "nodejs/node_modules/p/prebuilds/linux-x64/"
    files = {
        "nodejs/node_modules/p/package.json": json.dumps({"exports": {"./a": "./a.js", "./b": "./b.js"}}).encode(),
        f"{addon}one.node": b"\x7fELF",
        f"{addon}two.node": b"\x7fELF",
    }
    fail = {"text": "Error: libx.so: cannot open shared object file", "loads": True, "trace": ["libx.so"]}
    begun = [["begin", number] for number in range(4)]
    fine = judged(of(files), begun[0], ["fail", 0, fail], begun[1], begun[2], ["fail", 2, fail], begun[3])
    assert not fine.failed
    assert fine.tried == (TriedCount(what="packages", count=1), TriedCount(what="native", count=1))
    both = [begun[2], ["fail", 2, fail], begun[3], ["fail", 3, fail]]
    assert judged(of(files), begun[0], begun[1], *both).failed[0] == "libx.so"
    of_another_node = {**fail, "loads": False}
    others = [begun[2], ["fail", 2, of_another_node], begun[3], ["fail", 3, of_another_node]]
    assert not judged(of(files), begun[0], begun[1], *others).failed
