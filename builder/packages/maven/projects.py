"""Projects of Maven and Gradle, as far as they are plain: the artifacts that a pom.xml or a gradle.lockfile names.

A pom.xml may inherit, import and compute what it needs; then its effective form, which Maven writes, is asked for. A
build.gradle is a program, which is never executed: gradle.lockfile has the versions of all that it led to.
"""

import re
import xml.parsers.expat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.base import texts
from builder.base.errors import UsageError
from builder.model.runtimes import supported
from builder.packages import projects
from builder.packages.projects import FoundProject, ProjectRequest

POM, GRADLE_LOCK = "pom.xml", "gradle.lockfile"
_GRADLE = ("build.gradle", "build.gradle.kts")
_LOCKED = re.compile(r"(?P<coordinates>[\w.-]+:[\w.-]+:[\w.+-]+)=(?P<configurations>[\w,.-]*)")
_PROPERTY = re.compile(r"\$\{([^}]+)\}")
_PART = re.compile(r"[\w+-]+(?:\.[\w+-]+)*")
_RUN = frozenset({"", "compile", "runtime"})
_DEPENDENCY = "project/dependencies/dependency"
_EFFECTIVE = "mvn help:effective-pom -Doutput=effective-pom.xml"
_UNREAD = (f"{_DEPENDENCY}/exclusions", f"{_DEPENDENCY}/systemPath")
_DEEPEST = 100
"""Elements in each other: the configuration of plugins, which is the deepest, has some 15."""
_LONGEST = 1000
"""Characters of a part of coordinates and of a property in it; of a longer text the rest is not read."""


