"""The results of tests, without what runs them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeResult:
    """A test that passed."""

    what: str
    runtime: str
    arch: str
    seconds: float
    """Duration from the creation of the container to its exit."""
    cold_ms: float | None
    """Milliseconds that the imports, or the first invocation, took in a new process; None if not measured."""
    emulated: bool
    """Whether the layer's architecture was emulated, which makes the times unreliable."""

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}
