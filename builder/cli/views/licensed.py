"""The licenses of the packages in layers."""

from collections.abc import Sequence
from typing import Any

from builder.cli import terminal
from builder.model.manifest import document as document_of
from builder.report import legal
from builder.report.legal import LayerLicences


def show(layers: Sequence[LayerLicences], objections: Sequence[str], *, as_json: bool) -> None:
    """Print one row for each package, with the number of layers that contain it; or the JSON document."""
    if as_json:
        terminal.data(_document(layers, objections))
    else:
        terminal.table(("package", "version", "license", "layers"), legal.rows(layers))


def show_texts(layers: Sequence[LayerLicences]) -> None:
    """Print the texts of the licenses, each once."""
    for text in dict.fromkeys(text for layer in layers for text in legal.texts(layer)):
        terminal.text(text)


def _document(layers: Sequence[LayerLicences], objections: Sequence[str]) -> dict[str, Any]:
    """Return the JSON document: packages with licenses for each zip, and what breaks the policy."""
    rows = [{"zip": str(layer.path), "licences": [document_of(row) for row in layer.licences]} for layer in layers]
    return {"layers": rows, "objections": objections}
