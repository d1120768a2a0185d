"""`layerwright nightly` as a user runs it: what changed is built, what breaks is told, what was stopped goes on."""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.commands import ROOT, Result, layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel, serve

from builder.base.clock import now
from builder.nightly import journal, records

NAMES = ("a", "b", "c")
posix = pytest.mark.skipif(sys.platform == "win32", reason="ends processes, or sets limits, as POSIX does")


@pytest.fixture
def work(tmp_path: Path, index: Index) -> Path:
    """Make a folder with three recipes that have locks."""
    folder = tmp_path / "work"
    for name in NAMES:
        wheel = make_wheel(index.folder, name, "1.0", files={f"{name}/data.bin": name.encode() * 3000})
        write_recipe(folder, name, pip_recipe(name, f"{name}=={{version}}"))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lock(folder, name, f"{name}==1.0 \\\n    --hash=sha256:{digest}\n")
    return folder


def lock(folder: Path, name: str, text: str) -> None:
    (folder / "recipes" / name / "requirements.lock").write_text(text)


def nightly(folder: Path, *arguments: str, **env: str) -> Result:
    return layerwright("nightly", "--json", "--patience", "0", *arguments, cwd=folder, env=env)


def states(result: Result) -> dict[str, str]:
    return dict(result.json["states"])


def target(result: Result, name: str) -> dict[str, Any]:
    (found,) = [one for one in result.json["targets"] if one["recipe"] == name]
    return dict(found)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("dist/*.zip"))}


def all_are(state: str) -> dict[str, str]:
    return {f"{name}-python3.13-arm64": state for name in NAMES}


def test_the_first_night_builds_all_and_the_second_nothing(work: Path) -> None:
    first = nightly(work)
    assert first.code == 0, first.err
    assert states(first) == all_are("built")
    assert target(first, "a")["reasons"] == ["no run has built it before"]
    assert (work / "dist" / "report" / "index.html").is_file()
    before = digests(work)
    second = nightly(work)
    assert (second.code, states(second)) == (0, all_are("unchanged"))
    assert digests(work) == before
    assert (first.json["run"], second.json["run"]) == ("00001", "00002")


def test_a_night_tells_programs_what_it_does_and_the_report_how_long_each_stage_took(work: Path) -> None:
    (work / "recipes" / "b" / "recipe.toml").write_text(pip_recipe("b", "nothing-has-this-name==1.0"))
    result = layerwright("nightly", "--json", "--events", "json", "--patience", "0", cwd=work)
    assert result.code == 4
    told = [json.loads(line) for line in result.err.splitlines()]
    (planned,) = [document for document in told if document["kind"] == "night_planned"]
    assert set(planned["targets"]) == set(planned["reasons"]) == {f"{name}-1.0-python3.13-arm64" for name in NAMES}
    assert planned["reasons"]["a-1.0-python3.13-arm64"] == ["no run has built it before"]
    ended = {document["subject"]: document for document in told if document["kind"] == "target_ended"}
    assert ended["a-1.0-python3.13-arm64"]["outcome"] == "built"
    assert ended["b-1.0-python3.13-arm64"]["outcome"] == "failed"
    assert ended["b-1.0-python3.13-arm64"]["reason"] == target(result, "b")["failure"]["what"]
    assert (told[-1]["kind"], told[-1]["exit_code"]) == ("command_ended", 4)
    for name in NAMES:
        subject = f"{name}-1.0-python3.13-arm64"
        seconds: dict[str, float] = {}
        for document in told:
            if document["kind"] == "stage_ended" and document["subject"] == subject:
                seconds[document["stage"]] = seconds.get(document["stage"], 0.0) + document["seconds"]
        assert target(result, name)["stages"] == {stage: round(took, 2) for stage, took in seconds.items()}
        assert ("slimming" in seconds) is (name != "b")


def test_the_second_night_asks_nobody(work: Path, tmp_path: Path) -> None:
    assert nightly(work).code == 0
    empty = tmp_path / "empty"
    empty.mkdir()
    # No index, no engine, no cache: nothing of it is needed to see that nothing changed.
    alone = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "PATH": str(empty), "LAYERWRIGHT_CACHE": str(empty)}
    second = nightly(work, **alone)
    assert (second.code, states(second)) == (0, all_are("unchanged"))


