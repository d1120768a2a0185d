"""Node.js packages of a command line, with or without a version."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from builder.model.architectures import Architecture
from builder.model.runtimes import Runtime
from builder.packages.command_line import CommandLinePackages


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmPackages(CommandLinePackages):
    """Packages of `--npm`: `name` for the newest version, or `name@version`."""

    language: ClassVar[str] = "nodejs"
    title: ClassVar[str] = "Node.js"
    texts: Sequence[str]

    @property
    def name(self) -> str | None:
        return self._first[0].removeprefix("@")

    @property
    def description(self) -> str | None:
        return " ".join(self.texts)

    @property
    def step(self) -> Mapping[str, Any]:
        return {"uses": "npm", "packages": [_with_version(text) for text in self.texts]}

    def version(self, runtime: Runtime, arch: Architecture) -> str:  # noqa: ARG002  the same on all targets
        return re.sub(r"[^A-Za-z0-9.+_-]", "", self._first[1]) or "1"

    @property
    def _first(self) -> tuple[str, str]:
        name, _, version = _with_version(self.texts[0]).rpartition("@")
        return name, version


def _with_version(text: str) -> str:
    return text if "@" in text[1:] else f"{text}@latest"
