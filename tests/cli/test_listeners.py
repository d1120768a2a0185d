"""What a command tells: golden text of a log and of JSON lines, folded groups, and events of real builds."""

import datetime as dt
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import DataObject, data, integers, sampled_from
from kit.commands import ROOT, Result, layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel
from rich.console import Console

from builder.base import foreign
from builder.base.emitter import Events
from builder.base.errors import Fault, UsageError
from builder.base.events import (
    CommandEnded,
    Event,
    Failed,
    LogLine,
    Noted,
    Progressed,
    ResultTold,
    StageBegun,
    StageEnded,
    StepBegun,
    StepEnded,
    TableTold,
    TargetBegun,
    TargetEnded,
    TargetsPlanned,
    Warned,
)
from builder.cli.listeners.hosts import HOSTS, detect
from builder.cli.listeners.json_lines import JsonView
from builder.cli.listeners.live import LiveView
from builder.cli.listeners.plain import Clocks, PlainView

A, B = "a-arm64", "b-x86_64"
STORY: tuple[Event, ...] = (
    TargetsPlanned(targets={A: 3.0, B: None}, parallel=2),
    TargetBegun(subject=A, where="node1"),
    StageBegun(subject=A, stage="planning"),
    TargetBegun(subject=B),
    StageBegun(subject=B, stage="planning"),
    StageEnded(subject=A, stage="planning", seconds=0.2, outcome="ok"),
    StageBegun(subject=A, stage="compiling", detail="native"),
    StepBegun(subject=A, stage="step-01", step=1, instruction="RUN make"),
    LogLine(subject=A, stage="step-01", text="gcc \x1b[31ma.c\x1b[0m"),
    Noted(subject=A, text="the cache is cold"),
    Warned(text="the shared cache is away"),
    StageEnded(subject=B, stage="planning", seconds=2.0, outcome="failed"),
    TargetEnded(subject=B, outcome="failed", seconds=2.04),
    StepEnded(subject=A, stage="step-01", step=1, seconds=14.0, outcome="ok"),
    StepBegun(subject=A, stage="step-02", step=2, instruction="RUN true"),
    StepEnded(subject=A, stage="step-02", step=2, seconds=0.0, outcome="cached"),
    Progressed(subject=A, stage="compressing", done=1, total=2, unit="bytes"),
    StageEnded(subject=A, stage="compiling", seconds=15.0, outcome="ok"),
    TargetEnded(subject=A, outcome="built", seconds=16.0, path="dist/a.zip"),
    TableTold(columns=("a", "b"), rows=(("1", "2"),)),
    ResultTold(text="wrote dist"),
    Failed(subject=B, what="b: no", why=("first", "second"), hint="do"),
    Failed(subject="c", what="b: no", why=("first", "second"), hint="do"),
    CommandEnded(exit_code=4, seconds=16.5),
)
PLAIN = """\
[0:01] a-arm64: begins on node1
[0:02] a-arm64: planning
[0:04] b-x86_64: planning
[0:06] a-arm64: compiling (native)
[0:07] a-arm64: step-01: RUN make
a-arm64: step-01 | gcc a.c
a-arm64: the cache is cold
warning: the shared cache is away
[0:11] b-x86_64: planning failed after 2.0 s
[1/2] failed b-x86_64 (2.0 s)
[0:13] a-arm64: step-01 ended after 14.0 s
[0:14] a-arm64: step-02: RUN true
[0:17] a-arm64: compiling ended after 15.0 s
[2/2] dist/a.zip  built in 16.0 s
a b: 1 2
wrote dist
error: b: no
  first
  second
hint: do
"""
QUIET = """\
warning: the shared cache is away
a b: 1 2
wrote dist
error: b: no
  first
  second
hint: do
"""
GITHUB = """\
::group::a-arm64 on node1
[0:02] planning
[0:06] compiling (native)
[0:07] step-01: RUN make
step-01 | gcc a.c
a-arm64: the cache is cold
[0:13] step-01 ended after 14.0 s
[0:14] step-02: RUN true
[0:17] compiling ended after 15.0 s
::endgroup::
[2/2] dist/a.zip  built in 16.0 s
warning: the shared cache is away
::group::b-x86_64
[0:04] planning
[0:11] planning failed after 2.0 s
::endgroup::
[2/2] failed b-x86_64 (2.0 s)
a b: 1 2
wrote dist
error: b: no
  first
  second
hint: do
"""