def test_what_changed_is_built_and_the_reason_is_told(work: Path) -> None:
    assert nightly(work).code == 0
    recipe = work / "recipes" / "b" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("for tests", "for other tests"))
    (work / "dist" / "c-1.0-python3.13-arm64.zip").unlink()
    second = nightly(work)
    assert states(second) == {**all_are("same"), "a-python3.13-arm64": "unchanged"}
    assert target(second, "b")["reasons"] == ["recipe.toml changed"]
    assert target(second, "c")["reasons"] == ["c-1.0-python3.13-arm64.zip does not exist"]
    # The bytes came out as they were, so nobody needs to publish anything.
    assert (target(second, "b")["revision"], target(second, "c")["revision"]) == (1, 1)


def test_a_new_version_goes_on_with_the_history_of_the_old(work: Path, index: Index) -> None:
    assert nightly(work).code == 0
    wheel = make_wheel(index.folder, "a", "1.1", files={"a/data.bin": b"a" * 9000})
    recipe = work / "recipes" / "a" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('"1.0"', '"1.1"'))
    lock(work, "a", f"a==1.1 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    second = nightly(work)
    assert second.code == 0, second.err
    found = target(second, "a")
    assert (found["target"], found["revision"]) == ("a-1.1-python3.13-arm64", 2)
    assert {"kind": "package", "name": "a", "old": "1.0", "new": "1.1", "bytes": 0} in found["changes"]
    (record,) = [one for one in records.every(work / "dist") if one.recipe == "a"]
    assert [point.revision for point in record.history] == [1, 2]


def test_a_zip_that_somebody_damaged_is_built_again(work: Path) -> None:
    assert nightly(work).code == 0
    before = digests(work)
    path = work / "dist" / "a-1.0-python3.13-arm64.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(work / "dist" / "b-1.0-python3.13-arm64.zip")  # touched, and whole
    second = nightly(work)
    assert states(second) == {**all_are("unchanged"), "a-python3.13-arm64": "same"}
    assert target(second, "a")["reasons"] == ["a-1.0-python3.13-arm64.zip is not the zip that was built"]
    assert digests(work) == before


def test_damaged_records_are_renamed_and_those_of_a_newer_layerwright_refused(work: Path) -> None:
    assert nightly(work).code == 0
    record, run = (work / "dist" / "nightly" / name for name in ("targets/a-python3.13-arm64.json", "runs/00001.json"))
    kept = record.read_text()
    record.write_text(kept[:100])
    run.write_bytes(b"\xff")
    second = nightly(work)
    assert second.code == 0, second.err
    assert second.err.count("is not a valid nightly") == 2
    assert record.with_name(f"{record.name}.damaged").read_text() == kept[:100]
    assert states(second) == {**all_are("unchanged"), "a-python3.13-arm64": "same"}
    assert second.json["run"] == "00002"  # records name the first one, damaged as it is
    document = json.loads(record.read_text()) | {"version": 2}
    record.write_text(json.dumps(document))
    third = nightly(work)
    assert (third.code, "was written by a newer layerwright" in third.err) == (2, True), third.err
    assert json.loads(record.read_text()) == document


def test_others_go_on_when_one_breaks_and_the_next_night_tries_it_again(work: Path, index: Index) -> None:
    wheel = index.folder / "b-1.0-py3-none-any.whl"
    kept = wheel.read_bytes()
    wheel.unlink()
    first = nightly(work)
    assert first.code == 4
    assert states(first) == {**all_are("built"), "b-python3.13-arm64": "failed"}
    failure = target(first, "b")["failure"]
    assert failure["exit_code"] == 4
    page = (work / "dist" / "report" / "index.html").read_text(encoding="utf-8")
    assert "b-1.0-python3.13-arm64" in page
    assert failure["what"].replace("'", "&#39;") in page
    # Not tried again when asked so, and still counted as broken.
    still = nightly(work, "--since", "last-run")
    assert (still.code, states(still)["b-python3.13-arm64"]) == (4, "broken")
    wheel.write_bytes(kept)
    third = nightly(work)
    assert third.code == 0, third.err
    assert states(third) == {**all_are("unchanged"), "b-python3.13-arm64": "built"}
    assert target(third, "b")["reasons"] == ["it never succeeded"]


def test_a_recipe_that_cannot_be_read_stops_nobody(work: Path) -> None:
    (work / "recipes" / "b" / "recipe.toml").write_text("[layer]\nname = 1\n")
    result = nightly(work)
    assert result.code == 4
    assert states(result) == {"a-python3.13-arm64": "built", "c-python3.13-arm64": "built"}
    assert "b/recipe.toml" in result.err
    assert set(result.json["broken_recipes"]) == {"b"}
    assert "b/recipe.toml" in (work / "dist" / "report" / "index.html").read_text(encoding="utf-8")


def test_what_no_recipe_makes_any_more_is_put_aside(work: Path) -> None:
    assert nightly(work).code == 0
    (work / "recipes" / "b" / "recipe.toml").write_text("broken")
    (work / "recipes" / "c" / "recipe.toml").unlink()
    assert "put aside" not in nightly(work, "a").err  # it is about one recipe and says nothing of the others
    second = nightly(work)
    assert "put aside: c-python3.13-arm64" in second.err
    assert {one["recipe"] for one in second.json["targets"]} == {"a", "b"}
    assert (work / "dist" / "nightly" / "retired" / "c-python3.13-arm64.json").is_file()


def test_only_what_is_named_is_built(work: Path) -> None:
    assert states(nightly(work, "a", "b", "--only", "a-*")) == {"a-python3.13-arm64": "built"}
    nobody = nightly(work, "aa")
    assert nobody.code == 2
    assert "did you mean `a`?" in nobody.err


def test_fail_fast_begins_nothing_new_after_a_failure(work: Path, index: Index) -> None:
    (index.folder / "a-1.0-py3-none-any.whl").unlink()
    result = nightly(work, "--fail-fast", "--jobs", "1")
    assert result.code == 4
    assert states(result)["a-python3.13-arm64"] == "failed"
    assert len(states(result)) < 3


def test_rebuild_gives_the_same_bytes_the_same_revision(work: Path) -> None:
    assert nightly(work).code == 0
    before = digests(work)
    again = nightly(work, "--rebuild")
    assert states(again) == all_are("same")
    assert digests(work) == before
    assert target(again, "a")["revision"] == 1


def test_an_index_that_is_down_for_a_while_is_waited_for(work: Path, index: Index, monkeypatch: Any) -> None:
    port = int(index.url.split(":")[2].split("/")[0])
    index.stop()
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "2")
    with contextlib.ExitStack() as later:
        timer = threading.Timer(6.0, lambda: later.enter_context(serve(index.folder, port=port)))
        timer.start()
        result = layerwright("nightly", "--json", "--patience", "1", cwd=work)
        timer.join()
    assert result.code == 0, result.err
    assert states(result) == all_are("built")
    assert target(result, "a")["attempts"] > 1


