"""What a .gem file says of itself, and the specification that Ruby reads of an installed gem.

A .gem is a tar of metadata.gz (YAML of a Gem::Specification) and data.tar.gz. What RubyGems writes at installation is
Ruby code whose first lines, the stub, are all that it reads until the gem is used.
"""

import gzip
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import yaml

from builder.base.errors import BuildError
from builder.base.values import RelativePath, matching
from builder.model.steps.gem_version import NAME

_NAME = re.compile(NAME)
_MOST = 8 << 20
"""Bytes of metadata: hundreds of times what gems have."""


class _Loader(yaml.SafeLoader):
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
        with tarfile.open(path) as archive:
            member = archive.extractfile("metadata.gz")
            found = yaml.load(_unpacked(member), _Loader) if member else None  # noqa: S506  a safe loader
    except RecursionError:
        _unreadable(name or path.name, "its metadata is nested too deeply")
    except (OSError, tarfile.TarError, zlib.error, EOFError, KeyError, ValueError, yaml.YAMLError) as error:
        _unreadable(name or path.name, str(error))
    if not isinstance(found, dict) or "name" not in found:
        _unreadable(name or path.name, "its metadata names no gem")
    return {**found, **_typed(found, name or path.name)}


def _unpacked(packed: IO[bytes]) -> bytes:
    """Return the metadata of a gem; it is read before anything else is known of the gem."""
    with gzip.open(packed) as stream:
        data = stream.read(_MOST + 1)
    if len(data) > _MOST:
        msg = f"its metadata has more than {_MOST >> 20} MB"
        raise ValueError(msg)
    return data


def _typed(found: dict[str, Any], sender: str) -> dict[str, Any]:
    """Return the values that become paths, or lines of the stub, which Ruby reads as code; all else is quoted there."""
    return {
        "name": matching(_NAME, found["name"], sender, "a valid name of a gem"),
        "require_paths": [_folder(path, sender) for path in found.get("require_paths") or ["lib"]],
        "extensions": [RelativePath.parse(path, sender) for path in found.get("extensions") or ()],
    }


def _folder(path: object, sender: str) -> str:
    return "." if path == "." else RelativePath.parse(path, sender)


def contents(path: Path, name: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of the files of a .gem; BuildError when one would leave its folder."""
    try:
        with tarfile.open(path) as archive:
            data = archive.extractfile("data.tar.gz")
            with tarfile.open(fileobj=data, mode="r:gz") as inner:
                for member in inner:
                    stream = inner.extractfile(member) if member.isreg() else None
                    if stream:
                        yield RelativePath.parse(member.name, name or path.name), stream.read()
    except (OSError, tarfile.TarError, EOFError, KeyError) as error:
        _unreadable(name or path.name, str(error))


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
    return json.dumps(str(value), ensure_ascii=False).replace("#", "\\#") + ".freeze"
