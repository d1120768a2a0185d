"""Locks that are older than what decides on them: overrides, resolutions, catalogs, and what local packages need.

The files in `data` are the tools' own; each is read as it is, and then with another package.json or another setting.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from builder.base.errors import UsageError
from builder.model.architectures import ARM64
from builder.packages.npm import following, layout, registry
from builder.packages.npm.project import NodeProject

DATA = Path(__file__).parent / "data"
SHA = "sha512-" + "a" * 86 + "=="


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "completed", lambda graph, _: graph)


def write(folder: Path, files: Mapping[str, Any]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / path).write_text(text, encoding="utf-8")


def versions(root: Path, lock: str, member: str = "") -> dict[str, str]:
    """Return versions by folders. Raises UsageError for a lock that does not fit."""
    node = NodeProject(manifest=root / member / "package.json", lock=root / lock, repository=root)
    made = following.graph(node).on(ARM64)
    return {path.removeprefix("node_modules/"): each.version for path, each in layout.placed(made).items()}


def why(root: Path, lock: str, member: str = "") -> tuple[str, ...]:
    with pytest.raises(UsageError, match="does not fit its package.json") as raised:
        versions(root, lock, member)
    assert f" in {root.as_posix()} brings it up to date" in str(raised.value.hint)
    return raised.value.why


# ---- npm -------------------------------------------------------------------------------------------------------------

OVERRIDES = {"is-number": "7.0.0", "debug": {"ms": "2.1.2"}}
OF_NPM = {"debug": "2.6.9", "is-odd": "^3.0.0", "ms": "^2.1.0", "short": "npm:ms@^2.0.0"}


def of_npm(root: Path, overrides: object, lock: str = "npm-3-overrides.json", **more: Any) -> Path:
    text = (DATA / lock).read_text(encoding="utf-8")
    manifest = {"name": "o", "dependencies": OF_NPM, "overrides": overrides, **more}
    write(root, {"package.json": manifest, "package-lock.json": text})
    return root


@pytest.mark.parametrize(
    "overrides",
    [
        OVERRIDES,
        {"is-number@^6": "7.0.0", "debug@2": {"ms": "$short"}, "ms": {".": "^2.1.0", "nothing": "1"}},
        {"is-number": "^7.0.0 || ^8", "debug": {".": "2.6.9", "ms": "~2.1.0"}},
        {"is-odd": {"is-number": "7"}, "debug": {"ms": ">=2.1.2"}, "absent": "1.0.0", "is-number@^5": "5.0.0"},
    ],
)
def test_a_lock_of_npm_that_obeys_its_overrides_is_taken(tmp_path: Path, overrides: object) -> None:
    found = versions(of_npm(tmp_path, overrides, devDependencies={"short": "2.1.2"}), "package-lock.json")
    assert (found["is-number"], found["debug/node_modules/ms"], found["ms"]) == ("7.0.0", "2.1.2", "2.1.3")


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            {**OVERRIDES, "is-number": "6.0.0"},
            "is-number: `overrides` of package.json asks for 6.0.0, the lock has 7.0.0",
        ),
        (
            {"is-number": "7.0.0", "debug": {"ms": "2.1.1"}},
            "ms: `overrides` of package.json asks for 2.1.1, the lock has 2.1.2",
        ),
        ({"is-number": "7.0.0"}, "ms: node_modules/debug asks for 2.0.0, the lock has 2.1.2"),
        ({"debug": {"ms": "2.1.2"}}, "is-number: node_modules/is-odd asks for ^6.0.0, the lock has 7.0.0"),
        ({**OVERRIDES, "ms": "2.1.1"}, "ms: `overrides` of package.json asks for 2.1.1, the lock has 2.1.3"),
        (
            {**OVERRIDES, "is-odd@^3": {"is-number": "6"}},
            "is-number: `overrides` of package.json asks for 6, the lock has 7.0.0",
        ),
        (
            {**OVERRIDES, "is-odd": {".": "3.0.0"}},
            "is-odd: `overrides` of package.json asks for 3.0.0, the lock has 3.0.1",
        ),
    ],
)
def test_overrides_of_npm_that_changed_are_told(tmp_path: Path, overrides: object, told: str) -> None:
    assert told in why(of_npm(tmp_path, overrides), "package-lock.json")


def test_an_override_is_for_all_that_a_package_needs(tmp_path: Path) -> None:
    rows: dict[str, Any] = {
        "": {"dependencies": {"a": "1"}},
        "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}, "integrity": SHA},
        "node_modules/b": {"version": "1.0.0", "dependencies": {"c": "^1.0.0"}, "integrity": SHA},
        "node_modules/c": {"version": "1.0.0", "integrity": SHA},
    }
    lock = {"lockfileVersion": 3, "packages": rows}
    write(tmp_path, {"package.json": {**rows[""], "overrides": {"a": {"c": "1.0.1"}}}, "package-lock.json": lock})
    assert why(tmp_path, "package-lock.json") == ("c: `overrides` of package.json asks for 1.0.1, the lock has 1.0.0",)
    rows[""]["dependencies"]["b"] = "1"  # so c is needed without a as well, and npm may keep one for both
    write(tmp_path, {"package.json": {**rows[""], "overrides": {"a": {"c": "1.0.1"}}}, "package-lock.json": lock})
    assert versions(tmp_path, "package-lock.json")["c"] == "1.0.0"


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"ms": "^3.0.0"}, "ms: package.json asks for ^3.0.0, the lock has 2.1.3"),
        ({"ms": "~2.0.0"}, "ms: package.json asks for ~2.0.0, the lock has 2.1.3"),
        ({"debug": "1.x || >=3"}, "debug: package.json asks for 1.x || >=3, the lock has 2.6.9"),
        ({"short": "npm:ms@^3"}, "short: package.json asks for npm:ms@^3, the lock has 2.1.2"),
        ({"short": "npm:is-odd@*"}, "short: package.json asks for npm:is-odd@*, the lock has 2.1.2"),
        ({"short": "2.1.2"}, "short: package.json asks for 2.1.2, the lock has 2.1.2"),
    ],
)
def test_ranges_are_compared_with_a_lock_of_npm_6(tmp_path: Path, needs: dict[str, str], told: str) -> None:
    """A lock of version 1 does not repeat what was asked for."""
    asked = {"debug": "2.6.9", "ms": "^2.1.3", "core": "file:core", "short": "npm:ms@2.1.2"}
    core = {"name": "core", "version": "1.2.0", "dependencies": {"is-odd": "3.0.1"}}
    text = (DATA / "npm-1.json").read_text(encoding="utf-8")
    write(tmp_path, {"package.json": {"dependencies": asked}, "core/package.json": core, "package-lock.json": text})
    assert versions(tmp_path, "package-lock.json")["ms"] == "2.1.3"
    write(tmp_path, {"package.json": {"dependencies": {**asked, **needs}}})
    assert told in why(tmp_path, "package-lock.json")
    write(tmp_path, {"package.json": {"dependencies": asked}})
    write(tmp_path, {"core/package.json": {**core, "dependencies": {"is-odd": "^2.0.0", "new": "1"}}})
    assert why(tmp_path, "package-lock.json") == (
        "is-odd: core/package.json asks for ^2.0.0, the lock has 3.0.1",
        "new: core/package.json asks for 1, which the lock does not have",
    )


def test_a_member_of_another_version_than_is_asked_for_is_told(tmp_path: Path) -> None:
    rows: dict[str, Any] = {
        "": {"name": "root", "workspaces": ["a", "b"]},
        "a": {"version": "1.0.0", "dependencies": {"b": "^1.0.0"}},
        "b": {"version": "1.0.0"},
        "node_modules/a": {"resolved": "a", "link": True},
        "node_modules/b": {"resolved": "b", "link": True},
    }
    files = {"package.json": rows[""], "a/package.json": {"name": "a", **rows["a"]}}
    write(tmp_path, {**files, "package-lock.json": {"lockfileVersion": 3, "packages": rows}})
    write(tmp_path, {"b/package.json": {"name": "b", "version": "1.4.0"}})
    assert versions(tmp_path, "package-lock.json", "a")
    write(tmp_path, {"b/package.json": {"name": "b", "version": "2.0.0"}})
    assert why(tmp_path, "package-lock.json", "a") == ("b: a/package.json asks for ^1.0.0, the lock has 2.0.0",)


# ---- pnpm ------------------------------------------------------------------------------------------------------------

SETTINGS: dict[str, Any] = {
    "packages": ["packages/*"],
    "overrides": {"ms": "2.1.2"},
    "catalog": {"is-odd": "^3.0.0"},
    "catalogs": {"old": {"is-number": "^6.0.0"}},
    "packageExtensions": {"debug@2": {"dependencies": {"is-number": "6.0.0"}}},
}
OF_MEMBER = {"b": "workspace:^", "debug": "2.6.9", "is-odd": "catalog:", "is-number": "catalog:old"}
PNPM = "pnpm-lock.yaml"


def of_pnpm(root: Path, settings: Mapping[str, Any], lock: str, root_manifest: Mapping[str, Any] | None = None) -> Path:
    files = {
        "package.json": {"name": "root", "private": True, **(root_manifest or {})},
        "packages/a/package.json": {"name": "a", "version": "1.0.0", "dependencies": OF_MEMBER},
        "packages/b/package.json": {"name": "b", "version": "1.0.0", "dependencies": {"ms": "^2.0.0"}},
        "pnpm-workspace.yaml": settings,
        PNPM: (DATA / lock).read_text(encoding="utf-8"),
    }
    write(root, files)
    return root


@pytest.mark.parametrize("lock", ["pnpm-9-settings.yaml", "pnpm-10-settings.yaml", "pnpm-11-settings.yaml"])
@pytest.mark.parametrize("place", ["package.json", "pnpm-workspace.yaml", "resolutions", "both"])
def test_a_lock_of_pnpm_that_was_made_with_its_settings_is_taken(tmp_path: Path, lock: str, place: str) -> None:
    moved = {"overrides": SETTINGS["overrides"], "packageExtensions": SETTINGS["packageExtensions"]}
    left = {key: value for key, value in SETTINGS.items() if key not in moved}
    where = {
        "package.json": (left, {"pnpm": moved}),
        "pnpm-workspace.yaml": (SETTINGS, {}),
        "resolutions": ({**SETTINGS, "overrides": {}}, {"resolutions": moved["overrides"]}),
        "both": ({**SETTINGS, "overrides": {"ms": "1.0.0"}}, {"pnpm": moved}),
    }
    settings, manifest = where[place]
    assert versions(of_pnpm(tmp_path, settings, lock, manifest), PNPM, "packages/a") == {
        "b": "1.0.0",
        "debug": "2.6.9",
        "is-number": "6.0.0",
        "is-odd": "3.0.1",
        "ms": "2.1.2",
    }


def test_overrides_of_pnpm_that_refer_to_others_are_taken(tmp_path: Path) -> None:
    settings = {**SETTINGS, "overrides": {"ms": "$ms"}}
    root = of_pnpm(tmp_path, settings, "pnpm-10-settings.yaml", {"devDependencies": {"ms": "2.1.2"}})
    assert versions(root, PNPM, "packages/a")["ms"] == "2.1.2"
    write(
        root,
        {
            "pnpm-workspace.yaml": {
                **settings,
                "catalog": {"is-odd": "^3.0.0", "ms": "2.1.2"},
                "overrides": {"ms": "catalog:"},
            }
        },
    )
    assert versions(root, PNPM, "packages/a")["ms"] == "2.1.2"


@pytest.mark.parametrize("lock", ["pnpm-9-settings.yaml", "pnpm-10-settings.yaml", "pnpm-11-settings.yaml"])
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"overrides": {"ms": "2.1.1"}}, '`overrides` is {"ms": "2.1.1"}, the lock is for {"ms": "2.1.2"}'),
        ({"overrides": {}}, '`overrides` is {}, the lock is for {"ms": "2.1.2"}'),
        ({"overrides": {"ms": "2.1.2", "debug>ms": "2.0.0"}}, "`overrides` is "),
        (
            {"catalog": {"is-odd": "3.0.0"}},
            "is-odd: the catalog default of pnpm-workspace.yaml has 3.0.0, the lock is for ^3.0.0",
        ),
        ({"catalogs": {"default": {"is-odd": "^3.0.0"}}}, "is-number: the catalog old of pnpm-workspace.yaml has None"),
        ({"packageExtensions": {}}, "`packageExtensions` is another than that of the lock: none"),
        (
            {"packageExtensions": {"debug@2": {"dependencies": {"is-number": "7.0.0"}}}},
            "`packageExtensions` is another than that of the lock: debug@2",
        ),
        (
            {"patchedDependencies": {"ms@2.1.2": "patches/ms.patch"}},
            "ms@2.1.2: `patchedDependencies` has a patch of it",
        ),
        ({"ignoredOptionalDependencies": ["ms"]}, '`ignoredOptionalDependencies` is ["ms"], the lock is for []'),
    ],
)
@pytest.mark.parametrize("in_manifest", [False, True])
def test_settings_of_pnpm_that_changed_are_told(
    tmp_path: Path, lock: str, changed: Mapping[str, Any], told: str, *, in_manifest: bool
) -> None:
    if in_manifest and not changed.keys() & {"catalog", "catalogs"}:
        kept = {key: value for key, value in SETTINGS.items() if key.startswith(("catalog", "packages"))}
        left = {key: SETTINGS[key] for key in ("overrides", "packageExtensions")}
        root = of_pnpm(tmp_path, kept if "packageExtensions" not in kept else {}, lock, {"pnpm": {**left, **changed}})
        write(root, {"pnpm-workspace.yaml": {key: value for key, value in kept.items() if key != "packageExtensions"}})
    else:
        root = of_pnpm(tmp_path, {**SETTINGS, **changed}, lock)
    assert any(line.startswith(told) for line in why(root, PNPM, "packages/a"))


HOOKS = "module.exports = {\r\n hooks: { readPackage(p) { return p } } }\n"
TWO = ("module.exports={hooks:{readPackage(p){return p}}}\n", "module.exports={hooks:{readPackage(p){return p}}};1\n")
OF_9, OF_10 = "woselwnxghlqrrlrnlcyvgsvfu", "sha256-jFx24ePvz4HgqrZ8vtn9UAFKNNQMgnLjVDH3H/Ja1Y0="
OF_TWO = "sha256-lpA7KeNjqNDqq4a8o/JrTJ+WM/KTkAVIQUNL+q9hFZI="
"""What pnpm 9.15 and 10.24 wrote for these files."""


def with_pnpmfile(root: Path, checksum: str, files: Mapping[str, str], version: str = "9.0") -> Path:
    locked = f"pnpmfileChecksum: {checksum}\n" if checksum else ""
    lock = f"""lockfileVersion: '{version}'
{locked}importers:
  .:
    dependencies:
      ms: {{specifier: 2.1.3, version: 2.1.3}}
