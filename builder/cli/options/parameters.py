"""Commands by their signatures: a parameter is an option, an argument, or a bundle, a dataclass of them.

`typed` reads the annotations of a command: `Annotated[bool, Option("--json", ...)]`, or a subclass of `Bundle` whose
fields are annotated so. The type is written once: `bool` is a flag, a tuple repeats, `Literal` is a choice.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

import click
from click.core import ParameterSource

from builder.base.errors import UsageError
from builder.model import defaults

if TYPE_CHECKING:
    Kind = click.ParamType[Any]  # not generic before click 8.4

Command = Callable[..., None]
C = TypeVar("C", bound=Command)
Callback = Callable[[click.Context, click.Parameter, Any], object]
Complete = Callable[[click.Context, click.Parameter, str], list[str]]
"""What a shell offers for a word that is begun."""


class Mistake(NamedTuple):
    """Options that contradict each other, or lack one another."""

    what: str
    hint: str | None = None


class Bundle:
    """Base class of bundles, which are frozen dataclasses. A field is an option, an argument, or a bundle."""

    __slots__ = ()

    def mistakes(self) -> Iterable[Mistake]:
        """Return the combinations of values that make no sense. A command runs only without any."""
        return ()


@dataclass(frozen=True, slots=True)
class Option:
    """An option, as metadata of the annotation of a parameter or field, whose name and type it gets."""

    names: str
    """Separated by spaces: `--jobs -j`. A flag that can be negated has both names: `--pins/--no-pins`."""
    _: KW_ONLY
    about: str
    """Its help."""
    metavar: str | None = None
    default: object = None
    """The help shows a default that is a value, and not one that is a function."""
    kind: "Kind | None" = None
    """What restricts the type, for example to a range."""
    envvar: str | None = None
    setting: Literal["recipes", "output", "account", "bucket"] | None = None
    """The setting of the project that takes the place of the default."""
    callback: Callback | None = None
    complete: Complete | None = None
    alone: str | None = None
    """The value of an option that is given without one; None if it needs a value."""

    def decorator(self, name: str, annotation: object) -> Callable[[C], C]:
        inner, repeats = _inner_type(annotation)
        optional: dict[str, Any] = {} if self.alone is None else {"flag_value": self.alone}
        return click.option(
            *self.names.split(),
            name,
            help=self.about,
            metavar=self.metavar,
            default=_default(annotation) if self.default is None else self.default,
            show_default=self.default is not None and not callable(self.default),
            type=None if inner is bool else self.kind or _kind(inner),
            is_flag=inner is bool,
            multiple=repeats,
            envvar=self.envvar,
            callback=_settled(self.setting) if self.setting else self.callback,
            shell_complete=self.complete,
            **optional,
        )


def _settled(setting: str) -> Callback:
    """Return the callback of an option whose default may be a setting of the project."""

    def settled(context: click.Context, parameter: click.Parameter, value: object) -> object:
        given = context.get_parameter_source(str(parameter.name)) is not ParameterSource.DEFAULT
        found = None if given else getattr(defaults.current(), setting)
        return value if found is None else found

    return settled


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument, as metadata of an annotation. A tuple takes all that remain, at least one if `required`."""

    metavar: str
    _: KW_ONLY
    required: bool = True
    kind: "Kind | None" = None
    complete: Complete | None = None

    def decorator(self, name: str, annotation: object) -> Callable[[C], C]:
        inner, repeats = _inner_type(annotation)
        return click.argument(
            name,
            metavar=self.metavar,
            nargs=-1 if repeats else 1,
            required=self.required,
            type=self.kind or _kind(inner),
            shell_complete=self.complete,
        )


def typed(function: Command) -> Command:
    """Add the options and arguments of a command, which receives them as its annotations say.

    The command is not called if its bundles have mistakes: UsageError tells all of them.
    """
    annotations = {name: value for name, value in function.__annotations__.items() if name != "return"}

    @functools.wraps(function)
    def command(**values: object) -> None:
        received = {name: _received(name, annotation, values) for name, annotation in annotations.items()}
        refuse(mistake for value in received.values() for mistake in _mistakes(value))
        function(**received)

    for name, annotation, parameter in reversed(list(_flat(annotations))):
        command = parameter.decorator(name, annotation)(command)
    return command


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise UsageError with all mistakes, unless there are none."""
    every = list(mistakes)
    if not every:
        return
    hint = next((mistake.hint for mistake in every if mistake.hint), None)
    if len(every) == 1:
        raise UsageError(every[0].what, hint=hint)
    msg = f"{len(every)} mistakes in the options"
    raise UsageError(msg, why=[mistake.what for mistake in every], hint=hint)


def exclusive(given: Mapping[str, object], hint: str | None = None) -> Iterator[Mistake]:
    """Yield the mistake that more than one of these options is given; the values tell which are."""
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        yield Mistake(f"{', '.join(names[:-1])} and {names[-1]} are mutually exclusive", hint)


def dependent(given: Mapping[str, object], needed: str, hint: str | None = None) -> Iterator[Mistake]:
    """Yield a mistake for each of these options that is given, because it has no effect without another one."""
    yield from (Mistake(f"{name} requires {needed}", hint) for name, value in given.items() if value)


def without_terminal(what: str, instead: str) -> Iterator[Mistake]:
    """Yield the mistake that something on this terminal is asked for where there is none."""
    if not sys.stdin.isatty():
        yield Mistake(f"{what} needs a terminal, and there is none", instead)


def _is_bundle(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Bundle)


def _fields(bundle: Any) -> dict[str, Any]:  # noqa: ANN401  a subclass of Bundle
    return {field.name: field.type for field in dataclasses.fields(bundle)}


def _flat(annotations: Mapping[str, Any]) -> Iterator[tuple[str, object, Option | Argument]]:
    """Yield name, type and metadata of each option and argument, with those of bundles in their place."""
    for name, annotation in annotations.items():
        if _is_bundle(annotation):
            yield from _flat(_fields(annotation))
        elif get_origin(annotation) is Annotated:
            yield name, annotation.__origin__, annotation.__metadata__[0]
        else:
            msg = f"{name}: {annotation} is neither an option nor a bundle"
            raise TypeError(msg)


def _received(name: str, annotation: Any, values: Mapping[str, object]) -> object:  # noqa: ANN401  any annotation
    if not _is_bundle(annotation):
        return values[name]
    return annotation(**{field: _received(field, inner, values) for field, inner in _fields(annotation).items()})


def _mistakes(value: object) -> Iterator[Mistake]:
    if isinstance(value, Bundle):
        yield from value.mistakes()
        for name in _fields(value):
            yield from _mistakes(getattr(value, name))


def _inner_type(annotation: object) -> tuple[object, bool]:
    """Return the type of one value, and whether there may be several: `int` of `int | None` and `tuple[int, ...]`."""
    repeats = get_origin(annotation) is tuple
    optional = type(None) in get_args(annotation)
    return (get_args(annotation)[0] if repeats or optional else annotation), repeats


def _default(annotation: object) -> object:
    """Return the value of an option that is not given and has no default: nothing, of its type."""
    if annotation is bool:
        return False
    return () if get_origin(annotation) is tuple else None


def _kind(inner: object) -> "Kind | type | None":
    if get_origin(inner) is Literal:
        return click.Choice(get_args(inner))
    if inner is Path:
        return click.Path(path_type=Path)
    return inner if isinstance(inner, type) else None
