"""What of Maven runs on the host: one plugin with known hashes, and nothing that a project or a variable adds."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from kit.handlers import FolderHandler

from builder.base import cache_paths, processes
from builder.base.errors import BuildError, UnreachableError, UsageError
from builder.model import facts
from builder.model.tools import tools
from builder.packages.maven import mvn, plugin
from builder.packages.maven.program import environment, run

Need = Callable[[str], str]
VERSION = tools().mvn_dependency.version
JAR = f"org/apache/maven/plugins/maven-dependency-plugin/{VERSION}/maven-dependency-plugin-{VERSION}.jar"
SETTINGS = "<settings><mirrors><mirror><id>here</id><mirrorOf>*</mirrorOf><url>{}</url></mirror></mirrors></settings>"
EXTENSION = """<extensions><extension><groupId>evil</groupId><artifactId>evil</artifactId><version>1</version>
</extension></extensions>"""


def test_every_file_of_the_plugin_has_a_hash() -> None:
    lines = Path(facts.folder(), plugin.FILE).read_text(encoding="utf-8").splitlines()
    assert len(plugin.known()) == len(lines)
    assert JAR in plugin.known()
    assert all(path.removesuffix("jar") + "pom" in plugin.known() for path in plugin.known() if path.endswith("jar"))


def test_options_reach_maven_only_if_they_concern_connections_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = "-Djavax.net.ssl.trustStore=/ca.jks -Dhttps.proxyHost=proxy.test -Dhttp.nonProxyHosts=a|b -Xmx512m"
    kept += " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dmaven.wagon.http.ssl.insecure=true -Duser.home=/me"
    dropped = "-javaagent:evil.jar -agentpath:evil.so -Dmaven.ext.class.path=evil.jar -Xbootclasspath/a:evil.jar"
    dropped += (
        " -XX:OnOutOfMemoryError=./evil.sh -XX:Flags=evil -Dmaven.repo.local=here -Xlog:gc:evil -cp evil.jar @evil"
    )
    monkeypatch.setenv("MAVEN_OPTS", f"{kept} {dropped}")
    for name in ("MAVEN_ARGS", "MAVEN_BASEDIR", "MAVEN_PROJECTBASEDIR", "MAVEN_DEBUG_OPTS", "MAVEN_CONFIG"):
        monkeypatch.setenv(name, "evil")
    monkeypatch.setenv("MAVEN_HOME", "/opt/maven")
    env = environment()
    assert env["MAVEN_OPTS"] == kept
    assert {name for name in env if name.startswith("MAVEN_")} <= {"MAVEN_OPTS", "MAVEN_HOME", "MAVEN_SKIP_RC"}
    monkeypatch.setenv("MAVEN_OPTS", dropped)
    assert "MAVEN_OPTS" not in environment()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def mirror(own_cache: Path, monkeypatch: pytest.MonkeyPatch, program: Need) -> Iterator[Path]:
    """Serve the plugin's files from loopback to a user whose own local repository is empty."""
    program("mvn")
    with plugin.repository() as complete:
        shutil.copytree(complete, own_cache / "served")
    shutil.rmtree(own_cache / "cache")
    (own_cache / "home" / ".m2").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: own_cache / "home")
    handler = partial(_Hashed, directory=str(own_cache / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        text = SETTINGS.format(f"http://127.0.0.1:{server.server_port}/")
        (own_cache / "home" / ".m2" / "settings.xml").write_text(text)
        monkeypatch.setenv("MAVEN_OPTS", f"{os.environ.get('MAVEN_OPTS', '')} -Duser.home={own_cache / 'home'}")
        yield own_cache / "served"
        server.shutdown()


class _Hashed(FolderHandler):
    def do_GET(self) -> None:  # noqa: N802  the server looks for that name
        if self.path.endswith(".sha1"):
            path = Path(self.translate_path(self.path.removesuffix(".sha1")))
            data = hashlib.sha1(path.read_bytes()).hexdigest().encode() if path.is_file() else None  # noqa: S324
            self.send_response(200 if data else 404)
            self.end_headers()
            self.wfile.write(data or b"")
        else:
            super().do_GET()


@pytest.mark.engine
@pytest.mark.network
def test_the_plugin_comes_through_mavens_settings_and_needs_nothing_else(mirror: Path) -> None:
    with plugin.repository() as repository:
        assert all(plugin._is_known(repository, path) for path in plugin.known())  # noqa: SLF001
        work = repository.parent / "project"
        work.mkdir()
        pom = mvn._pom(work, [], "")  # noqa: SLF001
        shutil.rmtree(mirror)
        finished = run(work, ["--offline", "--file", str(pom), f"{plugin.coordinates()}:list"], repository)
        assert finished.returncode == 0, finished.stdout


@pytest.mark.engine
@pytest.mark.network
def test_another_plugin_of_the_same_version_is_refused_before_it_runs(mirror: Path) -> None:
    (mirror / JAR).write_bytes((mirror / JAR).read_bytes() + b"evil")
    with pytest.raises(BuildError, match=f"hash mismatch: {re.escape(JAR)}") as raised, plugin.repository():
        pytest.fail("it would run")
    assert f"known     sha256:{plugin.known()[JAR]}" in raised.value.why
    (mirror / JAR).unlink()
    with pytest.raises(UnreachableError, match=f"cannot be downloaded: {re.escape(JAR)}"), plugin.repository():
        pytest.fail("it would run")


@pytest.mark.engine
@pytest.mark.network
def test_a_changed_file_of_the_plugin_is_replaced_before_it_runs(program: Need, own_cache: Path) -> None:
    program("mvn")
    assert own_cache.is_dir()
    with plugin.repository() as repository:
        (repository / JAR).write_bytes(b"evil")
        (repository / "evil.jar").write_bytes(b"evil")
    with plugin.repository() as repository:
        assert plugin._is_known(repository, JAR)  # noqa: SLF001
    (repository / "evil.jar").write_bytes(b"more")
    with plugin.repository() as repository:
        assert not (repository / "evil.jar").exists()


@pytest.mark.engine
@pytest.mark.network
@pytest.mark.usefixtures("own_cache")
def test_the_hashes_of_the_plugin_are_found_without_running_it(program: Need) -> None:
    program("mvn")
    listed = dict(line.split("  ")[::-1] for line in plugin.hashes(VERSION).splitlines())
    assert listed == plugin.known()


def test_settings_of_a_project_are_not_read(
    program: Need,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cache is in the project, so Maven looks for its settings in the folders above."""
    program("mvn")
    folder = tmp_path / ".mvn"
    folder.mkdir()
    (folder / "maven.config").write_text("--no-such-option\n")
    (folder / "jvm.config").write_text("-XX:NoSuchOption\n")
    (folder / "extensions.xml").write_text(EXTENSION)
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    with cache_paths.workspace() as work:
        finished = run(work, ["--version"], work / "repository")
        assert finished.returncode == 0
        assert "Apache Maven" in finished.stdout
        (work / ".mvn").rmdir()
        unguarded = subprocess.run(["mvn", "--version"], cwd=work, capture_output=True, check=False)
        assert unguarded.returncode, "the settings do nothing, so this test could not fail"


@pytest.mark.parametrize(
    ("folder", "taken"),
    [
        ("R&D", False),
        ("a^b", False),
        ("100%", False),
        ("50 %", False),
        ("R & D", True),
        ("a (b)", True),
        ("ä日本", True),
    ],
)
def test_paths_that_cmd_would_take_apart_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, *, taken: bool
) -> None:
    """On Windows Maven is a script of cmd.exe, which reads `&` and `^` outside of quotes, and `%` everywhere."""
    monkeypatch.setattr("shutil.which", lambda _: "C:\\maven\\bin\\mvn.cmd")
    given: list[str] = []
    monkeypatch.setattr(processes, "run", lambda command, **_: given.extend(command))
    work = tmp_path / folder
    work.mkdir()
    if taken:
        run(work, ["--version"], work / "repository")
        assert f"-Dmaven.repo.local={work / 'repository'}" in given
    else:
        with pytest.raises(UsageError, match="cannot be given paths") as raised:
            run(work, ["--version"], work / "repository")
        assert raised.value.why == (str(work / "repository"),)
        assert not given