packages:
  ms@2.1.3:
    resolution: {{integrity: {SHA}}}
snapshots:
  ms@2.1.3: {{}}
"""
    write(root, {"package.json": {"name": "root", "dependencies": {"ms": "2.1.3"}}, PNPM: lock, **files})
    return root


@pytest.mark.parametrize(
    ("checksum", "files"),
    [
        (OF_9, {".pnpmfile.cjs": HOOKS}),
        (OF_10, {".pnpmfile.cjs": HOOKS}),
        (OF_10, {".pnpmfile.cjs": HOOKS.replace("\r", "")}),
        (OF_9, {".npmrc": "pnpmfile=cfg/own.cjs\n", "cfg/own.cjs": HOOKS}),
        (OF_10, {"pnpm-workspace.yaml": "pnpmfile: cfg/own.cjs\n", "cfg/own.cjs": HOOKS}),
        (OF_TWO, {"pnpm-workspace.yaml": "pnpmfile: [two.cjs, own.cjs]\n", "own.cjs": TWO[0], "two.cjs": TWO[1]}),
        ("", {".pnpmfile.cjs": "module.exports = {}\n"}),
        ("", {".pnpmfile.cjs": HOOKS, ".npmrc": "ignore-pnpmfile=true\n"}),
        ("", {".pnpmfile.cjs": HOOKS, "pnpm-workspace.yaml": "ignorePnpmfile: true\n"}),
    ],
)
def test_a_lock_with_the_hash_of_its_pnpmfile_is_taken(tmp_path: Path, checksum: str, files: Mapping[str, str]) -> None:
    assert versions(with_pnpmfile(tmp_path, checksum, files), PNPM) == {"ms": "2.1.3"}


@pytest.mark.parametrize(
    ("checksum", "files", "told"),
    [
        (OF_9, {".pnpmfile.cjs": f"{HOOKS}//"}, "the lock was made with a pnpmfile: .pnpmfile.cjs is another"),
        (OF_10, {".pnpmfile.cjs": f"{HOOKS}//"}, "the lock was made with a pnpmfile: .pnpmfile.cjs is another"),
        (OF_10, {}, "the lock was made with a pnpmfile: there is none"),
        (OF_TWO, {".pnpmfile.cjs": TWO[0]}, "the lock was made with a pnpmfile: .pnpmfile.cjs is another"),
        ("", {".pnpmfile.cjs": HOOKS}, ".pnpmfile.cjs changes what packages need, the lock was made without it"),
        ("", {".pnpmfile.mjs": "export const hooks = {}"}, ".pnpmfile.mjs changes what packages need"),
    ],
)
def test_a_pnpmfile_that_changed_is_told(tmp_path: Path, checksum: str, files: Mapping[str, str], told: str) -> None:
    assert why(with_pnpmfile(tmp_path, checksum, files), PNPM)[0].startswith(told)


def test_a_folder_of_pnpm_that_gained_or_lost_a_dependency_is_told(tmp_path: Path) -> None:
    lock = f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      core: {{specifier: 'file:core', version: 'file:core'}}
packages:
  core@file:core: {{resolution: {{directory: core, type: directory}}}}
  ms@2.1.2: {{resolution: {{integrity: {SHA}}}}}
  peer@1.0.0: {{resolution: {{integrity: {SHA}}}}}
snapshots:
  core@file:core:
    dependencies: {{ms: 2.1.2, peer: 1.0.0}}
  ms@2.1.2: {{}}
  peer@1.0.0: {{}}
"""
    core: dict[str, Any] = {"name": "core", "version": "1.0.0", "peerDependencies": {"peer": "*"}}
    write(tmp_path, {"package.json": {"name": "p", "dependencies": {"core": "file:core"}}, PNPM: lock})
    write(tmp_path, {"core/package.json": {**core, "dependencies": {"ms": "^2.1.0"}}})
    assert versions(tmp_path, PNPM) == {"core": "1.0.0", "ms": "2.1.2", "peer": "1.0.0"}
    write(tmp_path, {"core/package.json": {**core, "dependencies": {"ms": "^2.1.3", "new": "^1.0.0"}}})
    assert why(tmp_path, PNPM) == (
        "ms: core/package.json asks for ^2.1.3, the lock has 2.1.2",
        "new: core/package.json asks for ^1.0.0, which the lock does not have",
    )
    write(tmp_path, {"core/package.json": core})
    assert why(tmp_path, PNPM) == ("ms: core/package.json does not ask for it any more",)


