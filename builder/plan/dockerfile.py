"""The Dockerfile of a target, rendered from `images/templates`. It is readable, and can be run by hand."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.model import facts
from builder.model.acceleration import native_programs
from builder.model.recipe import Source
from builder.model.steps import Build, Packages, Script
from builder.model.target import Target
from builder.packages.resolution import Block, CompiledPart
from builder.plan import keys
from builder.plan.container import TREE, Acceleration, Container, Part

if TYPE_CHECKING:
    import jinja2

ENVIRONMENT_SECRET = "layerwright-environment"  # noqa: S105  a name
CA_SECRET = "layerwright-ca"  # noqa: S105
INDEX_SECRET = "layerwright-indexes"  # noqa: S105
"""Settings of indexes, for the steps that fetch by hash and run nothing of what they fetch."""
INDEX_FILES = ("cargo.toml", "netrc")
"""Names of the user's secrets that those steps read."""
AGAIN = "LAYERWRIGHT_AGAIN"
"""Build argument of the steps that compile. A new value makes them run although the engine has cached their results.

`--no-cache-filter` would empty their caches of downloads, too.
"""

GO = "/usr/bin/go"
_COMPILERS = {"cargo": "cargo", "go": "golang"}
"""Languages of extensions whose locks name what they are compiled of, with the packages that bring their tools."""


@cache
def _templates(folder: Path) -> "jinja2.Environment":
    import jinja2

    loader = jinja2.FileSystemLoader(folder)
    return jinja2.Environment(  # noqa: S701  the output is not HTML
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=False
    )


def render(
    container: Container,
    parts: Sequence[Part],
    secrets: Sequence[str] = (),
    acceleration: Acceleration | None = None,
) -> str:
    """Return the Dockerfile that makes these parts. `secrets` are the ids of the user's secrets."""
    blocks = list(_blocks(container))
    template = _templates(facts.folder() / "templates").get_template("Dockerfile.j2")
    return template.render(
        **_target_values(container.target),
        **_acceleration_values(blocks, acceleration),
        image=container.image,
        online=(ENVIRONMENT_SECRET, CA_SECRET),
        index_secrets=(INDEX_SECRET, *(name for name in INDEX_FILES if name in secrets)),
        blocks=blocks,
        block=None,
        last=_last(blocks),
        tree=any(part.stage == TREE for part in parts),
        packages_cache="",
        carried=container.carried,
        own_tools=container.own_tools,
        repair=container.repair,
        scripts=any(block["uses"] == "script" for block in blocks),
        parts=parts,
        again=AGAIN,
    )


def _target_values(target: Target) -> dict[str, Any]:
    return {
        "target": target.name,
        "layer": target.layer,
        "version": target.version,
        "platform": target.arch.docker,
        "arch": target.arch,
        "runtime": target.base,
        "manager": target.base.manager,
        "tools": target.base.tools,
        "python": target.base.interpreter,
    }


def _acceleration_values(blocks: Sequence[Mapping[str, Any]], acceleration: Acceleration | None) -> dict[str, Any]:
    """Return the values about programs that accelerated stages run natively, and where the toolchain keeps them."""
    native = native_programs()
    programs = list(dict.fromkeys([*native.tools, *(path for block in blocks for path in block["tools"])]))
    return {
        "acceleration": acceleration,
        "accelerated": acceleration.stages if acceleration else (),
        "interpreted": acceleration.interpreted if acceleration else (),
        "laid_over": programs,
        "go": GO,
        "places": {path: native.in_toolchain(path) for path in programs},
        "also_there": native.packages_of(programs),
    }


def archive(source: Source) -> str:
    """Return the name of a source in the build context. Engines detect compression by content, not by name."""
    return f"{source.name}.tar"


def _last(blocks: Sequence[dict[str, Any]]) -> str:
    changing = (block["stage"] for block in reversed(blocks) if block["uses"] != "pip" and not block["aside"])
    return next(changing, "step-0")


