"""Local packages in layers: as installed, with what they need, by the hash of their files; nothing of them is run."""

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

from builder.base.errors import UsageError
from builder.model.architectures import ARM64, X86_64, Architecture
from builder.model.runtimes import runtime
from builder.packages.pypi.dist import Candidate
from builder.packages.pypi.resolve import Wanted, resolve

UV_BUILD = '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
SETUP = (
    "import os\nopen({marker!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='odd', version='2.0', {more})\n"
)
STEP = '[[step]]\nuses = "pip"\nfile = "requirements.txt"'


@pytest.fixture
def repository(tmp_path: Path, index: Index) -> Path:
    make_wheel(index.folder, "low", "1.0")
    make_wheel(index.folder, "fast", "1.0")
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    return folder


def package(folder: Path, name: str, needs: tuple[str, ...] = (), more: str = "") -> Path:
    """Write a package that uv_build builds."""
    module = name.replace("-", "_")
    (folder / "src" / module).mkdir(parents=True)
    (folder / "src" / module / "__init__.py").write_text(f"name = {name!r}\n")
    table = f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = {json.dumps(needs)}\n'
    (folder / "pyproject.toml").write_text(f"{table}{UV_BUILD}{more}")
    return folder


def requirements(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "requirements.txt"
    path.write_text(text)
    return path


def resolved(path: Path) -> dict[str, Candidate]:
    return {each.name: each for each in resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)}


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        resolved(path)
    return str(caught.value)


def build(folder: Path, *arguments: str) -> Result:
    target = ("--runtime", "python3.13", "--arch", "arm64", "--no-test", "--name", "deps")
    return layerwright("build", *arguments, *target, cwd=folder)


def content(folder: Path) -> set[str]:
    (path,) = (folder / "dist").glob("*.zip")
    return set(zipfile.ZipFile(path).namelist())


def manifest(folder: Path) -> Mapping[str, Any]:
    (path,) = (path for path in (folder / "dist").glob("*.json") if not path.name.endswith(".cdx.json"))
    found: Mapping[str, Any] = json.loads(path.read_text())
    return {row["name"]: row for row in found["packages"]}


@pytest.mark.parametrize(
    "line",
    [
        "../shared-lib",
        "-e ../shared-lib",
        "--editable=../shared-lib",
        "../shared-lib[fast]",
        "-e ../shared-lib[fast] ; python_version > '3'",
        "file:../shared-lib",
        "{uri}",
        "shared-lib @ {uri}",
        "Shared.Lib[fast] @ {uri} ; python_version > '3'",
    ],
)
def test_a_folder_is_in_the_layer_as_installed_with_what_it_needs(repository: Path, line: str) -> None:
    extra = '[project.optional-dependencies]\nfast = ["fast"]\n'
    folder = package(repository / "shared-lib", "shared-lib", ("low",), extra)
    app = repository / "app"
    requirements(app, line.format(uri=folder.as_uri()) + "\n")
    result = build(app, "-r", "requirements.txt")
    assert result.code == 0, result.err
    found = content(app)
    assert {"python/shared_lib/__init__.py", "python/shared_lib-1.0.dist-info/METADATA"} <= found
    assert not [name for name in found if name.endswith((".pth", ".egg-link", "direct_url.json"))]
    needed = {"shared-lib", "low", *(["fast"] if "[fast]" in line else [])}
    rows = manifest(app)
    assert set(rows) == needed
    assert rows["shared-lib"]["local"] == "shared-lib"
    assert rows["shared-lib"]["route"] == "local"
    assert "local" not in rows["low"]


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("text", ["../shared-lib", "-e ../shared-lib", "shared-lib @ {uri}"])
def test_a_folder_on_the_command_line_is_built(repository: Path, text: str) -> None:
    folder = package(repository / "shared-lib", "shared-lib", ("low",))
    app = repository / "app"
    app.mkdir()
    result = build(app, "--pip", text.format(uri=folder.as_uri()))
    assert result.code == 0, result.err
    assert {"python/shared_lib/__init__.py", "python/low/__init__.py"} <= content(app)


def test_the_project_itself_of_an_export_with_hashes(repository: Path, index: Index) -> None:
    package(repository, "orders", ("low",))
    digest = next(iter(resolved(requirements(repository / "x", "low==1.0\n")).values())).wheels[0].sha256
    requirements(repository, f"-e .\nlow==1.0 --hash=sha256:{digest}\n")
    result = build(repository, "-r", "requirements.txt")
    assert result.code == 0, result.err
    assert {"python/orders/__init__.py", "python/low/__init__.py"} <= content(repository)
    assert index.folder.is_dir()


