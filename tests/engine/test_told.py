"""What builds in containers tell while they run, on the real engine."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Result, layerwright, write_recipe
from kit.compiled import recipe, script

pytestmark = pytest.mark.usefixtures("engine")
TARGET = "a-1.0-provided.al2023-x86_64"
ESCAPES = "printf '\\033[2J\\033]0;title\\007clean %s\\n' \"$NAME\""


def told_anew(file: str) -> str:
    """Return a step that no engine has run before: what a kept one printed is not told again."""
    return script(f'{ESCAPES}\nmkdir -p "$PREFIX/bin"; echo {uuid.uuid4()} > "$PREFIX/bin/{file}"')


def documents(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.err.splitlines()]


def steps(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return stage and outcome of each step, after asserting that each begins and ends once."""
    begun = [document["step"] for document in told if document["kind"] == "step_begun"]
    ended = [document for document in told if document["kind"] == "step_ended"]
    assert sorted(begun) == sorted(document["step"] for document in ended)
    assert len(set(begun)) == len(begun)
    return [(document["stage"], document["outcome"]) for document in ended]


def test_steps_and_their_output_are_told_inside_of_the_stage(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(told_anew("x")))
    told = documents(layerwright("build", "a", "--no-test", "--events", "json", cwd=tmp_path))
    assert told[-1]["exit_code"] == 0
    assert {outcome for _, outcome in steps(told)} <= {"ok", "cached"}
    kinds = [(document["kind"], document.get("stage")) for document in told if document["subject"] == TARGET]
    first, last = kinds.index(("stage_begun", "compiling")), kinds.index(("stage_ended", "compiling"))
    inside = {index for index, (kind, _) in enumerate(kinds) if kind in {"step_begun", "step_ended", "log_line"}}
    assert inside
    assert all(first < index < last for index in inside)
    (line,) = [document for document in told if document["kind"] == "log_line" and "clean" in document["text"]]
    assert line["text"] == "\x1b[2J\x1b]0;title\x07clean a"


def test_logs_show_the_control_characters_of_the_output(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(told_anew("y")))
    result = layerwright("build", "a", "--no-test", cwd=tmp_path, env={"GITHUB_ACTIONS": "true"})
    assert re.search(rf"^::group::{TARGET}$", result.err, re.MULTILINE)
    assert re.search(r"^\S+ \| \\x1b\]0;title\\x07clean a$", result.err, re.MULTILINE), result.err
    assert "\x1b" not in result.err


def test_a_failed_step_is_told_with_its_output(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("echo before; exit 3")))
    result = layerwright("build", "a", "--no-test", "--events", "json", cwd=tmp_path)
    told = documents(result)
    assert (result.code, told[-1]["exit_code"]) == (4, 4)
    assert [outcome for _, outcome in steps(told)].count("failed") == 1
    assert any(document["text"] == "before" for document in told if document["kind"] == "log_line")
    (compiling,) = [
        document for document in told if document["kind"] == "stage_ended" if document["stage"] == "compiling"
    ]
    (ended,) = [document for document in told if document["kind"] == "target_ended"]
    assert compiling["outcome"] == ended["outcome"] == "failed"
    (error,) = [document for document in told if document["kind"] == "failed"]
    assert (error["subject"], "before" in error["why"]) == (TARGET, True)
