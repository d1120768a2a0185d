"""Finished layers in the shared cache, by the digest of everything that decided them."""

from pathlib import Path

from builder.base import cache_paths, files, remote

_BESIDE = (".cdx.json", ".json")
"""What belongs to a zip. The manifest is written last and read first: with it, all is there."""


def fetch(zip_path: Path, digest: str) -> bool:
    """Put a layer that another machine made at its place; False, and nothing changed, when there is none that is whole.

    Whether the zip is the one that the manifest names is for the caller to see.
    """
    if remote.address() is None:
        return False
    with cache_paths.workspace() as work:
        found = {suffix: work / f"layer{suffix}" for suffix in (".json", ".zip", ".cdx.json")}
        if not all(remote.fetch(_name(zip_path, digest, suffix), path) for suffix, path in found.items()):
            return False
        for suffix in (".zip", *_BESIDE):
            with files.replacing(zip_path.with_suffix(suffix)) as part:
                part.write_bytes(found[suffix].read_bytes())
    return True


def upload(zip_path: Path, digest: str) -> None:
    """Give a layer to the other machines."""
    if remote.address() is None:
        return
    for suffix in (".zip", *_BESIDE):
        remote.upload(_name(zip_path, digest, suffix), zip_path.with_suffix(suffix))


def _name(zip_path: Path, digest: str, suffix: str) -> str:
    return f"layers/{digest}/{zip_path.stem}{suffix}"
