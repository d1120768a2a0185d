"""`layerwright shell` and `build --debug` on the real engine: where they open, what is there, and what is left."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kit import zips
from kit.commands import ROOT, layerwright, layerwright_process, write_recipe
from kit.compiled import recipe, script, source_archive
from kit.engine import docker
from kit.podman import podman_environment
from kit.wheels import Index, make_sdist

from builder.engine import owned

pytestmark = pytest.mark.usefixtures("engine")
SEEN = 'pwd; echo "$SRC $NAME $VERSION $MINE $JOBS $CFLAGS"; cat "$RECIPE/beside.txt" /opt/first /run/secrets/token'


def failing(folder: Path, last: str = "false") -> None:
    """Write a recipe whose second step fails, with a source, a file beside it, a variable and a secret."""
    digest, _ = source_archive({"file.txt": "here"})
    source = f'[[source]]\nname = "thing"\nurl = "http://127.0.0.1:9/thing-1.0.tar.gz"\nsha256 = "{digest}"\n'
    mine = 'env = { MINE = "it\'s" }\nsecrets = ["token"]'
    write_recipe(folder, "a", recipe(source + script('echo there > "$PREFIX/first"') + script(last, mine)))
    (folder / "recipes" / "a" / "beside.txt").write_text("beside\n")


def left(owner: int) -> list[str]:
    """Return the containers and images of a process: other tests have theirs at the same time."""
    label = f'{{{{.Label "{owned.LABEL}"}}}}'
    rows = docker("ps", "--all", "--format", f"{{{{.Names}}}} {label}").splitlines()
    images = docker("image", "ls", "--quiet", f"--filter=label={owned.LABEL}").split()
    form = f'{{{{.Id}}}} {{{{index .Config.Labels "{owned.LABEL}"}}}}'
    rows += docker("image", "inspect", "--format", form, *images).splitlines() if images else []
    return [row for row in rows if f"/{owner}/" in row]


def test_a_shell_opens_where_the_failed_step_starts(tmp_path: Path) -> None:
    failing(tmp_path, "echo started; touch half; false")
    token = ("--secret", "id=token,env=TOKEN")
    env = {"TOKEN": "word"}
    assert layerwright("build", "a", *token, cwd=tmp_path, env=env).code == 4
    opened = layerwright_process("shell", "a", *token, "--command", SEEN, cwd=tmp_path, env=env)
    assert opened.code == 0, opened.err
    folder, values, *files = opened.out.splitlines()
    assert folder == "/layerwright/sources/thing/thing-1.0"
    assert re.fullmatch(rf"{folder} a 1\.0 it's \d+ -O2 \S.*", values)
    assert files == ["beside", "there", "word"]
    assert "step-2 of a-1.0-provided.al2023-x86_64, as it was before it failed, without network" in opened.err
    again = re.search(r"`(sh \S+)` repeats the step: NAME=a VERSION=1.0 sh \S+/script.sh 02 thing", opened.err)
    assert again
    repeated = layerwright_process("shell", "a", *token, "-c", f"ls; {again[1]}; echo $?; ls", cwd=tmp_path, env=env)
    assert repeated.out.split() == ["file.txt", "started", "1", "file.txt", "half"]


def test_a_shell_needs_no_build_before_and_finds_the_step_that_fails(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("echo 1 >/opt/one") + script("exit 3") + script("exit 4")))
    opened = layerwright_process("shell", "a", "-c", "sh /layerwright/stopped/repeat.sh", cwd=tmp_path)
    assert opened.code == 3, opened.err
    assert "step-2 of" in opened.err
    assert "network" in opened.err
    # The recipe is mended: the shell has the text of now, and a step that fails earlier is the one.
    write_recipe(tmp_path, "a", recipe(script("exit 7") + script("exit 3") + script("exit 4")))
    earlier = layerwright_process("shell", "a", "-c", "sh /layerwright/stopped/repeat.sh", cwd=tmp_path)
    assert earlier.code == 7, earlier.err


def test_a_build_that_succeeds_is_opened_behind_its_last_step(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("exit 3")))
    assert layerwright("build", "a", cwd=tmp_path).code == 4
    write_recipe(tmp_path, "a", recipe(script("mkdir /opt/lib; echo made >/opt/lib/made.txt")))
    assert layerwright("build", "a", "--no-test", cwd=tmp_path).code == 0
    opened = layerwright_process("shell", "a", "-c", "cat /opt/lib/made.txt; exit 9", cwd=tmp_path)
    assert (opened.code, opened.out) == (9, "made\n"), opened.err
    assert "as it is when all is done" in opened.err


@pytest.mark.usefixtures("static_uv")
def test_a_shell_in_a_wheel_has_its_sources_and_flags(tmp_path: Path, index: Index) -> None:
    project = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    make_sdist(index.folder, "a", "1.0", "", {"pyproject.toml": project, "own.py": "raise SystemExit('broken')\n"})
    text = recipe('[[step]]\nuses = "pip"\nrequirements = ["a=={version}"]\n', runtime="python3.13")
    write_recipe(tmp_path, "a", text)
    built = layerwright("build", "a", cwd=tmp_path)
    assert built.code == 4, built.err
    opened = layerwright_process(
        "shell", "a", "-c", 'pwd; cat own.py; echo "$CFLAGS"; sh /layerwright/stopped/repeat.sh', cwd=tmp_path
    )
    assert opened.code == 1, opened.err
    folder, source, flags = opened.out.splitlines()[:3]
    assert (folder, source) == ("/layerwright/sources/sdist/a-1.0", "raise SystemExit('broken')")
    assert "-march=" in flags
    assert "Building wheel" in opened.out


HEEDING = """
import os, signal, sys
for sign in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(sign, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a command that heeds signals, also where the tests themselves were told to ignore some, as by `nohup`."""


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 143), (signal.SIGINT, 130)])
def test_whatever_ends_it_nothing_is_left(tmp_path: Path, sign: signal.Signals, code: int) -> None:
    write_recipe(tmp_path, "a", recipe(script("exit 3")))
    inside = "echo open; trap '' INT TERM HUP; sleep 300"
    command = [sys.executable, "-c", HEEDING, sys.executable, "-m", "builder", "shell", "a", "-c", inside]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = tmp_path / "said"
    with (
        said.open("wb") as err,
        subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout
        assert process.stdout.readline() == "open\n", said.read_text()
        assert len(left(process.pid)) == 2
        process.send_signal(sign)
        process.communicate(timeout=60)
    assert (process.returncode, left(process.pid)) == (code, [])


def test_what_a_killed_process_leaves_the_next_one_removes(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("exit 3")))
    command = [sys.executable, "-m", "builder", "shell", "a", "-c", "echo open; sleep 300"]
    own = {"LAYERWRIGHT_CACHE": str(tmp_path / "cache")}  # in which it leaves its folder
    env = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
    said = tmp_path / "said"
    with (
        said.open("wb") as err,
        subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout
        assert process.stdout.readline() == "open\n", said.read_text()
        process.kill()
        process.wait()  # the engine's client still has its output
    assert len(left(process.pid)) == 2
    assert layerwright_process("shell", "a", "-c", "true", cwd=tmp_path, env=own).code == 0
    assert left(process.pid) == []


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("exit 3")))
    for command in (("shell", "a"), ("build", "a", "--debug")):
        refused = layerwright_process(*command, cwd=tmp_path)
        assert refused.code == 2
        assert "needs a terminal, and there is none" in refused.err
        assert "--command COMMAND" in refused.err


def typed(folder: Path, arguments: list[str], prompt: str, text: str) -> tuple[int, str]:
    """Run a command on a terminal, type a text at its prompt, and return the exit code with what the terminal shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ.update(PYTHONPATH=str(ROOT), TERM="xterm")
        os.execv(sys.executable, [sys.executable, "-m", "builder", *arguments])
    shown, sent, end = "", False, time.monotonic() + 180
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # its end, on Linux
            break
        shown += data.decode(errors="replace")
        if not sent and prompt in shown:
            os.write(terminal, text.encode())
            sent = True
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_debug_opens_a_shell_at_once_when_a_step_fails(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("echo 1 >/opt/one") + script("cat /opt/one /missing")))
    prompt = "step-2:/layerwright/work# "
    text = "echo $NAME-$VERSION; sh /layerwright/stopped/repeat.sh; exit 5\n"
    code, shown = typed(tmp_path, ["build", "a", "--debug"], prompt, text)
    assert code == 4, shown
    assert "a-1.0\r\n" in shown
    assert shown.count("No such file or directory") >= 2
    assert prompt in shown


