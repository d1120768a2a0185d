"""Packages of a command line as people name them: a file with constraints beside it, a folder, the project itself."""

import zipfile
from pathlib import Path

import pytest
from kit.commands import Result, layerwright
from kit.wheels import Index, make_wheel

PROJECT = """[project]
name = "{name}"
version = "1.0"
dependencies = ["left"]
[build-system]
requires = ["{backend}"]
build-backend = "{module}"
"""
BACKENDS = {"hatchling": "hatchling.build", "flit_core": "flit_core.buildapi", "setuptools": "setuptools.build_meta"}


def build(folder: Path, *arguments: str) -> Result:
    return layerwright("build", *arguments, "--runtime", "python3.13", "--arch", "arm64", "--no-test", cwd=folder)


def content(folder: Path) -> set[str]:
    (path,) = (folder / "dist").glob("*.zip")
    return {name.removeprefix("python/") for name in zipfile.ZipFile(path).namelist()}


def package(folder: Path, backend: str = "hatchling") -> Path:
    (folder / "ours").mkdir(parents=True)
    (folder / "ours" / "__init__.py").touch()
    text = PROJECT.format(name="ours", backend=backend, module=BACKENDS[backend])
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_constraints_beside_the_requirements_are_obeyed_and_tests_left_out(index: Index, tmp_path: Path) -> None:
    for version in ("2.2.3", "2.3.0"):
        tests = {"frames/tests/test_it.py": b"", "frames/core.py": b""}
        make_wheel(index.folder, "frames", version, requires=("numerics",), files=tests)
    for version in ("2.1.3", "2.4.0"):
        make_wheel(index.folder, "numerics", version)
    service = tmp_path / "service"
    service.mkdir()
    (service / "requirements.txt").write_text("-c constraints.txt\nframes\n", encoding="utf-8")
    (service / "constraints.txt").write_text("frames==2.2.3\nnumerics==2.1.3\n", encoding="utf-8")
    result = build(tmp_path, "-r", "service/requirements.txt", "--name", "deps")
    assert result.code == 0, result.err
    found = content(tmp_path)
    assert {"frames-2.2.3.dist-info/METADATA", "numerics-2.1.3.dist-info/METADATA", "frames/core.py"} <= found
    assert not any("tests" in name or "2.3.0" in name or "2.4.0" in name for name in found)


def test_a_library_and_the_package_with_its_data_are_in_one_layer(index: Index, tmp_path: Path) -> None:
    """A model is a package of data, which finds its library by what it requires."""
    make_wheel(index.folder, "tagger", "3.8.1", files={"tagger/lang/en.bin": b"\0" * 9})
    data = {f"tagger_model/tagger_model-3.8.0/{name}": b"1" for name in ("config.cfg", "vocab/strings.json")}
    make_wheel(index.folder, "tagger_model", "3.8.0", requires=("tagger>=3.8,<3.9",), files=data)
    (tmp_path / "requirements.txt").write_text("tagger\ntagger-model\n", encoding="utf-8")
    result = build(tmp_path, "-r", "requirements.txt", "--name", "model")
    assert result.code == 0, result.err
    assert {"tagger/lang/en.bin", *data, "tagger/__init__.py"} <= content(tmp_path)


@pytest.mark.parametrize("named", ["../ours", "-e ../ours", "ours @ ../ours", "../ours/", "./../ours"])
def test_a_folder_can_be_named_from_another(index: Index, tmp_path: Path, named: str) -> None:
    make_wheel(index.folder, "left", "1.0")
    (tmp_path / ".git").mkdir()
    (tmp_path / "service").mkdir()
    package(tmp_path / "ours")
    result = build(tmp_path / "service", "--pip", named)
    assert result.code == 0, result.err
    assert {"ours/__init__.py", "left/__init__.py"} <= content(tmp_path / "service")


