"""Yarn's own files say where packages are, and packages come from the registry that a project names alone."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from kit import npm as registries
from kit.commands import layerwright
from kit.npm import package

from builder.base.errors import UsageError
from builder.packages.npm import settings

TOKEN = "f6c1d2e3"  # noqa: S105


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("project", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("npm_config_globalconfig", str(tmp_path / "global"))
    monkeypatch.delenv("npm_config_userconfig", raising=False)
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.setenv("SECRET", TOKEN)
    return tmp_path / "project"


def lines(project: Path, text: str, name: str = ".yarnrc.yml") -> dict[str, str]:
    (project / name).write_text(text, encoding="utf-8")
    found = settings.read(project).text.splitlines()
    return {key: json.loads(value) for key, _, value in (line.partition("=") for line in found)}


def test_registries_of_yarn_are_those_of_npm(project: Path) -> None:
    (project.parent / "home" / ".yarnrc.yml").write_text("npmRegistries:\n  //mine.test/npm:\n    npmAuthToken: own\n")
    text = """nodeLinker: node-modules
npmRegistryServer: https://files.test
npmScopes:
  shop:
    npmRegistryServer: https://mine.test/npm
    npmAuthIdent: "me:${SECRET}"
  other: {npmAuthToken: "${MISSING-word}"}
plugins: [./evil.js]
"""
    assert lines(project, text) == {
        "//mine.test/npm/:_authToken": "own",
        "registry": "https://files.test",
        "@shop:registry": "https://mine.test/npm",
        "//mine.test/npm/:_auth": base64.b64encode(f"me:{TOKEN}".encode()).decode(),
        "@other:registry": "https://files.test",
        "//files.test/:_authToken": "word",
    }


def test_a_project_of_yarn_sends_no_variable_to_a_stranger(project: Path) -> None:
    text = 'npmScopes:\n  shop:\n    npmRegistryServer: https://files.test\n    npmAuthToken: "${SECRET}"\n'
    with pytest.raises(UsageError, match=r"\.yarnrc\.yml:4: a variable is not filled in") as raised:
        lines(project, text)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("variable", ["OTHER", "YARN_NPM_AUTH_TOKEN"])
def test_the_registry_of_a_project_gets_no_other_variable(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "own")
    text = 'npmRegistryServer: https://files.test\nnpmAuthToken: "${SECRET}"\n'
    with pytest.raises(UsageError, match=r"\.yarnrc\.yml:2: a variable is not filled in") as raised:
        lines(project, text)
    assert raised.value.why == ("only this file names files.test, which would get the variable",)


def test_the_registry_of_the_user_gets_variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YARN_NPM_REGISTRY_SERVER", "https://files.test")
    text = 'npmScopes:\n  shop: {npmRegistryServer: "https://files.test", npmAuthToken: "${SECRET}"}\n'
    assert lines(project, text)["//files.test/:_authToken"] == TOKEN


def test_the_variables_of_yarn_are_for_its_registry(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YARN_NPM_AUTH_TOKEN", TOKEN)
    assert lines(project, "npmRegistryServer: https://files.test\n") == {
        "registry": "https://files.test",
        "//files.test/:_authToken": TOKEN,
    }


def test_the_file_of_yarn_1_names_registries(project: Path) -> None:
    text = '# c\nregistry "https://files.test/"\n"@shop:registry" "https://mine.test/"\nyarn-path "./evil.js"\n'
    assert lines(project, text, ".yarnrc") == {
        "registry": "https://files.test/",
        "@shop:registry": "https://mine.test/",
    }


@pytest.mark.parametrize("text", ["a: [", "- x", "a: &b 1\nc: *b"])
def test_a_file_that_is_none_is_told(project: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"\.yarnrc\.yml"):
        lines(project, text)


# ---- one registry for each package ----------------------------------------------------------------------------------


@pytest.fixture
def private(
    project: Path, program: Callable[[str], str], npm_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, str, str]]:
    """Serve `@shop/core` twice: a foreign one for everybody, and the right one for those who have the token."""
    program("npm")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    package(npm_registry, "@shop/core", files={"foreign.js": "x"})
    (tmp_path / "private").mkdir()
    right = package(tmp_path / "private", "@shop/core", files={"right.js": "x"})
    digest = f"sha512-{base64.b64encode(hashlib.sha512(right.read_bytes()).digest()).decode()}"
    about = {"name": "service", "dependencies": {"@shop/core": "1.0.0"}}
    (project / "package.json").write_text(json.dumps(about), encoding="utf-8")
    with registries.registry(tmp_path / "private", TOKEN) as address:
        yield project, address, digest


def lock_of(tool: str, digest: str) -> tuple[str, str]:
    if tool == "pnpm":
        text = f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      '@shop/core': {{specifier: 1.0.0, version: 1.0.0}}
packages:
  '@shop/core@1.0.0':
    resolution: {{integrity: {digest}}}
snapshots:
  '@shop/core@1.0.0': {{}}
"""
        return "pnpm-lock.yaml", text
    text = """__metadata:
  version: 8

"@shop/core@npm:1.0.0":
  version: 1.0.0
  resolution: "@shop/core@npm:1.0.0"

"service@workspace:.":
  version: 0.0.0-use.local
  resolution: "service@workspace:."
  dependencies:
    "@shop/core": "npm:1.0.0"
"""
    return "yarn.lock", text


