"""What `layerwright update` proposes."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from builder.authoring.update import Proposal


def document(proposal: Proposal, branch: str | None, patch: Path | None) -> dict[str, Any]:
    """Return the JSON document: what is newer, what could not be looked up, and where the proposal was written."""
    return {
        "recipes": {update.recipe: [asdict(change) for change in update.changes] for update in proposal.updates},
        "images": [{"path": path, "old": old, "new": new} for path, old, new in proposal.pins],
        "tools": [asdict(change) for change in proposal.tools],
        "errors": {name: error.what for name, error in proposal.errors.items()},
        "branch": branch,
        "patch": patch and patch.as_posix(),
    }
