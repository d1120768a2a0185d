"""Indexes that requirements files and projects name: the same for resolving, installing and building; no confusion."""

import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_sdist, make_wheel, serve
from uv import find_uv_bin

from builder.base.errors import UsageError
from builder.base.files import sha256
from builder.model.architectures import ARM64
from builder.model.runtimes import runtime
from builder.packages.pypi import project_files, project_indexes
from builder.packages.pypi.index_tables import PUBLIC
from builder.packages.pypi.locks import pipenv, poetry
from builder.packages.pypi.requirements_file import read
from builder.packages.pypi.resolve import Wanted, resolve

LOGIN = "builder:s3cret"
FILE_STEP = '[[step]]\nuses = "pip"\nfile = "requirements.txt"'
OURS, THEIRS = b"whose = 'ours'\n", b"whose = 'theirs'\n"


@pytest.fixture
def private(index: Index, tmp_path: Path) -> Iterator[Index]:
    """Serve a second index, which asks for a password; the first one offers its package as well, with other code."""
    folder = tmp_path / "private"
    folder.mkdir()
    make_wheel(folder, "money", "1.2.0", files={"money/whose.py": OURS})
    make_wheel(index.folder, "money", "1.2.0", files={"money/whose.py": THEIRS})
    make_wheel(index.folder, "money", "9.9.9", files={"money/whose.py": THEIRS})
    make_wheel(index.folder, "other", "1.0")
    with serve(folder, LOGIN) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.fixture
def in_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the password of the second index in netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login builder password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    return netrc


def open_url(index: Index) -> str:
    """Return the address of an index without its password."""
    return index.url.replace(f"{LOGIN}@", "")


def build(folder: Path, *arguments: str) -> Result:
    return layerwright(
        "build", *arguments, *("--runtime", "python3.13", "--arch", "arm64", "--no-test", "--name", "deps"), cwd=folder
    )


def content(folder: Path) -> dict[str, bytes]:
    (path,) = (folder / "dist").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resolved(path: Path) -> dict[str, str]:
    return {each.name: each.version for each in resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)}


def uv(folder: Path, *arguments: str) -> None:
    command = [find_uv_bin(), *arguments, "--directory", str(folder), "--no-python-downloads"]
    subprocess.run(command, check=True, capture_output=True)


