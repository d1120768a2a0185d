"""Layers in the image of their runtime, with the restrictions of Lambda."""

import json
import os
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit import zips
from kit.commands import ROOT, layerwright, write_recipe
from kit.compiled import recipe, script
from kit.podman import podman_environment

from builder.base.documents import Typed
from builder.base.emitter import Events
from builder.base.errors import SmokeFailedError
from builder.base.plain import Json
from builder.building.job import Options
from builder.building.layer import build
from builder.engine import client, conditions, sandbox
from builder.engine.client import Engine
from builder.engine.image_contents import read_image
from builder.layer.tree import Entry, InMemory, of
from builder.model import facts, images, libraries, recipes
from builder.model.architectures import ARCHITECTURES, X86_64
from builder.model.images import run_image
from builder.model.manifest import Manifest
from builder.model.recipe import Invoke, Test
from builder.model.runtimes import runtime
from builder.model.target import targets
from builder.plan.mode import EngineOptions
from builder.smoke import record, run
from builder.smoke.record import ImageTrial
from builder.smoke.results import SmokeResult
from builder.smoke.sandboxes import Sandbox

BOTH = pytest.mark.parametrize("arch", ["x86_64", "arm64"])
MODULE = {"python/mod.py": b"VALUE = 7\n"}
BOOTSTRAP = rb"""#!/bin/bash
set -eu
api=/dev/tcp/${AWS_LAMBDA_RUNTIME_API%%:*}/${AWS_LAMBDA_RUNTIME_API##*:}
while true; do
    exec 3<>"$api"
    printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\n\r\n' >&3
    while IFS= read -r line <&3; do
        line=${line%$'\r'}
        [ -n "$line" ] || break
        case "$line" in Lambda-Runtime-Aws-Request-Id:*) id=${line##* } ;; esac
    done
    answer="{\"bash\": $(cat <&3), \"handler\": \"$_HANDLER\"}"
    exec 3<>"$api"
    printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.0\r\nContent-Length: %s\r\n\r\n%s' \
        "$id" "${#answer}" "$answer" >&3
    cat <&3 >/dev/null
done
"""
EXTENSION = rb"""#!/bin/bash
set -eu
api=/dev/tcp/${AWS_LAMBDA_RUNTIME_API%%:*}/${AWS_LAMBDA_RUNTIME_API##*:}
exec 3<>"$api"
body='{"events": ["INVOKE"]}'
head='HTTP/1.0\r\nLambda-Extension-Name: watcher\r\nContent-Length'
printf "POST /2020-01-01/extension/register $head: %s\\r\\n\\r\\n%s" "${#body}" "$body" >&3
while IFS= read -r line <&3; do
    line=${line%$'\r'}
    [ -n "$line" ] || break
    case "$line" in Lambda-Extension-Identifier:*) id=${line##* } ;; esac
done
while true; do
    exec 3<>"$api"
    printf 'GET /2020-01-01/extension/event/next HTTP/1.0\r\nLambda-Extension-Identifier: %s\r\n\r\n' "$id" >&3
    case "$(cat <&3)" in *INVOKE*) echo "watcher saw it" >&2 ;; esac
done
"""


def tried(
    engine: Engine,
    files: dict[str, bytes],
    *tests: Test,
    on: str = "python3.13",
    arch: str = "x86_64",
    modes: dict[str, int] | None = None,
) -> list[SmokeResult]:
    given = modes or {}
    content = of(
        Entry(path=path, mode=given.get(path, 0o644), content=InMemory(data=data)) for path, data in files.items()
    )
    bench = Sandbox(engine=engine, runtime=runtime(on), arch=ARCHITECTURES[arch], content=content)
    return run.execute(bench, list(tests), "layer")


def failing(engine: Engine, files: dict[str, bytes], test: Test, **where: str) -> str:
    with pytest.raises(SmokeFailedError) as caught:
        tried(engine, files, test, **where)  # type: ignore[arg-type]
    assert caught.value.exit_code == 6
    return str(caught.value)


# ---- conditions ----------------------------------------------------------------------------------------------------


def test_a_layer_is_mounted_as_in_lambda_and_only_tmp_is_writable(engine: Engine) -> None:
    look = """
        test "$(id -u):$(id -g)" = 993:990
        test "$(stat -c %U:%a /opt/bin/tool)" = root:755
        test "$(readlink /opt/bin/link)" = tool
        for place in /opt/x /var/task/x /var/x /usr/x /root/x; do
            if touch "$place" 2>/dev/null; then echo "could write $place" >&2; exit 1; fi
        done
        echo ok > /tmp/x
        test "$(ls /sys/class/net)" = lo
        test "$AWS_LAMBDA_FUNCTION_MEMORY_SIZE:$AWS_EXECUTION_ENV" = 512:AWS_Lambda_python3.13
        test "$LAMBDA_TASK_ROOT:$PWD" = /var/task:/var/task
        test "${PATH##*:}:${LD_LIBRARY_PATH##*:}" = /opt/bin:/opt/lib
        test "$(ulimit -n)" = 1024
        tool
    """
    content = of(
        [
            Entry(path="bin/tool", mode=0o755, content=InMemory(data=b"#!/bin/sh\nexit 0\n")),
            Entry(path="bin/link", mode=0o777, content=InMemory(data=b"tool"), link="tool"),
        ]
    )
    bench = Sandbox(engine=engine, runtime=runtime("python3.13"), arch=X86_64, content=content)
    found = run.execute(bench, [Test(shell=look, memory=512)], "layer")
    assert [one.what for one in found] == ["the shell test"]


