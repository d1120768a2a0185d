"""Frozen dataclasses whose methods are written when they are first called.

`dataclasses` writes and compiles six methods of each class when its module is imported, which is a third of what
starting costs, and most of them are never called in a command. These classes have the same fields and behave the same:
`dataclasses.replace`, `fields` and `asdict`, copies and pickles work. What differs is when `__init__` is compiled.
"""

import dataclasses
import operator
import reprlib
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, Literal, TypeVar

__all__ = ["dataclass"]
T = TypeVar("T")


def _init(self: object, *args: Any, **given: Any) -> None:  # noqa: ANN401  as `object.__init__` has them
    """Write the `__init__` of the class in which this one stands, and call it."""
    for cls in type(self).__mro__:
        if cls.__dict__.get("__init__") is _init:
            type.__setattr__(cls, "__init__", _written(cls))
            break
    type(self).__init__(self, *args, **given)  # now it is another one, whichever thread wrote it


def _written(cls: type) -> Callable[..., None]:
    """Return the `__init__` of a class, with its fields as keywords."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_ABSENT": MISSING}
    parameters, lines = [], []
    for field in dataclasses.fields(cls):
        name, value, default = field.name, field.name, ""
        if field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            default = f"=_default_{name}"
        elif field.default_factory is not MISSING:
            known[f"_make_{name}"] = field.default_factory
            default, value = "=_ABSENT", f"_make_{name}() if {name} is _ABSENT else {name}"
        parameters.append(f"{name}{default}")
        lines.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    listed = ", ".join(["self", *(["*", *parameters] if parameters else [])])
    exec("\n".join([f"def __init__({listed}):", *lines, " pass"]), known)  # noqa: S102  names of fields and nothing else
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


@reprlib.recursive_repr()
def _repr(self: Any) -> str:  # noqa: ANN401  a dataclass
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: object, other: object) -> bool:
    if other.__class__ is not self.__class__:
        return NotImplemented  # type: ignore[no-any-return]  # as object.__eq__ does
    compared = _compared(self.__class__)
    return bool(compared(self) == compared(other))


def _hash(self: object) -> int:
    return hash(_hashed(self.__class__)(self))


_COMPARED: dict[type, Callable[[object], object]] = {}
_HASHED: dict[type, Callable[[object], object]] = {}


def _compared(cls: Any) -> Callable[[object], object]:  # noqa: ANN401  a dataclass
    """Return what takes the values of an object that its equality is that of."""
    if cls not in _COMPARED:
        _COMPARED[cls] = _values([field.name for field in dataclasses.fields(cls) if field.compare])
    return _COMPARED[cls]


def _hashed(cls: Any) -> Callable[[object], object]:  # noqa: ANN401  a dataclass
    """Return what takes the values of an object that its hash is that of."""
    if cls not in _HASHED:
        fields = dataclasses.fields(cls)
        _HASHED[cls] = _values([each.name for each in fields if (each.compare if each.hash is None else each.hash)])
    return _HASHED[cls]


def _values(names: list[str]) -> Callable[[object], object]:
    """Return what takes several values of an object as a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _setattr(_: object, name: str, *__: object) -> None:
    msg = f"cannot assign to field {name!r}"
    raise FrozenInstanceError(msg)


def _delattr(_: object, name: str) -> None:
    msg = f"cannot delete field {name!r}"
    raise FrozenInstanceError(msg)


def _getstate(self: Any) -> list[object]:  # noqa: ANN401  a dataclass
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[object]) -> None:  # noqa: ANN401  a dataclass
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_METHODS: dict[str, Any] = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}


def _record(cls: type[T]) -> type[T]:
    own = vars(cls)
    for name, method in _METHODS.items():
        if name not in own or (name == "__hash__" and own[name] is None):  # that of a class with an `__eq__`
            setattr(cls, name, method)
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # else its signature, which takes longer than the rest
    return dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True, slots=True)(cls)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: Literal[True], kw_only: Literal[True], slots: Literal[True]) -> Callable[[type], type]:
        """Return the decorator, whose options are those of `dataclasses.dataclass`: a reader sees what holds."""
        if not (frozen and kw_only and slots):
            msg = "for frozen dataclasses with slots, whose fields are keywords"
            raise TypeError(msg)
        return _record
