"""The pnpmfile of a project: code by which pnpm changes what packages need. It never runs; its hash is in the lock.

`.pnpmfile.cjs`, or those that `pnpmfile` in .npmrc or pnpm-workspace.yaml names. pnpm 8 keeps no hash of it.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.packages.npm import settings

_DEFAULTS = (".pnpmfile.cjs", ".pnpmfile.mjs")
_HOOKS = re.compile(r"\bhooks\b")
"""What a pnpmfile has that takes part. One without is not in the lock."""


def unfit(root: Path, locked: str, named: Sequence[str], *, ignored: bool, hashed: bool) -> Iterator[str]:
    """Yield how a pnpmfile is another than that of a lock, which has its hash, or an empty one for none.

    `named` are the files of pnpm-workspace.yaml, `ignored` tells whether that turns them off, `hashed` whether the
    version of the lock has the hash.
    """
    npmrc = {line.key: line.value for line in settings.lines_of(root / settings.NAME)}
    every = [named, [npmrc["pnpmfile"]] if npmrc.get("pnpmfile") else [], *([name] for name in _DEFAULTS)]
    paths = [[root / name for name in each] for each in every]
    there = [files for files in paths if files and all(path.is_file() for path in files)]
    if locked and not any(locked in _checksums(files) for files in there):
        now = f"{_shown(there[0])} is another" if there else "there is none"
        yield f"the lock was made with a pnpmfile: {now}"
    if not hashed or locked or ignored or not there or npmrc.get("ignore-pnpmfile") == "true":
        return
    if any(_HOOKS.search(path.read_text(encoding="utf-8", errors="replace")) for path in there[0]):
        yield f"{_shown(there[0])} changes what packages need, the lock was made without it"


def _shown(files: Sequence[Path]) -> str:
    return " and ".join(path.name for path in files)


def _checksums(files: Sequence[Path]) -> set[str]:
    """Return the hashes that pnpm 9, and those that newer ones make of pnpmfiles."""
    contents = [path.read_bytes().replace(b"\r\n", b"\n") for path in sorted(files)]
    sha256 = [_sha256(data) for data in contents]
    if len(contents) > 1:
        return {_sha256(",".join(sha256).encode())}
    md5 = base64.b32encode(hashlib.md5(contents[0], usedforsecurity=False).digest()).decode()
    return {sha256[0], md5.lower().rstrip("=")}


def _sha256(data: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
