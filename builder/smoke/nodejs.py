"""Tests of layers for Node.js: code as CommonJS or as a module, with the search path of Lambda."""

import re
from collections.abc import Sequence

from builder.base import programs

NODE = "/var/lang/bin/node"
_MODULE = re.compile(r"^\s*import\s+[\w{*'\"]", re.MULTILINE)


def is_module(code: str) -> bool:
    """Return whether code is a module: whether a line begins with an import declaration."""
    return _MODULE.search(code) is not None


def command(code: str, arguments: Sequence[str] = (), *, as_module: bool) -> list[str]:
    """Return the command that runs code."""
    if not as_module:
        return [NODE, "--input-type=commonjs", "-e", code, *arguments]
    search = "data:text/javascript," + "".join(f"%{byte:02x}" for byte in programs.text("smoke/search.mjs").encode())
    return [NODE, f"--import={search}", "--input-type=module", "-e", code, *arguments]
