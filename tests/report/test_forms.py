"""The report for programs and code hosts, and shards joined."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from kit import fleet, zips
from kit.commands import layerwright

from builder.base.documents import Typed
from builder.base.errors import NothingSelectedError
from builder.layer import manifest
from builder.model.manifest import PulledManifest
from builder.nightly import journal, records
from builder.nightly.records import Record
from builder.report import data, junit, markdown, page, write


def test_each_form_tells_the_same_counts(tmp_path: Path) -> None:
    made = fleet.fill(tmp_path, 100)
    written = write.write([tmp_path], tmp_path / "report")
    failed = [one for one in made if one.last and one.last.status == "failed"]
    assert len(failed) == 2
    summary = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert summary["version"] == 1
    assert len(summary["targets"]) == 100
    assert summary["counts"]["failed"] == 2
    assert [one["run"] for one in summary["nights"]] == ["00001"]
    suites = ET.parse(tmp_path / "report" / "junit.xml").getroot()
    assert suites.tag == "testsuites"
    assert sum(int(suite.attrib["tests"]) for suite in suites) == 100
    assert sum(int(suite.attrib["failures"]) for suite in suites) == 2
    assert len(suites.findall(".//failure")) == 2
    assert len(suites.findall(".//skipped")) == summary["counts"]["unchanged"]
    text = (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")
    assert "2 failed" in text
    assert f"### ✗ {failed[0].target}" in text
    assert "layer000-1 1.0 → 1.1" in text
    html = written.page.read_text(encoding="utf-8")
    assert html.count('class="state failed" href=') == 2
    assert "✗ 2 failed: 100 layers" in html


def test_logs_with_colours_and_zero_bytes_are_still_xml(tmp_path: Path) -> None:
    (one,) = fleet.fill(tmp_path, 1)
    assert one.last
    failure = records.Failure(what="\x1b[31mred\x00 <b>&", why=("```", "\ud800"), tail=("\x08",))
    broken = replace(one, last=replace(one.last, status="failed", failure=failure))
    report = data.Report(rows=(data.ReportRow(record=broken, state="failed"),), runs=(), broken={"x": failure})
    suites = ET.fromstring(junit.render(report))
    assert [found.attrib["message"] for found in suites.iter("failure")] == ["\\x1b[31mred\\x00 <b>&"] * 2
    # A fence of its own would end the block of code early.
    fences = [line for line in markdown.render(report).splitlines() if line.startswith("````")]
    assert fences == ["````text", "````"] * 2


def test_what_packages_call_themselves_is_never_markup(tmp_path: Path) -> None:
    (one,) = fleet.fill(tmp_path, 1)
    bad = "</script><script>alert(1)</script>"
    hostile = replace(one, target=bad, description=bad, recipe=bad)
    report = data.Report(rows=(data.ReportRow(record=hostile, state="built"),), runs=(), broken={})
    html = page.render(report)
    assert "<script>alert" not in html
    assert html.count("</script>") == 2


def test_nothing_in_the_page_is_hidden_or_turned(tmp_path: Path) -> None:
    (one,) = fleet.fill(tmp_path, 1)
    assert one.last
    bad = "a\u202eb\x1b[31m\u200b\x00"
    failure = records.Failure(what=bad, why=(bad,), hint=bad, tail=(bad,))
    hostile = replace(
        one, target=bad, description=bad, content=((bad, 1),), last=replace(one.last, status="failed", failure=failure)
    )
    row = data.ReportRow(record=hostile, state="failed", arns=((bad, bad),))
    html = page.render(data.Report(rows=(row,), runs=(), broken={bad: failure}, scans={hostile.slot: (bad,)}))
    inner = fleet.on_page(html)
    for text in (html, json.dumps(inner, ensure_ascii=False)):
        assert not set(bad) & set(text) - {"a", "b", "[", "3", "1", "m"}
    assert html.count(r"a\u202eb\x1b[31m\u200b\x00") >= 6
    (target,) = inner.values()
    assert target["failure"]["tail"] == [r"a\u202eb\x1b[31m\u200b\x00"]


def test_the_page_names_no_other_resource(tmp_path: Path) -> None:
    fleet.fill(tmp_path, 30)
    html = write.write([tmp_path], tmp_path / "report").page.read_text(encoding="utf-8")
    assert "http://www.w3.org/2000/svg" in html  # a name, not an address
    assert "://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "src=" not in html
    assert "<link" not in html


def test_a_thousand_layers_take_less_than_five_megabytes(tmp_path: Path) -> None:
    fleet.fill(tmp_path, 1000)
    assert write.write([tmp_path], tmp_path / "report").page.stat().st_size < 5_000_000


def test_shards_become_one_and_the_next_night_goes_on_from_there(tmp_path: Path) -> None:
    everything = fleet.fill(tmp_path / "old", 20)
    x86, arm = tmp_path / "x86", tmp_path / "arm"
    for shard, arch in ((x86, "x86_64"), (arm, "arm64")):
        for one in everything:  # each brings what it knew of the others along
            records.write(shard, one)
        own = [one for one in everything if one.architectures == (arch,)]
        states = {one.slot: "unchanged" for one in own}
        states[own[0].slot] = "built"
        with journal.beginning(shard, {}, tuple(states)) as run:
            journal.write(shard, journal.closed(replace(run, states=states), 5.0))
    result = layerwright("report", "--json", "--merge", x86, "--merge", arm, "--output", "joined", cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.json["counts"] == {"built": 2, "unchanged": 18}
    assert (tmp_path / "joined" / "report" / "index.html").is_file()
    assert {one.slot for one in records.every(tmp_path / "joined")} == {one.slot for one in everything}
    (run,) = journal.runs(tmp_path / "joined")
    assert run.states.keys() == {one.slot for one in everything}


def test_a_night_that_was_stopped_tells_what_it_did(tmp_path: Path) -> None:
    (one,) = fleet.fill(tmp_path, 1)
    assert one.last
    with journal.beginning(tmp_path, {}, (one.slot,)) as run:
        records.write(tmp_path, replace(one, last=replace(one.last, run=run.run, status="built")))
    report = data.gather([tmp_path])
    assert [row.state for row in report.rows] == ["built"]
    assert "interrupted" in page.render(report)


def test_zips_that_no_night_built_are_told_as_well(tmp_path: Path) -> None:
    described = fleet.manifest("lone", "python3.13", "arm64", 1000)
    zips.write(tmp_path / f"{described.target}.zip", {"python/lone.py": b"x" * 10})
    (tmp_path / f"{described.target}.json").write_text(manifest.render(described))
    (row,) = data.gather([tmp_path]).rows
    assert (row.state, row.record.recipe) == ("there", "lone")
    assert row.record.content == (("python/lone.py", 10),)


def test_a_pulled_zip_is_not_a_row(tmp_path: Path) -> None:
    fleet.fill(tmp_path, 1)
    described = fleet.manifest("lone", "python3.13", "arm64", 1000)
    pulled = PulledManifest(
        arn="arn:aws:lambda:eu-west-1:123456789012:layer:lone:7",
        name="lone",
        layer_version="7",
        target="lone-7",
        description="",
        license="",
        runtimes=(),
        architectures=(),
        zip=described.zip,
    )
    (tmp_path / "lone-7.json").write_text(manifest.render(pulled), encoding="utf-8")
    report = data.gather([tmp_path])
    assert len(report.rows) == 1
    assert "lone" not in page.render(report)


def test_a_record_outlives_its_manifest(tmp_path: Path) -> None:
    """The file keeps its form; a manifest in it that is damaged costs the manifest and nothing else."""
    (made,) = fleet.fill(tmp_path, 1)
    assert records.every(tmp_path) == [made]
    (path,) = records.folder(tmp_path).glob("*.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert made.manifest
    assert document["manifest"] == json.loads(manifest.render(made.manifest))
    document["manifest"]["zip"]["sha256"] = "0"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert records.every(tmp_path) == [replace(made, manifest=None)]
    records.write(tmp_path, replace(made, manifest=None))
    assert json.loads(path.read_text(encoding="utf-8"))["manifest"] == {}
    assert records.every(tmp_path) == [replace(made, manifest=None)]


def test_a_record_that_another_process_replaces_is_read_again(tmp_path: Path) -> None:
    """A process reads each state of a record once: with the same length and the same time, the file is another."""
    (made,) = fleet.fill(tmp_path, 1)
    (path,) = records.folder(tmp_path).glob("*.json")
    before = path.stat()
    assert records.every(tmp_path) == [made]
    revised = replace(made, revision=made.revision + 1)
    assert len(str(revised.revision)) == len(str(made.revision))
    code = "import os, sys\nos.utime(sys.argv[1], ns=(int(sys.argv[3]),) * 2)\nos.replace(*sys.argv[1:3])"
    other = path.with_suffix(".other")
    other.write_bytes(Typed(kind=Record).encode(revised))
    subprocess.run([sys.executable, "-c", code, other, path, str(before.st_mtime_ns)], check=True)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert records.every(tmp_path) == [revised]
    path.unlink()
    assert records.every(tmp_path) == []


def test_the_report_for_programs_has_a_line_for_each_target(tmp_path: Path) -> None:
    fleet.fill(tmp_path, 3)
    report = data.gather([tmp_path])
    text = data.text(report)
    assert json.loads(text) == json.loads(json.dumps(data.summary(report)))
    assert sum(line.startswith('    {"slot": ') for line in text.splitlines()) == len(report.rows)
    none = replace(report, rows=())
    assert json.loads(data.text(none)) == json.loads(json.dumps(data.summary(none)))


def test_nothing_to_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingSelectedError, match="nothing to report"):
        data.gather([tmp_path])
    result = layerwright("report", cwd=tmp_path)
    assert result.code == 3
    assert "layerwright nightly" in result.err
