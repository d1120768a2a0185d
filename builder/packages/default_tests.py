"""The tests that a layer has by itself: what they try, the notes that they leave, and how these are judged."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from builder.base import signals
from builder.base.frozen import dataclass

_TEXT = 300
"""Characters of what a program of others says that are kept."""
_LINES = 5
_NAMES = 8
_WORDS = 2048
"""Characters of what a process that ended has written that are kept."""
_FAR = 1 << 16
"""Characters before its end in which they are looked for."""
_END = re.compile(r"^layerwright-end=(?P<number>\d{1,5})$", re.MULTILINE)
"""What `smoke/again.sh` writes behind a process."""
OWN_LINES = ("layerwright-", signals.OF_QEMU)
"""How lines begin that tests write themselves to their standard error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedItem:
    """Something in a layer that a test tries: a module, a package, a file."""

    name: str
    kind: str = "first"
    """`first`: what functions name, in one process, whose time counts; others as the program of the test has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemError:
    """The error in which trying something ended, as the program of a test noted it."""

    text: str
    """Its kind and its message, on one line."""
    missing: tuple[str, ...] = ()
    """Modules or packages that were not found, on the way to it."""
    file: str | None = None
    """The compiled file that could not be loaded."""
    imports: bool = False
    """Whether a module says itself that it cannot be imported."""
    loads: bool = False
    """Whether the loader of the system refused a file."""
    trace: tuple[str, ...] = ()
    """Lines that show where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemOutcome:
    """What became of one item."""

    item: TriedItem
    tried: bool
    """False if the time was over before."""
    loaded: bool = False
    """Whether it was loaded already when its turn came."""
    error: ItemError | None = None
    ended: tuple[int, ...] = ()
    """Exit codes of the processes that it ended: at first together with what was tried before, then alone."""
    said: tuple[str, ...] = ()
    """The last lines that the last of these processes wrote to its standard error."""

    @property
    def crashed(self) -> bool:
        """Whether a signal ended the process: at once for what functions name, for the rest also when it was alone."""
        by_signal = [code for code in self.ended if code > signals.ABOVE and code != HUNG]
        return len(by_signal) > (0 if self.item.kind == "first" else 1)

    @property
    def fine(self) -> bool:
        return self.tried and self.error is None and not self.crashed and len(self.ended) < _ATTEMPTS


_ATTEMPTS = 2
HUNG = signals.ABOVE + 14
"""Exit code of a process that SIGALRM ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedCount:
    """How many of a kind were tried and work."""

    what: str
    """In the plural, for example `modules`."""
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What the notes of a test say."""

    tried: tuple[TriedCount, ...] = ()
    untried: tuple[str, ...] = ()
    """What was not, each with the reason."""
    failed: tuple[str, ...] = ()
    """Lines about what fails; none if the test passes."""
    code: int | None = None
    """Exit code of a process that ended early."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultTest:
    """A test that every layer with packages of an ecosystem gets: code in the runtime's language, which tries items."""

    what: str
    code: str
    items: tuple[TriedItem, ...]
    judge: Callable[[Sequence[ItemOutcome]], Judgement]
    does: str = "imported"
    """What fails to be done: `cannot be imported`."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What the program is told in addition."""

    def plan(self) -> bytes:
        """Return the file that the program reads."""
        items = [[item.name, item.kind] for item in self.items]
        return json.dumps({**self.more, "items": items}).encode()

    def judged(self, stdout: str, stderr: str = "") -> Judgement:
        """Return what the notes say that the program left."""
        return self.judge(outcomes(self.items, stdout, stderr))


def tried(kinds: Mapping[str, Iterable[str]]) -> tuple[TriedItem, ...]:
    """Return the items of names by their kinds, in their order."""
    return tuple(TriedItem(name=name, kind=kind) for kind, names in kinds.items() for name in names)


