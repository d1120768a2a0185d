"""`layerwright update --tools`: newer versions of the programs in `images/tools.toml`, with their hashes."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import tomlkit
from tomlkit.items import Array

from builder.base.emitter import Events
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.model import facts
from builder.model.tools import FILE, JarTool, Tools, WheelTool, tools
from builder.packages.maven import mvn, plugin
from builder.packages.pypi import releases


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolChange:
    """A newer version of a tool."""

    name: str
    """Its key in the file."""
    old: str
    new: str
    files: tuple[tuple[str, str], ...] = ()
    """File name and SHA-256 of each wheel."""
    sha256: str | None = None
    """Of the jar."""
    hashes: str | None = None
    """The new text of the file with the hashes of Maven's plugin."""


def newer(events: Events) -> tuple[ToolChange, ...]:
    """Ask the indexes for newer versions of all tools that are not held."""
    current = tools()
    events.begin("asking the package index for newer tools")
    changes = list(_newer_wheels(current))
    for name, jar in current.jars().items():
        if jar.held is None:
            events.begin("asking the Maven repository", name)
            changes += _newer_jar(name, jar)
    return tuple(changes)


def _newer_wheels(current: Tools) -> Iterator[ToolChange]:
    known = current.wheels()
    held = [f"{tool.package}=={tool.version}" for tool in known.values() if tool.held]
    free = [f"{tool.package}>={tool.version}" for tool in known.values() if not tool.held]
    versions = releases.newest([*held, *free], current.python)
    _check_complete(known, versions)
    now = {tool.package: tool.version for tool in known.values()}
    changed = {package: new for package, new in versions.items() if new != now[package]}
    files = releases.wheels(changed) if changed else {}
    for name, tool in known.items():
        if new := changed.get(tool.package):
            yield ToolChange(name=name, old=tool.version, new=new, files=files[tool.package])


def _check_complete(known: Mapping[str, WheelTool], versions: Mapping[str, str]) -> None:
    """Raise BuildError if a newer tool needs a package that the file does not have."""
    if missing := sorted(versions.keys() - {tool.package for tool in known.values()}):
        msg = f"newer tools need {', '.join(missing)}, which images/{FILE} does not have"
        raise BuildError(msg, hint=f"add a table and a field of `Tools` for it, or set `held` in images/{FILE}")


def _newer_jar(name: str, jar: JarTool) -> Iterator[ToolChange]:
    version, sha256 = mvn.newest(jar.artifact, jar.version)
    if version != jar.version:
        if jar.sha256:
            yield ToolChange(name=name, old=jar.version, new=version, sha256=sha256)
        else:
            yield ToolChange(name=name, old=jar.version, new=version, hashes=plugin.hashes(version))


def texts(changes: tuple[ToolChange, ...]) -> dict[Path, tuple[str, str]]:
    """Return the text of each changed file before and after the changes."""
    changed = {facts.folder() / FILE: rewritten(changes)} if changes else {}
    for text in (change.hashes for change in changes if change.hashes):
        path = facts.folder() / plugin.FILE
        changed[path] = (path.read_text(encoding="utf-8"), text)
    return changed


def rewritten(changes: tuple[ToolChange, ...]) -> tuple[str, str]:
    """Return the text of the file of tools before and after the changes. Comments stay."""
    before = (facts.folder() / FILE).read_text(encoding="utf-8")
    document = tomlkit.parse(before)
    for change in changes:
        table = document[change.name]
        table["version"] = change.new
        if change.files:
            table["files"] = _files(change.files)
        if change.sha256:
            table["sha256"] = change.sha256
    return before, tomlkit.dumps(document)


def _files(files: tuple[tuple[str, str], ...]) -> Array:
    array = tomlkit.array().multiline(multiline=True)
    for name, sha256 in files:
        row = tomlkit.inline_table()
        row.update({"name": name, "sha256": sha256})
        array.append(row)
    return array
