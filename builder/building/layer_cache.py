"""Finished layers in the shared cache, by the digest of their plan."""

import shutil
from pathlib import Path

from builder.base import cache_paths, files, remote

_BESIDE = (".cdx.json", ".json")
"""The files of a layer besides its zip. The manifest is uploaded last and read first, so it implies the others."""


def fetch(zip_path: Path, digest: str) -> bool:
    """Download a layer that another machine built; return whether it was complete. Otherwise no file is changed.

    The caller must check that the zip is the one that the manifest describes.
    """
    if remote.address() is None:
        return False
    with cache_paths.workspace() as work:
        downloads = {suffix: work / f"layer{suffix}" for suffix in (".json", ".zip", ".cdx.json")}
        if not all(remote.fetch(_name(zip_path, digest, suffix), path) for suffix, path in downloads.items()):
            return False
        suffixes = (".zip", *_BESIDE)
        with files.replacing_all([zip_path.with_suffix(suffix) for suffix in suffixes]) as parts:
            for suffix, part in zip(suffixes, parts, strict=True):
                shutil.copyfile(downloads[suffix], part)
    return True


def upload(zip_path: Path, digest: str) -> None:
    """Upload a layer for other machines. Does nothing without a shared cache."""
    if remote.address() is None:
        return
    for suffix in (".zip", *_BESIDE):
        remote.upload(_name(zip_path, digest, suffix), zip_path.with_suffix(suffix))


def _name(zip_path: Path, digest: str, suffix: str) -> str:
    return f"layers/{digest}/{zip_path.stem}{suffix}"