def outcomes(items: Sequence[TriedItem], stdout: str, stderr: str = "") -> tuple[ItemOutcome, ...]:
    """Return what became of each item, by notes of `smoke/again.sh`. What is no note of a known item is passed over."""
    said = last_words(stderr)
    words: dict[int, tuple[str, ...]] = {}
    processes = 0
    begun: set[int] = set()
    loaded: set[int] = set()
    errors: dict[int, ItemError] = {}
    ended: dict[int, list[int]] = {}
    last: int | None = None
    for word, number, *rest in _notes(stdout):
        processes += word == "end"
        if word == "end" and last is not None:
            ended.setdefault(last, []).append(number)
            words[last] = said.get(processes, ())
        elif word in {"begin", "loaded"} and 0 <= number < len(items):
            last = number
            (begun if word == "begin" else loaded).add(number)
        elif word == "fail" and 0 <= number < len(items) and rest and isinstance(rest[0], dict):
            errors[number] = _error(rest[0])
    return tuple(
        ItemOutcome(
            item=item,
            tried=number in begun or number in loaded,
            loaded=number in loaded,
            error=errors.get(number),
            ended=tuple(ended.get(number, ())),
            said=words.get(number, ()),
        )
        for number, item in enumerate(items)
    )


def last_words(stderr: str) -> dict[int, tuple[str, ...]]:
    """Return the last lines that each process of `smoke/again.sh` wrote, by its number, which stands behind them.

    A program of others can write such a line, too: then it has other words, and nothing else changes.
    """
    found: dict[int, tuple[str, ...]] = {}
    first = 0
    for match in _END.finditer(stderr):
        found[int(match["number"])] = _last_lines(stderr[max(first, match.start() - _FAR) : match.start()])
        first = match.end()
    return found


def _last_lines(text: str) -> tuple[str, ...]:
    """Return the last lines of others, as many as there is room for."""
    kept: list[str] = []
    room = _WORDS
    for line in reversed([line for line in text.splitlines() if line.strip() and not line.startswith(OWN_LINES)]):
        if len(kept) == _LINES or room <= 0:
            break
        kept.append(line[: min(_TEXT, room)])
        room -= len(kept[-1])
    return tuple(reversed(kept))


def _notes(stdout: str) -> Iterator[list[Any]]:
    for line in stdout.splitlines():
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(note, list) and len(note) > 1 and isinstance(note[0], str) and isinstance(note[1], int):
            yield note


def _error(said: Mapping[str, Any]) -> ItemError:
    file = said.get("file")
    return ItemError(
        text=" ".join(str(said.get("text", "")).split())[:_TEXT],
        missing=tuple(_strings(said.get("missing"))),
        file=file if isinstance(file, str) else None,
        imports=said.get("imports") is True,
        loads=said.get("loads") is True,
        trace=tuple(line[:_TEXT] for line in _strings(said.get("trace")))[-_LINES:],
    )


def _strings(value: object) -> Iterator[str]:
    yield from (each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def failures(failed: Sequence[ItemOutcome], does: str) -> tuple[str, ...]:
    """Return the lines about the first that failed, and last the names of all."""
    if not failed:
        return ()
    names = [outcome.item.name for outcome in failed]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return (*_lines(failed[0]), f"cannot be {does}: {' '.join(names[:_NAMES])}{more}")


def _lines(outcome: ItemOutcome) -> Iterator[str]:
    if outcome.crashed:
        yield from outcome.said
        yield f"{outcome.item.name}: {signals.ended(outcome.ended[-1])}"
    elif outcome.error:
        yield from outcome.error.trace or (f"{outcome.item.name}: {outcome.error.text}",)


def code(failed: Iterable[ItemOutcome]) -> int | None:
    """Return the exit code of the first process that ended early; None if none did."""
    return next((outcome.ended[-1] for outcome in failed if outcome.crashed), None)


def late(given: Sequence[ItemOutcome], what: str) -> Iterator[str]:
    """Yield how many there was no time for."""
    if left := [outcome for outcome in given if not outcome.tried]:
        yield f"{what} for lack of time ({len(left)})"


def named(given: Sequence[ItemOutcome], what: str, why: str, most: int = 3) -> Iterator[str]:
    """Yield how many were not judged for one reason, with the names of the first."""
    if given:
        names = ", ".join(outcome.item.name for outcome in given[:most])
        yield f"{what} {why} ({len(given)}: {names}{', ...' if len(given) > most else ''})"
