"""Versions, by hand, of what layerwright's own code writes: what it makes of the same inputs.

A version is raised when other bytes result from the same inputs, and then everything that depends on it is made
again. `tests/plan/test_formats.py` fails for every change of a listed module until it is decided whether to raise one,
and for a module that is listed nowhere. docs/architecture.md says why these are no hashes of the code.
"""

from collections.abc import Iterable

from builder.base.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """The code that writes one kind of bytes."""

    version: int
    modules: tuple[str, ...]
    """Below `builder/`, with dots; a name without the last part stands for all modules of a folder."""


FORMATS = {
    "layer": Format(
        version=1,
        modules=(
            "layer.tree",
            "layer.archive",
            "layer.compression",
            "layer.names",
            "layer.store",
            "layer.hashed",
            "layer.packing",
            "building.assembling",
            "building.remembered",
            "building.lacking",
            "building.job",
            "building.layer",
            "building.making",
        ),
    ),
    "slim": Format(
        version=3,
        modules=(
            "layer.slim",
            "layer.patterns",
            "layer.module_imports",
            "layer.pruned_imports",
            "layer.pruned_requires",
        ),
    ),
    "strip": Format(version=1, modules=("layer.strip", "layer.stripping", "layer.elf")),
    "bytecode": Format(
        version=1, modules=("layer.bytecode", "layer.import_graph", "layer.interpreters", "plan.outlook")
    ),
    "manifest": Format(
        version=6,
        modules=(
            "building.describing",
            "layer.checks",
            "layer.findings",
            "layer.binary_loads",
            "layer.executables",
            "layer.java_code",
            "layer.java_loads",
            "layer.node_loads",
            "layer.node_programs",
            "layer.python_loads",
            "layer.python_programs",
            "layer.python_scopes",
            "layer.python_systems",
            "layer.python_values",
            "layer.installed",
            "layer.licences",
            "layer.linking",
            "layer.manifest",
            "layer.optional_imports",
            "layer.packed",
            "layer.packed_streams",
            "layer.plugin_variables",
            "layer.sbom",
            "layer.tokens",
        ),
    ),
    "container": Format(
        version=1,
        modules=(
            "building.artifacts",
            "building.container_reports",
            "building.compiling",
            "plan.container",
            "plan.dockerfile",
            "packages.pypi.build_tools",
            "packages.sources",
        ),
    ),
    "pip": Format(
        version=1,
        modules=(
            "packages.pypi.install",
            "packages.pypi.local.backends",
            "packages.pypi.local.building",
            "packages.pypi.local.tree",
            "packages.pypi.local.wheel",
            "packages.pypi.resolution",
            "packages.pypi.sdist",
            "packages.pypi.static_tools",
            "packages.pypi.uv",
            "packages.pypi.uv_settings",
        ),
    ),
    "npm": Format(
        version=1,
        modules=("packages.npm.headers", "packages.npm.local", "packages.npm.npm", "packages.npm.resolution"),
    ),
    "gem": Format(
        version=2,
        modules=(
            "packages.rubygems.gemspec",
            "packages.rubygems.own",
            "packages.rubygems.resolution",
            "packages.rubygems.spec",
        ),
    ),
    "maven": Format(
        version=1, modules=("packages.maven.maven_lock", "packages.maven.mvn", "packages.maven.resolution")
    ),
    "cargo": Format(
        version=1,
        modules=(
            "packages.cargo.cargo_lock",
            "packages.cargo.cargo",
            "packages.cargo.installed",
            "packages.cargo.resolution",
            "packages.source_folder",
        ),
    ),
    "go": Format(version=1, modules=("packages.go.resolution", "packages.go.source", "packages.source_folder")),
}
"""By name. Those of ecosystems are named as the `uses` of their steps. `manifest` is what stands beside a zip."""


def versions(names: Iterable[str]) -> dict[str, int]:
    """Return the versions of formats by name, sorted."""
    return {name: FORMATS[name].version for name in sorted(set(names))}
