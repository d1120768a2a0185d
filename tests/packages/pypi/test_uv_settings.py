"""The settings of uv that count are those of the user and the system, not those of the folder of the command."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_wheel, serve
from uv import find_uv_bin

from builder.model.architectures import ARM64
from builder.model.runtimes import runtime
from builder.model.steps.project import ProjectChoice
from builder.packages.projects import requested
from builder.packages.pypi import project_lines
from builder.packages.pypi.resolve import Wanted, resolve

P313 = runtime("python3.13")
STEP = '[[step]]\nuses = "pip"\nrequirements = ["tiny-top"]\n'
SETTINGS = """\
cache-dir = "./own-cache"
exclude-dependencies = ["tiny-below"]
override-dependencies = ["tiny-below==1.0"]
[{pip}]
output-file = "own.txt"
no-deps = true
[[{index}]]
url = "{url}"
name = "own"
"""


@pytest.fixture
def stranger(index: Index, tmp_path: Path) -> Iterator[Index]:
    """Serve an index that only settings of the project name; its versions are the newest."""
    make_wheel(index.folder, "tiny_top", "1.0", requires=("tiny-below",))
    make_wheel(index.folder, "tiny_below", "1.0")
    make_wheel(index.folder, "tiny_below", "2.0")
    folder = tmp_path / "stranger"
    folder.mkdir()
    make_wheel(folder, "tiny_top", "9.0")
    with serve(folder) as running:
        yield running


def of_project(folder: Path, name: str, url: str) -> None:
    """Write settings of a project that would leave out, replace and write packages."""
    if name == "uv.toml":
        (folder / name).write_text(SETTINGS.format(pip="pip", index="index", url=url), encoding="utf-8")
        return
    table = SETTINGS.format(pip="tool.uv.pip", index="tool.uv.index", url=url)
    (folder / name).write_text(f"[tool.uv]\n{table}", encoding="utf-8")


def run(folder: Path, command: str) -> Result:
    return layerwright(command, *(["--no-test"] if command == "build" else []), "a", cwd=folder)


@pytest.mark.parametrize("name", ["uv.toml", "pyproject.toml"])
@pytest.mark.parametrize("command", ["plan", "build", "lock"])
def test_settings_of_the_current_folder_decide_nothing(
    command: str, name: str, stranger: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    write_recipe(folder, "a", recipe(STEP, arch="arm64", runtime="python3.13"))
    of_project(folder, name, stranger.url)
    before = sorted(path.name for path in folder.iterdir())
    result = run(folder, command)
    assert result.code == 0, result.err
    assert set(before) >= {path.name for path in folder.iterdir()} - {"dist"}
    assert not list(folder.glob("own*"))
    if command == "build":
        (zipped,) = (folder / "dist").glob("*.zip")
        infos = {name.split("/")[1] for name in zipfile.ZipFile(zipped).namelist() if ".dist-info/METADATA" in name}
        assert infos == {"tiny_top-1.0.dist-info", "tiny_below-2.0.dist-info"}
    elif command == "lock":
        lock = (folder / "recipes" / "a" / "requirements.lock").read_text(encoding="utf-8")
        assert "tiny-top==1.0" in lock
        assert "tiny-below==2.0" in lock
    else:
        assert "tiny-below 2.0" in " ".join(result.out.split())


@pytest.mark.parametrize("place", ["user", "system", "both", "variable", "none"])
def test_settings_of_the_user_and_the_system_count(
    place: str, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of both are joined, as uv does: the index of a company may stand in either."""
    for name in ("tiny_first", "tiny_second"):
        (tmp_path / name).mkdir()
        make_wheel(tmp_path / name, name, "1.0")
    make_wheel(index.folder, "tiny_first", "0.1")
    make_wheel(index.folder, "tiny_second", "0.1")
    folders = {"user": tmp_path / "home" / "uv", "system": tmp_path / "etc" / "uv", "variable": tmp_path}
    names = {"user": "tiny_first", "system": "tiny_second", "variable": "tiny_first"}
    with serve(tmp_path / "tiny_first") as first, serve(tmp_path / "tiny_second") as second:
        urls = {"user": first.url, "system": second.url, "variable": first.url}
        for each, folder in folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            if place in {each, "both"} and not (place == "both" and each == "variable"):
                (folder / "uv.toml").write_text(f'[[index]]\nurl = "{urls[each]}"\n', encoding="utf-8")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
        if place == "variable":
            monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
        found = {
            each.name: each.version for each in resolve(Wanted(requirements=("tiny-first", "tiny-second")), P313, ARM64)
        }
    counted = {"user", "system"} if place == "both" else {place}
    newer = {names[each].replace("_", "-") for each in counted if each in names}
    assert found == {name: "1.0" if name in newer else "0.1" for name in ("tiny-first", "tiny-second")}