STOP, RESUME = "::stop-commands::T\n", "::T::\n"


def shown(events: Iterable[Event], variable: str = "", *, quiet: bool = False, stops: bool = False) -> str:
    """Return the text of the plain view; one second passes between two events.

    Lines that stop the commands of a code host, which surround all output, are left out without `stops`.
    """
    text = io.StringIO()

    def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        text.write(f"{' '.join(columns)}: {' '.join(rows[0])}\n")

    clock = iter((0, *range(1000)))
    view = PlainView(
        text.write,
        table,
        quiet=quiet,
        host=detect({variable: "true"}),
        clocks=Clocks(monotonic=lambda: float(next(clock)), epoch=lambda: 1_700_000_000.0, token=lambda: "T"),
    )
    for event in events:
        view.receive(event)
    view.close()
    return text.getvalue() if stops else text.getvalue().replace(STOP, "").replace(RESUME, "")


# ---- logs ----------------------------------------------------------------------------------------------------------


def test_a_log_has_each_phase_line_and_message_as_it_happens() -> None:
    assert shown(STORY) == PLAIN


def test_quiet_leaves_warnings_errors_and_results() -> None:
    assert shown(STORY, quiet=True) == QUIET
    assert shown(STORY, "GITHUB_ACTIONS", quiet=True) == QUIET
    night = TargetEnded(subject=A, outcome="failed", seconds=1.0, reason="a: no")
    assert shown([night], quiet=True) == "failed a-arm64 (1.0 s): a: no\n"


def test_a_group_has_one_target_and_the_others_follow() -> None:
    assert shown(STORY, "GITHUB_ACTIONS") == GITHUB


def test_what_still_runs_when_a_command_ends_is_not_lost() -> None:
    text = shown(STORY[:11], "GITHUB_ACTIONS")
    assert text.count("::group::") == text.count("::endgroup::") == 2
    assert "warning: the shared cache is away" in text
    assert "[0:04] planning" in text.partition("::group::b-x86_64")[2]


def test_a_stage_of_the_command_is_a_group_too() -> None:
    story = (
        StageBegun(stage="publishing"),
        Noted(subject="eu-west-1", text="published"),
        StageBegun(stage="inner"),
        StageEnded(stage="inner", seconds=0.1, outcome="ok"),
        ResultTold(text="ARNs written"),
        StageEnded(stage="publishing", seconds=0.1, outcome="ok"),
        Noted(text="after"),
    )
    expected = "::group::publishing\neu-west-1: published\n[0:02] inner\n::endgroup::\nARNs written\nafter\n"
    assert shown(story, "GITHUB_ACTIONS") == expected


MARKS = {
    "GITHUB_ACTIONS": ("::group::a%25[1]'|\\nb", "::endgroup::"),
    "GITLAB_CI": (
        "\x1b[0Ksection_start:1700000000:layerwright_1\r\x1b[0Ka%[1]'|\\nb",
        "\x1b[0Ksection_end:1700000000:layerwright_1\r\x1b[0K",
    ),
    "TF_BUILD": ("##[group]a%[1]'|\\nb", "##[endgroup]"),
    "BUILDKITE": ("--- a%[1]'|\\nb", ""),
    "TEAMCITY_VERSION": (
        "##teamcity[blockOpened name='a%|[1|]|'||\\nb']",
        "##teamcity[blockClosed name='a%|[1|]|'||\\nb']",
    ),
}


