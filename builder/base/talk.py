"""What long operations tell the user while they run; `cli/terminal.py` implements it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol


class Talk(Protocol):
    """Receives notes, warnings, progress and tables. Rooms above `cli` are handed one and print nothing themselves."""

    def note(self, text: str) -> None:
        """Tell a fact, on one line."""

    def warn(self, text: str) -> None:
        """Tell a fact that the user should act on."""

    def working(self, what: str) -> AbstractContextManager[Callable[[str], None]]:
        """Show that work is going on; the yielded function replaces the text that is shown."""

    def group(self, title: str) -> AbstractContextManager[None]:
        """Fold what is told in the block, where the code host can do that."""

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show rows under a heading."""
