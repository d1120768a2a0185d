"""Locks of Poetry, PDM and Pipenv. Those in tests/corpus/locks were written by the tools, with what these export.

All are of one project: its own dependencies with an extra of another package, markers, two versions of one package, a
cycle and a folder; the extra `s3`, the groups `dev` and `prod`.
"""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kit.commands import layerwright
from kit.wheels import Index, make_wheel, serve
from packaging.requirements import Requirement
from uv import find_uv_bin

from builder.base.errors import UsageError
from builder.model.architectures import ARCHITECTURES
from builder.model.runtimes import runtimes
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import ProjectRequest, requested
from builder.packages.pypi import poetry_versions, project_lines, projects
from builder.packages.pypi.markers import environment_of

MADE = Path(__file__).parents[2] / "corpus" / "locks"
TOLD = {
    "poetry-2": "poetry-2",
    "poetry-1.8": "poetry-2",
    "poetry-1.1": "poetry-2",
    "pdm-2": "pdm-2",
    "pdm-2-flat": "pdm-2",
}
"""The folder whose export tells what a lock needs: some versions export less, or fail."""
EVERYTHING = {"groups": ("dev", "prod"), "extras": ("s3",)}
LOCKS = {"poetry-2": "poetry.lock", "poetry-1.8": "poetry.lock", "pdm-2": "pdm.lock", "pipenv": "Pipfile.lock"}


def request(folder: Path, **choice: Any) -> ProjectRequest:
    return requested(folder, ProjectChoice(**choice))


def copied(name: str, to: Path) -> Path:
    """Copy a project with its lock, and the folder that it needs."""
    shutil.copytree(MADE / "shared", to / "shared", dirs_exist_ok=True)
    return Path(shutil.copytree(MADE / name, to / name))


def needed(lines: tuple[str, ...], runtime: str, machine: str) -> dict[str, str]:
    """Return the versions that apply to a target."""
    arch = next(each for each in ARCHITECTURES.values() if each.machine == machine)
    environment = environment_of(runtimes()[runtime], arch)
    parsed = [Requirement(line.partition(" --hash")[0]) for line in lines]
    found = [each for each in parsed if each.marker is None or each.marker.evaluate(environment)]
    assert len({each.name for each in found}) == len(found), "a package is there once"
    return {each.name: str(each.specifier) or "folder" for each in found}


