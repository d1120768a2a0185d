"""Locks that npm 6 and 11, pnpm 8 and 9, Yarn 1 and 4 wrote of the same workspace: all say the same packages.

The files in `data` are the tools' own; addresses of Yarn 1 are those of its default registry.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from builder.base.errors import UsageError
from builder.model.architectures import ARM64
from builder.packages.npm import following, layout, package_lock, registry
from builder.packages.npm.graph import Graph
from builder.packages.npm.project import NodeProject

DATA = Path(__file__).parent / "data"
API: dict[str, Any] = {
    "name": "@shop/api",
    "private": True,
    "version": "1.0.0",
    "dependencies": {
        "@shop/core": "workspace:*",
        "debug": "2.6.9",
        "short": "npm:ms@2.0.0",
        "vendored": "file:../../vendor/tool",
        "use-sync-external-store": "1.2.0",
        "react": "18.2.0",
    },
    "optionalDependencies": {"fsevents": "2.3.3"},
    "devDependencies": {"left-pad": "1.3.0"},
}
CORE: dict[str, Any] = {
    "name": "@shop/core",
    "version": "1.2.0",
    "main": "index.js",
    "dependencies": {"@shop/util": "workspace:^", "ms": "2.1.2"},
    "peerDependencies": {"react": "*"},
}
SHOP: dict[str, Any] = {
    "package.json": {
        "name": "shop",
        "private": True,
        "version": "1.0.0",
        "workspaces": ["services/*", "libs/*"],
        "dependencies": {"ms": "^2.1.3"},
        "devDependencies": {"is-odd": "3.0.1"},
    },
    "services/api/package.json": API,
    "libs/core/package.json": CORE,
    "libs/util/package.json": {"name": "@shop/util", "version": "0.3.0"},
    "vendor/tool/package.json": {"name": "vendored", "version": "3.0.0", "dependencies": {"is-number": "6.0.0"}},
    "pnpm-workspace.yaml": "packages:\n  - services/*\n  - libs/*\n",
    **{f"{folder}/index.js": "" for folder in ("services/api", "libs/core", "libs/util", "vendor/tool")},
}
NUMBERS: dict[str, Any] = {"@shop/core": "1.2.0", "@shop/util": "*"}
"""Yarn 1 and npm do not know `workspace:`."""
TOOLS = {
    "npm-2.json": "package-lock.json",
    "npm-3.json": "npm-shrinkwrap.json",
    "pnpm-8.yaml": "pnpm-lock.yaml",
    "pnpm-9.yaml": "pnpm-lock.yaml",
    "yarn-1.lock": "yarn.lock",
    "yarn-4.lock": "yarn.lock",
}
OF_API = {
    "node_modules/@shop/core": "1.2.0",
    "node_modules/@shop/util": "0.3.0",
    "node_modules/debug": "2.6.9",
    "node_modules/debug/node_modules/ms": "2.0.0",
    "node_modules/is-number": "6.0.0",
    "node_modules/js-tokens": "4.0.0",
    "node_modules/loose-envify": "1.4.0",
    "node_modules/ms": "2.1.2",
    "node_modules/react": "18.2.0",
    "node_modules/short": "2.0.0",
    "node_modules/use-sync-external-store": "1.2.0",
    "node_modules/vendored": "3.0.0",
}


def write(folder: Path, files: Mapping[str, Any]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / path).write_text(text, encoding="utf-8")


def shop(folder: Path, data: str) -> Path:
    """Write the workspace with the lock of one tool."""
    files = json.loads(json.dumps(SHOP))
    if data.startswith(("npm", "yarn-1")):
        for path in ("services/api/package.json", "libs/core/package.json"):
            needs = files[path]["dependencies"]
            needs.update({name: spec for name, spec in NUMBERS.items() if name in needs})
    if not data.startswith("pnpm"):
        del files["pnpm-workspace.yaml"]
    write(folder, {**files, TOOLS[data]: (DATA / data).read_text(encoding="utf-8")})
    return folder


def project(root: Path, lock: str, member: str = "") -> NodeProject:
    return NodeProject(manifest=root / member / "package.json", lock=root / lock, repository=root)


def read(node: NodeProject) -> Graph:
    return following.read(node, node.lock.read_text(encoding="utf-8"))[0]


def placed(graph: Graph) -> dict[str, str]:
    """Return versions by folders."""
    return {path: node.version for path, node in layout.placed(graph.on(ARM64)).items()}


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms are those of the lock alone: the registry is asked in tests of its own."""
    monkeypatch.setattr(registry, "completed", lambda graph, _: graph)


