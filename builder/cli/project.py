"""The settings of the project in whose folder a command runs."""

from pathlib import Path

from builder.base import settings_file
from builder.base.errors import UsageError
from builder.model import defaults
from builder.model.defaults import Defaults

_TOLERANT = {"lint", "doctor", "schema", "completion"}
"""Commands that tell what is wrong with the settings, or need none."""


def use_settings(command: str, *, required: bool) -> None:
    """Let the settings of the project hold. Raises UsageError for mistakes in them, if the command needs them."""
    defaults.use(None)
    try:
        defaults.use(_read())
    except UsageError as error:
        if required and command not in _TOLERANT:
            raise
        defaults.use(Defaults(error=error))


def _read() -> Defaults | None:
    file = settings_file.find(Path.cwd())
    if file is None:
        return None
    from builder.model import settings  # with pydantic, which is not needed where there is no file

    return settings.read(file)
