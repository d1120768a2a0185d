"""Lets a Python of the engine's architecture build for this container's: `toolchain.sh` lays it over the image's own.

Interpreter, standard library, headers and folders are those of the image; only the interpreter's own machine code and
its extension modules are the engine's. Whoever asks which machine this is, is told the container's, so that names, tags
and compiler flags are what an emulated Python gives. uv alone hears the truth: what it installs to build with must run
here. It asks with a script of its own, in a process of its own.
"""

import os
import sys

MACHINE = "@MACHINE@"


def _uv_asks() -> bool:
    with open("/proc/self/cmdline", "rb") as stream:  # noqa: PTH123  every Python starts with this; pathlib is slow
        return b"get_interpreter_info" in stream.read()


def _uname() -> os.uname_result:
    return os.uname_result((*_true_uname()[:4], MACHINE))


# The name of sysconfig's data, of which only that of this container is there.
sys.implementation._multiarch = f"{MACHINE}-linux-gnu"  # type: ignore[attr-defined]  # noqa: SLF001
_true_uname = os.uname
if not _uv_asks():
    os.uname = _uname
