"""Dockerfiles that stop at a step: each step of all stored ones, as BuildKit and Podman name it."""

import re
import subprocess
from pathlib import Path

import pytest
from kit.golden import FOLDER

from builder.plan import stopping
from builder.plan.stopping import StoppedFile

FILES = sorted(FOLDER.glob("*.Dockerfile"))
STEP = re.compile(r"^RUN (?:.*\\\n)*.*$", re.MULTILINE)


def steps(text: str) -> list[tuple[int, str, str]]:
    """Return the number of the stage, its name and the text of each step."""
    found = []
    for number, section in enumerate(re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:], 1):
        stage = section.splitlines()[0].rpartition(" AS ")[2]
        found += [(number, stage, match.group()) for match in STEP.finditer(section)]
    return found


def told(text: str) -> str:
    return re.sub(r"\\\n", " ", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_step_is_found_as_the_engines_name_it(path: Path) -> None:
    text = path.read_text()
    for number, stage, step in steps(text):
        stop = stopping.before(text, f"[{stage} 3/3] {told(step)}")
        assert stop == stopping.before(text, f"[linux/arm64 {stage} 3/3] {told(step)}")
        assert stop == stopping.before(text, f"[{number}/9] STEP 3/3: {told(step)}")
        assert stop is not None
        assert (stop.stage, step.rstrip().endswith(stop.command)) == (stage, True)
        assert stop.network is ("--network=none" not in step)
        assert stop.secrets == tuple(re.findall(r"type=secret,id=(\S+)", step))
        assert step not in stop.dockerfile
        assert stop.dockerfile.startswith(text[: text.index(step)].rstrip("\n"))
        copied = [line.split()[-1] for line in stop.dockerfile.splitlines() if line.startswith("COPY ")]
        assert copied[-2:] == ["/layerwright/stopped", "/run/secrets"]
        assert set(re.findall(r"type=bind\S*target=(\S+)", step)) <= set(copied)
        accepted(stop)


def accepted(stop: StoppedFile) -> None:
    """Shells accept both scripts, and nothing but preparations is in the one that is read."""
    for script in (stop.repeat, stop.prologue):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert all(re.match(r"\. /|cd |export |set |CFLAGS=", line) for line in stop.prologue.splitlines()), stop.prologue
    assert stop.prologue.count("/layerwright/inside/environment.sh") == 1


def test_behind_the_last_step_all_is_done() -> None:
    text = (FOLDER / "autotools.Dockerfile").read_text()
    stop = stopping.behind(text)
    assert stop.stage == "tree"
    assert steps(text)[-1][2] in stop.dockerfile
    assert "AS result" not in stop.dockerfile
    assert "COPY bin /layerwright/bin" in stop.dockerfile


TWO = """FROM a AS step-0
RUN one
RUN --network=none --mount=type=bind,source=inside,target=/i \\
    --mount=type=secret,id=token \\
    A='b c' sh /layerwright/inside/systems/make.sh my-lib -j && \\
    two

FROM step-0 AS step-1
RUN --network=none A='b c' three
"""


def test_a_step_whose_text_has_changed_is_the_last_one_of_its_stage() -> None:
    stop = stopping.before(TWO, "[step-0 2/2] RUN what was there")
    assert stop is not None
    assert stop.dockerfile.startswith("FROM a AS step-0\nRUN one\nCOPY inside /i\n")
    assert (stop.network, stop.secrets) == (False, ("token",))
    assert stop.prologue.splitlines() == [
        ". /layerwright/inside/environment.sh",
        "export A='b c'",
        'cd "$(source_folder my-lib)"',
    ]
    first = stopping.before(TWO, "[1/2] STEP 2/3: RUN one")
    assert first is not None
    assert "RUN" not in first.dockerfile
    assert first.network


@pytest.mark.parametrize(
    "instruction",
    ["", "[internal] load build definition", "[step-9 1/2] RUN one", "[7/7] STEP 1/2: RUN one", "[step-0 1/2] FROM a"],
)
def test_what_is_no_step_is_not_found(instruction: str) -> None:
    assert stopping.before(TWO, instruction) is None
