"""Finished layers in the shared cache, by the digest of their plan."""

import shutil
from pathlib import Path

from builder.base import cache_paths, files, remote
from builder.smoke import record

_BESIDE = (".cdx.json", ".json")
"""The files of a layer besides its zip. The manifest is uploaded last and read first, so it implies the others."""
_TESTS = record.SUFFIX
"""The record of tests comes along if there is one: it is bound to the zip, not to the plan."""


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
        if remote.fetch(_name(zip_path, digest, _TESTS), work / _TESTS):
            with files.replacing(zip_path.with_suffix(_TESTS)) as part:
                shutil.copyfile(work / _TESTS, part)
    return True


def upload(zip_path: Path, digest: str) -> None:
    """Upload a layer for other machines. Does nothing without a shared cache."""
    if remote.address() is None:
        return
    tests = (_TESTS,) if zip_path.with_suffix(_TESTS).is_file() else ()
    for suffix in (*tests, ".zip", *_BESIDE):
        remote.upload(_name(zip_path, digest, suffix), zip_path.with_suffix(suffix))


def _name(zip_path: Path, digest: str, suffix: str) -> str:
    return f"layers/{digest}/{zip_path.stem}{suffix}"
