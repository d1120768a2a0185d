"""What the rest of layerwright knows of a step without knowing its kind."""

from typing import ClassVar


class Traits:
    """Base of every step's table."""

    __slots__ = ()

    languages: ClassVar[frozenset[str]] = frozenset()
    """The languages whose runtimes read what the step brings; empty if any runtime may use it."""

    @property
    def needs_engine(self) -> bool:
        """Whether the step runs in a container, as far as the recipe alone tells."""
        return False
