"""`layerwright build --verify`: the same layer once more from nothing, in another folder at another time."""

import dataclasses
from pathlib import Path

from builder.base import cache_paths
from builder.base.errors import CheckFailedError
from builder.building.layer import Built, Options, Report, build
from builder.layer.compare import differences
from builder.layer.reader import LayerZip
from builder.model.recipes import Loaded
from builder.model.target import Target

_SHOWN = 20


def clean_options(options: Options, folder: Path) -> Options:
    """Return the options of a build that takes nothing that was made before: compiled, stripped, compressed anew."""
    choice = dataclasses.replace(options.containers, recompile=True)
    return dataclasses.replace(options, rebuild=True, containers=choice, derived=folder)


def build_verified(loaded: Loaded, target: Target, options: Options, report: Report) -> Built:
    """Build twice from nothing and compare; raise CheckFailedError that names files and sections that differ."""
    with cache_paths.workspace() as work:
        report("first build")
        first = build(loaded, target, clean_options(options, work / "first"), report)
        report("second build")
        again = dataclasses.replace(clean_options(options, work / "second"), output=work / "out", test="never")
        second = build(loaded, target, again, report)
        report("comparing")
        with LayerZip(first.path) as one, LayerZip(second.path) as other:
            found = list(differences(one, other))
        if found:
            msg = f"{target.name}: two builds from nothing differ"
            more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
            raise CheckFailedError(
                msg,
                why=[*found[:_SHOWN], *more],
                hint="times, paths and random order are what usually gets in: SOURCE_DATE_EPOCH is set, "
                "-ffile-prefix-map and a fixed seed help",
            )
    return first
