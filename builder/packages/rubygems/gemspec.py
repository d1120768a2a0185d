"""What a .gem file says of itself, and the specification that Ruby reads of an installed gem.

A .gem is a tar of metadata.gz (YAML of a Gem::Specification) and data.tar.gz. What RubyGems writes at installation is
Ruby code whose first lines, the stub, are all that it reads until the gem is used.
"""

import gzip
import json
import posixpath
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import yaml

from builder.base import archives
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.base.values import RelativePath, matching
from builder.layer.names import parents
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.steps.gem_version import NAME

_NAME = re.compile(NAME)
_MOST = 2 << 20
"""Bytes of metadata: many times what gems have."""
_MOST_VALUES = 200_000
"""Values of metadata, those of aliases each time. RubyGems 1.8 wrote aliases, so they cannot be refused."""
_MOST_CONTENT = UNZIPPED_LIMIT
"""Bytes of all files of a gem: what is more fits into no layer."""
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml is a tenfold faster, and refuses deep nesting itself."""


class _Loader(_SafeLoader):  # type: ignore[misc]
    """Reads Ruby's objects as plain mappings: nothing of a gem is run."""


def _plain(loader: _Loader, _: str, node: yaml.Node) -> Any:  # noqa: ANN401
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!ruby/", _plain)
_Loader.add_multi_constructor("!", _plain)
_Loader.yaml_implicit_resolvers = {  # a date stays the text that it is, as does a version like 1.10
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in {"null", "bool", "merge"}]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def metadata(path: Path, name: str = "") -> dict[str, Any]:
    """Return the metadata of a .gem file. Errors call it `name`, because the cache names files by their hash.

    Raises BuildError for a file that is not a gem, UntrustedError for values in it that are not valid.
    """
    try:
        with (
            path.open("rb") as stream,
            archives.tar(stream) as archive,
            gzip.open(_member(archive, "metadata.gz")) as unpacked,
        ):
            found = _parsed(archives.read(unpacked, _MOST, "its metadata"))
        if not isinstance(found, dict) or "name" not in found:
            _unreadable(name or path.name, "its metadata names no gem")
        typed = {**found, **_typed(found, name or path.name)}
        text(typed, "0", "ruby")  # every field has the form that the specification needs
    except RecursionError:
        _unreadable(name or path.name, "its metadata is nested too deeply")
    except (*archives.FAULTS, yaml.YAMLError, AttributeError, TypeError) as error:
        _unreadable(name or path.name, str(error))
    return typed


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    for member in archives.files(archive):
        if member.name == name and (stream := archive.extractfile(member)):
            return stream
    msg = f"it has no {name}"
    raise KeyError(msg)