@pytest.mark.parametrize("data", TOOLS)
def test_a_member_of_a_workspace_gets_what_its_lock_says(tmp_path: Path, data: str) -> None:
    node = project(shop(tmp_path, data), TOOLS[data], "services/api")
    found = placed(read(node))
    if data == "yarn-1.lock":  # it tells no platforms
        assert found.pop("node_modules/fsevents") == "2.3.3"
    assert found == OF_API


@pytest.mark.parametrize("data", TOOLS)
def test_the_root_has_the_members_and_what_they_need(tmp_path: Path, data: str) -> None:
    found = placed(read(project(shop(tmp_path, data), TOOLS[data])))
    found.pop("node_modules/fsevents", None)
    moved = {"node_modules/ms": "2.1.3", "node_modules/@shop/core/node_modules/ms": "2.1.2"}
    assert found == {**OF_API, **moved, "node_modules/@shop/api": "1.0.0"}


@pytest.mark.parametrize("data", TOOLS)
def test_digests_are_those_of_the_lock(tmp_path: Path, data: str) -> None:
    node = project(shop(tmp_path, data), TOOLS[data], "services/api")
    digests = {each.name: each.integrity for each in read(node).reached() if not each.folder}
    if data == "yarn-4.lock":
        assert set(digests.values()) == {""}
    else:
        assert digests["react"].startswith("sha512-/3IjMdb2L9Q")
        assert all(digest.startswith("sha512-") for digest in digests.values())


@pytest.mark.parametrize("data", TOOLS)
def test_a_lock_that_does_not_fit_is_told(tmp_path: Path, data: str) -> None:
    root = shop(tmp_path, data)
    path = root / "services" / "api" / "package.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["dependencies"] = {**manifest["dependencies"], "debug": "2.6.8", "new": "1.0.0"}
    write(root, {"services/api/package.json": manifest})
    with pytest.raises(UsageError, match=f"{TOOLS[data]} does not fit its package.json") as raised:
        following.converted(project(root, TOOLS[data], "services/api"), ARM64)
    assert any(line.startswith("new: services/api/package.json asks for 1.0.0") for line in raised.value.why)
    assert any(line.startswith("debug: ") for line in raised.value.why)
    assert "brings it up to date" in str(raised.value.hint)


@pytest.mark.parametrize("data", [data for data in TOOLS if data != "yarn-1.lock"])
def test_a_new_member_is_told(tmp_path: Path, data: str) -> None:
    root = shop(tmp_path, data)
    write(root, {"libs/new/package.json": {"name": "new"}})
    with pytest.raises(UsageError) as raised:
        following.converted(project(root, TOOLS[data]), ARM64)
    assert "libs/new is a member of the workspace that the lock does not have" in raised.value.why


