"""Projects as they are: the lock decides, or the build is refused. Locks are made by the real uv."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_wheel
from packaging.requirements import Requirement
from uv import find_uv_bin

from builder.base.errors import UsageError
from builder.model import recipes
from builder.model.steps import Pip
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest, requested
from builder.packages.pypi import project_lines, projects, requirements_file
from builder.packages.pypi.wanted import names

OLD, NEW = "1.0.0", "1.4.0"
PROJECT = """\
[project]
name = "orders"
version = "0.1.0"
requires-python = ">=3.9"
dependencies = ["tiny-codec>=1"]
[project.optional-dependencies]
fast = ["tiny-speed"]
[dependency-groups]
dev = ["tiny-lint"]
"""


@pytest.fixture
def index(index: Index) -> Index:
    for name, version in (("tiny_codec", OLD), ("tiny_codec", NEW), ("tiny_speed", "2.0"), ("tiny_lint", "3.0")):
        make_wheel(index.folder, name, version)
    return index


def request(folder: Path, **choice: Any) -> ProjectRequest:
    return requested(folder, ProjectChoice(**choice))


def uv(folder: Path, *arguments: str) -> None:
    command = [find_uv_bin(), *arguments, "--directory", str(folder), "--no-python-downloads"]
    subprocess.run(command, check=True, capture_output=True)


def project(folder: Path, text: str = PROJECT, version: str = OLD) -> Path:
    """Write a project whose lock holds the older version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(text.replace("tiny-codec>=1", f"tiny-codec=={version}"), encoding="utf-8")
    uv(folder, "lock")
    path.write_text(text, encoding="utf-8")
    lock = folder / "uv.lock"
    locked = lock.read_text(encoding="utf-8").replace(f'specifier = "=={version}"', 'specifier = ">=1"')
    lock.write_text(locked, encoding="utf-8")
    return path


def build(folder: Path, *arguments: str) -> Result:
    return layerwright("build", *arguments, "--runtime", "python3.13", "--arch", "arm64", "--no-test", cwd=folder)


def packages(folder: Path) -> set[str]:
    (path,) = (folder / "dist").glob("*.zip")
    names = zipfile.ZipFile(path).namelist()
    return {name.split("/")[1].removesuffix(".dist-info") for name in names if ".dist-info/METADATA" in name}


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("given", [["."], ["-r", "pyproject.toml"], ["-r", "uv.lock"]])
def test_a_lock_of_uv_decides(given: list[str], tmp_path: Path) -> None:
    project(tmp_path)
    result = build(tmp_path, *given)
    assert result.code == 0, result.err
    assert packages(tmp_path) == {f"tiny_codec-{OLD}"}
    (path,) = (tmp_path / "dist").glob("*.zip")
    assert path.name == "orders-1-python3.13-arm64.zip"


@pytest.mark.usefixtures("index")
def test_what_a_folder_holds_is_told_in_one_line(tmp_path: Path) -> None:
    project(tmp_path / "services" / "api")
    result = build(tmp_path, "services/api")
    assert "uv project `orders`, services/api/uv.lock, python3.13" in result.err


@pytest.mark.usefixtures("index")
def test_without_a_lock_the_project_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    result = build(tmp_path, ".")
    assert result.code == 0, result.err
    assert "pyproject.toml, not locked" in result.err
    assert packages(tmp_path) == {f"tiny_codec-{NEW}"}


@pytest.mark.usefixtures("index")
def test_a_member_of_a_workspace_has_the_lock_of_the_workspace(tmp_path: Path) -> None:
    root = '[project]\nname = "all"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["tiny-lint"]\n'
    (tmp_path / "services" / "api").mkdir(parents=True)
    (tmp_path / "services" / "api" / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(f'{root}[tool.uv.workspace]\nmembers = ["services/*"]\n', encoding="utf-8")
    uv(tmp_path, "lock")
    assert build(tmp_path, "services/api").code == 0
    assert packages(tmp_path) == {f"tiny_codec-{NEW}"}
    found = projects.find(request(tmp_path / "services" / "api"))
    assert found is not None
    assert found.lock == tmp_path / "uv.lock"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    stranger = projects.find(request(tmp_path / "other"))
    assert stranger is not None
    assert stranger.lock is None


@pytest.mark.usefixtures("index")
def test_a_lock_that_does_not_fit_its_project_is_told(tmp_path: Path) -> None:
    path = project(tmp_path)
    path.write_text(PROJECT.replace("tiny-codec>=1", "tiny-codec>=1.2"), encoding="utf-8")
    result = build(tmp_path, ".")
    assert result.code == 2
    assert "uv.lock is older than pyproject.toml" in result.err
    assert "`uv lock`" in result.err
    assert not (tmp_path / "dist").exists() or not list((tmp_path / "dist").glob("*.zip"))


@pytest.mark.usefixtures("index")
def test_a_file_with_another_hash_than_the_lock_is_refused(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))  # another test may have resolved the same lock
    project(tmp_path)
    make_wheel(index.folder, "tiny_codec", OLD, files={"tiny_codec/__init__.py": b"evil = 1\n"})
    result = build(tmp_path, ".")
    assert result.code == 4
    assert "hash mismatch" in result.err
    assert "wheels fit" not in result.err


