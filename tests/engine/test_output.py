"""The output of builds: events, steps, and the causes of failures."""

import io
import json
import time
from base64 import b64encode
from pathlib import Path

import pytest
from kit.heard import Heard

from builder.base.emitter import Events
from builder.base.errors import BuildError, EngineError, LayerwrightError
from builder.engine import failure
from builder.engine.missing import NoHeadersError, StepFailedError
from builder.engine.progress import BuildProgress, read_events, read_lines
from builder.smoke.tests import hint_for


def followed(*events: object, between: str = "\n") -> tuple[BuildProgress, list[str], str]:
    heard = Heard()
    log = io.StringIO()
    progress = BuildProgress(Events(heard), log)
    text = between.join(one if isinstance(one, str) else json.dumps(one, indent=1) for one in events)
    stream = io.BytesIO(text.encode())
    read_events(lambda: stream.read(7), progress)
    return progress, heard.words, log.getvalue()


def vertex(name: str, **more: str) -> dict[str, object]:
    return {"vertexes": [{"digest": name, "name": name, "started": "t", **more}]}


def output(name: str, text: str) -> dict[str, object]:
    return {"logs": [{"vertex": name, "data": b64encode(text.encode()).decode()}]}


def test_events_become_steps_and_a_log_wherever_the_stream_is_cut() -> None:
    name = "[step-1 2/3] RUN make"
    progress, shown, log = followed(
        vertex(name), output(name, "cc größe.c\nwarn"), output(name, "ing\n"), "a line of the client"
    )
    assert shown == ["step-1: RUN make", "step-1 | cc größe.c", "step-1 | warning"]
    assert "==> [step-1 2/3] RUN make\ncc größe.c\nwarning\n" in log
    assert list(progress.other) == ["a line of the client"]
    assert progress.failed is None


def test_the_failed_step_is_the_one_that_was_not_cancelled() -> None:
    progress, _, _ = followed(
        vertex("[a 1/1] RUN x", error="process did not complete: context canceled"),
        vertex("[b 1/1] RUN y", error="exit code: 2"),
        between="",
    )
    assert progress.failed is not None
    assert progress.failed.stage == "b"


def test_plain_lines_of_other_clients_become_steps_too() -> None:
    heard = Heard()
    progress = BuildProgress(Events(heard), io.StringIO())
    read_lines(io.BytesIO(b"STEP 2/3: RUN make\nx.c:1:1: error: boom\n"), progress)
    assert heard.words[-1] == "STEP 2/3: RUN make | x.c:1:1: error: boom"


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (
            [
                "gcc -c a.c",
                "a.c:3:5: error: unknown type name 'foo'",
                "    3 | foo x;",
                "error: command '/usr/bin/gcc' failed",
            ],
            "a.c:3:5:",
        ),
        (["ld: cannot find -lpq: No such file", "collect2: error: ld returned 1 exit status"], "ld: cannot find -lpq"),
        (["x.o: in function `f':", "x.c:(.text+0x5): undefined reference to `g'"], "x.c:(.text+0x5): undefined"),
        (["Error: pg_config executable not found.", "pg_config is required"], "Error: pg_config"),
        (["cc -Werror -c a.c", "checking for error: 0", "done badly"], "cc -Werror"),
    ],
)
def test_the_first_error_is_the_compilers_own(lines: list[str], first: str) -> None:
    assert failure.first_error(lines)[0].startswith(first)