def test_an_index_that_stays_down_fails_each_target_with_its_name(work: Path, index: Index) -> None:
    index.stop()
    result = nightly(work, UV_HTTP_RETRIES="0")
    assert result.code == 4
    assert states(result) == all_are("failed")
    assert "did not respond" in target(result, "a")["failure"]["what"]


def test_a_target_that_takes_too_long_is_given_up(work: Path, index: Index) -> None:
    with serve(index.folder, pause=1.0) as slow:
        result = nightly(work, "--limit", "0.01", UV_DEFAULT_INDEX=slow.url)
    assert result.code == 4
    assert states(result) == all_are("failed")
    assert "it took longer than" in target(result, "a")["failure"]["what"]
    assert not list((work / "dist").glob("*.zip"))


@posix
def test_a_full_disk_leaves_no_half_file_and_the_others_whole(work: Path, index: Index) -> None:
    big = make_wheel(index.folder, "big", "1.0", files={"big/data.bin": random.Random(1).randbytes(3_000_000)})
    write_recipe(work, "big", pip_recipe("big", "big=={version}"))
    lock(work, "big", f"big==1.0 \\\n    --hash=sha256:{hashlib.sha256(big.read_bytes()).hexdigest()}\n")
    assert nightly(work, "a", "b", "c").code == 0  # uv's cache and ours have what they need

    def no_large_files() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    finished = subprocess.run(
        [sys.executable, "-m", "builder", "nightly", "--json", "--rebuild", "--patience", "0"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=no_large_files,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert finished.returncode == 4, finished.stderr
    found = json.loads(finished.stdout)["states"]
    assert found == {**all_are("same"), "big-python3.13-arm64": "failed"}
    assert not [path for path in (work / "dist").rglob("*") if ".part" in path.name]
    assert not list((work / "dist").glob("big*"))


def test_clocks_may_jump(work: Path) -> None:
    """Numbers order nights and builds; what clocks say is for people."""
    assert nightly(work).code == 0
    for path in (work / "dist" / "nightly").rglob("*.json"):
        path.write_text(path.read_text(encoding="utf-8").replace(now()[:4], "2099"), encoding="utf-8")
    second = nightly(work)
    assert (states(second), second.json["run"]) == (all_are("unchanged"), "00002")
    recipe = work / "recipes" / "b" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("for tests", "for other tests"))
    third = nightly(work)
    assert states(third)["b-python3.13-arm64"] == "same"
    (record,) = [one for one in records.every(work / "dist") if one.recipe == "b"]
    assert [point.run for point in record.history] == ["00001", "00003"]


# ---- stopped in the middle -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "builder", "nightly", "--jobs", "2", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_resume_goes_on_with_the_same_night(work: Path) -> None:
    with journal.beginning(work / "dist", {}, tuple(all_are("built"))) as night:
        assert nightly(work, "--resume").code == 3  # that night is still at work
    assert night.finished is None
    resumed = nightly(work, "--resume")
    assert resumed.code == 0, resumed.err
    assert (resumed.json["run"], states(resumed)) == (night.run, all_are("built"))
    nothing = nightly(work, "--resume")
    assert nothing.code == 3
    assert "no run in dist was interrupted" in nothing.err


@posix
@pytest.mark.parametrize("times", [8, pytest.param(50, marks=pytest.mark.long)])
def test_killed_many_times_at_random_it_comes_to_the_same_end(
    work: Path, index: Index, tmp_path: Path, times: int
) -> None:
    for number in range(6):
        name = f"m{number}"
        data = random.Random(number).randbytes(400_000)
        wheel = make_wheel(index.folder, name, "1.0", files={f"{name}/data.bin": data})
        write_recipe(work, name, pip_recipe(name, f"{name}=={{version}}"))
        lock(work, name, f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    started = time.monotonic()
    assert nightly(work).code == 0
    whole = time.monotonic() - started
    undisturbed = digests(work)
    (work / "dist").rename(tmp_path / "undisturbed")
    chance = random.Random(20261126)
    killed = 0
    for attempt in range(times):
        if attempt % 8 == 0:
            for path in (work / "dist").glob("*.zip"):
                path.unlink()  # else all is done after a few tries
        with running(work, *(("--resume",) if attempt % 2 else ())) as process:
            started = time.monotonic()
            try:
                process.wait(chance.uniform(0.05, whole))
                whole = min(whole, time.monotonic() - started)  # the first night may have had a slower machine
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
        for path in (work / "dist").glob("*.zip"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == undisturbed[path.name]
        for path in [*(work / "dist").glob("*.json"), *(work / "dist" / "nightly").rglob("*.json")]:
            json.loads(path.read_text(encoding="utf-8"))
    assert killed > times / 5
    last = nightly(work)
    assert last.code == 0, last.err
    assert digests(work) == undisturbed
    assert not list((work / "dist").glob("*.part"))


@posix
def test_two_nights_at_once_give_what_one_gives(work: Path) -> None:
    with running(work) as one, running(work) as other:
        said = [process.communicate(timeout=120)[1].decode() for process in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0), said
    found = journal.runs(work / "dist")
    assert [night.run for night in found] == ["00001", "00002"]
    assert all(night.finished for night in found)
    before = digests(work)
    assert len(before) == 3
    third = nightly(work)
    assert (states(third), digests(work)) == (all_are("unchanged"), before)