@dataclass(slots=True)
class _Pom:
    """The elements of a pom.xml, with the line at which each begins."""

    texts: dict[str, str] = field(default_factory=dict)
    dependencies: list[dict[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def find(request: ProjectRequest) -> FoundProject | None:
    """Return the project in a folder; None if it has none of Maven or Gradle."""
    named = request.choice.file
    if named and not named.endswith((".xml", GRADLE_LOCK, *_GRADLE)):
        return None
    pom = request.file(named if named and named.endswith(".xml") else POM)
    gradle = next((path for path in map(request.file, _GRADLE) if path.is_file()), None)
    if pom.is_file() and not (named and named.endswith((GRADLE_LOCK, *_GRADLE))):
        return _found(request, "Maven", pom, _of_pom(pom))
    return _of_gradle(request, gradle) if gradle or request.file(GRADLE_LOCK).is_file() else None


def _found(
    request: ProjectRequest, title: str, file: Path, artifacts: list[str], *, transitive: bool = True
) -> FoundProject:
    choice = projects.chosen(request, file, groups=(), extras=())
    if choice.with_project:
        msg = f"{file.as_posix()}: the jar of the project is not built here"
        raise UsageError(msg, hint="leave out `--with-project`; a step `copy` adds the jar that Maven or Gradle wrote")
    if not artifacts:
        msg = f"{file.as_posix()} has no dependencies at run time, so there is nothing to put into a layer"
        raise UsageError(msg, hint="a layer holds what a function imports and does not bring itself")
    return FoundProject(
        request=request,
        uses="maven",
        language="java",
        title=title,
        name=request.folder.resolve().name,
        file=file,
        lock=None if transitive else file,
        runtime=supported("java")[-1].name,
        own_step={"artifacts": artifacts, **({} if transitive else {"transitive": False})},
    )


# ---- pom.xml ---------------------------------------------------------------------------------------------------------


def _of_pom(path: Path) -> list[str]:
    """Return the artifacts that a project needs at run time. Raises UsageError if its pom.xml is not plain."""
    pom = _read(path)
    if pom.unread:
        msg = f"{path.as_posix()} excludes parts of what its dependencies need, or names files"
        hint = (
            "a recipe can list the jars, with `transitive = false` in its step `maven`:"
            " `mvn dependency:list -DincludeScope=runtime` shows them"
        )
        raise UsageError(msg, why=pom.unread[:8], hint=hint)
    wrong: list[str] = []
    artifacts: list[str] = []
    for number, row in enumerate(pom.dependencies, 1):
        if row.get("scope", "") not in _RUN or row.get("optional") == "true":
            continue
        named = ("groupId", "artifactId", "version", *(("classifier",) if row.get("classifier") else ()))
        parts = [_filled(row.get(key, ""), pom) for key in named]
        if row.get("type", "jar") != "jar" or not all(map(_PART.fullmatch, parts)):
            wrong.append(f"dependency {number}: {':'.join(part or '?' for part in parts)} has no plain version")
            continue
        artifacts.append(":".join(parts))
    if wrong:
        msg = f"{path.as_posix()} does not say plainly what the project needs"
        hint = f"`{_EFFECTIVE}` writes what it inherits and imports; then `--from effective-pom.xml`"
        raise UsageError(msg, why=wrong[:8], hint=hint)
    return artifacts


def _filled(text: str, pom: _Pom) -> str:
    """Return a value with the properties of the same file filled in; an empty one for a text that is no value."""
    own = {f"project.{key}": f"project/{key}" for key in ("version", "groupId", "artifactId")}

    def value(match: re.Match[str]) -> str:
        key = own.get(match[1], f"project/properties/{match[1]}")
        found = pom.texts.get(key, match[0])
        return found if len(found) <= _LONGEST else match[0]

    for _ in range(5):
        if len(text) > _LONGEST:
            return ""
        text = _PROPERTY.sub(value, text)
    return text.strip()


def _read(path: Path) -> _Pom:
    """Return the elements of a pom.xml. Raises UsageError for one that is not XML, or has entities of its own."""
    pom, stack = _Pom(), []
    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True  # some KB of a text at once, and not each line

    def start(name: str, _: Mapping[str, str]) -> None:
        stack.append(name.rpartition(":")[2])
        if len(stack) > _DEEPEST:
            msg = f"line {parser.CurrentLineNumber}: it is nested too deeply"
            raise ValueError(msg)
        where = "/".join(stack)
        pom.texts[where] = ""
        if where == _DEPENDENCY:
            pom.dependencies.append({})
        if where in _UNREAD:
            pom.unread.append(f"line {parser.CurrentLineNumber}: <{stack[-1]}> of a dependency")

    def text(data: str) -> None:
        where = "/".join(stack)
        if len(before := pom.texts.get(where, "")) > _LONGEST:
            return
        pom.texts[where] = before + data
        if where.startswith(f"{_DEPENDENCY}/") and where.count("/") == 3:  # noqa: PLR2004
            pom.dependencies[-1][stack[-1]] = pom.texts[where].strip()

    def declared(*_: object) -> None:
        msg = "it declares entities"
        raise ValueError(msg)

    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _: stack.pop()
    parser.EntityDeclHandler = declared
    try:
        parser.Parse(texts.read(path).encode(), True)  # noqa: FBT003
    except (xml.parsers.expat.ExpatError, ValueError) as error:
        msg = f"{path.as_posix()} is not a valid {POM}"
        raise UsageError(msg, why=[str(error)]) from error
    return pom


# ---- Gradle ----------------------------------------------------------------------------------------------------------


def _of_gradle(request: ProjectRequest, gradle: Path | None) -> FoundProject:
    """Return the project with the jars of its lock: all of them, and nothing that they would bring besides."""
    lock = request.file(GRADLE_LOCK)
    if not lock.is_file():
        msg = f"{(gradle or lock).as_posix()} is a program, and there is no {GRADLE_LOCK} beside it"
        hint = (
            "`dependencyLocking { lockAllConfigurations() }` in it, and"
            f" `gradle dependencies --write-locks` in {request.folder.as_posix()} writes one"
        )
        raise UsageError(msg, hint=hint)
    artifacts = []
    for number, line in enumerate(texts.read(lock).splitlines(), 1):
        if line.startswith(("#", "empty=")) or not line.strip():
            continue
        match = _LOCKED.fullmatch(line.strip())
        if match is None:
            msg = f"{lock.as_posix()}:{number} is not a line that Gradle writes"
            raise UsageError(msg, why=[line.strip()[:80]], hint="`gradle dependencies --write-locks` writes it anew")
        is_jar = not match["coordinates"].split(":")[1].endswith("-bom")
        if "runtimeClasspath" in match["configurations"].split(",") and is_jar:
            artifacts.append(match["coordinates"])
    return _found(request, "Gradle", lock, artifacts, transitive=False)
