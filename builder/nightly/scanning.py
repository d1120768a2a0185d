"""Vulnerability scans of the bills of materials by an external scanner, also of layers that did not change."""

import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from builder.base import processes
from builder.base.errors import UsageError
from builder.nightly.records import Record

PLACEHOLDER = "{sbom}"
"""Stands for the path in the command line; without it, the path is appended."""
_LINES = 40
"""Lines of a scanner's output that are kept."""


def scan(command: str, output: Path, records: Iterable[Record], jobs: int) -> dict[str, tuple[str, ...]]:
    """Run the scanner on each layer's bill of materials; return, by slot, the output where it did not exit with 0.

    For example `grype sbom:{sbom} --fail-on high`, `trivy sbom --exit-code 1 {sbom}`, `osv-scanner --sbom {sbom}`.
    """
    words = words_of(command)
    paths = {record.slot: output / f"{record.target}.cdx.json" for record in records if record.zip}
    present = [(slot, path) for slot, path in paths.items() if path.is_file()]

    def run(path: Path) -> tuple[str, ...] | None:
        finished = processes.run([word.replace(PLACEHOLDER, str(path)) for word in words])
        if finished.returncode == 0:
            return None
        lines = [line for line in f"{finished.stdout}\n{finished.stderr}".splitlines() if line.strip()]
        return tuple(line[:300] for line in lines[:_LINES]) or (f"exit code {finished.returncode}",)

    with processes.pool(max(1, jobs)) as pool:
        outputs = list(pool.map(run, [path for _, path in present]))
    return {slot: lines for (slot, _), lines in zip(present, outputs, strict=True) if lines is not None}


def words_of(command: str) -> list[str]:
    """Return the command line as words, with a placeholder for the path.

    Raises UsageError when it cannot be split into words, or when its program does not exist.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        msg = f"--scan `{command}`: {error}"
        raise UsageError(msg) from None
    if not words or shutil.which(words[0]) is None:
        msg = f"--scan: there is no program `{words[0] if words else ''}`"
        raise UsageError(msg, hint="install a scanner that reads CycloneDX: grype, trivy, osv-scanner")
    return words if any(PLACEHOLDER in word for word in words) else [*words, PLACEHOLDER]