def test_a_cache_in_the_project_is_not_used(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a cache are not compared with hashes again: whoever names the cache decides on the bytes."""
    make_wheel(index.folder, "tiny_codec", "1.0")
    folder = tmp_path / "work"
    folder.mkdir()
    text = '[project]\nname = "orders"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["tiny-codec"]\n'
    (folder / "pyproject.toml").write_text(f'{text}[tool.uv]\ncache-dir = "./own-cache"\n', encoding="utf-8")
    monkeypatch.delenv("UV_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    target = ("--target", str(tmp_path / "target"), "--no-deps", "tiny-codec")
    for arguments in (("lock",), ("pip", "install", *target)):
        subprocess.run([find_uv_bin(), *arguments], cwd=folder, check=True, capture_output=True)
    (module,) = (folder / "own-cache").glob("archive-v0/*/tiny_codec/__init__.py")
    module.write_text("print('of the cache')\n", encoding="utf-8")
    result = layerwright("build", ".", "--runtime", "python3.13", "--arch", "arm64", "--no-test", cwd=folder)
    assert result.code == 0, result.err
    (zipped,) = (folder / "dist").glob("*.zip")
    assert zipfile.ZipFile(zipped).read("python/tiny_codec/__init__.py") == b"version = '1.0'\n"


LISTED = '[project]\nname = "orders"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["tiny-top"]\n'


def of_folder(folder: Path) -> Result:
    return layerwright("build", ".", "--runtime", "python3.13", "--arch", "arm64", "--no-test", cwd=folder)


@pytest.mark.parametrize(
    "setting",
    [
        'constraint-dependencies = ["tiny-below<2"]',
        'override-dependencies = ["tiny-below==1.0"]',
        'exclude-dependencies = ["tiny-below"]',
        'resolution = "lowest"',
        'exclude-newer = "2020-01-01T00:00:00Z"',
    ],
)
@pytest.mark.usefixtures("stranger")
def test_settings_that_decide_on_versions_need_a_lock(setting: str, tmp_path: Path) -> None:
    """uv would take other versions than the newest, or leave packages out."""
    folder = tmp_path / "work"
    (folder / "services").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f"{LISTED}[tool.uv]\n{setting}\n", encoding="utf-8")
    result = of_folder(folder)
    assert result.code == 2
    assert f"pyproject.toml has settings that only uv works out: `{setting.partition(' ')[0]}`" in result.err
    assert "`uv lock` writes what they mean" in result.err
    (folder / "pyproject.toml").write_text(LISTED, encoding="utf-8")
    (folder / "uv.toml").write_text(f"{setting}\n", encoding="utf-8")
    assert "uv.toml has settings that only uv works out" in of_folder(folder).err


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("locked", [False, True])
def test_indexes_of_the_uv_toml_of_a_project_are_those_of_the_project(
    above: bool,  # noqa: FBT001
    locked: bool,  # noqa: FBT001
    stranger: Index,
    tmp_path: Path,
) -> None:
    root = tmp_path / "work"
    folder = root / "services" if above else root
    folder.mkdir(parents=True)
    (root / ".git").mkdir()
    (folder / "pyproject.toml").write_text(LISTED, encoding="utf-8")
    (root / "uv.toml").write_text(f'[[index]]\nurl = "{stranger.url}"\n', encoding="utf-8")
    if locked:
        subprocess.run([find_uv_bin(), "lock"], cwd=folder, check=True, capture_output=True)
    result = of_folder(folder)
    assert result.code == 0, result.err
    (zipped,) = (folder / "dist").glob("*.zip")
    assert "python/tiny_top-9.0.dist-info/METADATA" in zipfile.ZipFile(zipped).namelist()


@pytest.mark.parametrize(
    "setting",
    [
        'cache-dir = "./own-cache"',
        'required-version = "<0.1"',
        'default-groups = ["dev"]',
        "package = true",
        'no-binary-package = ["tiny-top"]',
        "environments = [\"sys_platform == 'win32'\"]",
        'python-preference = "only-managed"',
        "no-sources = true",
    ],
)
@pytest.mark.usefixtures("stranger")
def test_the_export_of_a_lock_follows_no_settings_of_its_project(setting: str, tmp_path: Path) -> None:
    """They were added after locking; what uv.lock does not repeat of them does not decide on what it says."""
    path = tmp_path / "pyproject.toml"
    path.write_text(f'{LISTED}[dependency-groups]\ndev = ["tiny-below"]\n', encoding="utf-8")
    subprocess.run([find_uv_bin(), "lock"], cwd=tmp_path, check=True, capture_output=True)
    request = requested(tmp_path, ProjectChoice())
    before = project_lines.lines(request)
    assert [line.partition(" ")[0] for line in before] == ["tiny-below==2.0", "tiny-top==1.0"]
    path.write_text(f"{path.read_text(encoding='utf-8')}[tool.uv]\n{setting}\n", encoding="utf-8")
    project_lines.forget()
    assert project_lines.lines(request) == before
    assert not (tmp_path / "own-cache").exists()
