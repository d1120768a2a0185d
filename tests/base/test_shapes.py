"""Plain data read without pydantic, compared with pydantic: what it takes, pydantic takes as the same value.

It is a shortcut, so its mistakes would be values that were never validated. Each key of recipes, settings, tools,
manifests and records of nights gets values of other types and of other texts, and both are asked.
"""

import copy
import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import pytest
from kit.commands import ROOT

from builder.base import plain, rules, shapes, texts
from builder.base.adapters import adapter
from builder.base.errors import LayerwrightError
from builder.base.frozen import dataclass
from builder.base.values import StoredFileName, StoredFolder, StoredSha256
from builder.model.acceleration import NativePrograms
from builder.model.hints import Hints
from builder.model.loaded_by_name import LoadedByName
from builder.model.manifest import Manifest
from builder.model.recipe import Recipe
from builder.model.settings import ProjectSettings
from builder.model.tools import Tools
from builder.nightly.records import Record
from builder.packages.pypi.pylock import LockedPackage

REFUSED = "refused"
MOST_ROWS, MOST_KEYS = 2, 40
OTHERS: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        1.0,
        1.5,
        10**30,
        float("nan"),
        "",
        "x",
        "1",
        "true",
        "2.0",
        " x",
        "x\n",
        "é",
        "\x1f",
    ),
    *("../x", "/x", "a/b", "a" * 300, "{name}", "{none}", "amd64", "aarch64", "python3.13", "python9.9", "al2", "auto"),
    *("https://example.org", "0" * 64, "0" * 40, f"{'0' * 64}\n", "account:123456789012", "٣", "pip", "latest"),
    *(
        [],
        [""],
        ["x"],
        [1],
        ["x", "x"],
        [[]],
        [{}],
        {},
        {"x": "x"},
        {"x": 1},
        {"name": "x"},
        {1: "x"},
        dt.date(2026, 1, 2),
    ),
)


def toml(path: Path) -> dict[str, Any]:
    return texts.parse_toml(path.read_text(encoding="utf-8"))


@cache
def recipes() -> list[dict[str, Any]]:
    return [toml(path) for path in sorted((ROOT / "recipes").glob("*/recipe.toml"))]