# ---- Yarn ------------------------------------------------------------------------------------------------------------

OF_YARN: dict[str, Any] = {
    "name": "r",
    "dependencies": {"debug": "2.6.9", "ms": "^2.1.3", "is-odd": "3.0.1"},
    "resolutions": {"debug/ms": "2.1.2", "is-number": "7.0.0"},
}


@pytest.mark.parametrize("data", ["yarn-1-resolutions.lock", "yarn-4-resolutions.lock"])
@pytest.mark.parametrize(
    ("resolutions", "package"),
    [
        ({"debug/ms": "2.1.2", "is-number": "6.0.0"}, "is-number"),
        ({"debug/ms": "2.1.2", "**/is-number": "6.0.0"}, "is-number"),
        ({"debug/ms": "2.1.1", "is-number": "7.0.0"}, "ms"),
        ({"debug/ms": "2.1.2", "is-odd/is-number": "6.0.0"}, "is-number"),
        ({"is-number": "7.0.0"}, "ms"),
        ({"debug/ms": "2.1.2"}, "is-number"),
        ({}, "is-number"),
    ],
)
def test_resolutions_that_changed_are_told(
    tmp_path: Path, data: str, resolutions: dict[str, str], package: str
) -> None:
    write(tmp_path, {"package.json": OF_YARN, "yarn.lock": (DATA / data).read_text(encoding="utf-8")})
    assert versions(tmp_path, "yarn.lock")["is-number"] == "7.0.0"
    write(tmp_path, {"package.json": {**OF_YARN, "resolutions": resolutions}})
    assert any(line.startswith(f"{package}: ") for line in why(tmp_path, "yarn.lock"))


