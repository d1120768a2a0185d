"""The plan of one zip: a frozen value that says everything that decides its bytes."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from builder import __version__
from builder.errors import UsageError
from builder.model.recipe import Copy, Pip, Recipe, Slim, Step
from builder.model.target import Target
from builder.plan.routes import Route


@cache
def tool() -> str:
    """Name this very layerwright: its version, and a hash of its code for those who work on it."""
    code = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        code.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{code.hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A file beside the recipe that goes into the layer."""

    source: str
    """Its path relative to the recipe, with slashes."""
    to: str
    executable: bool
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    target: Target
    recipe: Recipe
    routes: tuple[Route, ...]
    copied: tuple[Copied, ...]
    locked: bool
    interpreter: str | None
    """The exact version that compiles the bytecode; None leaves it to Lambda."""
    compression: str
    warnings: tuple[str, ...]

    @property
    def slim(self) -> Slim:
        return self.recipe.slim

    @property
    def route(self) -> str:
        """The most expensive rung of all packages."""
        return "wheels" if self.routes else "copy"

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides the bytes, as hexadecimal digits."""
        text = json.dumps(self._inputs(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _inputs(self) -> Mapping[str, Any]:
        return {
            "tool": tool(),
            "target": self.target.name,
            "runtimes": [[own.name, own.images(self.target.arch)] for own in self.target.runtimes],
            "architectures": [arch.name for arch in self.target.architectures],
            "recipe": dataclasses.asdict(self.recipe),
            "packages": [dataclasses.astuple(route.package)[:4] for route in self.routes],
            "copied": [dataclasses.astuple(copied) for copied in self.copied],
            "interpreter": self.interpreter,
            "compression": self.compression,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the plan for programs; see the README for the keys."""
        layer = self.recipe.layer
        return {
            "name": layer.name,
            "layer_version": self.target.version,
            "description": layer.description,
            "license": layer.license,
            "target": self.target.name,
            "runtimes": [own.name for own in self.target.runtimes],
            "architectures": [arch.name for arch in self.target.architectures],
            "os": self.target.base.os.name,
            "route": self.route,
            "image": {"name": self.target.base.images(self.target.arch)["run"], "digest": None},
            "locked": self.locked,
            "bytecode": self.interpreter,
            "packages": [
                {
                    "name": route.package.name,
                    "version": route.package.version,
                    "route": route.kind,
                    "reason": route.reason,
                    "file": route.package.filename,
                    "sha256": route.package.sha256,
                    "bytes": route.size,
                }
                for route in self.routes
            ],
            "files": [dataclasses.asdict(copied) for copied in self.copied],
            "warnings": list(self.warnings),
            "plan_digest": self.digest,
        }


def steps(recipe: Recipe, target: Target) -> list[Pip | Copy]:
    """Return the steps for a target, or raise UsageError for those that need a container."""
    chosen = [(index, step) for index, step in enumerate(recipe.step) if target.matches(step.when)]
    ready: list[Pip | Copy] = []
    later: list[str] = []
    for index, step in chosen:
        reason = _unready(step)
        if isinstance(step, (Pip, Copy)) and reason is None:
            ready.append(step)
        else:
            later.append(f"step[{index}]: {reason}")
    if later:
        msg = f"{target.name} cannot be built by this version of layerwright"
        raise UsageError(msg, why=later, hint='prebuilt wheels (`uses = "pip"`) and files (`uses = "copy"`) can')
    if not ready:
        msg = f"no step of the recipe is for {target.name}"
        raise UsageError(msg, hint="a `when` leaves it out; take the runtime or architecture out of [targets] as well")
    return ready


def _unready(step: Step) -> str | None:
    if isinstance(step, Pip):
        return (
            '`wheels = "never"` needs the container route, which is not there yet' if step.wheels == "never" else None
        )
    if isinstance(step, Copy):
        return None
    return f'`uses = "{step.uses}"` needs the container route, which is not there yet'
