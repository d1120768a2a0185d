"""Advice about a failed step by what its output says: `[[step]]` and `[devel]` of `images/hints.toml`."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from builder.model.hints import StepHint, hints, installing

_LAST = 40
"""Lines at the end of an output that are looked through where the error that is shown says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do about a failed step."""

    shown: tuple[str, ...]
    """The lines that are shown as its error, with the one that says the cause."""
    hints: tuple[str, ...] = ()
    """Empty if nothing of its output is known."""


def of(lines: Sequence[str], shown: Sequence[str], packages: Collection[str]) -> Advice:
    """Return the advice about a step from its output, and the lines of it that are its error.

    These lines come first, then the last ones of the output, the last of all first. Packages that are not among those
    of the system are not named, unless these are not known.
    """
    last = [text.strip() for text in lines[-_LAST:]]
    for line in dict.fromkeys((*shown, *reversed(last))):
        for known in hints().step:
            if (found := known.found(line)) is not None:
                with_it = shown if line in shown else (line, *shown)
                return Advice(shown=tuple(with_it), hints=tuple(_advised(known, found, packages)))
    return Advice(shown=tuple(shown))


def _advised(known: StepHint, found: str, packages: Collection[str]) -> Iterator[str]:
    named = known.packages or ((package,) if (package := _development(known, found)) else ())
    if named and (not packages or set(named) <= set(packages)):
        yield installing(named)
    elif known.of or named:
        what = f"`{found}`" if found else "it"
        yield f"does a package of the system have {what}? If none has, a `source` step before it compiles it"
    if known.hint:
        yield known.hint.format(found)


def _development(known: StepHint, found: str) -> str | None:
    """Return the package that has what a pattern found; None if none is known."""
    for name, package in hints().devel.items():
        if known.of == "headers" and any(
            found == one or (one[-1] == "/" and found.startswith(one)) for one in package.headers
        ):
            return name
        if known.of in {"libraries", "modules"} and found in getattr(package, known.of):
            return name
    return None