def test_the_hash_follows_the_files_and_nothing_else(repository: Path) -> None:
    folder = package(repository / "lib", "lib")
    path = requirements(repository / "app", "../lib\n")

    def digest() -> str:
        origin = resolved(path)["lib"].origin
        assert origin is not None
        return origin.digest

    first = digest()
    for name in (".git/config", ".venv/lib/x.py", "venv/pyvenv.cfg", "node_modules/a/b.js", "dist/old.whl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "src" / "lib" / "__pycache__").mkdir()
    (folder / "src" / "lib" / "__pycache__" / "x.cpython-313.pyc").write_text("x")
    assert digest() == first
    (folder / "src" / "lib" / "__init__.py").write_text("name = 'other'\n")
    second = digest()
    assert second != first
    (folder / "src" / "lib" / "data.txt").write_text("x")
    assert digest() not in {first, second}


def test_a_changed_file_is_another_plan_with_a_lock_too(repository: Path) -> None:
    folder = package(repository / "lib", "lib", ("low",))
    text = recipe(STEP, runtime="python3.13", arch="arm64")
    made = write_recipe(repository, "a", text).parent
    requirements(made, "-e ../../lib\n")
    assert layerwright("lock", "a", cwd=repository).code == 0
    lock = (made / "requirements.lock").read_text()
    assert "low==1.0" in lock
    assert "lib==" not in lock
    digests = []
    for code in ("one = 1\n", "two = 2\n"):
        (folder / "src" / "lib" / "__init__.py").write_text(code)
        (planned,) = layerwright("plan", "a", "--json", cwd=repository).json["plans"]
        digests.append(planned["plan_digest"])
        assert planned["locked"]
    assert digests[0] != digests[1]
    result = layerwright("build", "a", "--no-test", cwd=repository)
    assert result.code == 0, result.err


def test_members_of_a_workspace_and_sources_are_followed(repository: Path) -> None:
    (repository / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["libs/*"]\n')
    package(repository / "libs" / "core", "core", ("low",))
    inner = "[tool.uv.sources]\ncore = { workspace = true }\n"
    package(repository / "libs" / "mid", "mid", ("core",), inner)
    outer = '[tool.uv.sources]\nmid = { path = "../libs/mid", editable = true }\n'
    package(repository / "app", "app", ("mid",), outer)
    found = resolved(requirements(repository / "app", "-e .\n"))
    assert set(found) == {"app", "mid", "core", "low"}
    assert {name for name, each in found.items() if each.origin} == {"app", "mid", "core"}


def test_path_dependencies_of_poetry_are_followed(repository: Path) -> None:
    system = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    package(repository / "lib", "lib", ("low",))
    app = repository / "app"
    (app / "app").mkdir(parents=True)
    (app / "app" / "__init__.py").touch()
    (app / "pyproject.toml").write_text(
        '[tool.poetry]\nname = "app"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^3.9"\n'
        f'lib = {{ path = "../lib", develop = true }}\n{system}'
    )
    assert set(resolved(requirements(app, ".\n"))) == {"app", "lib", "low"}


def test_a_circle_is_told(repository: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        package(repository / name, name, (other,), f'[tool.uv.sources]\n{other} = {{ path = "../{other}" }}\n')
    told = refused(requirements(repository / "app", "../one\n"))
    assert "two/pyproject.toml:4: local packages need each other in a circle" in told
    assert "one -> two -> one" in told


def test_names_that_disagree_are_told(repository: Path) -> None:
    folder = package(repository / "lib", "lib")
    told = refused(requirements(repository / "app", f"low\nother @ {folder.as_uri()}\n"))
    assert "requirements.txt:2: `other` and the name of its project, `lib`, disagree" in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("../missing", "there is no such folder"),
        ("-e ../empty", "a folder without a project: it has none of pyproject.toml, setup.cfg, setup.py"),
        ("../../outside", "a folder outside of the repository"),
        ("-e ../link", "a folder outside of the repository"),
    ],
)
def test_what_is_no_local_package_is_told_with_its_line(repository: Path, line: str, told: str) -> None:
    package(repository.parent / "outside", "outside")
    (repository / "empty").mkdir()
    (repository / "link").symlink_to(repository.parent / "outside")
    path = requirements(repository / "app", f"low\n{line}\n")
    assert f"requirements.txt:2: {line} ({told})" in refused(path)
    assert not list(path.parent.glob("dist/*"))


def test_a_member_that_is_missing_is_told(repository: Path) -> None:
    (repository / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["libs/*"]\n')
    package(repository / "libs" / "app", "app", ("gone",), "[tool.uv.sources]\ngone = { workspace = true }\n")
    told = refused(requirements(repository / "libs" / "app", "-e .\n"))
    assert "`gone` is a member of the workspace that is missing" in told


def test_a_dependency_that_is_missing_is_told_with_its_line(repository: Path) -> None:
    package(repository / "lib", "lib", ("gone",), '[tool.uv.sources]\ngone = { path = "../gone" }\n')
    told = refused(requirements(repository / "app", "../lib\n"))
    assert "lib/pyproject.toml:4: there is no folder" in told


def test_links_out_of_a_package_are_refused(repository: Path) -> None:
    folder = package(repository / "lib", "lib")
    (folder / "src" / "lib" / "passwd").symlink_to("/etc/passwd")
    told = refused(requirements(repository / "app", "../lib\n"))
    assert "symbolic links lead out of" in told
    assert "src/lib/passwd -> /etc/passwd" in told


def test_a_program_of_a_package_is_run_in_a_container_only(repository: Path, tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "setuptools", "80.0")
    folder = repository / "odd"
    folder.mkdir()
    (folder / "setup.py").write_text(SETUP.format(marker=str(tmp_path / "marker"), more="install_requires=['low']"))
    path = requirements(repository / "app", "-e ../odd\n")
    found = resolved(path)
    assert set(found) == {"odd", "low"}
    assert not found["odd"].wheels
    assert found["odd"].sdist is not None
    result = build(path.parent, "-r", "requirements.txt", "--route", "wheels")
    assert result.code == 4
    assert "odd 2.0 has to be built: its setup.py is a program" in result.err
    assert "`uv build --wheel ../odd -o wheels`" in result.err
    assert not (tmp_path / "marker").exists()


def test_what_only_a_backend_knows_is_told_with_the_command_that_asks_it(repository: Path, tmp_path: Path) -> None:
    folder = repository / "odd"
    folder.mkdir()
    more = "install_requires=open('requirements.in').read().split()"
    (folder / "setup.py").write_text(SETUP.format(marker=str(tmp_path / "marker"), more=more))
    told = refused(requirements(repository / "app", "../odd\n"))
    assert "its setup.py works out what it requires" in told
    assert f"`uv build --wheel {os.path.relpath(folder)} -o wheels`" in told
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("arch", [ARM64, X86_64], ids=["arm64", "x86_64"])
@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_the_target_decides_on_a_dependency_of_an_extra(repository: Path, arch: Architecture, machine: str) -> None:
    table = f"[project.optional-dependencies]\nquick = [\"other ; platform_machine == '{machine}'\"]\n"
    sources = '[tool.uv.sources]\nother = { path = "../other" }\n'
    package(repository / "other", "other")
    package(repository / "lib", "lib", more=f"{table}{sources}")
    path = requirements(repository / "app", "../lib[quick]\n")
    found = {each.name: each for each in resolve(Wanted(files=(path,)), runtime("python3.13"), arch)}
    assert set(found) == ({"lib", "other"} if arch.machine == machine else {"lib"})
    assert all(each.origin for each in found.values())


@pytest.mark.parametrize("name", ["my-lib", "My.Lib"])
def test_an_extra_that_names_the_package_itself_means_its_other_extras(repository: Path, name: str) -> None:
    extras = f'[project.optional-dependencies]\nall = ["{name}[most]"]\nmost = ["my_lib[quick]"]\nquick = ["other"]\n'
    package(repository / "other", "other")
    sources = '[tool.uv.sources]\nother = { path = "../other" }\n'
    package(repository / "lib", "my-lib", more=f"{extras}{sources}")
    assert set(resolved(requirements(repository / "app", "../lib[all]\n"))) == {"my-lib", "other"}
    assert set(resolved(requirements(repository / "app", "../lib\n"))) == {"my-lib"}


@pytest.mark.network
def test_the_command_that_makes_the_wheel_works_when_pasted(
    repository: Path, tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository / "odd lib"
    folder.mkdir()
    more = "py_modules=['odd'], install_requires=open('requirements.in').read().split()"
    (folder / "setup.py").write_text(SETUP.format(marker=str(tmp_path / "marker"), more=more))
    (folder / "requirements.in").write_text("low\n")
    (folder / "odd.py").touch()
    app = repository / "app"
    requirements(app, f"odd @ {folder.as_uri()}\n")
    told = build(app, "-r", "requirements.txt")
    assert told.code == 2
    command = re.search(r"`(uv build [^`]+)`", told.err)
    assert command is not None
    own = index.url
    monkeypatch.delenv("UV_DEFAULT_INDEX")  # setuptools is that of the usual index
    monkeypatch.setenv("PATH", str(Path(find_uv_bin()).parent), prepend=os.pathsep)
    subprocess.run(["sh", "-c", command[1]], check=True, capture_output=True, cwd=app)
    monkeypatch.setenv("UV_DEFAULT_INDEX", own)
    (wheel,) = (app / "wheels").glob("*.whl")
    requirements(app, f"./wheels/{wheel.name}\n")
    result = build(app, "-r", "requirements.txt")
    assert result.code == 0, result.err
    assert {"python/odd.py", "python/low/__init__.py"} <= content(app)


def test_a_recipe_of_local_packages_alone_has_an_empty_lock(repository: Path) -> None:
    package(repository / "lib", "lib")
    made = write_recipe(repository, "a", recipe(STEP, runtime="python3.13", arch="arm64")).parent
    requirements(made, "-e ../../lib\n")
    assert layerwright("lock", "a", cwd=repository).code == 0
    assert "==" not in (made / "requirements.lock").read_text()
    result = layerwright("build", "a", "--no-test", cwd=repository)
    assert result.code == 0, result.err
    assert "python/lib/__init__.py" in content(repository)


@pytest.mark.parametrize(
    ("system", "more", "reason"),
    [
        ('requires = ["hatchling", "hatch-vcs"]\nbuild-backend = "hatchling.build"', "", "it is built with hatch-vcs"),
        (
            'requires = ["hatchling"]\nbuild-backend = "hatchling.build"',
            '[tool.hatch.build.hooks.custom]\npath = "hook.py"\n',
            "`tool.hatch.build.hooks` of its pyproject.toml is only followed by its backend",
        ),
        (
            'requires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"',
            '[[tool.setuptools.ext-modules]]\nname = "x"\nsources = ["x.c"]\n',
            "`tool.setuptools.ext-modules` of its pyproject.toml is only followed by its backend",
        ),
        ('requires = ["maturin"]\nbuild-backend = "maturin"', "", "its backend is `maturin`"),
        (
            'requires = ["setuptools"]\nbuild-backend = "backend"\nbackend-path = ["."]',
            "",
            "its backend is `backend`",
        ),
    ],
)
def test_hooks_and_other_backends_need_a_container(
    repository: Path, index: Index, system: str, more: str, reason: str
) -> None:
    for name in ("hatchling", "hatch-vcs", "setuptools", "maturin"):
        make_wheel(index.folder, name.replace("-", "_"), "1.0")
    folder = repository / "odd"
    (folder / "odd").mkdir(parents=True)
    (folder / "odd" / "__init__.py").touch()
    table = '[project]\nname = "odd"\nversion = "1"\ndependencies = ["low"]\n'
    (folder / "pyproject.toml").write_text(f"{table}[build-system]\n{system}\n{more}")
    found = resolved(requirements(repository / "app", "../odd\n"))
    assert set(found) == {"odd", "low"}
    assert found["odd"].by_container is not None
    assert found["odd"].by_container.reason == reason


@pytest.mark.usefixtures("static_uv")
def test_an_extension_is_compiled_in_the_build_image(repository: Path, engine: object, monkeypatch: Any) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")  # setuptools is that of the usual index
    folder = repository / "ext"
    folder.mkdir()
    (folder / "setup.py").write_text(
        "from setuptools import Extension, setup\nVERSION = open('VERSION').read().strip()\n"
        "setup(name='ext', version=VERSION, py_modules=['pure'], ext_modules=[Extension('ext_mod', ['ext.c'])])\n"
    )
    (folder / "VERSION").write_text("1.1\n")
    (folder / "pure.py").write_text("x = 1\n")
    (folder / "ext.c").write_text(
        "#include <Python.h>\n"
        'static struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "ext_mod", 0, -1, 0};\n'
        "PyMODINIT_FUNC PyInit_ext_mod(void) { return PyModule_Create(&m); }\n"
    )
    app = repository / "app"
    requirements(app, "-e ../ext\n")
    result = layerwright(
        *("build", "-r", "requirements.txt", "--runtime", "python3.13", "--arch", "x86_64", "--no-test", "--name", "d"),
        cwd=app,
    )
    assert result.code == 0, result.err
    assert {"python/pure.py", "python/ext_mod.cpython-313-x86_64-linux-gnu.so"} <= content(app)
    assert manifest(app)["ext"]["local"] == "ext"
    assert manifest(app)["ext"]["version"] == "1.1"  # only its program knows it
    assert engine