@pytest.mark.parametrize("variable", MARKS)
def test_each_code_host_has_its_marks(variable: str) -> None:
    name = "a%[1]'|\nb"
    story = (TargetBegun(subject=name), StageBegun(subject=name, stage="planning"))
    begin, end = MARKS[variable]
    assert shown(story, variable) == f"{begin}\n[0:01] planning\n" + (f"{end}\n" if end else "")
    assert set(MARKS) == {host.variable for host in HOSTS}
    raw = {host.variable: host.begin("a%\n\r'", 1, 2) for host in HOSTS}
    assert raw["GITHUB_ACTIONS"] == "::group::a%25%0A%0D'"
    assert raw["TEAMCITY_VERSION"] == "##teamcity[blockOpened name='a%|n|r|'']"


FAULT = Fault(file="recipes/a,b:c/recipe.toml", line=3, column=9, key="step[0].uses", text="100% no\n::warning::]; x")
ANNOTATIONS = {
    "GITHUB_ACTIONS": (
        "::error file=recipes/a%2Cb%3Ac/recipe.toml,line=3,col=9::step[0].uses: 100%25 no\\n::warning::]; x"
    ),
    "TF_BUILD": (
        "##vso[task.logissue type=error;sourcepath=recipes/a,b:c/recipe.toml;linenumber=3;columnnumber=9;]"
        "step[0%5D.uses: 100%AZP25 no\\n::warning::%5D%3B x"
    ),
}


@pytest.mark.parametrize("variable", MARKS)
def test_mistakes_in_files_stand_beside_their_lines_where_the_host_can(variable: str) -> None:
    error = UsageError("it has a mistake", faults=[FAULT, Fault(text="without a place")])
    said = Failed(what=error.what, why=error.why, faults=error.faults)
    lines = shown([said, said], variable).splitlines()
    commands = [line for line in lines if line.startswith(("::error", "##vso"))]
    assert commands == ([ANNOTATIONS[variable]] if variable in ANNOTATIONS else [])
    assert lines[0] == "error: it has a mistake"


def test_the_error_of_a_command_has_its_places_for_programs_and_code_hosts(tmp_path: Path) -> None:
    write_recipe(tmp_path, "bad", '[layer]\nname = "bad"\nversion = 1\n')
    told = layerwright("build", "bad", cwd=tmp_path, env={"GITHUB_ACTIONS": "true"})
    assert told.code == 2
    assert "::error file=recipes/bad/recipe.toml,line=3,col=" in told.err
    documents = layerwright("build", "bad", "--events", "json", cwd=tmp_path).err.splitlines()
    (failed,) = [document for line in documents if (document := json.loads(line))["kind"] == "failed"]
    places = {(fault["file"], fault["line"], fault["key"]) for fault in failed["faults"]}
    assert ("recipes/bad/recipe.toml", 3, "layer.version") in places


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("GITHUB_ACTIONS", "##[error]x"),
        ("GITHUB_ACTIONS", "::add-mask::secret"),
        ("GITHUB_ACTIONS", "::set-output name=x::y"),
        ("TF_BUILD", "x ##vso[task.setvariable variable=a]b"),
        ("TF_BUILD", "##[section]x"),
        ("TEAMCITY_VERSION", "##teamcity[buildStatus status='SUCCESS']"),
        ("GITLAB_CI", "\x1b[0Ksection_end:1:layerwright_1\r\x1b[0K"),
    ],
)
def test_a_step_gives_no_commands_to_the_code_host(variable: str, line: str) -> None:
    story = (TargetBegun(subject=A), LogLine(subject=A, stage="step", text=line))
    whole = shown(story, variable, stops=True)
    if variable == "GITHUB_ACTIONS":
        assert f"{STOP}step | " in whole
        assert whole.endswith(f"\n{RESUME}::endgroup::\n")
    written = shown(story, variable).split("\n")[1]
    assert written.startswith("step | ")
    assert foreign.output(line) not in written
    assert foreign.output(line).replace(" ", "") == written.removeprefix("step | ").replace(" ", "")


