"""The compact index of RubyGems: resolution of gems for Lambda's Ruby, and downloads by hash.

No Ruby is needed on the host. `BUNDLE_MIRROR__ALL` sets the address of the index; otherwise it is that of the lock, or
of `:sources:` in ~/.gemrc. Credentials are those of the address, or of ~/.netrc.
Format: https://guides.rubygems.org/rubygems-org-compact-index-api/
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver

from builder.base import credentials, fetch, http
from builder.base.errors import BuildError
from builder.base.transfer import HttpError
from builder.base.values import Sha256, matching, untrusted
from builder.model.architectures import Architecture
from builder.model.steps.gem_version import NAME, VERSION, Requirement, Version
from builder.packages.rubygems import bundler_settings
from builder.packages.rubygems.spec import PLATFORM, RUBY, Spec, platforms

DEFAULT = "https://rubygems.org/"
"""RubyGems' own built-in source (Gem.default_sources)."""
_HINT = "set HTTPS_PROXY behind a proxy, SSL_CERT_FILE for a company's CA, BUNDLE_MIRROR__ALL for another index"
_LINE = re.compile(r"(?P<version>[^\s-]+)(?:-(?P<platform>\S+))? (?P<needs>[^|]*)\|(?P<facts>.*)")
_NAME = re.compile(NAME)
_PLATFORM = re.compile(PLATFORM)
_BROUGHT = "bundler"
"""Part of Ruby, so it is left out of layers."""


def source(remotes: Sequence[str] = ()) -> str:
    """Return the address of the index, with a slash at its end."""
    named = next(iter(remotes), None) or _of_gemrc() or DEFAULT
    return bundler_settings.address(named).rstrip("/") + "/"


def of(spec: Spec, address: str) -> str:
    """Return the address of the index of a gem: that which its lock binds it to, or the only one."""
    return source((spec.remote,)) if spec.remote else address


def _of_gemrc() -> str | None:
    try:
        settings = yaml.safe_load((Path.home() / ".gemrc").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, RuntimeError):
        return None
    sources = settings.get(":sources") if isinstance(settings, dict) else None
    return str(sources[0]) if sources else None


def fetched(spec: Spec, index: str) -> Path:
    """Return the path of a .gem file, downloaded once and verified. Raises BuildError if its SHA-256 differs."""
    name = f"{spec.full_name}.gem"
    if spec.sha256 is None:
        msg = f"the index of gems gives no SHA-256 for {name}"
        raise BuildError(msg, hint="layerwright installs by hash; serve the index with checksums")
    return fetch.cached(f"{of(spec, index)}gems/{name}", spec.sha256, name)


@cache
def listed(name: str, index: str) -> tuple[tuple[Spec, str], ...]:
    """Return every file of a gem that an index has, each with the requirement on Ruby's version.

    Raises UntrustedError for a line that does not have the form of the compact index.
    """
    sender = f"the index of gems at {credentials.redact(index)}"
    matching(_NAME, name, sender, "a valid name of a gem")
    lines = _get(f"{index}info/{name}", name, sender).splitlines()
    rows = [line for line in lines if line and line != "---" and not line.startswith("created_at:")]
    return tuple(_listed(name, line, sender) for line in rows)


