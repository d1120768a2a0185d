"""Projects of Node.js: which lock decides, and what `layerwright build FOLDER` makes of it."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from kit.commands import Result, layerwright
from kit.npm import package, write_recipe

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages import projects as shared
from builder.packages.npm import projects

API: dict[str, Any] = {
    "name": "@shop/api",
    "version": "1.0.0",
    "dependencies": {"@shop/core": "1.2.0", "ms": "1.0.0"},
    "devDependencies": {"tool": "1.0.0"},
}
CORE = {"name": "@shop/core", "version": "1.2.0", "dependencies": {"left": "1.0.0"}}
ROOT = {"name": "shop", "private": True, "workspaces": ["services/*", "libs/*"]}


def locks(digests: dict[str, str]) -> dict[str, str]:
    """Return the lock of the workspace in the form of each tool, with the digests of the registry on loopback."""
    rows: dict[str, Any] = {
        "": ROOT,
        "libs/core": CORE,
        "services/api": API,
        "node_modules/@shop/api": {"resolved": "services/api", "link": True},
        "node_modules/@shop/core": {"resolved": "libs/core", "link": True},
        "node_modules/left": {"version": "1.0.0", "integrity": digests["left"]},
        "node_modules/ms": {"version": "1.0.0", "integrity": digests["ms"]},
        "node_modules/tool": {"version": "1.0.0", "integrity": digests["tool"], "dev": True},
    }
    pnpm = [f"  {name}@1.0.0:\n    resolution: {{integrity: {digest}}}\n" for name, digest in digests.items()]
    classic = [f'{name}@1.0.0:\n  version "1.0.0"\n  integrity {digest}\n' for name, digest in digests.items()]
    berry = [
        f'"{name}@npm:1.0.0":\n  version: 1.0.0\n  resolution: "{name}@npm:1.0.0"\n  checksum: 10c0/aaaa\n'
        for name in digests
    ]
    return {
        "package-lock.json": json.dumps({"lockfileVersion": 3, "packages": rows}),
        "pnpm-lock.yaml": f"""lockfileVersion: '9.0'
importers:
  .: {{}}
  libs/core:
    dependencies:
      left: {{specifier: 1.0.0, version: 1.0.0}}
  services/api:
    dependencies:
      '@shop/core': {{specifier: 1.2.0, version: link:../../libs/core}}
      ms: {{specifier: 1.0.0, version: 1.0.0}}
    devDependencies:
      tool: {{specifier: 1.0.0, version: 1.0.0}}
packages:
{"".join(pnpm)}
snapshots:
  left@1.0.0: {{}}
  ms@1.0.0: {{}}
  tool@1.0.0: {{}}
""",
        "yarn.lock": "# yarn lockfile v1\n\n\n" + "\n".join(classic),
        "berry": f"""__metadata:
  version: 8
  cacheKey: 10c0

"@shop/api@workspace:services/api":
  version: 0.0.0-use.local
  resolution: "@shop/api@workspace:services/api"
  dependencies:
    "@shop/core": "npm:1.2.0"
    ms: "npm:1.0.0"
    tool: "npm:1.0.0"

"@shop/core@npm:1.2.0, @shop/core@workspace:libs/core":
  version: 0.0.0-use.local
  resolution: "@shop/core@workspace:libs/core"
  dependencies:
    left: "npm:1.0.0"

"shop@workspace:.":
  version: 0.0.0-use.local
  resolution: "shop@workspace:."

