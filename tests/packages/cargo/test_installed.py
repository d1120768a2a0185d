import json
import struct
import zlib

from kit.zips import entry

from builder.layer.licences import declared
from builder.layer.sbom import package_url
from builder.layer.tree import Tree, of
from builder.model.manifest import PackageRow
from builder.packages import table
from builder.packages.cargo import installed

LIST = "share/licenses/cargo/program.json"
ROWS = [
    {"name": "program", "version": "1.0.0", "license": "MIT"},
    {"name": "one", "version": "2.0.0", "license": "MIT OR Apache-2.0"},
    {"name": "bare", "version": "0.1.0", "license": None},
    {"name": "old", "version": "0.1.0", "license": "Unlicense/MIT"},
]


def tree(**more: bytes) -> Tree:
    files = {LIST: json.dumps({"packages": ROWS}).encode(), "share/licenses/cargo/one-2.0.0/LICENSE-MIT": b"text"}
    return of(entry(path, data) for path, data in {**files, **more}.items())


def elf(section: bytes, name: bytes = b".dep-v0") -> bytes:
    """Return the smallest ELF file with one section and the names of sections."""
    names = b"\0" + name + b"\0"
    start = 64 + len(section)
    table_at = start + len(names)
    head = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table_at, 0, 64, 0, 0, 64, 3, 2)
    )
    rows = [(0, 0, 0, 0, 0, 0), (1, 1, 0, 0, 64, len(section)), (0, 3, 0, 0, start, len(names))]
    return head + section + names + b"".join(struct.pack("<IIQQQQ", *row) + bytes(24) for row in rows)


def audited(*rows: dict[str, object]) -> bytes:
    return elf(zlib.compress(json.dumps({"packages": rows}).encode()))


def found(content: Tree) -> dict[str, str]:
    return {f"{one.name} {one.version}": one.license for one in installed.installed(content)}


ROW = PackageRow(name="one", version="2.0.0", ecosystem="cargo", route="cargo", file="one-2.0.0.crate", sha256="a" * 64)


def test_the_list_of_a_build_tells_crates_licenses_and_texts() -> None:
    assert found(tree()) == {
        "program 1.0.0": "MIT",
        "one 2.0.0": "MIT OR Apache-2.0",
        "bare 0.1.0": "",
        "old 0.1.0": "Unlicense OR MIT",
    }
    rows = {row.package: row for row in declared(tree(), table.installed(tree()))}
    assert rows["one"].texts == ("share/licenses/cargo/one-2.0.0/LICENSE-MIT",)
    assert rows["bare"].license == "NOASSERTION"
    assert str(package_url(ROW)) == "pkg:cargo/one@2.0.0"


def test_a_program_of_cargo_auditable_tells_its_crates() -> None:
    data = audited(
        {"name": "a", "version": "1.0.0", "source": "local"}, {"name": "b", "version": "1.0.0", "kind": "build"}
    )
    assert found(of([entry("bin/program", data)])) == {"a 1.0.0": ""}


def test_what_the_list_knows_better_is_there_once() -> None:
    more = tree(**{"bin/program": audited({"name": "one", "version": "2.0.0"}, {"name": "new", "version": "1.0.0"})})
    assert found(more)["one 2.0.0"] == "MIT OR Apache-2.0"
    assert [one.name for one in installed.installed(more)].count("one") == 1
    assert "new 1.0.0" in found(more)


def test_damaged_lists_and_programs_name_nothing() -> None:
    good = audited({"name": "a", "version": "1.0.0"})
    bomb = elf(zlib.compress(b" " * (17 << 20)))
    damaged = [b"\x7fELF", good[:200], elf(b"no zlib"), elf(zlib.compress(b"[")), elf(zlib.compress(b"[7]")), bomb]
    damaged += [good[:40] + b"\xff" * 8 + good[48:], good[:60] + b"\xff" * 4, elf(zlib.compress(b"{}"), b".other")]
    for data in damaged:
        assert found(of([entry("bin/program", data)])) == {}
    for text in (b"", b"[", b"[" * 20_000, b"7", b'{"packages": 7}', b'{"packages": [7]}'):
        assert found(of([entry(LIST, text)])) == {}
