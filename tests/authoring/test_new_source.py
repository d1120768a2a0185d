"""Recipes that `layerwright new` writes for upstream sources: the build system, the steps, the hash."""

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from kit import upstream
from kit.commands import Result, layerwright
from kit.wheels import Index, make_wheel

from builder.authoring import source_archive
from builder.base.files import sha256
from builder.model import recipes
from builder.model.recipe import Recipe
from builder.model.steps import Build, Packages, Script

MIT = """
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.
"""
CARGO = '[package]\nname = "tool"\nversion = "1.2.0"\n'


@dataclass(frozen=True)
class Upstream:
    folder: Path
    address: str
    work: Path

    def publish(self, files: Mapping[str, str], name: str = "tool-1.2.tar.gz", top: str = "tool-1.2/") -> str:
        upstream.pack(self.folder / name, files, top)
        return f"{self.address}/{name}"

    def new(self, url: str, *more: str, name: str = "mine") -> Result:
        return layerwright("new", name, "--source", url, *more, cwd=self.work)

    def recipe(self, name: str = "mine") -> Recipe:
        return recipes.load(self.work / "recipes", name).recipe


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Upstream]:
    (tmp_path / "work").mkdir()
    with upstream.serve(tmp_path / "served") as address:
        yield Upstream(folder=tmp_path / "served", address=address, work=tmp_path / "work")


@pytest.mark.parametrize(
    ("filename", "found"),
    [
        ("tool-1.2.tar.gz", ("tool", "1.2")),
        ("lz4-1.10.0.tar.xz", ("lz4", "1.10.0")),
        ("boost_1_86_0.tar.bz2", ("boost", "1_86_0")),
        ("pcre2-10.42.zip", ("pcre2", "10.42")),
        ("libxml2-v2.13.4.tgz", ("libxml2", "2.13.4")),
        ("sqlite-autoconf-3450000.tar.gz", ("sqlite-autoconf", "3450000")),
        ("zlib1.3.1.tar.gz", ("zlib", "1.3.1")),
        ("v1.2.3.tar.gz", ("", "1.2.3")),
        ("5.5.0.tar.gz", ("", "5.5.0")),
        ("clang-18.1.8.src.tar.xz", ("clang", "18.1.8")),
        ("main.zip", ("main", "")),
    ],
)
def test_name_and_version_are_those_of_the_file(filename: str, found: tuple[str, str]) -> None:
    assert source_archive.named(filename) == found


@pytest.mark.parametrize(
    ("files", "build", "installs"),
    [
        ({"configure": "", "configure.ac": "AC_INIT", "Makefile": "all:"}, "autotools", ()),
        ({"configure.ac": "AC_INIT"}, "autotools", ("autoconf", "automake", "libtool")),
        (
            {"configure.ac": "PKG_CHECK_MODULES([X], [x])"},
            "autotools",
            ("autoconf", "automake", "libtool", "pkgconf-m4", "pkgconf-pkg-config"),
        ),
        ({"CMakeLists.txt": "project(tool)"}, "cmake", ()),
        ({"CMakeLists.txt": "find_package(PkgConfig)", "configure.ac": ""}, "cmake", ("pkgconf-pkg-config",)),
        ({"meson.build": "dependency('zlib')"}, "meson", ("pkgconf-pkg-config",)),
        ({"Makefile": upstream.MAKEFILE, "greet.c": upstream.GREET}, "make", ()),
        ({"Makefile": "install uninstall:\n", "lib/Makefile": "x:\n\tcp x $(DESTDIR)$(PREFIX)\n"}, "make", ()),
    ],
)
def test_the_build_system_is_recognized_by_its_files(
    served: Upstream, files: Mapping[str, str], build: str, installs: tuple[str, ...]
) -> None:
    made = served.new(served.publish({**files, "COPYING": MIT}))
    assert made.code == 0, made.err
    recipe = served.recipe()
    steps = [step for step in recipe.step if isinstance(step, Build)]
    assert [step.build for step in steps] == [build]
    assert ("-DBUILD_SHARED_LIBS=ON" in steps[0].options) is (build == "cmake")
    assert tuple(name for step in recipe.step if isinstance(step, Packages) for name in step.install) == installs
    (source,) = recipe.source
    assert source.url == f"{served.address}/tool-{{version}}.tar.gz"
    assert source.sha256 == sha256(served.folder / "tool-1.2.tar.gz")
    assert (recipe.layer.version, recipe.layer.license) == ("1.2", "MIT")
    assert recipe.targets.runtimes == ("provided.al2023",)
    assert "/opt/bin/*" in str(recipe.test[0].shell)
    assert "is not encrypted" in made.err
    assert layerwright("lint", cwd=served.work).code == 0
    planned = layerwright("plan", "mine", "--arch", "arm64", "--json", cwd=served.work)
    assert planned.code == 0, planned.err
    assert f"systems/{build}.sh" in planned.json["plans"][0]["dockerfile"]


