"""Reproducibility, for `layerwright build --verify`: two builds of a layer, in different folders at different times."""

import dataclasses
from pathlib import Path

from builder.base import cache_paths
from builder.base.emitter import Events
from builder.base.errors import CheckFailedError
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.layer.compare import differences
from builder.layer.reader import LayerZip
from builder.model.recipes import Loaded
from builder.model.target import Target

_SHOWN = 20
"""Differences that an error lists."""


def clean_options(options: Options, folder: Path) -> Options:
    """Return the options of a build that reuses no results: everything is compiled, stripped and compressed anew."""
    engine_options = dataclasses.replace(options.containers, recompile=True)
    return dataclasses.replace(options, rebuild=True, containers=engine_options, derived=folder)


def build_verified(loaded: Loaded, target: Target, options: Options, events: Events) -> Built:
    """Build a layer twice from nothing, compare, and return the first build.

    Raises CheckFailedError, with the files and sections that differ, if the layers are not equal.
    """
    with cache_paths.workspace() as work:
        with events.stage("first build") as inner:
            first = build(loaded, target, clean_options(options, work / "first"), inner)
        again = dataclasses.replace(clean_options(options, work / "second"), output=work / "out", test="never")
        with events.stage("second build") as inner:
            second = build(loaded, target, again, inner)
        events.begin("comparing")
        with LayerZip(first.path) as one, LayerZip(second.path) as other:
            different = list(differences(one, other))
        if different:
            msg = f"{target.name}: two builds from nothing differ"
            more = [f"and {len(different) - _SHOWN} more"] if len(different) > _SHOWN else []
            raise CheckFailedError(
                msg,
                why=[*different[:_SHOWN], *more],
                hint="usual causes are times, paths and random order: SOURCE_DATE_EPOCH is set, -ffile-prefix-map and "
                "a fixed seed help",
            )
    return first
