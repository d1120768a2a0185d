"""The native libraries in jars, which the loader of a runtime's image resolves."""

import json
from pathlib import Path

import pytest
from kit import zips
from kit.bad import Workshop, patched, usable, zipped
from kit.commands import layerwright

from builder.model.architectures import ARM64, X86_64
from builder.packages.default_tests import Judgement
from builder.smoke import jar_libraries
from builder.smoke.jar_libraries import JarLibrary

MODULE = "int thing(void) { return 1; }"
GONE = "\tlibgone.so.1 => not found\n"
NEWER = "/x/liba.so: /lib64/libc.so.6: version `GLIBC_2.99' not found (required by /x/liba.so)\n"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    if why := usable():
        pytest.skip(why)
    folder = tmp_path / "shop"
    folder.mkdir()
    return Workshop(folder, lambda *_: {})


def library(name: str, jar: str = "java/lib/a-1.0.jar") -> JarLibrary:
    return JarLibrary(jar=jar, name=name, data=b"")


def judged(said: dict[str, str], late: int = 0) -> Judgement:
    """Judge libraries, given as `jar/name`, by what the loader said of each."""
    libraries = [library(name.rpartition("/")[2], f"java/lib/{name.partition('/')[0]}") for name in said]
    text = "".join(f"library {number}\n{said[name]}" for number, name in enumerate(said))
    return jar_libraries.judge(libraries, late, text)


def counted(judgement: Judgement) -> int:
    return judgement.tried[0].count


def test_a_jar_of_which_nothing_loads_fails_with_what_it_lacks() -> None:
    said = judged({"a.jar/liba.so": GONE + NEWER, "b.jar/libb.so": ""})
    assert said.failed == (
        "java/lib/a.jar: liba.so: libgone.so.1: cannot open shared object file, version `GLIBC_2.99' not found",
        "cannot be loaded: a.jar",
    )
    assert (counted(said), said.untried) == (1, ())


def test_a_jar_of_which_a_part_loads_passes_and_tells_the_rest() -> None:
    said = judged({"a.jar/libcore.so": "", "a.jar/libwindows.so": GONE}, late=2)
    assert said.failed == ()
    assert said.untried == (
        "libraries of jars that need what is not there (1: libwindows.so needs libgone.so.1)",
        "further libraries of jars (2)",
    )


def test_names_of_files_are_not_taken_for_words_of_the_program() -> None:
    newer = "/x/my library 1.so: version `A_2' not found (required by /x/my library 1.so)\n"
    said = judged({"a.jar/my library 1.so": newer, "b.jar/libb.so": ""})
    assert said.failed == ("java/lib/a.jar: my library 1.so: version `A_2' not found", "cannot be loaded: a.jar")
    assert (said.untried, counted(said)) == ((), 1)


def test_what_the_program_says_nothing_of_is_not_tried() -> None:
    said = jar_libraries.judge([library("liba.so"), library("libb.so")], 0, "library 0\n")
    assert (said.failed, said.untried, counted(said)) == ((), ("further libraries of jars (1)",), 1)
    assert jar_libraries.judge([library("liba.so")], 0, "").untried == ("further libraries of jars (1)",)


@pytest.mark.parametrize("order", [("", GONE), (GONE, "")])
def test_one_of_several_with_the_same_name_suffices(order: tuple[str, str]) -> None:
    """They are for Linux and other systems with the same processor, as those of sqlite-jdbc."""
    libraries = [library("libjdbc.so"), library("libjdbc.so")]
    said = jar_libraries.judge(libraries, 0, f"library 0\n{order[0]}library 1\n{order[1]}")
    assert (said.failed, said.untried, counted(said)) == ((), (), 1)


def test_libraries_of_java_itself_are_there() -> None:
    assert judged({"a.jar/liba.so": "\tlibjvm.so => not found\n"}).failed == ()


def test_what_the_loader_cannot_read_is_told_in_its_words() -> None:
    text = "/x/liba.so: error while loading shared libraries: /x/liba.so: ELF file OS ABI invalid\n"
    assert judged({"a.jar/liba.so": text}).failed[0] == "java/lib/a.jar: liba.so: /x/liba.so: ELF file OS ABI invalid"


def test_libraries_for_other_processors_and_systems_stay_in_their_jar(shop: Workshop) -> None:
    own = shop.compiled(MODULE, "-nostdlib")
    jar = zipped(
        {
            "linux/x64/liba.so": own,
            "linux/arm64/liba.so": patched(own, 18, b"\xb7\0"),
            "linux-musl/x64/liba.so": own,
            "readme.so": b"not ELF",
            "linux/x64/two\nlines.so": own,
            "osx/liba.dylib": own,
        }
    )
    tree = zips.tree({"java/lib/a.jar": jar, "java/lib/damaged.jar": b"PK", "lib/not.jar": jar})
    assert jar_libraries.unpacked(tree, X86_64) == ((JarLibrary(jar="java/lib/a.jar", name="liba.so", data=own),), 0)
    assert len(jar_libraries.unpacked(tree, ARM64)[0]) == 1


def test_what_is_beyond_the_limits_is_counted(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    own = shop.compiled(MODULE, "-nostdlib")
    tree = zips.tree({"java/lib/a.jar": zipped({f"lib{number}.so": own for number in range(5)})})
    monkeypatch.setattr(jar_libraries, "_MOST_BYTES", 2 * len(own))
    found, late = jar_libraries.unpacked(tree, X86_64)
    assert (len(found), late) == (2, 3)
    monkeypatch.setattr(jar_libraries, "_MOST_BYTES", 1 << 30)
    monkeypatch.setattr(jar_libraries, "_MOST", 4)
    found, late = jar_libraries.unpacked(tree, X86_64)
    assert (len(found), late) == (4, 1)


@pytest.mark.usefixtures("engine")
def test_jars_are_tested_by_the_loader_of_the_image(shop: Workshop, tmp_path: Path) -> None:
    own, needing = shop.compiled(MODULE, "-nostdlib"), shop.needing("libgone.so.1", "-nostdlib")
    where = ("--runtime", "java21", "--arch", "x86_64")
    fine = zips.write(tmp_path / "fine.zip", {"java/lib/a-1.0.jar": zipped({"liba.so": own})})
    result = layerwright("test", fine, *where, cwd=tmp_path)
    assert result.code == 0, result.err
    assert "resolving the libraries of each jar passes in java21 on x86_64" in result.out
    assert "1 libraries of jars; not tried: classes of jars" in result.out
    broken = zips.write(tmp_path / "broken.zip", {"java/lib/a-1.0.jar": zipped({"liba.so": needing})})
    result = layerwright("test", broken, *where, cwd=tmp_path)
    assert result.code == 6
    assert "java/lib/a-1.0.jar: liba.so: libgone.so.1: cannot open shared object file" in result.err
    assert "hint: `libgone.so.1` is missing: bundle it into lib/" in result.err
    together = zips.write(
        tmp_path / "together.zip",
        {
            "java/lib/a-1.0.jar": zipped({"liba.so": needing}),
            "lib/libgone.so.1": (shop.folder / "libgone.so.1").read_bytes(),
        },
    )
    assert layerwright("test", together, *where, cwd=tmp_path).code == 0
    (ran,) = json.loads((tmp_path / "together.tests.json").read_text())["runs"]
    assert {"what": "libraries of jars", "count": 1} in [each for one in ran["results"] for each in one["tried"]]
