"""A uv.lock that is older than its project, whatever changed in that since. Locks are made by the real uv."""

import subprocess
from pathlib import Path

import pytest
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import requested
from builder.packages.pypi import project_lines

LIB = """\
[project]
name = "{name}"
version = "1"
dependencies = ["tiny-below"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
PROJECT = """\
[project]
name = "orders"
version = "1"
requires-python = ">=3.9"
dependencies = [
    "tiny-codec>=1,<3 ; python_version >= '3.10'",
    "Tiny_Speed[fast]",
    "tiny-file @ {url}",
    "orders-lib==1.*",
    "orders-more",
    "tiny-git",
]
[project.optional-dependencies]
all = ["orders[s3]", "tiny-lint ; sys_platform == 'linux'"]
s3 = ["tiny-below"]
[dependency-groups]
dev = ["tiny-lint", {{ include-group = "checks" }}]
checks = ["tiny-below>1"]
[tool.uv]
constraint-dependencies = ["tiny-codec<9"]
override-dependencies = ["tiny-lint>=1 ; python_version > '3.9'"]
exclude-dependencies = ["tiny-never"]
resolution = "highest"
prerelease = "allow"
build-constraint-dependencies = ["hatchling<9"]
[tool.uv.sources]
orders-lib = {{ path = "../lib" }}
orders-more = {{ workspace = true }}
tiny-speed = [{{ index = "ours", marker = "sys_platform == 'linux'" }}]
tiny-git = {{ git = "{git}", rev = "{commit}" }}
[tool.uv.workspace]
members = ["packages/*"]
[[tool.uv.index]]
name = "ours"
url = "{index}"
explicit = true
"""
EVERYTHING = ProjectChoice(extras=("all",), groups=("dev",))


def run(folder: Path, *command: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.test") if command[0] == "git" else ()
    finished = subprocess.run(
        [command[0], *identity, *command[1:]], cwd=folder, check=True, capture_output=True, text=True
    )
    return finished.stdout.strip()


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    """Write a project with everything that a lock repeats, and lock it."""
    for name in ("tiny_codec", "tiny_speed", "tiny_file", "tiny_lint", "tiny_below"):
        make_wheel(index.folder, name, "2.0")
    for name, folder in (("orders-lib", "lib"), ("orders-more", "project/packages/more"), ("tiny-git", "git")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pyproject.toml").write_text(LIB.format(name=name), encoding="utf-8")
    for command in (("git", "init", "-q"), ("git", "add", "."), ("git", "commit", "-qm", "first")):
        run(tmp_path / "git", *command)
    url = index.url.replace("/simple/", "/files/tiny_file-2.0-py3-none-any.whl")
    path = tmp_path / "project" / "pyproject.toml"
    at = (tmp_path / "git").as_uri()
    text = PROJECT.format(url=url, index=index.url, git=at, commit=run(tmp_path / "git", "git", "rev-parse", "HEAD"))
    path.write_text(text, encoding="utf-8")
    run(path.parent, find_uv_bin(), "lock", "--no-python-downloads")
    return path


def differing(path: Path, choice: ProjectChoice = EVERYTHING) -> str:
    """Return what is said to differ; nothing for a lock that decides."""
    project_lines.forget()
    try:
        project_lines.lines(requested(path.parent, choice))
    except UsageError as error:
        found = error
    else:
        return ""
    assert "uv.lock is older than" in found.what
    assert "`uv lock" in str(found)
    return "; ".join(found.why).removeprefix("what differs: ")


CHANGES = {
    "versions": (">=1,<3", ">=1,<4", "tiny-codec"),
    "marker": ("python_version >= '3.10'", "python_version >= '3.12'", "tiny-codec"),
    "no marker": (" ; python_version >= '3.10'", "", "tiny-codec"),
    "extras": ("[fast]", "[slow]", "tiny-speed"),
    "a dependency less": ('    "orders-more",\n', "", "orders-more"),
    "an extra": ("tiny-lint ; sys_platform", "tiny-lint>1 ; sys_platform", "tiny-lint"),
    "an extra of an extra": ('s3 = ["tiny-below"]', 's3 = ["tiny-below>1"]', "tiny-below"),
    "a group": ('dev = ["tiny-lint"', 'dev = ["tiny-lint[colour]"', "tiny-lint"),
    "a group of a group": ('["tiny-below>1"]', "[\"tiny-below>1 ; python_version > '3.11'\"]", "tiny-below"),
    "index to folder": ('{ index = "ours", marker', '{ path = "../lib", marker', "tiny-speed"),
    "folder to index": ('orders-lib = { path = "../lib" }', 'orders-lib = { index = "ours" }', "orders-lib"),
    "another folder": ('{ path = "../lib" }', '{ path = "../git" }', "orders-lib"),
    "member to folder": ("orders-more = { workspace = true }", 'orders-more = { path = "../lib" }', "orders-more"),
    "another index": ("/simple/", "/other/", "tiny-speed"),
    "another commit": ('rev = "', 'rev = "0', "tiny-git"),
    "another repository": ("/git", "/gitt", "tiny-git"),
    "another address": ("tiny_file-2.0", "tiny_file-3.0", "tiny-file"),
    "the name": ('name = "orders"', 'name = "renamed"', "renamed"),
    "constraints": ("tiny-codec<9", "tiny-codec<8", "constraint-dependencies"),
    "overrides": ("tiny-lint>=1", "tiny-lint>=2", "override-dependencies"),
    "excludes": ("tiny-never", "tiny-none", "exclude-dependencies"),
    "resolution": ('resolution = "highest"', 'resolution = "lowest-direct"', "resolution"),
    "prereleases": ('prerelease = "allow"', 'prerelease = "disallow"', "prerelease"),
    "constraints of builds": ("hatchling<9", "hatchling<8", "build-constraint-dependencies"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changed_since_is_told(what: str, project: Path) -> None:
    assert not differing(project)
    before, after, told = CHANGES[what]
    text = project.read_text(encoding="utf-8")
    assert before in text
    project.write_text(text.replace(before, after), encoding="utf-8")
    assert differing(project) == told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("python_version >= '3.10'", "'3.10' <= python_version and os_name != 'nt'"),
        ("Tiny_Speed[fast]", "tiny.speed [ FAST ]"),
        (">=1,<3", "<3, >=1.0"),
        ("orders-lib==1.*", "orders-lib"),
        ("/simple/", "/simple"),
        ('"../lib"', '"./../lib/"'),
        ('dev = ["tiny-lint", { include-group = "checks" }]', 'dev = ["tiny-below>1", "tiny-lint"]'),
    ],
)
def test_what_means_the_same_is_no_change(before: str, after: str, project: Path) -> None:
    text = project.read_text(encoding="utf-8")
    assert before in text
    project.write_text(text.replace(before, after), encoding="utf-8")
    assert not differing(project)


NEWER = """\
[project]
name = "x"
version = "1"
requires-python = ">=3.9"
dependencies = ["lib"]
[tool.uv.sources]
lib = { path = "../lib" }
[tool.uv]
"""


@pytest.mark.parametrize("in_uv_toml", [False, True])
@pytest.mark.parametrize(
    ("given", "same", "other"),
    [
        ('exclude-newer = "2030-01-01"', 'exclude-newer = "20300101"', 'exclude-newer = "2030-01-03"'),
        ('exclude-newer = "2030-01-01T02:00:00+02:00"', 'exclude-newer = "2030-01-01T00:00:00Z"', None),
        ('exclude-newer = "2030-01-01T02:00:00Z"', None, 'exclude-newer = "2030-01-01T03:00:00Z"'),
        ('exclude-newer = "2030-01-01"', None, 'exclude-newer = "1 week"'),
        ('exclude-newer = "1 week"', 'exclude-newer = "P7D"', 'exclude-newer = "2 weeks"'),
        ('exclude-newer = "P1DT12H"', 'exclude-newer = "36 hours"', 'exclude-newer = "2030-01-01"'),
        (
            'exclude-newer-package = { tiny-codec = false, b = "1d" }',
            'exclude-newer-package = { Tiny_Codec = false, b = "24h" }',
            'exclude-newer-package = { tiny-codec = "2030-01-01", b = "1d" }',
        ),
        ('exclude-newer-package = { b = "1d" }', None, 'exclude-newer-package = { b = "1d", c = "1d" }'),
        ("", None, 'exclude-newer = "1 week"'),
    ],
)
def test_how_new_packages_may_be_is_compared_by_its_meaning(
    given: str, same: str | None, other: str | None, tmp_path: Path, *, in_uv_toml: bool
) -> None:
    path, lib = tmp_path / "x" / "pyproject.toml", tmp_path / "lib" / "pyproject.toml"
    for file in (path, lib):
        file.parent.mkdir()
    lib.write_text('[project]\nname = "lib"\nversion = "1"\n', encoding="utf-8")

    def write(line: str) -> None:
        path.write_text(NEWER + ("" if in_uv_toml else line), encoding="utf-8")
        if in_uv_toml:
            path.with_name("uv.toml").write_text(line, encoding="utf-8")

    write(given)
    run(path.parent, find_uv_bin(), "lock", "--no-python-downloads")
    assert not differing(path, ProjectChoice())
    if same:
        write(same)
        assert not differing(path, ProjectChoice())
    if other:
        write(other)
        assert differing(path, ProjectChoice()) == other.partition(" ")[0]


def test_members_that_came_and_went_are_told(project: Path) -> None:
    (project.parent / "packages" / "new").mkdir()
    added = project.parent / "packages" / "new" / "pyproject.toml"
    added.write_text(LIB.format(name="orders-new"), encoding="utf-8")
    assert differing(project) == "members of the workspace"


def test_what_is_not_taken_may_have_changed(project: Path) -> None:
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace('["tiny-below>1"]', '["tiny-below>2"]'), encoding="utf-8")
    assert not differing(project, ProjectChoice())
    assert differing(project, ProjectChoice(groups=("checks",))) == "tiny-below"
