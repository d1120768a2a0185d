"""Variables of layerwright's own in the environment: what each means, and the one place where they are read.

Settings of a project (`layerwright.toml`) stand in for variables that are not set. The documentation has this table.
"""

import os
from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "LAYERWRIGHT_CACHE": "Folder of caches; default: the user's, as each system has it",
    "LAYERWRIGHT_CACHE_GB": "Size to which the caches are shrunk; `layerwright cache list` shows them",
    "LAYERWRIGHT_REMOTE_CACHE": "A cache that machines share, `s3://bucket/prefix`; `?read-only` at the end of it "
    "writes nothing",
    "LAYERWRIGHT_REMOTE_KEY": "Key that signs what is shared, or a file with it; `layerwright cache key` makes a pair",
    "LAYERWRIGHT_RECIPES": "Default of `--recipes`",
    "LAYERWRIGHT_BUCKET": "Default of `--bucket`: where zips over 50 MiB are published from",
    "LAYERWRIGHT_REGISTRY": "Registry, with a prefix, that is asked for Amazon's images",
    "LAYERWRIGHT_PINS": "Folder of `pins.toml` and facts about images; default: the current folder, `images/` in a "
    "clone",
    "LAYERWRIGHT_ENGINE": "Default of `--engine`: docker, podman, nerdctl or finch",
    "LAYERWRIGHT_PYTHON_3_13": "An interpreter of that version, for bytecode; the same for other versions",
    "LAYERWRIGHT_RESOLVER_MEMORY_MB": "Memory that reading the metadata of packages may take",
}
_defaults: dict[str, str] = {}


def value(name: str) -> str:
    """Return the value of a variable: of the environment, else of the project's settings, else an empty text."""
    return os.environ.get(name) or _defaults.get(name, "")


def use_defaults(values: Mapping[str, str]) -> None:
    """Let these values hold for variables that are not set, instead of those before."""
    _defaults.clear()
    _defaults.update(values)
