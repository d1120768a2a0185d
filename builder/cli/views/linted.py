"""The result of `layerwright lint` for programs."""

from collections.abc import Sequence

from builder import __version__
from builder.authoring import lint
from builder.authoring.lint import LintResult
from builder.cli import terminal
from builder.model import defaults


def show(results: Sequence[LintResult], *, as_sarif: bool) -> None:
    """Print what was found in the settings and in each recipe, as JSON or as SARIF."""
    settings = defaults.current().error
    notes = list(lint.mistakes(settings, lint.SETTINGS)) if settings else []
    notes += (note for result in results for note in result.notes)
    if as_sarif:
        terminal.document(lint.sarif_document(__version__, notes))
    else:
        terminal.data({"recipes": len(results), "notes": [note.as_json() for note in notes]})