@pytest.mark.parametrize("data", TOOLS)
def test_conflict_markers_and_other_damage_are_told(tmp_path: Path, data: str) -> None:
    node = project(shop(tmp_path, data), TOOLS[data])
    text = node.lock.read_text(encoding="utf-8")
    lines = text.splitlines()
    node.lock.write_text("\n".join([*lines[:7], "<<<<<<< HEAD", *lines[7:]]), encoding="utf-8")
    with pytest.raises(UsageError, match=f"{TOOLS[data]}:8 has conflict markers of git"):
        following.converted(node, ARM64)
    for damaged in (text[: len(text) // 2] + "\0{", "{", "[]", "a: *b", "null", "- x"):
        node.lock.write_text(damaged, encoding="utf-8")
        with pytest.raises(UsageError):
            following.converted(node, ARM64)


def test_a_lock_of_npm_6_is_read_and_compared(tmp_path: Path) -> None:
    manifest = {
        "dependencies": {"debug": "2.6.9", "ms": "^2.1.3", "core": "file:core", "short": "npm:ms@2.1.2"},
        "optionalDependencies": {"fsevents": "2.3.3"},
    }
    core = {"name": "core", "version": "1.2.0", "dependencies": {"is-odd": "3.0.1"}}
    text = (DATA / "npm-1.json").read_text(encoding="utf-8")
    write(tmp_path, {"package.json": manifest, "core/package.json": core, "package-lock.json": text})
    node = project(tmp_path, "package-lock.json")
    graph = read(node)
    assert not graph.complete
    found = placed(graph)
    assert found.pop("node_modules/fsevents") == "2.3.3"
    assert found == {
        "node_modules/core": "1.2.0",
        "node_modules/debug": "2.6.9",
        "node_modules/debug/node_modules/ms": "2.0.0",
        "node_modules/is-number": "6.0.0",
        "node_modules/is-odd": "3.0.1",
        "node_modules/ms": "2.1.3",
        "node_modules/short": "2.1.2",
    }
    write(tmp_path, {"package.json": {"dependencies": {"debug": "2.6.8"}}})
    with pytest.raises(UsageError) as raised:
        read(node)
    assert raised.value.why == ("debug: package.json asks for 2.6.8, the lock has 2.6.9",)


@pytest.mark.parametrize("data", ["yarn-1-resolutions.lock", "yarn-4-resolutions.lock"])
def test_resolutions_of_yarn_lead_to_what_they_name(tmp_path: Path, data: str) -> None:
    manifest = {
        "name": "r",
        "dependencies": {"debug": "2.6.9", "ms": "^2.1.3", "is-odd": "3.0.1"},
        "resolutions": {"debug/ms": "2.1.2", "is-number": "7.0.0"},
    }
    write(tmp_path, {"package.json": manifest, "yarn.lock": (DATA / data).read_text(encoding="utf-8")})
    found = placed(read(project(tmp_path, "yarn.lock")))
    assert found["node_modules/debug/node_modules/ms"] == "2.1.2"
    assert found["node_modules/is-number"] == "7.0.0"
    assert found["node_modules/ms"] == "2.1.3"


PATCHED = {
    "pnpm-lock.yaml": """lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      ms: {specifier: 2.1.3, version: 2.1.3(patch_hash=abc)}
patchedDependencies:
  ms@2.1.3: {hash: abc, path: patches/ms.patch}
packages:
  ms@2.1.3:
    resolution: {integrity: sha512-aaaa}
snapshots:
  ms@2.1.3(patch_hash=abc): {}
""",
    "yarn.lock": """__metadata:
  version: 8

"p@workspace:.":
  version: 0.0.0-use.local
  resolution: "p@workspace:."
  dependencies:
    ms: "patch:ms@npm%3A2.1.3#~/.yarn/patches/ms.patch"
""",
}


@pytest.mark.parametrize("name", PATCHED)
def test_patched_packages_are_refused(tmp_path: Path, name: str) -> None:
    spec = "2.1.3" if name.startswith("pnpm") else "patch:ms@npm%3A2.1.3#~/.yarn/patches/ms.patch"
    write(tmp_path, {"package.json": {"name": "p", "dependencies": {"ms": spec}}, name: PATCHED[name]})
    with pytest.raises(UsageError, match="ms is patched") as raised:
        following.converted(project(tmp_path, name), ARM64)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", '{"lockfileVersion": 4, "packages": {"": {}}}'),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '10.0'\n"),
        ("yarn.lock", "__metadata:\n  version: 99\n"),
    ],
)
def test_versions_of_the_future_and_of_the_past_are_told(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, {"package.json": {"name": "p"}, name: text})
    with pytest.raises(UsageError, match=name) as raised:
        following.converted(project(tmp_path, name), ARM64)
    assert raised.value.hint


@pytest.mark.parametrize(
    "line",
    [
        '"ms@1:',
        '  "dependencies:',
        '  resolved "https://registry.yarnpkg.com/ms.tgz',
        '  version "1.0.0" "',
        'ms@1, "ms@2:',
    ],
)
def test_a_string_that_does_not_end_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    lines = ["# yarn lockfile v1", "", "", "ms@1:", '  version "1.0.0"', line]
    write(tmp_path, {"package.json": {"name": "p", "dependencies": {"ms": "1"}}, "yarn.lock": "\n".join(lines)})
    with pytest.raises(UsageError, match=r"yarn\.lock:6 ") as raised:
        read(project(tmp_path, "yarn.lock"))
    assert raised.value.why == (line.strip(),)