{"".join(berry)}""",
    }


FORMS = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "Yarn": "yarn.lock", "berry": "berry"}


@pytest.fixture
def digests(program: Callable[[str], str], npm_registry: Path) -> dict[str, str]:
    program("npm")
    made = {name: package(npm_registry, name).read_bytes() for name in ("ms", "left", "tool")}
    return {name: f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}" for name, data in made.items()}


def workspace(root: Path, lock: str, text: str) -> Path:
    folder = root / "shop"
    files = {
        "package.json": ROOT,
        "services/api/package.json": API,
        "libs/core/package.json": CORE,
        "libs/core/index.js": "module.exports = require('left');",
        "pnpm-workspace.yaml": "packages: [services/*, libs/*]\n",
        "yarn.lock" if lock == "berry" else lock: text,
    }
    if not lock.startswith("pnpm"):
        del files["pnpm-workspace.yaml"]
    (folder / ".git").mkdir(parents=True)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def build(folder: Path, *arguments: str) -> Result:
    return layerwright("build", *arguments, "--arch", "arm64", "--runtime", "nodejs22.x", "--no-test", cwd=folder)


def content(folder: Path) -> set[str]:
    (path,) = (folder / "dist").glob("*.zip")
    return {name.removeprefix("nodejs/node_modules/") for name in ZipFile(path).namelist()}


OF_API = {
    *(f"{name}/{file}" for name in ("left", "ms") for file in ("index.js", "package.json")),
    "@shop/core/index.js",
    "@shop/core/package.json",
}


@pytest.mark.parametrize("tool", FORMS)
def test_a_member_is_built_by_the_lock_of_its_workspace(digests: dict[str, str], tmp_path: Path, tool: str) -> None:
    lock = FORMS[tool]
    folder = workspace(tmp_path, lock, locks(digests)[lock])
    result = build(folder, "services/api")
    assert result.code == 0, result.err
    title, file = ("Yarn", "yarn.lock") if tool == "berry" else (tool, lock)
    assert f"{title} project `@shop/api`, " in result.err
    assert file in result.err
    assert content(folder) == OF_API
    (manifest,) = (path for path in (folder / "dist").glob("*.json") if not path.name.endswith(".cdx.json"))
    rows = {row["name"]: row for row in json.loads(manifest.read_text())["packages"]}
    assert rows["@shop/core"]["route"] == "local"
    assert rows["ms"]["integrity"] == digests["ms"]


@pytest.mark.parametrize("tool", FORMS)
def test_another_file_than_that_of_the_lock_is_refused(digests: dict[str, str], tmp_path: Path, tool: str) -> None:
    """Yarn 2 and newer have no digest of what the registry sends; the registry's own decides there."""
    lock = FORMS[tool]
    other = {**digests, "ms": f"sha512-{base64.b64encode(bytes(64)).decode()}"}
    folder = workspace(tmp_path, lock, locks(other)[lock])
    result = build(folder, "services/api")
    if tool == "berry":
        assert result.code == 0, result.err
        assert "yarn.lock has no digests of the registry's files" in result.err
    else:
        assert result.code == 4, result.err
        assert not list((folder / "dist").glob("*.zip"))


def test_the_project_itself_is_added_when_asked_for(digests: dict[str, str], tmp_path: Path) -> None:
    folder = workspace(tmp_path, "pnpm-lock.yaml", locks(digests)["pnpm-lock.yaml"])
    (folder / "services" / "api" / "handler.js").touch()
    assert build(folder, "services/api", "--with-project").code == 0
    assert content(folder) == {*OF_API, "@shop/api/handler.js", "@shop/api/package.json"}


