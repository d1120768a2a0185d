"""Classes of `frozen` beside those of `dataclasses` with the same fields: a caller sees no difference."""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

from builder.base import frozen

DECORATORS: dict[str, Any] = {"ours": frozen.dataclass, "of the library": dataclasses.dataclass}


def point(decorator: Callable[..., Any]) -> Any:
    @decorator(frozen=True, kw_only=True, slots=True)
    class Point:
        """A point."""

        kind: ClassVar[str] = "point"
        x: int
        y: int = 2
        tags: list[str] = dataclasses.field(default_factory=list, compare=False)
        shown: str = dataclasses.field(default="a", repr=False)
        rows: dict[str, int] = dataclasses.field(default_factory=dict, hash=False)

        @property
        def both(self) -> int:
            return self.x + self.y

    return Point


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Theirs:
    x: int
    y: tuple[int, ...] = ()


@frozen.dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    x: int
    y: tuple[int, ...] = ()


@frozen.dataclass(frozen=True, kw_only=True, slots=True)
class OursBelow(Ours):
    z: str = "z"


def shown(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def observed(cls: Any) -> list[object]:
    """Return what a caller can see of a class."""
    one, same, other = cls(x=1), cls(x=1, tags=["a"]), cls(x=1, shown="hidden")
    mistakes = []
    for wrong in (
        cls,
        lambda: cls(1),
        lambda: cls(x=1, unknown=2),
        lambda: setattr(one, "x", 2),
        lambda: delattr(one, "y"),
    ):
        with pytest.raises((TypeError, AttributeError)) as raised:
            wrong()
        mistakes.append(shown(raised.value))
    return [
        *(repr(one), repr(other), one == same, one == other, one != other, one == 1, hash(one) == hash(same)),
        *(dataclasses.asdict(other), dataclasses.astuple(one), dataclasses.replace(one, y=5).both, cls.kind),
        *([field.name for field in dataclasses.fields(cls)], cls.__slots__, cls.__match_args__, cls.__doc__),
        *(hash(one) == hash(cls(x=1, rows={"a": 1})), one != cls(x=1, rows={"a": 1})),
        *(one.tags is not cls(x=1).tags, cls.__name__, copy.copy(other) == other, copy.deepcopy(other).shown),
        *({one, same, other} == {one, other}, hasattr(one, "__dict__"), mistakes),
    ]


def test_a_caller_sees_no_difference() -> None:
    ours, theirs = (observed(point(decorator)) for decorator in DECORATORS.values())
    assert ours == theirs


@pytest.mark.parametrize("name", DECORATORS)
@pytest.mark.parametrize("names", [(), ("x",), ("x", "y")])
def test_any_number_of_fields_is_compared(name: str, names: tuple[str, ...]) -> None:
    annotations = dict.fromkeys(names, int)
    cls = DECORATORS[name](frozen=True, kw_only=True, slots=True)(type("Some", (), {"__annotations__": annotations}))
    value = cls(**dict.fromkeys(names, 1))
    assert value == cls(**dict.fromkeys(names, 1))
    assert hash(value) == hash((1,) * len(names))
    assert value != object()
    assert all(value != cls(**{**dict.fromkeys(names, 1), each: 2}) for each in names)


@pytest.mark.parametrize("value", [Ours(x=1, y=(2,)), Theirs(x=1, y=(2,)), OursBelow(x=1, z="a")])
def test_values_are_pickled(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  made here


def test_a_class_has_the_fields_of_its_base_and_is_not_equal_to_it() -> None:
    assert repr(OursBelow(x=1)) == "OursBelow(x=1, y=(), z='z')"
    assert OursBelow(x=1) != Ours(x=1)
    assert Ours(x=1) == Ours(x=1)


@pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)
def test_what_the_class_writes_itself_is_kept(decorator: Any) -> None:
    @decorator(frozen=True, kw_only=True, slots=True)
    class Written:
        x: int

        def __post_init__(self) -> None:
            if self.x < 0:
                msg = "below zero"
                raise ValueError(msg)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Written) and self.x % 10 == other.x % 10

        def __hash__(self) -> int:
            return self.x % 10

        def __repr__(self) -> str:
            return "own"

    own: Any = Written
    assert own(x=1) == own(x=11)
    assert {own(x=1), own(x=11)} == {own(x=1)}
    assert repr(own(x=1)) == "own"
    with pytest.raises(ValueError, match="below zero"):
        own(x=-1)


def test_threads_make_their_first_values_at_once() -> None:
    for _ in range(20):
        cls = point(frozen.dataclass)
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda number, cls=cls: cls(x=number), range(8)))
        assert [value.x for value in made] == list(range(8))


def test_a_value_may_hold_itself() -> None:
    items: list[object] = []
    value = Ours(x=1, y=items)  # type: ignore[arg-type]
    items.append(value)
    assert repr(value) == "Ours(x=1, y=[...])"


def test_other_dataclasses_are_refused() -> None:
    with pytest.raises(TypeError, match="frozen dataclasses with slots"):
        frozen.dataclass(frozen=True, kw_only=True, slots=False)