def test_a_folder_of_yarn_1_that_gained_a_dependency_is_told(tmp_path: Path) -> None:
    lock = '# yarn lockfile v1\n\n\n"core@file:./core":\n  version "1.0.0"\n  dependencies:\n    ms "^2.1.0"\n\n'
    lock += f'ms@^2.1.0:\n  version "2.1.2"\n  integrity {SHA}\n'
    write(tmp_path, {"package.json": {"name": "p", "dependencies": {"core": "file:./core"}}, "yarn.lock": lock})
    write(tmp_path, {"core/package.json": {"name": "core", "version": "1.0.0", "dependencies": {"ms": "^2.1.0"}}})
    assert versions(tmp_path, "yarn.lock") == {"core": "1.0.0", "ms": "2.1.2"}
    needs = {"ms": "^2.1.3", "new": "^1.0.0"}
    write(tmp_path, {"core/package.json": {"name": "core", "version": "1.0.0", "dependencies": needs}})
    assert why(tmp_path, "yarn.lock") == (
        "ms: core/package.json asks for ^2.1.3, the lock has 2.1.2",
        "new: core/package.json asks for ^1.0.0, which the lock does not have",
    )


OF_BERRY: dict[str, Any] = {
    "package.json": {
        "name": "root",
        "private": True,
        "workspaces": ["packages/*"],
        "resolutions": {"is-number": "6.0.0"},
        "dependencies": {"f": "file:./f", "p": "portal:./f", "l": "link:./f"},
    },
    ".yarnrc.yml": {
        "catalog": {"is-odd": "^3.0.0"},
        "catalogs": {"old": {"debug": "2.6.9"}},
        "packageExtensions": {"debug@*": {"dependencies": {"is-number": "^6.0.0"}}},
    },
    "packages/a/package.json": {
        "name": "a",
        "version": "1.0.0",
        "dependencies": {
            "b": "workspace:^",
            "debug": "catalog:old",
            "is-odd": "catalog:",
            "short": "npm:ms@^2.1.0",
            "ms": "npm:~2.1.0",
        },
    },
    "packages/b/package.json": {"name": "b", "version": "1.0.0", "dependencies": {"ms": "latest"}},
    "f/package.json": {"name": "f", "version": "1.0.0", "dependencies": {"ms": "2.0.0"}},
}


