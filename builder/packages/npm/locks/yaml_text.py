"""YAML as pnpm and Yarn write it: tables and lists of texts, without anchors, tags or types of its own."""

from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BeforeValidator, ValidationError

from builder.base.adapters import adapter
from builder.base.errors import UsageError
from builder.packages.ecosystem import unreadable

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""libyaml is a tenfold faster. All values are texts: `1.10` stays what it is."""
_SHOWN = 5
_MOST_VALUES = 2_000_000
T = TypeVar("T")
Table = Annotated[dict[str, T], BeforeValidator(lambda value: value or {})]
"""A table, or nothing after its key."""


def read(kind: type[T], text: str, where: str, what: str, command: str | None = None) -> T:
    """Return a document as a type. Raises UsageError for one that is not YAML, or has other types.

    `what` names its kind, and `command` writes it.
    """
    try:
        value: T = adapter(kind).validate_python(_plain(text))
        return value  # noqa: TRY300  each failure has its own reason
    except yaml.YAMLError as error:
        why = [line.strip() for line in str(error).splitlines() if line.strip()]
    except ValidationError as error:
        why = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:_SHOWN]]
    except (ValueError, RecursionError) as error:
        why = [str(error)]
    if command:
        raise unreadable(where, what, why, command)
    msg = f"{where} is not a valid {what}"
    raise UsageError(msg, why=why)


def _plain(text: str) -> Any:  # noqa: ANN401
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _refuse_aliases(node)
        return loader.construct_document(node) if node is not None else {}
    finally:
        loader.dispose()


def _refuse_aliases(root: yaml.Node | None) -> None:
    """Raise ValueError if a value stands in two places, which could make a small text a large document."""
    seen: set[int] = set()
    queue = [root]
    while queue:
        node = queue.pop()
        if id(node) in seen or len(seen) > _MOST_VALUES:
            msg = "it has aliases, or too many values"
            raise ValueError(msg)
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            queue += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            queue += node.value