@pytest.mark.usefixtures("index")
def test_pylock_is_followed_with_its_hashes(tmp_path: Path) -> None:
    project(tmp_path)
    uv(tmp_path, "export", "--frozen", "--no-dev", "--no-emit-project", "--format", "pylock.toml", "-o", "pylock.toml")
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).unlink()
    result = build(tmp_path, ".", "--name", "deps")
    assert result.code == 0, result.err
    assert packages(tmp_path) == {f"tiny_codec-{OLD}"}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\ndependencies = []\n", "has no dependencies"),
        ("pyproject.toml", "[project]\nname = 'x'\ndynamic = ['dependencies']\n", "its backend works out"),
        ("pyproject.toml", "[tool.poetry]\nname = 'x'\n", "has no dependencies"),
        ("pyproject.toml", "[tool.pdm]\n", "lists no dependencies in [project]"),
        ("pyproject.toml", "[project\n", "is not valid TOML"),
        ("pyproject.toml", "[project]\ndependencies = ['a b c']\n", "is not a valid requirement"),
        ("uv.lock", "<<<<<<< HEAD\n", "has conflict markers of git"),
        ("pylock.toml", "lock-version = '2.0'\n", "has the format `2.0`"),
        (
            "pylock.toml",
            "lock-version = '1.0'\n[[packages]]\nname = 'x'\n",
            "has neither a version with files nor a place",
        ),
        ("pylock.toml", "lock-version = '1.0'\n[[packages]]\nversion = '1'\n", "packages.0.name: Field required"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_its_name(name: str, text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        list(project_lines.lines(request(tmp_path, file=name)))
    assert told in " ".join((caught.value.what, *caught.value.why))
    assert name in caught.value.what


def test_a_requirement_that_is_no_address_is_refused_as_in_a_requirements_file(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\ndependencies = ["numpy @ http://[x/numpy-1.tar.gz"]\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    result = build(tmp_path, ".")
    assert result.code == 2
    assert "pyproject.toml: numpy @ http://[x/numpy-1.tar.gz (not a valid requirement)" in result.err


def test_a_step_names_the_packages_of_its_project(tmp_path: Path) -> None:
    path = write_recipe(
        tmp_path, "a", recipe('[[step]]\nuses = "pip"\nfile = "pyproject.toml"\n', runtime="python3.13")
    )
    (path.parent / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    loaded = recipes.load(tmp_path / "recipes", "a")
    (step,) = loaded.recipe.step
    assert isinstance(step, Pip)
    assert list(names(loaded, step)) == ["tiny-codec"]


def test_a_project_is_read_again_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    for version in ("1", "2"):
        path.write_text(PROJECT.replace("tiny-codec>=1", f"tiny-codec>={version}.5"), encoding="utf-8")
        os.utime(path, (int(version), int(version)))
        assert project_lines.lines(request(tmp_path)) == (f"tiny-codec>={version}.5",)


def test_a_folder_without_a_project_of_python_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Gemfile.lock").write_text("GEM\n", encoding="utf-8")
    result = build(tmp_path, "web")
    assert result.code == 2
    assert "web has Gemfile.lock, which makes no layer by itself" in result.err
    assert 'uses = "gem"' in result.err


def test_a_project_of_another_language_is_not_for_a_runtime_of_python(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "package.json").write_text("{}", encoding="utf-8")
    result = build(tmp_path, "web")
    assert result.code == 2
    assert "Node.js project `web`, web/package.json" in result.err
    assert "python3.13 reads no packages of Node.js project" in result.err
    (tmp_path / "web" / "package.json").rename(tmp_path / "web" / "Gemfile")
    other = build(tmp_path, "web")
    assert other.code == 2
    assert "Gemfile" in other.err


def test_recipes_are_found_by_folder_by_file_and_from_below(tmp_path: Path) -> None:
    write_recipe(
        tmp_path, "a", recipe('[[step]]\nuses = "pip"\nrequirements = ["six==1.17.0"]\n', runtime="python3.13")
    )
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    inside = tmp_path / "recipes" / "a"
    places = (("recipes/a/", tmp_path), ("recipes/a/recipe.toml", tmp_path), ("a", below), (".", inside))
    for given, where in (*places, ("recipe.toml", inside), ("../a", inside)):
        planned = layerwright("plan", given, cwd=where)
        assert planned.code == 0, planned.err


@pytest.mark.usefixtures("index")
def test_a_path_is_a_projects_even_if_a_recipe_has_its_name(tmp_path: Path) -> None:
    project(tmp_path / "a")
    write_recipe(tmp_path, "a", recipe('[[step]]\nuses = "pip"\nrequirements = ["tiny-codec"]\n', runtime="python3.13"))
    for given in ("./a", "a/"):
        planned = layerwright("plan", given, "--runtime", "python3.13", cwd=tmp_path)
        assert planned.code == 0, planned.err
        assert "uv project `orders`" in planned.err
    assert "project" not in layerwright("plan", "a", cwd=tmp_path).err
    twice = layerwright("plan", "-r", "a/uv.lock", "-r", "a/pyproject.toml", cwd=tmp_path)
    assert (twice.code, "-r is given more than once" in twice.err) == (2, True)


# ---- what is taken of a project -----------------------------------------------------------------------------------


GROUPS = PROJECT.replace('dev = ["tiny-lint"]', 'dev = [{include-group = "Lint"}]\nLint = ["tiny-lint"]')


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("lock", ["uv.lock", "PEP 735"])
@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        ([], set()),
        (["--only-deps"], set()),
        (["--extra", "fast"], {"tiny_speed-2.0"}),
        (["--group", "dev"], {"tiny_lint-3.0"}),
        (["--group", "lint", "--extra", "FAST"], {"tiny_lint-3.0", "tiny_speed-2.0"}),
        (["--group", "dev", "--no-group", "dev"], set()),
    ],
)
def test_groups_and_extras_are_added_to_the_own_dependencies(
    lock: str, arguments: list[str], more: set[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(GROUPS, encoding="utf-8")
    if lock == "uv.lock":
        uv(tmp_path, "lock")
    result = build(tmp_path, ".", *arguments)
    assert result.code == 0, result.err
    assert packages(tmp_path) == {f"tiny_codec-{NEW}", *more}


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("kind", ["uv.lock", "PEP 735", "Poetry"])
def test_a_group_that_a_chosen_one_includes_cannot_be_left_out(kind: str, tmp_path: Path) -> None:
    poetry = """
[tool.poetry.group.lint.dependencies]
tiny-lint = "*"
[tool.poetry.group.dev]
include-groups = ["lint"]
"""
    text = PROJECT.replace('[dependency-groups]\ndev = ["tiny-lint"]\n', poetry) if kind == "Poetry" else GROUPS
    assert text != PROJECT
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    if kind == "uv.lock":
        uv(tmp_path, "lock")
    result = build(tmp_path, ".", "--group", "dev", "--no-group", "LINT")
    assert result.code == 2
    assert "the group `dev` includes `" in result.err
    assert build(tmp_path, ".", "--group", "dev").code == 0
    assert build(tmp_path, ".", "--no-group", "lint").code == 0


def test_markers_of_a_pylock_about_groups_and_extras_are_decided(tmp_path: Path) -> None:
    hashed = 'version = "1"\nwheels = [{name = "x-1-py3-none-any.whl", url = "https://x/x.whl", hashes = {sha256 = "'
    rows = {
        "a": "'default' in dependency_groups",
        "b": "'dev' in dependency_groups and sys_platform == 'linux'",
        "c": "'fast' in extras or 'dev' in dependency_groups",
        "d": "'fast' not in extras",
    }
    packages = "".join(
        f'[[packages]]\nname = "{name}"\nmarker = "{marker}"\n{hashed}{"0" * 64}"}}}}]\n'
        for name, marker in rows.items()
    )
    head = 'lock-version = "1.0"\nextras = ["fast"]\ndependency-groups = ["default", "dev"]\n'
    text = f'{head}default-groups = ["default"]\ncreated-by = "test"\n{packages}'
    (tmp_path / "pylock.toml").write_text(text, encoding="utf-8")

    def applying(**choice: Any) -> set[str]:
        parsed = (Requirement(line.partition(" --")[0]) for line in project_lines.lines(request(tmp_path, **choice)))
        return {each.name for each in parsed if each.marker is None or each.marker.evaluate()}

    assert applying() == {"a", "d"}
    assert applying(extras=("fast",)) == {"a", "c"}
    assert applying(groups=("dev",)) == {"a", "b", "c", "d"}
    assert applying(no_groups=("default",)) == {"d"}
    with pytest.raises(UsageError, match="no group `dve`; did you mean `dev`"):
        applying(groups=("dve",))


@pytest.mark.usefixtures("index")
def test_a_requirements_file_has_no_project_to_add(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("tiny-codec\n", encoding="utf-8")
    result = build(tmp_path, ".", "--with-project")
    assert result.code == 2
    assert "requirements.txt is a requirements file, which has no project to add" in result.err
    assert "`-e .`" in result.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("kind", ["uv.lock", "PEP 735", "requirements.txt"])
def test_an_unknown_group_or_extra_is_told_with_the_known_ones(kind: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(GROUPS, encoding="utf-8")
    if kind == "uv.lock":
        uv(tmp_path, "lock")
    if kind == "requirements.txt":
        (tmp_path / "pyproject.toml").rename(tmp_path / "requirements.txt")
        (tmp_path / "requirements.txt").write_text("tiny-codec\n", encoding="utf-8")
    result = build(tmp_path, ".", "--group", "lnt", "--extra", "quick")
    assert result.code == 2
    assert "has no group `lnt`" in result.err
    assert "no extra `quick`" in result.err
    if kind != "requirements.txt":
        assert "did you mean `Lint`?" in result.err
        assert "groups: Lint, dev" in result.err
        assert "extras: fast" in result.err


@pytest.mark.usefixtures("index")
def test_the_runtime_is_one_that_the_project_accepts(tmp_path: Path) -> None:
    text = PROJECT.replace(">=3.9", ">=3.12,<3.13")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    refused = build(tmp_path, ".")
    assert refused.code == 2
    assert "requires Python >=3.12,<3.13, which python3.13 is not" in refused.err
    assert "--runtime python3.12" in refused.err
    result = layerwright("build", ".", "--arch", "arm64", "--no-test", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "Python project `orders`, pyproject.toml, not locked, python3.12" in result.err


@pytest.mark.usefixtures("index")
def test_the_file_that_decides_can_be_named(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "requirements.txt").write_text("tiny-lint\n", encoding="utf-8")
    assert build(tmp_path, ".", "--from", "requirements.txt").code == 0
    assert packages(tmp_path) == {"tiny_lint-3.0"}
    missing = build(tmp_path, ".", "--from", "poetry.lock")
    assert missing.code == 2
    assert "there is no file poetry.lock" in missing.err
    beside = build(tmp_path, ".", "--from", "pyproject.toml")
    assert beside.code == 2
    assert "pyproject.toml does not decide: the project has uv.lock" in beside.err
    assert build(tmp_path, ".", "--from", "uv.lock").code == 0
    made = layerwright("new", "api", "--from", "pyproject.toml", cwd=tmp_path)
    assert made.code == 0, made.err
    assert "pyproject.toml" not in (tmp_path / "recipes" / "api" / "recipe.toml").read_text(encoding="utf-8")
    (tmp_path / "uv.lock").unlink()
    assert build(tmp_path, ".", "--from", "pyproject.toml").code == 0


@pytest.mark.parametrize(("named", "told"), [("pyproject.toml", True), ("uv.lock", False), (None, False)])
@pytest.mark.usefixtures("index")
def test_a_recipe_that_names_another_file_than_the_lock_is_told_that_the_lock_decides(
    named: str | None, tmp_path: Path, *, told: bool
) -> None:
    (tmp_path / ".git").mkdir()
    project(tmp_path / "api")
    line = f'from = "{named}"\n' if named else ""
    step = f'[[step]]\nuses = "pip"\nproject = "../../api"\n{line}'
    write_recipe(tmp_path, "a", recipe(step, "", "arm64", "python3.13"))
    result = layerwright("plan", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    shown = "api/pyproject.toml does not decide: the project has api/uv.lock; leave out `from`"
    assert (shown in result.out + result.err) is told
    assert "locked" in result.out


def test_settings_of_tools_alone_are_no_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("tiny-codec\n", encoding="utf-8")
    found = projects.find(request(tmp_path))
    assert found is not None
    assert found.file.name == "requirements.txt"


def test_options_about_a_project_need_one(tmp_path: Path) -> None:
    result = build(tmp_path, "--pip", "tiny-codec", "--group", "dev")
    assert result.code == 2
    assert "--group" in result.err


@pytest.mark.usefixtures("index")
def test_a_locked_project_is_planned_again_without_an_index(tmp_path: Path, index: Index) -> None:
    project(tmp_path)
    assert build(tmp_path, ".").code == 0
    index.stop()
    where = ("--runtime", "python3.13", "--arch", "arm64")
    again = layerwright("plan", ".", *where, cwd=tmp_path)
    assert again.code == 0, again.err
    assert OLD in again.out
    other = layerwright("plan", ".", "--extra", "fast", *where, cwd=tmp_path)
    assert other.code != 0, "what was not resolved before needs the index"


# ---- recipes that follow a project --------------------------------------------------------------------------------


FOLLOWING = '[[step]]\nuses = "pip"\nproject = "../../services/orders"\n'


def follow(folder: Path, step: str = FOLLOWING) -> Path:
    """Write a recipe that follows a project of the same repository."""
    (folder / ".git").mkdir()
    project(folder / "services" / "orders")
    return write_recipe(folder, "orders", recipe(step, runtime="python3.13").replace('"a"', '"orders"', 1))


@pytest.mark.usefixtures("index")
def test_a_recipe_follows_the_lock_of_its_project(tmp_path: Path) -> None:
    follow(tmp_path, f'{FOLLOWING}extras = ["fast"]\n')
    assert layerwright("lint", "orders", cwd=tmp_path).code == 0
    result = layerwright("build", "orders", "--no-test", cwd=tmp_path)
    assert result.code == 0, result.err
    assert packages(tmp_path) == {f"tiny_codec-{OLD}", "tiny_speed-2.0"}
    again = layerwright("build", "orders", "--no-test", cwd=tmp_path)
    assert "unchanged" in again.err


@pytest.mark.usefixtures("index")
def test_a_lock_beside_a_recipe_that_follows_a_locked_project_is_refused(tmp_path: Path) -> None:
    path = follow(tmp_path)
    path.with_name("requirements.lock").write_text(f"tiny-codec=={NEW}\n", encoding="utf-8")
    result = layerwright("lint", "orders", cwd=tmp_path)
    assert result.code == 2
    assert "rm recipes/orders/requirements.lock" in result.err


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('uses = "pip"\nproject = "../../.."', "leads out of"),
        ('uses = "pip"\nproject = "../../elsewhere"', "there is no folder `../../elsewhere`"),
        ('uses = "pip"\nproject = "../../link"', "leads out of"),
        ('uses = "pip"\nproject = "/etc"', "is not relative to the recipe's folder"),
        ('uses = "pip"\nrequirements = ["a"]\ngroups = ["dev"]', "`groups` needs `project`"),
    ],
)
def test_a_recipe_follows_no_project_outside_of_its_repository(step: str, told: str, tmp_path: Path) -> None:
    inside = tmp_path / "repository"
    (inside / ".git").mkdir(parents=True)
    (inside / "link").symlink_to(tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    write_recipe(inside, "orders", recipe(f"[[step]]\n{step}\n", runtime="python3.13").replace('"a"', '"orders"', 1))
    result = layerwright("lint", "orders", cwd=inside)
    assert result.code == 2
    assert told in result.err


def test_a_link_of_a_project_leads_nowhere_outside_of_its_repository(tmp_path: Path) -> None:
    inside = tmp_path / "repository"
    (inside / ".git").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (inside / "pyproject.toml").symlink_to(tmp_path / "pyproject.toml")
    result = build(inside, ".")
    assert result.code == 2
    assert "leads out of" in result.err


# ---- more kinds of projects ---------------------------------------------------------------------------------------


def test_an_extra_that_names_the_project_itself_means_its_other_extras(tmp_path: Path) -> None:
    text = """
[project]
name = "orders"
dependencies = ["tiny-codec"]
[project.optional-dependencies]
all = ["orders[fast,s3] ; python_version >= '3.12'"]
fast = ["tiny-speed"]
s3 = ["tiny-s3 ; sys_platform == 'linux'", "Orders[all]"]
[dependency-groups]
dev = ["orders[fast]", "tiny-lint"]
"""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert project_lines.lines(request(tmp_path, extras=("all",), groups=("dev",))) == (
        "tiny-codec",
        'tiny-speed; python_version >= "3.12"',
        'tiny-s3; sys_platform == "linux" and python_version >= "3.12"',
        "tiny-speed",
        "tiny-lint",
    )


def test_groups_that_include_each_other_are_refused(tmp_path: Path) -> None:
    groups = '[dependency-groups]\na = [{include-group = "b"}]\nb = [{include-group = "a"}]\n'
    text = f'[project]\nname = "x"\ndependencies = ["a"]\n{groups}'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        project_lines.lines(request(tmp_path, groups=("a",)))
    assert "the group `a` cannot be read" in caught.value.what


@pytest.mark.usefixtures("index")
def test_a_member_of_a_workspace_that_is_missing_is_told(tmp_path: Path) -> None:
    sources = '[tool.uv.sources]\nshared = { workspace = true }\n[tool.uv.workspace]\nmembers = ["libs/*"]\n'
    text = PROJECT.replace('"tiny-codec>=1"', '"tiny-codec>=1", "shared"')
    (tmp_path / "pyproject.toml").write_text(f"{text}{sources}", encoding="utf-8")
    member = tmp_path / "libs" / "shared"
    member.mkdir(parents=True)
    head = '[project]\nname = "shared"\nversion = "1"\nrequires-python = ">=3.9"\n'
    system = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    (member / "pyproject.toml").write_text(f"{head}{system}", encoding="utf-8")
    (member / "shared.py").write_text("", encoding="utf-8")
    uv(tmp_path, "lock")
    lines = project_lines.lines(request(tmp_path))
    assert f"-e {member.resolve().as_uri()}" in lines
    built = build(tmp_path, ".")
    assert built.code == 0, built.err
    assert packages(tmp_path) == {f"tiny_codec-{NEW}", "shared-1"}
    shutil.rmtree(member)
    result = build(tmp_path, ".")
    assert result.code == 2
    assert "libs/shared" in result.err or "shared" in result.err
    assert "uv.lock" in result.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("locked", ["locked", "not locked"])
def test_with_project_adds_the_project_itself(locked: str, tmp_path: Path) -> None:
    text = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    (tmp_path / "pyproject.toml").write_text(f"{PROJECT}{text}", encoding="utf-8")
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "__init__.py").write_text("", encoding="utf-8")
    if locked == "locked":
        uv(tmp_path, "lock")
    assert build(tmp_path, ".").code == 0
    assert packages(tmp_path) == {f"tiny_codec-{NEW}"}
    result = build(tmp_path, ".", "--with-project")
    assert result.code == 0, result.err
    assert packages(tmp_path) == {f"tiny_codec-{NEW}", "orders-0.1.0"}


def test_places_of_a_pylock_are_addresses(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    commit, digest = "1" * 40, "2" * 64
    text = f"""
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "shared"
directory = {{ path = "shared", editable = true }}
[[packages]]
name = "tool"
marker = "sys_platform == 'linux'"
vcs = {{ type = "git", url = "https://host.example/tool.git", commit-id = "{commit}" }}
[[packages]]
name = "file"
archive = {{ url = "https://host.example/file-1-py3-none-any.whl", hashes = {{ sha256 = "{digest}" }} }}
"""
    (tmp_path / "pylock.toml").write_text(text, encoding="utf-8")
    assert project_lines.lines(request(tmp_path)) == (
        f"shared @ {(tmp_path / 'shared').resolve().as_uri()}",
        f'tool @ git+https://host.example/tool.git@{commit} ; sys_platform == "linux"',
        f"file @ https://host.example/file-1-py3-none-any.whl --hash=sha256:{digest}",
    )


@pytest.mark.usefixtures("index")
def test_a_workspace_accepts_what_all_of_its_members_do(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["api", "web"]\n', encoding="utf-8")
    for name, accepted in (("api", ">=3.9"), ("web", ">=3.9,<3.13")):
        (tmp_path / name).mkdir()
        text = PROJECT.replace('"orders"', f'"{name}"').replace(">=3.9", accepted)
        (tmp_path / name / "pyproject.toml").write_text(text, encoding="utf-8")
    uv(tmp_path, "lock")
    for folder in (tmp_path, tmp_path / "api"):
        found = projects.find(request(folder))
        assert found is not None
        assert found.runtime == "python3.12"
    refused = build(tmp_path, "api")
    assert refused.code == 2
    assert "requires Python >=3.9 and >=3.9, <3.13, which python3.13 is not" in refused.err


def test_a_pipfile_beside_settings_of_tools_is_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "cron"\n[tool.ruff]\n', encoding="utf-8")
    (tmp_path / "Pipfile").write_text('[packages]\nsix = "*"\n', encoding="utf-8")
    result = build(tmp_path, ".")
    assert result.code == 2
    assert "Pipfile has no lock: there is no Pipfile.lock" in result.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("version", [OLD, NEW])
def test_folders_in_locks_have_no_version_to_disagree_on(version: str, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "1"\n', encoding="utf-8")
    text = PROJECT.replace('"tiny-codec>=1"', f'"tiny-codec=={OLD}", "lib"')
    (tmp_path / "pyproject.toml").write_text(f'{text}[tool.uv.sources]\nlib = {{ path = "lib" }}\n', encoding="utf-8")
    uv(tmp_path, "lock")
    uv(tmp_path, "export", "--frozen", "--no-dev", "--no-emit-project", "--format", "pylock.toml", "-o", "pylock.toml")
    pylock = (tmp_path / "pylock.toml").read_text(encoding="utf-8")
    (tmp_path / "pylock.toml").write_text(
        pylock.replace(f'version = "{OLD}"', f'version = "{version}"'), encoding="utf-8"
    )
    if version == OLD:
        assert any(line.endswith("/lib") for line in project_lines.lines(request(tmp_path)))
        return
    with pytest.raises(UsageError, match="disagree: uv.lock and pylock.toml") as caught:
        project_lines.lines(request(tmp_path))
    assert any(OLD in line for line in caught.value.why)


PLACED = PROJECT.replace("tiny-codec>=1", "lib")


@pytest.mark.parametrize(
    "table",
    [
        '[tool.uv.sources]\nlib = { workspace = true }\n[tool.uv.workspace]\nmembers = [""]\n',
        '[tool.uv.sources]\nlib = { workspace = true }\n[tool.uv.workspace]\nmembers = ["/etc/*"]\n',
        '[tool.uv.sources]\nlib = { workspace = true }\n[tool.uv.workspace]\nmembers = ["*"]\nexclude = [""]\n',
        '[tool.uv.sources]\nlib = { path = "a\\u0000b" }\n',
        '[tool.poetry.dependencies]\nlib = { path = "a\\u0000b" }\n',
        '[tool.uv.sources]\nlib = { path = "lib", marker = "of Linux" }\n',
        '[[tool.uv.index]]\nname = "company"\nurl = "a\\u0000b"\n',
        '[[tool.pdm.source]]\nname = "company"\nurl = "https://[x"\nverify_ssl = false\n',
    ],
)
def test_what_is_no_address_no_path_and_no_pattern_is_told_with_its_file(table: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PLACED + table, encoding="utf-8")
    with pytest.raises(UsageError, match="pyproject.toml has an address, a path or a pattern that is not valid"):
        requirements_file.read((), (), [request(tmp_path)])


def test_a_place_for_other_systems_is_not_that_of_lambda(tmp_path: Path) -> None:
    rows = "".join(f"{{ path = '{name}', marker = \"sys_platform == '{name}'\" }}, " for name in ("linux", "darwin"))
    (tmp_path / "pyproject.toml").write_text(f"{PLACED}[tool.uv.sources]\nlib = [{rows}]\n", encoding="utf-8")
    assert project_lines.lines(request(tmp_path)) == (f"lib @ {(tmp_path / 'linux').as_uri()}",)


@pytest.mark.usefixtures("index")
def test_a_lock_of_a_future_uv_is_told(tmp_path: Path) -> None:
    project(tmp_path)
    lock = tmp_path / "uv.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace("version = 1\n", "version = 99\n", 1), encoding="utf-8")
    result = build(tmp_path, ".")
    assert result.code == 2
    assert "uv.lock cannot be read" in result.err
    assert "99" in result.err
    assert "uv export --frozen" in result.err


@pytest.mark.parametrize("name", ["pylock.toml", "uv.lock"])
def test_a_lock_without_packages_makes_no_layer(name: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.9"\n', "utf-8"
    )
    if name == "uv.lock":
        uv(tmp_path, "lock")
    else:
        (tmp_path / name).write_text('lock-version = "1.0"\ncreated-by = "test"\npackages = []\n', encoding="utf-8")
    with pytest.raises(UsageError, match=f"{name} has no dependencies, so there is nothing to put into a layer"):
        project_lines.lines(request(tmp_path))


def test_a_pylock_that_lacks_what_its_project_asks_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    row = 'name = "tiny-codec"\nversion = "0.9"\nwheels = [{name = "x-1-py3-none-any.whl", url = "https://x/x.whl"'
    text = f'lock-version = "1.0"\n[[packages]]\n{row}, hashes = {{sha256 = "{"0" * 64}"}}}}]\n'
    (tmp_path / "pylock.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        project_lines.lines(request(tmp_path))
    assert "pylock.toml is older than" in caught.value.what
    assert caught.value.why == ("it has no package for `tiny-codec>=1`",)


MEMBER = '[project]\nname = "{}"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = [{}]\n'


@pytest.mark.parametrize("through", [False, True])
def test_a_member_that_is_not_taken_from_the_workspace_is_told(through: bool, tmp_path: Path, index: Index) -> None:  # noqa: FBT001
    """uv refuses to lock it: an index may have another package of that name, which is not what is meant."""
    make_wheel(index.folder, "orders_lib", "9.0")
    backend = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    (tmp_path / ".git").mkdir()
    texts = {
        ".": '[tool.uv.workspace]\nmembers = ["packages/*"]\n',
        "packages/lib": MEMBER.format("orders-lib", "") + backend,
        "packages/mid": MEMBER.format("mid", '"Orders_Lib>=1"') + backend,
        "packages/api": MEMBER.format("api", '"mid"' if through else '"orders_lib"')
        + ("[tool.uv.sources]\nmid = { workspace = true }\n" if through else ""),
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "pyproject.toml").write_text(text, encoding="utf-8")
    for name in ("lib/orders_lib", "mid/mid"):
        (tmp_path / "packages" / name).mkdir()
        (tmp_path / "packages" / name / "__init__.py").touch()
    result = build(tmp_path, "packages/api")
    assert result.code == 2, result.err
    who, named = ("mid", "Orders_Lib") if through else ("api", "orders_lib")
    assert f"packages/{who}/pyproject.toml: `{named}` is a member of the workspace" in result.err
    assert f"write `{named} = {{ workspace = true }}` into [tool.uv.sources]" in result.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("editable", [True, False])
def test_a_local_package_of_a_lock_may_have_spaces_in_its_path(editable: bool, tmp_path: Path) -> None:  # noqa: FBT001
    root = tmp_path / "our work [1]"
    lib, api = root / "shared code" / "lib", root / "the api"
    for folder in (lib / "orders_lib", api):
        folder.mkdir(parents=True)
    (root / ".git").mkdir()
    backend = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    (lib / "pyproject.toml").write_text(MEMBER.format("orders-lib", "") + backend, encoding="utf-8")
    (lib / "orders_lib" / "__init__.py").touch()
    needs = "\"orders-lib ; sys_platform == 'linux'\""
    source = f"orders-lib = {{ path = '../shared code/lib', editable = {str(editable).lower()} }}\n"
    text = MEMBER.format("api", needs) + f"[tool.uv.sources]\n{source}"
    (api / "pyproject.toml").write_text(text, encoding="utf-8")
    uv(api, "lock")
    result = build(api, ".")
    assert result.code == 0, result.err
    assert packages(api) == {"orders_lib-1"}


@pytest.mark.usefixtures("index")
def test_a_project_may_begin_with_the_mark_of_an_editor(tmp_path: Path) -> None:
    """uv reads it, and locks it."""
    path = project(tmp_path)
    path.write_text(f"\ufeff{path.read_text(encoding='utf-8')}", encoding="utf-8")
    uv(tmp_path, "lock", "--check")
    result = build(tmp_path, ".")
    assert result.code == 0, result.err


def test_a_lock_that_this_uv_cannot_read_is_told_with_a_command(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "pyproject.toml").write_text(MEMBER.format("api", ""), encoding="utf-8")
    (tmp_path / "api" / "uv.lock").write_text('version = 99\nrequires-python = ">=3.9"\n', encoding="utf-8")
    result = build(tmp_path, "api")
    assert result.code == 2
    assert "`uv export --frozen --no-emit-project --project api -o requirements.txt`" in result.err


@pytest.mark.usefixtures("index")
def test_extras_that_uv_locked_as_conflicting_are_told(tmp_path: Path) -> None:
    extras = '[project.optional-dependencies]\na = ["tiny-codec==1.0.0"]\nb = ["tiny-codec==1.4.0"]\n'
    text = MEMBER.format("api", "") + extras
    conflicts = '[tool.uv]\nconflicts = [[{ extra = "a" }, { extra = "b" }]]\n'
    (tmp_path / "pyproject.toml").write_text(text + conflicts, encoding="utf-8")
    uv(tmp_path, "lock")
    result = build(tmp_path, ".", "--extra", "a", "--extra", "b")
    assert result.code == 2
    assert "uv.lock does not have what is asked for" in result.err
    assert "incompatible with the declared conflicts" in result.err
    assert "uv export" not in result.err
    assert build(tmp_path, ".", "--extra", "b").code == 0
    assert packages(tmp_path) == {f"tiny_codec-{NEW}"}
