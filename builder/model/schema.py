"""The recipe's JSON schema, generated from the types; editors use it for completion and mistakes as you type."""

import json

from builder.model.decode import adapter
from builder.model.recipe import Recipe


def text() -> str:
    """Return the schema as it is checked in."""
    schema = adapter(Recipe).json_schema(by_alias=True)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "layerwright recipe",
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