def of_berry(root: Path, **changed: Any) -> Path:
    text = (DATA / "yarn-4-settings.lock").read_text(encoding="utf-8")
    write(root, {**OF_BERRY, "yarn.lock": text, **changed})
    return root


def test_catalogs_and_extensions_of_yarn_are_followed(tmp_path: Path) -> None:
    root = of_berry(tmp_path)
    assert versions(root, "yarn.lock", "packages/a") == {
        "b": "1.0.0",
        "debug": "2.6.9",
        "debug/node_modules/ms": "2.0.0",
        "is-number": "6.0.0",
        "is-odd": "3.0.1",
        "ms": "2.1.3",
        "short": "2.1.3",
    }
    node = NodeProject(manifest=root / "packages/a/package.json", lock=root / "yarn.lock", repository=root)
    debug = next(each for each in following.graph(node).reached() if each.name == "debug")
    assert "is-number" in debug.needs


@pytest.mark.parametrize(
    ("rc", "told"),
    [
        ({"catalog": {"is-odd": "^2.0.0"}}, "is-odd: a@workspace:packages/a asks for catalog:"),
        ({"catalogs": {"old": {"debug": "2.6.8"}}}, "debug: a@workspace:packages/a asks for catalog:old"),
        ({"packageExtensions": {"debug@2": {"dependencies": {"new": "1"}}}}, "new: debug@npm:2.6.9 asks for 1"),
    ],
)
def test_catalogs_and_extensions_of_yarn_that_changed_are_told(tmp_path: Path, rc: dict[str, Any], told: str) -> None:
    root = of_berry(tmp_path, **{".yarnrc.yml": {**OF_BERRY[".yarnrc.yml"], **rc}})
    assert any(line.startswith(told) for line in why(root, "yarn.lock", "packages/a"))


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"short": "npm:ms@^2.0.0"}, "short: packages/a/package.json asks for npm:ms@^2.0.0"),
        ({"ms": "npm:^2.0.0"}, "ms: packages/a/package.json asks for npm:^2.0.0"),
        ({"b": "workspace:*"}, "b: packages/a/package.json asks for workspace:*"),
        ({"debug": "catalog:"}, "debug: packages/a/package.json asks for catalog:"),
    ],
)
def test_what_a_member_asks_for_with_a_protocol_is_compared(tmp_path: Path, needs: dict[str, str], told: str) -> None:
    member = OF_BERRY["packages/a/package.json"]
    changed = {**member, "dependencies": {**member["dependencies"], **needs}}
    root = of_berry(tmp_path, **{"packages/a/package.json": changed})
    assert any(line.startswith(told) for line in why(root, "yarn.lock", "packages/a"))


