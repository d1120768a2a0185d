"""Packages of git: fetched by a full commit, which is a hash; everything that moves is refused with its commit."""

import json
import os
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARM64
from builder.model.runtimes import runtime
from builder.packages import sources
from builder.packages.pypi.local.place import GitPlace
from builder.packages.pypi.resolve import Wanted, resolve

UV_BUILD = '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
STEP = '[[step]]\nuses = "pip"\nfile = "requirements.txt"'


def git(folder: Path, *words: str) -> str:
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Ann"), ("EMAIL", "ann@example.org"), ("DATE", "2025-01-01T00:00:00Z"))
    }
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **who}).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, index: Index) -> Path:
    """Make a repository with a package at its top and another one in a folder, a tag and a later commit."""
    make_wheel(index.folder, "low", "1.0")
    folder = tmp_path / "upstream"
    for place, name, needs in ((folder, "rules", '["low"]'), (folder / "parts" / "inner", "inner", "[]")):
        (place / "src" / name).mkdir(parents=True)
        (place / "src" / name / "__init__.py").write_text("LIMIT = 7\n")
        table = f'[project]\nname = "{name}"\nversion = "2.1.0"\ndependencies = {needs}\n'
        (place / "pyproject.toml").write_text(table + UV_BUILD)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Rules")
    git(folder, "tag", "-a", "v2.1.0", "-m", "Release")
    (folder / "src" / "rules" / "__init__.py").write_text("LIMIT = 8\n")
    git(folder, "commit", "-q", "-a", "-m", "More")
    return folder


@pytest.fixture
def tagged(repository: Path) -> str:
    return git(repository, "rev-parse", "v2.1.0^{commit}")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / ".git").mkdir(parents=True)
    return folder


def build(folder: Path, *arguments: str) -> Result:
    target = ("--runtime", "python3.13", "--arch", "arm64", "--no-test", "--name", "deps")
    return layerwright("build", *arguments, *target, cwd=folder)


def content(folder: Path) -> dict[str, bytes]:
    (path,) = (folder / "dist").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def row(folder: Path, name: str) -> dict[str, Any]:
    (path,) = (path for path in (folder / "dist").glob("*.json") if not path.name.endswith(".cdx.json"))
    found: list[dict[str, Any]] = json.loads(path.read_text())["packages"]
    return next(each for each in found if each["name"] == name)


@pytest.mark.parametrize(
    "form",
    [
        "rules @ git+{uri}@{commit}",
        "-e git+{uri}@{commit}#egg=rules",
        "inner @ git+{uri}@{commit}#subdirectory=parts/inner",
        "-e git+{uri}@{commit}#egg=inner&subdirectory=parts/inner",
    ],
)
def test_a_full_commit_is_in_the_layer_and_in_the_manifest(repository: Path, tagged: str, app: Path, form: str) -> None:
    name = "inner" if "inner" in form else "rules"
    (app / "requirements.txt").write_text(form.format(uri=repository.as_uri(), commit=tagged) + "\n")
    result = build(app, "-r", "requirements.txt")
    assert result.code == 0, result.err
    assert content(app)[f"python/{name}/__init__.py"] == b"LIMIT = 7\n"
    found = row(app, name)
    assert (found["commit"], found["git"], found["route"]) == (tagged, repository.as_uri(), "git")
    assert ("python/low/__init__.py" in content(app)) == (name == "rules")


