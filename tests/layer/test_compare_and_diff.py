"""Two zips of one layer, two versions of one layer, and findings for code hosts."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kit import zips
from kit.commands import layerwright

from builder.layer import checks, merge, sarif
from builder.layer.compare import differences, sections
from builder.layer.reader import LayerZip

METADATA = "python/p-{0}.dist-info/METADATA"


def compared(one: Path, other: Path) -> list[str]:
    with LayerZip(one) as first, LayerZip(other) as second:
        return list(differences(first, second))


def test_equal_zips_have_no_difference(tmp_path: Path) -> None:
    first = zips.write(tmp_path / "a.zip", {"python/a.py": b"1"})
    assert compared(first, zips.write(tmp_path / "b.zip", {"python/a.py": b"1"})) == []


def test_each_kind_of_difference_is_named(tmp_path: Path) -> None:
    files = {"python/a.py": b"one two", "python/gone.py": b"", "bin/m": b"x", "lib/l": b"to"}
    link = {"lib/l": 0o120777}
    first = zips.write(tmp_path / "a.zip", files, modes=link)
    other = {"python/a.py": b"one three", "python/new.py": b"", "bin/m": b"x", "lib/l": b"other"}
    second = zips.write(tmp_path / "b.zip", other, modes={**link, "bin/m": 0o100755})
    assert compared(first, second) == [
        "bin/m has mode 644 and 755",
        "lib/l points to to and to other",
        "python/a.py differs from byte 5 on (7 and 9 bytes)",
        "python/gone.py is only in the first",
        "python/new.py is only in the second",
    ]


def test_order_alone_is_told(tmp_path: Path) -> None:
    first = zips.write(tmp_path / "a.zip", {"a": b"1", "b": b"2"})
    second = zips.write(tmp_path / "b.zip", {"b": b"2", "a": b"1"})
    assert compared(first, second) == ["the files are equal; their order, times or compression in the zips are not"]


def test_the_section_of_a_program_is_named(tmp_path: Path, program: Callable[[str], str]) -> None:
    made = []
    for number, text in enumerate(("first", "other")):
        (tmp_path / "x.c").write_text(f'const char *word(void) {{ return "{text}"; }}')
        out = tmp_path / f"x{number}.so"
        flags = ["-shared", "-fPIC", "-Wl,--build-id=none"]
        subprocess.run([program("gcc"), *flags, "-o", str(out), str(tmp_path / "x.c")], check=True)
        made.append(zips.write(tmp_path / f"{number}.zip", {"lib/x.so": out.read_bytes()}))
    (line,) = compared(*made)
    assert line.startswith("lib/x.so differs in .rodata (from byte 0 of ")
    names = subprocess.run(
        [program("readelf"), "-S", "-W", str(tmp_path / "x0.so")], capture_output=True, encoding="utf-8", check=True
    ).stdout
    found = [name for name, _ in sections((tmp_path / "x0.so").read_bytes()) if name.startswith(".")]
    assert len(found) > 10
    assert all(f" {name} " in names for name in found)


def test_diff_shows_packages_versions_files_and_ceilings(tmp_path: Path) -> None:
    old = {METADATA.format("1"): b"", "python/a.py": b"x" * 10, "python/same.py": b"", "python/gone.py": b"y"}
    new = {METADATA.format("2"): b"", "python/a.py": b"x" * 30, "python/same.py": b"", "bin/true": TRUE}
    zips.write(tmp_path / "old.zip", old)
    zips.write(tmp_path / "new.zip", new, modes={"bin/true": 0o100755})
    changes = json.loads(layerwright("diff", "old.zip", "new.zip", "--json", cwd=tmp_path).out)["changes"]
    rows = {(one["kind"], one["name"]): (one["old"], one["new"]) for one in changes}
    assert rows["package", "p"] == ("1", "2")
    assert rows["abi", "GLIBC"][0] is None
    assert rows["abi", "GLIBC"][1].startswith("2.")
    assert rows["needs", "libc.so.6"] == (None, "yes")
    assert rows["file", "python/a.py"] == ("10", "30")
    assert rows["file", "python/gone.py"] == ("1", None)
    assert ("file", "python/same.py") not in rows
    table = layerwright("diff", "old.zip", "new.zip", "--markdown", "--files", "1", cwd=tmp_path).out
    assert table.splitlines()[0] == "| what | name | old.zip | new.zip | bytes |"
    assert "| package | p | 1 | 2 |  |" in table
    assert "more files; --files" in table
    assert layerwright("diff", "old.zip", "old.zip", cwd=tmp_path).out == "no difference\n"


TRUE = Path("/bin/true").read_bytes() if Path("/bin/true").exists() else b""
pytestmark = pytest.mark.skipif(not TRUE.startswith(b"\x7fELF"), reason="needs a system of ELF programs")


def test_inspect_abi_shows_what_each_file_needs(tmp_path: Path) -> None:
    zips.write(tmp_path / "x.zip", {"bin/true": TRUE, "python/a.py": b""})
    shown = layerwright("inspect", "x.zip", "--abi", cwd=tmp_path).out.splitlines()
    assert shown[0].split()[:6] == ["file", "machine", "GLIBC", "GLIBCXX", "CXXABI", "GCC"]
    assert shown[1].split()[0] == "bin/true"
    assert "libc.so.6" in shown[1]
    (elf,) = json.loads(layerwright("inspect", "x.zip", "--json", cwd=tmp_path).out)["elves"]
    assert elf["path"] == "bin/true"
    assert elf["abi"]["GLIBC"].startswith("2.")


def test_sarif_names_rule_file_and_way_out(tmp_path: Path) -> None:
    zips.write(tmp_path / "x.zip", {"lib64/a b.txt": b"x", "python/.netrc": b"x"})
    where = ["--runtime", "python3.13", "--arch", "arm64"]
    result = layerwright("check", "x.zip", *where, "--sarif", "--strict", cwd=tmp_path)
    assert result.code == 5
    document = json.loads(result.out)
    assert (document["version"], document["$schema"]) == ("2.1.0", sarif.SCHEMA)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [*checks.CHECKS, *merge.CHECKS]
    found = {one["ruleId"]: one for one in run["results"]}
    assert set(found) == {"layer-path", "secret"}
    secret = found["secret"]
    assert rules[secret["ruleIndex"]] == "secret"
    assert secret["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "x.zip/python/.netrc"
    assert "Hint: " in secret["message"]["text"]