@dataclass(slots=True)
class _Position:
    """What the next block is based on."""

    after: str = "step-0"
    """The last stage that changed the system."""
    installed: list[str] = field(default_factory=list)
    """The packages of the operating system in it."""
    clean: str = "step-0"
    """The last stage in which nothing has run but the package manager: what asks an index may trust its programs."""
    clean_installed: list[str] = field(default_factory=list)
    aside: int = 0

    def placed(self, block: Mapping[str, Any], **more: object) -> dict[str, Any]:
        """Return a block with its place."""
        tools = (*native_programs().tools, *native_programs().of_packages(self.installed))
        place = {"after": self.after, "clean": self.clean, "tools": tuple(dict.fromkeys(tools)), "aside": False}
        return {**block, **place, **more}

    def passed(self, block: Mapping[str, Any]) -> None:
        """Go on after a block that changed the system."""
        packages = block.get("packages", ())
        self.installed += packages
        if packages and self.after == self.clean:
            self.clean = block["stage"]
            self.clean_installed += packages
        self.after = block["stage"]

    def having(self, packages: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield what installs these packages beside the clean stage, if they are not there."""
        missing = sorted({*packages} - {*self.clean_installed})
        if missing:
            self.aside += 1
            stage = f"clean-{self.aside}"
            title = f"{' '.join(missing)}, where nothing else has run"
            block = {"uses": "packages", "title": title, "packages": missing, "stage": stage}
            yield self.placed(block, after=self.clean, aside=True)
            self.clean = stage
            self.clean_installed += missing


def _blocks(container: Container) -> Iterator[dict[str, Any]]:
    """Yield one block per step and per compiled package, each based on the last stage that changed the system."""
    position = _Position()
    unpacked: set[str] = set()
    steps, blocks = dict(container.steps), dict(container.blocks)
    for number in sorted({*steps, *blocks, *(part.step for part in container.compiled)}):
        for part in container.compiled:
            if part.step == number:
                yield from _compiled_blocks(position, part)
        for block in _step_blocks(container, number, unpacked):
            if block["uses"] in _COMPILERS:
                yield from position.having([_COMPILERS[block["uses"]]])
            yield position.placed(block, number=f"{number:02}")
            position.passed(block)


def _compiled_blocks(position: _Position, part: CompiledPart) -> Iterator[dict[str, Any]]:
    """Yield the block of a package, which fetches the crates and modules of its locks first unless it may download."""
    block = _package_block(part.block)
    there = {language: name for language, name in _COMPILERS.items() if name in position.installed}
    if block.get("network"):
        there = {}
    yield from position.having(list(there.values()))
    yield position.placed({**block, "stage": part.stage, "languages": tuple(there)})


def _step_blocks(container: Container, number: int, unpacked: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the blocks of one step: its installed packages, then its work. `unpacked` are sources already present."""
    stage = f"step-{number}"
    if block := dict(container.blocks).get(number):
        if block.installs:
            yield {**_system_packages(number, block.installs), "stage": f"{stage}-packages"}
        yield {**_package_block(block), "stage": stage}
    elif step := dict(container.steps).get(number):
        yield {**_step_block(container, number, step, unpacked), "stage": stage}


def _package_block(block: Block) -> dict[str, Any]:
    return {**block.values, "uses": block.template, "title": block.title}


def _system_packages(number: int, install: Sequence[str]) -> dict[str, Any]:
    names = sorted(set(install))
    return {"uses": "packages", "title": f"step {number}: packages {' '.join(names)}", "packages": names}


def _step_block(
    container: Container, number: int, step: Packages | Build | Script, unpacked: set[str]
) -> dict[str, Any]:
    if isinstance(step, Packages):
        return _system_packages(number, step.install)
    listed = [{"name": str(source.name), "archive": archive(source)} for source in container.sources]
    if isinstance(step, Build):
        name = step.source or listed[0]["name"]
        options = " ".join(shlex.quote(option) for option in step.options)
        title = f"step {number}: {name}, built with {step.build}"
        unpacked.add(str(name))
        build = {"name": name, "archive": f"{name}.tar", "build": step.build, "options": options}
        return {"uses": "source", "title": title, **build}
    new = [source for source in listed if source["name"] not in unpacked]
    unpacked.update(str(source["name"]) for source in new)
    names = [source["name"] for source in listed]
    title = f"step {number}: script"
    return {
        "uses": "script",
        "title": title,
        "sources": new,
        "all_sources": names,
        "network": step.network,
        "secrets": step.secrets,
    }


def script(step: Script) -> str:
    """Return the shell text of a script step, preceded by the exports of its environment."""
    return exports(step) + step.run.rstrip("\n") + "\n"


def exports(step: Script) -> str:
    """Return the shell text that exports the environment of a script step."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(step.env.items()))


def describe(container: Container, acceleration: Acceleration | None = None) -> str:
    """Return the Dockerfile, followed by the texts of its scripts as comments."""
    text = render(container, keys.parts(container), acceleration=acceleration).rstrip() + "\n"
    for number, step in container.steps:
        if isinstance(step, Script):
            body = "".join(f"#   {line}\n" for line in script(step).splitlines())
            text += f"\n# scripts/{number:02}.sh\n{body}"
    return text
