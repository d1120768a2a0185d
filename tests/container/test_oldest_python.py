"""The container programs in Python, run by Debian 11's PyPy: Python 3.7, the oldest of a build image."""

import json
import struct

import pytest
from kit.boxes import Box, oldest_python

from builder.base import programs
from builder.engine.client import Engine
from builder.packages.pypi import static_tools

STEPS, SMOKE, OTHER = "/layerwright/steps", "/layerwright/smoke", "/layerwright/python"
C_LIBRARY = "libc.so.6\nlibm.so.6\nlibpthread.so.0\nlibdl.so.2\nlibthree.so.1\n"


@pytest.fixture
def box(engine: Engine) -> Box:
    return oldest_python(engine)


def test_it_is_python_3_7(box: Box) -> None:
    assert box.run(f'pypy3 -I -S -c "$(cat {OTHER}/version.py)"').startswith("PyPy 3.7.")


def test_every_program_compiles(box: Box) -> None:
    paths = [f"/layerwright/{path.relative_to(programs.folder())}" for path in programs.files() if path.suffix == ".py"]
    assert len(paths) > 7
    box.run("".join(f"pypy3 -m py_compile {path}\n" for path in paths))


def test_libraries_are_found_in_real_programs_and_come_with_their_licences(box: Box, engine: Engine) -> None:
    patchelf = static_tools.patchelf(engine.architecture).read_bytes()
    report = box.run(
        f"""
        mkdir -p /opt/bin /opt/lib
        cp /usr/bin/jq /opt/bin/
        echo 'int three(void) {{ return 3; }}' >three.c
        echo 'int three(void); int main(void) {{ return three() - 3; }}' >main.c
        gcc -shared -fPIC -Wl,-soname,libthree.so.1 -o /opt/lib/libthree.so.1 three.c
        gcc -o /opt/bin/three main.c /opt/lib/libthree.so.1
        pypy3 {STEPS}/libraries.py /provided /dlopened /out /opt
        test -s /out/licences/oniguruma/COPYING
        test "$(LD_LIBRARY_PATH= /opt/bin/three && echo runs)" = runs
        ls /out/lib >&2
        cat /out/libraries.json
        """,
        {
            "provided": C_LIBRARY,
            "dlopened": "libnone.so.9 librt.so.1",
            "layerwright/bin/patchelf": patchelf,
            "layerwright/releasever": "2023.9.20250929\n",
        },
    )
    data = json.loads(report)
    assert data["releasever"] == "2023.9.20250929"
    added = {row["soname"]: row for row in data["added"]}
    assert added.keys() == {"libjq.so.1", "libonig.so.5"}
    assert added["libonig.so.5"]["package"] == "oniguruma"
    assert (added["libjq.so.1"]["by"], added["libonig.so.5"]["by"]) == ("jq", "libjq.so.1.0.4")
    assert data["missing"] == [{"soname": "libnone.so.9", "by": "the recipe"}]
    assert data["refused"] == [{"soname": "librt.so.1", "by": "the recipe"}]
    assert data["rpath"] == [{"path": "bin/three", "libraries": ["libthree.so.1"], "rpath": "$ORIGIN/../lib"}]
    assert data["compilers"] == ["gcc"]


def test_libraries_are_found_in_wheels(box: Box) -> None:
    report = box.run(
        f"""
        mkdir -p /opt
        mkdir -p a; cp /usr/bin/jq a/jq.so
        pypy3 -m zipfile -c /a-1-py3-none-any.whl a
        pypy3 {STEPS}/libraries.py /provided /dlopened /out /opt /a-1-py3-none-any.whl
        cat /out/libraries.json
        """,
        {"provided": C_LIBRARY, "dlopened": ""},
    )
    assert [row["soname"] for row in json.loads(report)["added"]] == ["libjq.so.1", "libonig.so.5"]


def test_packages_come_with_programs_and_libraries_and_without_documents(box: Box) -> None:
    listed = box.run(f"pypy3 {STEPS}/packages.py /layer jq oniguruma; cd /layer; find . ! -type d | sort").splitlines()
    assert {"./bin/jq", "./lib/libonig.so.5"} <= set(listed)
    assert not [path for path in listed if path.startswith("./share/doc")]


def test_an_unknown_package_and_one_without_files_for_a_layer_are_errors(box: Box) -> None:
    box.run(f"pypy3 {STEPS}/packages.py /layer no-such-package", code=1)
    said = box.run(f"rm -rf /usr/bin/jq /usr/lib64/libjq*; pypy3 {STEPS}/packages.py /layer jq", code=1)
    assert said.endswith("error: jq: no program, library or data in it\n")