# ---- control characters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("größe\t5 µs", "größe\t5 µs"),
        ("\x1b[31;1mred\x1b[0m\r", "red"),
        ("\x1b[2J\x1b[1;1Htop", "top"),
        ("\x1b]0;title\x07text", "\\x1b]0;title\\x07text"),
        ("\x1b]52;c;Zm9v\x1b\\text", "\\x1b]52;c;Zm9v\\x1b\\text"),
        ("\x1bPpayload\x1b\\text", "\\x1bPpayload\\x1b\\text"),
        ("\x1b]8;;http://x\x1b\\link", "\\x1b]8;;http://x\\x1b\\link"),
        ("\x1b(Bascii\x1bM", "\\x1b(Bascii\\x1bM"),
        ("a\x08b\x07c\rd\x00e\x7ff\x9b31mg", "a\\x08b\\x07c\\rd\\x00e\\x7ff\\x9b31mg"),
        ("cut \x1b]0;title without end", "cut \\x1b]0;title without end"),
        ("cut \x1b[3", "cut \\x1b[3"),
        ("cut \x1b", "cut \\x1b"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("a\u200bb\ufeffc\U000e0041d\ud800e", "a\\u200bb\\ufeffc\\U000e0041d\\ud800e"),
    ],
)
def test_control_characters_never_reach_a_terminal(raw: str, safe: str) -> None:
    assert foreign.output(raw) == safe
    story = [
        LogLine(subject=raw, stage="s", text=raw),
        Noted(text=raw),
        Warned(text=raw),
        Failed(what=raw, why=(raw,), hint=raw),
        TargetEnded(subject=raw, outcome="failed", seconds=0.0, reason=raw),
        StageBegun(subject=raw, stage=raw, detail=raw),
    ]
    for text in (shown(story), on_console(story)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize(
    "command", ["::error::x", "  ::add-mask::x", "##[error]x", "##vso[task.complete]x", "::stop-commands::y"]
)
@pytest.mark.parametrize("variable", ["GITHUB_ACTIONS", "TF_BUILD"])
def test_no_message_is_a_command_to_the_code_host(variable: str, command: str) -> None:
    story = [
        Noted(text=f"a\n{command}"),
        Warned(subject=f"\n{command}", text=command),
        Failed(what=f"a\n{command}", why=(command, f"a\n{command}"), hint=f"a\n{command}"),
        TargetBegun(subject=f"b\n{command}"),
        StageBegun(subject="c", stage=f"d\n{command}"),
        LogLine(subject="c", stage="e", text=f"f\n{command}\r{command}"),
        TargetEnded(subject="c", outcome="failed", seconds=0.0, reason=f"g\n{command}"),
        TableTold(columns=("h",), rows=((command,),)),
    ]
    own = re.compile(r"::(group|endgroup|T|stop-commands::T)(::|$)|##\[(group|endgroup)\]")
    for line in shown(story[:-1], variable, stops=True).splitlines():
        if variable == "GITHUB_ACTIONS":
            assert own.match(line) or not re.match(r"\s*::", line)
        else:
            assert "##vso[" not in line
        assert "##[" not in own.sub("", line)


def test_commands_are_stopped_while_output_streams_and_only_then() -> None:
    story = [
        *(LogLine(stage="s", text=str(number)) for number in range(3)),
        Noted(text="a"),
        LogLine(stage="s", text="b"),
    ]
    expected = f"{STOP}s | 0\ns | 1\ns | 2\n{RESUME}a\n{STOP}s | b\n{RESUME}"
    assert shown(story, "GITHUB_ACTIONS", stops=True) == expected
    assert "stop" not in shown(story, "GITLAB_CI", stops=True)


def on_console(story: Iterable[Event], *, terminal: bool = False, quiet: bool = False, verbose: bool = False) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100, no_color=True, soft_wrap=True, highlight=False)
    view = LiveView(console, lambda *_: None, quiet=quiet or not terminal, verbose=verbose)
    for event in story:
        view.receive(event)
    view.close()
    return text.getvalue()


# ---- terminals -----------------------------------------------------------------------------------------------------


