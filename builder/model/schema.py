"""JSON schemas of recipes and of a project's settings, generated from the types, for editors."""

import json

from builder.base.adapters import adapter
from builder.model.recipe import Recipe


def text() -> str:
    """Return the schema of recipes in the form of the checked-in file."""
    return _text(Recipe, "layerwright recipe")


def of_settings() -> str:
    """Return the schema of `layerwright.toml` in the form of the checked-in file."""
    from builder.model.settings import ProjectSettings

    return _text(ProjectSettings, "layerwright settings")


def _text(cls: type, title: str) -> str:
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **adapter(cls).json_schema(by_alias=True),
        "title": title,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