@pytest.mark.long
def test_podman_opens_the_failed_step_too(tmp_path: Path) -> None:
    env = podman_environment(tmp_path)
    write_recipe(tmp_path, "a", recipe(script("echo 1 >/opt/one") + script("exit 6")))
    assert layerwright_process("build", "a", cwd=tmp_path, env=env).code == 4
    command = 'echo "$NAME $VERSION"; cat /opt/one; sh /layerwright/stopped/repeat.sh'
    opened = layerwright_process("shell", "a", "-c", command, cwd=tmp_path, env=env)
    assert (opened.code, opened.out) == (6, "a 1.0\n1\n"), opened.err
    assert "step-2 of" in opened.err
    assert "as it was before it failed" in opened.err


def test_a_shell_in_the_sandbox_has_the_layers_and_the_conditions_of_lambda(tmp_path: Path) -> None:
    zips.write(tmp_path / "a.zip", {"python/mod.py": b"VALUE = 7\n", "lib/which.txt": b"first"})
    zips.write(tmp_path / "b.zip", {"lib/which.txt": b"second"})
    where = ["--runtime", "python3.13", "--arch", "x86_64"]
    prompt = "python3.13:/var/task$ "
    text = "id -un; touch /opt/x; cat /opt/lib/which.txt; python3 -c 'import mod; print(mod.VALUE * 6)'; exit 5\n"
    code, shown = typed(tmp_path, ["test", "a.zip", "b.zip", *where, "--shell"], prompt, text)
    assert code == 5, shown
    for seen in ("sbx_user1051\r\n", "Permission denied", "second", "42\r\n"):
        assert seen in shown, shown
    refused = layerwright_process("test", "a.zip", *where, "--shell", cwd=tmp_path)
    assert refused.code == 2
    assert "--shell without code needs a terminal, and there is none" in refused.err
    assert layerwright("test", tmp_path / "a.zip", *where, "--shell", "test -e /opt/lib", cwd=tmp_path).code == 0