IN_LAMBDA = """
import multiprocessing, os, pwd
assert not os.path.exists("/sys/devices/system/cpu/possible"), "the list of processors"
assert not os.path.exists("/sys/devices/system/cpu/present"), "the list of processors"
assert os.cpu_count() >= 1
assert not os.path.exists("/dev/shm"), "shared memory"
try:
    multiprocessing.Lock()
except OSError as error:
    assert error.errno in {2, 13, 38}, error  # an older glibc takes another tmpfs, which it may not write to
else:
    raise AssertionError("a semaphore was made")
room = os.statvfs("/tmp")
assert room.f_blocks * room.f_frsize == 512 * 1024 * 1024, room
assert pwd.getpwuid(os.getuid()).pw_name == "sbx_user1051"
"""


@BOTH
def test_a_function_has_no_more_than_lambda_gives_it(engine: Engine, arch: str) -> None:
    assert tried(engine, MODULE, Test(python=IN_LAMBDA), arch=arch)


def test_each_condition_is_in_the_table_of_the_page() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for condition in conditions.CONDITIONS:
        stricter = "stricter" if not condition.as_in_lambda else "as in Lambda"
        assert f"| {condition.what} | {stricter} |" in page
        assert all(f"`{option}`" in page for option in condition.options)
    assert "--ipc=none" in conditions.options("podman")
    assert "--ipc=none" not in conditions.options("finch")
    assert {option for option in conditions.options("podman") if option.endswith(",notmpcopyup")} == {
        f"{option},notmpcopyup" for option in conditions.options("docker") if option.startswith("--tmpfs=")
    }


def test_memory_is_limited(engine: Engine) -> None:
    take = Test(python="x = bytearray(300_000_000)", memory=128)
    assert "out of memory?" in failing(engine, MODULE, take)
    assert tried(engine, MODULE, Test(python="x = bytearray(300_000_000)", memory=1024))


def test_a_test_that_exceeds_its_time_limit_is_stopped(engine: Engine) -> None:
    from builder.base.errors import BuildError

    with pytest.raises(BuildError, match="did not exit within 2 s"):
        tried(engine, MODULE, Test(shell="sleep 60", timeout=2))  # noqa: S604  a test of that kind