# ---- requirements files --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("typed_in", ["project", "project/deep", "elsewhere"])
def test_links_of_a_nested_file_count_from_its_folder(project: Path, tmp_path: Path, typed_in: str) -> None:
    for folder in (project / "deep" / "our wheels, all", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    make_wheel(project / "deep" / "our wheels, all", "money", "1.2.0")
    (project / "requirements.txt").write_text("-r deep/more.txt\n")
    links = (project / "deep" / "our wheels, all").as_uri()
    (project / "deep" / "more.txt").write_text(f"--no-index --find-links={links}\nmoney==1.2.0\n")
    here = tmp_path / typed_in
    result = build(here, "-r", os.path.relpath(project / "requirements.txt", here))
    assert result.code == 0, result.err
    assert "python/money/__init__.py" in content(here)


@pytest.mark.usefixtures("index")
def test_a_recipe_has_the_links_of_its_file_with_a_lock_and_without(project: Path, tmp_path: Path) -> None:
    (project / "wheels").mkdir()
    make_wheel(project / "wheels", "money", "1.2.0")
    text = recipe(FILE_STEP, runtime="python3.13", arch="arm64").replace('"a"', '"money"')
    folder = write_recipe(project, "money", text).parent
    (folder / "requirements.txt").write_text("--no-index\n-f ../../wheels\nmoney\n")
    assert layerwright("build", "money", "--no-test", cwd=project).code == 0
    assert layerwright("lock", "money", cwd=project).code == 0
    assert "money==1.2.0" in (folder / "requirements.lock").read_text()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = layerwright("build", "money", "--recipes", str(project / "recipes"), "--no-test", cwd=elsewhere)
    assert result.code == 0, result.err
    assert "python/money/__init__.py" in content(elsewhere)


def test_the_three_lines_of_pytorch(index: Index, project: Path, tmp_path: Path) -> None:
    cpu = tmp_path / "cpu"
    cpu.mkdir()
    make_wheel(cpu, "tiny_torch", "2.6.0+cpu", requires=("tiny-numbers",))
    make_wheel(index.folder, "tiny_torch", "2.6.0", requires=("nccl",))
    make_wheel(index.folder, "tiny_numbers", "1.0")
    with serve(cpu) as running:
        lines = f"--extra-index-url {running.url}\ntiny-torch==2.6.0\ntiny-numbers\n"
        (project / "requirements.txt").write_text(lines)
        result = build(project, "-r", "requirements.txt")
    assert result.code == 0, result.err
    names = {name.split("/")[1] for name in content(project) if name.endswith("METADATA")}
    assert names == {"tiny_torch-2.6.0+cpu.dist-info", "tiny_numbers-1.0.dist-info"}


def test_an_older_version_of_another_package_in_the_extra_index_is_no_obstacle(
    index: Index, project: Path, tmp_path: Path
) -> None:
    """PyTorch's index has copies of packages that others need, and not the newest."""
    cpu = tmp_path / "cpu"
    cpu.mkdir()
    make_wheel(cpu, "tiny_torch", "2.6.0+cpu", requires=("tiny-numbers",))
    make_wheel(cpu, "tiny_numbers", "1.0")
    make_wheel(cpu, "money", "1.0")
    make_wheel(index.folder, "tiny_torch", "9.0")
    make_wheel(index.folder, "tiny_numbers", "2.0")
    make_wheel(index.folder, "money", "9.9")
    with serve(cpu) as running:
        lines = f"--extra-index-url {running.url}\ntiny-torch\ntiny-numbers==2.0\nmoney\n"
        (project / "requirements.txt").write_text(lines)
        result = build(project, "-r", "requirements.txt")
    assert result.code == 0, result.err
    names = {name.split("/")[1].removesuffix(".dist-info") for name in content(project) if name.endswith("METADATA")}
    assert names == {"tiny_torch-2.6.0+cpu", "tiny_numbers-2.0", "money-1.0"}


def test_a_password_in_a_line_is_used_and_kept_nowhere(
    private: Index, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(cache))
    (project / "requirements.txt").write_text(f"--extra-index-url {private.url}\nmoney\nother\n")
    result = build(project, "-r", "requirements.txt", "-v")
    assert result.code == 0, result.err
    assert content(project)["python/money/whose.py"] == OURS
    assert "s3cret" not in result.out + result.err
    folders = (project / "dist", cache, tmp_path / "uv-cache")
    written = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if b"s3cret" in path.read_bytes()]


def test_a_line_replaces_the_default_and_the_last_one_counts(private: Index, project: Path, index: Index) -> None:
    path = project / "requirements.txt"
    path.write_text(f"-i {index.url}\n--index-url={private.url}\nmoney\n")
    assert resolved(path) == {"money": "1.2.0"}


@pytest.mark.parametrize("given", ["", "builder:wrong@"])
def test_an_index_without_its_password_is_named_and_where_it_belongs(private: Index, project: Path, given: str) -> None:
    address = open_url(private).replace("//", f"//{given}")
    (project / "requirements.txt").write_text(f"--extra-index-url {address}\nmoney\n")
    result = build(project, "-r", "requirements.txt")
    assert result.code == 2
    told = "refuses its user name and password" if given else "needs a user name and a password"
    assert f"the index {open_url(private)} {told}" in result.err
    assert "machine 127.0.0.1 login USER password PASSWORD` in ~/.netrc" in result.err
    assert "wrong" not in result.err
    assert not list((project / "dist").glob("*.zip"))


