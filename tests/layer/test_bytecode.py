"""Bytecode is reproducible, and the interpreter loads it."""

import json
import marshal
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from kit.zips import entry

from builder.layer import bytecode, interpreters
from builder.layer.interpreters import Interpreter
from builder.layer.store import Store
from builder.layer.tree import Entry, Tree, from_folder, of

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
STDLIB = Path(json.__file__).parent.parent
AVAILABLE = [
    found for series in ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14") if (found := interpreters.find(series))
]


def sources() -> list[Entry]:
    """Return some hundred real modules with all kinds of constants."""
    names = ["json", "email", "asyncio", "logging", "xml", "collections", "unittest", "importlib"]
    return [one for name in names for one in from_folder(STDLIB / name, f"python/{name}") if one.path.endswith(".py")]


def compiled(entries: Iterable[Entry], interpreter: Interpreter, store: Path) -> dict[str, bytes]:
    with Store(store) as kept:
        content = bytecode.add(of(entries), interpreter, kept, store.with_name(f"{store.name}.scratch"))
    return {one.path: one.content.read() for one in content if one.path.endswith(".pyc")}


@pytest.fixture(params=AVAILABLE, ids=lambda found: found.version)
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    return request.param  # type: ignore[no-any-return]


def test_the_bytes_depend_on_source_name_and_interpreter_only(interpreter: Interpreter, tmp_path: Path) -> None:
    every = sources()
    whole = compiled(every, interpreter, tmp_path / "1")
    assert len(whole) > 100
    shuffled = every.copy()
    random.Random(7).shuffle(shuffled)
    parts: dict[str, bytes] = {}
    for start in range(0, len(shuffled), 37):
        parts |= compiled(shuffled[start : start + 37], interpreter, tmp_path / f"2-{start}")
    alone = compiled(every[:1], interpreter, tmp_path / "3")
    assert whole == parts
    assert alone.items() <= whole.items()


def test_the_interpreter_takes_it_from_a_read_only_folder(interpreter: Interpreter, tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        content = bytecode.add(
            of([entry("python/m.py", b"def f():\n    return 42\n")]), interpreter, store, tmp_path / "x"
        )
    for one in content:
        path = tmp_path / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.content.read())
    (tmp_path / "python" / "m.py").write_bytes(b"def f():\n    return 1\n")  # unchecked: the bytecode wins
    code = "import m; print(m.f(), m.__cached__)"
    finished = subprocess.run(
        [*interpreter.command, "-B", "-c", code],
        cwd=tmp_path / "python",
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={"PYTHONPATH": str(tmp_path / "python")},
    )
    value, cached = finished.stdout.split()
    assert value == "42"
    tag = interpreter.version.split(".")
    assert cached.endswith(f"__pycache__/m.cpython-{tag[0]}{tag[1]}.pyc")


def test_tracebacks_name_the_file_under_opt(tmp_path: Path) -> None:
    found = interpreters.find(HERE)
    assert found is not None
    made = compiled([entry("python/m.py", b"def f(): pass")], found, tmp_path / "store")
    assert marshal.loads(next(iter(made.values()))[16:]).co_filename == "/opt/python/m.py"


def test_what_does_not_compile_is_left_as_it_is(tmp_path: Path) -> None:
    files = {
        "bad": b"print 'python 2'",
        "template": b"{% if x %}",
        "latin": b"x = '\xff'",
        "null": b"\0",
        "good": b"x = 1",
    }
    entries = [entry(f"python/{name}.py", data) for name, data in files.items()]
    made = compiled(entries, AVAILABLE[-1], tmp_path / "store")
    assert {path.split("/")[-1].split(".")[0] for path in made} == {"good"}
    again = compiled(entries, AVAILABLE[-1], tmp_path / "store")
    assert made == again


def test_a_module_whose_bytecode_would_have_too_long_a_name_gets_none(tmp_path: Path) -> None:
    python = AVAILABLE[-1]
    fits, too_long = (entry(f"python/{'n' * length}.py", b"x = 1\n") for length in (230, 250))
    made = compiled([fits, too_long], python, tmp_path / "s")
    assert [path for path in made if "n" * 250 in path] == []
    assert len(made) == 1


def test_only_python_below_site_packages_is_compiled(tmp_path: Path) -> None:
    entries = [entry("bin/tool.py"), entry("python/lib/python3.13/site-packages/a.py", b""), entry("python/b.py", b"")]
    made = compiled(entries, AVAILABLE[-1], tmp_path / "store")
    assert {path.rsplit("/", 2)[0] for path in made} == {"python/lib/python3.13/site-packages", "python"}


def test_a_second_time_comes_from_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry("python/a.py", b"x = 1")]
    first = compiled(entries, AVAILABLE[-1], tmp_path / "store")
    monkeypatch.setattr(bytecode, "_run", None)
    assert compiled(entries, AVAILABLE[-1], tmp_path / "store") == first


def test_an_interpreter_that_breaks_is_an_error_of_ours(tmp_path: Path) -> None:
    from builder.base.errors import BuildError

    broken = Interpreter(command=("/bin/false",), series="3.13", version="3.13.0")
    with pytest.raises(BuildError, match="failed to compile bytecode"):
        compiled([entry("python/a.py", b"")], broken, tmp_path / "store")


def test_the_running_interpreter_is_found_and_an_impossible_one_is_not() -> None:
    found = interpreters.find(HERE)
    assert found is not None
    assert found.command == (sys.executable,)
    assert interpreters.find("3.99") is None


def test_a_tree_without_python_stays_itself(tmp_path: Path) -> None:
    content = Tree((entry("bin/x"),))
    with Store(tmp_path / "s") as store:
        assert bytecode.add(content, AVAILABLE[-1], store, tmp_path / "x") == content


def test_bytecode_that_would_not_fit_is_left_out_what_is_imported_least_first() -> None:
    rows = [
        ("a/__pycache__/a", 50),
        ("a/b/c/__pycache__/d", 30),
        ("a/b/c/__pycache__/e", 40),
        ("a/tests/__pycache__/t", 9),
    ]
    compiled = [entry(f"python/{name}.cpython-313.pyc", bytes(size)) for name, size in rows]
    whole = of([entry("python/a/a.py", bytes(100)), *compiled])
    assert whole.unzipped_bytes == 229

    def left(limit: int) -> tuple[list[str], int, int]:
        fitting, saving = bytecode.fitting(whole, limit)
        names = [each.name[0] for each in fitting if each.name.endswith(".pyc")]
        assert saving is None or saving.bytes == whole.unzipped_bytes - fitting.unzipped_bytes
        return sorted(names), saving.files if saving else 0, fitting.unzipped_bytes

    assert left(229) == (["a", "d", "e", "t"], 0, 229)
    assert left(228) == (["a", "d", "e"], 1, 220)
    assert left(219) == (["a", "d"], 2, 180)
    assert left(151) == (["a"], 3, 150)
    assert left(100) == ([], 4, 100)
    assert left(50) == ([], 4, 100)  # what is too large without it, the check of the size refuses