def _listed(name: str, line: str, sender: str) -> tuple[Spec, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise untrusted(sender, line, f"a version of {name}")
    facts = dict(part.partition(":")[::2] for part in match["facts"].split(","))
    needs = [part.partition(":")[::2] for part in match["needs"].split(",") if part]
    spec = Spec(
        name=name,
        version=matching(VERSION, match["version"], sender, "a valid version of a gem"),
        platform=matching(_PLATFORM, match["platform"] or RUBY, sender, "a valid platform of a gem"),
        needs=tuple(
            (matching(_NAME, need, sender, "a valid name of a gem"), _requirement(requirement, sender))
            for need, requirement in needs
        ),
        sha256=Sha256.parse(facts["checksum"], sender) if "checksum" in facts else None,
    )
    return spec, _requirement(facts.get("ruby", ">= 0"), sender)


def _requirement(text: str, sender: str) -> str:
    """Return a requirement with commas between its conditions, or raise UntrustedError that names the sender."""
    conditions = text.replace("&", ", ")
    try:
        Requirement(conditions)
    except ValueError:
        raise untrusted(sender, text, "a valid requirement of a gem") from None
    return conditions


def _get(url: str, name: str, sender: str) -> str:
    """Return a document of the index; an empty one if there is none. The resolver names the gem that requires it."""
    try:
        return http.read(url).decode()
    except HttpError as error:
        if error.gone:
            return ""
        msg = f"the index of gems did not respond to the request for {name}"
        raise error.translated(msg, _HINT) from error
    except UnicodeDecodeError:
        raise untrusted(sender, b"", f"a list of the versions of {name}, in UTF-8") from None


# ---- resolving -----------------------------------------------------------------------------------------------------


class _Files:
    """One version of a gem, with its files for the requested machines."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = specs
        self.name = specs[0].name
        self.version = Version(specs[0].version)

    def needs(self) -> Iterator[tuple[str, str]]:
        yield from dict.fromkeys(need for spec in self.specs for need in spec.needs if need[0] != _BROUGHT)


Wish = tuple[str, str]


class _Provider(AbstractProvider[Wish, _Files, str]):
    """The interface of resolvelib to the index. It prefers the version of the lock, then the newest that fits."""

    def __init__(
        self, index: str, rubies: Sequence[Version], machines: Sequence[Architecture], kept: Mapping[str, str]
    ) -> None:
        self._index, self._rubies, self._machines, self._kept = index, rubies, machines, kept

    def identify(self, requirement_or_candidate: Wish | _Files) -> str:
        one = requirement_or_candidate
        return one.name if isinstance(one, _Files) else one[0]

    def get_preference(
        self,
        identifier: str,
        resolutions: Any,  # noqa: ANN401, ARG002
        candidates: Any,  # noqa: ANN401, ARG002
        information: Any,  # noqa: ANN401
        backtrack_causes: Any,  # noqa: ANN401, ARG002
    ) -> tuple[bool, str]:
        exact = any(wish.requirement[1].startswith("=") for wish in information[identifier])
        return not exact, identifier

    def find_matches(self, identifier: str, requirements: Any, incompatibilities: Any) -> list[_Files]:  # noqa: ANN401
        conditions = [Requirement(wish[1]) for wish in requirements[identifier]]
        refused = {files.version for files in incompatibilities[identifier]}
        usable = [
            files
            for files in self._usable(identifier)
            if files.version not in refused
            and all(condition.allows(files.version) for condition in conditions)
            and (not files.version.prerelease or any(condition.prerelease for condition in conditions))
        ]
        kept = self._kept.get(identifier)
        return sorted(usable, key=lambda files: (files.specs[0].version == kept, files.version), reverse=True)

    def is_satisfied_by(self, requirement: Wish, candidate: _Files) -> bool:
        return Requirement(requirement[1]).allows(candidate.version)

    def get_dependencies(self, candidate: _Files) -> Iterable[Wish]:
        return list(candidate.needs())

    def _usable(self, name: str) -> Iterator[_Files]:
        """Yield the versions that have a file for every machine and every Ruby."""
        fitting = {RUBY, *(platform for arch in self._machines for platform in platforms(arch))}
        versions: dict[str, list[Spec]] = {}
        for spec, ruby in listed(name, self._index):
            if spec.platform in fitting and all(Requirement(ruby).allows(version) for version in self._rubies):
                versions.setdefault(spec.version, []).append(spec)
        for specs in versions.values():
            there = {spec.platform for spec in specs}
            if all(there & {RUBY, *platforms(arch)} for arch in self._machines):
                yield _Files(specs)


def resolve(
    wanted: Mapping[str, str],
    rubies: Sequence[str],
    machines: Sequence[Architecture],
    index: str,
    kept: Mapping[str, str] | None = None,
) -> list[Spec]:
    """Return all files of all required gems. `wanted` maps names to requirements; `kept` are versions to prefer.

    Raises BuildError if no versions fit together, UnreachableError if the index does not respond.
    """
    provider = _Provider(index, [Version(text) for text in rubies], machines, kept or {})
    resolver: Resolver[Wish, _Files, str] = Resolver(provider, BaseReporter())
    try:
        resolved = resolver.resolve(wanted.items(), max_rounds=2000)
    except ResolutionImpossible as error:
        why = sorted({_cause(cause, index) for cause in error.causes})
        msg = "no versions of these gems fit together"
        hint = "is the name right, and is there a version for this Ruby? `layerwright runtimes` lists them"
        raise BuildError(msg, why=why[:8], hint=hint) from error
    return [spec for files in resolved.mapping.values() for spec in files.specs]


def _cause(cause: Any, index: str) -> str:  # noqa: ANN401  resolvelib's RequirementInformation
    name, requirement = cause.requirement
    by = f"{cause.parent.name} {cause.parent.version.text}" if cause.parent else "the recipe"
    there = "" if listed(name, index) else ", which the index does not have"
    return f"{by} asks for {name} {Requirement(requirement)}{there}"
