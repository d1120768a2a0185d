"""A listener that keeps what it hears."""

from dataclasses import dataclass, field

from builder.base.events import Event


@dataclass
class Heard:
    events: list[Event] = field(default_factory=list)

    def receive(self, event: Event) -> None:
        self.events.append(event)

    def of(self, *kinds: type[Event]) -> list[Event]:
        """Return the events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def words(self) -> list[str]:
        return [event.words for event in self.events]
