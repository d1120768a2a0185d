"""Pages of reference that are made of data: the keys of recipes, the runtimes, and what messages of failures mean."""

import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.model.hints import StepHint

_STEPS = ("Packages", "Pip", "Npm", "Gem", "Maven", "Build", "Cargo", "Go", "Script", "Copy")
"""The kinds of a step, in the order of the reference."""
_MOST = 10
"""Values of a key that are listed."""


def keys() -> str:
    """Return every table of a recipe with its keys, from the JSON schema of the types."""
    from builder.model import schema
    from builder.model.recipe import TABLES

    document = json.loads(schema.text())
    kinds = document["$defs"]
    lines: list[str] = []
    for table in TABLES:
        row = document["properties"][table]
        repeated = row.get("type") == "array"
        header = f"[[{table}]]" if repeated else f"[{table}]"
        if table == "step":
            for name in _STEPS:
                uses = kinds[name]["properties"]["uses"]["const"]
                lines += [f'## `[[step]]` with `uses = "{uses}"`', "", *_table(kinds[name], kinds), ""]
            continue
        lines += [f"## `{header}`", "", *_table(kinds[_named(row["items"] if repeated else row)], kinds), ""]
        if table == "test":
            lines += ["## `invoke` of a test", "", *_table(kinds["Invoke"], kinds), ""]
    return "\n".join([*lines, "## `when`", "", *_table(kinds["When"], kinds)])


def settings() -> str:
    """Return the keys of `layerwright.toml` by their tables, from the JSON schema of the types."""
    from builder.model import schema

    document = json.loads(schema.of_settings())
    kinds = document["$defs"]
    top = {"CacheSettings": "[cache]", "PublishSettings": "[publish]"}
    top |= {"FurtherCatalogue": "[[catalogue]]", "OwnRuntime": "[runtime.custom-NAME]"}
    plain = {key: row for key, row in document["properties"].items() if "$ref" not in json.dumps(row)}
    lines = ["| key | value | default | meaning |", "| --- | --- | --- | --- |", *_rows({"properties": plain}, kinds)]
    for name, header in top.items():
        lines += ["", f"### `{header}`", "", *_table(kinds[name], kinds)]
    return "\n".join(lines)


def variables() -> str:
    """Return the variables of the environment with their meanings, and the setting that stands in for each."""
    from builder.base import environment

    stands_in = {
        "LAYERWRIGHT_CACHE": "cache.folder",
        "LAYERWRIGHT_CACHE_GB": "cache.gb",
        "LAYERWRIGHT_RECIPES": "recipes",
        "LAYERWRIGHT_BUCKET": "publish.bucket",
        "LAYERWRIGHT_REGISTRY": "registry",
    }
    lines = ["| variable | meaning | in layerwright.toml |", "| --- | --- | --- |"]
    for name, meaning in environment.VARIABLES.items():
        lines.append(f"| `{name}` | {meaning} | {f'`{stands_in[name]}`' if name in stands_in else ''} |")
    return "\n".join(lines)


def _named(row: dict[str, Any]) -> str:
    return str(row["$ref"]).rpartition("/")[2]


def _table(kind: dict[str, Any], kinds: dict[str, Any]) -> Iterator[str]:
    yield str(kind["description"]).replace("\n\n", " ").replace("\n", " ")
    yield from ("", "| key | value | default | meaning |", "| --- | --- | --- | --- |")
    yield from _rows(kind, kinds)


def _rows(kind: dict[str, Any], kinds: dict[str, Any]) -> Iterator[str]:
    needed = kind.get("required", [])
    for key, row in kind["properties"].items():
        if key == "uses":
            continue
        default = "needed" if key in needed else _default(row)
        cells = (f"`{key}`", _type(row, kinds), default, row["description"].replace("|", "\\|"))
        yield f"| {' | '.join(cells)} |"


def _type(row: dict[str, Any], kinds: dict[str, Any]) -> str:
    if "enum" in row:
        values = [f"`{value}`" for value in row["enum"]]
        return ", ".join(values if len(values) <= _MOST else [*values[:2], "…"])
    if "$ref" in row:
        return "table"
    if "anyOf" in row:
        return " or ".join(dict.fromkeys(_type(each, kinds) for each in row["anyOf"] if each.get("type") != "null"))
    kind = str(row.get("type", "any"))
    if kind == "array":
        return f"list of {_type(row['items'], kinds)}"
    return {"string": "text", "boolean": "`true`, `false`", "integer": "number", "object": "table"}.get(kind, kind)


def _default(row: dict[str, Any]) -> str:
    value = row.get("default")
    if value is None or value in ([], {}):
        return ""
    return f"`{json.dumps(value)}`"


def runtimes() -> str:
    """Return Lambda's runtimes with system, language and dates."""
    from builder.model import runtimes as model

    lines = ["| runtime | system | deprecated | functions cannot be updated from |", "| --- | --- | --- | --- |"]
    for one in model.of_lambda().values():
        name = f"`{one.name}`{' (preview)' if one.preview else ''}"
        lines.append(f"| {name} | {one.os.title} | {one.deprecated or ''} | {one.block_update or ''} |")
    return "\n".join(lines)


def messages() -> str:
    """Return what failed builds and tests print, each with what to do."""
    from builder.model.hints import hints

    found = hints()
    parts = {
        "A test of a layer fails": [(row.example, row.hint) for row in found.test],
        "A step of a build fails": [(row.example, _advice(row)) for row in found.step],
        "The container of a build fails": [
            (failure.signs[0].example, failure.hint) for failure in (getattr(found.build, name) for name in _failures())
        ],
    }
    lines: list[str] = []
    for title, rows in parts.items():
        lines += [f"## {title}", "", "| the output has | what to do |", "| --- | --- |"]
        lines += [f"| {_code(example.strip())} | {_cell(hint)} |" for example, hint in rows]
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _failures() -> list[str]:
    from builder.model.hints import BuildFailures

    return [field.name for field in dataclasses.fields(BuildFailures)]


def _advice(row: "StepHint") -> str:
    from builder.model.hints import installing

    told = [row.hint or "", installing(row.packages) if row.packages else ""]
    brought = f"the error names the package of Amazon Linux that has these {row.of}" if row.of else ""
    return "; ".join(filter(None, (*told, brought)))


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    pad = " " if fence == "``" else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("{0}", "…").replace("{1}", "…")
