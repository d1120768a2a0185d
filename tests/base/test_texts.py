"""Texts of a user: whatever lies in a recipe's folder, the command tells which file it is about."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe

from builder.base import texts
from builder.base.errors import UsageError

DEEP = 20_000
FILES = {
    "requirements.lock": ("python3.13", 'uses = "pip"\nrequirements = ["a==1"]'),
    "requirements.txt": ("python3.13", 'uses = "pip"\nfile = "requirements.txt"'),
    "package.json": ("nodejs22.x", 'uses = "npm"\nfile = "package.json"'),
    "package-lock.json": ("nodejs22.x", 'uses = "npm"\npackages = ["a@1.0.0"]'),
    "Gemfile": ("ruby3.4", 'uses = "gem"\nfile = "Gemfile"'),
    "Gemfile.lock": ("ruby3.4", 'uses = "gem"\ngems = ["a"]'),
    "maven.lock": ("java21", 'uses = "maven"\nartifacts = ["a.b:c:1.0"]'),
    "cargo.lock": ("provided.al2023", 'uses = "cargo"\ncrate = "a@1.0.0"'),
    "p/Cargo.toml": ("provided.al2023", 'uses = "cargo"\npath = "p"'),
    "go.mod": ("provided.al2023", 'uses = "go"\npackage = "example.test/a@v1.0.0"'),
    "p/go.mod": ("provided.al2023", 'uses = "go"\npath = "p"'),
}
TOO_MUCH = {
    "package.json": b'{"dependencies": ' + b"[" * DEEP,
    "package-lock.json": b'{"packages": ' + b"[" * DEEP,
    "cargo.lock": b"a = " + b"[" * DEEP,
    "p/Cargo.toml": b"a = " + b"[" * DEEP,
}
NO_TABLE = {"package.json": b"[]", "package-lock.json": b"[]"}
DAMAGED = [
    *(pytest.param(name, b"\xff\xfe a\n", id=f"{name}-no-utf-8") for name in FILES),
    *(pytest.param(name, data, id=f"{name}-deep") for name, data in TOO_MUCH.items()),
    *(pytest.param(name, data, id=f"{name}-no-table") for name, data in NO_TABLE.items()),
]
BESIDE = {
    "Gemfile": {"Gemfile.lock": "GEM\n  remote: https://gems.test/\n  specs:\n\nDEPENDENCIES\n"},
    "p/Cargo.toml": {"p/Cargo.lock": "version = 3\n"},
    "go.mod": {"go.sum": ""},
    "package.json": {"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": {"": {}}})},
}


@pytest.mark.parametrize(("name", "data"), DAMAGED)
def test_a_damaged_file_beside_a_recipe_is_told_by_its_name(tmp_path: Path, name: str, data: bytes) -> None:
    runtime, step = FILES[name]
    folder = write_recipe(tmp_path, "a", recipe(f"[[step]]\n{step}", runtime=runtime, arch="arm64")).parent
    (folder / "p").mkdir()
    for other, text in BESIDE.get(name, {}).items():
        (folder / other).write_text(text)
    (folder / name).write_bytes(data)
    result = layerwright("lint", "a", cwd=tmp_path)
    assert result.code == 2, result.err
    assert name in result.err
    assert "Traceback" not in result.err


def test_a_recipe_that_is_nested_too_deeply(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", "a = " + "[" * DEEP)
    result = layerwright("lint", "a", cwd=tmp_path)
    assert (result.code, "nested too deeply" in result.err) == (2, True), result.err


def test_lines_end_in_the_same_way_whichever_host_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes("ä\r\nb\rc\n".encode())
    assert texts.read(path) == "ä\nb\nc\n"


@pytest.mark.parametrize("name", [".", "missing"])
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        texts.read(tmp_path / name)


def test_a_text_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(UsageError, match="/dev/zero is too large"):
        texts.read(Path("/dev/zero"))


@pytest.mark.parametrize("parse", [texts.parse_json, texts.parse_toml])
@pytest.mark.parametrize("text", ["a = " + "[" * DEEP, "[" * DEEP, "{", '"\x00"'])
def test_what_is_damaged_is_one_kind_of_error(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(texts.MalformedError):
        parse(text)


BOMBS = {
    "nested lists": (texts.parse_json, "[" * 5000 + "]" * 5000, "nested too deeply"),
    "nested objects": (texts.parse_json, '{"a":' * 300 + "1" + "}" * 300, "nested too deeply"),
    "many values": (texts.parse_json, "[" + "[]," * 2_100_000 + "1]", "too large"),
    "bytes": (texts.parse_json, b"[" * 1000, "nested too deeply"),
    "nested lists of TOML": (texts.parse_toml, "a = " + "[" * 5000, "nested too deeply"),
    "a long dotted key": (texts.parse_toml, "a." * 500 + "a = 1", "nested too deeply"),
    "a long table": (texts.parse_toml, "[" + "a . " * 500 + "a]", "nested too deeply"),
    "a long key in an inline table": (texts.parse_toml, "x = {" + "'a'." * 500 + "a = 1}", "nested too deeply"),
    "many tables": (texts.parse_toml, "".join(f"[a.b{n}]\n" for n in range(150_000)), "too large"),
    "a long text": (texts.parse_toml, 'a = "' + "x" * (17 << 20) + '"', "too large"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_takes_too_long_or_too_much_is_refused_before(bomb: str) -> None:
    parse, text, why = BOMBS[bomb]
    began = time.process_time()
    with pytest.raises(texts.MalformedError, match=why):
        parse(text)  # type: ignore[arg-type]
    assert time.process_time() - began < 5


def test_what_locks_have_is_read() -> None:
    lock = "".join(
        f'[[package]]\nname = "a{n}"\nversion = "1.2.3"\nsource = "registry+https://a.b.c/d"\n' for n in range(5000)
    )
    assert len(texts.parse_toml(lock)["package"]) == 5000
    assert texts.parse_toml("a.b.c.d.e = 1\nf = '" + "..." * 30 + "'")["a"]["b"]["c"]["d"]["e"] == 1
    assert texts.parse_json("5") == 5
    assert texts.parse_json('{"a": [[[1]]]}') == {"a": [[[1]]]}


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 250])
@pytest.mark.parametrize("told", [0, 1, 50, 100, 250])
def test_a_file_is_read_to_the_limit_whatever_its_size_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, told: int
) -> None:
    """A file may grow while it is read, and one of /proc has no size at all."""
    path = tmp_path / "a"
    path.write_bytes(b"a" * size)
    monkeypatch.setattr(texts, "LARGEST", 100)
    monkeypatch.setattr("os.fstat", lambda _: SimpleNamespace(st_size=told))
    with path.open("rb") as stream:
        assert texts.begun(stream) == b"a" * min(size, 101)