def test_a_terminal_shows_what_each_target_does_and_keeps_only_messages() -> None:
    view = LiveView(Console(file=io.StringIO(), width=100), lambda *_: None, quiet=True)
    for event in STORY[:11]:
        view.receive(event)
    text = io.StringIO()
    Console(file=text, width=100).print(view)
    assert re.search(r"a-arm64 on node1: compiling \(native\) +step-01 \| gcc a\.c +0 s", text.getvalue())
    assert re.search(r"b-x86_64: planning +0 s", text.getvalue())
    assert re.search(r"0 of 2 done, 0 failed, about \d s left", text.getvalue())
    kept = on_console(STORY, terminal=True)
    assert "\x1b[?25l" in kept
    assert "\x1b[?25h" in kept, "the cursor is back"


def test_a_terminal_keeps_messages_and_with_verbose_the_output_of_steps() -> None:
    usual = [line for line in PLAIN.splitlines() if not re.match(r"\[\d+:|a-arm64: step|a b:", line)]
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_console(STORY)).splitlines()]
    quiet = [line for line in QUIET.splitlines() if line != "a b: 1 2"]
    assert lines == quiet
    loud = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_console(STORY, terminal=True, verbose=True))
    assert "a-arm64: step-01 | gcc a.c" in loud
    for line in usual:
        assert line in loud
    assert "step-01 | gcc" not in on_console(STORY[-6:], terminal=True)


def test_nightly_lines_say_how_often_and_why() -> None:
    ended = TargetEnded(subject=A, outcome="failed", seconds=3.0, attempts=2, reason="the index is away")
    assert shown([TargetsPlanned(targets={A: None, B: None}, parallel=1), ended]) == (
        "[1/2] failed a-arm64 (3.0 s, 2 attempts): the index is away\n"
    )


# ---- JSON ----------------------------------------------------------------------------------------------------------


def test_programs_get_a_document_a_line() -> None:
    text = io.StringIO()
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=dt.timezone.utc)
    tables: list[object] = []
    view = JsonView(text.write, lambda *table: tables.append(table), lambda: moment)
    for event in STORY:
        view.receive(event)
    lines = text.getvalue().splitlines()
    documents = [json.loads(line) for line in lines]
    assert len(documents) == len(STORY)
    assert lines[1] == (
        '{"version":1,"time":"2026-01-02T03:04:05.678Z","kind":"target_begun","subject":"a-arm64","where":"node1"}'
    )
    assert documents[8]["text"] == "gcc \x1b[31ma.c\x1b[0m"
    assert "\x1b" not in text.getvalue()
    assert documents[0]["targets"] == {A: 3.0, B: None}
    assert documents[-2] == {
        "version": 1,
        "time": "2026-01-02T03:04:05.678Z",
        "kind": "failed",
        "subject": "c",
        "what": "b: no",
        "why": ["first", "second"],
        "hint": "do",
        "exit_code": 1,
        "faults": [],
    }
    assert tables == [(("a", "b"), (("1", "2"),))]


PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def kinds() -> dict[str, set[str]]:
    """Return every kind of event with its fields."""
    from dataclasses import fields

    import builder.nightly.planned
    import builder.publish.execute

    assert builder.nightly.planned.NightPlanned.kind
    assert builder.publish.execute.VersionEnded.kind

    def below(cls: type[Event]) -> Iterable[type[Event]]:
        for child in cls.__subclasses__():
            yield child
            yield from below(child)

    # A dataclass with slots is made twice; the first of both is garbage that may still be there.
    return {cls.kind: {field.name for field in fields(cls)} - {"subject"} for cls in below(Event) if fields(cls)}


def test_the_page_about_events_names_every_kind_and_field() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", PAGE, re.MULTILINE)
    assert {kind: set(re.findall(r"`(\w+)`", text)) for kind, text in rows} == kinds()


# ---- real commands -------------------------------------------------------------------------------------------------


def documents(result: Result) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in result.err.splitlines()]
    assert {document["version"] for document in parsed} == {1}
    assert [document["time"] for document in parsed] == sorted(document["time"] for document in parsed)
    assert [document["kind"] for document in parsed].count("command_ended") == 1
    assert parsed[-1]["kind"] == "command_ended"
    assert parsed[-1]["exit_code"] == result.code
    assert paired(parsed)
    return parsed


