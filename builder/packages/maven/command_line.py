"""Artifacts of Maven's repository from a command line, with or without a version."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from xml.sax.saxutils import unescape

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.layer import jars, java_code
from builder.layer.tree import Entry, Tree
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.command_line import CommandLinePackages, Draft, Drafting
from builder.packages.maven import installed, mvn

_PART = r"[\w+-]+(?:\.[\w+-]+)*"
_TEXT = re.compile(f"(?P<artifact>{_PART}:{_PART})(?::(?P<version>{_PART}))?(?P<classifier>:{_PART})?")
_CLASS = re.compile(r"(?P<name>[A-Za-z_][\w/]*)\.class", re.ASCII)
_POM = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.xml")
_DESCRIPTION = re.compile(r"<description>([^<]+)</description>")
_NAME = re.compile(r"<name>([^<]+)</name>")
_NO_CLASS = {"module-info", "package-info"}


@dataclass(frozen=True, kw_only=True, slots=True)
class MavenPackages(CommandLinePackages):
    """Artifacts of `--maven`, each as group:artifact, version and classifier."""

    language: ClassVar[str] = "java"
    title: ClassVar[str] = "Java"
    artifacts: tuple[tuple[str, str, str], ...]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "MavenPackages":
        """Ask the repository for the newest version where none is named. Raises UsageError for an invalid text."""
        return cls(artifacts=tuple(map(_parsed, texts)))

    @property
    def name(self) -> str | None:
        return self.artifacts[0][0].partition(":")[2]

    @property
    def description(self) -> str | None:
        return " ".join(name for name, _, _ in self.artifacts)

    @property
    def step(self) -> Mapping[str, Any]:
        return {"uses": "maven", "artifacts": [f"{name}:{version}{rest}" for name, version, rest in self.artifacts]}

    def version(self, runtime: Runtime, arch: Architecture) -> str:  # noqa: ARG002  the same on all targets
        return self.artifacts[0][1]

    def draft(self, drafting: Drafting) -> Draft:
        first = self.artifacts[0][1]
        pinned = [(name, "{version}" if version == first else version, rest) for name, version, rest in self.artifacts]
        content = drafting.content()
        named = [entry for artifact in self.artifacts if (entry := _jar(content, *artifact))]
        tests = [line for entry in named for line in _lines(entry)]
        licenses = {package.described: package.license for package in installed.installed(content)}
        return Draft(
            summary=_summary(named[0]) if named else "",
            license=licenses.get(named[0].path, "") if named else "",
            step={"uses": "maven", "artifacts": [f"{name}:{version}{rest}" for name, version, rest in pinned]},
            test={"java": "\n".join([*tests, ""])} if tests else {"files": [entry.path for entry in content]},
            version=first,
            split_by=(),
            oldest=max((java_code.read(entry.path, entry.content.read()).newest for entry in content), default=0),
        )


def _parsed(text: str) -> tuple[str, str, str]:
    match = _TEXT.fullmatch(text)
    if match is None:
        msg = f"`{text}` is not `group:artifact` or `group:artifact:version`"
        raise UsageError(msg, hint="for example `--maven org.xerial:sqlite-jdbc`, which takes the newest version")
    version = match["version"] or mvn.newest_version(match["artifact"])
    return match["artifact"], version, match["classifier"] or ""


def _jar(content: Tree, artifact: str, version: str, rest: str) -> Entry | None:
    """Return the jar of an artifact in a layer; None if its name is another, as where two would be the same."""
    name = f"{artifact.partition(':')[2]}-{version}{rest.replace(':', '-')}.jar"
    return next((entry for entry in content if entry.path == f"java/lib/{name}"), None)


def _lines(entry: Entry) -> list[str]:
    """Return code that finds a class of a jar, and looks that it is this very jar that has it."""
    found = _class(entry)
    if found is None:
        return []
    found_class = f'Class.forName("{found}", false, ClassLoader.getSystemClassLoader())'
    return [
        "{",
        f"    String from = {found_class}.getProtectionDomain().getCodeSource().getLocation().getPath();",
        f'    if (!from.endsWith("/{entry.name}")) throw new AssertionError(from);',
        "}",
    ]


def _summary(entry: Entry) -> str:
    """Return the description in the pom of a jar, or the name there; empty if it has neither."""
    try:
        with jars.opened(entry) as archive:
            pom = next((name for name in archive.namelist() if _POM.fullmatch(name)), None)
            text = jars.text(archive, pom) if pom else ""
    except jars.DamagedJarError:
        return ""
    match = _DESCRIPTION.search(text) or _NAME.search(text)
    return " ".join(unescape(match[1]).split()) if match else ""


def _class(entry: Entry) -> str | None:
    """Return the name of the class in a jar that is nearest to its top; None if it has none."""
    try:
        with jars.opened(entry) as archive:
            names = [match["name"] for name in archive.namelist() if (match := _CLASS.fullmatch(name))]
    except jars.DamagedJarError:
        return None
    usual = [name for name in names if name.rpartition("/")[2] not in _NO_CLASS]
    nearest = min(usual, key=lambda name: (name.count("/"), name), default=None)
    return nearest.replace("/", ".") if nearest else None