@pytest.mark.parametrize("ref", ["v2.1.0", "main", "short", ""])
@pytest.mark.parametrize("command", ["build", "lock", "plan"])
def test_what_moves_is_refused_with_the_commit_that_it_is_today(
    repository: Path, tagged: str, app: Path, ref: str, command: str
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    given = head[:10] if ref == "short" else ref
    folder = write_recipe(app, "a", recipe(STEP, runtime="python3.13", arch="arm64")).parent
    address = f"git+{repository.as_uri()}"
    (folder / "requirements.txt").write_text(f"low\nrules[x] @ {address}{f'@{given}' if given else ''}\n")
    result = layerwright(command, "a", cwd=app)
    assert result.code == 2
    assert "requirements.txt:2: " in result.err
    today = tagged if ref.startswith("v") else head
    assert f"today it is {today}: write `rules[x] @ {address}@{today}`" in result.err
    assert not (folder / "requirements.lock").exists()


@pytest.mark.parametrize(
    "form", ["rules @ git+{uri}@v2.1.0", "rules @ git+{uri}@main", "-e git+{uri}@v2.1.0#egg=rules"]
)
@pytest.mark.parametrize("command", ["build", "plan"])
def test_what_moves_in_a_requirements_file_is_refused_with_the_commit_that_it_is_today(
    repository: Path, tagged: str, app: Path, form: str, command: str
) -> None:
    (app / "requirements.txt").write_text(form.format(uri=repository.as_uri()) + "\n")
    where = ("--runtime", "python3.13", "--arch", "arm64")
    result = layerwright(command, "-r", "requirements.txt", *where, cwd=app)
    assert result.code == 2
    assert "requirements.txt:1: " in result.err
    today = git(repository, "rev-parse", "HEAD") if "@main" in form else tagged
    assert f"today it is {today}: write `rules @ git+{repository.as_uri()}@{today}`" in result.err


def test_lint_refuses_what_moves_and_asks_nobody(app: Path) -> None:
    folder = write_recipe(app, "a", recipe(STEP, runtime="python3.13", arch="arm64")).parent
    (folder / "requirements.txt").write_text("rules @ git+https://127.0.0.1:1/rules.git@main\n")
    result = layerwright("lint", "a", cwd=app)
    assert result.code == 2
    assert "requirements.txt:1: rules @ git+https://127.0.0.1:1/rules.git@main" in result.err
    assert "write the 40 digits of a commit" in result.err


def test_a_commit_that_is_missing_is_told_with_its_line(repository: Path, app: Path) -> None:
    path = app / "requirements.txt"
    path.write_text(f"rules @ git+{repository.as_uri()}@{'0' * 40}\n")
    with pytest.raises(BuildError) as caught:
        resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)
    assert "requirements.txt:1: git could not fetch" in caught.value.what


def test_a_folder_that_the_commit_has_not_is_told(repository: Path, tagged: str, app: Path) -> None:
    path = app / "requirements.txt"
    path.write_text(f"rules @ git+{repository.as_uri()}@{tagged}#subdirectory=none\n")
    with pytest.raises(UsageError, match=r"requirements.txt:1: the repository has no folder none at that commit"):
        resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)


