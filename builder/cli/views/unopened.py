"""What tests never open of a layer, ready for a recipe."""

import json
from typing import Any

from builder.building.evidence import Evidence
from builder.cli import terminal
from builder.model.limits import MB


def document(evidence: Evidence) -> dict[str, Any]:
    """Return the evidence as JSON."""
    rows = [
        {"path": row.path, "pattern": row.pattern, "files": row.files, "bytes": row.bytes} for row in evidence.unopened
    ]
    return {
        "tests": evidence.tests,
        "own_tests": evidence.own,
        "files": evidence.files,
        "opened": evidence.opened,
        "bytes": evidence.bytes,
        "unopened": rows,
    }


def show(evidence: Evidence) -> None:
    """Print the lines for `recipe.toml`; what they are worth, and what they rest on, is told beside them."""
    if not evidence.unopened:
        terminal.note(f"the tests open all that is large: {evidence.opened} of {evidence.files} files")
        return
    terminal.text("[slim]\nprune = [\n")
    for row in evidence.unopened:
        # A code host's or a terminal's commands cannot be in it: names in TOML have no control characters.
        count = f", {row.files} files" if row.files > 1 else ""
        terminal.line(f"    {json.dumps(row.pattern)},  # {row.bytes / MB:.1f} MB{count}")
    terminal.text("]\n")
    saved = sum(row.bytes for row in evidence.unopened)
    terminal.note(
        f"{saved / MB:.1f} of {evidence.bytes / MB:.1f} MB were not opened by {evidence.tests} tests, which opened "
        f"{evidence.opened} of {evidence.files} files"
    )
    terminal.note("not seen: files that are only looked for or listed, and what your functions do beyond the tests")