@pytest.mark.parametrize(
    ("error", "lines", "kind", "text"),
    [
        ("write /x: no space left on device", [], EngineError, "the disk of the container engine is full"),
        ("", ["cc: fatal error: a.o: No space left on device"], EngineError, "docker buildx prune"),
        ("failed to resolve source metadata for x: not found", [], BuildError, "LAYERWRIGHT_REGISTRY"),
        ("exec /bin/sh: exec format error", [], EngineError, "no emulation is registered"),
        ("exit code: 1", ["No match for argument: libpq-dvel"], BuildError, "did you mean `libpq-devel`?"),
        (
            "exit code: 1",
            [
                "Error: ",
                " Problem: problem with installed package a",
                "  - package openssl-snapsafe-libs-3.5.5-1.x86_64 conflicts with openssl-libs provided by x",
            ],
            BuildError,
            "`openssl-snapsafe-libs` conflicts with `openssl-libs`",
        ),
        (
            "exit code: 1",
            ["Error: openssl-snapsafe-libs conflicts with 1:openssl-libs-1.0.2k-24.amzn2.x86_64"],
            BuildError,
            "`openssl-snapsafe-libs` conflicts with `openssl-libs`",
        ),
        ("exit code: 1", ["a.c:1:1: error: boom"], BuildError, "a.c:1:1: error: boom"),
        (
            "exit code: 1",
            ["Package 'xmlsec1', required by 'virtual:world', not found", *(f"line {number}" for number in range(20))],
            BuildError,
            '`install = ["xmlsec1-devel"]` before it; the full log is t.log',
        ),
        (
            "exit code: 127",
            ["02.sh: line 3: find: command not found", *("trap" for _ in range(9))],
            BuildError,
            "the image image:1 has no `find`, which step `step-1` starts",
        ),
        (
            "exit code: 2",
            ["make: autoconf: No such file or directory", "make: *** [a] Error 127"],
            BuildError,
            '["autoconf"]',
        ),
        (
            "exit code: 1",
            ["x.sh: 1: cmp: not found", *"abcde", "a.c:1:1: error: boom"],
            BuildError,
            "a.c:1:1: error: boom",
        ),
        (
            "exit code: 1",
            ["the image has no headers of Node.js: node.h"],
            NoHeadersError,
            "image:1 has no headers of it",
        ),
    ],
)
def test_a_failure_is_reported_with_its_cause(
    error: str, lines: list[str], kind: type[LayerwrightError], text: str
) -> None:
    name = "[step-1 1/2] RUN x"
    progress, _, _ = followed(
        vertex(name), output(name, "".join(f"{line}\n" for line in lines)), vertex(name, error=error or "x")
    )
    found = failure.explain(progress, "t", "image:1", Path("t.log"), "al2023")
    assert isinstance(found, kind)
    assert text in str(found)


OFFLINE = "[wheel-a 1/1] RUN --network=none --mount=type=bind uv build"
ONLINE = "[wheel-a 1/1] RUN --mount=type=bind uv build"
LACKING = (
    "  cause: Because cffi was not found in the provided package locations and you require cffi>=1, we can conclude"
)


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        (OFFLINE, LACKING, "step `wheel-a` needs the build requirement `cffi`, which is not among those it was given"),
        (OFFLINE, LACKING, "`build-requires` of the `pip` step names more of it"),
        (OFFLINE, "curl: (6) Could not resolve host: x", "step `wheel-a` asks the network, which it does not have"),
        (OFFLINE, "curl: (6) Could not resolve host: x", "`network = true` on the `script` or `pip` step allows it"),
        (ONLINE, "curl: (6) Could not resolve host: x", "step `wheel-a` failed"),
    ],
)
def test_what_a_step_was_not_given_is_named_with_the_key_that_gives_it(name: str, line: str, told: str) -> None:
    progress, _, _ = followed(vertex(name), output(name, f"{line}\n"), vertex(name, error="exit code: 1"))
    found = failure.explain(progress, "t", "image:1", Path("t.log"), "al2023")
    assert found.exit_code == 4
    assert isinstance(found, StepFailedError) == ("asks the network" not in found.what), "it is tried again"
    assert told in str(found)
    assert line.strip().removeprefix("cause: ") in str(found)


def test_a_lost_connection_is_an_engine_error() -> None:
    progress, _, _ = followed(
        "ERROR: rpc error: code = Unavailable desc = closing transport due to: connection error\n"
    )
    found = failure.explain(progress, "t", "image:1", Path("t.log"), "al2023")
    assert found.exit_code == 7
    assert "the connection to the container engine was lost" in str(found)


def test_output_without_end_and_without_line_breaks_is_kept_in_part() -> None:
    name = "[step-1 2/3] RUN make"
    line = "x" * 100_000
    told = [vertex(name), *[output(name, f"{line}\n")] * 450, vertex(name, error="exit code: 1")]
    text = "\n".join([*map(json.dumps, told), *["talk " * 9000] * 90])
    progress = BuildProgress(Events(Heard()), io.StringIO())
    stream = io.BytesIO(text.encode())
    read_events(lambda: stream.read(1 << 16), progress)
    assert progress.failed
    assert sum(map(len, progress.failed.lines)) < 2_000_000
    assert (len(progress.other), max(map(len, progress.other))) == (20, 4096)
    plain = BuildProgress(Events(Heard()), io.StringIO())
    read_lines(io.BytesIO(b"y" * 3_000_000), plain)
    assert plain.failed
    assert {len(text) for text in plain.failed.lines} <= {4096, 3_000_000 % (1 << 16)}


@pytest.mark.parametrize(
    "text", ["x" * 1000, ".so" * 333, "a.so: " * 166, "No package matches '" * 50, "error: (" * 125]
)
def test_hints_are_looked_for_in_linear_time(text: str) -> None:
    began = time.monotonic()
    assert hint_for([text] * 1000) is None
    assert failure.first_error([text * 4] * 400)
    assert time.monotonic() - began < 5