def test_programs_in_rust_and_go_are_compiled_by_their_locks(served: Upstream) -> None:
    rust = {"Cargo.toml": CARGO, "Cargo.lock": "", "src/main.rs": "fn main() {}", "src/bin/other.rs": ""}
    made = served.new(served.publish({**rust, "Makefile": upstream.MAKEFILE}), name="rust")
    assert made.code == 0, made.err
    recipe = served.recipe("rust")
    packages, script = recipe.step
    assert isinstance(packages, Packages)
    assert packages.install == ("cargo",)
    assert isinstance(script, Script)
    assert script.network
    assert 'cargo install --path . --root "$PREFIX" --locked' in script.run
    assert recipe.test[1].files == ("bin/tool", "bin/other")

    module = {"go.mod": "module example.com/greet/v2\n\nrequire example.com/x v1.0.0\n", "go.sum": "x"}
    mains = {"main.go": "package main", "cmd/serve/main.go": "package main"}
    made = served.new(served.publish({**module, **mains}, "go-2.0.tgz"), name="go")
    assert made.code == 0, made.err
    recipe = served.recipe("go")
    script = recipe.step[-1]
    assert isinstance(script, Script)
    assert '-o "$PREFIX/bin/greet" .\n' in script.run
    assert '-o "$PREFIX/bin/serve" ./cmd/serve\n' in script.run
    assert recipe.test[1].files == ("bin/serve", "bin/greet")
    vendored = {**module, **mains, "vendor/modules.txt": "", "go.sum": ""}
    assert served.new(served.publish(vendored, "go-2.1.tgz"), name="vendored").code == 0
    script = served.recipe("vendored").step[-1]
    assert isinstance(script, Script)
    assert not script.network


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"Cargo.toml": CARGO, "src/main.rs": ""}, "the archive has no Cargo.lock"),
        ({"go.mod": "module x.com/y\nrequire x.com/z v1.0.0\n", "main.go": ""}, "the archive has no go.sum"),
    ],
)
def test_a_source_whose_lock_is_missing_is_refused(served: Upstream, files: Mapping[str, str], told: str) -> None:
    refused = served.new(served.publish(files))
    assert refused.code == 4
    assert told in refused.err
    assert not (served.work / "recipes").exists()


def test_a_source_distribution_of_python_is_a_package_of_pip(served: Upstream, index: Index) -> None:
    make_wheel(index.folder, "setuptools", "80.0")
    info = {"PKG-INFO": "Metadata-Version: 2.1\nName: tool\nVersion: 1.2\nSummary: Works\n", "tool.py": "x = 1\n"}
    url = served.publish({**info, "setup.py": "raise SystemExit"})
    refused = served.new(url, "--runtime", "provided.al2023")
    assert refused.code == 2
    assert "provided.al2023 is not a runtime of Python" in refused.err
    made = served.new(url, "--runtime", "python3.13")
    assert made.code == 0, made.err
    text = (served.work / "recipes/mine/recipe.toml").read_text(encoding="utf-8")
    assert f'"tool @ {url}#sha256={sha256(served.folder / "tool-1.2.tar.gz")}"' in text
    assert 'version     = "1.2"' in text
    assert "import tool\n" in text
    assert layerwright("lint", cwd=served.work).code == 0


@pytest.mark.parametrize(
    "makefile",
    ["all:\n\techo $(PREFIX)\n", "install:\n\tcp x /usr/local/bin\n", "reinstall:\n\tcp x $(PREFIX)\n"],
    ids=["without-install", "without-prefix", "another-goal"],
)
def test_a_makefile_that_installs_elsewhere_is_not_recognized(served: Upstream, makefile: str) -> None:
    refused = served.new(served.publish({"Makefile": makefile}))
    assert refused.code == 2
    assert "is not recognized" in refused.err


def test_a_source_that_is_not_recognized_says_what_it_has_and_what_to_write(served: Upstream) -> None:
    refused = served.new(served.publish({"build.sh": "", "src/a.c": "", "README": "", "Makefile": "all:\n\techo\n"}))
    assert refused.code == 2
    assert "at its top: Makefile, README, build.sh, src/" in refused.err
    assert f"sha256 = {sha256(served.folder / 'tool-1.2.tar.gz')}" in refused.err
    assert "write recipe.toml by hand: a [[source]]" in refused.err
    assert not (served.work / "recipes").exists()