def build(project: Path) -> tuple[int, str, set[str]]:
    arguments = ("build", ".", "--arch", "arm64", "--runtime", "nodejs22.x", "--no-test")
    result = layerwright(*arguments, cwd=project)
    names = {name for path in (project / "dist").glob("*.zip") for name in ZipFile(path).namelist()}
    return result.code, result.err, {name.rpartition("/")[2] for name in names}


@pytest.mark.parametrize("tool", ["pnpm", "Yarn"])
def test_a_scope_comes_from_its_own_registry(private: tuple[Path, str, str], tool: str) -> None:
    project, address, digest = private
    name, text = lock_of(tool, digest)
    (project / name).write_text(text, encoding="utf-8")
    if tool == "pnpm":
        (project / ".npmrc").write_text(f"@shop:registry={address}\n", encoding="utf-8")
        own = f"//{address.partition('//')[2]}:_authToken={TOKEN}\n"
        (project.parent / "home" / ".npmrc").write_text(own, encoding="utf-8")
    else:
        shop = f"npmScopes:\n  shop:\n    npmRegistryServer: {address}\n"
        (project / ".yarnrc.yml").write_text(shop, encoding="utf-8")
        own = f'npmRegistries:\n  "//{address.partition("//")[2]}":\n    npmAuthToken: {TOKEN}\n'
        (project.parent / "home" / ".yarnrc.yml").write_text(own, encoding="utf-8")
    code, told, names = build(project)
    assert code == 0, told
    assert "right.js" in names
    assert "foreign.js" not in names
    kept = [path for path in (project / "dist").iterdir() if TOKEN.encode() in path.read_bytes()]
    assert not kept


def test_a_foreign_package_of_the_same_name_is_refused(private: tuple[Path, str, str]) -> None:
    """Without its registry in .npmrc, npm would ask the public one, whose package has another digest."""
    project, _, digest = private
    name, text = lock_of("pnpm", digest)
    (project / name).write_text(text, encoding="utf-8")
    code, told, names = build(project)
    assert code == 4
    assert "other files for packages than those that the lock names" in told
    assert not names


def test_a_missing_password_is_told_with_the_registry(private: tuple[Path, str, str]) -> None:
    project, address, digest = private
    name, text = lock_of("pnpm", digest)
    (project / name).write_text(text, encoding="utf-8")
    (project / ".npmrc").write_text(f"@shop:registry={address}\n", encoding="utf-8")
    code, told, _ = build(project)
    assert code == 4
    assert "@shop/core" in told
