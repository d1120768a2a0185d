"""The one place where text becomes safe to show: what a step prints must not move the cursor or change the title."""

import re

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and other strings: titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]?"  # other escape sequences
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # C0 but tab and line feed, DEL, C1
    r"|[\u202a-\u202e\u2066-\u2069]"  # overrides of the direction of writing
)


def clean(text: str) -> str:
    """Return text without escape sequences, overrides of direction, and control characters but tab and line feed."""
    return text if text.isprintable() else _CONTROL.sub("", text)
