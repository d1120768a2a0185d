"""Wheels that are worked out from files are those that the real backends make."""

import configparser
import email.parser
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from uv import find_uv_bin

from builder.packages.pypi.local import building, tree

CODE = '"""A module."""\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
FLIT = '[build-system]\nrequires = ["flit_core>=3.11"]\nbuild-backend = "flit_core.buildapi"\n'
POETRY = '[build-system]\nrequires = ["poetry-core>=2"]\nbuild-backend = "poetry.core.masonry.api"\n'
UV = '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'
PROJECT = '[project]\nname = "my-Lib"\nversion = "1.0.0rc1"\n'
FULL = """\
[project]
name = "my-lib"
version = "1.2"
description = "A library"
readme = "README.md"
requires-python = ">=3.9"
license = "MIT"
keywords = ["a", "b"]
authors = [{ name = "Ann", email = "ann@example.org" }]
classifiers = ["Topic :: Utilities"]
dependencies = ["idna>=3", "six ; python_version < '4'"]
[project.optional-dependencies]
fast = ["lru-dict", "tomli ; python_version < '3.11' or os_name == 'nt'"]
[project.scripts]
run = "my_lib:main"
[project.entry-points."some.group"]
plug = "my_lib.deep:plug"
[project.urls]
Home = "https://example.org"
"""
PACKAGE = {
    "my_lib/__init__.py": CODE,
    "my_lib/deep/__init__.py": CODE,
    "my_lib/deep/more.py": CODE,
    "my_lib/data.json": "{}\n",
    "my_lib/py.typed": "",
    "my_lib/static/node_modules/chart/chart.js": "x",
    "my_lib/__pycache__/x.cpython-313.pyc": "x",
}
AROUND = {
    "README.md": "# Read\n",
    "LICENSE": "MIT\n",
    "tests/test_a.py": CODE,
    "docs/index.md": "x\n",
}
IN_SRC = {f"src/{name}": text for name, text in PACKAGE.items()}
LEGACY_SETUP = "from setuptools import setup\n\nsetup()\n"


def project(text: str, *parts: Mapping[str, str]) -> dict[str, str]:
    files = {"pyproject.toml": text}
    for part in parts:
        files.update(part)
    return files