SETTINGS = {
    "runtimes": ["python3.13"],
    "architectures": ["arm64"],
    "recipes": "layers",
    "registry": "mirror.example.com:5000/amazon",
    "cache": {"folder": "~/layerwright", "gb": 20},
    "publish": {"account": "123456789012", "regions": ["eu-west-1"], "share": ["public"], "bucket": "a-{region}"},
    "catalogue": [{"git": "https://example.org/a", "commit": "0" * 40}, {"folder": "more"}],
    "runtime": {"custom-a": {"image": "a:1", "os": "al2023", "build-image": "b:1", "directories": ["a"]}},
}
ROW = {"name": "a", "version": "1", "ecosystem": "pypi", "route": "wheel", "file": "a.whl", "sha256": "0" * 64}
THING: dict[str, Any] = {
    "version": 1,
    "name": "a",
    "layer_version": "1",
    "description": "d",
    "license": "MIT",
    "target": "a-1-python3.13-arm64",
    "runtimes": ["python3.13"],
    "architectures": ["arm64"],
    "os": "al2023",
    "route": "wheel",
    "locked": True,
    "bytecode": None,
    "zip": {"path": "a.zip", "bytes": 1, "sha256": "0" * 64, "code_sha256": "A" * 43 + "="},
    "unzipped_bytes": 2,
    "files": 3,
    "abi": {"glibc": "2.17", "glibcxx": None, "cxxabi": None},
    "packages": [{**ROW, "git": "https://example.org", "commit": "0" * 40}],
    "libraries": [{"soname": "liba.so.1", "bytes": 3, "package": "a"}],
    "sources": [{"name": "a", "url": "https://example.org"}],
    "licences": [{"package": "a", "version": "1", "license": "MIT", "texts": ["a/LICENSE"]}],
    "savings": [{"rule": "tests", "files": 1, "bytes": 2}],
    "findings": [
        {
            "check": "size",
            "severity": "error",
            "path": None,
            "message": "m",
            "hint": "h",
            "details": [],
            "allowed": None,
        }
    ],
    "plan_digest": "0" * 64,
    "image": {"name": "i", "digest": f"sha256:{'0' * 64}"},
    "build_image": None,
    "homepage": "https://example.org",
    "environment": [{"name": "A", "value": "b", "why": "c"}],
}
RECORD = {
    "slot": "a",
    "target": "a-1",
    "recipe": "a",
    "layer_version": "1",
    "runtimes": ["x"],
    "architectures": ["y"],
    "description": "d",
    "version": 1,
    "inputs": {"a": "b"},
    "tried": {},
    "revision": 2,
    "zip": {"sha256": "0", "bytes": 1, "mtime_ns": 2},
    "last": {
        "run": "1",
        "at": "now",
        "status": "failed",
        "reasons": ["r"],
        "seconds": 1.5,
        "stages": {"a": 1},
        "failure": {"what": "w", "why": ["a"], "exit_code": 4},
    },
    "manifest": THING,
    "content": [["a", 1]],
    "changes": [{"a": [1]}],
    "tests": [],
}
LOCKED = [
    {"name": "a", "version": "1", "wheels": [{"name": "a.whl", "size": 1, "hashes": {"sha256": "0" * 64}}]},
    {"name": "b", "vcs": {"url": "https://example.org", "commit-id": "0" * 40}},
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    kind: Literal["inner"]
    number: Annotated[float, rules.Field(gt=0, le=10)] = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Second:
    kind: Literal["second", "third"]
    level: Annotated[int, rules.Field(ge=0, lt=5)] = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """Forms that no document of layerwright has all of."""

    text: Annotated[str | None, rules.Field(pattern="^[a-z]+$", min_length=1, max_length=3, alias="the-text")] = None
    either: bool | int | Annotated[str, rules.Field(pattern=r"^\w$")] | tuple[int, str] | None = None
    choice: Literal["a", 1, True] = "a"
    flag: rules.StrictBool = False
    rows: list[Inner | None] = field(default_factory=list)
    tagged: Annotated[Inner | Second, rules.Field(discriminator="kind")] | None = None
    by_name: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unknown: Inner | Second | None = None
    digest: StoredSha256 | None = None
    file: StoredFileName = "a"
    folder: StoredFolder = field(default_factory=Path)
    place: Path = field(default_factory=Path)
    day: dt.date | None = None


EVERYTHING: dict[str, Any] = {
    "the-text": "ab",
    "either": "a",
    "choice": "a",
    "flag": True,
    "rows": [{"kind": "inner", "number": 2}, None],
    "tagged": {"kind": "third", "level": 1},
    "by_name": {"a": [1, 2.5]},
    "unknown": {"kind": "second"},
    "digest": "0" * 64,
    "file": "a.whl",
    "folder": "/a",
    "place": "a/b",
    "day": dt.date(2026, 1, 2),
}
DOCUMENTS: dict[str, tuple[Any, list[Any]]] = {
    "recipes": (Recipe, recipes()),
    "settings": (ProjectSettings, [SETTINGS]),
    "tools": (Tools, [toml(ROOT / "images" / "tools.toml")]),
    "programs": (NativePrograms, [toml(ROOT / "images" / "acceleration.toml")]),
    "hints": (Hints, [toml(ROOT / "images" / "hints.toml")]),
    "names": (LoadedByName, [toml(ROOT / "images" / "loaded-by-name.toml")]),
    "manifests": (Manifest, [THING]),
    "records": (Record, [RECORD]),
    "locked packages": (tuple[LockedPackage, ...], [LOCKED]),
    "everything": (Everything, [EVERYTHING]),
}
LARGE = {"hints", "tools"}
"""Of many rows, all of whose rules others have, too."""
OF_PYDANTIC = {"everything"}
"""What has a part that the shortcut leaves to pydantic."""


def replaced(value: Any) -> Iterator[Any]:
    """Yield values instead of one: of other types, with another key or without one, or longer."""
    yield from copy.deepcopy(OTHERS)
    if isinstance(value, dict):
        yield {**value, "unknown-key": 1}
        yield {**value, 1: 1}
        yield from ({name: each for name, each in value.items() if name != key} for key in value)
    elif isinstance(value, list):
        yield [*value, *value]


def mutations(value: Any, seen: set[tuple[Any, ...]], path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield copies of a document with another value in one place, for each place whose path has not been seen."""
    shape = tuple("[]" if isinstance(part, int) else part for part in path)
    if shape not in seen:
        seen.add(shape)
        yield from replaced(value)
    if isinstance(value, dict):
        for key in value:
            for changed in mutations(value[key], seen, (*path, key)):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for changed in mutations(item, seen, (*path, index)):
                yield [*value[:index], changed, *value[index + 1 :]]


def shortened(value: Any) -> Any:
    """Return a document without the later of its many rows, which have the same keys."""
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in list(value.items())[:MOST_KEYS]}
    return [shortened(each) for each in value[:MOST_ROWS]] if isinstance(value, list) else value


def by_pydantic(read: Any, data: object) -> str:
    try:
        return repr(read(data))
    except pydantic.ValidationError:
        return REFUSED
    except LayerwrightError as error:
        return f"{error}"


def ours(read: Any, hint: object, data: object) -> str | None:
    """Return what the shortcut makes of data; None if it leaves it to pydantic."""
    try:
        return repr(read(hint, data))
    except shapes.UnclearError:
        return None
    except LayerwrightError as error:
        return f"{error}"


@pytest.mark.parametrize("what", DOCUMENTS)
def test_what_is_right_is_read_without_pydantic(what: str) -> None:
    hint, documents = DOCUMENTS[what]
    for document in documents:
        found = ours(shapes.read, hint, document)
        assert (found is None) == (what in OF_PYDANTIC)
        assert found in {None, by_pydantic(adapter(hint).validate_python, document)}


@pytest.mark.parametrize("what", [name for name in DOCUMENTS if name not in LARGE])
def test_what_is_taken_is_what_pydantic_takes(what: str) -> None:
    hint, documents = DOCUMENTS[what]
    seen: set[tuple[Any, ...]] = set()
    taken = 0
    for document in documents:
        for changed in mutations(shortened(document), seen):
            found = ours(shapes.read, hint, copy.deepcopy(changed))
            if found is not None:
                taken += 1
                assert found == by_pydantic(adapter(hint).validate_python, changed), changed
    assert taken or what in OF_PYDANTIC


def test_a_manifest_without_a_key_is_none_for_pydantic_either() -> None:
    absent = 0
    for changed in mutations(THING, set()):
        try:
            shapes.read(Manifest, changed)
        except shapes.AbsentError:
            absent += 1
            with pytest.raises(pydantic.ValidationError):
                adapter(Manifest).validate_json(json.dumps(changed, default=str), strict=True)
        except shapes.UnclearError:
            pass
    assert absent


@pytest.mark.parametrize("what", ["manifests", "records", "everything"])
def test_json_is_taken_as_pydantic_takes_it(what: str) -> None:
    hint, documents = DOCUMENTS[what]
    for changed in mutations(documents[0], set()):
        text = json.dumps(changed, default=str).encode()
        found = ours(plain.from_json, hint, text)
        if found is None:
            continue
        assert found == by_pydantic(adapter(hint).validate_json, text)
        if what == "manifests":
            assert found == by_pydantic(lambda data: adapter(hint).validate_json(data, strict=True), text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            b'{"a": "\\ud800"}',
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b"\xff\xfe{\x00}\x00",
            b"\xef\xbb\xbf{}",
            b"{",
            b"",
            b"\xff",
        ),
        *(b'{"a": "\x01"}', b"[" * 100_000, b'{"a": ' + b"1" * 10_000 + b"}"),
    ],
)
def test_json_that_parsers_disagree_on_is_left_to_pydantic(text: bytes) -> None:
    with pytest.raises(shapes.UnclearError):
        plain.loads(text)


VALUES = [
    *(adapter(hint).validate_python(document) for hint, (document,) in [DOCUMENTS["manifests"], DOCUMENTS["records"]]),
    Inner(kind="inner", number=0.1),
    Second(kind="third"),
    Everything(text='a\u2028"é', place=Path("a") / "b", folder=Path("/c")),
    adapter(tuple[LockedPackage, ...]).validate_python(LOCKED)[1],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("indent", [None, 2])
def test_values_are_written_as_pydantic_writes_them(value: Any, indent: int | None) -> None:
    try:
        written = plain.to_json(value, indent=indent)
    except shapes.UnclearError:
        return
    assert written == adapter(type(value)).dump_json(value, indent=indent)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_has_no_number_for_is_left_to_pydantic(number: float) -> None:
    with pytest.raises(shapes.UnclearError):
        plain.to_json(Inner(kind="inner", number=number))


def test_a_field_that_is_never_stored_is_left_to_pydantic() -> None:
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Hidden:
        address: Annotated[str | None, rules.Field(exclude=True)] = None

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Above:
        rows: tuple[Hidden, ...] = ()
        inner: tuple[Annotated[str, rules.PlainSerializer(str.upper)], ...] = ()

    for value in (Hidden(address="secret"), Above(rows=(Hidden(address="secret"),)), Above()):
        with pytest.raises(shapes.UnclearError):
            plain.to_json(value)


def test_a_rule_of_others_is_left_to_pydantic() -> None:
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Foreign:
        number: Annotated[int, pydantic.Field(ge=3)] = 3
        text: Annotated[str, pydantic.AfterValidator(str.upper)] = "A"

    assert ours(shapes.read, Foreign, {"number": 4}) is None
    assert ours(shapes.read, Foreign, {"text": "b"}) is None
    assert ours(shapes.read, Foreign, {}) == repr(Foreign())


def test_rules_have_the_names_and_the_meaning_of_pydantic() -> None:
    translated = {field.name: field for field in dataclasses.fields(Everything)}
    assert adapter(Everything).validate_python(EVERYTHING).text == "ab"
    assert "FieldInfo" in repr(translated["text"].type)
