from pathlib import Path

import pytest

from builder.base import host_names
from builder.base.errors import BuildError, UsageError
from builder.packages.maven import maven_lock, mvn
from builder.packages.maven.maven_lock import Jar

SHA = "0" * 64
ONE, TWO = Jar(coordinates="a.b:one:1.0", sha256=SHA), Jar(coordinates="c:two:2.0:linux", sha256=SHA)


def test_a_lock_says_what_was_written_and_nothing_about_where_it_lies() -> None:
    text = maven_lock.write([TWO, ONE])
    assert maven_lock.read(text, "maven.lock") == (ONE, TWO)
    assert "://" not in text


def test_all_mistakes_of_a_lock_are_told_together() -> None:
    with pytest.raises(UsageError) as raised:
        maven_lock.read(f"a:b sha256:{SHA}\na:b:1 sha256:12\n\n# fine\na:b:1 sha256:{SHA}\n", "maven.lock")
    assert len(raised.value.why) == 2


def test_a_recipe_that_moved_on_is_noticed() -> None:
    assert maven_lock.unfit([ONE], ["a.b:one:1.0"]) == []
    assert "asks for a.b:one:1.1" in maven_lock.unfit([ONE], ["a.b:one:1.1"])[0]


def test_jars_of_one_name_are_told_apart_by_their_group() -> None:
    other = Jar(coordinates="x.y:one:1.0", sha256=SHA)
    assert set(maven_lock.names([ONE, TWO])) == {"one-1.0.jar", "two-2.0-linux.jar"}
    assert set(maven_lock.names([ONE, other])) == {"a.b.one-1.0.jar", "x.y.one-1.0.jar"}


def test_a_jar_that_was_moved_is_named_with_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mvn, "_resolved", lambda *_: {"new:name:1.0": tmp_path / "name.jar"})
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path))
    with pytest.raises(BuildError) as raised:
        mvn.jars({"old:name:1.0": "a" * 64})
    assert "old:name:1.0" in raised.value.what
    assert raised.value.why == ("new:name:1.0",)


@pytest.mark.parametrize("ignores", [False, True])
def test_artifacts_that_are_one_file_on_this_host_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ignores: bool
) -> None:
    """Maven itself finds the first where it looks for the second, so both would be the same jar."""
    copied = ("g.Tool-1.0.jar",) if ignores else ("g.Tool-1.0.jar", "g.tool-1.0.jar")

    def run(*_: object) -> None:
        lines = [f"   g:{name}:jar:1.0:compile" for name in ("Tool", "tool")]
        (tmp_path / "listed.txt").write_text("\n".join(lines), encoding="utf-8")
        (tmp_path / "jars").mkdir()
        for name in copied:
            (tmp_path / "jars" / name).write_text(name)

    monkeypatch.setattr(mvn, "_run", run)
    monkeypatch.setattr(host_names, "IGNORES_CASE", ignores)
    if ignores:
        with pytest.raises(BuildError, match="cannot hold all files") as raised:
            mvn._resolved(tmp_path, ["g:Tool:1.0", "g:tool:1.0"], "")  # noqa: SLF001
        assert raised.value.why == ("g.tool-1.0.jar: one file with g.Tool-1.0.jar, because case does not count here",)
    else:
        found = mvn._resolved(tmp_path, ["g:Tool:1.0", "g:tool:1.0"], "")  # noqa: SLF001
        assert {path.read_text() for path in found.values()} == set(copied)
