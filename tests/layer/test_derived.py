"""What is told of a file is remembered by its bytes, its path and the code that tells it."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import deflate
import pytest
from kit import zips

from builder.layer import derived, module_imports, stripping
from builder.layer.checks import examine, remembering
from builder.layer.checks.reading import FileFacts
from builder.layer.derived import Kind
from builder.layer.elf import Elf, VersionNeed
from builder.layer.hashed import hashed
from builder.layer.module_imports import ModuleImports
from builder.layer.python_loads import OpenedName
from builder.layer.store import Store
from builder.layer.stripping import Shrunk
from builder.layer.tree import Entry, Tree
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime

LENGTHS: Kind[int] = Kind(name="lengths", encode=lambda value: str(value).encode() if value else None, decode=int)
ELF = Elf(
    machine="EM_X86_64",
    kind="ET_DYN",
    soname="liba.so",
    needed=("libc.so.6", "libm.so.6"),
    runpath=("$ORIGIN",),
    versions=(VersionNeed(library="libc.so.6", version="GLIBC_2.34", weak=True),),
    defined=("A_1",),
    python_module=True,
    level=3,
    dynamic=True,
)
FACTS = (
    FileFacts(),
    FileFacts(token="a key"),  # noqa: S106  the kind of one
    FileFacts(elf=ELF),
    FileFacts(opened=(OpenedName(names=("liba.so", "libb.so"), line=7), OpenedName(names=("git",), program=True))),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def library() -> Path:
    """Return a real library: the extension module of a package that is installed."""
    return next(Path(deflate.__file__).parent.glob("*.so"))


def told(tree: Tree, store: Store | None, kind: Kind[int] = LENGTHS) -> tuple[list[int], list[str]]:
    """Return what is told, and of which files it was made."""
    made: list[str] = []

    def make(entries: Sequence[Entry]) -> list[int]:
        made.extend(entry.path for entry in entries)
        return [entry.size for entry in entries]

    return derived.of_all(tree.entries, kind, store, make), made


def test_the_second_time_it_comes_from_the_store(store: Store) -> None:
    files = hashed(zips.tree({"a": b"1", "b": b"22", "c": b""}))
    assert told(files, store) == ([1, 2, 0], ["a", "b", "c"])
    assert told(files, store) == ([1, 2, 0], ["c"])  # which was not worth keeping
    assert told(files, None) == ([1, 2, 0], ["a", "b", "c"])


def test_other_bytes_and_other_paths_are_other_files(store: Store) -> None:
    told(hashed(zips.tree({"a": b"1"})), store)
    assert told(hashed(zips.tree({"a": b"22", "b": b"1"})), store) == ([2, 1], ["a", "b"])


def test_without_a_digest_nothing_is_remembered(store: Store) -> None:
    files = zips.tree({"a": b"1"})
    assert told(files, store) == told(files, store) == ([1], ["a"])


def test_other_code_tells_it_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    files = hashed(zips.tree({"a": b"1"}))
    told(files, store)
    monkeypatch.setattr(derived, "of_code", lambda: b"other")
    assert told(files, store) == ([1], ["a"])


@pytest.mark.parametrize("module", ["python_loads.py", "checks/reading.py"])
def test_the_code_is_that_of_all_modules_that_tell(module: str, tmp_path: Path) -> None:
    room = shutil.copytree(Path(derived.__file__).parent, tmp_path / "layer")
    assert derived.digest_of_code(room) == derived.of_code()
    with (room / module).open("a", encoding="utf-8") as stream:
        stream.write("# more\n")
    assert derived.digest_of_code(room) != derived.of_code()


def test_what_cannot_be_read_is_made_again(store: Store) -> None:
    files = hashed(zips.tree({"a": b"1"}))
    words: Kind[int] = Kind(name="lengths", encode=lambda _: b"many", decode=LENGTHS.decode)
    told(files, store, words)
    assert told(files, store) == ([1], ["a"])


@pytest.mark.parametrize("facts", FACTS)
def test_facts_come_back_as_they_were(facts: FileFacts) -> None:
    data = remembering.FACTS.encode(facts)
    assert data is not None
    assert remembering.FACTS.decode(data) == facts


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"token": 1, "elf": null, "opened": []}',
        b'{"token": null, "elf": {}, "opened": []}',
        b'{"token": null, "elf": null, "opened": [["a", 1, true]]}',
        b'{"token": null, "elf": null, "opened": [[["a"], 1]]}',
    ],
)
def test_damaged_facts_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own and ours
        remembering.FACTS.decode(data)


def test_what_else_is_remembered_comes_back_or_is_refused() -> None:
    imports = ModuleImports(("a", "a.b"), ("c",), True, False)  # noqa: FBT003  a row
    assert module_imports.IMPORTS.decode(module_imports.IMPORTS.encode(imports) or b"") == imports
    shrunk = Shrunk(b"x" * 32, 7, 600)
    assert stripping.STRIPPED.decode(stripping.STRIPPED.encode(shrunk) or b"") == shrunk
    with pytest.raises(ValueError, match="no imports"):
        module_imports.IMPORTS.decode(b'[["a"], [1], true, false]')
    with pytest.raises(ValueError):  # noqa: PT011  struct's words differ
        stripping.STRIPPED.decode(b"short")


def test_checks_say_the_same_of_what_is_remembered(store: Store, library: Path) -> None:
    opening = b"import ctypes\nctypes.CDLL('libnowhere.so.1')\n"
    content = {"python/a.py": opening, "python/key": b"AKIA" + b"Q" * 16, "lib/liba.so": library.read_bytes()}
    tree = hashed(zips.tree(content))
    where = (runtime("python3.13"),), (X86_64,)
    first, again = (examine(tree, *where, packages=(), own=True, store=store) for _ in range(2))
    plain = examine(tree, *where, packages=(), own=True)
    assert first.elves == again.elves == plain.elves
    assert first.opened == again.opened == plain.opened
    assert first.tokens == again.tokens == plain.tokens
    assert first.opened.keys() == {"python/a.py"}
    assert first.elves.keys() == {"lib/liba.so"}
