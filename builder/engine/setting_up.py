"""What installs an engine, and the emulation of the other architecture, as hints name it."""

from pathlib import Path

from builder.model import facts

EMULATION = "docker run --privileged --rm tonistiigi/binfmt --install {arch}"
"""The command that registers the emulation of an architecture on Linux."""


def command() -> str:
    """Return what installs an engine on Debian and Ubuntu: `make` is for those who have the Makefile."""
    return f"sudo sh {Path(__file__).with_name('debian.sh')}" if facts.installed() else "sudo make engine"


def advice() -> str:
    """Return how to get an engine, on each system."""
    return (
        f"on Debian and Ubuntu `{command()}` installs one; on macOS and Windows install Docker Desktop, Finch, Colima, "
        "Rancher Desktop or Podman. `layerwright doctor` shows the state of this machine"
    )