def test_a_folder_of_yarn_4_that_gained_a_dependency_is_told(tmp_path: Path) -> None:
    manifest = {**OF_BERRY["package.json"], "dependencies": {"f": "file:./f", "p": "portal:./f"}}
    text = (DATA / "yarn-4-settings.lock").read_text(encoding="utf-8").replace('    l: "link:./f"\n', "")
    root = of_berry(tmp_path, **{"package.json": manifest, "yarn.lock": text})
    assert versions(root, "yarn.lock")["f"] == "1.0.0"
    write(root, {"f/package.json": {"name": "f", "version": "1.0.0", "dependencies": {"ms": "^2.1.0", "new": "1"}}})
    assert why(root, "yarn.lock") == (
        "ms: f/package.json asks for ^2.1.0, the lock has 2.0.0",
        "new: f/package.json asks for 1, which the lock does not have",
    )


@pytest.mark.parametrize("version", [1, 3])
def test_what_a_project_bundles_itself_is_fetched_and_compared_as_any_package(tmp_path: Path, version: int) -> None:
    """npm marks it `inBundle`, like what comes in the tarball of another package."""
    ms: dict[str, Any] = {"version": "2.1.3", "integrity": SHA, "bundled" if version == 1 else "inBundle": True}
    own = {"name": "web", "dependencies": {"ms": "^2.1.0"}, "bundleDependencies": ["ms"]}
    rows = {"dependencies": {"ms": ms}} if version == 1 else {"packages": {"": own, "node_modules/ms": ms}}
    lock = {"name": "web", "lockfileVersion": version, **rows}
    write(tmp_path, {"package.json": own, "package-lock.json": lock})
    assert versions(tmp_path, "package-lock.json") == {"ms": "2.1.3"}
    write(tmp_path, {"package.json": {**own, "dependencies": {"ms": "^1.0.0"}}})
    assert any("ms: package.json asks for ^1.0.0" in line for line in why(tmp_path, "package-lock.json"))