CASES = {
    "setuptools: flat": project(FULL + SETUPTOOLS, PACKAGE, AROUND),
    "setuptools: src": project(PROJECT + SETUPTOOLS, IN_SRC, AROUND),
    "setuptools: one module": project(PROJECT + SETUPTOOLS, {"my_lib.py": CODE, "setup.py": LEGACY_SETUP}),
    "setuptools: without a build system": project(PROJECT, PACKAGE),
    "setuptools: found packages": project(
        PROJECT
        + SETUPTOOLS
        + '[tool.setuptools.packages.find]\nwhere = ["lib"]\nexclude = ["*.tests"]\nnamespaces = false\n',
        {f"lib/{name}": text for name, text in PACKAGE.items()},
        {"lib/my_lib/tests/__init__.py": CODE, "lib/space/inner.py": CODE},
    ),
    "setuptools: named packages, folders and data": project(
        PROJECT
        + SETUPTOOLS
        + '[tool.setuptools]\npackages = ["my_lib", "other.part"]\npy-modules = ["single"]\n'
        + '[tool.setuptools.package-dir]\n"other.part" = "elsewhere/part"\n'
        + '[tool.setuptools.package-data]\n"*" = ["*.json"]\nmy_lib = ["texts/**/*.txt"]\n'
        + '[tool.setuptools.exclude-package-data]\nmy_lib = ["secret.json"]\n',
        PACKAGE,
        {
            "single.py": CODE,
            "elsewhere/part/__init__.py": CODE,
            "elsewhere/part/x.json": "{}",
            "my_lib/secret.json": "{}",
            "my_lib/texts/deep/a.txt": "a",
            "my_lib/texts/b.txt": "b",
            "my_lib/texts/c.md": "c",
        },
    ),
    "setuptools: MANIFEST.in": project(
        PROJECT + SETUPTOOLS,
        IN_SRC,
        {
            "MANIFEST.in": "include README.md\nrecursive-include src/my_lib *.json *.cfg\nglobal-exclude a.cfg\n"
            "graft src/my_lib/grafted\nprune src/my_lib/grafted/pruned\n",
            "src/my_lib/a.cfg": "a",
            "src/my_lib/deep/b.cfg": "b",
            "src/my_lib/grafted/c.bin": "c",
            "src/my_lib/grafted/pruned/d.bin": "d",
        },
    ),
    "setuptools: dynamic fields of files": project(
        '[project]\nname = "my-lib"\ndynamic = ["version", "dependencies", "optional-dependencies", "readme"]\n'
        + SETUPTOOLS
        + '[tool.setuptools.dynamic]\nversion = { attr = "my_lib.VERSION" }\n'
        + 'dependencies = { file = ["requirements.txt"] }\nreadme = { file = ["README.md"] }\n'
        + '[tool.setuptools.dynamic.optional-dependencies]\nfast = { file = "fast.txt" }\n',
        {"my_lib/__init__.py": 'VERSION = "3.4"\n'},
        {"requirements.txt": "# ours\nidna>=3\n\nsix\n", "fast.txt": "lru-dict\n", "README.md": "# Read\n"},
    ),
    "setuptools: setup.cfg": {
        "pyproject.toml": SETUPTOOLS,
        "setup.py": LEGACY_SETUP,
        "setup.cfg": "[metadata]\nname = my_lib\nversion = attr: my_lib.__version__\ndescription = A library\n"
        "license = MIT\n\n[options]\npackage_dir =\n    = src\npackages = find:\npython_requires = >=3.9\n"
        "install_requires =\n    idna>=3\n    six; python_version < '4'\n\n[options.packages.find]\nwhere = src\n"
        "[options.extras_require]\nfast = lru-dict\n[options.package_data]\n* = *.json\n"
        "[options.entry_points]\nconsole_scripts =\n    run = my_lib:main\n",
        **IN_SRC,
        "src/my_lib/__init__.py": '__version__: str = "7.1"\n',
    },
    "hatch: flat": project(FULL + HATCH, PACKAGE, AROUND),
    "hatch: src": project(PROJECT + HATCH, IN_SRC, AROUND),
    "hatch: a namespace": project(PROJECT + HATCH, {f"space/{name}": text for name, text in PACKAGE.items()}),
    "hatch: one module": project(PROJECT + HATCH, {"my_lib.py": CODE}),
    "hatch: options": project(
        PROJECT
        + HATCH
        + '[tool.hatch.build.targets.wheel]\npackages = ["libs/first", "second"]\nexclude = ["*.cfg"]\n'
        + '[tool.hatch.build.targets.wheel.force-include]\n"extra/file.bin" = "first/file.bin"\n',
        {"libs/first/__init__.py": CODE, "second/__init__.py": CODE, "second/a.cfg": "a", "extra/file.bin": "x"},
    ),
    "hatch: include and sources": project(
        PROJECT + HATCH + '[tool.hatch.build]\ninclude = ["code/**/*.py"]\nsources = ["code"]\n',
        {"code/one/__init__.py": CODE, "code/one/a.txt": "a", "code/two.py": CODE},
    ),
    "hatch: a version in a file, and .gitignore": project(
        '[project]\nname = "my-lib"\ndynamic = ["version"]\n'
        + HATCH
        + '[tool.hatch.version]\npath = "my_lib/about.py"\n',
        PACKAGE,
        {"my_lib/about.py": '__version__ = "1.2.3"\n', ".gitignore": "*.log\n/my_lib/ignored/\n"},
        {"my_lib/a.log": "x", "my_lib/ignored/b.py": CODE, "my_lib/deep/c.log": "x"},
    ),
    "hatch: a version by a pattern": project(
        '[project]\nname = "my-lib"\ndynamic = ["version"]\n'
        + HATCH
        + "[tool.hatch.version]\npath = \"my_lib/about.txt\"\npattern = 'release: v(?P<version>[0-9.]+)'\n",
        PACKAGE,
        {"my_lib/about.txt": "the release: v4.5 of it\n"},
    ),
    "flit: a package": project(FULL + FLIT, PACKAGE, AROUND),
    "flit: version and summary of the module": project(
        '[project]\nname = "my-lib"\ndynamic = ["version", "description"]\n' + FLIT,
        {**IN_SRC, "src/my_lib/__init__.py": '"""A summary.\n\nMore.\n"""\n\n__version__ = "0.4"\n'},
    ),
    "flit: one module": project(
        '[project]\nname = "other"\nversion = "1"\ndescription = "x"\n'
        + FLIT
        + '[tool.flit.module]\nname = "my_lib"\n',
        {"my_lib.py": CODE},
    ),
    "poetry: PEP 621": project(FULL.replace('license = "MIT"\n', "") + POETRY, PACKAGE, AROUND),
    "poetry: its own tables": project(
        '[tool.poetry]\nname = "my-lib"\nversion = "1.2"\ndescription = "A library"\n'
        'authors = ["Ann <a@example.org>"]\n'
        '[tool.poetry.dependencies]\npython = "^3.9"\nidna = "^3.4"\nsix = "~1.16"\nattrs = "*"\n'
        'rich = { version = ">=13,<15", optional = true }\ntomli = { version = "^2.0.1", python = "<3.11" }\n'
        'click = { version = "8.1.*", extras = ["x"] }\nzipp = "3.20.0"\n'
        '[tool.poetry.extras]\nfancy = ["rich"]\n[tool.poetry.scripts]\nrun = "my_lib:main"\n'
        '[tool.poetry.plugins."some.group"]\nplug = "my_lib.deep:plug"\n' + POETRY,
        IN_SRC,
    ),
    "poetry: packages": project(
        '[tool.poetry]\nname = "some"\nversion = "1"\ndescription = ""\nauthors = []\nexclude = ["**/*.cfg"]\n'
        'packages = [{ include = "my_lib", from = "libs" }, { include = "other", to = "target" }]\n' + POETRY,
        {f"libs/{name}": text for name, text in PACKAGE.items()},
        {"other/__init__.py": CODE, "other/a.cfg": "x"},
    ),
    "uv: src": project(FULL + UV, IN_SRC, AROUND),
    "uv: another root and name": project(
        PROJECT + UV + '[tool.uv.build-backend]\nmodule-root = ""\nmodule-name = "other"\n',
        {"other/__init__.py": CODE, "other/x.txt": "x"},
    ),
    "uv: a namespace": project(
        PROJECT + UV + '[tool.uv.build-backend]\nmodule-name = "space.inner"\n',
        {"src/space/inner/__init__.py": CODE, "src/space/inner/a.txt": "a"},
    ),
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / ".git").mkdir(exist_ok=True)
    return folder


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def code(content: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return all but what a backend says of itself."""
    return {name: data for name, data in content.items() if ".dist-info/" not in name}


def licences(content: Mapping[str, bytes]) -> set[str]:
    return {name.rpartition("/")[2] for name in content if "LICENSE" in name}


def fields(content: Mapping[str, bytes]) -> dict[str, object]:
    (data,) = (data for name, data in content.items() if name.endswith(".dist-info/METADATA"))
    message = email.parser.BytesParser().parsebytes(data)
    required = [Requirement(str(text)) for text in message.get_all("Requires-Dist", [])]
    return {
        **{key: message[key] or "" for key in ("Version", "Summary")},
        "Name": str(message["Name"]).lower().replace("_", "-"),
        "License-Expression": message["License-Expression"],
        "Requires-Python": {part.strip() for part in str(message["Requires-Python"] or "").split(",")},
        "Requires-Dist": {(each.name, str(each.specifier), holds(each), *sorted(each.extras)) for each in required},
        "Provides-Extra": set(message.get_all("Provides-Extra", [])),
    }


def holds(requirement: Requirement) -> tuple[bool, ...]:
    """Return whether a requirement is one with extras and Pythons: each backend writes its marker in its own order."""
    environments = [
        {"extra": extra, "python_version": version, "python_full_version": f"{version}.1", "os_name": system}
        for extra in ("", "fast", "fancy")
        for version in ("3.9", "3.10", "3.11", "3.13", "4.0")
        for system in ("posix", "nt")
    ]
    return tuple(requirement.marker is None or requirement.marker.evaluate(each) for each in environments)


def entry_points(content: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(delimiters=("=",))
    text = next((data for name, data in content.items() if name.endswith("/entry_points.txt")), b"")
    parser.read_string(text.decode())
    return {name: dict(parser[name]) for name in parser.sections()}


def ours(folder: Path) -> Path:
    source = tree.read(folder)
    package = building.read(source)
    assert package.content, package.reason
    return building.made(source, package)


@pytest.mark.network
@pytest.mark.parametrize("case", CASES)
def test_a_wheel_is_that_of_the_real_backend(case: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "project", CASES[case])
    mine = ours(folder)
    command = [find_uv_bin(), "build", "--wheel", str(folder), "-o", str(tmp_path / "real"), "--no-config"]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = (tmp_path / "real").glob("*.whl")
    real, found = unpacked(path), unpacked(mine)
    assert mine.name.split("-")[:2] == path.name.split("-")[:2]
    assert code(found) == code(real)
    assert fields(found) == fields(real)
    assert entry_points(found) == entry_points(real)
    assert licences(found) == licences(real)
