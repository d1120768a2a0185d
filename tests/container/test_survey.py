"""The questions of survey.sh, in shells of this host with a PATH of the test's own."""

import subprocess
from pathlib import Path

import pytest

from builder.base import programs

MULTI_CALL = "#!/usr/bin/coreutils --coreutils-prog-shebang=cat\n"


def answers(shell: str, path: str, **environment: str) -> dict[str, str]:
    command = [f"/bin/{shell}", "-c", programs.text("shell/survey.sh")]
    finished = subprocess.run(
        command, env={"PATH": path, **environment}, capture_output=True, check=True, encoding="utf-8"
    )
    return dict(line.split("\t", 1) for line in finished.stdout.splitlines() if not line.startswith("package\t"))


def tool(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_host_with_everything_is_described(shell: str) -> None:
    found = answers(shell, "/usr/bin/:/bin", LANG="C.UTF-8", LD_LIBRARY_PATH="/nowhere")
    assert found["shell"] == ("bash" if shell == "bash" else "other")
    assert found["coreutils"] == "separate"
    assert found["program.tar"] == "/usr/bin/tar"
    assert found["version.python3"].startswith("Python 3.")
    assert (found["environment.LANG"], found["environment.LD_LIBRARY_PATH"]) == ("C.UTF-8", "/nowhere")


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_what_is_not_there_is_not_told(shell: str, tmp_path: Path) -> None:
    tool(tmp_path / "bin", "cat", MULTI_CALL)
    tool(tmp_path / "bin", "dnf", "#!/bin/sh\n")
    tool(tmp_path / "bin", "rpm", '#!/bin/sh\ncase "$1" in -qf) printf "microdnf-dnf 3.8.1" ;; *) exit 1 ;; esac\n')
    found = answers(shell, str(tmp_path / "bin"))
    assert found["coreutils"] == "multi-call"
    assert found["manager.dnf"] == "microdnf-dnf 3.8.1"
    assert not [key for key in found if key.startswith("program.")]


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_an_image_without_any_program_answers(shell: str, tmp_path: Path) -> None:
    found = answers(shell, str(tmp_path))
    assert found["coreutils"] == "none"
    assert not [key for key in found if key.startswith("manager.")]
