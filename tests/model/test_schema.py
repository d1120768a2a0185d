import json
from pathlib import Path

from builder.model import schema

CHECKED_IN = Path(__file__).parents[2] / "images" / "recipe.schema.json"


def test_the_checked_in_schema_is_what_the_types_say() -> None:
    assert CHECKED_IN.read_text(encoding="utf-8") == schema.text(), "run `make schema`"


def test_editors_learn_the_runtimes_and_the_kinds_of_steps() -> None:
    document = json.loads(schema.text())
    assert "python3.13" in document["$defs"]["Targets"]["properties"]["runtimes"]["items"]["anyOf"][0]["enum"]
    assert set(document["properties"]["step"]["items"]["discriminator"]["mapping"]) == {
        *("packages", "pip", "npm", "gem", "maven", "cargo", "go", "source", "script", "copy")
    }
    assert document["$defs"]["Slim"]["additionalProperties"] is False
