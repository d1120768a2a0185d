"""Podman as the engine, with a store of its own and the stand-ins' registry, which speaks plain HTTP."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kit.standin import REGISTRY


def podman_environment(folder: Path) -> dict[str, str]:
    """Return the variables for a working podman; without one, skip on a laptop and fail in CI."""
    if (
        shutil.which("podman") is None
        or subprocess.run(["podman", "info"], capture_output=True, check=False).returncode
    ):
        if os.environ.get("LAYERWRIGHT_CI"):
            pytest.fail("CI must have podman")
        pytest.skip("podman is not installed")
    registries = folder / "registries.conf"
    registries.write_text(f'[[registry]]\nlocation = "{REGISTRY}"\ninsecure = true\n', encoding="utf-8")
    return {
        "LAYERWRIGHT_ENGINE": "podman",
        "LAYERWRIGHT_CACHE": str(folder / "podman-cache"),
        "CONTAINERS_REGISTRIES_CONF": str(registries),
    }
