"""Advice about a failed step by what its output says: `[[step]]` and `[devel]` of `images/hints.toml`."""

import re
from collections.abc import Collection, Iterator, Sequence

from builder.base import foreign
from builder.base.errors import BuildError
from builder.base.frozen import dataclass
from builder.model.hints import StepHint, hints, installing

_LACKS = re.compile(
    r"(?i)not found|no such file|\b(?:could ?n[o']t|cannot|can't|unable to|failed|missing|is not installed)\b|"
    r"fall(?:ing)? ?back|pure[- ]python|without (?:the )?(?:extension|speedups|acceleration)"
)
"""Lines in which a build says that it goes on without something."""
_TOLD = 4
"""Of them, those that are shown."""
_LAST = 40
"""Lines at the end of an output that are looked through where the error that is shown says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do about a failed step."""

    shown: tuple[str, ...]
    """The lines that are shown as its error, with the one that says the cause."""
    hints: tuple[str, ...] = ()
    """Empty if nothing of its output is known."""
    packages: tuple[str, ...] = ()
    """Those of the system that the hints propose."""


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
                proposed = _proposed(known, found, packages)
                hints_ = tuple(_advised(known, found, proposed))
                return Advice(shown=tuple(with_it), hints=hints_, packages=proposed)
    return Advice(shown=tuple(shown))


def of_fallback(lines: Sequence[str]) -> BuildError:
    """Return the error for a wheel whose build said this, and went on in pure Python."""
    said = [foreign.output(line.strip()) for line in lines if line.strip()]
    tools = {line: name for line in said for name in hints().build.no_tool.named(line)}
    telling = [line for line in said if line in tools or _LACKS.search(line)]
    advised = of(said, telling[:_TOLD], ())
    packages = sorted({word for name in tools.values() for word in hints().packages_of.get(name, "").split()})
    installed = [installing(packages)] if packages else []
    return BuildError(
        "it fell back to pure Python, because its build lacked something",
        why=(advised.shown or said[-_TOLD:])[:_TOLD],
        hint="; ".join(dict.fromkeys((*installed, *advised.hints))) or None,
    )


def _proposed(known: StepHint, found: str, packages: Collection[str]) -> tuple[str, ...]:
    """Return the packages that have what is missing; none if the system is known not to have them."""
    named = known.packages or ((package,) if (package := _development(known, found)) else ())
    return named if not packages or set(named) <= set(packages) else ()


def _advised(known: StepHint, found: str, proposed: tuple[str, ...]) -> Iterator[str]:
    if proposed:
        yield installing(proposed)
    elif known.of or known.packages:
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