def test_netrc_has_the_password(private: Index, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login builder password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    (project / "requirements.txt").write_text(f"--extra-index-url {open_url(private)}\nmoney\n")
    result = build(project, "-r", "requirements.txt")
    assert result.code == 0, result.err
    assert content(project)["python/money/whose.py"] == OURS


def test_variables_in_an_address_are_not_filled_in(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "word")
    (project / "requirements.txt").write_text("a\n--extra-index-url https://${TOKEN}@files.test/simple\n")
    with pytest.raises(UsageError) as caught:
        read([project / "requirements.txt"])
    assert "requirements.txt:2: " in caught.value.why[0]
    assert "the password of an index belongs into ~/.netrc" in caught.value.why[0]


def test_an_sdist_of_a_named_index_and_what_it_is_built_with_are_fetched_there(
    private: Index, project: Path, index: Index
) -> None:
    needs = '[build-system]\nrequires = ["tool"]\nbuild-backend = "tool"\n'
    make_sdist(private.folder, "native", "1.0", "", {"pyproject.toml": needs})
    make_wheel(private.folder, "tool", "1.0")
    make_wheel(index.folder, "tool", "2.0")
    (project / "requirements.txt").write_text(f"--extra-index-url {private.url}\nnative\n")
    target = ("--runtime", "python3.13", "--arch", "arm64", "--name", "deps")
    result = layerwright("plan", "-r", "requirements.txt", *target, "--json", cwd=project)
    assert result.code == 0, result.err
    (planned,) = result.json["plans"]
    assert [each["route"] for each in planned["packages"]] == ["compile"]
    assert not planned["warnings"] or "not available" not in json.dumps(planned["warnings"])


# ---- projects ------------------------------------------------------------------------------------------------------

UV = """\
[project]
name = "orders"
version = "1"
requires-python = ">=3.11"
dependencies = ["money", "other"]
[[tool.uv.index]]
name = "ours"
url = "{url}"
explicit = true
[tool.uv.sources]
money = {{ index = "ours" }}
"""


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("locked", [True, False])
def test_uv_binds_a_package_to_an_explicit_index(
    private: Index, project: Path, monkeypatch: pytest.MonkeyPatch, *, locked: bool, above: bool
) -> None:
    """Also where the command is called in another folder."""
    monkeypatch.setenv("UV_INDEX_OURS_USERNAME", "builder")
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", "s3cret")
    (project / "pyproject.toml").write_text(UV.format(url=open_url(private)))
    if locked:
        uv(project, "lock")
    where = project.parent if above else project
    result = build(where, "-r", str((project / "pyproject.toml").relative_to(where)))
    assert result.code == 0, result.err
    found = content(where)
    assert found["python/money/whose.py"] == OURS
    assert "python/other-1.0.dist-info/METADATA" in found


def test_the_other_index_with_the_same_name_and_version_takes_no_part(
    private: Index, project: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    """The lock names ours. The default offers the same version: that file is not asked for, even where ours is gone."""
    monkeypatch.setenv("UV_INDEX_OURS_USERNAME", "builder")
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", "s3cret")
    (project / "pyproject.toml").write_text(UV.format(url=open_url(private)))
    uv(project, "lock")
    (private.folder / "money-1.2.0-py3-none-any.whl").unlink()
    result = build(project, "-r", "pyproject.toml")
    assert result.code == 4
    assert "money" in result.err
    assert (index.folder / "money-1.2.0-py3-none-any.whl").is_file()


def test_the_password_of_a_named_index_belongs_into_its_variables(private: Index, project: Path) -> None:
    (project / "pyproject.toml").write_text(UV.format(url=open_url(private)))
    result = build(project, "-r", "pyproject.toml")
    assert result.code == 2
    assert f"the index {open_url(private)} needs a user name and a password" in result.err
    assert "UV_INDEX_OURS_USERNAME and UV_INDEX_OURS_PASSWORD" in result.err


def test_the_requirements_of_an_sdist_are_those_of_the_index_that_it_is_bound_to(
    private: Index, project: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    """Both have an sdist of the same name and version, which say that they need something else."""
    monkeypatch.setenv("UV_INDEX_OURS_USERNAME", "builder")
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", "s3cret")
    (private.folder / "money-1.2.0-py3-none-any.whl").unlink()
    for folder, needs in ((private.folder, "of-ours"), (index.folder, "of-theirs")):
        make_sdist(folder, "money", "1.2.0", "raise SystemExit", {"money.egg-info/requires.txt": needs})
        make_wheel(index.folder, needs.replace("-", "_"), "1.0")
    (project / "pyproject.toml").write_text(UV.format(url=open_url(private)))
    plain = read([project / "pyproject.toml"])
    wanted = Wanted(files=(project / "pyproject.toml",), indexes=plain.indexes)
    found = resolve(wanted, runtime("python3.13"), ARM64)
    assert [each.name for each in found] == ["money", "of-ours", "other"]


def test_a_source_without_an_index_is_told(project: Path) -> None:
    (project / "pyproject.toml").write_text(UV.format(url="https://files.test").replace('name = "ours"', 'name = "o"'))
    with pytest.raises(UsageError, match=r"pyproject.toml: `money` comes from an index that is not declared"):
        read([project / "pyproject.toml"])


POETRY = """\
[tool.poetry]
name = "orders"
version = "1"
[tool.poetry.dependencies]
money = {{ version = "*", source = "ours" }}
[[tool.poetry.source]]
name = "ours"
url = "{url}"
priority = "{priority}"
"""
POETRY_LOCK = """\
[[package]]
name = "money"
version = "1.2.0"
[package.source]
type = "legacy"
url = "{url}"
reference = "ours"
[[package]]
name = "other"
version = "1.0"
"""


@pytest.mark.parametrize("kept_in", ["environment", "auth.toml"])
def test_poetrys_lock_binds_to_its_sources_with_poetrys_passwords(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_in: str
) -> None:
    url = "https://files.test/simple"
    (project / "pyproject.toml").write_text(POETRY.format(url=url, priority="explicit"))
    (project / "poetry.lock").write_text(POETRY_LOCK.format(url=url))
    if kept_in == "environment":
        monkeypatch.setenv("POETRY_HTTP_BASIC_OURS_USERNAME", "builder")
        monkeypatch.setenv("POETRY_HTTP_BASIC_OURS_PASSWORD", "s3cret")
    else:
        monkeypatch.setenv("POETRY_CONFIG_DIR", str(tmp_path))
        (tmp_path / "auth.toml").write_text('[http-basic.ours]\nusername = "builder"\npassword = "s3cret"\n')
    found = project_indexes.of(project / "pyproject.toml", project / "poetry.lock")
    ((name, (binding,)),) = found.bound.items()
    assert (name, binding.version, binding.index.url) == ("money", "1.2.0", f"https://{LOGIN}@files.test/simple")
    assert "poetry config http-basic.ours" in binding.index.advice


def poetry_locked(folder: Path, url: str, digests: tuple[str, str]) -> None:
    path = folder / "pyproject.toml"
    path.write_text(POETRY.format(url=url, priority="explicit"))
    (content_hash, *_) = poetry.content_hashes(project_files.raw(path))
    source = f'[package.source]\ntype = "legacy"\nurl = "{url}"\nreference = "ours"\n'
    row = '[[package]]\nname = "{}"\nversion = "{}"\ngroups = ["main"]\nfiles = [{{ hash = "sha256:{}" }}]\n{}'
    rows = [row.format("money", "1.2.0", digests[0], source), row.format("other", "1.0", digests[1], "")]
    meta = f'[metadata]\nlock-version = "2.1"\ncontent-hash = "{content_hash}"\n'
    (folder / "poetry.lock").write_text("".join([*rows, meta]))


def pipenv_locked(folder: Path, url: str, digests: tuple[str, str]) -> None:
    sources = [{"name": "pypi", "url": PUBLIC}, {"name": "ours", "url": url}]
    packages = {"money": {"version": "*", "index": "ours"}, "other": "*"}
    table = "".join(f'[[source]]\nname = "{each["name"]}"\nurl = "{each["url"]}"\n' for each in sources)
    named = '[packages]\nmoney = { version = "*", index = "ours" }\nother = "*"\n'
    (folder / "Pipfile").write_text(table + named)
    content_hash = pipenv.content_hash({"source": sources, "packages": packages}, sources)
    default = {
        "money": {"index": "ours", "version": "==1.2.0", "hashes": [f"sha256:{digests[0]}"]},
        "other": {"version": "==1.0", "hashes": [f"sha256:{digests[1]}"]},
    }
    meta = {"hash": {"sha256": content_hash}, "pipfile-spec": 6, "requires": {}, "sources": sources}
    (folder / "Pipfile.lock").write_text(json.dumps({"_meta": meta, "default": default, "develop": {}}))


@pytest.mark.parametrize("tool", [poetry_locked, pipenv_locked])
def test_locks_of_other_tools_bind_too(
    private: Index, project: Path, index: Index, in_netrc: Path, tool: Callable[[Path, str, tuple[str, str]], None]
) -> None:
    assert in_netrc.is_file()
    ours, other = private.folder / "money-1.2.0-py3-none-any.whl", index.folder / "other-1.0-py3-none-any.whl"
    tool(project, open_url(private), (sha256(ours), sha256(other)))
    result = build(project, ".")
    assert result.code == 0, result.err
    found = content(project)
    assert found["python/money/whose.py"] == OURS
    assert "python/other/__init__.py" in found


@pytest.mark.parametrize(
    ("priority", "default", "extra"),
    [("primary", True, 0), ("explicit", False, 0), ("supplemental", False, 1), ("default", True, 0)],
)
def test_priorities_of_poetrys_sources(project: Path, priority: str, extra: int, *, default: bool) -> None:
    path = project / "pyproject.toml"
    path.write_text(POETRY.format(url="https://files.test/simple", priority=priority))
    found = project_indexes.of(path, None)
    assert (found.default is not None, len(found.extra)) == (default, extra)
    assert set(found.bound) == {"money"}


def test_pipfiles_sources(project: Path) -> None:
    sources = [
        {"name": "pypi", "url": f"{PUBLIC}/", "verify_ssl": True},
        {"name": "ours", "url": "https://${WHO}:${WORD}@files.test/simple", "verify_ssl": False},
    ]
    default = {"money": {"index": "ours", "version": "==1.2.0"}, "other": {"index": "pypi", "version": "==1.0"}}
    lock = project / "Pipfile.lock"
    lock.write_text(json.dumps({"_meta": {"sources": sources}, "default": default, "develop": {}}))
    found = project_indexes.of(lock, lock)
    assert found.default is None
    assert {name: binding.index.url for name, (binding,) in found.bound.items()} == {
        "money": "https://files.test/simple"
    }
    assert found.trusted == ("files.test",)


def test_a_source_with_the_name_of_the_default_is_asked_at_its_own_address(
    private: Index, project: Path, in_netrc: Path
) -> None:
    """A company calls its index `pypi`; the default of the user offers the same names."""
    assert in_netrc.is_file()
    make_wheel(private.folder, "other", "1.0", files={"other/whose.py": OURS})
    digests = [sha256(private.folder / f"{name}-py3-none-any.whl") for name in ("money-1.2.0", "other-1.0")]
    url = open_url(private)
    sources = [{"name": "pypi", "url": url}]
    (project / "Pipfile").write_text(
        f'[[source]]\nname = "pypi"\nurl = "{url}"\n[packages]\nmoney = "*"\nother = "*"\n'
    )
    content_hash = pipenv.content_hash({"source": sources, "packages": {"money": "*", "other": "*"}}, sources)
    default = {
        "money": {"version": "==1.2.0", "hashes": [f"sha256:{digests[0]}"], "index": "pypi"},
        "other": {"version": "==1.0", "hashes": [f"sha256:{digests[1]}"]},
    }
    meta = {"hash": {"sha256": content_hash}, "pipfile-spec": 6, "requires": {}, "sources": sources}
    (project / "Pipfile.lock").write_text(json.dumps({"_meta": meta, "default": default, "develop": {}}))
    result = build(project, ".")
    assert result.code == 0, result.err
    assert content(project)["python/other/whose.py"] == OURS
    table = f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}"\n'
    (project / "pyproject.toml").write_text(table)
    of_pdm = project_indexes.of(project / "pyproject.toml", None)
    assert of_pdm.default is not None
    assert of_pdm.default.url == url
    (project / "pyproject.toml").write_text(table.replace(url, PUBLIC))
    assert project_indexes.of(project / "pyproject.toml", None).default is None


def test_a_category_of_a_pipfile_has_its_own_index(project: Path) -> None:
    sources = [{"name": "pypi", "url": PUBLIC}, {"name": "ours", "url": "https://files.test/simple"}]
    row = {"index": "ours", "version": "==1.2.0"}
    lock = project / "Pipfile.lock"
    lock.write_text(json.dumps({"_meta": {"sources": sources}, "default": {}, "develop": {}, "prod": {"money": row}}))
    (binding,) = project_indexes.of(lock, lock).bound["money"]
    assert (binding.index.url, binding.version) == ("https://files.test/simple", "1.2.0")


PDM = """\
[project]
name = "orders"
version = "1"
dependencies = ["money"]
[[tool.pdm.source]]
name = "ours"
url = "https://files.test/simple"
{}
"""
PDM_LOCK = '[metadata]\nlock_version = "4.5"\n' + "".join(
    f'[[package]]\nname = "{name}"\nversion = "1"\n' for name in ("money", "other")
)


@pytest.mark.parametrize(
    ("keys", "ours", "users"),
    [
        ('include_packages = ["mon*"]', {"money"}, set()),
        ('include_packages = ["money", "other"]\nexclude_packages = ["*"]', {"money", "other"}, set()),
        ('exclude_packages = ["oth*"]', set(), {"other"}),
        ('include_packages = ["money"]\nexclude_packages = ["*"]', {"money"}, {"other"}),
    ],
)
def test_patterns_of_pdms_sources_bind_the_packages_of_its_lock(
    keys: str, ours: set[str], users: set[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mirror.test/simple")
    (project / "pyproject.toml").write_text(PDM.format(keys))
    with pytest.raises(UsageError, match=r"`ours` is for packages that only a lock can tell") as caught:
        project_indexes.of(project / "pyproject.toml", None)
    assert "`pdm lock`" in str(caught.value)
    (project / "pdm.lock").write_text(PDM_LOCK)
    bound = project_indexes.of(project / "pyproject.toml", project / "pdm.lock").bound
    at = {name: binding.index.url for name, (binding,) in bound.items()}
    assert at == dict.fromkeys(ours, "https://files.test/simple") | dict.fromkeys(users, "https://mirror.test/simple")


def test_a_package_that_several_sources_of_pdm_may_have_is_told(project: Path) -> None:
    again = '[[tool.pdm.source]]\nname = "more"\nurl = "https://more.test/simple"\ninclude_packages = ["money"]'
    (project / "pyproject.toml").write_text(PDM.format(f'include_packages = ["money"]\n{again}'))
    with pytest.raises(UsageError, match=r"`money` may come from several sources or from none: `ours`, `more`"):
        project_indexes.of(project / "pyproject.toml", None)


@pytest.mark.parametrize("table", ["tool.uv.index", "tool.pdm.source", "tool.poetry.source", "source"])
def test_two_indexes_with_one_name_are_told(table: str, project: Path) -> None:
    if table == "source":
        path = project / "Pipfile.lock"
        sources = [{"name": "ours", "url": f"https://{host}.test/"} for host in ("one", "two")]
        path.write_text(json.dumps({"_meta": {"sources": sources}, "default": {}}))
    else:
        path = project / "pyproject.toml"
        path.write_text(
            "".join(f'[[{table}]]\nname = "ours"\nurl = "https://{host}.test/"\n' for host in ("one", "two"))
        )
    with pytest.raises(UsageError, match=r"has several indexes with the name `ours`"):
        project_indexes.of(path, path if table == "source" else None)


def test_pdms_sources(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text('[pypi.ours]\nurl = "x"\nusername = "builder"\npassword = "s3cret"\n')
    monkeypatch.setenv("PDM_CONFIG_FILE", str(tmp_path / "config.toml"))
    table = '[[tool.pdm.source]]\nname = "{}"\nurl = "{}"\n'
    (project / "pyproject.toml").write_text(
        table.format("ours", "https://files.test/simple")
        + table.format("few", "https://few.test/simple")
        + 'include_packages = ["money"]\n'
        + table.format("links", "https://links.test/")
        + 'type = "find_links"\n'
    )
    found = project_indexes.of(project / "pyproject.toml", None)
    assert [index.url for index in found.extra] == [f"https://{LOGIN}@files.test/simple"]
    assert found.links == ("https://links.test/",)
    assert set(found.bound) == {"money"}


def test_pylock_binds_where_it_names_several(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = project / "pylock.toml"
    row = '[[packages]]\nname = "{}"\nversion = "1.0"\nindex = "{}"\n'
    head = 'lock-version = "1.0"\n'
    lock.write_text(head + row.format("a", "https://one.test/") + row.format("b", "https://two.test/"))
    found = project_indexes.of(lock, lock)
    assert {name: binding.index.url for name, (binding,) in found.bound.items()} == {
        "a": "https://one.test/",
        "b": "https://two.test/",
    }
    lock.write_text(head + row.format("a", "https://one.test/") + row.format("b", "https://one.test"))
    assert {binding.index.url for (binding,) in project_indexes.of(lock, lock).bound.values()} == {
        "https://one.test/",
        "https://one.test",
    }
    for variable, value in (("UV_DEFAULT_INDEX", "https://one.test"), ("UV_INDEX", "own=https://me:x@one.test/")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert not project_indexes.of(lock, lock).bound
    lock.write_text(head + row.format("a", PUBLIC))
    assert not project_indexes.of(lock, lock).bound


def test_a_pylock_is_built_from_the_index_and_the_files_that_it_names(private: Index, project: Path) -> None:
    """The default has a package of the same name and version; no settings name the other index."""
    beside = make_wheel(project, "beside", "1.0")
    with serve(private.folder) as ours:
        row = '[[packages]]\nname = "{}"\nversion = "{}"\n{}wheels = [{{ {}, hashes = {{ sha256 = "{}" }} }}]\n'
        digests = [sha256(path) for path in (private.folder / "money-1.2.0-py3-none-any.whl", beside)]
        named = f'url = "{ours.url}x", name = "money-1.2.0-py3-none-any.whl"'
        rows = row.format("money", "1.2.0", f'index = "{ours.url}"\n', named, digests[0])
        rows += row.format("beside", "1.0", "", f'path = "{beside.name}"', digests[1])
        (project / "pylock.toml").write_text(f'lock-version = "1.0"\ncreated-by = "x"\n{rows}')
        result = build(project, ".")
    assert result.code == 0, result.err
    found = content(project)
    assert found["python/money/whose.py"] == OURS
    assert "python/beside/__init__.py" in found


def test_a_plan_names_where_files_say_that_packages_come_from(index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "tiny", "1.0")
    write_recipe(tmp_path, "a", recipe('[[step]]\nuses = "pip"\nfile = "requirements.txt"\n', runtime="python3.13"))
    file = tmp_path / "recipes" / "a" / "requirements.txt"
    secret = index.url.replace("://", "://me:s3cret@")
    for option in ("--index-url", "--extra-index-url"):
        file.write_text(f"{option} {secret}\ntiny==1.0\n", encoding="utf-8")
        told = layerwright("plan", "a", cwd=tmp_path)
        assert told.code == 0, told.err
        assert f"packages from {index.url}, as files say" in told.out
        assert "s3cret" not in told.out + told.err
        assert layerwright("plan", "a", "--json", cwd=tmp_path).json["plans"][0]["indexes"] == [index.url]
    file.write_text("tiny==1.0\n", encoding="utf-8")
    assert "packages from" not in layerwright("plan", "a", cwd=tmp_path).out


def test_a_pylock_without_an_index_is_built_from_the_addresses_of_its_files(private: Index, project: Path) -> None:
    """The user's index has a package of the same name and version. `pip lock` writes no index."""
    make_sdist(private.folder, "slow", "1.0", "")
    for machine in ("aarch64", "x86_64"):
        tag = f"cp313-cp313-manylinux_2_17_{machine}"
        make_wheel(private.folder, "fast", "1.0", tag=tag, files={"fast/machine.txt": machine.encode()})
    with serve(private.folder) as ours:
        path = project / "pylock.toml"
        path.write_text(_pylock_of_addresses(ours, "money-1.2.0", "fast-1.0"))
        result = build(project, ".")
        assert result.code == 0, result.err
        found = content(project)
        assert found["python/money/whose.py"] == OURS
        assert found["python/fast/machine.txt"] == b"aarch64"
        unfit = layerwright("build", ".", "--runtime", "python3.12", "--arch", "arm64", "--no-test", cwd=project)
        assert unfit.code == 4
        assert "no wheel of fast 1.0 fits python3.12 on arm64" in unfit.err
        path.write_text(_pylock_of_addresses(ours, "slow-1.0"))
        plan = layerwright("plan", ".", "--runtime", "python3.13", "--arch", "arm64", "--json", cwd=project)
        assert plan.code == 0, plan.err
        assert [(each["name"], each["route"]) for each in plan.json["plans"][0]["packages"]] == [("slow", "compile")]
        path.write_text(_pylock_of_addresses(ours, "money-1.2.0"))
        make_wheel(private.folder, "money", "1.2.0", files={"money/whose.py": b"whose = 'a thief'\n"})
        replaced = build(project, ".", "--rebuild")
    assert replaced.code == 4
    assert "ash mismatch" in replaced.err


def _pylock_of_addresses(index: Index, *packages: str) -> str:
    """Return a lock of packages with the addresses of all their files."""
    text, files = 'lock-version = "1.0"\ncreated-by = "x"\n', index.url.replace("/simple", "/files")
    for package in packages:
        name, version = package.split("-")
        text += f'[[packages]]\nname = "{name}"\nversion = "{version}"\n'
        for file in sorted(index.folder.glob(f"{package}[-.]*")):
            table = "[[packages.wheels]]" if file.suffix == ".whl" else "[packages.sdist]"
            text += f'{table}\nurl = "{files}{file.name}"\nhashes = {{ sha256 = "{sha256(file)}" }}\n'
    return text
