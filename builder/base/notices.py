"""Warnings of code without a listener, such as caches. The command line prints them when a command ends."""

import threading

_lock = threading.Lock()
_pending: list[str] = []


def warn(text: str) -> None:
    """Keep a warning for the user. Safe for threads."""
    with _lock:
        _pending.append(text)


def take() -> tuple[str, ...]:
    """Return the warnings since the last call, each once, in their order."""
    with _lock:
        texts = tuple(dict.fromkeys(_pending))
        _pending.clear()
    return texts
