"""Where uv lies: the program of the package `uv`, which layerwright depends on."""

import threading

_ASKING = threading.Lock()


def path() -> str:
    """Return the path of uv.

    Several threads may be the first to ask, and the variables of Python's sysconfig, which the answer takes, are half
    there for all but one of them.
    """
    from uv import find_uv_bin

    with _ASKING:
        return find_uv_bin()
