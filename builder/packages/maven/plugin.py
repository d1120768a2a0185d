"""The plugin that Maven runs, with everything that it consists of: files with known hashes, and no others.

`images/mvn-dependency.sha256` has the SHA-256 of each file by its path in a local repository, parent poms and the
poms of versions that lose against others included. Maven 3.6.3 to 4 need these files to load the plugin, no others. So
a local repository with them, verified just before, decides what runs; nothing of a plugin is downloaded and started at
once.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from builder.base import cache_paths, credentials, files, locks, processes, records
from builder.base.errors import BuildError, UnreachableError
from builder.model import facts
from builder.model.tools import tools
from builder.packages.maven import program

FILE = "mvn-dependency.sha256"
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<path>[\w.+-]+(?:/[\w.+-]+){3,}\.(?:jar|pom))")
_PLUGIN = "<plugin><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></plugin>"
_IMPORT = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
    "<type>pom</type><scope>import</scope></dependency>"
)
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>layer</groupId><artifactId>layer</artifactId>
<version>1</version><packaging>pom</packaging>
<dependencyManagement><dependencies>{imports}</dependencies></dependencyManagement>
<build><plugins>{plugins}</plugins></build></project>
"""
_NOTHING = "layerwright:nothing"
"""A goal of no plugin. To find it, Maven reads the description of every plugin of the pom, and starts none."""


def coordinates() -> str:
    return tools().mvn_dependency.coordinates


@cache
def known() -> dict[str, str]:
    """Return the SHA-256 of each file by its path in a local repository."""
    lines = (facts.folder() / FILE).read_text(encoding="utf-8").splitlines()
    return {match["path"]: match["sha256"] for line in lines if (match := _LINE.fullmatch(line))}


@contextlib.contextmanager
def repository() -> Iterator[Path]:
    """Yield a local repository with the plugin, whose files are verified, and what runs before this one downloaded.

    One process uses it at a time, and records its content afterwards; one that was changed since is made again.
    """
    root = cache_paths.folder("tools") / f"maven-{tools().mvn_dependency.version}"
    with locks.exclusive(root, lambda: None):
        if not records.intact(root):
            shutil.rmtree(root, ignore_errors=True)
        install(root)
        yield root
        records.write(root)


def install(root: Path) -> None:
    """Put the plugin into a local repository. Raises BuildError if a file of it cannot be had with its hash."""
    usual = Path.home() / ".m2" / "repository"
    missing = []
    for path in (path for path in known() if not _is_known(root, path)):
        if _is_known(usual, path):
            _copy(usual, root, path)
        else:
            missing.append(path)
    if missing:
        _download(missing, root)


def _is_known(repository: Path, path: str) -> bool:
    return (repository / path).is_file() and files.sha256(repository / path) == known()[path]


def _copy(repository: Path, root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(root / path) as part:
        shutil.copyfile(repository / path, part)


def _download(paths: list[str], root: Path) -> None:
    """Let Maven download files, from wherever its settings say, without running any of them."""
    with cache_paths.workspace() as work:
        empty = work / "repository"
        (work / "pom.xml").write_text(_pom(paths), encoding="utf-8", newline="\n")
        finished = program.run(work, ["--file", str(work / "pom.xml"), _NOTHING], empty)
        for path in paths:
            _verify(empty / path, path, finished)
            _copy(empty, root, path)


def _verify(file: Path, path: str, finished: processes.Finished) -> None:
    if not file.is_file():
        msg = f"a part of Maven's plugin cannot be downloaded: {path}"
        text = credentials.redact(finished.stdout + finished.stderr)
        lines = [line.strip() for line in text.splitlines() if line.startswith(("[ERROR]", "[WARNING]"))]
        hint = "set mirrors and proxies in settings.xml; Maven 3.6.3 or later is needed"
        raise UnreachableError(msg, why=lines[:4], hint=hint)
    if (received := files.sha256(file)) != known()[path]:
        msg = f"hash mismatch: {path} is not the file that images/{FILE} knows"
        why = [f"known     sha256:{known()[path]}", f"received  sha256:{received}"]
        raise BuildError(msg, why=why, hint="is this the repository that you mean, and is it in order?")


def _pom(paths: list[str]) -> str:
    """Return a pom for which Maven reads files: jars as if they were plugins, poms as lists of versions."""
    parts = {kind: [escaped(path) for path in paths if path.endswith(kind)] for kind in ("jar", "pom")}
    return _POM.format(
        imports="".join(_IMPORT.format(*part) for part in parts["pom"]),
        plugins="".join(_PLUGIN.format(*part) for part in parts["jar"]),
    )


def escaped(path: str) -> tuple[str, str, str]:
    """Return group, artifact and version of a file in a local repository, for XML."""
    *group, artifact, version, _ = path.split("/")
    return escape(".".join(group)), escape(artifact), escape(version)


def hashes(version: str) -> str:
    """Return the text of the file of hashes for another version of the plugin, which is downloaded and not run."""
    group, artifact = tools().mvn_dependency.artifact.split(":")
    with cache_paths.workspace() as work, repository() as usual:
        shutil.copytree(usual, work / "repository")
        plugins = _PLUGIN.format(escape(group), escape(artifact), escape(version))
        (work / "pom.xml").write_text(_POM.format(imports="", plugins=plugins), encoding="utf-8", newline="\n")
        only = [f"-DincludeGroupIds={group}", f"-DincludeArtifactIds={artifact}", f"-DoutputFile={work / 'listed'}"]
        arguments = ["--file", str(work / "pom.xml"), *only, f"{coordinates()}:resolve-plugins"]
        finished = program.run(work, arguments, work / "repository")
        if finished.returncode:
            msg = f"Maven cannot resolve version {version} of its plugin"
            raise BuildError(msg, why=credentials.redact(finished.stdout).splitlines()[-4:])
        jars = {_jar(line) for line in (work / "listed").read_text(encoding="utf-8").splitlines() if ":jar:" in line}
        poms = {path.relative_to(work / "repository").as_posix() for path in (work / "repository").rglob("*.pom")}
        rows = sorted((path, files.sha256(work / "repository" / path)) for path in jars | poms)
        return "".join(f"{sha256}  {path}\n" for path, sha256 in rows)


def _jar(line: str) -> str:
    """Return the path of a jar from a line of the plugin: `group:artifact:jar:version`."""
    group, artifact, _, *classifier, version = line.strip().partition(" ")[0].split(":")
    name = "-".join([artifact, version, *classifier])
    return f"{group.replace('.', '/')}/{artifact}/{version}/{name}.jar"
