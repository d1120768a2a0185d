"""Maven: resolution of artifacts with their runtime dependencies, and downloads of jars by hash.

The pom is only a list of dependencies, so no code of a project runs; the one plugin that does has known hashes.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from builder.base import cache_paths, credentials, fetch, files, host_names, processes
from builder.base.errors import BuildError, LayerwrightError, UnreachableError
from builder.packages.maven import maven_lock, plugin, program

_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>{}{}</dependency>"
_ALONE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
_NO_PLUGINS = (
    "<pluginRepositories><pluginRepository><id>central</id><url>https://repo.maven.apache.org/maven2</url>"
    "<releases><enabled>false</enabled></releases><snapshots><enabled>false</enabled></snapshots>"
    "</pluginRepository></pluginRepositories>"
)
"""Maven has the plugin already, so it gets none from the repository that it would ask otherwise."""
_LISTED = re.compile(r"\s+(?P<names>\S+):jar:(?P<rest>.+):(?:compile|runtime)\b.*")
"""A line of the dependency plugin: group:artifact:jar:version:scope, or with a classifier before the version."""
_PREVIEW = re.compile(r"[.-](?:alpha|beta|rc|m|cr|snapshot)", re.IGNORECASE)
_SENDER = "the Maven repository"
_GONE = re.compile(r"Could not find artifact ([\w.:+-]+)|No versions available for ([\w.+-]+:[\w.+-]+)")
_UNREACHABLE = re.compile(r"Unknown host|Connection refused|timed out|PKIX path|Temporary failure in name resolution")


def resolve(artifacts: Sequence[str], *, transitive: bool = True) -> dict[str, str]:
    """Return the jars of artifacts, and what those need at run time: coordinates, and today's SHA-256."""
    with cache_paths.workspace() as work:
        found = _resolved(work, artifacts, "" if transitive else _ALONE)
        return {coordinates: _keep(path) for coordinates, path in found.items()}


def _listed(text: str) -> Iterator[str]:
    """Yield the coordinates of the jars in the plugin's list; no line about a jar is left out."""
    for line in text.splitlines():
        if match := _LISTED.fullmatch(line):
            *classifier, version = match["rest"].split(":")
            yield maven_lock.coordinates(":".join([match["names"], version, *classifier]), _SENDER)


def jars(wanted: Mapping[str, str]) -> dict[str, Path]:
    """Return the files of jars by their coordinates; `wanted` maps those to SHA-256. Fetched once, verified always."""
    there = {coordinates: fetch.known(sha256) for coordinates, sha256 in wanted.items()}
    missing = [coordinates for coordinates, path in there.items() if path is None]
    if missing:
        with cache_paths.workspace() as work:
            copies = _resolved(work, missing, _ALONE)
            if gone := set(missing) - set(copies):
                msg = f"the Maven repository answers with other jars than {', '.join(sorted(gone))}"
                hint = "name the coordinates to which the artifacts were moved"
                raise BuildError(msg, why=sorted(set(copies) - set(missing)), hint=hint)
            for coordinates in missing:
                found = files.sha256(copies[coordinates])
                if found != wanted[coordinates]:
                    msg = f"hash mismatch: {coordinates} is not the jar of the lock"
                    why = [f"the lock says sha256:{wanted[coordinates]}", f"received      sha256:{found}"]
                    raise BuildError(msg, why=why, hint="never change the hash before you know why the jar changed")
                _keep(copies[coordinates])
    return {coordinates: fetch.store() / sha256 for coordinates, sha256 in wanted.items()}


def _keep(path: Path) -> str:
    """Copy a file to the store of downloads, and return its SHA-256."""
    sha256 = files.sha256(path)
    fetch.store().mkdir(parents=True, exist_ok=True)
    with files.replacing(fetch.store() / sha256) as part:
        shutil.copyfile(path, part)
    return sha256