@pytest.mark.parametrize("name", ["tool-1.2.zip", "tool-1.2.tar.bz2", "tool-1.2.tar.xz"])
def test_archives_of_every_kind_are_read(served: Upstream, name: str) -> None:
    made = served.new(served.publish({"configure": ""}, name))
    assert made.code == 0, made.err
    assert served.recipe().layer.version == "1.2"


def test_an_archive_without_a_folder_at_its_top_is_read(served: Upstream) -> None:
    made = served.new(served.publish({"configure": "", "src/a.c": ""}, "v1.2.tar.gz", top="./"))
    assert made.code == 0, made.err
    assert served.recipe().source[0].url == f"{served.address}/v{{version}}.tar.gz"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://example.com/tool-1.2.tar.gz", "is not an address of http or https"),
        ("file:///tmp/tool-1.2.tar.gz", "is not an address of http or https"),
        ("https://user:secret@example.com/tool-1.2.tar.gz", "has credentials or a query"),
        ("https://example.com/tool-1.2.tar.gz?token=secret", "has credentials or a query"),
        ("https://example.com/tool", "does not end with the name of an archive"),
    ],
)
def test_an_address_that_no_recipe_may_have_is_refused_before_it_is_asked(tmp_path: Path, url: str, told: str) -> None:
    refused = layerwright("new", "mine", "--source", url, cwd=tmp_path)
    assert refused.code == 2
    assert told in refused.err
    assert "secret@" not in refused.err
    assert "token=secret" not in refused.err


def test_what_is_not_there_or_no_archive_is_told(served: Upstream) -> None:
    gone = served.new(f"{served.address}/tool-1.2.tar.gz")
    assert gone.code == 2
    assert "tool-1.2.tar.gz could not be fetched" in gone.err
    (served.folder / "page-1.0.tar.gz").write_text("<html>")
    page = served.new(f"{served.address}/page-1.0.tar.gz")
    assert page.code == 4
    assert "is not an archive that can be read" in page.err
    escaping = served.new(served.publish({"configure": ""}, top="../"))
    assert escaping.code == 4
    assert "the archive sends a value that is not a path below its folder" in escaping.err
    with tarfile.open(served.folder / "empty-1.0.tar.gz", "w:gz"):
        pass
    empty = served.new(f"{served.address}/empty-1.0.tar.gz")
    assert "it has no file" in empty.err
    assert not (served.work / "recipes").exists()


def test_nothing_of_a_source_is_run_or_unpacked_on_the_host(served: Upstream, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    evil = f"#!/bin/sh\ntouch {marker}\n"
    files = {
        "configure": evil,
        "setup.py": f"open({str(marker)!r}, 'w')",
        "build.rs": "",
        "Makefile": f"$(shell {evil})",
    }
    before = set(tmp_path.rglob("*.py"))
    made = served.new(served.publish(files))
    assert made.code == 0, made.err
    assert not marker.exists()
    assert set(tmp_path.rglob("*.py")) == before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--pip", "a"), "--source and --pip are mutually exclusive"),
        (("--from", "jq"), "--from and --source are mutually exclusive"),
        (("--packages", "zlib-devell"), "did you mean `zlib-devel`?"),
        (("--engine", "docker"), "--engine requires --try"),
    ],
)
def test_options_that_contradict_a_source_are_told(served: Upstream, more: tuple[str, ...], told: str) -> None:
    refused = served.new(f"{served.address}/tool-1.2.tar.gz", *more)
    assert refused.code == 2
    assert told in refused.err


def test_packages_to_compile_with_are_added(served: Upstream) -> None:
    made = served.new(served.publish({"configure.ac": ""}), "--packages", "zlib-devel", "--arch", "arm64")
    assert made.code == 0, made.err
    recipe = served.recipe()
    assert recipe.targets.architectures == ("arm64",)
    step = recipe.step[0]
    assert isinstance(step, Packages)
    assert step.install == ("autoconf", "automake", "libtool", "zlib-devel")


def test_the_runtimes_of_the_settings_that_share_a_system_take_a_program(served: Upstream) -> None:
    runtimes = '["python3.13", "python3.11", "nodejs22.x"]'
    (served.work / "layerwright.toml").write_text(f'runtimes = {runtimes}\narchitectures = ["arm64"]\n', "utf-8")
    made = served.new(served.publish({"configure": ""}))
    assert made.code == 0, made.err
    recipe = served.recipe()
    assert recipe.targets.runtimes == ("python3.13", "nodejs22.x")  # python3.11 has Amazon Linux 2
    assert recipe.targets.architectures == ("arm64",)
    named = served.new(f"{served.address}/tool-1.2.tar.gz", "--runtime", "java21", name="named")
    assert named.code == 0, named.err
    assert served.recipe("named").targets.runtimes == ("java21",)
