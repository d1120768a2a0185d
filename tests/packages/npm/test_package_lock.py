import json
from typing import Any

import pytest

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARM64, X86_64
from builder.model.decode import decode
from builder.model.recipe import Layer, Recipe, Targets
from builder.model.steps import Npm
from builder.model.target import Target, targets
from builder.packages.npm import package_lock

SHA = "sha512-aaaa"
ROWS: dict[str, Any] = {
    "": {"dependencies": {"one": "1"}, "devDependencies": {"tool": "1"}},
    "node_modules/one": {
        "version": "1.0.0",
        "integrity": SHA,
        "hasInstallScript": True,
        "dependencies": {"two": "2"},
        "optionalDependencies": {"@one/linux-x64": "1", "@one/linux-arm64": "1", "@one/musl": "1", "@one/wasm": "1"},
    },
    "node_modules/one/node_modules/two": {"version": "2.0.0", "integrity": SHA},
    "node_modules/two": {"version": "1.0.0", "integrity": SHA},
    "node_modules/@one/linux-x64": {"version": "1.0.0", "integrity": SHA, "cpu": ["x64"], "os": ["linux"]},
    "node_modules/@one/linux-arm64": {"version": "1.0.0", "integrity": SHA, "cpu": ["arm64"], "os": ["!win32"]},
    "node_modules/@one/musl": {"version": "1.0.0", "integrity": SHA, "os": ["linux"], "libc": ["musl"]},
    "node_modules/@one/wasm": {"version": "1.0.0", "integrity": SHA, "cpu": ["wasm32"], "dependencies": {"lib": "1"}},
    "node_modules/lib": {"version": "1.0.0", "integrity": SHA},
    "node_modules/tool": {"version": "1.0.0", "integrity": SHA, "dev": True},
}


def lock(rows: Any = ROWS, version: int = 3) -> str:
    return json.dumps({"lockfileVersion": version, "packages": rows})


def target(step: Npm, *, runtimes: tuple[str, ...] = ("nodejs22.x",)) -> Target:
    layer = Layer(name="one", version="1.2.3", description="", license="MIT")
    recipe = Recipe(layer=layer, targets=Targets(runtimes=runtimes), step=(step,))
    return targets(recipe)[0]


def skip(name: str) -> Npm:
    """Return a step as a recipe says it: the key has a hyphen."""
    return decode(Npm, {"uses": "npm", "packages": ["one@1"], "skip-scripts": [name]}, "step")


STEP = Npm(uses="npm", packages=("one@^{version}", "@scope/two@2"))


@pytest.mark.parametrize(("arch", "own"), [(X86_64, "@one/linux-x64"), (ARM64, "@one/linux-arm64")])
def test_only_what_the_target_reaches_on_its_platform_is_listed(arch: Any, own: str) -> None:
    found = package_lock.packages(lock(), arch, "lock")
    assert [(one.name, one.version) for one in found] == [(own, "1.0.0"), ("one", "1.0.0"), ("two", "2.0.0")]
    assert [one.name for one in found if one.scripted] == ["one"]


NOT_ROWS: tuple[dict[str, Any], ...] = (
    {"node_modules/one": None},
    {"node_modules/one": "1.0.0"},
    {"node_modules/one": {"dependencies": None}},
    {"node_modules/one": {"dependencies": ["two"]}},
    {"node_modules/one": {"cpu": 5}},
    {"node_modules/one": {"bundleDependencies": True}},
)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", lock(version=1), '{"lockfileVersion": 3}', lock([]), *(lock({"": {}, **row}) for row in NOT_ROWS)],
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="^here is not a valid package-lock.json of npm 7 or later"):
        package_lock.packages(text, X86_64, "here")


def test_a_lock_with_too_many_packages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_lock, "MOST_ROWS", len(ROWS))
    assert package_lock.packages(lock(), X86_64, "x")
    with pytest.raises(UsageError, match=r"x .*package-lock\.json"):
        package_lock.packages(lock({**ROWS, "node_modules/more": {"version": "1.0.0", "integrity": SHA}}), X86_64, "x")


def test_a_package_without_integrity_is_not_locked() -> None:
    rows = {**ROWS, "node_modules/one/node_modules/two": {"version": "2"}}
    with pytest.raises(UsageError, match="packages have no integrity") as raised:
        package_lock.packages(lock(rows), X86_64, "here")
    assert raised.value.why == ("node_modules/one/node_modules/two",)


BUNDLE: dict[str, Any] = {
    "": {"dependencies": {"one": "1", "three": "1"}},
    "node_modules/one": {
        "version": "1.0.0",
        "integrity": SHA,
        "dependencies": {"two": "1", "three": "1"},
        "bundleDependencies": ["two"],
    },
    "node_modules/one/node_modules/two": {"version": "1.0.0", "inBundle": True, "dependencies": {"deep": "1"}},
    "node_modules/one/node_modules/deep": {"version": "1.0.0", "inBundle": True},
    "node_modules/three": {"version": "1.0.0", "integrity": SHA},
}


def test_a_bundled_package_needs_no_integrity() -> None:
    found = package_lock.packages(lock(BUNDLE), X86_64, "here")
    assert [package.path for package in found if not package.integrity] == [
        "node_modules/one/node_modules/deep",
        "node_modules/one/node_modules/two",
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"node_modules/three": {"version": "1.0.0", "inBundle": True}},
        {"node_modules/one/node_modules/three": {"version": "1.0.0", "inBundle": True}},
        {"node_modules/one": {**BUNDLE["node_modules/one"], "bundleDependencies": []}},
    ],
)
def test_a_package_that_only_says_that_it_is_bundled_is_not_locked(row: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="packages have no integrity"):
        package_lock.packages(lock({**BUNDLE, **row}), X86_64, "here")


def test_the_manifest_names_the_packages_with_their_ranges() -> None:
    text = package_lock.manifest(STEP, target(STEP), None)
    assert json.loads(text)["dependencies"] == {"one": "^1.2.3", "@scope/two": "2"}
    assert package_lock.manifest(STEP, target(STEP), "own") == "own"


def test_the_folder_is_nodes_own_when_it_is_asked_for() -> None:
    versioned = Npm(uses="npm", packages=("one@1",), versioned=True)
    assert package_lock.folder(STEP, target(STEP)) == "nodejs"
    assert package_lock.folder(versioned, target(versioned, runtimes=("nodejs24.x",))) == "nodejs/node24"


def test_install_scripts_are_refused_on_the_host_unless_they_are_skipped() -> None:
    found = package_lock.packages(lock(), X86_64, "lock")
    assert package_lock.scripts(found, STEP, target(STEP), allowed=True) == ("one",)
    with pytest.raises(BuildError, match="never happens on the host"):
        package_lock.scripts(found, STEP, target(STEP), allowed=False)
    skipping = skip("one")
    assert package_lock.scripts(found, skipping, target(skipping), allowed=False) == ()
    wrong = skip("on")
    with pytest.raises(UsageError, match="`skip-scripts` names on, which nothing here requires"):
        package_lock.scripts(found, wrong, target(wrong), allowed=True)
