"""Completion: the words that a shell gets, and a real bash that asks for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import ROOT, layerwright, layerwright_process

from builder.cli import COMMANDS, COMPLETION, GROUPS

BIN = Path(sys.executable).parent


def words(line: str, begun: str, cwd: Path) -> list[str]:
    """Return what bash offers for the word that is begun after a line."""
    script = f"""
        source <(layerwright completion bash)
        COMP_WORDS=({line} '{begun}'); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _layerwright_completion layerwright; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    found = subprocess.run(["bash", "-c", script], cwd=cwd, env=env, capture_output=True, text=True, check=True)
    return found.stdout.split()


@pytest.mark.parametrize(
    ("line", "begun", "offered"),
    [
        ("layerwright", "comp", ["completion"]),
        ("layerwright build", "ffm", ["ffmpeg"]),
        ("layerwright build numpy --arch", "a", ["arm64"]),
        ("layerwright build --runtime", "python3.1", ["python3.14", "python3.13", "python3.12", "python3.11"]),
        ("layerwright build jq --only", "jq-", ["jq-1.8.2-arm64", "jq-1.8.2-x86_64"]),
        ("layerwright build jq", "--keep", ["--keep-going"]),
        ("layerwright completion", "f", ["fish"]),
    ],
)
def test_bash_offers_commands_recipes_and_values(line: str, begun: str, offered: list[str]) -> None:
    found = words(line, begun, ROOT)
    assert [word for word in offered if word not in found] == []
    assert all(word.startswith(begun) for word in found)


def test_in_an_empty_folder_the_catalogue_is_offered_for_builds_alone(tmp_path: Path) -> None:
    assert words("layerwright build", "ffm", tmp_path) == ["ffmpeg"]
    assert words("layerwright lock", "ffm", tmp_path) == []


@pytest.mark.parametrize(
    ("shell", "env"),
    [
        ("zsh", {"COMP_WORDS": "layerwright build ffm", "COMP_CWORD": "2"}),
        ("fish", {"COMP_WORDS": "layerwright build ffm", "COMP_CWORD": "ffm"}),
        ("powershell", {"COMP_WORDS": "layerwright build ffm", "COMP_WORD": "ffm"}),
    ],
)
def test_other_shells_get_a_script_and_its_answers(shell: str, env: dict[str, str], tmp_path: Path) -> None:
    assert COMPLETION in layerwright("completion", shell, cwd=tmp_path).out
    answer = layerwright_process(cwd=tmp_path, env={COMPLETION: f"{shell}_complete", **env})
    assert "ffmpeg" in answer.out


def test_every_command_is_in_one_group_of_the_help(tmp_path: Path) -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(COMMANDS)
    shown = layerwright(cwd=tmp_path)
    assert shown.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in shown.out] == []
    assert shown.err == ""
