"""Signals that ended a program in a container, by their numbers in Linux, which are not those of every host."""

from collections.abc import Sequence

ABOVE = 128
"""Exit codes of programs that signals end are above."""
_NAMES = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    5: "SIGTRAP",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    10: "SIGUSR1",
    11: "SIGSEGV",
    12: "SIGUSR2",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM",
    24: "SIGXCPU",
    25: "SIGXFSZ",
    31: "SIGSYS",
}
OF_QEMU = "qemu: uncaught target signal "
"""With it, emulation begins what it writes to the standard error of a program that a signal ends."""


def is_signal(code: int) -> bool:
    """Return whether an exit code is that of a program which a signal ended."""
    return code - ABOVE in _NAMES


def ended(code: int) -> str:
    """Return how a program ended, in words, by its exit code."""
    number = code - ABOVE
    return f"signal {number} ({_NAMES[number]}) ended the process" if number in _NAMES else f"exit code {code}"


def told(lines: Sequence[str], code: int | None) -> list[str]:
    """Return what to add to lines about a program that failed: a signal, or the exit code if there are no lines."""
    if code is None or (lines and not is_signal(code)):
        return []
    said = ended(code)
    return [] if any(line.endswith(said) for line in lines) else [said]