def paired(parsed: Sequence[dict[str, Any]]) -> bool:
    """Return whether everything that begins ends: stages inside of each other, and all inside of their target."""
    open_stages: dict[str, list[str]] = {}
    targets: set[str] = set()
    for document in parsed:
        subject, kind = document["subject"], document["kind"]
        stack = open_stages.setdefault(subject, [])
        if kind == "target_begun":
            assert subject not in targets
            targets.add(subject)
        elif kind == "target_ended":
            targets.remove(subject)
            assert stack == []
        elif kind == "stage_begun":
            stack.append(document["stage"])
        elif kind == "stage_ended":
            assert stack.pop() == document["stage"]
    return not targets and not any(open_stages.values())


@pytest.fixture
def work(tmp_path: Path, index: Index) -> Path:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}", architectures=("arm64", "x86_64")))
    return tmp_path


def test_a_build_tells_programs_what_it_does_in_order(work: Path) -> None:
    result = layerwright("build", "a", "--events", "json", "--json", cwd=work)
    assert (result.code, len(result.json["built"])) == (0, 2)
    told = documents(result)
    assert told[0]["kind"] == "targets_planned"
    assert list(told[0]["targets"]) == ["a-1.0-python3.13-arm64", "a-1.0-python3.13-x86_64"]
    for name in told[0]["targets"]:
        own = [document for document in told if document["subject"] == name]
        begun = [document["stage"] for document in own if document["kind"] == "stage_begun"]
        expected = ["planning", "installing", "slimming", "compiling bytecode", "checking and compressing", "finishing"]
        assert [stage for stage in begun if stage != "testing"] == expected
        assert own[0]["kind"] == "target_begun"
        assert (own[-1]["kind"], own[-1]["outcome"]) == ("target_ended", "built")
        assert own[-1]["path"].replace("\\", "/") == f"dist/{name}.zip"
        assert {document["outcome"] for document in own if document["kind"] == "stage_ended"} == {"ok"}
    again = documents(layerwright("build", "a", "--events=json", cwd=work))
    assert [document["outcome"] for document in again if document["kind"] == "target_ended"] == ["unchanged"] * 2