def exported(name: str, what: str) -> tuple[str, ...]:
    return tuple((MADE / name / f"{what}.txt").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("runtime", ["python3.10", "python3.11", "python3.12", "python3.14"])
@pytest.mark.parametrize("name", TOLD)
def test_what_is_needed_of_a_lock_is_what_its_tool_exports(name: str, runtime: str, machine: str) -> None:
    for what, choice in (("own", {}), ("all", EVERYTHING)):
        given = dict(choice)
        if name == "poetry-1.1" and given:  # which knows one group
            given["groups"] = ("dev",)
        found = needed(project_lines.lines(request(MADE / name, **given)), runtime, machine)
        folder = found.pop("shared", "folder")
        assert folder == "folder"
        expected = needed(exported(TOLD[name], what), runtime, machine)
        without = {"tiny-prod", "tiny-attrs"} if name == "poetry-1.1" else set()
        assert found == {each: version for each, version in expected.items() if each not in without}


def test_what_is_needed_of_a_lock_of_pipenv_is_what_it_exports() -> None:
    for what, choice in (("own", {}), ("all", {"groups": ("dev", "prod")})):
        lines = exported("pipenv", what)
        expected = {each for each in needed(lines, "python3.11", "x86_64") if each != "tiny-win"}
        assert set(needed(project_lines.lines(request(MADE / "pipenv", **choice)), "python3.11", "x86_64")) == expected


@pytest.mark.parametrize("name", [*TOLD, "pipenv"])
def test_every_package_of_an_index_has_the_hashes_of_its_lock(name: str) -> None:
    folder = MADE / name
    text = next(path for path in folder.iterdir() if path.name.endswith(".lock")).read_text(encoding="utf-8")
    digests = set(re.findall(r"sha256:([0-9a-f]{64})", text))
    groups = ("dev",) if name == "poetry-1.1" else ("dev", "prod")
    for line in project_lines.lines(request(folder, groups=groups)):
        given = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
        assert set(given) <= digests
        assert given or " @ file:" in line


def test_the_folder_of_a_lock_is_an_address(tmp_path: Path) -> None:
    folder = copied("poetry-2", tmp_path)
    address = (tmp_path / "shared").resolve().as_uri()
    assert f"shared @ {address}" in project_lines.lines(request(folder))
    shutil.rmtree(tmp_path / "shared")
    (folder / "pyproject.toml").touch()
    project_lines.forget()
    with pytest.raises(UsageError, match="names `../shared` for `shared`, which does not exist"):
        project_lines.lines(request(folder))


@pytest.mark.parametrize(("name", "lock"), LOCKS.items())
def test_a_lock_that_is_older_than_its_project_is_told(name: str, lock: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    project = folder / ("Pipfile" if name == "pipenv" else "pyproject.toml")
    text = project.read_text(encoding="utf-8")
    project.write_text(f"# a comment changes nothing\n{text}", encoding="utf-8")
    assert project_lines.lines(request(folder))
    project.write_text(text.replace("tiny-web", "tiny-wob"), encoding="utf-8")
    with pytest.raises(UsageError, match=f"{lock} is older than .*{project.name}, which asks for something else"):
        project_lines.lines(request(folder))


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("poetry-2", 'lock-version = "2.1"', 'lock-version = "3.0"', "has the format `3.0`, and 1.0 to 2.1 is known"),
        ("pdm-2", 'lock_version = "4.5.1"', 'lock_version = "5.0"', "has the format `5.0`, and 4 is known"),
        ("pipenv", '"pipfile-spec": 6', '"pipfile-spec": 7', "has the format `7`, and 6 is known"),
        ("poetry-2", 'python_version < \\"3.12\\"', "python_version <", "the marker of `tiny-"),
        ("poetry-2", ", hash = ", ", digest = ", "has a package without the SHA-256 of a file: `tiny-a`"),
        ("pdm-2", ", hash = ", ", digest = ", "has a package without the SHA-256 of a file: `tiny-a`"),
        ("pipenv", "==1.4.0", "*", "has a package without the SHA-256 of a file: `tiny-codec`"),
        ("pipenv", '"hashes": [', '"hashes": "', "is not a valid Pipfile.lock"),
        ("pdm-2", 'groups = ["default", "dev", "prod", "s3"]', 'groups = ["default"]', None),
        ("poetry-1.8", 'name = "tiny-speed"', 'name = "tiny-slow"', "has no version of `tiny-speed` that fits"),
        ("poetry-1.8", 'tiny-b = "*"', 'tiny-b = "^7"', "has no version of `tiny-b` that fits: <8,>=7"),
        ("poetry-1.8", 'tiny-b = "*"', 'tiny-b = "latest!"', "the version of `tiny-b` cannot be read"),
    ],
)
def test_a_lock_that_cannot_be_followed_is_refused(
    name: str, old: str, new: str, told: str | None, tmp_path: Path
) -> None:
    folder = copied(name, tmp_path)
    lock = next(path for path in folder.iterdir() if path.name.endswith(".lock"))
    text = lock.read_text(encoding="utf-8")
    assert old in text
    lock.write_text(text.replace(old, new), encoding="utf-8")
    if told is None:
        assert project_lines.lines(request(folder))
        told = "was written without s3"
    with pytest.raises(UsageError) as caught:
        project_lines.lines(request(folder, extras=() if name in {"pipenv", "poetry-2"} else ("s3",)))
    assert told in " ".join((caught.value.what, *caught.value.why))
    assert lock.name in caught.value.what