UNHASHED = {
    "package-lock.json": '{"lockfileVersion": 3, "packages": {"": NEEDS, "node_modules/ms": {"version": "1.0.0"}}}',
    "npm-shrinkwrap.json": '{"lockfileVersion": 1, "dependencies": {"ms": {"version": "1.0.0"}}}',
    "pnpm-lock.yaml": """lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      ms: {specifier: 1.0.0, version: 1.0.0}
packages:
  ms@1.0.0: {resolution: {}}
snapshots:
  ms@1.0.0: {}
""",
    "yarn.lock": """# yarn lockfile v1


ms@1.0.0:
  version "1.0.0"
  resolved "https://registry.yarnpkg.com/ms/-/ms-1.0.0.tgz"
""",
}


@pytest.mark.parametrize("name", UNHASHED)
def test_a_package_of_a_registry_without_its_digest_is_refused(tmp_path: Path, name: str) -> None:
    needs = {"dependencies": {"ms": "1.0.0"}}
    write(tmp_path, {"package.json": needs, name: UNHASHED[name].replace("NEEDS", json.dumps(needs))})
    with pytest.raises(UsageError, match=f"{name}: packages have no integrity") as raised:
        following.converted(project(tmp_path, name), ARM64)
    assert raised.value.why == ("ms@1.0.0",)
    assert "writes them with it" in str(raised.value.hint)