def test_a_failed_build_ends_what_it_began_and_tells_the_error(work: Path) -> None:
    write_recipe(work, "b", pip_recipe("b", "missing==1.0"))
    result = layerwright("build", "a", "b", "--keep-going", "--events", "json", cwd=work)
    told = documents(result)
    assert result.code != 0
    ended = {document["subject"]: document["outcome"] for document in told if document["kind"] == "target_ended"}
    assert ended["b-1.0-python3.13-arm64"] == "failed"
    assert ended["a-1.0-python3.13-arm64"] == "built"
    (error,) = [document for document in told if document["kind"] == "failed"]
    assert error["subject"] == "b-1.0-python3.13-arm64"
    assert error["exit_code"] == result.code
    assert "missing" in error["what"] + "".join(error["why"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child")
def test_an_interrupted_build_ends_what_it_began(work: Path, index: Index) -> None:
    for number in range(20):
        make_wheel(index.folder, f"big{number}", "1.0", files={f"big{number}/data.bin": os.urandom(2_000_000)})
    write_recipe(work, "big", pip_recipe("big", *(f"big{number}==1.0" for number in range(20))))
    process = subprocess.Popen(
        [sys.executable, "-m", "builder", "build", "big", "--events", "json"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    first = [process.stderr.readline() for _ in range(3)]
    assert json.loads(first[-1])["kind"] == "stage_begun"
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    result = Result(code=process.returncode, out="", err="".join(first) + rest)
    told = documents(result)
    assert result.code == 130
    assert told[-2]["what"] == "interrupted"
    (ended,) = [document for document in told if document["kind"] == "target_ended"]
    assert ended["outcome"] == "stopped"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("build", "nix", "--events", "json"), 2, "recipes"),
        (("build", "--events=json", "--nonsense"), 2, "No such option"),
        (("build", "--nonsense", "--events", "json"), 2, "No such option"),
        (("build", "a", "--events", "json", "--jobs", "0"), 2, "--jobs"),
        (("build", "a", "-v", "-q", "--events", "json"), 2, "mutually exclusive"),
    ],
)
def test_errors_are_events_too(tmp_path: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    result = layerwright(*arguments, cwd=tmp_path)
    told = documents(result)
    assert (result.code, [document["kind"] for document in told]) == (code, ["failed", "command_ended"])
    assert text in told[0]["what"]


BUG = """
import sys
from builder import __main__, cli
def broken():
    raise ValueError("\\x1b]0;title\\x07 \\u202e\\n::error::x\\n##vso[task.complete]")
cli.run = broken
__main__.main()
"""


@pytest.mark.parametrize("variables", [{}, {"GITHUB_ACTIONS": "true"}, {"TF_BUILD": "True"}])
def test_the_traceback_of_a_bug_is_safe_to_show(tmp_path: Path, variables: dict[str, str]) -> None:
    env = {
        **{key: value for key, value in os.environ.items() if key not in {"GITHUB_ACTIONS", "TF_BUILD"}},
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", BUG], env={**env, "LAYERWRIGHT_CACHE": str(tmp_path)}, capture_output=True, check=False
    )
    text = done.stderr.decode()
    assert done.returncode == 1
    assert r"ValueError: \x1b]0;title\x07 \u202e" in text
    assert "in broken" in text
    assert not re.search("[\x1b\x07\u202e]", text)
    if "GITHUB_ACTIONS" in variables:
        assert not [line for line in text.splitlines() if line.startswith("::error")]
    if "TF_BUILD" in variables:
        assert "##vso" not in text


def test_an_internal_error_is_an_event_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from builder.cli import run

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("builder.cli.options.targets.TargetOptions.chosen", broken)
    monkeypatch.chdir(tmp_path)
    assert run(["build", "a", "--events", "json"]) == 1
    error, ended = map(json.loads, capsys.readouterr().err.splitlines())
    assert error["what"] == "internal error: ZeroDivisionError()"
    assert any("in broken" in line for line in error["why"])
    assert ended["exit_code"] == 1
    with pytest.raises(ZeroDivisionError):
        run(["build", "a"])


def test_a_pipe_without_ci_shows_the_phases_and_quiet_does_not(work: Path) -> None:
    usual = layerwright("build", "a", cwd=work, env={"GITHUB_ACTIONS": ""})
    assert re.search(r"^\[\d+:\d\d\] a-1\.0-python3\.13-arm64: slimming$", usual.err, re.MULTILINE)
    assert re.search(r"^\[[12]/2\] \S+a-1\.0-python3\.13-arm64\.zip  built in [\d.]+ s$", usual.err, re.MULTILINE)
    quiet = layerwright("build", "a", "--quiet", "--rebuild", cwd=work)
    assert (quiet.code, quiet.err) == (0, "")
    assert "a-1.0-python3.13-arm64" in quiet.out
    folded = layerwright("build", "a", "--rebuild", cwd=work, env={"GITHUB_ACTIONS": "true"}).err
    marks = re.findall(r"^::(?:group::(\S+)|endgroup::)$", folded, re.MULTILINE)
    assert sorted(filter(None, marks)) == ["a-1.0-python3.13-arm64", "a-1.0-python3.13-x86_64"]
    assert all(bool(one) != bool(other) for one, other in pairwise(marks))


def test_a_verified_build_is_two_stages_that_hold_the_others(work: Path) -> None:
    result = layerwright("build", "a", "--only", "*-arm64", "--verify", "--no-test", "--events", "json", cwd=work)
    assert result.code == 0, result.err
    told = [document["stage"] for document in documents(result) if document["kind"] == "stage_begun"]
    inner = ["planning", "installing", "slimming", "compiling bytecode", "checking and compressing", "finishing"]
    assert told == ["first build", *inner, "second build", *inner, "comparing"]


@pytest.mark.parametrize("command", ["lock", "plan", "wheel", "schema", "new"])
def test_other_commands_tell_programs_as_well(work: Path, command: str) -> None:
    arguments = {
        "lock": ("lock", "a"),
        "plan": ("plan", "a"),
        "wheel": ("wheel", "a==1.0", "--runtime", "python3.13"),
        "new": ("new", "b", "--pip", "a==1.0", "--runtime", "python3.13"),
    }
    if command == "schema":
        refused = layerwright("schema", "--events", "json", cwd=work)  # it tells nothing, so it has no such option
        assert [document["kind"] for document in documents(refused)] == ["failed", "command_ended"]
        return
    told = documents(layerwright(*arguments[command], "--events", "json", cwd=work))
    assert told[-1]["exit_code"] == 0
    assert [document["kind"] for document in told].count("stage_begun") > 0
    silent = layerwright(*arguments[command], "--quiet", *(["--upgrade"] if command == "lock" else []), cwd=work)
    if command != "new":  # the recipe exists by now
        assert [line for line in silent.err.splitlines() if line.startswith("[")] == []


# ---- groups of many targets ----------------------------------------------------------------------------------------


@given(data())
def test_groups_never_mix_and_nothing_is_lost(draw: DataObject) -> None:
    """Targets that run side by side in any order of their events."""
    names = ["a", "b", "c", "d"]
    stories = {
        name: [
            TargetBegun(subject=name),
            *(LogLine(subject=name, stage=name, text=str(number)) for number in range(draw.draw(integers(0, 4)))),
            Warned(subject=name, text="careful"),
            TargetEnded(subject=name, outcome="built", seconds=0.0),
        ]
        for name in names
    }
    expected = {name: len(story) for name, story in stories.items()}
    events: list[Event] = []
    while left := [name for name in names if stories[name]]:
        events.append(stories[draw.draw(sampled_from(left))].pop(0))
    cut = draw.draw(integers(0, len(events)))
    lines = shown(events[:cut], "GITHUB_ACTIONS").splitlines()
    group = ""
    for line in lines:
        if line.startswith("::group::"):
            assert not group
            group = line.removeprefix("::group::")
        elif line == "::endgroup::":
            assert group
            group = ""
        elif " | " in line:
            assert line.startswith(f"{group} | "), "a line of another target"
        else:
            assert not group, "warnings and results are never folded away"
    assert not group
    assert sum(" | " in line for line in lines) == sum(isinstance(event, LogLine) for event in events[:cut])
    if cut == len(events):
        for name in names:
            numbers = [line.partition(" | ")[2] for line in lines if line.startswith(f"{name} | ")]
            assert numbers == [str(number) for number in range(expected[name] - 3)]
            assert lines.count(f"warning: {name}: careful") == lines.count(f"built {name} (0.0 s)") == 1


# ---- speed ---------------------------------------------------------------------------------------------------------


def calls_for(view: Any, count: int) -> int:
    """Return how many functions are called for so many lines of output, until the view is closed."""
    emitter = Events(view).of(A)
    emitter.begin("compiling")
    calls = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        for _ in range(count):
            emitter.log("step-01", "gcc -O2 -fPIC -c a.c -o a.o")
        view.close()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", ["plain", "json", "live", "verbose"])
def test_each_of_many_lines_takes_as_little_as_one(name: str) -> None:
    sink = io.StringIO()
    console = Console(file=sink, force_terminal=True, width=100)
    make: dict[str, Callable[[], Any]] = {
        "plain": lambda: PlainView(sink.write, lambda *_: None),
        "json": lambda: JsonView(sink.write, lambda *_: None),
        "live": lambda: LiveView(console, lambda *_: None),
        "verbose": lambda: LiveView(console, lambda *_: None, verbose=True),
    }
    few, many = calls_for(make[name](), 1_000), calls_for(make[name](), 20_000)
    assert many < 1.2 * 20 * few
    assert many < (400 if name == "verbose" else 60) * 20_000  # of which it takes some 210, and 25 to 40
    assert len(sink.getvalue()) > (20_000 if name != "live" else 10)