def _resolved(work: Path, artifacts: Sequence[str], more: str) -> dict[str, Path]:
    """Let Maven list jars and copy them to a folder under unique names; return the copies by coordinates.

    One run does both: starting takes longer than all else.
    """
    listed, folder = work / "listed.txt", work / "jars"
    said = ["-DincludeScope=runtime", f"-DoutputFile={listed}", "-Dmdep.outputScope=true"]
    said += [f"-DoutputDirectory={folder}", "-Dmdep.prependGroupId=true"]
    _run(_pom(work, artifacts, more), said, artifacts)
    copies = {one: folder / _file_name(one) for one in _listed(listed.read_text(encoding="utf-8"))}
    if host_names.IGNORES_CASE and copies:  # then Maven has one file for two artifacts, here and in its repository
        host_names.refuse_losses((path.name for path in copies.values()), {path.name for path in folder.iterdir()})
    return copies


def _file_name(coordinates: str) -> str:
    group, artifact, version, *classifier = coordinates.split(":")
    return "-".join([f"{group}.{artifact}", version, *classifier]) + ".jar"


def _pom(work: Path, coordinates: Sequence[str], more: str) -> Path:
    rows = []
    for one in coordinates:
        group, artifact, version, *classifier = (escape(part) for part in one.split(":"))
        kind = f"<classifier>{classifier[0]}</classifier>" if classifier else ""
        rows.append(_DEPENDENCY.format(group, artifact, version, kind, more))
    head = (
        "<modelVersion>4.0.0</modelVersion><groupId>layer</groupId><artifactId>layer</artifactId><version>1</version>"
    )
    path = work / f"pom-{len(list(work.glob('pom-*')))}.xml"
    text = f"<project>{head}<dependencies>{''.join(rows)}</dependencies>{_NO_PLUGINS}</project>\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _run(pom: Path, settings: Sequence[str], artifacts: Sequence[str]) -> None:
    goals = [f"{plugin.coordinates()}:{goal}" for goal in ("list", "copy-dependencies")]
    with plugin.repository() as repository:
        finished = program.run(pom.parent, ["--file", str(pom), *settings, *goals], repository)
    if finished.returncode:
        raise _failure(finished, artifacts)


def _failure(finished: processes.Finished, artifacts: Sequence[str]) -> LayerwrightError:
    text = credentials.redact(finished.stdout + finished.stderr)
    lines = [line.removeprefix("[ERROR] ").strip() for line in text.splitlines() if line.startswith("[ERROR]")]
    gone = sorted({one or all_ for one, all_ in _GONE.findall(text)})
    if _UNREACHABLE.search(text):
        return UnreachableError(
            "the Maven repository did not respond",
            why=lines[:2],
            hint="set mirrors and proxies in settings.xml, a CA with `-Djavax.net.ssl.trustStore` in MAVEN_OPTS",
        )
    if gone:
        msg = f"the repository has no {', '.join(gone)}"
        return BuildError(
            msg, why=[f"requested: {', '.join(artifacts)}"], hint="check the version, or configure a private repository"
        )
    return BuildError("Maven could not resolve the jars of the repository", why=[line for line in lines if line][:4])


def newest(artifact: str, version: str) -> tuple[str, str]:
    """Return the newest release of an artifact, at least a version, and the SHA-256 of its jar."""
    with cache_paths.workspace() as work:
        found, jar = _newest(work, artifact, version)
        return found, _keep(jar)


def newest_version(artifact: str) -> str:
    """Return the newest release of an artifact. Raises BuildError if the repository has none."""
    with cache_paths.workspace() as work:
        return _newest(work, artifact, "0")[0]


def _newest(work: Path, artifact: str, version: str) -> tuple[str, Path]:
    """Return the version of the newest release of an artifact, and its jar; previews are none."""
    offered = f"[{version},)"
    while True:
        ((found, jar),) = _resolved(work, [f"{artifact}:{offered}"], _ALONE).items()
        latest = found.rpartition(":")[2]
        if not (preview := _PREVIEW.search(latest)):
            return latest, jar
        offered = f"[{version},{latest[: preview.start()]}-alpha)"