@pytest.mark.parametrize("data", TOOLS)
def test_a_mark_of_the_encoding_is_no_damage(tmp_path: Path, data: str) -> None:
    """npm and pnpm read files of editors that write one."""
    root = shop(tmp_path, data)
    for path in (root / TOOLS[data], root / "services" / "api" / "package.json", root / "package.json"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    made = following.converted(project(root, TOOLS[data], "services/api"), ARM64)
    assert "node_modules/react" in json.loads(made.lock)["packages"]


def test_a_lock_that_cannot_be_read_is_written_by_its_own_tool(tmp_path: Path) -> None:
    for name, text, command in (
        ("package-lock.json", "{", "npm install --package-lock-only"),
        ("package-lock.json", '{"lockfileVersion": 4, "packages": {"": {}}}', "npm install --package-lock-only"),
        ("pnpm-lock.yaml", "a: [", "pnpm install --lockfile-only"),
        ("yarn.lock", "__metadata: [", "yarn install --mode=update-lockfile"),
        ("yarn.lock", "__metadata:\n  version: 99\n", "npx @yarnpkg/cli-dist@4 install --mode=update-lockfile"),
        ("yarn.lock", "# yarn lockfile v1\n?", "yarn install --ignore-scripts"),
    ):
        write(tmp_path, {"package.json": {"name": "p"}, name: text})
        with pytest.raises(UsageError) as raised:
            following.converted(project(tmp_path, name), ARM64)
        assert f"`{command}`" in str(raised.value.hint)


def test_only_sha1_is_refused(tmp_path: Path) -> None:
    text = '# yarn lockfile v1\n\n\nms@1:\n  version "1.0.0"\n  resolved "https://registry.yarnpkg.com/ms.tgz#aaaa"\n'
    write(tmp_path, {"package.json": {"name": "p", "dependencies": {"ms": "1"}}, "yarn.lock": text})
    with pytest.raises(UsageError, match="no digest of ms by SHA-256 or longer"):
        read(project(tmp_path, "yarn.lock"))


def test_a_package_with_other_peers_is_another_package(tmp_path: Path) -> None:
    """Both members of Yarn's workspace need `plugin`, which wants the `host` beside it."""
    members = {
        name: {"name": name, "dependencies": {"plugin": "1.0.0", "host": version}}
        for name, version in (("one", "1.0.0"), ("two", "2.0.0"))
    }
    lock = """__metadata:
  version: 8

"host@npm:1.0.0":
  version: 1.0.0
  resolution: "host@npm:1.0.0"

"host@npm:2.0.0":
  version: 2.0.0
  resolution: "host@npm:2.0.0"

"plugin@npm:1.0.0":
  version: 1.0.0
  resolution: "plugin@npm:1.0.0"
  peerDependencies:
    host: "*"

"one@workspace:one":
  version: 0.0.0-use.local
  resolution: "one@workspace:one"
  dependencies:
    host: "npm:1.0.0"
    plugin: "npm:1.0.0"

"root@workspace:.":
  version: 0.0.0-use.local
  resolution: "root@workspace:."

"two@workspace:two":
  version: 0.0.0-use.local
  resolution: "two@workspace:two"
  dependencies:
    host: "npm:2.0.0"
    plugin: "npm:1.0.0"
"""
    root = {"name": "root", "workspaces": ["one", "two"]}
    files = {f"{name}/package.json": manifest for name, manifest in members.items()}
    write(tmp_path, {"package.json": root, "yarn.lock": lock, **files})
    found = placed(read(project(tmp_path, "yarn.lock")))
    assert found == {
        "node_modules/one": "0.0.0",
        "node_modules/two": "0.0.0",
        "node_modules/host": "1.0.0",
        "node_modules/plugin": "1.0.0",
        "node_modules/two/node_modules/host": "2.0.0",
        "node_modules/two/node_modules/plugin": "1.0.0",
    }


def test_a_member_that_wants_a_peer_gets_the_one_of_the_project(tmp_path: Path) -> None:
    """pnpm installs a peer of its own into each member; a published package has the one beside it."""
    lock = """lockfileVersion: '9.0'
overrides:
  ms: 2.1.2
catalogs:
  default:
    host: {specifier: 1.0.0, version: 1.0.0}
importers:
  .:
    dependencies:
      host: {specifier: 'catalog:', version: 1.0.0}
      ms: {specifier: 2.1.2, version: 2.1.2}
      plugin: {specifier: 'workspace:*', version: link:plugin}
  plugin:
    dependencies:
      host: {specifier: '*', version: 2.0.0}
packages:
  host@1.0.0: {resolution: {integrity: sha512-aaaa}}
  host@2.0.0: {resolution: {integrity: sha512-bbbb}}
  ms@2.1.2: {resolution: {integrity: sha512-cccc}}
snapshots:
  host@1.0.0: {}
  host@2.0.0: {}
  ms@2.1.2: {}
"""
    needs = {"host": "catalog:", "ms": "^2.0.0", "plugin": "workspace:*"}
    write(
        tmp_path,
        {
            "package.json": {"name": "root", "dependencies": needs},
            "plugin/package.json": {"name": "plugin", "peerDependencies": {"host": "*"}},
            "plugin/index.js": "",
            "pnpm-workspace.yaml": "packages: [plugin]\noverrides: {ms: 2.1.2}\ncatalog: {host: 1.0.0}\n",
            "pnpm-lock.yaml": lock,
        },
    )
    made = json.loads(following.converted(project(tmp_path, "pnpm-lock.yaml"), ARM64).lock)["packages"]
    assert {path: row["version"] for path, row in made.items() if path} == {
        "node_modules/host": "1.0.0",
        "node_modules/ms": "2.1.2",
        "node_modules/plugin": "0.0.0",
    }


@pytest.mark.parametrize("target", ["node_modules/a", "b", ""])
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, target: str) -> None:
    rows = {"": {"dependencies": {"a": "file:b"}}, "node_modules/a": {"link": True, "resolved": target}}
    text = json.dumps({"lockfileVersion": 3, "packages": rows})
    write(tmp_path, {"package.json": rows[""], "package-lock.json": text})
    node = project(tmp_path, "package-lock.json")
    with pytest.raises(UsageError):
        package_lock.packages(following.converted(node, ARM64).lock, ARM64, "package-lock.json")


def test_the_texts_for_npm_have_no_trace_of_the_tool(tmp_path: Path) -> None:
    node = project(shop(tmp_path, "pnpm-8.yaml"), "pnpm-lock.yaml", "services/api")
    made = following.converted(node, ARM64)
    rows = json.loads(made.lock)["packages"]
    assert [package.path for package in made.local] == ["vendor/tool", "libs/core", "libs/util"]
    assert rows["node_modules/short"]["name"] == "ms"
    assert rows[""]["dependencies"]["short"] == "npm:ms@2.0.0"
    assert all(row.get("integrity") for path, row in rows.items() if path)
    assert "workspace:" not in made.lock + made.manifest