def test_crates_are_listed_with_the_texts_of_those_that_the_program_needs(box: Box) -> None:
    def package(name: str, needs: dict[str, str]) -> tuple[dict[str, object], dict[str, object]]:
        deps = [{"pkg": other, "dep_kinds": [{"kind": kind or None}]} for other, kind in needs.items()]
        about = {"id": name, "name": name, "version": "1.0", "license": "MIT", "license_file": None}
        return {**about, "manifest_path": f"/src/{name}/Cargo.toml"}, {"id": name, "deps": deps}

    rows = [package("a", {"b": "", "t": "dev"}), package("b", {}), package("t", {})]
    metadata = {
        "packages": [row for row, _ in rows],
        "resolve": {"nodes": [node for _, node in rows], "root": "a"},
        "workspace_members": ["a"],
    }
    files = {f"src/{name}/LICENSE-MIT": name for name in "abt"}
    out = box.run(
        f"""
        pypy3 {STEPS}/crates.py /metadata.json /licenses a
        cat /licenses/a.json
        cd /licenses; find . -type f | sort
        """,
        {**files, "metadata.json": json.dumps(metadata)},
    )
    text, _, listed = out.rpartition("}\n")
    assert [row["name"] for row in json.loads(text + "}")["packages"]] == ["a", "b"]
    assert listed.splitlines() == ["./a-1.0/LICENSE-MIT", "./a.json", "./b-1.0/LICENSE-MIT"]


def test_a_python_of_the_engine_tells_the_machine_of_the_container_and_uv_the_truth(box: Box) -> None:
    ask = "import os; print(os.uname().machine)"
    out = box.run(
        f"""
        sed s/@MACHINE@/sparc64/ {STEPS}/sitecustomize.py >/site/sitecustomize.py
        PYTHONPATH=/site pypy3 -c '{ask}'
        PYTHONPATH=/site pypy3 -c '{ask}' get_interpreter_info
        uname -m
        """,
        {"site/here": ""},
    )
    told, truth, machine = out.split()
    assert told == "sparc64"
    assert truth == machine


def test_imports_are_timed_and_failures_named(box: Box) -> None:
    run = f'PYTHONPATH={SMOKE} sh {SMOKE}/again.sh pypy3 -B -c "$(cat {SMOKE}/imports.py)" 2>&1'
    plan = {"items": [["json", "first"], ["no_such_module", "first"], ["zipfile", "more"]], "seconds": 9}
    said = box.run(run, {"var/task/layerwright.json": json.dumps(plan)})
    assert "layerwright-import-ms=" in said
    notes = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    assert [note[:2] for note in notes] == [
        ["begin", 0],
        ["begin", 1],
        ["fail", 1],
        ["begin", 2],
        ["through", 0],
    ]
    assert notes[2][2]["missing"] == ["no_such_module"]


def test_a_test_of_a_recipe_times_its_imports_and_runs_all(box: Box) -> None:
    run = f'PYTHONPATH={SMOKE} pypy3 -B -c "$(cat {SMOKE}/recipe_test.py)"'
    out = box.run(f"""{run} 'import json
print(json.dumps([__name__]))' 2>&1""")
    assert '["__main__"]' in out
    assert "layerwright-import-ms=" in out
    assert "layerwright-import-ms=" not in box.run(f"{run} 'print(1)' 2>&1")
    assert "AssertionError" in box.run(f"{run} 'assert 0'", code=1)


def test_bytecode_is_written_for_what_compiles(box: Box) -> None:
    def record(name: str, source: str) -> bytes:
        return struct.pack(">II", len(name), len(source)) + name.encode() + source.encode()

    read = "import sys, marshal; data = sys.stdin.buffer.read(); size = int.from_bytes(data[:4], 'big'); "
    read += "exec(marshal.loads(data[20 : 4 + size])); print(len(data) - 4 - size, data[4 + size :])"
    out = box.run(
        f'pypy3 -s -S -B -c "$(cat {OTHER}/compile.py)" </records | pypy3 -c "{read}"',
        {"records": record("/opt/a.py", "print('runs')") + record("/opt/b.py", "print 'two'")},
    )
    assert out.splitlines() == ["runs", r"4 b'\x00\x00\x00\x00'"]
