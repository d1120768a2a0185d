"""Ctrl-C and SIGTERM, wherever a command waits: the same end, and an exit code each."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kit.commands import ROOT, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.base import locks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for a child")
BOTH = pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
WORDS = {130: "interrupted", 143: "terminated"}


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "builder", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until(process: "subprocess.Popen[str]", words: str) -> None:
    for line in process.stderr or ():
        if words in line:
            return
    pytest.fail(f"it ended without `{words}`")


@BOTH
@pytest.mark.parametrize("repeat", [1, 3])
def test_waiting_for_a_lock_ends(tmp_path: Path, index: Index, sign: signal.Signals, code: int, repeat: int) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}"))
    (tmp_path / "dist").mkdir()
    with locks.exclusive(tmp_path / "dist" / "a-1.0-python3.13-arm64.zip", lambda: None):
        process = started(tmp_path, "build", "a")
        read_until(process, "waiting for another build of the same target")
        for _ in range(repeat if sign == signal.SIGTERM else 1):
            process.send_signal(sign)
            time.sleep(0.05)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == code
    assert f"error: {WORDS[code]}" in errors
    assert "Traceback" not in errors
    assert list((tmp_path / "dist").glob("[!.]*")) == []
    assert list((Path(os.environ["LAYERWRIGHT_CACHE"]) / "work").glob("build-*")) == []


@BOTH
def test_a_scanner_is_ended(tmp_path: Path, index: Index, sign: signal.Signals, code: int) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}"))
    process = started(tmp_path, "nightly", "--scan", "sh -c 'exec sleep 300' {sbom}", "--patience", "0")
    read_until(process, "scanning")
    time.sleep(1)
    process.send_signal(sign)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in errors) == (code, False), errors


def test_a_supervisor_that_ignores_the_signal_for_us_is_obeyed() -> None:
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "from builder import cli; cli.heed_termination(); print(signal.getsignal(signal.SIGTERM) == signal.SIG_IGN)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "True"
