"""The metadata of an installed wheel, which its publisher wrote: read within limits, and names no other file."""

from pathlib import Path

from builder.packages.pypi import metadata

INFO = "Metadata-Version: 2.1\nName: A.b\nVersion: 1\nSummary: What it is.\nLicense-Expression: MIT\n"


def installed(folder: Path, info: str = INFO, record: str = "") -> tuple[str, str, list[str]]:
    described = folder / "a_b-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(info, encoding="utf-8")
    (described / "RECORD").write_text(record, encoding="utf-8")
    (folder / "good").mkdir()
    for name in ("good/__init__.py", "one.py", "other.py", "_private.py"):
        (folder / name).touch()
    return metadata.facts(folder, "a-b")


def test_modules_are_those_that_the_package_brought(tmp_path: Path) -> None:
    record = 'good/__init__.py,sha256=x,0\none.py,,\n_private.py,,\n"a_b-1.dist-info/RECORD",,\n'
    assert installed(tmp_path, record=record) == ("What it is.", "MIT", ["good", "one"])


def test_names_that_no_file_can_have_are_no_modules(tmp_path: Path) -> None:
    record = f"../x.py,,\n{'a' * 5000},,\n/etc/passwd,,\n\0,,\none.py,,\n,\n\n.,,\n"
    assert installed(tmp_path, record=record)[2] == ["one"]


def test_metadata_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    assert installed(tmp_path, info=INFO + "\n" + " " * (16 << 20)) == ("", "", [])


def test_nothing_is_known_without_metadata(tmp_path: Path) -> None:
    (tmp_path / "a_b-1.dist-info").mkdir()
    assert metadata.facts(tmp_path, "a-b") == ("", "", [])