@pytest.mark.parametrize("way", ["--pip", "-r"])
@pytest.mark.parametrize("named", ["-e .", "."])
def test_the_project_itself_can_be_named(index: Index, tmp_path: Path, way: str, named: str) -> None:
    make_wheel(index.folder, "left", "1.0")
    folder = package(tmp_path / "ours")
    (folder / "requirements.txt").write_text(f"{named}\n", encoding="utf-8")
    result = build(folder, way, "requirements.txt" if way == "-r" else named)
    assert result.code == 0, result.err
    assert {"ours/__init__.py", "left/__init__.py"} <= content(folder)


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    "line",
    [
        "--trusted-host u:SECRET@h",
        "--trusted-host=https://u:SECRET@h/",
        "--trusted-host h:SECRET",
        "--foo u:SECRET@h",
        "--client-cert=SECRET",
        "six==1 --config-settings=SECRET",
        "six==1 --foo  SECRET",
    ],
)
def test_values_of_options_that_are_refused_are_not_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"{line}\nsix==1\n", encoding="utf-8")
    result = build(tmp_path, "-r", "requirements.txt", "--name", "x")
    assert result.code == 2
    assert "SECRET" not in result.err + result.out
    option = next(word for word in line.replace("=", " ").split() if word.startswith("--"))
    assert "requirements.txt:1: " in result.err
    assert option in result.err


@pytest.mark.parametrize("backend", ["hatchling", "flit_core"])
@pytest.mark.parametrize("target", ["nowhere", "data.json", "ours.py/none"])
def test_a_link_that_points_to_nothing_is_told(index: Index, tmp_path: Path, backend: str, target: str) -> None:
    make_wheel(index.folder, "left", "1.0")
    folder = package(tmp_path / "ours", backend)
    (folder / "ours" / "ours.py").touch()
    (folder / "ours" / "data.json").symlink_to(target)
    result = build(tmp_path, "--pip", "./ours")
    assert result.code == 2, result.err
    assert "data.json" in result.err
    assert "cache" not in result.err
    if target != "data.json":  # which leads in a circle
        assert f"ours/data.json is a link to {target}, which is not there" in result.err


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("servces", "services"),
        ("./servces", "./services"),
        ("services/ordrs", "services/orders"),
        ("servces/x", "services"),
    ],
)
def test_a_folder_that_is_nearly_there_is_named(tmp_path: Path, named: str, meant: str) -> None:
    (tmp_path / "services" / "orders").mkdir(parents=True)
    result = build(tmp_path, named)
    assert result.code == 2
    assert f"did you mean `{meant}`?" in result.err


def test_an_export_of_uv_beside_its_project_comes_from_the_indexes_of_the_project(tmp_path: Path) -> None:
    """`uv export` writes `-e .` and versions, and no index."""
    work, wheels = tmp_path / "work", tmp_path / "work" / "wheels"
    (work / "orders").mkdir(parents=True)
    wheels.mkdir()
    for version in ("1.0", "1.4"):
        make_wheel(wheels, "tiny_codec", version)
    (work / "orders" / "__init__.py").write_text("", encoding="utf-8")
    (work / "pyproject.toml").write_text(
        '[project]\nname = "orders"\nversion = "1"\ndependencies = ["tiny-codec>=1"]\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[tool.uv]\nno-index = true\nfind-links = ["wheels"]\n',
        encoding="utf-8",
    )
    (work / "requirements.txt").write_text("-e .\ntiny-codec==1.0\n    # via orders\n", encoding="utf-8")
    options = ("--runtime", "python3.13", "--arch", "arm64", "--no-test")
    result = layerwright("build", "-r", "work/requirements.txt", *options, cwd=tmp_path)
    assert result.code == 0, result.err
    (path,) = (tmp_path / "dist").glob("*.zip")
    names = {name.split("/")[1] for name in zipfile.ZipFile(path).namelist()}
    assert {"tiny_codec-1.0.dist-info", "orders"} <= names
    assert "tiny_codec-1.4.dist-info" not in names