@BOTH
@pytest.mark.parametrize("kind", ["docker", "podman"])
def test_a_signal_that_ends_a_test_ends_it_at_once_and_is_named(
    engine: Engine, kind: str, arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process of a container would live on: the kernel spares it signals that it does not handle."""
    for name, value in podman_environment(tmp_path).items() if kind == "podman" else ():
        monkeypatch.setenv(name, value)
    found = client.find(kind) if kind == "podman" else engine
    aborts = Test(python="import os; os.write(2, b'what(): x\\n'); os.abort()", timeout=60)
    assert re.search(
        r"\n  what\(\): x\n  signal 6 \(SIGABRT\) ended the process$", failing(found, MODULE, aborts, arch=arch)
    )
    faults = Test(python="import ctypes; ctypes.string_at(0)", timeout=60)
    assert "signal 11 (SIGSEGV) ended the process" in failing(found, MODULE, faults, arch=arch)


def test_what_rubys_own_interpreter_needs_is_not_hidden_from_its_tests() -> None:
    yaml = "libyaml-0.so.2"
    assert yaml not in libraries.hidden(runtime("ruby3.4"))
    assert yaml in libraries.hidden(runtime("python3.13"))
    assert yaml not in libraries.certain([runtime("ruby3.4")], [X86_64])


def test_libraries_that_only_the_image_may_have_are_hidden(engine: Engine) -> None:
    names = read_image(engine, run_image(runtime("python3.13"), X86_64).reference, X86_64).libraries
    assert "libgirepository-1.0.so.1" not in names  # the stand-in has none of them; one is put in its place below
    hidden = sandbox.ContainerRun(
        image=run_image(runtime("python3.13"), X86_64),
        arch=X86_64,
        command=["/bin/sh", "-c", "ls /lib/*/libz.so.1* /usr/lib/*/libz.so.1* 2>/dev/null; exit 0"],
        hidden=("libz.so.1",),
    )
    assert sandbox.run(engine, hidden, []).stdout == ""
    shown = sandbox.ContainerRun(image=hidden.image, arch=X86_64, command=hidden.command)
    assert "libz.so.1" in sandbox.run(engine, shown, []).stdout


def test_several_at_once_make_the_image_of_their_container(engine: Engine, tmp_path: Path) -> None:
    hidden = (f"libnone-{tmp_path.name}-{os.getpid()}.so",)
    image = run_image(runtime("python3.13"), X86_64)
    container = sandbox.ContainerRun(image=image, arch=X86_64, command=["/bin/true"], hidden=hidden)
    with ThreadPoolExecutor(6) as threads:
        ran = list(threads.map(lambda _: sandbox.run(engine, container, []), range(6)))
    assert [finished.returncode for finished in ran] == [0] * 6


# ---- kinds of tests ------------------------------------------------------------------------------------------------


@BOTH
def test_python_tests_report_the_duration_of_imports(engine: Engine, arch: str) -> None:
    slow = {"python/mod.py": b"import time; time.sleep(0.2); VALUE = 7\n"}
    (found,) = tried(engine, slow, Test(python="import mod\nassert mod.VALUE == 7"), arch=arch)
    assert found.cold_ms is not None
    assert 200 <= found.cold_ms < found.seconds * 1000
    assert found.emulated == (engine.architecture.name != arch)
    said = failing(engine, slow, Test(python="import mod, missing"), arch=arch)
    assert "No module named 'missing'" in said
    assert "hint: `missing` is not in the layer" in said


@BOTH
def test_without_tests_every_module_is_imported_and_every_program_started(engine: Engine, arch: str) -> None:
    files = {**MODULE, "python/pack/__init__.py": b"", "python/lib/python3.13/site-packages/deep.py": b"import mod\n"}
    assert [one.what for one in tried(engine, files, arch=arch)] == ["importing each module"]
    broken = {**files, "python/broken.py": b"import nowhere\n", "python/worse.py": b"raise SystemExit(1)\n"}
    with pytest.raises(SmokeFailedError, match="cannot be imported: broken worse"):
        tried(engine, broken, arch=arch)


ZBAR = b"""from ctypes.util import find_library
if not find_library("zbar-of-nobody"):
    raise ImportError("Unable to find zbar shared library")
"""


def test_default_tests_try_public_modules_and_tell_what_they_did_not(engine: Engine) -> None:
    files = {
        "python/pack/__init__.py": b"from . import core\n",
        "python/pack/core.py": b"import os\nassert os.environ['LD_BIND_NOW']\n",
        "python/pack/web.py": b"import flask_of_nobody\n",
        "share/data.bin": b"x",
    }
    (found,) = tried(engine, files)
    assert [(each.what, each.count) for each in found.tried] == [("modules", 2), ("native", 0)]
    assert found.untried == ("modules that need what is not in the layer (1: pack.web)", "data files")
    with pytest.raises(SmokeFailedError, match=r"Unable to find zbar[\s\S]*cannot be imported: bare\.bare"):
        tried(engine, {**files, "python/bare/__init__.py": b"", "python/bare/bare.py": ZBAR})


@BOTH
@pytest.mark.parametrize("where", ["pack/__init__", "pack/crash"])
def test_what_a_module_said_before_a_signal_is_told(engine: Engine, where: str, arch: str) -> None:
    crash = b"import os\nos.write(2, b'what(): \\x1b[31m\\x07x\\n')\nos.abort()\n"
    files = {"python/pack/__init__.py": b"", f"python/{where}.py": crash}
    with pytest.raises(SmokeFailedError) as caught:
        tried(engine, files, arch=arch)
    name = where.removesuffix("/__init__").replace("/", ".")
    said = ("what(): \\x07x", f"{name}: signal 6 (SIGABRT) ended the process", f"cannot be imported: {name}")
    assert caught.value.why == said


@pytest.mark.usefixtures("engine")
def test_what_was_tried_stands_in_the_record_and_in_what_is_told(tmp_path: Path) -> None:
    path = zips.write(tmp_path / "mine.zip", {**MODULE, "data.txt": b"x"})
    where = ("--runtime", "python3.13", "--arch", "x86_64")
    result = layerwright("test", str(path), *where, cwd=tmp_path)
    assert result.code == 0, result.err
    # An import that takes long enough, on a busy machine any, is named behind it.
    assert re.search(r": 1 modules; not tried: data files(; largest imports: mod .*)?$", result.out.rstrip()), (
        result.out
    )
    (ran,) = json.loads((tmp_path / "mine.tests.json").read_text())["runs"]
    assert ran["results"][0]["tried"][0] == {"what": "modules", "count": 1}
    assert ran["results"][0]["untried"] == ["data files"]


def test_the_files_test_names_what_is_missing(engine: Engine) -> None:
    assert tried(engine, MODULE, Test(files=("python/mod.py",)))
    assert "no bin/none" in failing(engine, MODULE, Test(files=("python/mod.py", "bin/none")))


@BOTH
def test_a_function_is_invoked_through_the_runtime_interface_emulator(engine: Engine, arch: str) -> None:
    code = "import mod\ndef run(event, context):\n    return [event['n'] + mod.VALUE, context.memory_limit_in_mb]\n"
    invoke = Invoke(handler="app.run", code=code, event={"n": 1}, response=[8, "256"])
    (found,) = tried(engine, MODULE, Test(invoke=invoke, memory=256), arch=arch)
    assert found.what == "invoke app.run"
    assert found.cold_ms is not None
    wrong = Invoke(handler="app.run", code=code, event={"n": 1}, response=9)
    said = failing(engine, MODULE, Test(invoke=wrong, memory=256), arch=arch)
    assert 'answered [8, "256"]' in said
    assert "expected 9" in said
    raising = Invoke(handler="app.run", code="def run(event, context):\n    raise ValueError('oh')\n", response=1)
    assert "ValueError" in failing(engine, MODULE, Test(invoke=raising), arch=arch)


@BOTH
def test_a_custom_runtime_in_the_layer_responds(engine: Engine, arch: str) -> None:
    invoke = Invoke(handler="some.thing", event={"n": 1}, response={"bash": {"n": 1}, "handler": "some.thing"})
    where = {"on": "provided.al2023", "arch": arch, "modes": {"bootstrap": 0o755}}
    assert tried(engine, {"bootstrap": BOOTSTRAP}, Test(invoke=invoke), **where)  # type: ignore[arg-type]


@BOTH
def test_an_extension_in_the_layer_is_started_and_sees_the_invocation(engine: Engine, arch: str) -> None:
    code = "def run(event, context):\n    return 'done'\n"
    invoke = Invoke(handler="app.run", code=code, response="done", log="watcher saw it")
    modes = {"extensions/watcher": 0o755}
    assert tried(engine, {"extensions/watcher": EXTENSION}, Test(invoke=invoke), arch=arch, modes=modes)


# ---- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_any_zip_is_tested_from_the_command_line_on_several_runtimes(tmp_path: Path) -> None:
    path = zips.write(tmp_path / "mine.zip", MODULE)
    asked = ["--runtime", "python3.13", "--runtime", "python3.14", "--arch", "x86_64"]
    result = layerwright("test", str(path), *asked, "--python", "import mod", cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.out.count("the python test passes in python3.1") == 2
    told = layerwright("test", str(path), *asked, "--python", "import os", "--json", cwd=tmp_path)
    assert [one["runtime"] for one in json.loads(told.out)["passed"]] == ["python3.13", "python3.14"]
    events = layerwright("test", str(path), *asked, "--python", "import os", "--events", "json", cwd=tmp_path).err
    ended = [line for line in map(json.loads, events.splitlines()) if line["kind"] == "stage_ended"]
    assert [line["stage"] for line in ended] == ["testing"] * 2, "once for each image"
    broken = layerwright("test", str(path), *asked, "--shell", "echo why >&2; false", cwd=tmp_path)
    assert broken.code == 6
    assert "why" in broken.err
    both = layerwright("test", str(path), *asked, "--shell", "true", "--python", "1", cwd=tmp_path)
    assert both.code == 2
    other = layerwright(
        "test", str(path), "--runtime", "provided.al2023", "--arch", "x86_64", "--python", "1", cwd=tmp_path
    )
    assert other.code == 2
    assert "has no python to run that test with" in other.err
    code = tmp_path / "f.py"
    code.write_text("import mod\ndef go(event, context):\n    return event\n")
    event = ["--handler", "app.go", "--code", str(code), "--event", '{"a": [1]}', "--response", '{"a": [1]}']
    invoked = layerwright("test", str(path), *asked[:2], *asked[4:], *event, cwd=tmp_path)
    assert invoked.code == 0, invoked.err


@pytest.mark.usefixtures("engine")
def test_the_layers_of_one_function_are_tested_together(tmp_path: Path) -> None:
    base = zips.write(tmp_path / "base.zip", {"python/base.py": b"VALUE = 1\n", "python/both.py": b"FROM = 'base'\n"})
    top = zips.write(tmp_path / "top.zip", {"python/top.py": b"import base\n", "python/both.py": b"FROM = 'top'\n"})
    where = ("--runtime", "python3.13", "--arch", "x86_64")
    both = ("test", str(base), str(top), *where, "--python", "import top, both; assert both.FROM == 'top'")
    result = layerwright(*both, "--json", cwd=tmp_path)
    assert result.code == 0, result.err
    (passed,) = json.loads(result.out)["passed"]
    assert passed["zips"] == [str(base), str(top)]
    assert not [*tmp_path.glob("*.tests.json")]  # no zip alone has passed
    alone = layerwright(*both, "--separately", cwd=tmp_path)
    assert alone.code == 6
    assert "base.zip: the python test fails" in alone.err
    twice = layerwright("test", str(base), str(base), *where, "--python", "import base", cwd=tmp_path)
    assert (twice.code, "a zip is named twice" in twice.err) == (2, True)
    each = layerwright("test", str(base), str(base), *where, cwd=tmp_path)
    assert each.code == 0  # without a test of the command line, each has its own


@pytest.mark.usefixtures("engine")
def test_podman_does_the_same_and_leaves_the_hosts_files_alone(tmp_path: Path) -> None:
    null = Path(os.devnull).stat()
    path = zips.write(tmp_path / "mine.zip", MODULE)
    code = tmp_path / "f.py"
    code.write_text("import mod\ndef go(event, context):\n    return mod.VALUE\n")
    where = ["--runtime", "python3.13", "--arch", "x86_64"]
    env = podman_environment(tmp_path)
    for asked in ([], ["--handler", "app.go", "--code", str(code), "--response", "7"]):
        result = layerwright("test", str(path), *where, *asked, cwd=tmp_path, env=env)
        assert result.code == 0, result.err
    after = Path(os.devnull).stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (null.st_mode, null.st_uid, null.st_gid)
    refused = layerwright("test", str(path), *where, "--shell", "touch /var/x", cwd=tmp_path, env=env)
    assert refused.code == 6
    assert "only /tmp can be written to" in refused.err


@pytest.mark.usefixtures("engine")
def test_a_build_runs_the_recipes_test_and_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    steps = script(
        'mkdir -p "$PREFIX/bin"; printf "#!/bin/sh\\necho hello\\n" > "$PREFIX/bin/hi"; chmod 755 "$PREFIX/bin/hi"'
    )
    write_recipe(tmp_path, "a", recipe(steps, '[[test]]\nshell = "hi | grep hello"\n'))
    result = layerwright("build", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "1 passed" in result.out
    write_recipe(tmp_path, "a", recipe(steps, '[[test]]\nshell = "hi | grep bye"\n'))
    failed = layerwright("build", "a", "--output", "other", cwd=tmp_path)
    assert failed.code == 6
    assert "the shell test fails in" in failed.err
    assert {path.name for path in (tmp_path / "other").glob("*")} <= {".gitignore"}
    assert layerwright("build", "a", "--output", "other", "--no-test", cwd=tmp_path).code == 0


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("command", [("build", "a", "--test"), ("nightly", "--test", "always"), ("nightly",)])
def test_a_zip_that_was_built_without_tests_is_not_good_before_it_passed(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    steps = script('mkdir -p "$PREFIX/bin"; cp /bin/true "$PREFIX/bin/own"')
    write_recipe(tmp_path, "a", recipe(steps, '[[test]]\nshell = "own && false"\n'))
    assert layerwright("build", "a", "--no-test", cwd=tmp_path).code == 0
    (path,) = (tmp_path / "dist").glob("*.zip")
    before = path.stat().st_mtime_ns
    failed = layerwright(*command, cwd=tmp_path)
    assert failed.code != 0
    assert "the shell test fails in" in failed.err + failed.out
    assert path.stat().st_mtime_ns == before
    write_recipe(tmp_path, "a", recipe(steps, '[[test]]\nshell = "own"\n'))
    assert layerwright(*command, cwd=tmp_path).code == 0


NO_ENGINE = {"LAYERWRIGHT_ENGINE": "finch"}
"""An engine that no machine with the stand-ins has."""


@pytest.mark.usefixtures("engine")
def test_a_night_tests_what_an_earlier_one_could_not_and_then_no_more(tmp_path: Path) -> None:
    files = '[[step]]\nuses = "copy"\nfiles = ["{}"]\nto = "python"\n'
    for name, code in (("good", "x = 1\n"), ("broken", "import nowhere\n"), ("data", "")):
        file = f"{name}.txt" if name == "data" else f"{name}.py"
        text = recipe(files.format(file), runtime="python3.13").replace('name        = "a"', f'name = "{name}"')
        write_recipe(tmp_path, name, text)
        (tmp_path / "recipes" / name / file).write_text(code)
    first = layerwright("nightly", "--json", cwd=tmp_path, env=NO_ENGINE)
    assert first.code == 0, first.err
    slots = [f"{name}-python3.13-x86_64" for name in ("broken", "data", "good")]
    assert first.json["untested"] == slots
    assert first.err.splitlines()[-1] == f"not tested: {', '.join(slots)}"

    second = layerwright("nightly", "--json", cwd=tmp_path)
    assert second.code == 4
    assert second.json["states"] == {slots[0]: "failed", slots[1]: "same", slots[2]: "same"}
    assert second.json["untested"] == [slots[1]]
    assert "its tests have not passed: broken-1.0-python3.13-x86_64, data-1.0" in second.err
    told = {row["recipe"]: row["tests"] for row in second.json["targets"]}
    assert {name: row["state"] for name, row in told.items()} == {
        "good": "passed",
        "broken": "failed",
        "data": "nothing to test",
    }
    (ran,) = told["good"]["runs"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", ran["digest"])
    assert (ran["image"].rpartition("/")[2], ran["arch"], ran["emulated"]) == ("python:3.13-x86_64", "x86_64", False)

    third = layerwright("nightly", "--json", cwd=tmp_path)
    assert third.json["states"] == {slots[0]: "failed", slots[1]: "unchanged", slots[2]: "unchanged"}
    refused = layerwright("build", "good", "--test", cwd=tmp_path, env=NO_ENGINE)
    assert refused.code == 0, "its record says that it passed"
    anew = layerwright("build", "data", "--test", cwd=tmp_path, env=NO_ENGINE)
    assert anew.code == 7


@pytest.mark.usefixtures("engine")
def test_the_last_line_of_a_build_names_what_is_not_tested_and_what_tests_it(tmp_path: Path) -> None:
    copied = '[[step]]\nuses = "copy"\nfiles = ["a.py"]\nto = "python"\n'
    write_recipe(tmp_path, "a", recipe(copied, runtime="python3.13"))
    (tmp_path / "recipes" / "a" / "a.py").write_text("x = 1\n")
    zipped = "dist/a-1.0-python3.13-x86_64.zip"
    last = f"not tested: a-1.0-python3.13-x86_64; `layerwright test {zipped}` does it, with a container engine"
    for arguments, env in (((), NO_ENGINE), (("--no-test",), {}), (("--json",), NO_ENGINE)):
        built = layerwright("build", "a", *arguments, cwd=tmp_path, env=env)
        assert (built.code, built.err.splitlines()[-1]) == (0, last)
    own = layerwright("test", zipped, "--python", "import a", cwd=tmp_path)
    assert own.code == 0, own.err
    tested = layerwright("build", "a", cwd=tmp_path, env=NO_ENGINE)
    assert "not tested" in tested.err, "the recipe's tests are others than that of the command line"
    assert layerwright("test", zipped, "--python", "import nowhere", cwd=tmp_path).code == 6
    assert layerwright("test", zipped, cwd=tmp_path).code == 0
    tested = layerwright("build", "a", cwd=tmp_path, env=NO_ENGINE)
    assert "not tested" not in tested.err
    assert "1 passed" in tested.out


@pytest.mark.usefixtures("engine")
def test_a_runtime_image_out_of_reach_is_a_warning_unless_a_test_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_image(runtime("provided.al2023"), X86_64)
    assert run.digest
    pins = tmp_path / "pins" / images.pins_file().name
    pins.parent.mkdir()
    pins.write_text(images.pins_file().read_text().replace(run.digest, f"sha256:{'0' * 64}"))
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(pins.parent))
    write_recipe(tmp_path, "a", recipe(script('mkdir -p "$PREFIX/bin"; cp /bin/bash "$PREFIX/bin/own"')))
    result = layerwright("build", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "built and not tested: the image" in result.err
    assert "not run" in result.out
    assert layerwright("build", "a", "--test", "--rebuild", cwd=tmp_path).code == 4


@pytest.mark.usefixtures("engine")
def test_verify_builds_twice_and_reports_differences(tmp_path: Path) -> None:
    steady = script(
        'mkdir -p "$PREFIX/lib"; echo "int f(void) { return 1; }" > a.c; '
        'gcc -shared -fPIC -o "$PREFIX/lib/liba.so.1" a.c'
    )
    write_recipe(tmp_path, "a", recipe(steady))
    result = layerwright("build", "a", "--verify", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "two builds from nothing are equal" in result.err
    clock = steady.replace("return 1", "return $(date +%N | sed s/^0*// | head -c 8)").replace(
        "echo", 'date > "$PREFIX/lib/when"; echo', 1
    )
    write_recipe(tmp_path, "a", recipe(clock))
    failed = layerwright("build", "a", "--verify", "--rebuild", cwd=tmp_path)
    assert failed.code == 5
    assert re.search(r"lib/liba.so.1 differs in .*\.text", failed.err)
    assert "lib/when differs from byte" in failed.err


@pytest.mark.usefixtures("engine")
def test_an_image_is_read_without_running_it(engine: Engine, tmp_path: Path) -> None:
    image = run_image(runtime("provided.al2023"), X86_64).reference
    told = layerwright("images", "survey", image, cwd=tmp_path)
    rows = dict(line.split(" ", 1) for line in told.out.splitlines() if " " in line)
    inside = run.command(
        engine, of([]), runtime("provided.al2023"), X86_64, ["/bin/sh", "-c", "ldd --version | head -n 1"]
    )
    version = inside.stdout.splitlines()[0].split()[-1]  # Debian 11: 2.31, whose newest symbol is of 2.30
    assert rows["libc.so.6"] == f"GLIBC_2.{int(version.split('.')[1]) - 1}"
    assert rows["libstdc++.so.6"].split()[-1].startswith("GLIBCXX_3.4.")
    programs = layerwright("images", "survey", image, "--programs", cwd=tmp_path).out.split()
    assert {"bash", "ls", "aws-lambda-rie"} <= set(programs)


# ---- what is brought into a layer ----------------------------------------------------------------------------------


def built(folder: Path, text: str, **choice: object) -> tuple[dict[str, bytes], Manifest]:
    write_recipe(folder, "a", text)
    one = recipes.load(folder / "recipes", "a")
    options = Options(output=folder / "dist", containers=EngineOptions(**choice), test="always")  # type: ignore[arg-type]
    result = build(one, targets(one.recipe)[0], options, Events())
    with zipfile.ZipFile(result.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}, result.manifest


@BOTH
@pytest.mark.usefixtures("engine")
def test_a_library_that_the_system_has_too_is_used_by_rpath(tmp_path: Path, arch: str) -> None:
    """The layer's libz says 42; without DT_RPATH the system's would be found first and lack the function."""
    run = """
        mkdir -p "$PREFIX/lib" "$PREFIX/bin"
        echo 'int answer(void) { return 42; }' > z.c
        $CC $CFLAGS -shared -fPIC -Wl,-soname,libz.so.1 -o "$PREFIX/lib/libz.so.1" z.c
        echo 'int answer(void); int main(void) { return answer() == 42 ? 0 : 1; }' > m.c
        $CC $CFLAGS -o "$PREFIX/bin/m" m.c "$PREFIX/lib/libz.so.1"
    """.replace("$CC", "${CC:-gcc}")
    files, manifest = built(tmp_path, recipe(script(run), '[[test]]\nshell = "m"\n', arch=arch))
    assert set(files) == {"bin/m", "lib/libz.so.1"}
    from builder.layer.elf import parse

    assert parse(files["bin/m"]).rpath == ("$ORIGIN/../lib",)
    assert [row for row in manifest.findings if row.severity == "error"] == []


@pytest.mark.usefixtures("engine")
def test_libraries_opened_at_run_time_are_bundled_with_their_dependencies(tmp_path: Path) -> None:
    steps = '[[step]]\nuses = "packages"\ninstall = ["libpq"]\n' + script(
        'mkdir -p "$PREFIX/bin"; echo x > "$PREFIX/bin/x"'
    )
    bundle = '[libraries]\ndlopen = ["libpq.so.5"]\n[[test]]\nfiles = ["lib/libpq.so.5"]\n'
    files, manifest = built(tmp_path, recipe(steps, bundle))
    assert "lib/libpq.so.5" in files
    rows = {row.soname: row for row in manifest.libraries}
    assert (rows["libpq.so.5"].package or "").startswith("libpq")
    assert (rows["libpq.so.5"].bytes or 0) > 100_000
    assert len(rows) > 1
    missing = '[libraries]\ndlopen = ["libnowhere.so.9"]\n'
    write_recipe(tmp_path, "a", recipe(steps, missing))
    failed = layerwright("build", "a", "--rebuild", cwd=tmp_path)
    assert failed.code == 5
    assert "`libnowhere.so.9` is opened at run time; neither" in failed.err


def test_bundling_a_library_that_would_crash_or_never_be_used_is_an_error(tmp_path: Path) -> None:
    text = recipe(
        script("true"),
        '[libraries]\nbundle = ["libc.so.6", "libnss_files.so.2", "libz.so.1", "libpq.so.5", "/lib/x"]\n',
    )
    write_recipe(tmp_path, "a", text)
    result = layerwright("lint", "a", cwd=tmp_path)
    assert result.code == 2
    assert "libraries.bundle[0]: `libc.so.6` is part of the C library" in result.err
    assert "libraries.bundle[1]: `libnss_files.so.2` is part of the C library" in result.err
    assert "libraries.bundle[2]: Lambda has `libz.so.1` itself" in result.err
    assert "libraries.bundle[4]: `/lib/x` is not a valid soname" in result.err
    assert "bundle[3]" not in result.err


@pytest.mark.network
@BOTH
@pytest.mark.usefixtures("engine")
def test_packages_of_the_system_become_a_layer_by_name_alone(tmp_path: Path, arch: str) -> None:
    step = '[[step]]\nuses = "packages"\ninstall = ["jq"]\nlayer = true\n'
    files, _ = built(tmp_path, recipe(step, '[[test]]\nshell = "echo {} | jq -c ."\n', arch=arch))
    assert {"bin/jq"} <= set(files)
    assert any(name.startswith("lib/libjq.so") for name in files)
    assert not [name for name in files if "/doc/" in name or "/man/" in name]


FORBIDDEN = """
import ctypes, errno, os, subprocess, threading
libc = ctypes.CDLL(None, use_errno=True)

def refused(name, *arguments):
    ctypes.set_errno(0)
    failed = getattr(libc, name)(*arguments) == -1
    return failed and ctypes.get_errno() == errno.EPERM

with open("/tmp/x", "wb") as file:
    try:
        os.posix_fallocate(file.fileno(), 0, 1 << 20)
        raise SystemExit("fallocate is not forbidden")
    except PermissionError:
        pass
assert refused("ptrace", 0, 0, 0, 0), "ptrace"
assert refused("prctl", 22, 2, 0, 0, 0), "prctl(PR_SET_SECCOMP)"
assert refused("unshare", 0x10000000), "unshare"
assert refused("chroot", b"/tmp"), "chroot"
# What functions do: threads, processes, names of threads, pipes, sockets of this host, files of anonymous memory.
assert libc.prctl(15, b"name", 0, 0, 0) == 0
assert subprocess.run(["/bin/sh", "-c", "echo $(id -u) | cat"], capture_output=True, check=True).stdout == b"993\\n"
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
os.close(os.memfd_create("x"))
import asyncio, socket
one, other = socket.socketpair()
one.send(b"x")
assert other.recv(1) == b"x"
asyncio.run(asyncio.sleep(0))
"""


@pytest.mark.parametrize("kind", ["docker", "podman"])
def test_system_calls_that_lambda_forbids_are_forbidden(
    engine: Engine, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.kind == "docker"
    if kind == "podman":
        for name, value in podman_environment(tmp_path).items():
            monkeypatch.setenv(name, value)
    found = client.find(kind)
    assert tried(found, MODULE, Test(python=FORBIDDEN))


def test_every_call_of_the_profile_is_named_once_without_conditions() -> None:
    profile = json.loads((facts.folder() / conditions.SECCOMP).read_text(encoding="utf-8"))
    rules = [rule for rule in profile["syscalls"] if not rule.get("args") and not rule.get("includes")]
    names = [name for rule in rules for name in rule["names"]]
    assert len(names) == len(set(names)) > 400
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8").partition("## System calls")[2]
    (forbidden,) = [set(rule["names"]) for rule in rules if rule["action"] != "SCMP_ACT_ALLOW"]
    attested = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in page.splitlines() if "| `" in line)))
    assert attested - {"clone", "posix_fallocate"} == {"fallocate", "seccomp", "ptrace", "unshare", "chroot"}
    assert forbidden >= attested - {"clone", "posix_fallocate"}


def test_what_imports_cost_stands_beside_what_they_cost_before(engine: Engine, tmp_path: Path) -> None:
    assert engine.kind == "docker"
    test = '[[test]]\npython = "import mod"\n'
    module = "import time; x = bytearray({size}); time.sleep({seconds})"
    steps = f'mkdir -p "$PREFIX/python"; echo "{module}" >"$PREFIX/python/mod.py"'

    def made(size: int, seconds: float) -> tuple[str, dict[str, object]]:
        step = script(steps.replace("{size}", str(size)).replace("{seconds}", str(seconds)))
        write_recipe(tmp_path, "a", recipe(step, test, runtime="python3.13"))
        built = layerwright("build", "a", "--test", cwd=tmp_path)
        assert built.code == 0, built.err
        return built.out, json.loads((tmp_path / "dist/a-1.0-python3.13-x86_64.tests.json").read_text())

    out, first = made(1_000, 0.2)
    assert re.search(r"1 passed \(\d+ ms, \d+ ms uncached, \d+ MB\)", out), out
    assert first["before"] is None
    out, second = made(80_000_000, 0.4)
    assert re.search(r"1 passed \(\d+ ms, \d+ before, \d+ ms uncached, \d+ before, \d+ MB, \d+ before\)", out), out
    before, now = second["before"], second["runs"][0]["results"][0]  # type: ignore[index]
    assert before["ms"] >= 200  # type: ignore[index]
    assert now["cold_ms"] >= 400
    assert before["peak_mb"] + 70 < now["peak_mb"] < before["peak_mb"] + 100  # type: ignore[index]
    told = layerwright("test", "dist/a-1.0-python3.13-x86_64.zip", cwd=tmp_path)
    said = r"passes in python3.13 on x86_64 \([\d.]+ s, \d+ ms of a cold start \(\d+ uncached\), \d+ MB\)"
    assert re.search(said + r"; largest imports: mod (?:[2-9]\d+|\d{4,}) ms and 8\d MB", told.out), told.out


def test_a_record_of_an_earlier_version_is_read() -> None:
    said = record.ZipTrials(
        zip="0" * 64,
        tests="1" * 64,
        runs=(ImageTrial(runtime="r", arch="a", image="i", digest=None, emulated=False, at="t"),),
    )
    old = json.loads(Typed(kind=record.ZipTrials).encode(said))
    del old["before"]
    assert Typed(kind=record.ZipTrials).decode(Json(json.dumps(old).encode())) == said
    assert said.cold.words() == ""