def test_a_recipe_follows_a_project_and_changes_with_what_it_takes(digests: dict[str, str], tmp_path: Path) -> None:
    folder = workspace(tmp_path, "package-lock.json", locks(digests)["package-lock.json"])
    recipe = folder / "recipes" / "api" / "recipe.toml"
    write_recipe(recipe.parent, "api", 'project = "../../services/api"')
    assert build(folder, "api").code == 0
    assert content(folder) == OF_API

    def digest(name: str = "services/api") -> dict[str, str]:
        return projects.inputs(shared.requested(folder / name, ProjectChoice()))

    before = digest()
    assert list(before) == ["package-lock.json"]
    document = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    document["packages"]["node_modules/tool"]["version"] = "1.0.1"
    (folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    assert digest() == before
    (folder / "libs" / "core" / "index.js").write_text("2", encoding="utf-8")
    assert digest() != before


def test_what_nightly_compares_is_what_is_taken(digests: dict[str, str], tmp_path: Path) -> None:
    folder = workspace(tmp_path, "package-lock.json", locks(digests)["package-lock.json"])
    (folder / ".gitignore").write_text("*.log\n", encoding="utf-8")

    def digest() -> dict[str, str]:
        return projects.inputs(shared.requested(folder / "services" / "api", ProjectChoice()))

    before = digest()
    (folder / "libs" / "core" / "run.log").write_text("1", encoding="utf-8")
    assert digest() == before
    (folder / "libs" / "core" / "run.txt").write_text("1", encoding="utf-8")
    assert digest() != before


@pytest.mark.parametrize("tarball", ["file:gone.tgz", "file:../outside.tgz"])
def test_nightly_has_the_reason_for_which_a_project_is_refused(tmp_path: Path, tarball: str) -> None:
    (tmp_path / "outside.tgz").write_bytes(b"x")
    needs = {"dependencies": {"core": tarball}}
    rows = {"": needs, "node_modules/core": {"version": "1.0.0", "resolved": tarball, "integrity": "sha512-eA=="}}
    folder = write(tmp_path / "one", package_json=needs, package__lock_json={"lockfileVersion": 3, "packages": rows})
    (folder / ".git").mkdir()
    (told,) = projects.inputs(shared.requested(folder, ProjectChoice())).values()
    assert told.startswith(shared.REFUSED)
    assert tarball.removeprefix("file:") in told


def test_a_package_json_of_a_member_that_cannot_be_read_is_none(digests: dict[str, str], tmp_path: Path) -> None:
    folder = workspace(tmp_path, "package-lock.json", locks(digests)["package-lock.json"])
    (folder / "libs" / "core" / "package.json").write_text("[" * 100_000, encoding="utf-8")
    result = build(folder, "services/api")
    assert result.code == 2
    assert "libs/core has no package.json that can be read" in result.err


def found(folder: Path, **choice: Any) -> shared.FoundProject | None:
    return projects.find(shared.requested(folder, ProjectChoice(**choice)))


def write(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", "-").replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_the_lock_of_the_tool_that_package_json_names_decides(tmp_path: Path) -> None:
    folder = write(tmp_path / "one", package_json={"name": "one"}, yarn_lock="", package__lock_json="{}")
    with pytest.raises(UsageError, match="has locks of several tools: package-lock.json and yarn.lock") as raised:
        found(folder)
    assert "--from package-lock.json" in str(raised.value.hint)
    assert (there := found(folder, file="yarn.lock"))
    assert (there.title, there.lock) == ("Yarn", folder / "yarn.lock")
    write(folder, package_json={"name": "one", "packageManager": "yarn@4.1.0"})
    assert (there := found(folder))
    assert there.lock == folder / "yarn.lock"


def test_npm_shrinkwrap_wins_as_with_npm(tmp_path: Path) -> None:
    folder = write(tmp_path / "one", package_json={"name": "one"}, package__lock_json="{}")
    (folder / "npm-shrinkwrap.json").write_text("{}", encoding="utf-8")
    assert (there := found(folder))
    assert there.lock == folder / "npm-shrinkwrap.json"


def test_a_folder_that_is_no_member_has_not_the_lock_above_it(tmp_path: Path) -> None:
    write(tmp_path, package_json=ROOT, package__lock_json="{}")
    assert (there := found(write(tmp_path / "services" / "api", package_json=API)))
    assert there.lock == tmp_path / "package-lock.json"
    assert (there := found(write(tmp_path / "other", package_json=API)))
    assert there.lock is None


@pytest.mark.parametrize(
    ("engines", "runtime"),
    [
        ("", "nodejs24.x"),
        (">=18", "nodejs24.x"),
        ("22.x", "nodejs22.x"),
        ("^22.1.0 || ^20", "nodejs22.x"),
        (">=18 <24", "nodejs22.x"),
        (">=20.0.0 <=22", "nodejs22.x"),
        ("~22.3", "nodejs22.x"),
        ("4", "nodejs24.x"),
        ("*", "nodejs24.x"),
    ],
)
def test_the_newest_runtime_that_engines_accepts_is_taken(tmp_path: Path, engines: str, runtime: str) -> None:
    folder = write(tmp_path / "one", package_json={"name": "one", "engines": {"node": engines}})
    assert (there := found(folder))
    assert there.runtime == runtime


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_runtime_that_engines_do_not_accept_is_refused(tmp_path: Path, *, is_locked: bool) -> None:
    manifest: dict[str, Any] = {"name": "one", "dependencies": {"x": "1"}, "engines": {"node": ">=24"}}
    folder = write(tmp_path / "one", package_json=manifest)
    if is_locked:
        write(folder, package__lock_json={"lockfileVersion": 3, "packages": {"": manifest}})
    result = build(tmp_path, "one")
    assert result.code == 2
    assert "one/package.json wants Node.js >=24 (`engines`), which nodejs22.x is not" in result.err
    assert "`--runtime nodejs24.x`" in result.err
    write(folder, package_json={**manifest, "engines": {"node": "4 || 6"}})
    result = layerwright("build", "one", "--no-test", cwd=tmp_path)
    assert result.code == 2
    assert "wants Node.js 4 || 6 (`engines`), which nodejs24.x is not" in result.err
    assert "no runtime of Lambda is: there are " in result.err


@pytest.mark.parametrize("text", ["[]", "{", '"x"'])
def test_a_package_json_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid package.json"):
        found(write(tmp_path / "one", package_json=text))


def test_a_project_without_dependencies_and_one_with_unlocked_folders_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "one", package_json={"name": "one", "devDependencies": {"x": "1"}})
    result = build(tmp_path, "one")
    assert result.code == 2
    assert "has no dependencies" in result.err
    write(folder, package_json={"name": "one", "dependencies": {"core": "file:core"}})
    result = build(tmp_path, "one")
    assert result.code == 2
    assert "has local packages, and no lock" in result.err
    assert "npm install --package-lock-only" in result.err


def test_projects_with_locks_of_their_own_are_not_merged(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, package_json={"name": name, "dependencies": {"x": "1"}})
    result = build(tmp_path, "one", "two", "--merge", "both")
    assert result.code == 2
    assert "one and two are locked one by one, and a layer of npm packages has one lock" in result.err
    assert "`layerwright build one` and `layerwright build two` make a layer each" in result.err
    assert "the root of a workspace has one lock for all" in result.err


def test_a_lock_of_bun_is_not_ignored(tmp_path: Path) -> None:
    folder = write(tmp_path / "one", package_json={"name": "one", "dependencies": {"x": "1"}}, bun_lock="{}")
    result = build(tmp_path, "one")
    assert result.code == 2
    assert "bun.lock is a lock of Bun, which is not read" in result.err
    assert "bun install --yarn" in result.err
    (folder / "yarn.lock").write_text("# yarn lockfile v1\n", encoding="utf-8")
    assert "x: package.json asks for 1, which the lock does not have" in build(tmp_path, "one").err


def test_the_project_itself_needs_a_lock(tmp_path: Path) -> None:
    write(tmp_path / "one", package_json={"name": "one", "dependencies": {"x": "1"}})
    result = build(tmp_path, "one", "--with-project")
    assert result.code == 2
    assert "has no lock, which says what the project itself needs" in result.err


def test_a_group_of_other_tools_is_told(tmp_path: Path) -> None:
    write(tmp_path / "one", package_json={"name": "one", "dependencies": {"x": "1"}}, package__lock_json="{}")
    result = build(tmp_path, "one", "--group", "dev")
    assert result.code == 2
    assert "has no group `dev`" in result.err


def test_a_pattern_that_leaves_nothing_out_is_refused(digests: dict[str, str], tmp_path: Path) -> None:
    folder = workspace(tmp_path, "package-lock.json", locks(digests)["package-lock.json"])
    result = build(folder, "services/api", "--prune", "indx.js")
    assert result.code == 2
    assert "--prune indx.js leaves nothing out; did you mean `index.js`?" in result.err
    assert not list(folder.glob("dist/*.zip"))
    assert build(folder, "services/api", "--prune", "left/").code == 0
    assert content(folder) == {name for name in OF_API if not name.startswith("left/")}


def test_an_optional_peer_of_another_version_is_what_the_lock_of_pnpm_has(
    program: Callable[[str], str], npm_registry: Path, tmp_path: Path
) -> None:
    """pnpm gives a package the peer that is there, which npm would leave out."""
    program("npm")
    optional: dict[str, Any] = {
        "peerDependencies": {"pattern": "3.x"},
        "peerDependenciesMeta": {"pattern": {"optional": True}},
    }
    made = {"finder": package(npm_registry, "finder", **optional), "pattern": package(npm_registry, "pattern")}
    digests = {
        name: f"sha512-{base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()}"
        for name, path in made.items()
    }
    manifest = {"name": "one", "dependencies": {"finder": "1.0.0"}, "devDependencies": {"pattern": "1.0.0"}}
    lock = f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      finder: {{specifier: 1.0.0, version: 1.0.0(pattern@1.0.0)}}
    devDependencies:
      pattern: {{specifier: 1.0.0, version: 1.0.0}}
packages:
  finder@1.0.0:
    resolution: {{integrity: {digests["finder"]}}}
    peerDependencies: {{pattern: 3.x}}
    peerDependenciesMeta: {{pattern: {{optional: true}}}}
  pattern@1.0.0:
    resolution: {{integrity: {digests["pattern"]}}}
snapshots:
  finder@1.0.0(pattern@1.0.0):
    optionalDependencies: {{pattern: 1.0.0}}
  pattern@1.0.0: {{}}
"""
    folder = write(tmp_path / "one", package_json=manifest)
    (folder / "pnpm-lock.yaml").write_text(lock, encoding="utf-8")
    result = build(tmp_path, "one")
    assert result.code == 0, result.err
    assert {f"{name}/package.json" for name in made} <= content(tmp_path)
