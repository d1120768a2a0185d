"""JSON schema of recipes, generated from the types, for completion and validation in editors."""

import json

from builder.model.decode import adapter
from builder.model.recipe import Recipe


def text() -> str:
    """Return the schema in the form of the checked-in file."""
    schema = adapter(Recipe).json_schema(by_alias=True)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "layerwright recipe",
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
