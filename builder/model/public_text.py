"""Text that ends up in templates and at AWS: what somebody else writes there must stay text."""

import re
import unicodedata

from builder.base.rules import AfterValidator

_REFERENCE = re.compile(r"\{\s*\{\s*resolve\s*:", re.IGNORECASE)
_INVISIBLE = {"Cc", "Cf"}
"""Categories of characters that a reader does not see, and that a program may remove."""


def problem(value: str) -> str | None:
    """Return the problem of a text for AWS, or None.

    In a template of CloudFormation, `{{resolve:secretsmanager:...}}` becomes the secret itself: a description with it
    would show the secret to everybody who sees the layer.
    """
    if _REFERENCE.search(value if value.isascii() and value.isprintable() else _plain(value)) is None:
        return None
    return "`{{resolve:` is a dynamic reference, which CloudFormation replaces by a secret or parameter"


def _plain(value: str) -> str:
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", value)
        if character.isspace() or unicodedata.category(character) not in _INVISIBLE
    )


def _validated(value: str) -> str:
    if fault := problem(value):
        raise ValueError(fault)
    return value


PUBLIC = AfterValidator(_validated)
"""Marks the fields of a recipe that are public texts."""
