"""Python packages of a command line: requirements, or a requirements file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.model import pep508
from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.command_line import CommandLinePackages, Draft, Drafting
from builder.packages.pypi import PRUNE, addresses, requirements_file
from builder.packages.pypi.addresses import Spot
from builder.packages.pypi.requirement_lines import RefusedError
from builder.packages.pypi.resolve import Wanted, resolve


def requirement(text: str) -> Requirement:
    """Return the parsed requirement; UsageError if it is not valid. The name of a folder's package is in its files."""
    try:
        return pep508.parsed(_named(text))
    except InvalidRequirement as error:
        msg = f"`{text}` is not a valid requirement"
        hint = "for example `pandas==2.2.3`; a local wheel is `name @ file:///path/to/name.whl`"
        raise UsageError(msg, why=[str(error).splitlines()[0]], hint=hint) from None


def _named(text: str) -> str:
    """Return a requirement for the path or the address of a project, and any other text as it is."""
    word = text.strip()
    option = re.match(r"(?:-e|--editable)[= ]*", word)
    word = word[option.end() :] if option else word
    if not (option or addresses.is_place(word)) or addresses.is_named(word):
        return text
    try:
        return addresses.editable(word, Spot(where=text, folder=Path()))
    except (RefusedError, ValueError, OSError) as error:
        why = str(error)
        raise requirements_file.refusal([f"{text}{f' ({why})' if why else ''}"]) from None


def package_name(text: str) -> str:
    """Return the canonical name of the package that a requirement is for. Raises UsageError if it is not valid."""
    return canonicalize_name(requirement(text).name)


@dataclass(frozen=True, kw_only=True, slots=True)
class PipPackages(CommandLinePackages):
    """Requirements of `--pip`, and a file of `-r`."""

    language: ClassVar[str] = "python"
    title: ClassVar[str] = "Python"
    prefers_prebuilt: ClassVar[bool] = True
    requirements: tuple[Requirement, ...]
    texts: tuple[str, ...]
    file: Path | None

    @classmethod
    def parse(cls, texts: Sequence[str], file: Path | None) -> "PipPackages":
        """Raise UsageError for a text that is not a valid requirement, and for a file without any."""
        if file and not texts and not requirements_file.names_any(file):
            msg = f"{file} names no package"
            raise UsageError(msg, hint="`--pip SPEC` names one without a file")
        return cls(
            requirements=tuple(requirement(text) for text in texts),
            texts=tuple(map(_named, texts)),
            file=file,
        )

    @property
    def name(self) -> str | None:
        if self.requirements:
            return canonicalize_name(self.requirements[0].name)
        if self.file is None:
            return None
        from builder.packages.pypi import projects

        return projects.name_of(self.file.parent)

    @property
    def description(self) -> str | None:
        return None

    @property
    def step(self) -> Mapping[str, Any]:
        named = {"requirements": list(self.texts)} if self.texts else {}
        return {"uses": "pip", **named, **({"file": self.file.name} if self.file else {})}

    def version(self, runtime: Runtime, arch: Architecture) -> str:
        version = _version(self.requirements[0], runtime, arch) if self.requirements else "1"
        return re.sub(r"[^A-Za-z0-9.+_-]", "-", version)  # an epoch, `1!2.0`, would not go into a file's name

    def require_prebuilt(self, runtime: Runtime, arch: Architecture) -> None:
        resolve(Wanted(requirements=self.texts, wheels_only=True), runtime, arch)

    def draft(self, drafting: Drafting) -> Draft:
        from builder.packages.pypi import described

        versions = {canonicalize_name(name): version for name, version in drafting.versions.items()}
        named = [canonicalize_name(each.name) for each in self.requirements]
        found = described.facts(drafting, named or sorted(versions))
        first = found.get(named[0]) if named else None
        return Draft(
            summary=first.summary if first else "",
            license=first.license if first else "",
            step=self._pinned(versions),
            prune=PRUNE,
            test=described.test(found.values()),
        )

    def _pinned(self, versions: Mapping[NormalizedName, str]) -> Mapping[str, Any]:
        """Return the step with a version for each requirement; those of a file are left to the lock."""
        if self.file:
            return self.step
        pins: dict[NormalizedName, str] = {**versions, canonicalize_name(self.requirements[0].name): "{version}"}
        pairs = zip(self.requirements, self.texts, strict=True)
        pinned = [_pinned(parsed, text, pins.get(canonicalize_name(parsed.name))) for parsed, text in pairs]
        return {"uses": "pip", "requirements": pinned}


def _version(first: Requirement, runtime: Runtime, arch: Architecture) -> str:
    exact = [each.version for each in first.specifier if each.operator == "==" and "*" not in each.version]
    if exact:
        return exact[0]
    name = canonicalize_name(first.name)
    candidates = resolve(Wanted(requirements=(str(first),)), runtime, arch)
    return next((each.version for each in candidates if canonicalize_name(each.name) == name), "1")


def _pinned(parsed: Requirement, text: str, version: str | None) -> str:
    """Return a requirement with this version; with a URL or a marker it stays as it is."""
    if parsed.url or parsed.marker or not version:
        return text
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return f"{parsed.name}{extras}=={version}"