def _parsed(data: bytes) -> Any:  # noqa: ANN401
    loader = _Loader(data)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _weigh(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _weigh(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node has, with all that its aliases stand for. Raises ValueError for too many."""
    if (weight := known.get(id(node))) is not None:
        return weight
    known[id(node)] = _MOST_VALUES  # an alias of what it is in itself
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    total = 1 + sum(_weigh(each, known) for each in inner)
    if total > _MOST_VALUES:
        msg = f"its metadata has more than {_MOST_VALUES:,} values"
        raise ValueError(msg)
    known[id(node)] = total
    return total


def _typed(found: dict[str, Any], sender: str) -> dict[str, Any]:
    """Return the values that become paths, or lines of the stub, which Ruby reads as code; all else is quoted there."""
    for key in ("require_paths", "extensions", "dependencies"):
        if not isinstance(found.get(key) or [], list):
            msg = f"`{key}` is not a list"
            raise TypeError(msg)
    return {
        "name": matching(_NAME, found["name"], sender, "a valid name of a gem"),
        "require_paths": [_folder(path, sender) for path in found.get("require_paths") or ["lib"]],
        "extensions": [RelativePath.parse(path, sender) for path in found.get("extensions") or ()],
    }


def _folder(path: object, sender: str) -> str:
    return "." if path == "." else RelativePath.parse(path, sender)


@dataclass(frozen=True, kw_only=True, slots=True)
class GemFile:
    """A file of a gem, or a symbolic link, which RubyGems installs as one."""

    path: RelativePath
    data: bytes = b""
    link: str | None = None


def contents(path: Path, name: str = "") -> Iterator[GemFile]:
    """Yield the files of a .gem. Raises BuildError when one would leave its folder, or take the place of another."""
    taken: set[str] = set()
    above: set[str] = set()
    try:
        with (
            path.open("rb") as packed,
            archives.tar(packed) as archive,
            archives.tar(_member(archive, "data.tar.gz")) as inner,
        ):
            left = _MOST_CONTENT
            for member in archives.members(inner):
                if member.isdir():
                    continue
                data = archives.read(inner.extractfile(member), left, "its content") if member.isreg() else b""
                left -= len(data)
                file = _file(member, data, name or path.name)
                folders = set(parents(file.path))
                if file.path in taken | above or folders & taken:
                    _unreadable(name or path.name, f"{file.path} is in it twice")
                taken.add(file.path)
                above |= folders
                yield file
    except archives.FAULTS as error:
        _unreadable(name or path.name, str(error))


def _file(member: tarfile.TarInfo, data: bytes, sender: str) -> GemFile:
    path = RelativePath.parse(member.name, sender)
    if member.isreg():
        return GemFile(path=path, data=data)
    if not member.issym():
        msg = f"{path} is neither a file nor a symbolic link"
        raise ValueError(msg)
    below = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname))
    RelativePath.parse(below, sender)
    return GemFile(path=path, link=member.linkname)


def _unreadable(name: str, why: str) -> NoReturn:
    msg = f"{name} is no gem that can be read"
    raise BuildError(msg, why=[why.splitlines()[0][:200] if why else "it is empty"])


def require_paths(found: dict[str, Any]) -> list[str]:
    return [str(path) for path in found.get("require_paths") or ["lib"]]


def required_ruby(found: dict[str, Any]) -> str | None:
    """Return the requirement on Ruby's version."""
    return ", ".join(_conditions(found.get("required_ruby_version"))) or None


def extensions(found: dict[str, Any]) -> list[str]:
    """Return what must be run to compile the gem; empty for one that needs no compiler."""
    return [str(path) for path in found.get("extensions") or ()]


def text(found: dict[str, Any], version: str, platform: str) -> str:
    """Return the specification as Ruby code."""
    paths, extending = require_paths(found), extensions(found)
    lines = ["# -*- encoding: utf-8 -*-", f"# stub: {found['name']} {version} {platform} {_joined(paths)}"]
    lines += [f"# stub: {_joined(extending)}"] if extending else []
    lines += ["", "Gem::Specification.new do |s|", *(f"  {line}" for line in _body(found, version, platform)), "end"]
    return "\n".join(lines) + "\n"


def _joined(paths: list[str]) -> str:
    return "\0".join(paths)


def _body(found: dict[str, Any], version: str, platform: str) -> Iterator[str]:
    yield f"s.name = {_ruby(found['name'])}"
    yield f"s.version = {_ruby(version)}"
    if platform != "ruby":
        yield f"s.platform = {_ruby(platform)}"
    for key in ("required_ruby_version", "required_rubygems_version"):
        if conditions := _conditions(found.get(key)):
            yield f"s.{key} = Gem::Requirement.new({_ruby(conditions)})"
    yield f"s.require_paths = {_ruby(require_paths(found))}"
    for key in ("authors", "date", "description", "email", "homepage", "licenses", "summary", "bindir"):
        if found.get(key):
            yield f"s.{key} = {_ruby(found[key])}"
    for key in ("executables", "extensions"):
        if found.get(key):
            yield f"s.{key} = {_ruby(found[key])}"
    for need in found.get("dependencies") or ():
        kind = "development" if str(need.get("type", "")).endswith("development") else "runtime"
        conditions = _conditions(need.get("requirement") or need.get("version_requirements"))
        yield f"s.add_{kind}_dependency({_ruby(need['name'])}, {_ruby(conditions or ['>= 0'])})"


def _conditions(requirement: Any) -> list[str]:  # noqa: ANN401
    rows = requirement.get("requirements") if isinstance(requirement, dict) else None
    return [f"{operator} {_version(version)}" for operator, version in rows or ()]


def _version(version: Any) -> str:  # noqa: ANN401
    return str(version.get("version") if isinstance(version, dict) else version)


def _ruby(value: Any) -> str:  # noqa: ANN401
    """Return a literal: JSON's strings are Ruby's, once nothing in them is interpolated."""
    if isinstance(value, list):
        return f"[{', '.join(_ruby(one) for one in value)}]"
    shown = str(value).encode(errors="replace").decode()  # a half of a surrogate pair is no character
    return json.dumps(shown, ensure_ascii=False).replace("#", "\\#") + ".freeze"