def test_hooks_and_settings_of_git_are_off(
    repository: Path, tagged: str, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "marker"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = touch {marker}\n"
        f'[url "ext::touch {marker}"]\n\tinsteadOf = {repository.as_uri()}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    (app / "requirements.txt").write_text(f"rules @ git+{repository.as_uri()}@{tagged}\n")
    result = build(app, "-r", "requirements.txt")
    assert result.code == 0, result.err
    assert not marker.exists()


def test_a_password_in_the_address_is_kept_nowhere(repository: Path, tagged: str, app: Path, tmp_path: Path) -> None:
    archive = sources.commit(repository.as_uri(), tagged, settings=False)
    with_word = f"https://robot:s3cret@127.0.0.1:1{repository.as_posix()}"
    assert archive.is_file()
    (app / "requirements.txt").write_text(f"rules @ git+{with_word}@{tagged}\n")
    result = build(app, "-r", "requirements.txt")
    assert result.code == 4
    assert "s3cret" not in result.out + result.err
    assert tmp_path.is_dir()


@pytest.mark.parametrize("locked", [True, False])
def test_projects_of_uv_name_commits(repository: Path, tagged: str, app: Path, *, locked: bool) -> None:
    (app / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["rules"]\n'
        f'[tool.uv.sources]\nrules = {{ git = "{repository.as_uri()}", rev = "{tagged}" }}\n'
    )
    if locked:
        command = [find_uv_bin(), "lock", "--directory", str(app), "--no-python-downloads"]
        subprocess.run(command, check=True, capture_output=True)
    result = build(app, "-r", "pyproject.toml")
    assert result.code == 0, result.err
    assert row(app, "rules")["commit"] == tagged
    assert content(app)["python/rules/__init__.py"] == b"LIMIT = 7\n"


def test_a_package_of_git_that_has_a_program_is_an_sdist(repository: Path, app: Path, index: Index) -> None:
    make_wheel(index.folder, "setuptools", "80.0")
    (repository / "pyproject.toml").unlink()
    (repository / "setup.py").write_text("from setuptools import setup\nsetup(name='rules', version='3.0')\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "A program")
    path = app / "requirements.txt"
    path.write_text(f"rules @ git+{repository.as_uri()}@{git(repository, 'rev-parse', 'HEAD')}\n")
    (found,) = resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)
    assert (found.version, found.wheels) == ("3.0", ())
    assert found.sdist is not None


def raw_commit(folder: Path, rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a commit of a tree with any rows: mode, name and object, which git itself would not write."""
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(found) for mode, name, found in rows)
    command = ["git", "-C", str(folder), "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    tree = subprocess.run(command, check=True, capture_output=True, input=data).stdout.decode().strip()
    return git(folder, "commit-tree", tree, "-m", "Odd")


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_no_link_of_a_repository_leads_what_is_unpacked_out_of_it(
    repository: Path, app: Path, tmp_path: Path, kind: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lib").write_text("mine")
    (repository / "target").symlink_to(outside if kind == "folder" else outside / "lib")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "A link")
    link, package, file = (
        git(repository, "rev-parse", f"HEAD:{name}") for name in ("target", "src/rules", "pyproject.toml")
    )
    other = ("40000", "lnk", package) if kind == "folder" else ("100644", "lnk", file)
    commit = raw_commit(repository, [("120000", "lnk", link), other])
    git(repository, "update-ref", "refs/heads/odd", commit)
    path = app / "requirements.txt"
    path.write_text(f"rules @ git+{repository.as_uri()}@{commit}\n")
    with pytest.raises(BuildError, match=r"txt:1: the files of the repository cannot be unpacked") as caught:
        resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)
    assert "leads through a symbolic link" in str(caught.value)
    assert {each.name: each.read_text() for each in outside.iterdir()} == {"lib": "mine"}


def test_a_password_in_the_address_that_a_project_names_is_not_told(repository: Path, app: Path) -> None:
    address = f"git+https://robot:s3cret@127.0.0.1:1{repository.as_posix()}@main"
    (app / "lib" / "src" / "lib").mkdir(parents=True)
    (app / "lib" / "src" / "lib" / "__init__.py").touch()
    table = f'[project]\nname = "lib"\nversion = "1"\ndependencies = ["rules @ {address}"]\n'
    (app / "lib" / "pyproject.toml").write_text(table + UV_BUILD)
    path = app / "requirements.txt"
    path.write_text("./lib\n")
    with pytest.raises(UsageError, match="can become other code") as caught:
        resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)
    assert "127.0.0.1" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_user_of_ssh_is_a_part_of_the_address() -> None:
    """A hint without it would ask for the user of the host. A password is never told."""
    commit = "0" * 40
    plain = GitPlace(url="ssh://git@code.test/rules.git", ref=commit)
    assert plain.shown == f"git+ssh://git@code.test/rules.git@{commit}"
    assert "word" not in GitPlace(url="ssh://git:word@code.test/rules.git", ref=commit).shown
    assert "token" not in GitPlace(url="https://token@code.test/rules.git", ref=commit).shown
