"""Bytecode is reproducible, and the interpreter loads it."""

import json
import marshal
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit.commands import ROOT
from kit.zips import entry

from builder.layer import archive, bytecode, import_graph, interpreters
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
    with Store(tmp_path / "store") as store:
        content = bytecode.add(of(entries), AVAILABLE[-1], store, tmp_path / "scratch")
        archive.write(content, tmp_path / "a.zip", store)
    first = {one.path: one.content.read() for one in content}
    monkeypatch.setattr(bytecode, "_run", None)
    with Store(tmp_path / "store") as store:
        again = bytecode.add(of(entries), AVAILABLE[-1], store, tmp_path / "scratch")
        assert {one.path: one.content.read() for one in again} == first
    assert len(first) == 2


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


@pytest.mark.skipif(sys.platform == "win32", reason="uv finds those of the registry there")
def test_uv_is_asked_for_its_own_interpreters_and_starts_no_other(tmp_path: Path) -> None:
    """A shim of pyenv takes as long as a hundred unchanged layers; an environment in a project is somebody's code."""
    for place in ("shims", "project/.venv/bin"):
        (tmp_path / place).mkdir(parents=True)
        for name in ("python", "python3", "python3.99"):
            shim = tmp_path / place / name
            shim.write_text(f"#!/bin/sh\necho {place} >> {tmp_path}/started\nexit 1\n")
            shim.chmod(0o755)
    (tmp_path / "project" / ".venv" / "pyvenv.cfg").write_text("version = 3.99.0\n")
    other = next(found for found in reversed(AVAILABLE) if found.series != HERE)
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    system = f"macos-{machine}-none" if sys.platform == "darwin" else f"linux-{machine}-gnu"
    managed = tmp_path / "uv" / f"cpython-{other.version}-{system}"
    managed.mkdir(parents=True)
    for part in Path(other.command[0]).resolve().parents[1].iterdir():
        (managed / part.name).symlink_to(part)
    variables = {
        "PATH": str(tmp_path / "shims"),
        "PYENV_ROOT": str(tmp_path / "nothing"),
        "PYTHONPATH": str(ROOT),
        "UV_PYTHON_INSTALL_DIR": str(managed.parent),
        "UV_PYTHON_PREFERENCE": "system",
    }
    code = "import sys\nfrom builder.layer.interpreters import find\nfor each in sys.argv[1:]: print(find(each))"
    command = [sys.executable, "-c", code, other.series, "3.99"]
    asked = subprocess.run(
        command, cwd=tmp_path / "project", env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    first, second = asked.stdout.splitlines()
    assert str(managed) in first
    assert f"version='{other.version}'" in first
    assert second == "None"
    assert not (tmp_path / "started").exists()


def test_of_targets_at_the_same_time_one_asks_for_an_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(path: str) -> str:
        asked.append(path)
        time.sleep(0.1)
        return "3.98.1"

    monkeypatch.setenv("LAYERWRIGHT_PYTHON_3_98", "/a/python")
    monkeypatch.setattr(interpreters, "_ask", answer)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(interpreters.find, ["3.98"] * 4))
    assert [each and each.version for each in found] == ["3.98.1"] * 4
    assert asked == ["/a/python"]


def test_a_tree_without_python_stays_itself(tmp_path: Path) -> None:
    content = Tree((entry("bin/x"),))
    with Store(tmp_path / "s") as store:
        assert bytecode.add(content, AVAILABLE[-1], store, tmp_path / "x") == content


def test_bytecode_that_would_not_fit_is_left_out_what_is_imported_least_first() -> None:
    sources = {
        "a/__init__.py": b"import a.near\nfrom .far import (\n    deep,  # a module\n)\n",
        "a/near.py": b"def later():\n    import a.unused\n",
        "a/far/__init__.py": b"",
        "a/far/deep.py": b"from ..near import x as y\n",
        "a/unused.py": b"",
        "a/tests/t.py": b"import a.unused\n",
    }
    sizes = {"a/unused": 30, "a/tests/t": 40, "a/far/deep": 20, "a/near": 10, "a/__init__": 50}
    compiled = [
        entry(f"python/{folder}/__pycache__/{name}.cpython-313.pyc", bytes(size))
        for (folder, _, name), size in ((path.rpartition("/"), size) for path, size in sizes.items())
    ]
    whole = of([*(entry(f"python/{path}", data) for path, data in sources.items()), *compiled])
    text = whole.unzipped_bytes - 150

    def left(limit: int) -> tuple[list[str], int]:
        fitting, saving = bytecode.fitting(whole, text + limit)
        names = [each.name.partition(".")[0] for each in fitting if each.name.endswith(".pyc")]
        assert saving is None or saving.bytes == whole.unzipped_bytes - fitting.unzipped_bytes
        return sorted(names), saving.files if saving else 0

    assert left(150) == (["__init__", "deep", "near", "t", "unused"], 0)
    assert left(149) == (["__init__", "deep", "near", "unused"], 1)
    assert left(109) == (["__init__", "deep", "near"], 2)
    assert left(79) == (["__init__", "near"], 3)
    assert left(50) == (["__init__"], 4)
    assert left(49) == ([], 5)
    assert left(-1) == ([], 5)  # what is too large without it, the check of the size refuses


def test_distances_follow_imports_at_the_top() -> None:
    files = {
        "python/one.py": b"import two.b as c, two\nfrom two import *\n",
        "python/two/__init__.py": b"",
        "python/two/b.py": b"from . import d\nfrom .... import nothing\n",
        "python/two/d.py": b"if True:\n    import two.e\n",
        "python/two/e.py": b"",
        "lib/x.py": b"",
    }
    found = import_graph.distances(of([entry(path, data) for path, data in files.items()]))
    assert {path.removeprefix("python/"): found.get(path) for path in files} == {
        "one.py": 0,
        "two/__init__.py": 0,
        "two/b.py": 1,
        "two/d.py": 2,
        "two/e.py": None,
        "lib/x.py": None,
    }