@pytest.mark.parametrize("lock", projects.LOCKS)
@pytest.mark.parametrize("text", ["", "<<<<<<< HEAD\n", "\0", "[[", "{"])
def test_a_damaged_lock_is_refused_and_wheels_are_not_blamed(lock: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = ["a"]\n', "utf-8")
    (tmp_path / lock).write_text(text, encoding="utf-8")
    result = layerwright("build", ".", "--name", "x", cwd=tmp_path)
    assert result.code == 2
    assert lock in result.err
    assert "wheel" not in result.err
    if text.startswith("<"):
        assert f"{lock}:1 has conflict markers of git" in result.err


def test_a_pipfile_without_its_lock_is_told(tmp_path: Path) -> None:
    (tmp_path / "Pipfile").write_text('[packages]\nsix = "*"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        project_lines.lines(request(tmp_path))
    assert "Pipfile.lock" in caught.value.what
    assert caught.value.hint == "`pipenv lock` writes it"


def test_a_lock_of_pipenv_is_for_one_python(tmp_path: Path) -> None:
    folder = copied("pipenv", tmp_path)
    found = projects.find(request(folder))
    assert found is not None
    assert found.runtime == "python3.11"
    result = layerwright("build", ".", "--runtime", "python3.13", cwd=folder)
    assert result.code == 2
    assert "requires Python ==3.11.*, which python3.13 is not" in result.err


@pytest.mark.parametrize(
    ("marker", "is_needed"), [("python_version < '3.10'", False), ("python_version < '3.12'", True)]
)
def test_what_pipenv_left_open_is_refused_if_the_python_of_the_lock_needs_it(
    marker: str, tmp_path: Path, *, is_needed: bool
) -> None:
    """Pipenv writes no version of a package that the environment in which it locks does not need."""
    folder = copied("pipenv", tmp_path)
    lock = folder / "Pipfile.lock"
    document = json.loads(lock.read_text(encoding="utf-8"))
    document["default"]["tiny-old"] = {"markers": marker, "version": "*"}
    lock.write_text(json.dumps(document), encoding="utf-8")
    if is_needed:
        with pytest.raises(UsageError, match="without the SHA-256 of a file: `tiny-old`"):
            project_lines.lines(request(folder))
    else:
        assert not any("tiny-old" in line for line in project_lines.lines(request(folder)))


def test_locks_that_disagree_are_told_with_what_they_have(tmp_path: Path) -> None:
    folder = copied("poetry-2", tmp_path)
    document = json.loads((MADE / "pipenv" / "Pipfile.lock").read_text(encoding="utf-8"))
    document["_meta"]["requires"] = {}
    document["default"]["tiny-codec"]["version"] = "==1.0.0"
    (folder / "Pipfile.lock").write_text(json.dumps(document), encoding="utf-8")
    shutil.copy(MADE / "pipenv" / "Pipfile", folder)
    with pytest.raises(UsageError) as caught:
        project_lines.lines(request(folder))
    assert "disagree: poetry.lock and Pipfile.lock" in caught.value.what
    assert "tiny-codec: 1.4.0 in poetry.lock, 1.0.0 in Pipfile.lock" in caught.value.why
    assert "`--from poetry.lock` or `--from Pipfile.lock`" in str(caught.value.hint)
    chosen = needed(project_lines.lines(request(folder, file="Pipfile.lock")), "python3.13", "x86_64")
    assert chosen["tiny-codec"] == "==1.0.0"


def test_locks_that_agree_are_no_mistake(tmp_path: Path) -> None:
    folder = copied("pdm-2", tmp_path)
    document = json.loads((MADE / "pipenv" / "Pipfile.lock").read_text(encoding="utf-8"))
    document["_meta"]["requires"] = {}
    (folder / "Pipfile.lock").write_text(json.dumps(document), encoding="utf-8")
    shutil.copy(MADE / "pipenv" / "Pipfile", folder)
    assert project_lines.lines(request(folder)) == project_lines.lines(request(folder, file="pdm.lock"))


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.2.3", "1.9", "2.0"),
        ("^0.2.3", "0.2.9", "0.3"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.9", "1.0"),
        ("~1.2.3", "1.2.9", "1.3"),
        ("~1", "1.9", "2.0"),
        ("~=1.4.2", "1.4.9", "1.5"),
        ("1.*", "1.9", "2.0"),
        ("*", "9", None),
        ("1.2", "1.2.0", "1.2.1"),
        (">=1, <2 || >=3", "3.1", "2.5"),
        (">=1 <2", "1.5", "2"),
        ("!=1.5", "1.6", "1.5"),
    ],
)
def test_versions_are_read_as_poetry_does(text: str, inside: str, outside: str | None) -> None:
    versions = poetry_versions.parsed(text)
    assert poetry_versions.fits(inside, versions)
    assert outside is None or not poetry_versions.fits(outside, versions)


def test_tables_of_poetry_without_a_lock_are_requirements(tmp_path: Path) -> None:
    text = (MADE / "poetry-1.8" / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    lines = project_lines.lines(request(tmp_path, extras=("s3",), groups=("prod",)))
    assert lines == (
        "tiny-web[fast]<3,>=2",
        'tiny-win ; sys_platform == "win32"',
        f"shared @ {(tmp_path.parent / 'shared').resolve().as_uri()}",
        'tiny-codec<1.4 ; python_version < "3.12"',
        'tiny-codec<2.0,>=1.4 ; python_version >= "3.12"',
        "tiny-s3>=1",
        "tiny-prod",
    )
    accepted = projects.requires_python(request(tmp_path))
    assert accepted.accept("3.10.1")
    assert not accepted.accept("3.9.1")


ENRICHED = """
[project]
name = "orders"
version = "1"
requires-python = ">=3.11"
dependencies = ["one[a] (>=1,<3)", "two ; python_version < '3.13'", "three>=1", "four"]
[dependency-groups]
prod = ["five>=2"]
[tool.poetry.dependencies]
one = [{version = "~1.2", python = "<3.12"}, {version = "^2.1", python = ">=3.12"}]
two = [{url = "https://a.t/two-1.tar.gz", python = "<3.12"}, {url = "https://a.t/two-2.tar.gz", python = ">=3.12"}]
three = {version = "*", platform = "win32"}
[tool.poetry.group.prod.dependencies]
five = {version = "<4", markers = "platform_machine == 'x86_64'"}
"""


def test_tables_of_poetry_say_more_of_dependencies_of_pep_621(tmp_path: Path) -> None:
    """As what Poetry itself locks: `DependencyGroup.dependencies_for_locking` of poetry-core."""
    (tmp_path / "pyproject.toml").write_text(ENRICHED, encoding="utf-8")
    assert project_lines.lines(request(tmp_path, groups=("prod",))) == (
        'one[a]<1.3,<3,>=1,>=1.2 ; python_version < "3.12"',
        'one[a]<3,>=1,>=2.1 ; python_version >= "3.12"',
        'two @ https://a.t/two-1.tar.gz ; python_version < "3.13" and python_version < "3.12"',
        'two @ https://a.t/two-2.tar.gz ; python_version < "3.13" and python_version >= "3.12"',
        "three>=1",
        "four",
        'five<4,>=2 ; platform_machine == "x86_64"',
    )


# ---- the real tools -----------------------------------------------------------------------------------------------


TOOLS = {
    "poetry": ("poetry", ("poetry", "lock"), "poetry.lock"),
    "pdm": ("pdm[locked]", ("pdm", "lock", "-G", ":all"), "pdm.lock"),
    "pipenv": ("pipenv", ("pipenv", "lock"), "Pipfile.lock"),
    "pip": ("pip>=25.1", ("pip", "lock", "-r", "requirements.in"), "pylock.toml"),
}
PROJECTS = {
    "poetry": """
[tool.poetry]
name = "orders"
version = "0.1.0"
package-mode = false
[tool.poetry.dependencies]
python = "^3.11"
tiny-web = {version = "^1", extras = ["fast"]}
[tool.poetry.group.dev.dependencies]
tiny-lint = "*"
[[tool.poetry.source]]
name = "own"
url = "URL"
priority = "primary"
""",
    "pdm": """
[project]
name = "orders"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["tiny-web[fast]>=1"]
[dependency-groups]
dev = ["tiny-lint"]
[tool.pdm]
distribution = false
[[tool.pdm.source]]
name = "own"
url = "URL"
""",
    "pipenv": """
[[source]]
name = "own"
url = "URL"
verify_ssl = false
[packages]
tiny-web = {version = ">=1", extras = ["fast"]}
[dev-packages]
tiny-lint = "*"
""",
}


def run(tool: str, folder: Path, tmp: Path) -> None:
    """Install a tool from the package index of the machine, and lock a project with it."""
    package, command, _ = TOOLS[tool]
    uv = find_uv_bin()
    environment = {key: value for key, value in os.environ.items() if key not in {"UV_DEFAULT_INDEX", "VIRTUAL_ENV"}}
    python = tmp / "venv" / "bin" / "python"
    for arguments in (("venv", str(tmp / "venv")), ("pip", "install", "--python", str(python), package)):
        subprocess.run([uv, *arguments], check=True, capture_output=True, env=environment)
    own = {"PIPENV_IGNORE_VIRTUALENVS": "1", "WORKON_HOME": str(tmp / "envs"), "PDM_CHECK_UPDATE": "0"}
    own |= {"POETRY_CACHE_DIR": str(tmp / "poetry"), "PDM_CACHE_DIR": str(tmp / "pdm")}  # hashes of earlier runs
    own |= {"PIPENV_CACHE_DIR": str(tmp / "pipenv")}
    program = [str(python.with_name(command[0])), *command[1:]]
    subprocess.run(program, check=True, capture_output=True, cwd=folder, env={**environment, **own})


@pytest.mark.network
@pytest.mark.parametrize(
    "tool", ["poetry", *(pytest.param(tool, marks=pytest.mark.long) for tool in ("pdm", "pipenv"))]
)
def test_a_lock_that_the_real_tool_writes_is_built_from_its_index(
    tool: str, tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index.folder, "tiny_web", "1.0", requires=("tiny-codec", "tiny-speed ; extra == 'fast'"))
    for name in ("tiny_codec", "tiny_speed", "tiny_lint"):
        make_wheel(index.folder, name, "1.0")
    folder = tmp_path / "orders"
    folder.mkdir()
    file = folder / ("Pipfile" if tool == "pipenv" else "pyproject.toml")
    file.write_text(PROJECTS[tool].replace("URL", index.url), encoding="utf-8")
    run(tool, folder, tmp_path)
    make_wheel(index.folder, "tiny_codec", "2.0")
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    where = ("--arch", "arm64", "--no-test")
    result = layerwright("build", ".", "--name", "own", *where, cwd=folder)
    assert result.code == 0, result.err
    assert TOOLS[tool][2] in result.err
    assert held(folder) == {"tiny_web-1.0", "tiny_codec-1.0", "tiny_speed-1.0"}
    assert layerwright("build", ".", "--name", "own", "--group", "dev", *where, cwd=folder).code == 0
    assert held(folder) == {"tiny_web-1.0", "tiny_codec-1.0", "tiny_speed-1.0", "tiny_lint-1.0"}
    make_wheel(index.folder, "tiny_speed", "1.0", files={"tiny_speed/other.py": b"evil = 1\n"})
    refused = layerwright("build", ".", "--name", "own", "--rebuild", *where, cwd=folder)
    assert refused.code == 4
    assert "hash mismatch" in refused.err


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_a_lock_of_pip_is_built_from_the_addresses_that_it_has(tmp_path: Path) -> None:
    """pip writes no index; the user's has none of these packages."""
    folder, others = tmp_path / "orders", tmp_path / "others"
    folder.mkdir()
    others.mkdir()
    make_wheel(others, "tiny_web", "1.0", requires=("tiny-codec",))
    make_wheel(others, "tiny_codec", "1.0")
    with serve(others) as other:
        (folder / "requirements.in").write_text(f"--index-url {other.url}\ntiny-web\n", encoding="utf-8")
        run("pip", folder, tmp_path)
        make_wheel(others, "tiny_codec", "2.0")
        result = layerwright("build", ".", "--arch", "arm64", "--no-test", cwd=folder)
    assert result.code == 0, result.err
    assert "pylock.toml" in result.err
    assert held(folder) == {"tiny_web-1.0", "tiny_codec-1.0"}


def held(folder: Path) -> set[str]:
    """Return the packages of the only zip, with their versions."""
    (path,) = (folder / "dist").glob("*.zip")
    names = zipfile.ZipFile(path).namelist()
    return {name.split("/")[1].removesuffix(".dist-info") for name in names if name.endswith(".dist-info/METADATA")}
