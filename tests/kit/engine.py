"""The engine itself, asked by its client."""

import subprocess


def docker(*arguments: str) -> str:
    """Return what the client prints; it must succeed."""
    return subprocess.run(["docker", *arguments], capture_output=True, encoding="utf-8", check=True).stdout


def gateway() -> str:
    """Return the address by which containers reach this machine."""
    return docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").strip()
