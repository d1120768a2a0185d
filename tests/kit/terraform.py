"""Terraform or OpenTofu with providers that are not fetched from its registry."""

import json
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit import real_tools
from kit.commands import Result

STANDIN = Path(__file__).with_name("terraform_standin.py")
FRAMEWORK = "tf==1.2.0"
_HOSTS = {"terraform": "registry.terraform.io", "tofu": "registry.opentofu.org"}
_VERSIONS = {"external": "2.3.5", "aws": "6.25.0"}


def installed() -> Iterator[str]:
    """Return those of the two that are on this machine."""
    return (name for name in _HOSTS if shutil.which(name))


def mirror(program: str, folder: Path) -> Path:
    """Write the stand-ins for providers where the program looks for them, and the settings that say so."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    python = real_tools.pypi(FRAMEWORK) / "python"
    for name, version in _VERSIONS.items():
        path = folder / "mirror" / _HOSTS[program] / "hashicorp" / name / version / f"linux_{machine}"
        path.mkdir(parents=True)
        plugin = path / f"terraform-provider-{name}_v{version}"
        plugin.write_text(f"#!/bin/sh\nexec '{python}' '{STANDIN}' {name}\n", encoding="utf-8")
        plugin.chmod(0o755)
    settings = folder / "settings.tfrc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder / "mirror"}"\n  }}\n}}\n',
        encoding="utf-8",
    )
    return settings


class Workspace:
    """A folder with a configuration, and its state."""

    def __init__(self, program: str, folder: Path, env: dict[str, str]) -> None:
        self.program = program
        self.folder = folder
        self.env = {**env, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def run(self, *arguments: str) -> Result:
        return real_tools.run([self.program, *arguments], self.folder, self.env)

    def must(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.code == 0, done.out + done.err
        return done.out

    def changes(self) -> dict[str, list[str]]:
        """Plan, and return what would happen to each resource that would not stay as it is."""
        self.must("plan", "-input=false", "-out=planned")
        document: dict[str, Any] = json.loads(self.must("show", "-json", "planned"))
        rows = document.get("resource_changes", [])
        found = {row["address"]: row["change"]["actions"] for row in rows}
        return {address: actions for address, actions in found.items() if actions not in (["no-op"], ["read"])}

    def apply(self) -> dict[str, Any]:
        """Do what was planned last, and return the outputs."""
        self.must("apply", "-input=false", "planned")
        return {name: row["value"] for name, row in json.loads(self.must("output", "-json")).items()}
